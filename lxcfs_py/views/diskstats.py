"""/proc/diskstats and /sys/block/DEVICE/stat of a container (Documentation/admin-guide/iostats.rst)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxcfs_py.cgroup.io import Device, IoStat
from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import block_stat, diskstats
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
        for io in (counted.get((disk.major, disk.minor), IoStat()),)
    )


def render(container: Container, host: Host) -> str:
    """/proc/diskstats for one container: the devices it never used are left out."""
    counted = container.cgroup.io()
    used = (disk for disk in host.diskstats() if counted.get((disk.major, disk.minor), IoStat()) != IoStat())
    return diskstats.format(container_diskstats(used, counted))


def render_block(container: Container, host: Host, name: str) -> str:
    """/sys/block/NAME/stat for one container; sysfs writes "!" where a device's name has "/"."""
    disks = tuple(disk for disk in host.diskstats() if disk.name == name.replace("!", "/"))
    (disk,) = container_diskstats(disks, container.cgroup.io()) or (DiskStat(0, 0, name),)
    return block_stat.format(disk)
