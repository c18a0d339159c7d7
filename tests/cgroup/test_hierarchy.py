from __future__ import annotations

import pytest

from lxcfs_py.cgroup.hierarchy import Hierarchy, Layout, detect
from lxcfs_py.procfs import mountinfo, pid_cgroup
from lxcfs_py.procfs.pid_cgroup import Entry

# Docker's own choice on an older machine: some v1 hierarchies hold two controllers, systemd's holds none.
V1 = """\
30 25 0:26 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd
31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 / /sys/fs/cgroup/net_cls,net_prio rw shared:11 - cgroup cgroup rw,net_cls,net_prio
33 25 0:29 / /sys/fs/cgroup/memory rw shared:12 - cgroup cgroup rw,memory
34 25 0:30 / /elsewhere rw shared:13 - cgroup cgroup rw,memory
"""
HYBRID = V1 + "35 25 0:31 / /sys/fs/cgroup/unified rw shared:14 - cgroup2 cgroup2 rw,nsdelegate\n"
V2 = "35 25 0:31 / /sys/fs/cgroup rw shared:14 - cgroup2 cgroup2 rw,nsdelegate\n"
INSIDE = "35 25 0:31 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"

CPU = Hierarchy(1, "/sys/fs/cgroup/cpu,cpuacct", "/", frozenset(("cpu", "cpuacct")))
MEMORY = Hierarchy(1, "/sys/fs/cgroup/memory", "/", frozenset(("memory",)))
UNIFIED = Hierarchy(2, "/sys/fs/cgroup/unified")
ONE = Hierarchy(2, "/sys/fs/cgroup")


@pytest.mark.parametrize(
    ("text", "v2_controllers", "expected"),
    [
        ("", {}, Layout({}, None, "none")),
        (V1, {}, Layout({"memory": MEMORY, "cpu": CPU, "cpuacct": CPU}, MEMORY, "v1")),
        (HYBRID, {}, Layout({"memory": MEMORY, "cpu": CPU, "cpuacct": CPU}, MEMORY, "hybrid")),
        (
            HYBRID,
            {"/sys/fs/cgroup/unified": ["io", "pids", "hugetlb"]},
            Layout({"memory": MEMORY, "cpu": CPU, "cpuacct": CPU, "io": UNIFIED, "pids": UNIFIED}, UNIFIED, "hybrid"),
        ),
        (
            V2,
            {"/sys/fs/cgroup": ["cpuset", "cpu", "io", "memory", "pids"]},
            Layout(dict.fromkeys(("memory", "cpu", "cpuacct", "cpuset", "io", "pids"), ONE), ONE, "v2"),
        ),
        (V2, {"/sys/fs/cgroup": []}, Layout({"cpuacct": ONE}, ONE, "v2")),
    ],
)
def test_each_controller_is_found_where_it_is_mounted(
    text: str, v2_controllers: dict[str, list[str]], expected: Layout
) -> None:
    assert detect(mountinfo.parse(text), v2_controllers) == expected


@pytest.mark.parametrize(
    ("root", "path", "directory"),
    [
        ("/", "/", "/sys/fs/cgroup"),
        ("/", "/docker/abc", "/sys/fs/cgroup/docker/abc"),
        ("/", "/../other", None),  # outside our cgroup namespace
        ("/docker/abc", "/docker/abc", "/sys/fs/cgroup"),
        ("/docker/abc", "/docker/abc/inner/most", "/sys/fs/cgroup/inner/most"),
        ("/docker/abc", "/docker/abcdef", None),
        ("/docker/abc", "/", None),
    ],
)
def test_a_cgroup_is_found_below_what_is_mounted(root: str, path: str, directory: str | None) -> None:
    assert Hierarchy(2, "/sys/fs/cgroup", root).directory(path) == directory


def test_the_line_of_a_hierarchy_is_told_by_its_controllers() -> None:
    entries = pid_cgroup.parse("12:cpuacct,cpu:/a\n3:memory:/b\n1:name=systemd:/c\n0::/d\n")
    assert CPU.entry(entries) == Entry(12, ("cpuacct", "cpu"), "/a")
    assert MEMORY.entry(entries) == Entry(3, ("memory",), "/b")
    assert UNIFIED.entry(entries) == Entry(0, (), "/d")
    assert MEMORY.entry(entries[2:]) is None


def test_the_mounts_of_a_container_inside_another_lead_to_its_own_cgroup() -> None:
    layout = detect(mountinfo.parse(INSIDE), {"/sys/fs/cgroup": ["memory"]})
    assert layout.controllers["memory"].directory("/docker/abc/x") == "/sys/fs/cgroup/x"
