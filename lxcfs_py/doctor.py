"""What this machine supports: one row per piece, what it costs to be without it, and the remedy.

`look` reads the machine once; each check is a pure function of what was seen.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lxcfs_py import rundir
from lxcfs_py.cgroup.cgroup import read_layout
from lxcfs_py.cgroup.hierarchy import Layout
from lxcfs_py.engines import docker, machine
from lxcfs_py.errors import LxcfsError
from lxcfs_py.launcher import require_mount
from lxcfs_py.procfs import mountinfo
from lxcfs_py.procfs.mountinfo import Mount

State = Literal["ok", "limited", "missing"]

RECOMMENDED_PID_MAX = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One row: `cost` and `remedy` are empty where nothing is wrong. A `vital` piece that is missing fails it all."""

    check: str
    found: str
    state: State
    cost: str = ""
    remedy: str = ""
    vital: bool = False


@dataclass(frozen=True)
class Seen:
    """The machine as far as the checks need it. `docker_info` is the answer of GET /info, or why there is none."""

    kernel: str
    is_root: bool
    mounts: tuple[Mount, ...]
    layout: Layout
    fuse_error: str | None
    docker_info: Mapping[str, Any] | str
    docker_client: str | None
    runc: str | None
    crun: str | None
    seccomp_actions: str
    pressure_error: str | None
    swap_accounting: bool
    pid_max: int
    mountpoint: str
    run_dir: str
    daemon: rundir.Daemon | None
    daemon_error: str | None

    @property
    def kernel_version(self) -> tuple[int, int]:
        """Major and minor number."""
        match = re.match(r"(\d+)\.(\d+)", self.kernel)
        return (int(match[1]), int(match[2])) if match else (0, 0)


def look(run_dir: Path, mountpoint: Path, proc: Path = Path("/proc"), dev: Path = Path("/dev")) -> Seen:
    """Read the machine; ParseError if the kernel's mount table cannot be understood."""
    mounts = mountinfo.parse((proc / "self/mountinfo").read_text(errors="surrogateescape"))
    daemon = rundir.running(run_dir)
    return Seen(
        kernel=os.uname().release,
        is_root=os.geteuid() == 0,
        mounts=mounts,
        layout=read_layout(str(proc / "self/mountinfo")),
        fuse_error=_open_error(dev / "fuse", os.O_RDWR),
        docker_info=_docker_info(),
        docker_client=_version("docker"),
        runc=_version("runc"),
        crun=_version("crun"),
        seccomp_actions=_text(proc / "sys/kernel/seccomp/actions_avail"),
        pressure_error=_open_error(proc / "pressure/cpu", os.O_RDONLY),
        swap_accounting=machine.swap_accounting(proc, mounts),
        pid_max=int(_text(proc / "sys/kernel/pid_max") or 0),
        mountpoint=str(mountpoint.absolute()),
        run_dir=str(run_dir),
        daemon=daemon,
        daemon_error=_mount_error(daemon) if daemon else None,
    )


