"""What the embedded engine must know about the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lxcfs_py.cgroup.cgroup import read_layout
from lxcfs_py.procfs import cpulist, mountinfo


@dataclass(frozen=True)
class Machine:
    """The machine as far as a container's configuration depends on it."""

    online_cpus: frozenset[int]
    controllers: frozenset[str]  # those of memory, cpu, cpuset and pids that a cgroup can have
    swap_accounting: bool
    cgroup_namespaces: bool
    cgroup_mount_points: tuple[str, ...]
    resolv_conf: str  # the file that /etc/resolv.conf really is
    architecture: str  # uname(2), machine


def online_cpus(sys: Path = Path("/sys")) -> frozenset[int]:
    """The processors that are online, by number (Documentation/admin-guide/cputopology.rst); ParseError."""
    return frozenset(cpulist.parse((sys / "devices/system/cpu/online").read_text()))


def swap_accounting(proc: Path, mounts: tuple[mountinfo.Mount, ...]) -> bool:
    """Whether a cgroup's swap can be limited.

    On v1 the memory controller has a file for it or not; on v2 each cgroup but the root has it if the kernel knows
    swap and was not told `swapaccount=0` (Documentation/admin-guide/kernel-parameters.txt).
    """
    for mount in mounts:
        if mount.fs_type == "cgroup" and "memory" in mount.super_options:
            return Path(mount.mount_point, "memory.memsw.limit_in_bytes").exists()
    on_command_line = "swapaccount=0" in (proc / "cmdline").read_text().split()
    return (proc / "swaps").exists() and not on_command_line


def read(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Machine:
    """Look at the machine; ParseError."""
    mounts = mountinfo.parse((proc / "self/mountinfo").read_text(errors="surrogateescape"))
    return Machine(
        online_cpus=online_cpus(sys),
        controllers=frozenset(read_layout().controllers) & {"memory", "cpu", "cpuset", "pids"},
        swap_accounting=swap_accounting(proc, mounts),
        cgroup_namespaces=(proc / "self/ns/cgroup").exists(),
        cgroup_mount_points=tuple(m.mount_point for m in mounts if m.fs_type in ("cgroup", "cgroup2")),
        resolv_conf=os.path.realpath("/etc/resolv.conf"),
        architecture=os.uname().machine,
    )
