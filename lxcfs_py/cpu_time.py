"""A container's processor time as /proc/stat counts it: for each processor, never going back.

A cgroup knows how much time was used and how much its quota took away, not for how long a processor was idle:
here that follows from the container's age. Pure; all times in microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from lxcfs_py.cgroup.cpu import CpuUsage


@dataclass(frozen=True)
class Times:
    """What one processor (or all together) did since the container's start."""

    user_usec: int = 0
    nice_usec: int = 0
    system_usec: int = 0
    idle_usec: int = 0
    steal_usec: int = 0

    def __add__(self, other: Times) -> Times:
        return Times(
            self.user_usec + other.user_usec,
            self.nice_usec + other.nice_usec,
            self.system_usec + other.system_usec,
            self.idle_usec + other.idle_usec,
            self.steal_usec + other.steal_usec,
        )


@dataclass(frozen=True)
class CpuTime:
    """The account up to `age_usec`; the defaults are a container's first moment.

    `processors` holds all that were ever shown, so that one that comes back goes on where it stopped;
    `shown` is how many of them the container has now.
    """

    age_usec: int = 0
    usage: CpuUsage = field(default_factory=lambda: CpuUsage(0, 0, 0))
    throttled_usec: int = 0
    processors: tuple[Times, ...] = ()
    shown: int = 0

    @property
    def total(self) -> Times:
        """All processors together, those not shown any more as well: the sum never goes back."""
        return sum(self.processors, Times())


def _clamp(value: int, most: int) -> int:
    return max(0, min(value, most))


def _split(amount: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of `amount` in proportion to the weights (evenly if all are 0) that sum up to it."""
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    marks = [amount * part // whole for part in accumulate(weights)]
    return [mark - before for before, mark in zip([0, *marks], marks, strict=False)]


def advance(
    before: CpuTime, age_usec: int, usage: CpuUsage, throttled_usec: int, shown: Sequence[int], exact: bool
) -> CpuTime:
    """The account at `age_usec`, from what the cgroup counts then.

    `shown` are the host's processors behind the container's 0, 1, …; `exact` says that the container's
    processors are these very ones, so that each has its own usage; else usage is spread over all evenly.
    Time the quota took away is steal, as far as the processors were not busy.
    """
    elapsed = max(0, age_usec - before.age_usec)
    known = before.total
    busy = max(0, usage.busy_usec - before.usage.busy_usec)
    # Follow the kernel's split without ever going back: it is scaled anew at each read.
    user = _clamp(usage.user_usec - known.user_usec, busy)
    nice = _clamp(usage.nice_usec - known.nice_usec, busy - user)
    system = busy - user - nice
    weights = [0] * len(shown)
    if exact:
        earlier = before.usage.per_cpu_usec
        weights = [max(0, usage.per_cpu_usec.get(cpu, 0) - earlier.get(cpu, 0)) for cpu in shown]
    shares = list(zip(*(_split(part, weights) for part in (user, nice, system)), strict=True))
    free = [max(0, elapsed - sum(share)) for share in shares]
    steal = _clamp(throttled_usec - before.throttled_usec, sum(free))
    added = [
        Times(user, nice, system, idle_usec=left - taken, steal_usec=taken)
        for (user, nice, system), left, taken in zip(shares, free, _split(steal, free), strict=True)
    ]
    missing = (Times(),) * (len(shown) - len(before.processors))
    earlier_times = before.processors + missing
    processors = tuple(
        times + added[number] if number < len(added) else times for number, times in enumerate(earlier_times)
    )
    return CpuTime(
        age_usec=max(age_usec, before.age_usec),
        usage=usage,
        throttled_usec=max(throttled_usec, before.throttled_usec),
        processors=processors,
        shown=len(shown),
    )
