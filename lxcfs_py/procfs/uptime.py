"""/proc/uptime (proc_uptime(5); fs/proc/uptime.c)."""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/uptime"


@dataclass(frozen=True)
class Uptime:
    """Time since boot, and the idle time of all processors together, in hundredths of a second."""

    uptime_centiseconds: int
    idle_centiseconds: int


def parse(text: str) -> Uptime:
    """Read the text of /proc/uptime; ParseError."""
    try:
        (line,) = seq_file.lines(_SOURCE, text)
        uptime, idle = line.split(" ")
        return Uptime(seq_file.hundredths(uptime), seq_file.hundredths(idle))
    except ValueError:
        raise ParseError(_SOURCE, text) from None


def format(uptime: Uptime) -> str:
    """The text as the kernel would write it."""
    up = seq_file.format_hundredths(uptime.uptime_centiseconds)
    idle = seq_file.format_hundredths(uptime.idle_centiseconds)
    return f"{up} {idle}\n"
