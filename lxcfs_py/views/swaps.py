"""/proc/swaps of a container: one device that is as large as what it may swap."""

from __future__ import annotations

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import swaps
from lxcfs_py.procfs.swaps import Swap


def render(container: Container, host: Host) -> str:
    """The file for one container; without swap, or where none is counted, the header alone."""
    memory = container.cgroup.memory()
    if memory is None:
        return host.proc.read("swaps")
    total, free = memory.swap_total_and_free(host.meminfo().values.get("SwapTotal", 0) * 1024)
    if not total:
        return swaps.format(())
    return swaps.format((Swap("none", "virtual", total // 1024, (total - free) // 1024, 0),))
