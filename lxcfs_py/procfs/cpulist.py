"""Lists of processors, "0-3,7" (cpuset(7), "List format"; bitmap_print_to_pagebuf() in lib/bitmap-str.c).

The form of /sys/devices/system/cpu/online, cpuset.cpus, Cpus_allowed_list and others.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "processor list"
_LIMIT = 65536  # far above the kernel's largest NR_CPUS (8192), low enough to spell every number out


def parse(text: str) -> tuple[int, ...]:
    """The numbers of a list, sorted, each once; nothing or a lone newline is the empty list. ParseError."""
    cpus: set[int] = set()
    text = text.removesuffix("\n")
    if not text:
        return ()
    for item in text.split(","):
        first, dash, last = item.partition("-")
        try:
            low = seq_file.unsigned(first)
            high = seq_file.unsigned(last) if dash else low
        except ValueError:
            raise ParseError(_SOURCE, text) from None
        if not low <= high < _LIMIT:
            raise ParseError(_SOURCE, text, f"not a range of numbers below {_LIMIT}")
        cpus.update(range(low, high + 1))
    return tuple(sorted(cpus))


def format(cpus: Iterable[int]) -> str:
    """The list as the kernel writes it, with a newline: "0-3,7\\n", the empty one "\\n"."""
    ranges: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges) + "\n"
