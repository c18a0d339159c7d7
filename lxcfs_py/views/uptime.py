"""/proc/uptime of a container: since its first process started."""

from __future__ import annotations

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import uptime
from lxcfs_py.procfs.uptime import Uptime
from lxcfs_py.views import processors

_USEC_PER_CENTISECOND = 10_000


def render(container: Container, host: Host) -> str:
    """The file for one container; idle is that of all its processors together, as in its /proc/stat."""
    account = processors.account(container, host)
    age_usec = account.age_usec if account else processors.age_usec(container, host)
    idle_usec = account.total.idle_usec if account else 0
    return uptime.format(Uptime(age_usec // _USEC_PER_CENTISECOND, idle_usec // _USEC_PER_CENTISECOND))
