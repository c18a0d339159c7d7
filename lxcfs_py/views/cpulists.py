"""/sys/devices/system/cpu/{online,possible,present,offline} of a container (admin-guide/cputopology.rst)."""

from __future__ import annotations

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import cpulist
from lxcfs_py.views import processors


def render_all(container: Container, host: Host) -> str:
    """online, possible, present: the container's processors, numbered from 0."""
    return cpulist.format(range(len(processors.shown(container, host))))


def render_none(container: Container, host: Host) -> str:
    """offline: none."""
    return cpulist.format(())
