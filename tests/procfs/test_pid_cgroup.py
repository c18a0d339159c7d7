from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import pid_cgroup
from lxcfs_py.procfs.pid_cgroup import Entry

TEXT = """\
13:name=systemd:/system.slice/a b.service
4:memory:/docker/0123:cafe (deleted)
1:cpu,cpuacct:/
0::/../x (deleted)
"""


def test_whole_value() -> None:
    assert pid_cgroup.parse(TEXT) == (
        Entry(hierarchy_id=13, controllers=("name=systemd",), path="/system.slice/a b.service", deleted=False),
        Entry(4, ("memory",), "/docker/0123:cafe (deleted)", False),  # its name: v1 has no such mark
        Entry(1, ("cpu", "cpuacct"), "/", False),
        Entry(0, (), "/../x", True),
    )


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/", Entry(0, (), "/")),
        ("/x (deleted) (deleted)", Entry(0, (), "/x (deleted)", True)),
        ("/x(deleted)", Entry(0, (), "/x(deleted)")),
        ("/ (deleted)", Entry(0, (), "/", True)),
        ("/a\r\x0b\u2028b:/", Entry(0, (), "/a\r\x0b\u2028b:/")),
        ("/\udcff", Entry(0, (), "/\udcff")),
    ],
)
def test_v2(path: str, entry: Entry) -> None:
    assert pid_cgroup.parse(f"0::{path}\n") == (entry,)


def test_no_hierarchy() -> None:
    assert pid_cgroup.parse("") == ()


@pytest.mark.parametrize(
    "text", ["\n", TEXT[:-1], "0::/\n\n", "0::\n", "0:/\n", "0\n", "::/\n", "-1::/\n", "x:cpu:/\n", "0::a/b\n"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/PID/cgroup: "):
        pid_cgroup.parse(text)


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_any_name(name: str) -> None:
    assert pid_cgroup.parse(f"7:pids:/{name}\n0::/{name} (deleted)\n") == (
        Entry(7, ("pids",), f"/{name}"),
        Entry(0, (), f"/{name}", True),
    )
