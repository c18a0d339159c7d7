from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.cgroup.cpu import Bandwidth
from lxcfs_py.procfs import cpuinfo
from lxcfs_py.views.cpuinfo import container_cpuinfo
from lxcfs_py.views.processors import allowed, worth


@pytest.mark.parametrize(
    ("quotas_usec", "shown"),
    [
        ([], (2, 3, 5, 7)),
        ([None], (2, 3, 5, 7)),
        ([400_000], (2, 3, 5, 7)),
        ([300_001], (2, 3, 5, 7)),
        ([300_000], (2, 3, 5)),
        ([150_000], (2, 3)),
        ([50_000], (2,)),
        ([1], (2,)),
        ([None, 800_000, 200_000, None], (2, 3)),
    ],
)
def test_the_smallest_quota_on_the_way_to_the_root_is_rounded_up(
    quotas_usec: list[int | None], shown: tuple[int, ...]
) -> None:
    assert worth((2, 3, 5, 7), [Bandwidth(quota, 100_000) for quota in quotas_usec]) == shown


@pytest.mark.parametrize(
    ("online", "effective", "expected"),
    [
        ((0, 1, 2), None, (0, 1, 2)),
        ((0, 1, 2), (1, 2), (1, 2)),
        ((0, 2), (1, 2), (2,)),  # 1 went offline
        ((0, 2), (), (0, 2)),  # v1 says so while a cpuset is being set up
        ((0, 2), (1,), (0, 2)),
    ],
)
def test_allowed(online: tuple[int, ...], effective: tuple[int, ...] | None, expected: tuple[int, ...]) -> None:
    assert allowed(online, effective) == expected


@given(
    st.sets(st.integers(0, 255), min_size=1).map(sorted).map(tuple),
    st.lists(st.builds(Bandwidth, st.none() | st.integers(1, 10**9), st.integers(1, 10**6))),
)
def test_there_is_always_a_processor(cpus: tuple[int, ...], bandwidths: list[Bandwidth]) -> None:
    shown = worth(cpus, bandwidths)
    assert shown
    assert shown == cpus[: len(shown)]


def test_siblings_and_cores_count_what_is_shown_in_each_package() -> None:
    def block(number: int, package: int, siblings: int, core: int, cores: int) -> str:
        return (
            f"processor\t: {number}\nphysical id\t: {package}\nsiblings\t: {siblings}\n"
            f"core id\t\t: {core}\ncpu cores\t: {cores}\nflags\t\t: a b\n\n"
        )

    # two packages with two cores of two threads each
    host = "".join(block(n, n // 4, 4, n // 2 % 2, 2) for n in range(8))
    shown = container_cpuinfo(cpuinfo.parse(host), (1, 2, 3, 7))
    assert cpuinfo.format(shown) == (block(0, 0, 3, 0, 2) + block(1, 0, 3, 1, 2) + block(2, 0, 3, 1, 2)) + block(
        3, 1, 1, 1, 1
    )
