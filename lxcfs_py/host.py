"""The host's own /proc and /sys."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from lxcfs_py.keptfiles import KeptFiles
from lxcfs_py.procfs import cpuinfo, cpulist, diskstats, meminfo, stat


def _boot_clock_nsec() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Host:
    """The host as its kernel files tell it; each method is one read and a pure parse.

    `proc` and `sys` are where procfs and sysfs are mounted; `uptime_nsec` is the time since boot with sleep, which
    /proc/uptime and the start times in /proc/PID/stat count from.
    """

    def __init__(
        self, proc: str = "/proc", sys: str = "/sys", uptime_nsec: Callable[[], int] = _boot_clock_nsec
    ) -> None:
        self.proc, self.sys = KeptFiles(proc), KeptFiles(sys)
        self.uptime_nsec = uptime_nsec

    def read_bytes(self, path: str) -> bytes:
        """A whole file, as `proc/meminfo` or `sys/devices/system/cpu/online`; OSError if it cannot be read."""
        top, _, name = path.partition("/")
        return {"proc": self.proc, "sys": self.sys}[top].read_bytes(name)

    def meminfo(self) -> meminfo.MemInfo:
        """/proc/meminfo."""
        return meminfo.parse(self.proc.read("meminfo"))

    def cpuinfo(self) -> cpuinfo.CpuInfo:
        """/proc/cpuinfo."""
        return cpuinfo.parse(self.proc.read("cpuinfo"))

    def boot_time_sec(self) -> int:
        """`btime` of /proc/stat: when the host booted, in seconds since 1970."""
        return stat.parse_btime(self.proc.read("stat"))

    def diskstats(self) -> tuple[diskstats.DiskStat, ...]:
        """/proc/diskstats."""
        return diskstats.parse(self.proc.read("diskstats"))

    def block_devices(self) -> tuple[str, ...]:
        """The names in /sys/block that have statistics."""
        names = sorted(os.listdir(f"{self.sys.path}/block"))
        return tuple(name for name in names if os.path.exists(f"{self.sys.path}/block/{name}/stat"))

    def block_device_numbers(self) -> tuple[tuple[int, int], ...]:
        """Major and minor number of each of block_devices()."""
        names = frozenset(name.replace("!", "/") for name in self.block_devices())  # sysfs has no "/" in names
        return tuple((disk.major, disk.minor) for disk in self.diskstats() if disk.name in names)

    def online_cpus(self) -> tuple[int, ...]:
        """The processors that are online, by number."""
        return cpulist.parse(self.sys.read("devices/system/cpu/online"))

    def overcommit_ratio_percent(self) -> int:
        """/proc/sys/vm/overcommit_ratio (Documentation/admin-guide/sysctl/vm.rst)."""
        return int(self.proc.read("sys/vm/overcommit_ratio"))
