"""The directories and files below the mountpoint, as inode numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxcfs_py.views import VirtualFile

ROOT_INODE = 1  # FUSE_ROOT_ID


@dataclass(frozen=True)
class Node:
    """A directory (`file` is None) with its entries in order, or a virtual file."""

    inode: int
    parent: int
    file: VirtualFile | None = None
    entries: dict[bytes, int] = field(default_factory=dict)


def build(files: Iterable[VirtualFile]) -> Mapping[int, Node]:
    """All nodes by inode number, which follows from the order of the table alone."""
    nodes = {ROOT_INODE: Node(ROOT_INODE, ROOT_INODE)}
    for file in files:
        here = nodes[ROOT_INODE]
        *directories, name = file.path.encode().split(b"/")
        for directory in directories:
            inode = here.entries.setdefault(directory, len(nodes) + 1)
            here = nodes.setdefault(inode, Node(inode, here.inode))
        inode = len(nodes) + 1
        here.entries[name] = inode
        nodes[inode] = Node(inode, here.inode, file)
    return nodes
