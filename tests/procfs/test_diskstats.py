from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import diskstats
from lxcfs_py.procfs.diskstats import DiskStat

TEXT = """\
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 259      17 nvme0n1p1 73239 27254 2992458 7831 10464 20376 2314360 3554 1 5636 11669 4250 38 153800 225 1494 56
"""

VALUE = (
    DiskStat(7, 0, "loop0"),
    DiskStat(
        major=259,
        minor=17,
        name="nvme0n1p1",
        reads_completed=73239,
        reads_merged=27254,
        sectors_read=2992458,
        read_ms=7831,
        writes_completed=10464,
        writes_merged=20376,
        sectors_written=2314360,
        write_ms=3554,
        in_progress=1,
        io_ms=5636,
        weighted_io_ms=11669,
        discards_completed=4250,
        discards_merged=38,
        sectors_discarded=153800,
        discard_ms=225,
        flushes_completed=1494,
        flush_ms=56,
    ),
)


def test_whole_value() -> None:
    assert diskstats.parse(TEXT) == VALUE
    assert diskstats.format(VALUE) == TEXT


def test_no_disk() -> None:
    assert diskstats.parse("") == ()
    assert diskstats.format(()) == ""


def test_wide_numbers() -> None:
    assert diskstats.format([DiskStat(12345, 12345678, "x")]) == (
        "12345 12345678 x 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n", DiskStat(8, 0, "sda", *range(1, 12))),
        ("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", DiskStat(8, 0, "sda", *range(1, 16))),
        (f"   8       0 sda {' '.join(map(str, range(1, 20)))}\n", DiskStat(8, 0, "sda", *range(1, 18))),
    ],
    ids=["Linux 2.6.25", "Linux 4.18", "later"],
)
def test_other_kernels(text: str, value: DiskStat) -> None:
    assert diskstats.parse(text) == (value,)


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        TEXT[:-1],
        TEXT[:-4] + "\n",
        "   8       0 sda\n",
        "   8       1 sda1 1 2 3 4\n",  # partitions before Linux 2.6.25
        "   8       0 sda 1 2 3 4 5 6 7 8 9 10 -11\n",
        "   8       0 sda 1 2 3 4 5 6 7 8 9 10 x\n",
        "   x       0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/diskstats: "):
        diskstats.parse(text)


NUMBERS = st.integers(0, 2**64 - 1)
NAMES = st.from_regex(r"[!-~]{1,32}", fullmatch=True)


@given(st.lists(st.builds(DiskStat, NUMBERS, NUMBERS, NAMES, *[NUMBERS] * 17)))
def test_generated(disks: list[DiskStat]) -> None:
    assert diskstats.parse(diskstats.format(disks)) == tuple(disks)
