"""The embedded engine: runc and nothing else, for machines without a Docker daemon.

A container's root file system is a folder, or the host's own one, read-only. All mounts are made in a mount
namespace of the launcher's own, so they end with it, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxcfs_py.engines import machine, mounts, process, runc_config, runc_spec, view
from lxcfs_py.engines.machine import Machine
from lxcfs_py.engines.model import Container, Limits, Request
from lxcfs_py.engines.mounts import Mount
from lxcfs_py.engines.runc_spec import Spec
from lxcfs_py.engines.runc_store import CGROUP_PARENT, Store
from lxcfs_py.errors import EngineError, UsageError


@dataclass(frozen=True)
class RuncPlan:
    """The bundle's config.json, the mounts that make its root file system, and how runc is run."""

    store: Store
    id: str
    config: Mapping[str, Any]
    mounts: tuple[Mount, ...]
    tty: bool
    interactive: bool

    @property
    def bundle(self) -> Path:
        """The container's folder."""
        return self.store.bundle(self.id)

    @property
    def argv(self) -> tuple[str, ...]:
        """runc's command line."""
        log = ("--log", str(self.bundle / "log"), "--log-format", "json")
        made = ("--bundle", str(self.bundle), "--pid-file", str(self.started))
        return ("runc", "--root", str(self.store.state), *log, "run", *made, self.id)

    @property
    def started(self) -> Path:
        """The file that runc makes when the container's command runs; until then a signal ends runc's own process 1."""
        return self.bundle / "pid"

    @property
    def kill_argv(self) -> tuple[str, ...]:
        """The command that ends the container for certain."""
        return ("runc", "--root", str(self.store.state), "kill", self.id, "KILL")

    def describe(self) -> str:
        """The steps as shell commands, and config.json."""
        lines = [f"mkdir -p {shlex.quote(str(self.bundle))}"]
        if self.mounts:
            lines.append("unshare --mount --propagation slave")
        for mount in self.mounts:
            lines.append(shlex.join(["mkdir", mount.target, *mount.directories]))
            lines.append(shlex.join(["mount", "-t", mount.fs_type, "-o", mount.data, mount.source, mount.target]))
        config = json.dumps(self.config, indent=1)
        lines.append(f"cat > {shlex.quote(str(self.bundle / 'config.json'))} <<'END'\n{config}\nEND")
        lines.append(shlex.join(self.argv))
        return "\n".join(lines)

    def carry_out(self) -> int:
        """Run the container in the foreground and return its exit code; nothing is left.

        UsageError, EngineError; DaemonError if the run directory may be somebody else's.

        The code is 128 + n if signal n ended it; 127, 126 and 125 as of docker if it could not be started.
        """
        if os.geteuid() != 0:
            raise EngineError("the embedded engine (runc) needs root; run it with sudo")
        terminal = sys.stdin.isatty() if self.interactive else sys.stdout.isatty()
        if self.tty and not terminal:
            raise UsageError("--tty: there is no terminal here; leave out -t")
        uses_terminal = self.tty or (self.interactive and terminal)
        try:
            with process.signals_held() as taken, self.store.reserve(self.id, self.config), self._mounted():
                code = process.run(
                    self.argv, taken, self.started, self.kill_argv, stdin=self.interactive, own_group=not uses_terminal
                )
                return _start_failure(self.bundle / "log") or code
        except OSError as error:
            raise EngineError(f"the embedded engine (runc) cannot prepare the container: {error}") from error

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self.mounts:
                mounts.enter_private_namespace()
            for mount in self.mounts:
                mount.do()
                stack.callback(mount.undo)
            yield


def why_away() -> str | None:
    """Why runc cannot be used, or None."""
    return None if shutil.which("runc") else "runc is not installed; install the package runc"


def plan(request: Request) -> RuncPlan:
    """The container that the request asks for, under an id of its own; UsageError, EngineError."""
    reason = why_away()
    if reason:
        raise EngineError(reason)
    spec = runc_spec.read(request, os.environ)
    for mount in spec.mounts:
        if not os.path.exists(mount.source):
            raise UsageError(f"the mount's source {mount.source} does not exist; create it first")
    if spec.rootfs is not None and not os.path.isdir(spec.rootfs):
        raise UsageError(f"--rootfs {spec.rootfs} is not a folder; name one that holds a root file system")
    facts = machine.read()
    for option, controller in unenforceable(spec.limits, facts):
        raise UsageError(f"{option}: this machine has no {controller}, see lxcfs-py doctor; leave the option out")
    return plan_container(spec, request, facts, secrets.token_hex(32))


