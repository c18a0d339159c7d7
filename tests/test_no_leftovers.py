"""The check that tests leave nothing behind sees what they could leave behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Things, mount_table, things_there

pytestmark = pytest.mark.mount

Added = Callable[[], list[str]]


@pytest.fixture
def added() -> Added:
    """The lines that came since the fixture was made."""
    before = things_there(runs_containers=False)

    def lines() -> list[str]:
        new: Things = things_there(runs_containers=False) - before
        return sorted(new)

    return lines


def test_a_mount_over_another_one(added: Added, tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
        assert f"mount {tmp_path} (tmpfs)" in added()
    for _ in range(2):
        assert f"mount {tmp_path} (tmpfs)" in added()
        subprocess.run(["umount", tmp_path], check=True)
    assert f"mount {tmp_path} (tmpfs)" not in added()


def test_a_cgroup(added: Added) -> None:
    top = next(mountpoint for mountpoint, kind in mount_table() if kind in ("cgroup", "cgroup2"))
    directory = Path(top, f"lxcfs-py-test-{os.getpid()}")
    directory.mkdir()
    try:
        assert f"cgroup {directory}" in added()
    finally:
        directory.rmdir()


def test_a_loop_device(added: Added, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    device = subprocess.check_output(["losetup", "--find", "--show", image], text=True).strip()
    try:
        assert f"loop device {Path(device).name} of {image}" in added()
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_daemon_that_left_its_parent(added: Added) -> None:
    seconds = f"60.{os.getpid()}"
    command = f"setsid sleep {seconds} >/dev/null & echo $!"
    pid = int(subprocess.check_output(["sh", "-c", command], text=True))
    deadline = time.monotonic() + 5
    while f"process {pid} sleep {seconds} " not in added():
        assert time.monotonic() < deadline, added()
        time.sleep(0.01)
    os.kill(pid, 15)
