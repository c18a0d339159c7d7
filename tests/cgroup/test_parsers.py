"""The pure parsers: what other kernels write, what is cut short, and that nothing but ParseError comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.cgroup import cpu, io, memory
from lxcfs_py.cgroup.cpu import Bandwidth, CpuUsage
from lxcfs_py.cgroup.io import IoStat
from lxcfs_py.cgroup.memory import Level, MemoryStat
from lxcfs_py.errors import ParseError


def test_no_limit() -> None:
    assert memory.parse_limit_v1("9223372036854771712\n") is None  # pages of 4 KiB
    assert memory.parse_limit_v1("9223372036854710272\n") is None  # pages of 64 KiB
    assert memory.parse_limit_v1("536870912\n") == 536870912
    assert memory.parse_limit_v2("max\n") is None
    assert memory.parse_limit_v2("0\n") == 0
    assert cpu.parse_bandwidth_v1("-1\n", "100000\n") == Bandwidth(None, 100_000)
    assert cpu.parse_bandwidth_v2("max 100000\n") == Bandwidth(None, 100_000)
    assert cpu.parse_bandwidth_v2("50000 200000\n") == Bandwidth(50_000, 200_000)


def test_keys_are_matched_exactly() -> None:
    v2 = memory.parse_stat_v2("file_mapped 1\nfile 2\nanon_thp 3\nanon 4\nslab 9\n")
    assert v2 == MemoryStat(file_mapped=1, file=2, anon_thp=3, anon=4)
    v1 = memory.parse_stat_v1("cache 1\nrss 2\ntotal_cache 3\ntotal_rss 4\ntotal_rss_huge 5\n")
    assert v1 == MemoryStat(file=3, anon=4, anon_thp=5)


def test_v1_swap_is_what_memory_and_swap_have_beyond_memory() -> None:
    assert memory.swap_level_v1(Level(100, 40), Level(150, 45)) == Level(50, 5)
    assert memory.swap_level_v1(Level(100, 40), Level(None, 40)) == Level(None, 0)
    assert memory.swap_level_v1(Level(100, 40), Level(80, 39)) == Level(0, 0)


def test_cpu_usage() -> None:
    assert cpu.parse_usage_v1("4000000 0 4000999 \n", "user 3\nsystem 1\n") == CpuUsage(
        6000, 0, 2000, {0: 4000, 1: 0, 2: 4000}
    )
    assert cpu.parse_usage_v2("usage_usec 9\nuser_usec 6\nsystem_usec 3\nnice_usec 2\nlater 1\n") == CpuUsage(4, 2, 3)
    assert cpu.parse_throttled_v1("nr_periods 4\nnr_throttled 2\nthrottled_time 5999\n") == 5
    assert cpu.parse_throttled_v2("usage_usec 9\nthrottled_usec 7\n") == 7
    assert cpu.parse_throttled_v2("usage_usec 9\n") == 0  # without the cpu controller


def test_io() -> None:
    assert io.parse_v2("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n\n9:1 \n") == {
        (8, 0): IoStat(3, 1, 4, 2, 6, 5),
        (9, 1): IoStat(),
    }
    serviced = "8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Async 0\n8:0 Discard 4\n8:0 Total 7\nTotal 7\n"
    moved = "8:0 Read 512\n8:0 Write 1024\n8:16 Read 99\nTotal 1635\n"
    assert io.parse_v1(serviced, moved) == {
        (8, 0): IoStat(1, 512, 2, 1024, 4, 0),
        (8, 16): IoStat(0, 99, 0, 0, 0, 0),
    }


PARSERS: list[Callable[[str], object]] = [
    memory.parse_limit_v1,
    memory.parse_limit_v2,
    memory.parse_stat_v1,
    memory.parse_stat_v2,
    cpu.parse_bandwidth_v2,
    cpu.parse_throttled_v1,
    cpu.parse_throttled_v2,
    cpu.parse_usage_v2,
    io.parse_v2,
    lambda text: cpu.parse_bandwidth_v1(text, text),
    lambda text: cpu.parse_usage_v1(text, "user 1\nsystem 1\n"),
    lambda text: cpu.parse_usage_v1("1 2\n", text),
    lambda text: io.parse_v1(text, text),
]


@pytest.mark.parametrize(
    "text", ["x", "a b", "max x", "8:0 Read", "8: rios=1", "cpu user system\n0 1\n", "100 0", "1\0"]
)
@pytest.mark.parametrize("parse", PARSERS)
def test_malformed(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ParseError):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (memory.parse_limit_v2, ""),
        (memory.parse_stat_v2, "anon 1\nfil"),
        (cpu.parse_bandwidth_v2, "100000"),
        (cpu.parse_bandwidth_v2, "100000 0"),
        (cpu.parse_usage_v2, "user_usec 1\n"),
        (io.parse_v2, "8:x rios=1\n"),
        (lambda text: io.parse_v1(text, ""), "8:0 Read\n"),
        (lambda text: cpu.parse_usage_v1(text, ""), "0 x\n"),
    ],
)
def test_what_is_cut_short_or_of_another_form_is_a_parse_error(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@given(st.text(alphabet="0123456789 :=\nabctmaxRead-", max_size=60))
def test_nothing_but_parse_errors(text: str) -> None:
    for parse in PARSERS:
        with contextlib.suppress(ParseError):
            parse(text)
