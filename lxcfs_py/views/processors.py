"""One story about a container's processors, told by cpuinfo, stat, uptime and the lists in /sys."""

from __future__ import annotations

from collections.abc import Iterable

from lxcfs_py import cpu_time
from lxcfs_py.cgroup.cpu import Bandwidth
from lxcfs_py.containers import Container
from lxcfs_py.cpu_time import CpuTime
from lxcfs_py.host import Host


def allowed(online: tuple[int, ...], effective: tuple[int, ...] | None) -> tuple[int, ...]:
    """The online processors a cpuset allows; all of them where none is set, or where it allows only others."""
    if effective is None:
        return online
    members = frozenset(effective)
    return tuple(cpu for cpu in online if cpu in members) or online


def worth(allowed_cpus: tuple[int, ...], bandwidths: Iterable[Bandwidth]) -> tuple[int, ...]:
    """As many of the allowed processors as the smallest quota is worth, rounded up; at least one."""
    count = len(allowed_cpus)
    for bandwidth in bandwidths:
        if bandwidth.quota_usec is not None:
            count = min(count, -(-bandwidth.quota_usec // bandwidth.period_usec))
    return allowed_cpus[: max(1, count)]


def shown(container: Container, host: Host) -> tuple[int, ...]:
    """The host's processors behind the container's 0, 1, …"""
    return _allowed_and_shown(container, host)[1]


def _allowed_and_shown(container: Container, host: Host) -> tuple[tuple[int, ...], tuple[int, ...]]:
    cpus = allowed(host.online_cpus(), container.cgroup.effective_cpus())
    return cpus, worth(cpus, container.cgroup.bandwidths())


def account(container: Container, host: Host) -> CpuTime | None:
    """The container's processor time up to now; None where no cgroup counts it."""
    usage = container.cgroup.cpu_usage()
    if usage is None:
        return None
    cpus, visible = _allowed_and_shown(container, host)
    container.cpu_time = cpu_time.advance(
        container.cpu_time,
        age_usec(container, host),
        usage,
        container.cgroup.throttled_usec(),
        visible,
        exact=len(visible) == len(cpus) and bool(usage.per_cpu_usec),
    )
    return container.cpu_time


def age_usec(container: Container, host: Host) -> int:
    """Time since the container's first process started, in microseconds."""
    return max(0, host.uptime_nsec() - container.start_nsec) // 1000
