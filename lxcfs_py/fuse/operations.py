"""A protocol adapter only: FUSE requests in, answers out. No handler awaits, so one task serves all in turn."""

from __future__ import annotations

import errno
import functools
import logging
import stat
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, RequestContext, StatvfsData

from lxcfs_py.answers import Answers
from lxcfs_py.containers import Container, Containers
from lxcfs_py.fuse.slots import Slot, Slots, Snapshot
from lxcfs_py.fuse.tree import CONTAINERS_INODE, ROOT_INODE, Node, join, split
from lxcfs_py.views import VirtualFile

log = logging.getLogger(__name__)

_NEVER_CHANGES_SEC = 3600.0
_JUST_NOW_NSEC = 20_000_000  # between the getattr that the kernel begins an open with, and the open

_MOST_CONTENT_BYTES = 64 << 20  # of all open files together, kept for reads that go on
_MOST_OPEN = 16384  # files of one container

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Handler = Callable[Concatenate["Operations", _P], Coroutine[Any, Any, _R]]


@dataclass(frozen=True)
class _Open:
    """An open file: whose view it shows (None: the host's), who is charged for it, and the slot it is in."""

    node: Node
    file: VirtualFile
    container: Container | None
    charged: Container | None
    slot: Slot | None = None


class _Contents:
    """What open files showed at their last read from the start; the oldest goes where it gets too much."""

    def __init__(self) -> None:
        self._by_handle: dict[int, bytes] = {}
        self._size = 0

    def get(self, handle: int) -> bytes | None:
        return self._by_handle.get(handle)

    def put(self, handle: int, content: bytes) -> None:
        self.drop(handle)
        self._by_handle[handle] = content
        self._size += len(content)
        while self._size > _MOST_CONTENT_BYTES:
            self.drop(next(iter(self._by_handle)))

    def drop(self, handle: int) -> None:
        self._size -= len(self._by_handle.pop(handle, b""))


