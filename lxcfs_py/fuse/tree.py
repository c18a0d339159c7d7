"""The directories and files below the mountpoint, as inode numbers. Pure.

An inode number is that of a node and, above it, the index of the slot it is in: 0 for the tree that answers by caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxcfs_py.views import VirtualFile

ROOT_INODE = 1  # FUSE_ROOT_ID
CONTAINERS_INODE = 2
_SLOT_SHIFT = 13  # a 32-bit stat(2) has room for half a million slots then


@dataclass(frozen=True)
class Node:
    """A directory (`file` is None) with its entries in order, or a virtual file."""

    inode: int
    parent: int
    file: VirtualFile | None = None
    entries: dict[bytes, int] = field(default_factory=dict)


def build(files: Iterable[VirtualFile]) -> Mapping[int, Node]:
    """All nodes by inode number, which follows from the order of the table alone."""
    nodes = {ROOT_INODE: Node(ROOT_INODE, ROOT_INODE), CONTAINERS_INODE: Node(CONTAINERS_INODE, ROOT_INODE)}
    for file in files:
        here = nodes[ROOT_INODE]
        *directories, name = file.path.encode().split(b"/")
        for directory in directories:
            inode = here.entries.setdefault(directory, len(nodes) + 1)
            here = nodes.setdefault(inode, Node(inode, here.inode))
        inode = len(nodes) + 1
        here.entries[name] = inode
        nodes[inode] = Node(inode, here.inode, file)
    assert len(nodes) < 1 << _SLOT_SHIFT
    return nodes


def join(slot: int, node: int) -> int:
    """The inode number of a node in a slot."""
    return slot << _SLOT_SHIFT | node


def split(inode: int) -> tuple[int, int]:
    """Slot and node of an inode number."""
    return inode >> _SLOT_SHIFT, inode & ((1 << _SLOT_SHIFT) - 1)
