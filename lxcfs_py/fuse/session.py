"""The mounted file system, from mount to unmount."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pyfuse3

from lxcfs_py.errors import MountError
from lxcfs_py.fuse.operations import Operations

FS_TYPE = "fuse.lxcfs-py"

_OPTIONS = frozenset(("allow_other", "default_permissions", "ro", "fsname=lxcfs-py", "subtype=lxcfs-py"))


@contextlib.contextmanager
def mounted(mountpoint: str, operations: Operations) -> Iterator[None]:
    """Mount, and unmount at the end however it comes; MountError with libfuse's word if it cannot."""
    try:
        pyfuse3.init(operations, mountpoint, set(_OPTIONS))
    except RuntimeError as error:
        raise MountError(
            f"cannot mount on {mountpoint} ({error}); see the lines above, and `lxcfs-py doctor`"
        ) from None
    try:
        yield
    finally:
        pyfuse3.close(unmount=True)


def stop() -> None:
    """Make `serve_requests` return."""
    pyfuse3.terminate()