def _guarded(handler: _Handler[_P, _R]) -> _Handler[_P, _R]:
    """Anything but a FUSEError would end pyfuse3's loop, and the mount with it."""

    @functools.wraps(handler)
    async def guard(self: Operations, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return await handler(self, *args, **kwargs)
        except FUSEError:
            raise
        except OSError as error:
            self.errors += 1
            if error.errno not in (errno.ENOENT, errno.ESRCH):  # the caller has ended
                self._log_once(error)
            raise FUSEError(error.errno or errno.EIO) from error
        except Exception:  # the one place: a defect costs one request, not all containers
            self.errors += 1
            log.exception("a request failed; its caller is given EIO")
            raise FUSEError(errno.EIO) from None

    return guard


class Operations(pyfuse3.Operations):
    """The read-only file system. `reads` and `errors` count since the start."""

    def __init__(self, nodes: Mapping[int, Node], containers: Containers, answers: Answers) -> None:
        super().__init__()
        self._nodes = nodes
        self._containers = containers
        self._answers = answers
        self._mounted_nsec = time.time_ns()
        self._slots = Slots()
        self._open: dict[int, _Open] = {}
        self._contents = _Contents()
        self._unread: set[int] = set()  # handles whose content was put there by open
        self._last_handle = 0
        self._logged: set[int | None] = set()
        self.reads = 0
        self.errors = 0

    def _log_once(self, error: OSError) -> None:
        if error.errno not in self._logged:
            self._logged.add(error.errno)
            log.warning("requests fail: %s; said once", error.strerror)

    def sweep(self) -> None:
        """Drop what ended containers left."""
        self._slots.sweep()

    def _locate(self, inode: int) -> tuple[Slot | None, Node]:
        index, number = split(inode)
        try:
            return (self._slots[index] if index else None), self._nodes[number]
        except KeyError:
            raise FUSEError(errno.ESTALE) from None

    def _attributes(self, slot: Slot | None, node: Node) -> EntryAttributes:
        entry = EntryAttributes()
        entry.st_ino = join(slot.index if slot else 0, node.inode)
        entry.entry_timeout = entry.attr_timeout = _NEVER_CHANGES_SEC
        if node.file is None:
            # names below containers/ are for those who know them
            entry.st_mode = stat.S_IFDIR | (0o711 if node.inode == CONTAINERS_INODE else 0o555)
            entry.st_nlink = 2 + sum(self._nodes[below].file is None for below in node.entries.values())
        else:
            entry.st_mode = stat.S_IFREG | 0o444
            entry.st_nlink = 1
        entry.st_size = 0  # as in /proc: nobody knows before it is read
        entry.st_atime_ns = entry.st_mtime_ns = entry.st_ctime_ns = self._mounted_nsec
        if slot is not None and node.file is not None:
            # sendfile(2) ends at the size, so that must be right when the file is opened: ask getattr then
            entry.attr_timeout = 0
            snapshot = slot.snapshots.get(node.inode)
            if snapshot is not None and not slot.shared:
                entry.st_size = len(snapshot.content)
                entry.st_mtime_ns = entry.st_ctime_ns = snapshot.time_nsec
        return entry

    @_guarded
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        slot, node = self._locate(parent_inode)
        number: int | None
        if name == b".":
            number = node.inode
        elif name == b"..":
            number = CONTAINERS_INODE if slot and node.inode == ROOT_INODE else node.parent
            slot = None if number == CONTAINERS_INODE else slot
        elif node.inode == CONTAINERS_INODE:
            slot = self._slots.named(name)
            number = ROOT_INODE if slot else None
        else:
            number = (
                CONTAINERS_INODE if parent_inode == ROOT_INODE and name == b"containers" else node.entries.get(name)
            )
        if number is None:
            raise FUSEError(errno.ENOENT)
        if slot is not None:
            slot.lookups += 1
        return self._attributes(slot, self._nodes[number])

    @_guarded
    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for inode, lookups in inode_list:
            index, _ = split(inode)
            if index:
                self._slots.forget(index, lookups)

    @_guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        slot, node = self._locate(inode)
        if slot is not None and node.file is not None:
            owner = self._owner(slot, self._containers.of(ctx.pid))
            if owner is not None:
                slot.snapshots[node.inode] = Snapshot(self._content(node.file, owner), time.time_ns())
        return self._attributes(slot, node)

    @staticmethod
    def _owner(slot: Slot, caller: Container | None) -> Container | None:
        """The container that has the slot; the caller takes one that nobody has."""
        if slot.living_owner() is None:
            slot.owner = caller
        elif caller not in (None, slot.owner):
            slot.shared = True
        return slot.owner

    def _content(self, file: VirtualFile, container: Container | None) -> bytes:
        self.reads += 1
        return self._answers.content(file, container)

    @_guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        self._locate(inode)
        return inode

    @_guarded
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        slot, node = self._locate(fh)
        entries = dict(node.entries)
        if fh == ROOT_INODE:
            entries[b"containers"] = CONTAINERS_INODE
        for number, (name, inode) in enumerate(entries.items(), 1):
            if number <= start_id:
                continue
            if not pyfuse3.readdir_reply(token, name, self._attributes(slot, self._nodes[inode]), number):
                return
            if slot is not None:
                slot.lookups += 1

    @_guarded
    async def releasedir(self, fh: int) -> None:
        pass

    @_guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        slot, node = self._locate(inode)
        if node.file is None:
            raise FUSEError(errno.EISDIR)
        caller = self._containers.of(ctx.pid)
        opened = _Open(node, node.file, container=caller, charged=caller)
        if slot is not None:
            owner = self._owner(slot, caller)
            if caller in (None, owner):  # else a container that was given another one's files: answered for itself
                opened = _Open(node, node.file, container=owner, charged=caller, slot=slot if owner else None)
        if caller is not None:
            if caller.open_files >= _MOST_OPEN:
                raise FUSEError(errno.EMFILE)
            caller.open_files += 1
        self._last_handle += 1
        self._open[self._last_handle] = opened
        if opened.slot is not None:
            # what getattr has sized just now is what the first read shows
            snapshot = opened.slot.snapshots.get(node.inode)
            if snapshot is not None and abs(time.time_ns() - snapshot.time_nsec) < _JUST_NOW_NSEC:
                self._contents.put(self._last_handle, snapshot.content)
                self._unread.add(self._last_handle)
        # One inode may serve every container, so the kernel must not keep what one of them read.
        return FileInfo(fh=self._last_handle, direct_io=True, keep_cache=False)

    @_guarded
    async def read(self, fh: int, off: int, size: int) -> bytes:
        content = self._contents.get(fh) if off or fh in self._unread else None
        if content is None:
            opened = self._open[fh]
            content = self._content(opened.file, opened.container)
            self._contents.put(fh, content)
        self._unread.discard(fh)
        return content[off : off + size]

    async def flush(self, fh: int) -> None:
        raise FUSEError(errno.ENOSYS)  # nothing to do; the kernel does not ask again

    @_guarded
    async def release(self, fh: int) -> None:
        self._contents.drop(fh)
        self._unread.discard(fh)
        charged = self._open.pop(fh).charged
        if charged is not None:
            charged.open_files -= 1

    @_guarded
    async def statfs(self, ctx: RequestContext) -> StatvfsData:
        answer = StatvfsData()  # no blocks: df leaves the file system out
        answer.f_bsize = answer.f_frsize = 4096
        answer.f_namemax = 255
        return answer
