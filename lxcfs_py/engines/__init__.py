"""Container engines: what each must do, and the table of those that exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from lxcfs_py.engines import docker, runc
from lxcfs_py.engines.model import Container, Plan, Request


class Engine(Protocol):
    """A module with these functions."""

    def why_away(self) -> str | None:
        """Why the engine cannot be used now, as a sentence with the remedy; None if it can."""

    def plan(self, request: Request) -> Plan:
        """Decide everything and change nothing; UsageError, EngineError."""

    def containers(self, run_dir: Path, files: Iterable[str], everything: bool) -> tuple[Container, ...]:
        """The engine's containers, with those that ended if `everything`; EngineError.

        `files` is what the daemon serves, to tell a whole view from a part.
        """


__all__ = ["ENGINES", "Engine", "docker", "runc"]

ENGINES: Mapping[str, Engine] = {"docker": docker, "runc": runc}
