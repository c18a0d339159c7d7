"""config.json for runc: a container as Docker would set it up.

Sources: opencontainers/runtime-spec config.md and config-linux.md; moby/moby oci/defaults.go and oci/caps/defaults.go
(mounts, masked paths, capabilities); Documentation/admin-guide/cgroup-v1/memory.rst.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxcfs_py.engines import runc_seccomp
from lxcfs_py.engines.machine import Machine
from lxcfs_py.engines.model import Limits
from lxcfs_py.engines.runc_spec import Spec
from lxcfs_py.engines.view import Bind
from lxcfs_py.units import NANO_CPUS_PER_CPU

NAME_ANNOTATION = "lxcfs-py.name"
ROOTFS_ANNOTATION = "lxcfs-py.rootfs"
HOST_ROOTFS = "host (read-only)"

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CPU_PERIOD_USEC = 100_000

CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

# target, type, options
_SYSTEM_MOUNTS = (
    ("/proc", "proc", ("nosuid", "noexec", "nodev")),
    ("/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    ("/dev/pts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    ("/dev/shm", "tmpfs", ("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
    ("/dev/mqueue", "mqueue", ("nosuid", "noexec", "nodev")),
    ("/sys", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
    ("/sys/fs/cgroup", "cgroup", ("ro", "nosuid", "noexec", "nodev")),
)
# What programs write to, over the host's own root file system.
_SCRATCH_MOUNTS = (
    ("/run", "tmpfs", ("nosuid", "nodev", "mode=755")),
    ("/tmp", "tmpfs", ("nosuid", "nodev", "mode=1777")),
    ("/var/tmp", "tmpfs", ("nosuid", "nodev", "mode=1777")),
)


def build(
    spec: Spec, container_id: str, rootfs: str, cgroup_path: str, binds: Iterable[Bind], machine: Machine
) -> dict[str, Any]:
    """The whole config.json of a container whose root file system is at `rootfs`."""
    return {
        "ociVersion": "1.0.2",
        "process": _process(spec, container_id),
        "root": {"path": rootfs, "readonly": spec.read_only},
        "hostname": spec.hostname or container_id[:12],
        "mounts": _mounts(spec, binds, machine),
        "annotations": {
            **dict(spec.labels),
            NAME_ANNOTATION: spec.name or container_id[:12],
            ROOTFS_ANNOTATION: spec.rootfs or HOST_ROOTFS,
        },
        "linux": {
            "cgroupsPath": cgroup_path,
            "namespaces": [{"type": name} for name in _namespaces(spec, machine)],
            "resources": _resources(spec.limits, machine),
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
            "seccomp": runc_seccomp.build(machine.architecture),
        },
    }


def _process(spec: Spec, container_id: str) -> dict[str, Any]:
    env = {"PATH": PATH, "HOSTNAME": spec.hostname or container_id[:12]}
    if spec.tty:
        env["TERM"] = "xterm"
    env.update(spec.env)
    capabilities = list(CAPABILITIES)
    held = capabilities if spec.uid == 0 else []  # as Docker: another user gains them by a set-uid program only
    return {
        "terminal": spec.tty,
        "user": {"uid": spec.uid, "gid": spec.gid},
        "args": list(spec.args),
        "env": [f"{name}={value}" for name, value in env.items()],
        "cwd": spec.cwd,
        "capabilities": {"bounding": capabilities, "effective": held, "permitted": held},
        "noNewPrivileges": False,
    }


def _namespaces(spec: Spec, machine: Machine) -> Iterable[str]:
    yield from ("pid", "mount", "ipc", "uts")
    if spec.network == "none":
        yield "network"
    if machine.cgroup_namespaces:
        yield "cgroup"


def _mounts(spec: Spec, binds: Iterable[Bind], machine: Machine) -> list[dict[str, Any]]:
    mounts = [_mount(*mount) for mount in _SYSTEM_MOUNTS]
    if spec.rootfs is None:
        mounts += [_mount(*mount) for mount in _SCRATCH_MOUNTS]
        if spec.network == "host" and machine.resolv_conf.startswith("/run/"):
            mounts.append(_bind(machine.resolv_conf, machine.resolv_conf, read_only=True))
    mounts += [_bind(mount.source, mount.target, mount.read_only) for mount in spec.mounts]
    return mounts + [_bind(bind.source, bind.target, read_only=True) for bind in binds]


def _mount(target: str, fs_type: str, options: tuple[str, ...]) -> dict[str, Any]:
    return {"destination": target, "type": fs_type, "source": fs_type, "options": list(options)}


def _bind(source: str, target: str, read_only: bool) -> dict[str, Any]:
    options = ["rbind", "rprivate", "ro" if read_only else "rw"]
    return {"destination": target, "type": "bind", "source": source, "options": options}


def _resources(limits: Limits, machine: Machine) -> dict[str, Any]:
    # runc itself allows the harmless devices (null, zero, full, random, urandom, tty, ptmx, pts).
    resources: dict[str, Any] = {"devices": [{"allow": False, "access": "rwm"}]}
    memory: dict[str, int] = {}
    if limits.memory_bytes is not None:
        memory["limit"] = limits.memory_bytes
        if machine.swap_accounting:
            memory["swap"] = limits.memory_swap_bytes or 2 * limits.memory_bytes  # docker's default
    cpu: dict[str, int | str] = {}
    if limits.nano_cpus is not None:
        cpu["quota"] = limits.nano_cpus * CPU_PERIOD_USEC // NANO_CPUS_PER_CPU
        cpu["period"] = CPU_PERIOD_USEC
    if limits.cpuset_cpus is not None:
        cpu["cpus"] = limits.cpuset_cpus
    if memory:
        resources["memory"] = memory
    if cpu:
        resources["cpu"] = cpu
    if limits.pids is not None:
        resources["pids"] = {"limit": limits.pids}
    return resources


def limits(config: dict[str, Any]) -> Limits:
    """The limits that a config.json of ours declares: `build` backwards."""
    resources = config["linux"]["resources"]
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    quota = cpu.get("quota")
    return Limits(
        memory_bytes=memory.get("limit"),
        memory_swap_bytes=memory.get("swap"),
        nano_cpus=None if quota is None else quota * NANO_CPUS_PER_CPU // cpu["period"],
        cpuset_cpus=cpu.get("cpus"),
        pids=resources.get("pids", {}).get("limit"),
    )
