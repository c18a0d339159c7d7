from __future__ import annotations

from lxcfs_py.fuse.tree import Node, build
from lxcfs_py.views import VirtualFile


def row(path: str) -> VirtualFile:
    return VirtualFile(path, lambda container, host: "")


def test_inodes_follow_from_the_order_of_the_table() -> None:
    a, b, c = row("proc/a"), row("sys/x/b"), row("proc/c")
    assert build((a, b, c)) == {
        1: Node(1, 1, None, {b"proc": 2, b"sys": 4}),
        2: Node(2, 1, None, {b"a": 3, b"c": 7}),
        3: Node(3, 2, a),
        4: Node(4, 1, None, {b"x": 5}),
        5: Node(5, 4, None, {b"b": 6}),
        6: Node(6, 5, b),
        7: Node(7, 2, c),
    }
