"""Load averages with the kernel's arithmetic (kernel/sched/loadavg.c, include/linux/sched/loadavg.h). Pure."""

from __future__ import annotations

from dataclasses import dataclass

PERIOD_NSEC = 5_000_000_000  # LOAD_FREQ, 5 s but for one tick
_FSHIFT = 11
_FIXED_1 = 1 << _FSHIFT
_DECAY = (1884, 2014, 2037)  # 1/exp(5s/1min), 5min, 15min in fixed point


@dataclass(frozen=True)
class Load:
    """The three averages in fixed point, as of `sampled_nsec` (on the clock of Host.uptime_nsec())."""

    sampled_nsec: int
    averages: tuple[int, int, int] = (0, 0, 0)

    @property
    def hundredths(self) -> tuple[int, int, int]:
        """The averages as /proc/loadavg rounds them."""
        one, five, fifteen = ((value + _FIXED_1 // 200) * 100 >> _FSHIFT for value in self.averages)
        return one, five, fifteen


def _power(base: int, exponent: int) -> int:
    result = _FIXED_1
    while exponent:
        if exponent & 1:
            result = (result * base + _FIXED_1 // 2) >> _FSHIFT
        base = (base * base + _FIXED_1 // 2) >> _FSHIFT
        exponent >>= 1
    return result


def advance(load: Load, now_nsec: int, active_tasks: int, earlier_tasks: float) -> Load:
    """The averages now, with `active_tasks` in the last period and `earlier_tasks` in those missed before it."""
    periods = (now_nsec - load.sampled_nsec) // PERIOD_NSEC
    if periods <= 0:
        return load
    averages = _decay(load.averages, periods - 1, int(earlier_tasks * _FIXED_1))
    return Load(load.sampled_nsec + periods * PERIOD_NSEC, _decay(averages, 1, active_tasks * _FIXED_1))


def _decay(averages: tuple[int, int, int], periods: int, active: int) -> tuple[int, int, int]:
    def decay(average: int, factor: int) -> int:
        kept = _power(factor, periods)
        new = average * kept + active * (_FIXED_1 - kept)
        return (new + (_FIXED_1 - 1 if active >= average else 0)) >> _FSHIFT

    one, five, fifteen = map(decay, averages, _DECAY)
    return one, five, fifteen
