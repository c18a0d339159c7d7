"""/proc/stat of a container (Documentation/filesystems/proc.rst, "Miscellaneous kernel statistics in /proc/stat")."""

from __future__ import annotations

import os

from lxcfs_py.containers import Container
from lxcfs_py.cpu_time import CpuTime, Times
from lxcfs_py.host import Host
from lxcfs_py.procfs import stat
from lxcfs_py.procfs.stat import CpuTicks, Stat
from lxcfs_py.tasks import TaskCount
from lxcfs_py.views import processors

_USEC_PER_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")


def _ticks(times: Times) -> CpuTicks:
    return CpuTicks(
        user=times.user_usec // _USEC_PER_TICK,
        nice=times.nice_usec // _USEC_PER_TICK,
        system=times.system_usec // _USEC_PER_TICK,
        idle=times.idle_usec // _USEC_PER_TICK,
        steal=times.steal_usec // _USEC_PER_TICK,
    )


def container_stat(btime_sec: int, account: CpuTime, tasks: TaskCount) -> Stat:
    """The account as /proc/stat has it; what no cgroup counts (interrupts, switches) is 0.

    `processes` is the number of the newest process, which is the count of forks until numbers wrap.
    """
    return Stat(
        cpu=_ticks(account.total),
        cpus={number: _ticks(times) for number, times in enumerate(account.processors[: account.shown])},
        intr=(0,),
        ctxt=0,
        btime=btime_sec,
        processes=tasks.last_pid,
        procs_running=tasks.runnable + 1,  # the reader, which waits for this very answer
        procs_blocked=tasks.uninterruptible,
        softirq=(0,),
    )


def render(container: Container, host: Host) -> str:
    """The file for one container; the host's own where no cgroup counts processor time."""
    account = processors.account(container, host)
    if account is None:
        return host.proc.read("stat")
    return stat.format(
        container_stat(host.boot_time_sec(), account, container.tasks(host.proc.path, host.uptime_nsec()))
    )
