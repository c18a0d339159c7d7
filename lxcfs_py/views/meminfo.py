"""/proc/meminfo of a container (Documentation/filesystems/proc.rst, "meminfo")."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from lxcfs_py.cgroup.memory import Memory, MemoryStat
from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import meminfo
from lxcfs_py.procfs.meminfo import MemInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Amounts:
    """What the lines are made of, in bytes."""

    total: int
    free: int
    swap_total: int
    swap_free: int
    overcommit_ratio_percent: int
    stat: MemoryStat

    @property
    def available(self) -> int:
        stat = self.stat
        given_back = stat.active_file + stat.inactive_file + stat.slab_reclaimable
        return min(self.total, self.free + given_back)

    @property
    def committed(self) -> int:
        return self.stat.anon + self.stat.shmem + self.swap_total - self.swap_free


# Lines with a source; _ZERO have none, _HOST are constants of the hardware.
_LINES: Mapping[str, Callable[[_Amounts], int]] = {
    "MemTotal": lambda m: m.total,
    "MemFree": lambda m: m.free,
    "MemAvailable": lambda m: m.available,
    "Cached": lambda m: m.stat.file,
    "SwapCached": lambda m: m.stat.swapcached,
    "Active": lambda m: m.stat.active_anon + m.stat.active_file,
    "Inactive": lambda m: m.stat.inactive_anon + m.stat.inactive_file,
    "Active(anon)": lambda m: m.stat.active_anon,
    "Inactive(anon)": lambda m: m.stat.inactive_anon,
    "Active(file)": lambda m: m.stat.active_file,
    "Inactive(file)": lambda m: m.stat.inactive_file,
    "Unevictable": lambda m: m.stat.unevictable,
    "SwapTotal": lambda m: m.swap_total,
    "SwapFree": lambda m: m.swap_free,
    "Zswap": lambda m: m.stat.zswap,
    "Zswapped": lambda m: m.stat.zswapped,
    "Dirty": lambda m: m.stat.file_dirty,
    "Writeback": lambda m: m.stat.file_writeback,
    "AnonPages": lambda m: m.stat.anon,
    "Mapped": lambda m: m.stat.file_mapped,
    "Shmem": lambda m: m.stat.shmem,
    "KReclaimable": lambda m: m.stat.slab_reclaimable,
    "Slab": lambda m: m.stat.slab_reclaimable + m.stat.slab_unreclaimable,
    "SReclaimable": lambda m: m.stat.slab_reclaimable,
    "SUnreclaim": lambda m: m.stat.slab_unreclaimable,
    "KernelStack": lambda m: m.stat.kernel_stack,
    "PageTables": lambda m: m.stat.pagetables,
    "SecPageTables": lambda m: m.stat.sec_pagetables,
    "CommitLimit": lambda m: m.swap_total + m.total * m.overcommit_ratio_percent // 100,
    "Committed_AS": lambda m: m.committed,
    "VmallocUsed": lambda m: m.stat.vmalloc,
    "Percpu": lambda m: m.stat.percpu,
    "AnonHugePages": lambda m: m.stat.anon_thp,
    "ShmemHugePages": lambda m: m.stat.shmem_thp,
    "FileHugePages": lambda m: m.stat.file_thp,
}
_HOST = frozenset(
    (
        "VmallocTotal",
        "Hugepagesize",
        "DirectMap4k",
        "DirectMap4M",
        "DirectMap2M",
        "DirectMap1G",
        "DirectMap64k",
    )
)
_ZERO = frozenset(
    (
        *("Buffers", "Mlocked", "HighTotal", "HighFree", "LowTotal", "LowFree", "MmapCopy", "NFS_Unstable"),
        *("Bounce", "WritebackTmp", "VmallocChunk", "EarlyMemtestBad", "HardwareCorrupted", "ShmemPmdMapped"),
        *("FilePmdMapped", "CmaTotal", "CmaFree", "Unaccepted", "Balloon", "GPUActive", "GPUReclaim"),
        *("HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp", "Hugetlb", "Quicklists"),
    )
)


@cache
def _warn_unknown(name: str) -> None:
    log.warning("/proc/meminfo has a line %r that this version does not know; containers see 0", name)


def container_meminfo(host: MemInfo, memory: Memory, overcommit_ratio_percent: int) -> MemInfo:
    """The host's lines with the container's values."""
    total, free = memory.total_and_free(host.values["MemTotal"] * 1024)
    swap_total, swap_free = memory.swap_total_and_free(host.values.get("SwapTotal", 0) * 1024)
    amounts = _Amounts(total, free, swap_total, swap_free, overcommit_ratio_percent, memory.stat)
    values = {}
    for name, host_kib in host.values.items():
        if name in _LINES:
            values[name] = _LINES[name](amounts) // 1024
        elif name in _HOST:
            values[name] = host_kib
        else:
            if name not in _ZERO:
                _warn_unknown(name)
            values[name] = 0
    return replace(host, values=values)


def render(container: Container, host: Host) -> str:
    """The file for one container; the host's own where no memory controller reaches it."""
    info = host.meminfo()
    memory = container.cgroup.memory()
    if memory is not None:
        info = container_meminfo(info, memory, host.overcommit_ratio_percent())
    return meminfo.format(info)
