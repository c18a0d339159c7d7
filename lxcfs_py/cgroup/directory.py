"""One directory of a cgroup hierarchy, held by descriptor: its files are read without naming it again.

A held descriptor of a removed cgroup gives ENODEV, never another cgroup of the same name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import partial

from lxcfs_py.keptfiles import KeptFiles, with_descriptors

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

# It has gone meanwhile, or is threaded: its processes are listed by the domain above it.
_NOT_LISTED = (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP)


class CgroupDirectory(KeptFiles):
    """A cgroup's directory in one hierarchy, and its parent's, up to (not including) the hierarchy's root."""

    def __init__(self, path: str, parent: CgroupDirectory | None) -> None:
        super().__init__(path)
        self.parent = parent

    def __del__(self) -> None:
        # Parents are shared by the containers below them and end with the last of these.
        if hasattr(self, "fd"):
            self.close()

    def is_current(self) -> bool:
        """Whether the path still means this directory."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.fd))
        except OSError:
            return False

    def lineage(self) -> Iterator[CgroupDirectory]:
        """This directory, its parent, and so on."""
        level: CgroupDirectory | None = self
        while level is not None:
            yield level
            level = level.parent

    def lineage_with(self, name: str) -> Iterator[tuple[CgroupDirectory, str]]:
        """Each level that has the file, and its text.

        A v2 cgroup has a controller's files only if its parent delegates the controller to it.
        """
        for level in self.lineage():
            try:
                yield level, level.read(name)
            except FileNotFoundError:
                continue

    def processes(self) -> Iterator[int]:
        """The ids of all processes in this cgroup and below it; those that vanish meanwhile are left out."""
        pending = [self.fd]
        try:
            while pending:
                fd = pending.pop()
                try:
                    yield from _process_ids(fd)
                    for name in with_descriptors(partial(_directories, fd)):
                        pending.append(with_descriptors(partial(os.open, name, _DIRECTORY, dir_fd=fd)))
                except OSError as error:
                    if error.errno not in _NOT_LISTED:
                        raise
                finally:
                    if fd != self.fd:
                        os.close(fd)
        finally:
            for fd in pending:
                if fd != self.fd:
                    os.close(fd)


def _directories(dir_fd: int) -> list[str]:
    with os.scandir(dir_fd) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _process_ids(dir_fd: int) -> list[int]:
    fd = with_descriptors(lambda: os.open("cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=dir_fd))
    with open(fd, encoding="ascii") as file:
        # 0 is a process outside our pid namespace
        return [pid for pid in map(int, file) if pid]
