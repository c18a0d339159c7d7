"""`lxcfs-py run`: what was typed → a checked request → an engine's plan. Nothing is created on the way."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from lxcfs_py import rundir, units
from lxcfs_py.engines import ENGINES, arguments, docker, machine, process, view
from lxcfs_py.engines.arguments import CommandLine
from lxcfs_py.engines.model import Limits, Plan, Request
from lxcfs_py.errors import DaemonError, EngineError, ParseError, UsageError
from lxcfs_py.procfs import cpulist
from lxcfs_py.rundir import Daemon

MIN_MEMORY_BYTES = 6 << 20  # moby/moby daemon/daemon_unix.go, linuxMinMemory
MAX_PIDS = 1 << 22  # include/linux/threads.h, PID_MAX_LIMIT
_MIN_NANO_CPUS = units.NANO_CPUS_PER_CPU // 100  # the same file: 0.01
_MOUNT_TIMEOUT_SEC = 5

_T = TypeVar("_T")


@dataclass(frozen=True)
class Launch:
    """A plan that may be shown or carried out, and what the user should know before."""

    plan: Plan
    note: str | None = None


def prepare(command: CommandLine) -> Launch:
    """Check everything that can be checked and plan; UsageError, DaemonError, EngineError."""
    if command.rest[:1] == ("",):
        raise UsageError("IMAGE, or with --engine runc the command, is empty; give one")
    limits = read_limits(command, machine.online_cpus())
    name, note = choose_engine(command)
    run_dir = Path(command.value("run-dir") or rundir.DEFAULT_RUN_DIR)
    request = Request(command, run_dir, limits)
    if not command.flag("no-view"):
        daemon = rundir.require(run_dir)
        require_mount(daemon)
        request = with_view(request, daemon, secrets.token_hex(16))
    return Launch(ENGINES[name].plan(request), note)


def with_view(request: Request, daemon: Daemon, slot: str) -> Request:
    """The request with the binds and the label that make the view.

    `slot` names the part of the mount that will be this container's alone (lxcfs_py/fuse/slots.py).
    """
    covered = arguments.mounted_by_user(request.command)
    binds = view.binds(os.path.join(daemon.mountpoint, "containers", slot), files_here(daemon), covered)
    return replace(request, binds=binds, labels=((view.LABEL, "on"),))


def files_here(daemon: Daemon | None) -> tuple[str, ...]:
    """The daemon's files that cover something: a disk may have gone, and nothing can be bound where nothing is."""
    return tuple(file for file in daemon.files if os.path.exists(f"/{file}")) if daemon else ()


def choose_engine(command: CommandLine) -> tuple[str, str | None]:
    """The engine's name, and a sentence if it is not the one that most would expect; UsageError, EngineError."""
    asked, rootfs = command.value("engine"), command.value("rootfs")
    if asked is not None and asked not in ENGINES:
        raise UsageError(f"--engine {asked!r}: no such engine; use {' or '.join(ENGINES)}")
    if asked == "docker" and rootfs is not None:
        raise UsageError("--rootfs is for the embedded engine; use --engine runc, or name an image")
    if asked == "runc" or rootfs is not None:
        return "runc", None
    reason = docker.why_away()
    if reason is None:
        return "docker", None
    if asked == "docker" or docker.is_asked_for():
        raise EngineError(reason)
    if ENGINES["runc"].why_away():
        raise EngineError(f"{reason}; or install the package runc")
    return "runc", (
        "no Docker daemon answers, so the embedded engine (runc) runs the command on this machine's own root file "
        "system, read-only; it has no images"
    )


def read_limits(command: CommandLine, online_cpus: frozenset[int]) -> Limits:
    """The limits that were given, checked as docker and the machine would; UsageError with the remedy."""
    memory = _read(command, "memory", units.size_bytes)
    if memory is not None and 0 < memory < MIN_MEMORY_BYTES:
        raise UsageError(f"--memory {command.value('memory')!r}: less than docker's minimum; give 6m or more")
    memory = memory or None  # 0 is docker's word for no limit
    return Limits(
        memory_bytes=memory,
        memory_swap_bytes=_memory_swap(command, memory),
        nano_cpus=_nano_cpus(command, online_cpus),
        cpuset_cpus=_cpuset(command, online_cpus),
        pids=_pids(command),
    )


