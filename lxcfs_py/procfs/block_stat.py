"""/sys/block/DEVICE/stat (Documentation/block/stat.rst): the counters of a /proc/diskstats line, in columns."""

from __future__ import annotations

from dataclasses import astuple

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file
from lxcfs_py.procfs.diskstats import DiskStat

_SOURCE = "/sys/block/*/stat"


def parse(text: str, major: int, minor: int, name: str) -> DiskStat:
    """Read the text of a device's `stat` file; which device it is stands in its path alone. ParseError."""
    try:
        (line,) = seq_file.lines(_SOURCE, text)
        return DiskStat(major, minor, name, *seq_file.unsigneds(line.split()))
    except (ValueError, TypeError):
        raise ParseError(_SOURCE, text[:200]) from None


def format(disk: DiskStat) -> str:
    """The text as a current kernel would write it, with 17 columns."""
    return " ".join(f"{counter:8d}" for counter in astuple(disk)[3:]) + "\n"
