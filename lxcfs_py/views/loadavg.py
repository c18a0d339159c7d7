"""/proc/loadavg of a container: its own threads, averaged as the kernel does it."""

from __future__ import annotations

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import loadavg
from lxcfs_py.procfs.loadavg import LoadAvg


def render(container: Container, host: Host) -> str:
    """The file for one container, which is sampled from now on."""
    now_nsec = host.uptime_nsec()
    tasks = container.tasks(host.proc.path, now_nsec)
    usage = container.cgroup.cpu_usage()
    load = container.ask_load(tasks, now_nsec, usage.busy_usec if usage else 0)
    runnable = tasks.runnable + 1  # the reader, which waits for this very answer
    return loadavg.format(LoadAvg(*load.hundredths, runnable, max(tasks.threads, runnable), tasks.last_pid))
