"""The values that every engine takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lxcfs_py.engines.arguments import CommandLine
from lxcfs_py.engines.view import Bind, ViewState


@dataclass(frozen=True)
class Limits:
    """What a container may use; None is no limit.

    `memory_swap_bytes` counts memory and swap together as docker does, -1 is as much swap as there is.
    """

    memory_bytes: int | None = None
    memory_swap_bytes: int | None = None
    nano_cpus: int | None = None
    cpuset_cpus: str | None = None
    pids: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """A checked `run`: what was typed, and what it means for every engine."""

    command: CommandLine
    run_dir: Path
    limits: Limits = NO_LIMITS
    binds: tuple[Bind, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Container:
    """One row of `ps`."""

    id: str
    name: str
    engine: str
    image: str  # or the root file system
    status: str
    view: ViewState
    limits: Limits


class Plan(Protocol):
    """All that a run will do, as data."""

    def describe(self) -> str:
        """The plan as text for --dry-run."""

    def carry_out(self) -> int:
        """Do it and return the container's exit code; the process may also become the engine's client."""
