"""A protocol adapter only: FUSE requests in, answers out. No handler awaits, so one task serves all in turn."""

from __future__ import annotations

import errno
import functools
import logging
import stat
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, FUSEError, RequestContext, StatvfsData

from lxcfs_py.answers import Answers
from lxcfs_py.containers import Container, Containers
from lxcfs_py.fuse.tree import Node
from lxcfs_py.views import VirtualFile

log = logging.getLogger(__name__)

_NEVER_CHANGES = 3600.0  # names and attributes are fixed; what is read is not cached at all

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Handler = Callable[Concatenate["Operations", _P], Coroutine[Any, Any, _R]]


_MOST_CONTENT_BYTES = 64 << 20  # of all open files together, kept for reads that go on
_MOST_OPEN = 16384  # files of one container


@dataclass(frozen=True)
class _Open:
    """An open file, and who opened it."""

    file: VirtualFile
    container: Container | None


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
        self._open: dict[int, _Open] = {}
        self._contents = _Contents()
        self._last_handle = 0
        self.reads = 0
        self.errors = 0

    def _node(self, inode: int) -> Node:
        try:
            return self._nodes[inode]
        except KeyError:
            raise FUSEError(errno.ESTALE) from None

    def _attributes(self, inode: int) -> EntryAttributes:
        node = self._node(inode)
        entry = EntryAttributes()
        entry.st_ino = node.inode
        if node.file is None:
            entry.st_mode = stat.S_IFDIR | 0o555
            entry.st_nlink = 2 + sum(self._nodes[below].file is None for below in node.entries.values())
        else:
            entry.st_mode = stat.S_IFREG | 0o444
            entry.st_nlink = 1
        entry.st_size = 0  # as in /proc: nobody knows before it is read
        entry.st_atime_ns = entry.st_mtime_ns = entry.st_ctime_ns = self._mounted_nsec
        entry.entry_timeout = entry.attr_timeout = _NEVER_CHANGES
        return entry

    @_guarded
    async def lookup(self, parent_inode: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        node = self._node(parent_inode)
        inode = {b".": node.inode, b"..": node.parent}.get(name) or node.entries.get(name)
        if inode is None:
            raise FUSEError(errno.ENOENT)
        return self._attributes(inode)

    @_guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        return self._attributes(inode)

    @_guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        self._node(inode)
        return inode

    @_guarded
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        for number, (name, inode) in enumerate(self._node(fh).entries.items(), 1):
            if number > start_id and not pyfuse3.readdir_reply(token, name, self._attributes(inode), number):
                return

    @_guarded
    async def releasedir(self, fh: int) -> None:
        pass

    @_guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        file = self._node(inode).file
        if file is None:
            raise FUSEError(errno.EISDIR)
        container = self._containers.of(ctx.pid)
        if container is not None:
            if container.open_files >= _MOST_OPEN:
                raise FUSEError(errno.EMFILE)
            container.open_files += 1
        self._last_handle += 1
        self._open[self._last_handle] = _Open(file, container)
        # One inode serves every container, so the kernel must not keep what one of them read.
        return FileInfo(fh=self._last_handle, direct_io=True, keep_cache=False)

    @_guarded
    async def read(self, fh: int, off: int, size: int) -> bytes:
        content = self._contents.get(fh) if off else None
        if content is None:
            self.reads += 1
            opened = self._open[fh]
            content = self._answers.content(opened.file, opened.container)
            self._contents.put(fh, content)
        return content[off : off + size]

    async def flush(self, fh: int) -> None:
        raise FUSEError(errno.ENOSYS)  # nothing to do; the kernel does not ask again

    @_guarded
    async def release(self, fh: int) -> None:
        self._contents.drop(fh)
        opened = self._open.pop(fh)
        if opened.container is not None:
            opened.container.open_files -= 1

    @_guarded
    async def statfs(self, ctx: RequestContext) -> StatvfsData:
        answer = StatvfsData()  # no blocks: df leaves the file system out
        answer.f_bsize = answer.f_frsize = 4096
        answer.f_namemax = 255
        return answer