def _memory_swap(command: CommandLine, memory: int | None) -> int | None:
    swap = _read(command, "memory-swap", lambda text: -1 if text == "-1" else units.size_bytes(text))
    if not swap:
        return None
    typed = f"--memory-swap {command.value('memory-swap')!r}"
    if memory is None and swap > 0:
        raise UsageError(f"{typed}: counts memory and swap together; give --memory too")
    if memory is not None and 0 < swap < memory:
        raise UsageError(f"{typed}: counts memory and swap together; give at least what --memory has")
    return swap


def _nano_cpus(command: CommandLine, online_cpus: frozenset[int]) -> int | None:
    nano_cpus = _read(command, "cpus", units.nano_cpus)
    if not nano_cpus:
        return None
    if nano_cpus < _MIN_NANO_CPUS:
        raise UsageError(f"--cpus {command.value('cpus')!r}: too few; give 0.01 or more, or leave it out")
    if nano_cpus > len(online_cpus) * units.NANO_CPUS_PER_CPU:
        raise UsageError(
            f"--cpus {command.value('cpus')!r}: this machine has {len(online_cpus)}; give {len(online_cpus)} or less"
        )
    return nano_cpus


def _cpuset(command: CommandLine, online_cpus: frozenset[int]) -> str | None:
    text = command.value("cpuset-cpus") or None  # docker takes an empty list for none
    numbers = _read(command, "cpuset-cpus", _cpu_list) if text else None
    if numbers is not None and not numbers <= online_cpus:
        missing, have = (cpulist.format(cpus).rstrip("\n") for cpus in (numbers - online_cpus, online_cpus))
        raise UsageError(f"--cpuset-cpus {text!r}: this machine has no processor {missing}; choose from {have}")
    return text


def _cpu_list(text: str) -> frozenset[int]:
    try:
        return frozenset(cpulist.parse(text))
    except ParseError:
        raise ValueError("not a list of processors; write for example 0-3,5") from None


def _pids(command: CommandLine) -> int | None:
    pids = _read(command, "pids-limit", _integer)
    if pids is not None and (pids < -1 or pids == 0):
        raise UsageError(
            f"--pids-limit {command.value('pids-limit')!r}: no number of processes; give 1 or more, -1 for no limit"
        )
    if pids is not None and pids > MAX_PIDS:
        raise UsageError(
            f"--pids-limit {command.value('pids-limit')!r}: the kernel has no more than {MAX_PIDS} processes; "
            "give that or less, -1 for no limit"
        )
    return None if pids == -1 else pids


def _integer(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12):
        raise ValueError("not a number of processes; write for example 100")
    return int(text)


def _read(command: CommandLine, name: str, parse: Callable[[str], _T]) -> _T | None:
    """The value that counts; those before it must be well-formed too, docker reads them all."""
    parsed: _T | None = None
    for text in command.values(name):
        try:
            parsed = parse(text)
        except ValueError as error:
            raise UsageError(f"--{name} {text!r}: {error}") from None
    return parsed


def require_mount(daemon: Daemon, timeout_sec: float = _MOUNT_TIMEOUT_SEC) -> None:
    """Make sure that the daemon's mount answers a read; DaemonError with the remedy."""
    why = process.read_errno(os.path.join(daemon.mountpoint, daemon.files[0]), timeout_sec)
    if why != 0:
        raise DaemonError(
            f"the mount {daemon.mountpoint} of the daemon (process {daemon.pid}) is dead: "
            f"{os.strerror(why) if why else f'no answer in {timeout_sec} seconds'}; restart lxcfs-py serve"
        )
