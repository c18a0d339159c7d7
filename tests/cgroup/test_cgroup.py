"""A container's cgroup on the captured kernels, and on directories that come and go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lxcfs_py.cgroup.cgroup import Cgroups
from lxcfs_py.cgroup.cpu import Bandwidth, CpuUsage
from lxcfs_py.cgroup.directory import CgroupDirectory
from lxcfs_py.cgroup.hierarchy import Hierarchy, Layout
from lxcfs_py.cgroup.io import IoStat
from lxcfs_py.cgroup.memory import Level, Memory, MemoryStat
from lxcfs_py.procfs.pid_cgroup import Entry
from tests import captured

MIB = 1 << 20


def test_v2_as_captured() -> None:
    cgroup = captured.cgroup("6.1-uml-v2")
    assert cgroup.memory() == Memory(
        levels=(Level(512 * MIB, 62607360), Level(1024 * MIB, 62607360)),
        swap_levels=(Level(256 * MIB, 65781760), Level(None, 65781760)),
        stat=MemoryStat(
            anon=36880384,
            file=22130688,
            shmem=4194304,
            file_mapped=8425472,
            file_dirty=1052672,
            swapcached=2940928,
            inactive_anon=43978752,
            active_file=45056,
            inactive_file=17891328,
            slab_reclaimable=166848,
            slab_unreclaimable=21456,
            kernel_stack=49152,
            pagetables=241664,
        ),
    )
    assert cgroup.bandwidths() == (Bandwidth(150_000, 100_000), Bandwidth(None, 100_000))
    assert cgroup.throttled_usec() == 1_590_000
    assert cgroup.cpu_usage() == CpuUsage(12_030_000, 0, 50_000)
    assert cgroup.effective_cpus() is None
    assert cgroup.io() == {
        (98, 16): IoStat(60, 245760, 16060, 65781760, 0, 0),
        (98, 0): IoStat(257, 16778240, 136, 16777216, 0, 0),
    }
    assert cgroup.tasks_current() == 4


def test_v1_as_captured() -> None:
    cgroup = captured.cgroup("6.18-hybrid")
    assert cgroup.memory() == Memory(
        levels=(Level(512 * MIB, 126226432), Level(1024 * MIB, 126238720)),
        swap_levels=(Level(256 * MIB, 0), Level(None, 0)),
        stat=MemoryStat(
            anon=102531072,
            file=22077440,
            shmem=4194304,
            file_mapped=8388608,
            file_dirty=1056768,
            inactive_anon=106721280,
            active_file=32768,
            inactive_file=17850368,
        ),
    )
    assert cgroup.bandwidths() == (Bandwidth(150_000, 100_000), Bandwidth(None, 100_000))
    assert cgroup.throttled_usec() == 3_955_859
    assert cgroup.cpu_usage() == CpuUsage(621_817, 0, 1_093_196, {0: 1_128_930, 1: 586_083})
    assert cgroup.effective_cpus() == (0, 1)
    assert cgroup.io() == {(7, 0): IoStat(24, 16784384, 16, 16777216, 0, 0)}
    assert cgroup.tasks_current() == 4


@pytest.mark.parametrize("kernel", captured.KERNELS)
def test_the_root_is_no_cgroup_to_speak_of(kernel: str) -> None:
    layout = captured.layout(kernel)
    controllers = tuple(name for hierarchy in layout.controllers.values() for name in hierarchy.v1_controllers)
    root = Cgroups(layout).open((Entry(1, controllers, "/"), Entry(0, (), "/")))
    assert root.is_root
    assert (root.memory(), root.bandwidths(), root.cpu_usage(), root.io()) == (None, (), None, {})


def _v2(root: Path) -> Layout:
    hierarchy = Hierarchy(2, str(root))
    return Layout({"memory": hierarchy, "cpu": hierarchy, "cpuset": hierarchy, "pids": hierarchy}, hierarchy, "v2")


def test_a_controller_that_is_not_delegated_to_the_cgroup_speaks_from_the_nearest_ancestor(tmp_path: Path) -> None:
    inner = tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    for name, text in {
        "memory.max": "100\n",
        "memory.current": "60\n",
        "memory.stat": "anon 60\n",
        "cpuset.cpus.effective": "1,3\n",
        "cpu.max": "max 100000\n",
        "cpu.stat": "usage_usec 5\nuser_usec 2\nsystem_usec 3\nthrottled_usec 9\n",
    }.items():
        (inner.parent / name).write_text(text)
    (inner / "cpu.stat").write_text("usage_usec 4\nuser_usec 1\nsystem_usec 3\n")
    cgroup = Cgroups(_v2(tmp_path)).open((Entry(0, (), "/outer/inner"),))
    assert cgroup.memory() == Memory((Level(100, 60),), (), MemoryStat(anon=60))
    assert cgroup.effective_cpus() == (1, 3)
    assert cgroup.bandwidths() == (Bandwidth(None, 100_000),)
    assert cgroup.throttled_usec() == 0
    assert cgroup.tasks_current() is None


def test_ancestors_are_shared_and_a_cgroup_made_anew_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "parent" / name).mkdir(parents=True)
        (tmp_path / "parent" / name / "pids.current").write_text("1\n")
    cgroups = Cgroups(_v2(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    a = cgroups.open((Entry(0, (), "/parent/a"),))
    b = cgroups.open((Entry(0, (), "/parent/b"),))
    assert len(os.listdir("/proc/self/fd")) == before + 3
    (tmp_path / "parent/a/pids.current").unlink()
    (tmp_path / "parent/a").rename(tmp_path / "parent/old")
    (tmp_path / "parent/a").mkdir()
    (tmp_path / "parent/a/pids.current").write_text("2\n")
    assert a.tasks_current() is None
    new = cgroups.open((Entry(0, (), "/parent/a"),))
    assert (new.tasks_current(), b.tasks_current()) == (2, 1)
    del a, b, new
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_cgroup_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Cgroups(_v2(tmp_path)).open((Entry(0, (), "/gone"),))


def test_processes_are_listed_with_those_of_all_cgroups_below(tmp_path: Path) -> None:
    for path, pids in {".": "5\n", "x": "7\n0\n", "x/y": "", "z": "9\n11\n"}.items():
        (tmp_path / path).mkdir(exist_ok=True)
        (tmp_path / path / "cgroup.procs").write_text(pids)
    (tmp_path / "memory.stat").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    directory = CgroupDirectory(str(tmp_path), None)
    assert sorted(directory.processes()) == [5, 7, 9, 11]
    assert next(directory.processes()) == 5  # a listing that is not read to its end
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del directory
    assert len(os.listdir("/proc/self/fd")) == before
