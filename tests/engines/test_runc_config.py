"""config.json, whole; and the plan that goes with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lxcfs_py.engines import arguments, runc, runc_config
from lxcfs_py.engines.machine import Machine
from lxcfs_py.engines.model import Container, Limits, Request
from lxcfs_py.engines.runc_spec import Spec, UserMount
from lxcfs_py.engines.view import Bind

ID = "0123456789abcdef" * 4
MACHINE = Machine(
    online_cpus=frozenset({0, 1}),
    controllers=frozenset({"memory", "cpu", "cpuset", "pids"}),
    swap_accounting=True,
    cgroup_namespaces=True,
    cgroup_mount_points=("/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"),
    resolv_conf="/run/systemd/resolve/stub-resolv.conf",
    architecture="x86_64",
)
OLD_MACHINE = Machine(frozenset({0}), frozenset({"memory"}), False, False, (), "/etc/resolv.conf", "s390x")
VIEW = (Bind("/m/proc/meminfo", "/proc/meminfo"),)

CAPABILITIES = [
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
]
SYSTEM_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/pts",
        "type": "devpts",
        "source": "devpts",
        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
        "destination": "/dev/shm",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {
        "destination": "/sys/fs/cgroup",
        "type": "cgroup",
        "source": "cgroup",
        "options": ["ro", "nosuid", "noexec", "nodev"],
    },
]
MASKED_PATHS = [
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
]
READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


REFUSED = (
    "unshare setns mount umount umount2 pivot_root open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick "
    "mount_setattr keyctl add_key request_key bpf perf_event_open userfaultfd open_by_handle_at kexec_load "
    "kexec_file_load init_module finit_module delete_module reboot swapon swapoff"
)


def refused(flags: int) -> list[dict[str, Any]]:
    """The system calls, where argument number `flags` of clone(2) has its flags."""
    eperm = {"action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    clone_new = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
    return [
        {"names": REFUSED.split(), **eperm},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        *(
            {
                "names": ["clone"],
                **eperm,
                "args": [{"index": flags, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}],
            }
            for flag in clone_new
        ),
    ]


def bind(source: str, target: str, mode: str = "ro") -> dict[str, Any]:
    return {"destination": target, "type": "bind", "source": source, "options": ["rbind", "rprivate", mode]}


def test_a_container_on_the_hosts_root() -> None:
    spec = Spec(
        args=("sh", "-c", "exit 3"),
        env=(("PATH", "/bin"), ("A", "1"), ("A", "2")),
        tty=True,
        network="host",
        labels=(("team", "a"), ("lxcfs-py.view", "on")),
        mounts=(UserMount("/srv", "/data", read_only=False), UserMount("/etc/hosts", "/h", read_only=True)),
        limits=Limits(512 << 20, None, 1_500_000_000, "0-1", 100),
    )
    assert runc_config.build(spec, ID, "/bundle/rootfs", f"/lxcfs-py/{ID}", VIEW, MACHINE) == {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh", "-c", "exit 3"],
            "env": ["PATH=/bin", "HOSTNAME=0123456789ab", "TERM=xterm", "A=2"],
            "cwd": "/",
            "capabilities": {"bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES},
            "noNewPrivileges": False,
        },
        "root": {"path": "/bundle/rootfs", "readonly": True},
        "hostname": "0123456789ab",
        "mounts": [
            *SYSTEM_MOUNTS,
            {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
            {
                "destination": "/var/tmp",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "nodev", "mode=1777"],
            },
            bind("/run/systemd/resolve/stub-resolv.conf", "/run/systemd/resolve/stub-resolv.conf"),
            bind("/srv", "/data", "rw"),
            bind("/etc/hosts", "/h"),
            bind("/m/proc/meminfo", "/proc/meminfo"),
        ],
        "annotations": {
            "team": "a",
            "lxcfs-py.view": "on",
            "lxcfs-py.name": "0123456789ab",
            "lxcfs-py.rootfs": "host (read-only)",
        },
        "linux": {
            "cgroupsPath": f"/lxcfs-py/{ID}",
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}],
            "resources": {
                "devices": [{"allow": False, "access": "rwm"}],
                "memory": {"limit": 536870912, "swap": 1073741824},
                "cpu": {"quota": 150000, "period": 100000, "cpus": "0-1"},
                "pids": {"limit": 100},
            },
            "maskedPaths": MASKED_PATHS,
            "readonlyPaths": READONLY_PATHS,
            "seccomp": {
                "defaultAction": "SCMP_ACT_ALLOW",
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                "syscalls": refused(flags=0),
            },
        },
    }


def test_a_container_on_a_folder_of_its_own() -> None:
    spec = Spec(
        args=("/init",),
        cwd="/srv",
        uid=1000,
        gid=100,
        rootfs="/r",
        read_only=False,
        name="box",
        hostname="box.example",
        limits=Limits(memory_bytes=6 << 20, memory_swap_bytes=-1),
    )
    assert runc_config.build(spec, ID, "/r", "/lxcfs-py/x", (), OLD_MACHINE) == {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 1000, "gid": 100},
            "args": ["/init"],
            "env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOSTNAME=box.example",
            ],
            "cwd": "/srv",
            "capabilities": {"bounding": CAPABILITIES, "effective": [], "permitted": []},
            "noNewPrivileges": False,
        },
        "root": {"path": "/r", "readonly": False},
        "hostname": "box.example",
        "mounts": SYSTEM_MOUNTS,
        "annotations": {"lxcfs-py.name": "box", "lxcfs-py.rootfs": "/r"},
        "linux": {
            "cgroupsPath": "/lxcfs-py/x",
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}],
            "resources": {"devices": [{"allow": False, "access": "rwm"}], "memory": {"limit": 6291456}},
            "maskedPaths": MASKED_PATHS,
            "readonlyPaths": READONLY_PATHS,
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": refused(flags=1)},
        },
    }


@pytest.mark.parametrize(
    ("limits", "memory"),
    [
        (Limits(100, 100), {"limit": 100, "swap": 100}),
        (Limits(100, -1), {"limit": 100, "swap": -1}),
        (Limits(100), {"limit": 100, "swap": 200}),
    ],
)
def test_swap_is_counted_with_memory(limits: Limits, memory: dict[str, int]) -> None:
    config = runc_config.build(Spec(limits=limits), ID, "/r", "/c", (), MACHINE)
    assert config["linux"]["resources"] == {"devices": [{"allow": False, "access": "rwm"}], "memory": memory}


@pytest.mark.parametrize(
    "limits", [Limits(), Limits(1 << 30, 2 << 30, 10_000_000, "0", 1), Limits(nano_cpus=2_000_000_000), Limits(pids=9)]
)
def test_ps_reads_back_the_limits(limits: Limits) -> None:
    config = runc_config.build(Spec(limits=limits, name="box"), ID, "/r", "/c", VIEW, MACHINE)
    for broken, view in ((False, "on"), (True, "broken")):
        row = runc.row(ID, "running", json.loads(json.dumps(config)), ("proc/meminfo",), broken=broken)
        assert row == Container(ID, "box", "runc", "host (read-only)", "running", view, limits)


def test_what_the_machine_cannot_enforce() -> None:
    everything = Limits(1 << 30, 2 << 30, 10**9, "0", 9)
    assert list(runc.unenforceable(everything, MACHINE)) == []
    assert list(runc.unenforceable(Limits(), OLD_MACHINE)) == []
    assert list(runc.unenforceable(everything, OLD_MACHINE)) == [
        ("--cpus", "cpu cgroup controller"),
        ("--cpuset-cpus", "cpuset cgroup controller"),
        ("--pids-limit", "pids cgroup controller"),
        ("--memory-swap", "swap accounting"),
    ]


def plan(spec: Spec, run_dir: str) -> runc.RuncPlan:
    return runc.plan_container(spec, Request(arguments.parse(()), Path(run_dir)), MACHINE, ID)


def test_dry_run_on_the_hosts_root() -> None:
    made = plan(Spec(), "/run/a,b c")
    bundle = f"/run/a,b c/runc/bundles/{ID}"
    config = json.dumps(made.config, indent=1)
    escaped = bundle.replace(",", "\\,")
    assert made.describe().splitlines() == [
        f"mkdir -p '{bundle}'",
        "unshare --mount --propagation slave",
        f"mkdir '{bundle}/scratch'",
        f"mount -t tmpfs -o mode=0755,size=1m lxcfs-py '{bundle}/scratch'",
        f"mkdir '{bundle}/rootfs' '{bundle}/scratch/upper' '{bundle}/scratch/work'",
        f"mount -t overlay -o 'lowerdir=/,upperdir={escaped}/scratch/upper,workdir={escaped}/scratch/work' "
        f"lxcfs-py '{bundle}/rootfs'",
        f"cat > '{bundle}/config.json' <<'END'",
        *config.splitlines(),
        "END",
        f"runc --root '/run/a,b c/runc/state' --log '{bundle}/log' --log-format json run --bundle '{bundle}' "
        f"--pid-file '{bundle}/pid' {ID}",
    ]


def test_dry_run_on_a_folder_mounts_nothing() -> None:
    made = plan(Spec(rootfs="/r"), "/run/x")
    bundle = f"/run/x/runc/bundles/{ID}"
    assert made.describe().splitlines() == [
        f"mkdir -p {bundle}",
        f"cat > {bundle}/config.json <<'END'",
        *json.dumps(made.config, indent=1).splitlines(),
        "END",
        f"runc --root /run/x/runc/state --log {bundle}/log --log-format json run --bundle {bundle} "
        f"--pid-file {bundle}/pid {ID}",
    ]
