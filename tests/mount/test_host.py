"""The mounted tree as a process outside any container sees it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from lxcfs_py.procfs import diskstats, meminfo, uptime
from lxcfs_py.procfs import stat as proc_stat
from lxcfs_py.views import VIRTUAL_FILES
from tests.conftest import Lxcfs

pytestmark = pytest.mark.mount

STEADY = ("proc/cpuinfo", "proc/swaps", *(f.path for f in VIRTUAL_FILES if f.path.startswith("sys/")))


def test_the_tree_is_listed_with_the_modes_of_proc(lxcfs: Lxcfs) -> None:
    files = {file.path for file in VIRTUAL_FILES} | {
        f"sys/block/{name}/stat" for name in os.listdir("/sys/block") if os.path.exists(f"/sys/block/{name}/stat")
    }
    listed = subprocess.check_output(["find", lxcfs.mountpoint, "-type", "f"], text=True).splitlines()
    assert {str(Path(name).relative_to(lxcfs.mountpoint)) for name in listed} == files
    output = subprocess.check_output(["find", lxcfs.mountpoint, "-printf", "%P %y %#m %U %G %s\n"], text=True)
    for line in output.splitlines():
        name, attributes = line.split(" ", 1)
        directory = "d 0711 0 0 0" if name == "containers" else "d 0555 0 0 0"
        assert attributes == ("f 0444 0 0 0" if name in files else directory), line


def test_the_parents_of_directories_are_right(lxcfs: Lxcfs) -> None:
    inode = f"stat -c %i {lxcfs.mountpoint}"
    output = subprocess.check_output(["sh", "-c", f"{inode}/proc/..; {inode}/.; {inode}/sys/devices/.; {inode}"])
    root, same, devices, again = output.split()
    assert root == same == again != devices


@pytest.mark.parametrize("name", STEADY)
def test_what_stands_still_is_the_hosts_byte_for_byte(lxcfs: Lxcfs, name: str) -> None:
    assert lxcfs.read(name) == Path("/", name).read_bytes()


def test_what_moves_lies_between_two_reads_of_the_hosts(lxcfs: Lxcfs) -> None:
    def read(name: str) -> tuple[str, str, str]:
        path = Path("/proc", name)
        return path.read_text(), lxcfs.read(f"proc/{name}").decode(), path.read_text()

    before, between, after = (uptime.parse(text).uptime_centiseconds for text in read("uptime"))
    assert before <= between <= after
    first, ours, last = (proc_stat.parse(text) for text in read("stat"))
    assert first.ctxt <= ours.ctxt <= last.ctxt
    assert first.cpu.user <= ours.cpu.user <= last.cpu.user
    assert (first.btime, list(first.cpus)) == (ours.btime, list(ours.cpus))
    one, other, _ = (meminfo.parse(text).values for text in read("meminfo"))
    assert list(one) == list(other)
    assert one["MemTotal"] == other["MemTotal"]
    assert abs(one["MemFree"] - other["MemFree"]) < 512 * 1024
    disks = [diskstats.parse(text) for text in read("diskstats")]
    assert [disk.name for disk in disks[0]] == [disk.name for disk in disks[1]]
    for one_disk, other_disk, third_disk in zip(*disks, strict=True):
        assert one_disk.reads_completed <= other_disk.reads_completed <= third_disk.reads_completed


def test_it_is_read_only_and_has_nothing_else(lxcfs: Lxcfs) -> None:
    for command, message in {
        "echo x > proc/meminfo": "Read-only file system",
        "touch new": "Read-only file system",
        "rm -f proc/stat": "Read-only file system",
        "cat proc/version": "No such file or directory",
        "cat proc": "Is a directory",
    }.items():
        done = subprocess.run(
            ["bash", "-c", command], cwd=lxcfs.mountpoint, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert message in done.stderr, command


def test_df_does_not_list_it(lxcfs: Lxcfs) -> None:
    assert str(lxcfs.mountpoint) not in subprocess.check_output(["df"], text=True)
    status = subprocess.check_output(["stat", "-f", "-c", "%b %f %a", lxcfs.mountpoint], text=True)
    assert status == "0 0 0\n"


def test_small_reads_at_any_offset_make_up_the_whole(lxcfs: Lxcfs) -> None:
    whole = Path("/proc/cpuinfo").read_bytes()
    by_bytes = subprocess.check_output(["dd", f"if={lxcfs.mountpoint}/proc/cpuinfo", "bs=7", "status=none"], timeout=60)
    assert by_bytes == whole
    beyond = ["dd", f"if={lxcfs.mountpoint}/proc/cpuinfo", "bs=1", "count=9", f"skip={len(whole)}", "status=none"]
    assert subprocess.check_output(beyond) == b""


def test_other_users_may_read(lxcfs: Lxcfs) -> None:
    for parent in lxcfs.mountpoint.parents:  # pytest's own folders are private
        if not stat.S_IMODE(parent.stat().st_mode) & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    command = ["setpriv", "--reuid=65534", "--clear-groups", "cat", str(lxcfs.mountpoint / "proc/swaps")]
    assert subprocess.check_output(command) == Path("/proc/swaps").read_bytes()
