"""A container's cgroup in all its hierarchies: each method is a read of its files and a pure parse."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from lxcfs_py.cgroup import cpu, io, memory
from lxcfs_py.cgroup.directory import CgroupDirectory
from lxcfs_py.cgroup.hierarchy import Hierarchy, Layout, detect
from lxcfs_py.cgroup.text import number
from lxcfs_py.keptfiles import read_once
from lxcfs_py.procfs import cpulist, mountinfo
from lxcfs_py.procfs.pid_cgroup import Entry

_T = TypeVar("_T")


class Cgroup:
    """One cgroup, found in every hierarchy; holds directory descriptors, so it never means another."""

    def __init__(self, directories: Mapping[str, tuple[int, CgroupDirectory]], processes: CgroupDirectory | None):
        self._directories = directories  # controller → (cgroup version, directory)
        self._processes = processes

    @property
    def is_root(self) -> bool:
        """Whether this is the root of every hierarchy, where nothing is limited or counted."""
        return not self._directories

    def _find(self, controller: str) -> tuple[int, CgroupDirectory | None]:
        return self._directories.get(controller, (0, None))

    def memory(self) -> memory.Memory | None:
        """Memory limits, usage and statistics; None where no memory controller reaches this cgroup."""
        version, directory = self._find("memory")
        if directory is None:
            return None
        return _memory_v1(directory) if version == 1 else _memory_v2(directory)

    def bandwidths(self) -> tuple[cpu.Bandwidth, ...]:
        """The CPU quotas of this cgroup and its ancestors that have one."""
        version, directory = self._find("cpu")
        if directory is None:
            return ()
        if version == 1:
            return tuple(
                cpu.parse_bandwidth_v1(quota, level.read("cpu.cfs_period_us"))
                for level, quota in directory.lineage_with("cpu.cfs_quota_us")
            )
        return tuple(cpu.parse_bandwidth_v2(text) for _, text in directory.lineage_with("cpu.max"))

    def throttled_usec(self) -> int:
        """CPU time the quota took away, in microseconds."""
        version, directory = self._find("cpu")
        if directory is None:
            return 0
        parse = cpu.parse_throttled_v1 if version == 1 else cpu.parse_throttled_v2
        return parse(directory.read("cpu.stat"))

    def cpu_usage(self) -> cpu.CpuUsage | None:
        """CPU time used; None where nothing accounts for it."""
        version, directory = self._find("cpuacct")
        if directory is None:
            return None
        if version == 1:
            return cpu.parse_usage_v1(directory.read("cpuacct.usage_percpu"), directory.read("cpuacct.stat"))
        return cpu.parse_usage_v2(directory.read("cpu.stat"))

    def effective_cpus(self) -> tuple[int, ...] | None:
        """The host's processors this cgroup may run on; None where no cpuset says so."""
        version, directory = self._find("cpuset")
        if directory is None:
            return None
        name = "cpuset.effective_cpus" if version == 1 else "cpuset.cpus.effective"
        return _first(directory.lineage_with(name), cpulist.parse)

    def io(self) -> Mapping[io.Device, io.IoStat]:
        """What each device did for this cgroup and all below it."""
        version, directory = self._find("io")
        if directory is None:
            return {}
        if version == 1:
            return io.parse_v1(
                directory.read("blkio.throttle.io_serviced_recursive"),
                directory.read("blkio.throttle.io_service_bytes_recursive"),
            )
        return _first(directory.lineage_with("io.stat"), io.parse_v2) or {}

    def tasks_current(self) -> int | None:
        """Threads in this cgroup and below it; None where no pids controller counts them."""
        _, directory = self._find("pids")
        if directory is None:
            return None
        try:
            return number("pids.current", directory.read("pids.current"))
        except FileNotFoundError:
            return None

    def processes(self) -> Iterator[int]:
        """The ids of all processes in this cgroup and below it."""
        return self._processes.processes() if self._processes else iter(())


def _first(levels: Iterable[tuple[CgroupDirectory, str]], parse: Callable[[str], _T]) -> _T | None:
    for _, text in levels:
        return parse(text)
    return None


def _memory_v1(directory: CgroupDirectory) -> memory.Memory:
    levels, swap_levels = [], []
    for level, limit in directory.lineage_with("memory.limit_in_bytes"):
        usage = number("memory.usage_in_bytes", level.read("memory.usage_in_bytes"))
        levels.append(memory.Level(memory.parse_limit_v1(limit), usage))
        with contextlib.suppress(FileNotFoundError):  # no swap accounting
            memsw_limit = memory.parse_limit_v1(level.read("memory.memsw.limit_in_bytes"))
            memsw_usage = number("memory.memsw.usage_in_bytes", level.read("memory.memsw.usage_in_bytes"))
            swap_levels.append(memory.swap_level_v1(levels[-1], memory.Level(memsw_limit, memsw_usage)))
    return memory.Memory(tuple(levels), tuple(swap_levels), memory.parse_stat_v1(directory.read("memory.stat")))


def _memory_v2(directory: CgroupDirectory) -> memory.Memory | None:
    stat = _first(directory.lineage_with("memory.stat"), memory.parse_stat_v2)
    if stat is None:
        return None
    return memory.Memory(
        _levels_v2(directory, "memory.max", "memory.current"),
        _levels_v2(directory, "memory.swap.max", "memory.swap.current"),
        stat,
    )


def _levels_v2(directory: CgroupDirectory, limit: str, usage: str) -> tuple[memory.Level, ...]:
    return tuple(
        memory.Level(memory.parse_limit_v2(text), number(usage, level.read(usage)))
        for level, text in directory.lineage_with(limit)
    )


def read_layout(mountinfo_path: str = "/proc/self/mountinfo") -> Layout:
    """Where each controller is mounted now."""
    mounts = mountinfo.parse(read_once(mountinfo_path))
    return detect(
        mounts,
        {
            mount.mount_point: read_once(f"{mount.mount_point}/cgroup.controllers").split()
            for mount in mounts
            if mount.fs_type == "cgroup2"
        },
    )


class Cgroups:
    """Opens cgroups by their lines in /proc/PID/cgroup; ancestors are shared."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._open: weakref.WeakValueDictionary[str, CgroupDirectory] = weakref.WeakValueDictionary()

    def open(self, entries: tuple[Entry, ...]) -> Cgroup:
        """The cgroup of a process with these lines; OSError if it has gone meanwhile."""
        found: dict[str, tuple[int, CgroupDirectory]] = {}
        for controller, hierarchy in self.layout.controllers.items():
            directory = self._directory(hierarchy, entries)
            if directory is not None:
                found[controller] = (hierarchy.version, directory)
        listed = self.layout.processes
        return Cgroup(found, self._directory(listed, entries) if listed else None)

    def _directory(self, hierarchy: Hierarchy, entries: tuple[Entry, ...]) -> CgroupDirectory | None:
        entry = hierarchy.entry(entries)
        path = hierarchy.directory(entry.path) if entry else None
        if path is None or path == hierarchy.mount_point:
            return None
        names = path.removeprefix(hierarchy.mount_point).strip("/").split("/")
        directory, here = None, hierarchy.mount_point
        for name in names:
            here = f"{here.rstrip('/')}/{name}"
            parent, directory = directory, self._open.get(here)
            if directory is None or directory.parent is not parent or not directory.is_current():
                directory = self._open[here] = CgroupDirectory(here, parent)
        return directory
