"""/proc/swaps (proc_swaps(5); swap_show() in mm/swapfile.c)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/swaps"
_HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
_NAME_COLUMNS = 40


@dataclass(frozen=True)
class Swap:
    """One swap area; `type` is "partition" or "file", `filename` is without the file's octal escapes."""

    filename: str
    type: str
    size_kib: int
    used_kib: int
    priority: int


def parse(text: str) -> tuple[Swap, ...]:
    """Read the text of /proc/swaps, also with the narrower header of older kernels; ParseError."""
    header, *rows = seq_file.lines(_SOURCE, text) or [""]
    if header.split() != _HEADER.split():
        raise ParseError(_SOURCE, header, "not the header line")
    return tuple(_parse_row(row) for row in rows)


def format(swaps: Iterable[Swap]) -> str:
    """The text as a current kernel would write it; the header is always there."""
    return _HEADER + "".join(map(_format_row, swaps))


def _parse_row(row: str) -> Swap:
    filename, _, rest = row.replace("\t", " ").partition(" ")  # a name's own spaces and tabs are escaped
    try:
        type_, size_kib, used_kib, priority = rest.split()
        if not filename:
            raise ValueError(row)
        sign = -1 if priority.startswith("-") else 1
        return Swap(
            seq_file.unescape(filename),
            type_,
            seq_file.unsigned(size_kib),
            seq_file.unsigned(used_kib),
            sign * seq_file.unsigned(priority.removeprefix("-")),
        )
    except ValueError:
        raise ParseError(_SOURCE, row) from None


def _format_row(swap: Swap) -> str:
    filename = seq_file.escape(swap.filename)
    pad = " " * max(_NAME_COLUMNS - len(filename.encode(errors="surrogateescape")), 1)  # the kernel counts bytes
    columns = (swap.type, str(swap.size_kib), str(swap.used_kib))
    return f"{filename}{pad}{''.join(map(_two_tabs_wide, columns))}{swap.priority}\n"


def _two_tabs_wide(word: str) -> str:
    """The word and one tab if it passes the first tab stop, else two."""
    return f"{word}\t" if len(word) >= 8 else f"{word}\t\t"
