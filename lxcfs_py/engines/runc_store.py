"""What the embedded engine keeps on disk, below RUN_DIR/runc, and how nothing of it is left.

state/         runc's own (--root)
bundles/ID/    config.json, rootfs/ and scratch/ (mountpoints), log, pid,
               lock: held (flock) as long as the launcher lives

The folder itself is locked while a bundle is made or removed, so that a launcher sweeps only what is abandoned.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxcfs_py import rundir
from lxcfs_py.engines.runc_config import NAME_ANNOTATION
from lxcfs_py.errors import EngineError

CGROUP_PARENT = "lxcfs-py"
_ID = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Store:
    """The paths below one run directory. `cgroup_mount_points` are where containers' cgroups are looked for."""

    run_dir: Path
    cgroup_mount_points: tuple[str, ...] = ()

    @property
    def top(self) -> Path:
        """The folder of all that is the engine's."""
        return self.run_dir / "runc"

    @property
    def state(self) -> Path:
        """runc's --root."""
        return self.top / "state"

    def bundle(self, container_id: str) -> Path:
        """A container's folder."""
        return self.top / "bundles" / container_id

    def bundles(self) -> tuple[str, ...]:
        """The ids of all that have a bundle; what has another name, or is no folder, is not ours."""
        try:
            with os.scandir(self.top / "bundles") as entries:
                found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in found if _ID.fullmatch(name)))

    def config(self, container_id: str) -> dict[str, Any] | None:
        """A container's config.json; None if it is gone or was never finished."""
        try:
            config: dict[str, Any] = json.loads((self.bundle(container_id) / "config.json").read_text())
        except (OSError, json.JSONDecodeError):
            return None
        return config

    @contextlib.contextmanager
    def reserve(self, container_id: str, config: Mapping[str, Any]) -> Iterator[None]:
        """Make a bundle, having swept what was left behind; at the end remove it and the container; EngineError."""
        with self._locked():
            try:
                lock = self._begin(container_id, config)
            except OSError:  # the disk is full
                self._remove(container_id)
                raise
            finally:
                self._tidy()
        try:
            yield
        finally:
            with self._locked():
                try:
                    self._remove(container_id)
                finally:
                    os.close(lock)
                    self._tidy()

    def _begin(self, container_id: str, config: Mapping[str, Any]) -> int:
        self._sweep()
        self._refuse_taken_name(config["annotations"][NAME_ANNOTATION])
        bundle = self.bundle(container_id)
        bundle.mkdir(parents=True)
        lock = os.open(bundle / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (bundle / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        return lock

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fd = None
        while fd is None:
            fd = self._lock()
        try:
            yield
        finally:
            os.close(fd)

    def _lock(self) -> int | None:
        """Lock the folder, made if need be; None if another launcher removed it while we waited."""
        try:
            self.run_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(
                f"cannot make the run directory {self.run_dir}: {error.strerror}; name another --run-dir"
            ) from None
        rundir.check(self.run_dir)
        try:
            self.top.mkdir(mode=0o700, exist_ok=True)
            fd = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        fcntl.flock(fd, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(fd), os.stat(self.top)):
                return fd
        os.close(fd)
        return None

    def _sweep(self) -> None:
        """Remove the containers and bundles of launchers that were killed."""
        for container_id in self.bundles():
            if not rundir.is_locked(self.bundle(container_id) / "lock"):  # or killed before it made one
                self._remove(container_id)

    def _refuse_taken_name(self, name: str) -> None:
        for other in self.bundles():
            config = self.config(other)
            if config and config["annotations"][NAME_ANNOTATION] == name:
                raise EngineError(f"a container named {name} runs already ({other[:12]}); choose another --name")

    def _remove(self, container_id: str) -> None:
        if (self.state / container_id).exists():
            argv = ("runc", "--root", str(self.state), "delete", "--force", container_id)
            done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise EngineError(f"runc cannot remove the container {container_id[:12]}: {reason}; see runc list")
        for cgroup in self._cgroups(container_id):  # runc left them if it was killed while it made the container
            _rmdir(cgroup)
        bundle = self.bundle(container_id)
        for name in ("config.json", "log", "pid", ".pid", "lock"):
            (bundle / name).unlink(missing_ok=True)
        for folder in (bundle / "rootfs", bundle / "scratch", bundle):
            _rmdir(folder)

    def _tidy(self) -> None:
        """Remove the folders and cgroups that are ours alone and empty."""
        if self.bundles():
            return
        for cgroup in self._cgroups():
            _rmdir(cgroup)
        for folder in (self.top / "bundles", self.state, self.top, self.run_dir):
            _rmdir(folder)

    def _cgroups(self, *names: str) -> Iterable[Path]:
        return (Path(mount_point, CGROUP_PARENT, *names) for mount_point in self.cgroup_mount_points)


def _rmdir(folder: Path) -> None:
    with contextlib.suppress(OSError):  # absent, or somebody else's things are in it
        folder.rmdir()
