from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import stat
from lxcfs_py.procfs.stat import CpuTicks, Stat

TEXT = """\
cpu  6003 1 2306 145722 359 2 47 8 3 4
cpu0 839 0 695 75628 7 0 13 2 0 0
cpu3 5164 1 1611 70094 352 2 34 6 3 4
intr 202727 0 15 0
ctxt 398729
btime 1795410132
processes 6084
procs_running 3
procs_blocked 5
softirq 155094 0 14484 4
"""

VALUE = Stat(
    cpu=CpuTicks(
        user=6003,
        nice=1,
        system=2306,
        idle=145722,
        iowait=359,
        irq=2,
        softirq=47,
        steal=8,
        guest=3,
        guest_nice=4,
    ),
    cpus={
        0: CpuTicks(839, 0, 695, 75628, 7, 0, 13, 2, 0, 0),
        3: CpuTicks(5164, 1, 1611, 70094, 352, 2, 34, 6, 3, 4),
    },
    intr=(202727, 0, 15, 0),
    ctxt=398729,
    btime=1795410132,
    processes=6084,
    procs_running=3,
    procs_blocked=5,
    softirq=(155094, 0, 14484, 4),
)


def test_whole_value() -> None:
    assert stat.parse(TEXT) == VALUE
    assert stat.format(VALUE) == TEXT


def test_totals_alone() -> None:
    value = Stat(CpuTicks(), {0: CpuTicks(idle=1)}, (5,), 1, 2, 3, 4, 0, (6,))
    text = (
        "cpu  0 0 0 0 0 0 0 0 0 0\n"
        "cpu0 0 0 0 1 0 0 0 0 0 0\n"
        "intr 5\nctxt 1\nbtime 2\nprocesses 3\nprocs_running 4\nprocs_blocked 0\nsoftirq 6\n"
    )
    assert stat.format(value) == text
    assert stat.parse(text) == value


def test_an_old_kernel() -> None:
    text = (
        "cpu  1 2 3 4\ncpu0 1 2 3 4 5 6 7\nintr 9 9\nctxt 1\nbtime 2\nprocesses 3\nprocs_running 4\nprocs_blocked 0\n"
    )
    value = Stat(CpuTicks(1, 2, 3, 4), {0: CpuTicks(1, 2, 3, 4, 5, 6, 7)}, (9, 9), 1, 2, 3, 4, 0, ())
    assert stat.parse(text) == value
    assert stat.parse(stat.format(value)) == value


def test_a_later_kernel() -> None:
    text = TEXT.replace("cpu  6003 1 2306 145722 359 2 47 8 3 4\n", "cpu  6003 1 2306 145722 359 2 47 8 3 4 99\n")
    assert stat.parse(text + "procs_waiting 1 2\n") == VALUE


@pytest.mark.parametrize("keyword", ["cpu ", "intr", "ctxt", "btime", "processes", "procs_running", "procs_blocked"])
def test_a_line_is_missing(keyword: str) -> None:
    text = "".join(line for line in TEXT.splitlines(keepends=True) if not line.startswith(keyword))
    with pytest.raises(ParseError, match=rf"^/proc/stat: no {keyword.strip()} line$"):
        stat.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT[:-1],
        TEXT[:100],
        TEXT + "\n",
        TEXT + "cpu4 1 2 3\n",
        TEXT + "cpux 1 2 3 4\n",
        TEXT + "cpu-1 1 2 3 4\n",
        TEXT + "later\n",
        TEXT.replace("cpu  6003 1 2306", "cpu  6003 1 -2306"),
        TEXT.replace("ctxt 398729", "ctxt"),
        TEXT.replace("ctxt 398729", "ctxt many"),
        TEXT.replace("btime 1795410132", "btime -1795410132"),
        TEXT.replace("cpu  6003 1 2306 145722 359 2 47 8 3 4", "cpu  6003 1 2306"),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/stat: "):
        stat.parse(text)


NUMBERS = st.integers(0, 2**64 - 1)
TICKS = st.builds(CpuTicks, *[NUMBERS] * 10)
ROWS = st.lists(NUMBERS, min_size=1).map(tuple)


@given(
    st.builds(
        Stat,
        cpu=TICKS,
        cpus=st.dictionaries(st.integers(0, 8191), TICKS),
        intr=ROWS,
        ctxt=NUMBERS,
        btime=NUMBERS,
        processes=NUMBERS,
        procs_running=NUMBERS,
        procs_blocked=NUMBERS,
        softirq=st.one_of(st.just(()), ROWS),
    )
)
def test_generated(value: Stat) -> None:
    assert stat.parse(stat.format(value)) == value


def test_the_boot_time_alone() -> None:
    assert stat.parse_btime(TEXT) == stat.parse(TEXT).btime
    for text in ("", "btime 5\n", "cpu 1\nbtime x\n", "cpu 1\nbtime \n"):
        with pytest.raises(ParseError):
            stat.parse_btime(text)
