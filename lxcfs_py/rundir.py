"""The run directory: who serves which mountpoint, for everybody who needs to know.

`lock` is held (flock) as long as the daemon lives, so a leftover file of a killed daemon is never believed.
`daemon.json` says what it serves.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lxcfs_py.errors import DaemonError

DEFAULT_RUN_DIR = Path("/run/lxcfs-py")
DEFAULT_MOUNTPOINT = Path("/var/lib/lxcfs")


@dataclass(frozen=True)
class Daemon:
    """What a running daemon says of itself in `daemon.json`."""

    version: str
    pid: int
    mountpoint: str
    files: tuple[str, ...]  # relative to the mountpoint, "proc/meminfo"


def check(run_dir: Path) -> None:
    """Believe and remove nothing that somebody else may have put there; DaemonError. It need not exist."""
    try:
        found = os.lstat(run_dir)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DaemonError(_unusable(run_dir, error)) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        raise DaemonError(
            f"the run directory {run_dir} must be a folder that only root or this user may write to; "
            "give another --run-dir"
        )


def _unusable(run_dir: Path, error: OSError) -> str:
    return f"cannot use the run directory {run_dir} ({error.strerror}); give another --run-dir"


@contextlib.contextmanager
def claim(run_dir: Path) -> Iterator[None]:
    """Hold the run directory's lock; DaemonError if another daemon holds it or the directory cannot be used."""
    made = not run_dir.exists()
    try:
        run_dir.mkdir(mode=0o755, exist_ok=True)
        check(run_dir)
        fd = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DaemonError(_unusable(run_dir, error)) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(fd), os.stat(run_dir / "lock")):  # removed by one that just ended
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError):
            other = running(run_dir)
            who = f"process {other.pid}, mounted on {other.mountpoint}" if other else "another process"
            raise DaemonError(
                f"a daemon already uses the run directory {run_dir} ({who}); stop it or give another --run-dir"
            ) from None
        try:
            yield
        finally:
            for name in ("daemon.json", "lock"):
                (run_dir / name).unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):  # somebody else put something there
                    run_dir.rmdir()
    finally:
        os.close(fd)


def announce(run_dir: Path, daemon: Daemon) -> None:
    """Write `daemon.json`, whole or not at all; DaemonError."""
    new = run_dir / f".daemon.json.{daemon.pid}"
    try:
        new.write_text(json.dumps(asdict(daemon), indent=1) + "\n")
        new.replace(run_dir / "daemon.json")
    except OSError as error:
        new.unlink(missing_ok=True)
        raise DaemonError(_unusable(run_dir, error)) from None


def running(run_dir: Path) -> Daemon | None:
    """The daemon that holds the run directory now, or None; DaemonError if somebody else may have written there."""
    check(run_dir)
    try:
        raw = json.loads((run_dir / "daemon.json").read_text())
        daemon = Daemon(raw["version"], raw["pid"], raw["mountpoint"], tuple(raw["files"]))
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return None
    try:
        alive = is_locked(run_dir / "lock")
    except PermissionError:  # not root, so that nobody but root can hold the lock against the daemon
        alive = Path(f"/proc/{daemon.pid}").exists()
    return daemon if alive else None


def is_locked(path: Path) -> bool:
    """Whether somebody holds the file's lock (flock); False if there is no such file; PermissionError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def require(run_dir: Path) -> Daemon:
    """The daemon that holds the run directory; DaemonError with the remedy if there is none."""
    daemon = running(run_dir)
    if daemon is None:
        raise DaemonError(
            f"no daemon at the run directory {run_dir}; start `lxcfs-py serve` or name the right --run-dir"
        )
    return daemon
