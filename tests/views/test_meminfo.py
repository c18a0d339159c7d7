from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.cgroup.memory import Level, Memory, MemoryStat
from lxcfs_py.procfs import meminfo
from lxcfs_py.procfs.meminfo import MemInfo
from lxcfs_py.views.meminfo import container_meminfo
from tests import captured

MIB = 1 << 20
HOST = MemInfo({"MemTotal": 4096 * 1024, "MemFree": 7, "Cached": 7, "SwapTotal": 1024 * 1024, "SwapFree": 7})

byte_counts = st.integers(0, 1 << 50)
levels = st.lists(st.builds(Level, st.none() | byte_counts, byte_counts), max_size=5).map(tuple)
stats = st.builds(MemoryStat, *[byte_counts] * len(MemoryStat.__dataclass_fields__))


def values(memory: Memory) -> dict[str, int]:
    return dict(container_meminfo(HOST, memory, 50).values)


def test_an_ancestor_with_less_limits_and_one_with_less_left_decide() -> None:
    memory = Memory(
        levels=(Level(512 * MIB, 100 * MIB), Level(1024 * MIB, 900 * MIB), Level(None, 2000 * MIB)),
        swap_levels=(Level(None, 10 * MIB), Level(512 * MIB, 500 * MIB)),
        stat=MemoryStat(file=30 * MIB),
    )
    assert values(memory) == {
        "MemTotal": 512 * 1024,
        "MemFree": 124 * 1024,
        "Cached": 30 * 1024,
        "SwapTotal": 512 * 1024,
        "SwapFree": 12 * 1024,
    }


def test_without_limits_the_host_is_the_limit_and_without_swap_accounting_there_is_no_swap() -> None:
    assert values(Memory((Level(None, 96 * MIB),), (), MemoryStat())) == {
        "MemTotal": 4096 * 1024,
        "MemFree": 4000 * 1024,
        "Cached": 0,
        "SwapTotal": 0,
        "SwapFree": 0,
    }


def test_a_line_of_a_later_kernel_is_zero_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    host = MemInfo({**HOST.values, "Wonder": 5})
    for _ in range(2):
        assert container_meminfo(host, Memory((), (), MemoryStat()), 50).values["Wonder"] == 0
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "/proc/meminfo has a line 'Wonder' that this version does not know; containers see 0"
    ]


@given(
    host=st.sampled_from([captured.host(kernel).meminfo() for kernel in captured.KERNELS]),
    memory=st.builds(Memory, levels, levels, stats),
)
def test_any_cgroup_content_gives_a_well_formed_file(host: MemInfo, memory: Memory) -> None:
    text = meminfo.format(container_meminfo(host, memory, 50))
    shown = meminfo.parse(text).values  # takes no negative number
    assert list(shown) == list(host.values)
    assert shown["MemFree"] <= shown["MemTotal"] <= host.values["MemTotal"]
    assert shown["MemAvailable"] <= shown["MemTotal"]
    assert shown["SwapFree"] <= shown["SwapTotal"] <= host.values["SwapTotal"]
