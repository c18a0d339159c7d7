"""/proc/meminfo (proc_meminfo(5); fs/proc/meminfo.c, mm/hugetlb.c, each architecture's arch_report_meminfo())."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/meminfo"


@dataclass(frozen=True)
class MemInfo:
    """The lines of /proc/meminfo in the file's order: kB, but pages for HugePages_*. Read only.

    `odd_lines` has the printf form of each line that is not laid out as they all are, by name:
    some kernels have a tab behind SecPageTables, or one space too many behind powerpc's DirectMap64k.
    """

    values: Mapping[str, int]
    odd_lines: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> MemInfo:
    """Read the text of /proc/meminfo; lines that are not known are kept too. ParseError."""
    lines = seq_file.lines(_SOURCE, text)
    values = {}
    for line in lines:
        name, _, rest = line.partition(":")
        try:
            if not name:
                raise ValueError(line)
            values[name] = seq_file.unsigned(rest.removesuffix(" kB").lstrip(" \t"))
        except ValueError:
            raise ParseError(_SOURCE, line) from None
    if not values:
        raise ParseError(_SOURCE, why="empty")
    if len(values) != len(lines):
        raise ParseError(_SOURCE, why="a line is there twice")
    regular = MemInfo(values)
    return regular if format(regular) == text else MemInfo(values, _odd_lines(lines, values))


def format(meminfo: MemInfo) -> str:
    """The text as the kernel would write it."""
    odd = meminfo.odd_lines
    return "".join([(odd.get(name) or _layout(name)) % kb for name, kb in meminfo.values.items()])


@lru_cache(maxsize=256)
def _layout(name: str) -> str:
    """The printf form of a line: the number ends in column 24 and has room for 8 digits, or 5."""
    label = name.replace("%", "%%") + ":"
    pad = " " * (16 - len(name) - 1)
    if name.startswith("HugePages_"):
        return f"{label}{pad}   %5d\n"
    if len(name) < 16:
        return f"{label}{pad}%8d kB\n"
    return f"{label} %{max(24 - len(name) - 2, 1)}d kB\n"


def _odd_lines(lines: list[str], values: Mapping[str, int]) -> dict[str, str]:
    odd = {}
    for line, (name, value) in zip(lines, values.items(), strict=True):
        if _layout(name) % value == line + "\n":
            continue
        rest = line[len(name) + 1 :]
        number = rest.removesuffix(" kB")
        unit = rest[len(number) :]
        tabs = number[: number.rfind("\t") + 1]
        layout = f"{name}:{tabs}".replace("%", "%%") + f"%{len(number) - len(tabs)}d{unit}\n"
        if layout % value != line + "\n":  # a number with leading zeros
            raise ParseError(_SOURCE, line)
        odd[name] = layout
    return odd
