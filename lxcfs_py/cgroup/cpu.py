"""The cpu and cpuacct controllers: the quota, and the time that was used.

v1: Documentation/scheduler/sched-bwc.rst, cgroup-v1/cpuacct.rst; v2: cgroup-v2.rst, "CPU".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxcfs_py.cgroup.text import counters, number
from lxcfs_py.errors import ParseError

_USEC_PER_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Bandwidth:
    """CPU bandwidth of one cgroup: `quota_usec` of CPU time in each `period_usec`; None is no limit."""

    quota_usec: int | None
    period_usec: int


@dataclass(frozen=True)
class CpuUsage:
    """CPU time of a cgroup and all below it since it was made, in microseconds.

    `per_cpu_usec` is by the host's processor number and empty where the kernel keeps no such count (v2).
    """

    user_usec: int
    nice_usec: int
    system_usec: int
    per_cpu_usec: Mapping[int, int] = field(default_factory=dict)

    @property
    def busy_usec(self) -> int:
        """All of it."""
        return self.user_usec + self.nice_usec + self.system_usec


def parse_bandwidth_v1(quota_text: str, period_text: str) -> Bandwidth:
    """cpu.cfs_quota_us (-1: none) and cpu.cfs_period_us."""
    quota = number("cpu.cfs_quota_us", quota_text)
    return Bandwidth(quota if quota > 0 else None, _period(number("cpu.cfs_period_us", period_text)))


def parse_bandwidth_v2(text: str) -> Bandwidth:
    """cpu.max: `QUOTA PERIOD`, the quota a number or `max`."""
    quota, _, period = text.strip().partition(" ")
    return Bandwidth(None if quota == "max" else number("cpu.max", quota), _period(number("cpu.max", period)))


def _period(period_usec: int) -> int:
    if period_usec <= 0:
        raise ParseError("cpu.max", str(period_usec), "a period must be more than 0")
    return period_usec


def parse_throttled_v1(text: str) -> int:
    """The time cpu.stat of v1 counts as taken away by the quota, in microseconds (the file has nanoseconds)."""
    return counters("cpu.stat", text).get("throttled_time", 0) // 1000


def parse_throttled_v2(text: str) -> int:
    """The time cpu.stat of v2 counts as taken away by the quota, in microseconds."""
    return counters("cpu.stat", text).get("throttled_usec", 0)


def parse_usage_v1(usage_percpu_text: str, stat_text: str) -> CpuUsage:
    """cpuacct.usage_percpu (nanoseconds of each possible processor) and cpuacct.stat (ticks in user and system).

    cpuacct.usage_all would have both, but on recent kernels it counts by ticks and may be twice off.
    """
    try:
        per_cpu = {cpu: int(nsec) // 1000 for cpu, nsec in enumerate(usage_percpu_text.split())}
    except ValueError:
        raise ParseError("cpuacct.usage_percpu", usage_percpu_text[:80], "not numbers") from None
    total = sum(per_cpu.values())
    ticks = counters("cpuacct.stat", stat_text)
    user, system = ticks.get("user", 0), ticks.get("system", 0)
    user_usec = total * user // (user + system) if user + system else total
    return CpuUsage(user_usec, 0, total - user_usec, per_cpu)


def parse_usage_v2(text: str) -> CpuUsage:
    """cpu.stat of v2; nice_usec (a part of user_usec) is in newer kernels."""
    values = counters("cpu.stat", text)
    try:
        user, system = values["user_usec"], values["system_usec"]
    except KeyError as missing:
        raise ParseError("cpu.stat", None, f"no {missing.args[0]}") from None
    nice = min(user, values.get("nice_usec", 0))
    return CpuUsage(user - nice, nice, system)
