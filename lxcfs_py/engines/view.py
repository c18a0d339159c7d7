"""The view of a container as its engine knows it: which files of the daemon's mount are bound, and a label."""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lxcfs_py.engines import process

LABEL = "lxcfs-py.view"

# runc refuses every other bind below /proc: libcontainer/rootfs_linux.go, checkProcMount().
_PROC_FILES = frozenset(
    f"proc/{name}" for name in ("cpuinfo", "diskstats", "loadavg", "meminfo", "slabinfo", "stat", "swaps", "uptime")
)

ViewState = Literal["on", "partial", "off", "broken"]

_ANSWER_TIMEOUT_SEC = 2


@dataclass(frozen=True)
class Bind:
    """One file of the daemon's mount and the path in the container that it covers."""

    source: str
    target: str


def is_bindable(file: str) -> bool:
    """Whether stock runc binds this file of the daemon ("proc/meminfo") over the container's own."""
    return file in _PROC_FILES or file.startswith("sys/")


def binds(mountpoint: str, files: Iterable[str], covered: Iterable[str]) -> tuple[Bind, ...]:
    """The binds for a new container; what the user's own mounts `cover`, themselves or from above, is left alone."""
    taken = set(covered)
    return tuple(
        Bind(posixpath.join(mountpoint, file), f"/{file}")
        for file in sorted(files)
        if is_bindable(file) and taken.isdisjoint(_path_and_parents(f"/{file}"))
    )


def state(files: Iterable[str], mounts: Mapping[str, str]) -> ViewState:
    """Whether all that can be bound is bound, from a container's mounts (target → source)."""
    bound = _bound(mounts)
    if not bound:
        return "off"
    return "on" if bound >= {f"/{file}" for file in files if is_bindable(file)} else "partial"


def is_broken(pid: int, mounts: Mapping[str, str]) -> bool:
    """Whether the daemon that a running container's files were bound from has gone or hangs.

    `pid` is the container's process 1, 0 if it has ended. A user who may not look is told no.
    """
    bound = _bound(mounts)
    if not (pid and bound):
        return False
    why = process.read_errno(f"/proc/{pid}/root{min(bound)}", _ANSWER_TIMEOUT_SEC)
    return why not in (0, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ESRCH)


def _bound(mounts: Mapping[str, str]) -> frozenset[str]:
    return frozenset(
        target
        for target, source in mounts.items()
        if is_bindable(target[1:]) and source != target and source.endswith(target)
    )


def _path_and_parents(path: str) -> Iterable[str]:
    while path != "/":
        yield path
        path = posixpath.dirname(path)