def unenforceable(limits: Limits, facts: Machine) -> Iterator[tuple[str, str]]:
    """Each option that the machine cannot enforce, and what it lacks."""
    asked = (
        ("--memory", "memory", limits.memory_bytes),
        ("--cpus", "cpu", limits.nano_cpus),
        ("--cpuset-cpus", "cpuset", limits.cpuset_cpus),
        ("--pids-limit", "pids", limits.pids),
    )
    for option, controller, value in asked:
        if value is not None and controller not in facts.controllers:
            yield option, f"{controller} cgroup controller"
    if limits.memory_swap_bytes is not None and not facts.swap_accounting:
        yield "--memory-swap", "swap accounting"


def plan_container(spec: Spec, request: Request, facts: Machine, container_id: str) -> RuncPlan:
    """The plan, from what was asked for and what the machine is."""
    store = Store(request.run_dir.absolute(), facts.cgroup_mount_points)
    bundle = store.bundle(container_id)
    rootfs = spec.rootfs or str(bundle / "rootfs")
    cgroup = f"/{CGROUP_PARENT}/{container_id}"
    return RuncPlan(
        store=store,
        id=container_id,
        config=runc_config.build(spec, container_id, rootfs, cgroup, request.binds, facts),
        mounts=() if spec.rootfs else host_root_mounts(bundle),
        tty=spec.tty,
        interactive=spec.interactive,
    )


def host_root_mounts(bundle: Path) -> tuple[Mount, ...]:
    """The host's root file system, without what is mounted in it, at `bundle`/rootfs.

    The upper layer takes the mountpoints that runc makes before it turns the whole read-only.
    """
    scratch = str(bundle / "scratch")
    upper, work = f"{scratch}/upper", f"{scratch}/work"
    layers = f"lowerdir=/,upperdir={mounts.escape(upper)},workdir={mounts.escape(work)}"
    return (
        Mount("tmpfs", "lxcfs-py", scratch, "mode=0755,size=1m"),
        Mount("overlay", "lxcfs-py", str(bundle / "rootfs"), layers, directories=(upper, work)),
    )


def containers(run_dir: Path, files: Iterable[str], everything: bool) -> tuple[Container, ...]:
    """The containers below the run directory; EngineError."""
    store, wanted = Store(run_dir), tuple(files)
    try:
        if not store.bundles():
            return ()
    except PermissionError:
        raise EngineError("only root can list the embedded engine's containers; run it with sudo") from None
    argv = ("runc", "--root", str(store.state), "list", "--format", "json")
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode and not store.state.exists():  # the first one is just starting, or the last one has ended
        return ()
    if done.returncode:
        raise EngineError(f"runc cannot list its containers: {done.stderr.strip()}")
    rows = []
    for state in json.loads(done.stdout) or ():
        config = store.config(state["id"])
        if config and (everything or state["status"] != "stopped"):
            broken = view.is_broken(state["pid"], _binds(config))
            rows.append(row(state["id"], state["status"], config, wanted, broken=broken))
    return tuple(rows)


def row(container_id: str, status: str, config: dict[str, Any], files: Iterable[str], *, broken: bool) -> Container:
    """What `ps` shows of a container, from its config.json."""
    annotations = config["annotations"]
    return Container(
        id=container_id,
        name=annotations[runc_config.NAME_ANNOTATION],
        engine="runc",
        image=annotations[runc_config.ROOTFS_ANNOTATION],
        status=status,
        view="broken" if broken else view.state(files, _binds(config)),
        limits=runc_config.limits(config),
    )


def _binds(config: dict[str, Any]) -> dict[str, str]:
    return {m["destination"]: m["source"] for m in config["mounts"] if m["type"] == "bind"}


def _start_failure(log: Path) -> int | None:
    """The exit code that docker has for a container that runc could not start, from runc's log; None if it started.

    moby/moby daemon/start_unix.go and cli/command/container/run.go have the texts and codes.
    """
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    messages = [json.loads(line) for line in lines if line.endswith("}")]  # the disk may be full
    failures = [m["msg"] for m in messages if m["level"] in ("error", "fatal") and "run failed" in m["msg"]]
    if not failures:
        return None
    reason = failures[-1].partition("exec: ")[2]
    if "not found" in reason or "no such file" in reason:
        return 127
    return 126 if "permission denied" in reason or "is a directory" in reason else 125
