"""/proc/diskstats of a container (Documentation/admin-guide/iostats.rst): the devices it used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxcfs_py.cgroup.io import Device, IoStat
from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import diskstats
from lxcfs_py.procfs.diskstats import DiskStat

_SECTOR_BYTES = 512


def container_diskstats(host: Iterable[DiskStat], counted: Mapping[Device, IoStat]) -> tuple[DiskStat, ...]:
    """The host's devices in its order, with the container's counts; times are not counted for cgroups: 0."""
    return tuple(
        DiskStat(
            disk.major,
            disk.minor,
            disk.name,
            reads_completed=io.reads,
            sectors_read=io.read_bytes // _SECTOR_BYTES,
            writes_completed=io.writes,
            sectors_written=io.written_bytes // _SECTOR_BYTES,
            discards_completed=io.discards,
            sectors_discarded=io.discarded_bytes // _SECTOR_BYTES,
        )
        for disk in host
        if (io := counted.get((disk.major, disk.minor), IoStat())) != IoStat()
    )


def render(container: Container, host: Host) -> str:
    """The file for one container."""
    return diskstats.format(container_diskstats(host.diskstats(), container.cgroup.io()))
