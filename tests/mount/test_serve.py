"""Starting, stopping, and refusing to start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.conftest import Lxcfs, mount_table, run_lxcfs

pytestmark = pytest.mark.mount

Start = Callable[..., AbstractContextManager[Lxcfs]]


def refusal(mountpoint: Path, run_dir: Path, *before: str) -> tuple[int, str]:
    """Exit code and words of a `serve` that must not start; nothing may be left of it."""
    there = run_dir.exists() and sorted(os.listdir(run_dir))
    where = ["--mountpoint", str(mountpoint), "--run-dir", str(run_dir)]
    done = subprocess.run(
        [*before, sys.executable, "-m", "lxcfs_py", "serve", *where],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    assert (run_dir.exists() and sorted(os.listdir(run_dir))) == there
    return done.returncode, done.stderr


def test_no_mountpoint(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none", tmp_path / "run") == (
        1,
        f"lxcfs-py: the mountpoint {tmp_path}/none does not exist; make it with `mkdir -p {tmp_path}/none`\n",
    )


def test_the_mountpoint_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file", tmp_path / "run") == (
        1,
        f"lxcfs-py: the mountpoint {tmp_path}/file cannot be used (Not a directory); take an empty directory\n",
    )


def test_the_mountpoint_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    (tmp_path / "mnt/\x1b[31mred").write_text("")
    assert refusal(tmp_path / "mnt", tmp_path / "run") == (
        1,
        f"lxcfs-py: the mountpoint {tmp_path}/mnt is not empty (it has '\\x1b[31mred'); take an empty directory\n",
    )


def test_the_mountpoint_is_a_mount(tmp_path: Path, lxcfs: Lxcfs) -> None:
    assert refusal(lxcfs.mountpoint, tmp_path / "run") == (
        1,
        f"lxcfs-py: {lxcfs.mountpoint} is already a mount (fuse.lxcfs-py); "
        f"`umount {lxcfs.mountpoint}` or take another directory\n",
    )
    assert lxcfs.read("proc/swaps") == Path("/proc/swaps").read_bytes()


def test_another_daemon_has_the_run_directory(tmp_path: Path, lxcfs: Lxcfs) -> None:
    (tmp_path / "mnt").mkdir()
    assert refusal(tmp_path / "mnt", lxcfs.run_dir) == (
        1,
        f"lxcfs-py: a daemon already uses the run directory {lxcfs.run_dir} "
        f"(process {lxcfs.process.pid}, mounted on {lxcfs.mountpoint}); stop it or give another --run-dir\n",
    )


def test_the_run_directory_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "mnt", tmp_path / "file/run") == (
        1,
        f"lxcfs-py: cannot use the run directory {tmp_path}/file/run (Not a directory); give another --run-dir\n",
    )


def test_not_root(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    # with the right to read, because the interpreter may be in root's own home
    nobody = ("setpriv", "--reuid=65534", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    assert refusal(tmp_path / "mnt", tmp_path / "run", *nobody) == (
        1,
        "lxcfs-py: mounting for all users needs root; run `sudo lxcfs-py serve`\n",
    )


def test_no_dev_fuse(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    hide = 'mount -t tmpfs none /dev && exec "$0" "$@"'
    assert refusal(tmp_path / "mnt", tmp_path / "run", "unshare", "--mount", "sh", "-c", hide) == (
        1,
        "lxcfs-py: cannot open /dev/fuse (No such file or directory); "
        "`modprobe fuse`, or in a container give it --device /dev/fuse\n",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unmounts_and_leaves_nothing(start_lxcfs: Start, number: signal.Signals) -> None:
    with start_lxcfs() as lxcfs:
        lxcfs.read("proc/meminfo")
        assert lxcfs.stop(number) == 0
        assert str(lxcfs.mountpoint) not in dict(mount_table())
        assert not lxcfs.run_dir.exists()


def test_it_stops_also_while_somebody_is_inside(start_lxcfs: Start) -> None:
    with start_lxcfs() as lxcfs:
        sleeper = subprocess.Popen(["sleep", "60"], cwd=lxcfs.mountpoint / "proc")
        try:
            assert lxcfs.stop() == 0
            assert str(lxcfs.mountpoint) not in dict(mount_table())
        finally:
            sleeper.kill()
            sleeper.wait()


def test_an_unmount_from_outside_ends_it_with_an_error(start_lxcfs: Start) -> None:
    with start_lxcfs() as lxcfs:
        subprocess.run(["umount", str(lxcfs.mountpoint)], check=True)
        assert lxcfs.process.wait(10) == 1
        lxcfs.stopped = True
        assert lxcfs.log_path.read_text().splitlines()[-1] == (
            f"lxcfs-py: {lxcfs.mountpoint} was unmounted by somebody else; start `lxcfs-py serve` again"
        )
        assert not lxcfs.run_dir.exists()


def test_the_mount_of_a_killed_daemon_is_replaced(start_lxcfs: Start) -> None:
    with start_lxcfs() as first:
        first.read("proc/uptime")  # the kernel has the attributes of the mountpoint in its cache now
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        where = ["--mountpoint", str(first.mountpoint), "--run-dir", str(first.run_dir)]
        assert run_lxcfs("run", "--run-dir", str(first.run_dir), "x").returncode != 0
        with start_lxcfs(*where) as second:
            second.expect_log("is the mount of a daemon that died; it is replaced")
            assert subprocess.check_output(["cat", first.mountpoint / "proc/swaps"]) == second_swaps()
            assert [path for path, _ in mount_table()].count(str(first.mountpoint)) == 1


def second_swaps() -> bytes:
    return Path("/proc/swaps").read_bytes()


def test_the_service_manager_is_told(start_lxcfs: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with start_lxcfs() as lxcfs:
            ready = f"lxcfs-py: ready: {len(files(lxcfs))} files on {lxcfs.mountpoint}, cgroup "
            assert manager.recv(1000).decode().startswith(f"READY=1\nSTATUS={ready}")
            lxcfs.stop()
            assert manager.recv(1000) == b"STOPPING=1"


def files(lxcfs: Lxcfs) -> list[str]:
    return subprocess.check_output(["find", lxcfs.mountpoint, "-type", "f"], text=True).split()


def test_a_thousand_reads_leave_no_descriptor(lxcfs: Lxcfs) -> None:
    descriptors = Path(f"/proc/{lxcfs.process.pid}/fd")
    read_all = f"cat {lxcfs.mountpoint}/proc/* {lxcfs.mountpoint}/sys/devices/system/cpu/* > /dev/null"
    subprocess.run(["sh", "-c", read_all], check=True)
    before = len(list(descriptors.iterdir()))
    started = time.monotonic()
    subprocess.run(["sh", "-c", f"for i in $(seq 91); do {read_all}; done"], check=True)
    assert time.monotonic() - started < 60
    assert len(list(descriptors.iterdir())) == before