def examine(seen: Seen) -> tuple[Finding, ...]:
    """One finding per row of CHECKS."""
    return tuple(check(seen) for check in CHECKS)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 if a piece is missing without which no container gets a view."""
    return int(any(finding.vital and finding.state == "missing" for finding in findings))


def _kernel(seen: Seen) -> Finding:
    if seen.kernel_version < (5, 0):
        return Finding(
            "kernel",
            seen.kernel,
            "missing",
            "nothing here is tried on a kernel before 5.0",
            "use Linux 5.0 or later",
            vital=True,
        )
    return Finding("kernel", seen.kernel, "ok")


def _kernel_pid_ioctl(seen: Seen) -> Finding:
    return _since(seen, "pid namespace ioctl", (6, 11), "a container's first read searches its cgroup for process 1")


def _since(seen: Seen, check: str, version: tuple[int, int], cost: str) -> Finding:
    since = f"{version[0]}.{version[1]}"
    if seen.kernel_version >= version:
        return Finding(check, f"since Linux {since}", "ok")
    return Finding(check, "no", "limited", cost, f"use Linux {since} or later")


def _root(seen: Seen) -> Finding:
    if seen.is_root:
        return Finding("root", "yes", "ok")
    return Finding("root", "no", "missing", "serve and the embedded engine are refused", "run with sudo", vital=True)


def _cgroup_layout(seen: Seen) -> Finding:
    if seen.layout.kind == "none":
        return Finding(
            "cgroup layout",
            "none",
            "missing",
            "no container has limits to show",
            "mount cgroup2 on /sys/fs/cgroup",
            vital=True,
        )
    return Finding("cgroup layout", seen.layout.kind, "ok")


def _controller(name: str, cost: str) -> Callable[[Seen], Finding]:
    def check(seen: Seen) -> Finding:
        found = seen.layout.controllers.get(name)
        if found:
            return Finding(f"cgroup {name}", f"v{found.version} at {found.mount_point}", "ok")
        remedy = f"use a kernel with the {name} controller, and mount or enable it"
        return Finding(f"cgroup {name}", "no", "limited", cost, remedy)

    return check


def _fuse(seen: Seen) -> Finding:
    if seen.fuse_error is None:
        return Finding("/dev/fuse", "opens", "ok")
    return Finding(
        "/dev/fuse",
        seen.fuse_error,
        "missing",
        "the file system cannot be mounted",
        "be root, modprobe fuse; in a container give it --device /dev/fuse",
        vital=True,
    )


def _docker_engine(seen: Seen) -> Finding:
    info = seen.docker_info
    if isinstance(info, str):
        found, _, remedy = info.partition("; ")
        cost = "only the embedded engine (runc) runs containers"
        return Finding("Docker engine", found, "missing", cost, remedy or "see the Docker daemon's log")
    driver, version = info.get("CgroupDriver"), info.get("CgroupVersion")
    found = f"{info.get('ServerVersion')}, cgroup driver {driver}, cgroup v{version}"
    return Finding("Docker engine", found, "ok")


def _docker_client(seen: Seen) -> Finding:
    if seen.docker_client:
        return Finding("docker client", seen.docker_client, "ok")
    return Finding("docker client", "no", "missing", "run --engine docker is refused", "install docker-cli")


def _runtime(seen: Seen) -> Finding:
    found = ", ".join(version for version in (seen.runc, seen.crun) if version)
    if seen.runc:
        return Finding("OCI runtime", found, "ok")
    return Finding("OCI runtime", found or "no", "missing", "run --engine runc is refused", "install runc")


def _some_engine(seen: Seen) -> Finding:
    by_docker = seen.docker_client and not isinstance(seen.docker_info, str)
    able = [name for name, usable in (("docker", by_docker), ("runc", seen.runc)) if usable]
    if able:
        return Finding("usable engine", " and ".join(able), "ok")
    return Finding(
        "usable engine", "no", "missing", "no container can be run", "install runc, or Docker and start it", vital=True
    )


def _disk_quota(seen: Seen) -> Finding:
    """docs.docker.com "docker run --storage-opt": overlay2 needs xfs mounted with pquota."""
    check, cost = "storage quota", "a container's disk space cannot be limited"
    info = seen.docker_info
    if isinstance(info, str):
        return Finding(check, "unknown without a Docker engine", "limited", cost, "start a Docker engine")
    driver, root = info.get("Driver", "?"), info.get("DockerRootDir", "/")
    mount = _mount_of(root, seen.mounts)
    found = f"{driver} on {mount.fs_type if mount else '?'} ({root})"
    if driver in ("btrfs", "zfs", "windowsfilter"):
        return Finding(check, found, "ok")
    options = mount.super_options + mount.options if mount else ()
    if driver == "overlay2" and mount and mount.fs_type == "xfs" and {"prjquota", "pquota"} & set(options):
        return Finding(check, f"{found} with pquota", "ok")
    remedy = "put Docker's data-root on XFS mounted with pquota, storage driver overlay2"
    return Finding(check, found, "limited", cost, remedy)


def _mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that holds a path: the longest mountpoint above it, the last one of several."""
    above = [m for m in mounts if path == m.mount_point or path.startswith(m.mount_point.rstrip("/") + "/")]
    return max(reversed(above), key=lambda mount: len(mount.mount_point), default=None)


