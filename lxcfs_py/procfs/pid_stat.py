"""/proc/PID/stat (proc_pid_stat(5); do_task_stat() in fs/proc/array.c)."""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/PID/stat"


@dataclass(frozen=True)
class PidStat:
    """What the package needs of a process; `start_time_ticks` since boot in USER_HZ, `state` one letter."""

    pid: int
    comm: str
    state: str
    ppid: int
    num_threads: int
    start_time_ticks: int


def parse(text: str) -> PidStat:
    """Read the text of /proc/PID/stat; ParseError.

    The command name is not escaped here, unlike in /proc/PID/status: it may hold spaces, parentheses and
    newlines, so the fields behind it are counted from the last parenthesis.
    """
    pid, _, rest = text.partition(" (")
    comm, parenthesis, tail = rest.rpartition(")")
    fields = tail.split()  # the first is field 3 of the manual page
    if not parenthesis or len(fields) < 21 or not tail.endswith("\n"):
        raise ParseError(_SOURCE, text, "cut short")
    state, ppid, num_threads, start_time = fields[0], fields[1], fields[17], fields[19]
    try:
        if len(state) != 1:
            raise ValueError(state)
        return PidStat(
            pid=seq_file.unsigned(pid),
            comm=comm,
            state=state,
            ppid=seq_file.unsigned(ppid),
            num_threads=seq_file.unsigned(num_threads),
            start_time_ticks=seq_file.unsigned(start_time),
        )
    except ValueError:
        raise ParseError(_SOURCE, text) from None
