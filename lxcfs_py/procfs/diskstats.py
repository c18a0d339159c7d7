"""/proc/diskstats (Documentation/admin-guide/iostats.rst; block/genhd.c)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/diskstats"


@dataclass(frozen=True)
class DiskStat:
    """What one disk or partition has done since boot; sectors of 512 bytes, times in milliseconds.

    `in_progress` alone is a level, not a counter. Discards came with Linux 4.18, flushes with 5.5.
    """

    major: int
    minor: int
    name: str
    reads_completed: int = 0
    reads_merged: int = 0
    sectors_read: int = 0
    read_ms: int = 0
    writes_completed: int = 0
    writes_merged: int = 0
    sectors_written: int = 0
    write_ms: int = 0
    in_progress: int = 0
    io_ms: int = 0
    weighted_io_ms: int = 0
    discards_completed: int = 0
    discards_merged: int = 0
    sectors_discarded: int = 0
    discard_ms: int = 0
    flushes_completed: int = 0
    flush_ms: int = 0


def parse(text: str) -> tuple[DiskStat, ...]:
    """Read the text of /proc/diskstats, with 14 columns or more; those after the 20th are left out. ParseError."""
    return tuple(_parse_line(line) for line in seq_file.lines(_SOURCE, text))


def format(disks: Iterable[DiskStat]) -> str:
    """The text as a current kernel would write it, with 20 columns."""
    return "".join(
        f"{d.major:4d} {d.minor:7d} {d.name} "
        f"{d.reads_completed} {d.reads_merged} {d.sectors_read} {d.read_ms} "
        f"{d.writes_completed} {d.writes_merged} {d.sectors_written} {d.write_ms} "
        f"{d.in_progress} {d.io_ms} {d.weighted_io_ms} "
        f"{d.discards_completed} {d.discards_merged} {d.sectors_discarded} {d.discard_ms} "
        f"{d.flushes_completed} {d.flush_ms}\n"
        for d in disks
    )


def _parse_line(line: str) -> DiskStat:
    words = line.split()
    if len(words) not in (14, 18) and len(words) < 20:
        raise ParseError(_SOURCE, line, "not 14, 18 or 20 columns")
    try:
        major, minor, *counters = seq_file.unsigneds(words[:2] + words[3:20])
    except ValueError:
        raise ParseError(_SOURCE, line) from None
    return DiskStat(major, minor, words[2], *counters)
