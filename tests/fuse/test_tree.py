from __future__ import annotations

from lxcfs_py.fuse.tree import Node, build, join, split
from lxcfs_py.views import VirtualFile


def row(path: str) -> VirtualFile:
    return VirtualFile(path, lambda container, host: "")


def test_inodes_follow_from_the_order_of_the_table() -> None:
    a, b, c = row("proc/a"), row("sys/x/b"), row("proc/c")
    assert build((a, b, c)) == {
        1: Node(1, 1, None, {b"proc": 3, b"sys": 5}),
        2: Node(2, 1),
        3: Node(3, 1, None, {b"a": 4, b"c": 8}),
        4: Node(4, 3, a),
        5: Node(5, 1, None, {b"x": 6}),
        6: Node(6, 5, None, {b"b": 7}),
        7: Node(7, 6, b),
        8: Node(8, 3, c),
    }


def test_an_inode_number_is_slot_and_node() -> None:
    assert [split(join(slot, node)) for slot, node in ((0, 1), (7, 2), (2**40, 2**13 - 1))] == [
        (0, 1),
        (7, 2),
        (2**40, 2**13 - 1),
    ]
    assert join(0, 5) == 5
