from __future__ import annotations

from dataclasses import astuple
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.cgroup.cpu import CpuUsage
from lxcfs_py.cpu_time import CpuTime, Times, advance

SEC = 1_000_000


def test_one_busy_processor_of_two_where_the_cpuset_decides() -> None:
    first = advance(CpuTime(), 10 * SEC, CpuUsage(0, 0, 0, {2: 0, 5: 0}), 0, (2, 5), exact=True)
    assert first.processors == (Times(idle_usec=10 * SEC), Times(idle_usec=10 * SEC))
    usage = CpuUsage(3 * SEC, 0, 1 * SEC, {2: 0, 5: 4 * SEC})
    second = advance(first, 15 * SEC, usage, 0, (2, 5), exact=True)
    assert second == CpuTime(
        15 * SEC,
        usage,
        0,
        (
            Times(idle_usec=15 * SEC),
            Times(user_usec=3 * SEC, system_usec=1 * SEC, idle_usec=11 * SEC),
        ),
        2,
    )


def test_what_the_quota_takes_away_is_steal() -> None:
    # half a processor, always wanted: half of the time it runs, half of the time it is throttled
    account = advance(CpuTime(), 10 * SEC, CpuUsage(4 * SEC, 0, 1 * SEC), 5 * SEC, (0,), exact=False)
    assert account.processors == (Times(user_usec=4 * SEC, system_usec=1 * SEC, steal_usec=5 * SEC),)


def test_throttling_of_more_threads_than_processors_is_no_more_than_the_time_there_was() -> None:
    account = advance(CpuTime(), 10 * SEC, CpuUsage(5 * SEC, 0, 0), 500 * SEC, (0,), exact=False)
    assert account.processors == (Times(user_usec=5 * SEC, steal_usec=5 * SEC),)


def test_without_a_count_for_each_processor_usage_is_spread_evenly() -> None:
    account = advance(CpuTime(), 10 * SEC, CpuUsage(6 * SEC, 2 * SEC, 2 * SEC), 0, (0, 1), exact=False)
    half = Times(user_usec=3 * SEC, nice_usec=1 * SEC, system_usec=1 * SEC, idle_usec=5 * SEC)
    assert account.processors == (half, half)


def test_a_processor_that_comes_back_goes_on_where_it_stopped() -> None:
    two = advance(CpuTime(), 10 * SEC, CpuUsage(0, 0, 0), 0, (0, 1), exact=False)
    one = advance(two, 20 * SEC, CpuUsage(0, 0, 0), 0, (0,), exact=False)
    again = advance(one, 30 * SEC, CpuUsage(0, 0, 0), 0, (0, 1), exact=False)
    assert ([times.idle_usec // SEC for times in one.processors], one.shown) == ([20, 10], 1)
    assert ([times.idle_usec // SEC for times in again.processors], again.shown) == ([30, 20], 2)


reads = st.lists(
    st.tuples(
        st.integers(0, 100 * SEC),  # time that passes
        st.tuples(*[st.integers(0, 500 * SEC)] * 3),  # user, nice, system added
        st.integers(0, 500 * SEC),  # throttled time added
        st.integers(1, 4),  # processors shown
        st.booleans(),  # counted for each processor
    ),
    max_size=20,
)


@given(reads)
def test_no_counter_ever_goes_back_and_every_used_microsecond_is_shown(
    reads: list[tuple[int, tuple[int, int, int], int, int, bool]],
) -> None:
    accounts = [CpuTime()]
    age = throttled = 0
    used = [0, 0, 0]
    for elapsed, added, throttled_added, shown, exact in reads:
        age, throttled = age + elapsed, throttled + throttled_added
        used = [a + b for a, b in zip(used, added, strict=True)]
        per_cpu = {0: sum(used)} if exact else {}
        accounts.append(advance(accounts[-1], age, CpuUsage(*used, per_cpu), throttled, range(shown), exact))
    for before, after in pairwise(accounts):
        for earlier, later in zip(before.processors, after.processors, strict=False):
            assert all(a <= b for a, b in zip(astuple(earlier), astuple(later), strict=True))
        assert after.total.steal_usec <= after.throttled_usec
    total = accounts[-1].total
    assert (total.user_usec, total.nice_usec, total.system_usec) == tuple(used)
    assert total.idle_usec + total.steal_usec <= 4 * age
