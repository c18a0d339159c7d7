"""/proc/cpuinfo of a container: the first of its processors, numbered from 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lxcfs_py.containers import Container
from lxcfs_py.host import Host
from lxcfs_py.procfs import cpuinfo
from lxcfs_py.procfs.cpuinfo import CpuInfo
from lxcfs_py.views import processors


def container_cpuinfo(host: CpuInfo, shown: Sequence[int]) -> CpuInfo:
    """The shown processors alone; `siblings` and `cpu cores` count these within each package."""
    numbers = frozenset(shown)
    kept = [processor for processor in host.processors if processor.number in numbers]
    packages: dict[str | None, list[str | None]] = {}
    for processor in kept:
        packages.setdefault(processor.get("physical id"), []).append(processor.get("core id"))
    return replace(
        host,
        processors=tuple(
            processor.with_values(
                {
                    "processor": str(number),
                    "siblings": str(len(packages[processor.get("physical id")])),
                    "cpu cores": str(len(set(packages[processor.get("physical id")]))),
                }
            )
            for number, processor in enumerate(kept)
        ),
    )


def render(container: Container, host: Host) -> str:
    """The file for one container."""
    return cpuinfo.format(container_cpuinfo(host.cpuinfo(), processors.shown(container, host)))
