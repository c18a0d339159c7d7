"""The checks on machines as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lxcfs_py import doctor
from lxcfs_py.cgroup import hierarchy
from lxcfs_py.doctor import Finding, Seen
from lxcfs_py.procfs import mountinfo
from lxcfs_py.rundir import Daemon

MOUNTS = mountinfo.parse(
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "31 27 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    "40 27 7:0 / /srv/docker rw,relatime - xfs /dev/loop0 rw,attr2,prjquota\n"
)
CONTROLLERS = ("memory", "cpu", "cpuset", "io", "pids")

GOOD = Seen(
    kernel="6.12.1-amd64",
    is_root=True,
    mounts=MOUNTS,
    layout=hierarchy.detect(MOUNTS, {"/sys/fs/cgroup": CONTROLLERS}),
    fuse_error=None,
    docker_info={
        "ServerVersion": "28.2.2",
        "CgroupDriver": "systemd",
        "CgroupVersion": "2",
        "Driver": "overlay2",
        "DockerRootDir": "/srv/docker",
    },
    docker_client="Docker version 28.2.2, build e6534b4",
    runc="runc version 1.1.5",
    crun="crun version 1.8.1",
    seccomp_actions="kill_process trap errno user_notif trace log allow\n",
    pressure_error=None,
    swap_accounting=True,
    pid_max=4194304,
    mountpoint="/var/lib/lxcfs",
    run_dir="/run/lxcfs-py",
    daemon=Daemon("0.1.0", 77, "/var/lib/lxcfs", ("proc/meminfo", "proc/stat")),
    daemon_error=None,
)

CGROUP = "v2 at /sys/fs/cgroup"


def test_nothing_is_missing() -> None:
    findings = doctor.examine(GOOD)
    assert findings == (
        Finding("kernel", "6.12.1-amd64", "ok"),
        Finding("pid namespace ioctl", "since Linux 6.11", "ok"),
        Finding("root", "yes", "ok"),
        Finding("cgroup layout", "v2", "ok"),
        Finding("cgroup memory", CGROUP, "ok"),
        Finding("cgroup cpu", CGROUP, "ok"),
        Finding("cgroup cpuacct", CGROUP, "ok"),
        Finding("cgroup cpuset", CGROUP, "ok"),
        Finding("cgroup io", CGROUP, "ok"),
        Finding("cgroup pids", CGROUP, "ok"),
        Finding("/dev/fuse", "opens", "ok"),
        Finding("Docker engine", "28.2.2, cgroup driver systemd, cgroup v2", "ok"),
        Finding("docker client", "Docker version 28.2.2, build e6534b4", "ok"),
        Finding("OCI runtime", "runc version 1.1.5, crun version 1.8.1", "ok"),
        Finding("usable engine", "docker and runc", "ok"),
        Finding("storage quota", "overlay2 on xfs (/srv/docker) with pquota", "ok"),
        Finding("seccomp notify", "yes", "ok"),
        Finding("pressure (PSI)", "on", "ok"),
        Finding("swap accounting", "yes", "ok"),
        Finding("kernel.pid_max", "4194304", "ok"),
        Finding("daemon", "0.1.0, process 77, 2 files", "ok"),
        Finding("mount", "/var/lib/lxcfs answers", "ok"),
    )
    assert doctor.exit_code(findings) == 0


def test_everything_is_missing() -> None:
    bare = Seen(
        kernel="4.19.0",
        is_root=False,
        mounts=MOUNTS[:1],
        layout=hierarchy.detect(MOUNTS[:1], {}),
        fuse_error="No such file or directory",
        docker_info="no Docker daemon answers at unix:///var/run/docker.sock; start it",
        docker_client=None,
        runc=None,
        crun=None,
        seccomp_actions="",
        pressure_error="Operation not supported",
        swap_accounting=False,
        pid_max=32768,
        mountpoint="/var/lib/lxcfs",
        run_dir="/run/lxcfs-py",
        daemon=None,
        daemon_error=None,
    )
    findings = doctor.examine(bare)
    assert [(f.check, f.found, f.state, f.vital) for f in findings] == [
        ("kernel", "4.19.0", "missing", True),
        ("pid namespace ioctl", "no", "limited", False),
        ("root", "no", "missing", True),
        ("cgroup layout", "none", "missing", True),
        ("cgroup memory", "no", "limited", False),
        ("cgroup cpu", "no", "limited", False),
        ("cgroup cpuacct", "no", "limited", False),
        ("cgroup cpuset", "no", "limited", False),
        ("cgroup io", "no", "limited", False),
        ("cgroup pids", "no", "limited", False),
        ("/dev/fuse", "No such file or directory", "missing", True),
        ("Docker engine", "no Docker daemon answers at unix:///var/run/docker.sock", "missing", False),
        ("docker client", "no", "missing", False),
        ("OCI runtime", "no", "missing", False),
        ("usable engine", "no", "missing", True),
        ("storage quota", "unknown without a Docker engine", "limited", False),
        ("seccomp notify", "no", "limited", False),
        ("pressure (PSI)", "Operation not supported", "limited", False),
        ("swap accounting", "no", "limited", False),
        ("kernel.pid_max", "32768", "limited", False),
        ("daemon", "not running", "missing", False),
        ("mount", "none", "missing", False),
    ]
    assert [f.check for f in findings if not (f.cost and f.remedy)] == []
    assert doctor.exit_code(findings) == 1


@pytest.mark.parametrize(
    ("driver", "root", "found", "state"),
    [
        ("overlay2", "/var/lib/docker", "overlay2 on ext4 (/var/lib/docker)", "limited"),
        ("overlay2", "/srv/docker-other", "overlay2 on ext4 (/srv/docker-other)", "limited"),
        ("overlay2", "/srv/docker/data", "overlay2 on xfs (/srv/docker/data) with pquota", "ok"),
        ("overlayfs", "/srv/docker", "overlayfs on xfs (/srv/docker)", "limited"),
        ("btrfs", "/var/lib/docker", "btrfs on ext4 (/var/lib/docker)", "ok"),
    ],
)
def test_storage_quota(driver: str, root: str, found: str, state: str) -> None:
    seen = replace(GOOD, docker_info={"Driver": driver, "DockerRootDir": root})
    (finding,) = [f for f in doctor.examine(seen) if f.check == "storage quota"]
    assert (finding.found, finding.state) == (found, state)


def test_a_dead_mount_is_fatal() -> None:
    findings = doctor.examine(replace(GOOD, daemon_error="the mount is dead; restart lxcfs-py serve"))
    assert findings[-1] == Finding(
        "mount",
        "the mount is dead",
        "missing",
        "containers with a view read errors from it",
        "restart lxcfs-py serve",
        vital=True,
    )
    assert doctor.exit_code(findings) == 1


def test_the_engines_own_words_are_the_remedy() -> None:
    (finding,) = [
        f
        for f in doctor.examine(replace(GOOD, docker_info="this user may not use it; be root"))
        if f.check == "Docker engine"
    ]
    cost = "only the embedded engine (runc) runs containers"
    assert finding == Finding("Docker engine", "this user may not use it", "missing", cost, "be root")


def test_something_else_is_mounted_there() -> None:
    findings = doctor.examine(replace(GOOD, daemon=None, mountpoint="/srv/docker"))
    assert findings[-1] == Finding(
        "mount",
        "xfs on /srv/docker",
        "limited",
        "serve is refused there",
        "umount /srv/docker, or give another --mountpoint",
    )


def test_this_machine(tmp_path: Path) -> None:
    findings = doctor.examine(doctor.look(tmp_path / "run", tmp_path))
    assert [f.check for f in findings] == [f.check for f in doctor.examine(GOOD)]
    assert findings[0].state == "ok"
