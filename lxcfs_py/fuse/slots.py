"""`containers/NAME/`: one container's own copy of the tree, with inodes that no other container has.

Since Linux 6.5 sendfile(2) and splice(2), with which busybox's `cat` reads, take a FUSE file's pages from its inode's
cache (filemap_splice_read() in mm/filemap.c) and end at its size. A file that answers by caller must have size 0, lest
one container be given what another one read, and so it is empty for them. Here the inode means one container alone.
NAME is chosen by who starts the container, hard to guess, and means nothing; the first container that uses it has it,
until it ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxcfs_py.containers import Container

NAME = re.compile(rb"[0-9a-f]{32,64}")


@dataclass(frozen=True)
class Snapshot:
    """A file's content, and when it was rendered (in nanoseconds since 1970)."""

    content: bytes
    time_nsec: int


@dataclass(eq=False)
class Slot:
    """`lookups` is how many references the kernel holds to inodes of this slot."""

    index: int
    name: bytes
    owner: Container | None = None
    snapshots: dict[int, Snapshot] = field(default_factory=dict)  # by the inode number in the tree
    lookups: int = 0
    shared: bool = False  # another container was given the files too, so nothing may be in the kernel's cache

    def living_owner(self) -> Container | None:
        """The container that has this slot; what an ended one left is dropped."""
        if self.owner is not None and not self.owner.is_alive():
            self.owner = None
            self.shared = False
            self.snapshots.clear()
        return self.owner


class Slots:
    """The slots that the kernel knows, by name and by index; an index is never given twice."""

    def __init__(self) -> None:
        self._by_name: dict[bytes, Slot] = {}
        self._by_index: dict[int, Slot] = {}
        self._last_index = 0

    def __getitem__(self, index: int) -> Slot:
        return self._by_index[index]

    def named(self, name: bytes) -> Slot | None:
        """The slot with this name, which is made if need be; None if it cannot be a name."""
        slot = self._by_name.get(name)
        if slot is None and NAME.fullmatch(name):
            self._last_index += 1
            slot = self._by_name[name] = self._by_index[self._last_index] = Slot(self._last_index, name)
        return slot

    def forget(self, index: int, lookups: int) -> None:
        """The kernel gave references back; with the last one the slot goes."""
        slot = self._by_index.get(index)
        if slot is None:
            return
        slot.lookups -= lookups
        if slot.lookups <= 0:
            del self._by_index[index], self._by_name[slot.name]

    def sweep(self) -> None:
        """Drop what ended containers left."""
        for slot in self._by_index.values():
            slot.living_owner()
