"""What a container sees: one module for each virtual file, and the one table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.views import cpuinfo, cpulists, diskstats, loadavg, meminfo, stat, swaps, uptime


@dataclass(frozen=True)
class VirtualFile:
    """A file below the mountpoint; on the host the same path below / holds the host's own content."""

    path: str
    render: Callable[[Container, Host], str]


VIRTUAL_FILES: tuple[VirtualFile, ...] = (
    VirtualFile("proc/cpuinfo", cpuinfo.render),
    VirtualFile("proc/diskstats", diskstats.render),
    VirtualFile("proc/loadavg", loadavg.render),
    VirtualFile("proc/meminfo", meminfo.render),
    VirtualFile("proc/stat", stat.render),
    VirtualFile("proc/swaps", swaps.render),
    VirtualFile("proc/uptime", uptime.render),
    VirtualFile("sys/devices/system/cpu/offline", cpulists.render_none),
    VirtualFile("sys/devices/system/cpu/online", cpulists.render_all),
    VirtualFile("sys/devices/system/cpu/possible", cpulists.render_all),
    VirtualFile("sys/devices/system/cpu/present", cpulists.render_all),
)


def virtual_files(host: Host) -> tuple[VirtualFile, ...]:
    """VIRTUAL_FILES, and the statistics of each block device the host has now, which iostat reads instead of them."""
    return VIRTUAL_FILES + tuple(
        VirtualFile(f"sys/block/{name}/stat", partial(diskstats.render_block, name=name))
        for name in host.block_devices()
    )
