"""mount(2), umount2(2) and unshare(2), which Python's standard library lacks before 3.12 or at all."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

from lxcfs_py.errors import EngineError

# linux/sched.h, linux/mount.h
_CLONE_NEWNS = 0x20000
_MS_REC = 0x4000
_MS_SLAVE = 0x80000
_MNT_DETACH = 2


@dataclass(frozen=True)
class Mount:
    """One call of mount(2) without flags; `data` are the file system's own options.

    The `directories` that it needs, besides `target`, are made first.
    """

    fs_type: str
    source: str
    target: str
    data: str
    directories: tuple[str, ...] = ()

    def do(self) -> None:
        """Make the directories and mount; EngineError."""
        for path in (self.target, *self.directories):
            os.mkdir(path, 0o755)
        _check(
            f"cannot mount {self.fs_type} on {self.target}",
            _libc().mount(
                os.fsencode(self.source),
                os.fsencode(self.target),
                os.fsencode(self.fs_type),
                0,
                os.fsencode(self.data),
            ),
        )

    def undo(self) -> None:
        """Take the mount away even if it is used; EngineError."""
        _check(f"cannot unmount {self.target}", _libc().umount2(os.fsencode(self.target), _MNT_DETACH))


def escape(path: str) -> str:
    """A path as overlayfs reads it in its options: fs/overlayfs/params.c, ovl_parse_param_split_lowerdirs()."""
    return path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def enter_private_namespace() -> None:
    """Give this process a mount namespace of its own, which still sees new mounts of the host; EngineError.

    mount_namespaces(7): what is mounted here ends with the last process in here.
    """
    _check("cannot make a mount namespace", _libc().unshare(_CLONE_NEWNS))
    _check("cannot separate the mounts", _libc().mount(None, b"/", None, _MS_REC | _MS_SLAVE, None))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(what: str, result: int) -> None:
    if result:
        raise EngineError(f"{what}: {os.strerror(ctypes.get_errno())}")
