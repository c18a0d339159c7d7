"""The captured kernels in tests/fixtures, opened by the very code that reads the real ones."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lxcfs_py.cgroup.cgroup import Cgroup, Cgroups
from lxcfs_py.cgroup.hierarchy import Layout, detect
from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.keptfiles import read_once
from lxcfs_py.procfs import mountinfo, pid_cgroup
from lxcfs_py.procfs.pid_cgroup import Entry

FIXTURES = Path(__file__).parent / "fixtures"
KERNELS = tuple(sorted(path.name for path in (FIXTURES / "cgroup").iterdir()))
HOST_UPTIME_NSEC = 1000 * 10**9


def layout(kernel: str) -> Layout:
    """As the captured machine had it, with the captured trees for its mounts."""
    mounts = [
        replace(mount, mount_point=mount.mount_point.replace("/sys/fs/cgroup", str(FIXTURES / "cgroup" / kernel), 1))
        for mount in mountinfo.parse(read_once(f"{FIXTURES}/proc/{kernel}/self/mountinfo"))
    ]
    controllers = {
        mount.mount_point: read_once(f"{mount.mount_point}/cgroup.controllers").split()
        for mount in mounts
        if mount.fs_type == "cgroup2"
    }
    return detect(mounts, controllers)


def entries(kernel: str) -> tuple[Entry, ...]:
    """/proc/PID/cgroup of a process in the captured container."""
    return pid_cgroup.parse(read_once(f"{FIXTURES}/proc/{kernel}/self/cgroup"))


def cgroup(kernel: str) -> Cgroup:
    """The captured container's cgroup."""
    return Cgroups(layout(kernel)).open(entries(kernel))


def host(kernel: str) -> Host:
    """The captured host, a thousand seconds after its boot."""
    proc = FIXTURES / "proc" / kernel
    return Host(str(proc), str(proc / "sys"), lambda: HOST_UPTIME_NSEC)


def container(kernel: str, age_sec: int = 100) -> Container:
    """The captured container, started `age_sec` ago; its first process is this one."""
    start_nsec = HOST_UPTIME_NSEC - age_sec * 10**9
    return Container(entries(kernel), os.getpid(), os.pidfd_open(os.getpid()), start_nsec, cgroup(kernel))
