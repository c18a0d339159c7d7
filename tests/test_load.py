from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.load import PERIOD_NSEC, Load, advance


def test_one_busy_thread_follows_the_kernels_curve() -> None:
    load = Load(0)
    for period in range(1, 1001):
        load = advance(load, period * PERIOD_NSEC, 1, 1)
        for shown, minutes in zip(load.hundredths, (1, 5, 15), strict=True):
            expected = 100 * (1 - math.exp(-5 * period / (60 * minutes)))
            assert -1 < shown - expected < 5  # the kernel's eleven bits, rounded up
    assert load.hundredths == (100, 100, 100)


def test_nothing_changes_before_the_period_is_over() -> None:
    load = Load(7, (2048, 1024, 512))
    assert advance(load, 7 + PERIOD_NSEC - 1, 50, 50) is load
    assert load.hundredths == (100, 50, 25)


def test_a_sample_keeps_its_place_in_the_five_second_rhythm() -> None:
    assert advance(Load(0), 12_000_000_000, 0, 0).sampled_nsec == 10_000_000_000


def test_what_is_active_now_counts_for_the_last_period_alone() -> None:
    idle_for_an_hour = advance(Load(0), 720 * PERIOD_NSEC, 4, 0)
    assert idle_for_an_hour.hundredths == advance(Load(0), PERIOD_NSEC, 4, 0).hundredths == (32, 7, 2)
    one, five, fifteen = advance(Load(0), 720 * PERIOD_NSEC, 2, 1.5).hundredths
    assert (one, five) == (154, 151)
    assert 147 <= fifteen <= 151  # 1.5 * (1 - exp(-4)), rounded up in each period


@given(st.integers(0, 10**5), st.integers(0, 200), st.integers(0, 100))
def test_many_periods_at_once_are_nearly_as_one_after_the_other(start: int, periods: int, active: int) -> None:
    at_once = advance(Load(0, (start, start, start)), periods * PERIOD_NSEC, active, active)
    stepwise = Load(0, (start, start, start))
    for period in range(1, periods + 1):
        stepwise = advance(stepwise, period * PERIOD_NSEC, active, active)
    assert at_once.sampled_nsec == stepwise.sampled_nsec
    for one, other in zip(at_once.averages, stepwise.averages, strict=True):
        # both round once a step: the kernel's calc_load_n() differs from its calc_load() in the same way
        assert abs(one - other) <= periods + 2 + max(start, active * 2048) // 50
