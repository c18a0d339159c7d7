"""Where each cgroup controller lives: v1, v2 or hybrid, read from the mounts, never configured.

Sources: cgroups(7), Documentation/admin-guide/cgroup-v1/cgroups.rst and cgroup-v2.rst, /proc/PID/mountinfo.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lxcfs_py.procfs.mountinfo import Mount
from lxcfs_py.procfs.pid_cgroup import Entry

# The controllers that matter here, by their v2 names; v1 splits cpu in two and calls io blkio.
V1_NAMES: Mapping[str, str] = {
    "memory": "memory",
    "cpu": "cpu",
    "cpuacct": "cpuacct",
    "cpuset": "cpuset",
    "io": "blkio",
    "pids": "pids",
}
_V2_NAMES: Mapping[str, str] = {**{name: name for name in V1_NAMES}, "cpuacct": "cpu"}


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup tree."""

    version: Literal[1, 2]
    mount_point: str
    root: str = "/"  # the cgroup that is seen at the mount point
    v1_controllers: frozenset[str] = frozenset()

    def directory(self, cgroup_path: str) -> str | None:
        """The directory of a cgroup as /proc/PID/cgroup names it; None if it is not below this mount."""
        outside = cgroup_path != self.root and not cgroup_path.startswith(self.root.rstrip("/") + "/")
        if outside or ".." in cgroup_path.split("/"):  # ".." leads out of our own cgroup namespace
            return None
        return posixpath.join(self.mount_point, posixpath.relpath(cgroup_path, self.root)).removesuffix("/.")

    def entry(self, entries: Iterable[Entry]) -> Entry | None:
        """The line of /proc/PID/cgroup that speaks of this hierarchy."""
        for entry in entries:
            if self.version == 2 and entry.hierarchy_id == 0 and not entry.controllers:
                return entry
            if self.version == 1 and self.v1_controllers.intersection(entry.controllers):
                return entry
        return None


@dataclass(frozen=True)
class Layout:
    """The hierarchy of each controller (by its v2 name, and `cpuacct`); those the kernel lacks are missing.

    `processes` is a hierarchy in which every process has a place, for listing them; None without any cgroups.
    """

    controllers: Mapping[str, Hierarchy]
    processes: Hierarchy | None
    kind: Literal["none", "v1", "hybrid", "v2"]


def detect(mounts: Iterable[Mount], v2_controllers: Mapping[str, Iterable[str]]) -> Layout:
    """The layout from the mount table.

    `v2_controllers` maps the mount point of each cgroup2 mount to the words of its `cgroup.controllers`
    (a controller bound to a v1 hierarchy is not in it).
    """
    found: dict[str, Hierarchy] = {}
    v1: list[Hierarchy] = []
    v2: list[Hierarchy] = []
    for mount in mounts:
        if mount.fs_type == "cgroup":
            names = frozenset(mount.super_options).intersection(V1_NAMES.values())
            hierarchy = Hierarchy(1, mount.mount_point, mount.root, names)
            if names:
                v1.append(hierarchy)
            for name, v1_name in V1_NAMES.items():
                if v1_name in names:
                    found.setdefault(name, hierarchy)
        elif mount.fs_type == "cgroup2":
            v2.append(Hierarchy(2, mount.mount_point, mount.root))
    for hierarchy in v2:
        available = frozenset(v2_controllers.get(hierarchy.mount_point, ()))
        for name, v2_name in _V2_NAMES.items():
            # cpu.stat's usage is in every v2 cgroup, with and without the cpu controller
            if v2_name in available or (name == "cpuacct" and not v1):
                found.setdefault(name, hierarchy)
    kind: Literal["none", "v1", "hybrid", "v2"] = "none"
    if v1:
        kind = "hybrid" if v2 else "v1"
    elif v2:
        kind = "v2"
    processes = found.get("pids") or found.get("memory") or next(iter(v2 + v1), None)
    return Layout(found, processes, kind)