def _seccomp_notify(seen: Seen) -> Finding:
    if "user_notif" in seen.seccomp_actions.split():
        return Finding("seccomp notify", "yes", "ok")
    cost = "df, sysinfo(2) and with it busybox free show the host"
    return Finding("seccomp notify", "no", "limited", cost, "use Linux 5.0 or later with CONFIG_SECCOMP_FILTER")


def _pressure(seen: Seen) -> Finding:
    if seen.pressure_error is None:
        return Finding("pressure (PSI)", "on", "ok")
    cost = "/proc/pressure is not there"
    return Finding("pressure (PSI)", seen.pressure_error, "limited", cost, "boot with psi=1")


def _swap(seen: Seen) -> Finding:
    if seen.swap_accounting:
        return Finding("swap accounting", "yes", "ok")
    cost = "swap is neither limited nor shown per container"
    return Finding("swap accounting", "no", "limited", cost, "boot with swapaccount=1")


def _pid_max(seen: Seen) -> Finding:
    if seen.pid_max >= RECOMMENDED_PID_MAX:
        return Finding("kernel.pid_max", str(seen.pid_max), "ok")
    return Finding(
        "kernel.pid_max",
        str(seen.pid_max),
        "limited",
        "the containers' process limits together may exceed it",
        f"sysctl -w kernel.pid_max={RECOMMENDED_PID_MAX}",
    )


def _daemon(seen: Seen) -> Finding:
    if seen.daemon is None:
        cost, remedy = "containers get no view", f"start lxcfs-py serve, or give its --run-dir (not {seen.run_dir})"
        return Finding("daemon", "not running", "missing", cost, remedy)
    found = f"{seen.daemon.version}, process {seen.daemon.pid}, {len(seen.daemon.files)} files"
    return Finding("daemon", found, "ok")


def _mount(seen: Seen) -> Finding:
    if seen.daemon_error:
        found, _, remedy = seen.daemon_error.partition("; ")
        return Finding("mount", found, "missing", "containers with a view read errors from it", remedy, vital=True)
    if seen.daemon:
        return Finding("mount", f"{seen.daemon.mountpoint} answers", "ok")
    there = next((mount for mount in seen.mounts if mount.mount_point == seen.mountpoint), None)
    if there:
        cost, remedy = "serve is refused there", f"umount {seen.mountpoint}, or give another --mountpoint"
        return Finding("mount", f"{there.fs_type} on {seen.mountpoint}", "limited", cost, remedy)
    return Finding("mount", "none", "missing", "containers get no view", "start lxcfs-py serve")


CHECKS: tuple[Callable[[Seen], Finding], ...] = (
    _kernel,
    _kernel_pid_ioctl,
    _root,
    _cgroup_layout,
    _controller("memory", "memory is neither limited nor shown per container"),
    _controller("cpu", "--cpus is not enforced nor shown"),
    _controller("cpuacct", "busy time is not shown per container"),
    _controller("cpuset", "--cpuset-cpus is not enforced nor shown"),
    _controller("io", "/proc/diskstats is not per container"),
    _controller("pids", "--pids-limit is not enforced"),
    _fuse,
    _docker_engine,
    _docker_client,
    _runtime,
    _some_engine,
    _disk_quota,
    _seccomp_notify,
    _pressure,
    _swap,
    _pid_max,
    _daemon,
    _mount,
)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _open_error(path: Path, flags: int) -> str | None:
    """Why a file cannot be opened and, if for reading, read; None if it can."""
    try:
        fd = os.open(path, flags | os.O_CLOEXEC)
        try:
            if flags == os.O_RDONLY:
                os.read(fd, 1)  # with PSI off, open(2) or read(2) says EOPNOTSUPP
        finally:
            os.close(fd)
    except OSError as error:
        return str(error.strerror)
    return None


def _docker_info() -> Mapping[str, Any] | str:
    try:
        info: Mapping[str, Any] = docker.info()
        return info
    except LxcfsError as error:
        return str(error)


def _version(program: str) -> str | None:
    """The first line of `program --version`; None if it is not installed or does not run."""
    argv = (program, "--version")
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next(iter(done.stdout.strip().splitlines()), None)


def _mount_error(daemon: rundir.Daemon) -> str | None:
    try:
        require_mount(daemon)
    except LxcfsError as error:
        return str(error)
    return None
