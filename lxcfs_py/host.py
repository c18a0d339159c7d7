"""The host's own /proc and /sys."""

from __future__ import annotations

import time

from lxcfs_py.keptfiles import KeptFiles
from lxcfs_py.procfs import cpuinfo, cpulist, diskstats, meminfo, stat


class Host:
    """The host as its kernel files tell it; each method is one read and a pure parse.

    `proc` and `sys` are where procfs and sysfs are mounted.
    """

    def __init__(self, proc: str = "/proc", sys: str = "/sys") -> None:
        self.proc, self.sys = KeptFiles(proc), KeptFiles(sys)

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

    def stat(self) -> stat.Stat:
        """/proc/stat."""
        return stat.parse(self.proc.read("stat"))

    def diskstats(self) -> tuple[diskstats.DiskStat, ...]:
        """/proc/diskstats."""
        return diskstats.parse(self.proc.read("diskstats"))

    def online_cpus(self) -> tuple[int, ...]:
        """The processors that are online, by number."""
        return cpulist.parse(self.sys.read("devices/system/cpu/online"))

    def overcommit_ratio_percent(self) -> int:
        """/proc/sys/vm/overcommit_ratio (Documentation/admin-guide/sysctl/vm.rst)."""
        return int(self.proc.read("sys/vm/overcommit_ratio"))

    @staticmethod
    def uptime_nsec() -> int:
        """Time since boot with sleep, which /proc/uptime and the start times in /proc/PID/stat count from."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
