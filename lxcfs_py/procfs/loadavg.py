"""/proc/loadavg (proc_loadavg(5); fs/proc/loadavg.c)."""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/loadavg"


@dataclass(frozen=True)
class LoadAvg:
    """The load over 1, 5 and 15 minutes in hundredths of a thread; threads now; the newest process's pid."""

    load1_hundredths: int
    load5_hundredths: int
    load15_hundredths: int
    runnable: int
    threads: int
    last_pid: int


def parse(text: str) -> LoadAvg:
    """Read the text of /proc/loadavg; ParseError."""
    try:
        (line,) = seq_file.lines(_SOURCE, text)
        load1, load5, load15, counts, last_pid = line.split(" ")
        runnable, threads = seq_file.unsigneds(counts.split("/"))
        return LoadAvg(
            seq_file.hundredths(load1),
            seq_file.hundredths(load5),
            seq_file.hundredths(load15),
            runnable,
            threads,
            seq_file.unsigned(last_pid),
        )
    except ValueError:
        raise ParseError(_SOURCE, text) from None


def format(loadavg: LoadAvg) -> str:
    """The text as the kernel would write it."""
    load1 = seq_file.format_hundredths(loadavg.load1_hundredths)
    load5 = seq_file.format_hundredths(loadavg.load5_hundredths)
    load15 = seq_file.format_hundredths(loadavg.load15_hundredths)
    return f"{load1} {load5} {load15} {loadavg.runnable}/{loadavg.threads} {loadavg.last_pid}\n"
