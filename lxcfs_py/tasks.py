"""What the threads of a container are doing, from /proc/PID/stat (proc_pid_stat(5))."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.keptfiles import read_once, with_descriptors
from lxcfs_py.procfs import pid_stat, pid_status


@dataclass(frozen=True)
class TaskCount:
    """Threads by what they wait for, and the newest process as its own pid namespace numbers it."""

    runnable: int
    uninterruptible: int
    threads: int
    last_pid: int


def count_tasks(proc: str, pids: Iterable[int]) -> TaskCount:
    """Count the threads of these processes; those that end meanwhile are left out."""
    runnable = uninterruptible = threads = 0
    newest: tuple[int, int] | None = None  # start, pid
    for pid in pids:
        for stat in _threads(proc, pid):
            threads += 1
            runnable += stat.state == "R"
            uninterruptible += stat.state == "D"
            if stat.pid == pid:
                newest = max(newest or (0, 0), (stat.start_time_ticks, pid))
    return TaskCount(runnable, uninterruptible, threads, _own_number(proc, newest[1]) if newest else 0)


def _threads(proc: str, pid: int) -> Iterator[pid_stat.PidStat]:
    try:
        leader = pid_stat.parse(read_once(f"{proc}/{pid}/stat"))
        yield leader
        if leader.num_threads > 1:
            for tid in with_descriptors(lambda: os.listdir(f"{proc}/{pid}/task")):
                if tid != str(pid):
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # threads come and go
                        yield pid_stat.parse(read_once(f"{proc}/{pid}/task/{tid}/stat"))
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return


def _own_number(proc: str, pid: int) -> int:
    try:
        return pid_status.parse_nspid(read_once(f"{proc}/{pid}/status"))[-1]
    except (FileNotFoundError, ProcessLookupError, ParseError):  # ended meanwhile, or a kernel before 4.1
        return 0
