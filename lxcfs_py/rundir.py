"""The run directory: who serves which mountpoint, for everybody who needs to know.

`lock` is held (flock) as long as the daemon lives, so a leftover file of a killed daemon is never believed.
`daemon.json` says what it serves.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lxcfs_py.errors import DaemonError

DEFAULT_RUN_DIR = Path("/run/lxcfs-py")


@dataclass(frozen=True)
class Daemon:
    """What a running daemon says of itself in `daemon.json`."""

    version: str
    pid: int
    mountpoint: str
    files: tuple[str, ...]  # relative to the mountpoint, "proc/meminfo"


@contextlib.contextmanager
def claim(run_dir: Path) -> Iterator[None]:
    """Hold the run directory's lock; DaemonError if another daemon holds it or the directory cannot be used."""
    made = not run_dir.exists()
    try:
        run_dir.mkdir(mode=0o755, exist_ok=True)
        fd = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DaemonError(
            f"cannot use the run directory {run_dir} ({error.strerror}); give another --run-dir"
        ) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
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
    """Write `daemon.json`, whole or not at all."""
    new = run_dir / f".daemon.json.{daemon.pid}"
    new.write_text(json.dumps(asdict(daemon), indent=1) + "\n")
    new.replace(run_dir / "daemon.json")


def running(run_dir: Path) -> Daemon | None:
    """The daemon that holds the run directory now, or None."""
    try:
        raw = json.loads((run_dir / "daemon.json").read_text())
        daemon = Daemon(raw["version"], raw["pid"], raw["mountpoint"], tuple(raw["files"]))
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return None
    return daemon if _lock_is_held(run_dir / "lock", daemon.pid) else None


def _lock_is_held(lock: Path, pid: int) -> bool:
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # not root, so that nobody but root can hold the lock against the daemon
        return Path(f"/proc/{pid}").exists()
    except OSError:
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
