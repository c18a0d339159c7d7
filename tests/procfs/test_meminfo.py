from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import meminfo
from lxcfs_py.procfs.meminfo import MemInfo

TEXT = """\
MemTotal:       24684092 kB
MemFree:          150396 kB
Active(anon):       1536 kB
VmallocTotal:   34359738367 kB
HardwareCorrupted:     4 kB
HugePages_Total:       2
HugePages_Free:        0
Hugepagesize:       2048 kB
DirectMap1G:    25165824 kB
"""


def test_whole_value() -> None:
    parsed = meminfo.parse(TEXT)
    assert parsed == MemInfo(
        {
            "MemTotal": 24684092,
            "MemFree": 150396,
            "Active(anon)": 1536,
            "VmallocTotal": 34359738367,
            "HardwareCorrupted": 4,
            "HugePages_Total": 2,
            "HugePages_Free": 0,
            "Hugepagesize": 2048,
            "DirectMap1G": 25165824,
        }
    )
    assert list(parsed.values)[:3] == ["MemTotal", "MemFree", "Active(anon)"]
    assert meminfo.format(parsed) == TEXT


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MemTotal", 0, "MemTotal:              0 kB\n"),
        ("MemTotal", 123456789, "MemTotal:       123456789 kB\n"),
        ("Inactive(anon)", 5852, "Inactive(anon):     5852 kB\n"),
        ("ShadowCallStack", 12345678, "ShadowCallStack:12345678 kB\n"),
        ("EarlyMemtestBad", 0, "EarlyMemtestBad:       0 kB\n"),
        ("HardwareCorrupted", 0, "HardwareCorrupted:     0 kB\n"),
        ("HardwareCorrupted", 1234567, "HardwareCorrupted: 1234567 kB\n"),
        ("HugePages_Rsvd", 12, "HugePages_Rsvd:       12\n"),
        ("HugePages_Total", 1234567, "HugePages_Total:   1234567\n"),
        ("A_line_of_the_year_2040", 5, "A_line_of_the_year_2040: 5 kB\n"),
    ],
)
def test_layout(name: str, value: int, line: str) -> None:
    assert meminfo.format(MemInfo({name: value})) == line
    assert meminfo.parse(line) == MemInfo({name: value})


def test_odd_lines_keep_their_layout_with_new_values() -> None:
    text = (
        "MemTotal:       24684092 kB\n"
        "SecPageTables:\t       0 kB\n"  # Linux 6.1 had a tab
        "DirectMap64k:           0 kB\n"  # powerpc had one space too many
        "FuturePages:          77\n"
        "100%:5 kB\n"
    )
    parsed = meminfo.parse(text)
    assert parsed == MemInfo(
        {"MemTotal": 24684092, "SecPageTables": 0, "DirectMap64k": 0, "FuturePages": 77, "100%": 5},
        {
            "SecPageTables": "SecPageTables:\t%8d kB\n",
            "DirectMap64k": "DirectMap64k:%12d kB\n",
            "FuturePages": "FuturePages:%12d\n",
            "100%": "100%%:%1d kB\n",
        },
    )
    assert meminfo.format(parsed) == text
    grown = replace(parsed, values={"MemTotal": 1, "SecPageTables": 12, "DirectMap64k": 64, "FuturePages": 0})
    assert meminfo.format(grown) == (
        "MemTotal:              1 kB\n"
        "SecPageTables:\t      12 kB\n"
        "DirectMap64k:          64 kB\n"
        "FuturePages:           0\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT[:-1],
        TEXT[:20],
        TEXT + "\n",
        TEXT + "MemFree:          150396 kB\n",
        "MemTotal:       24684092 MB\n",
        "MemTotal:       x kB\n",
        "MemTotal:       kB\n",
        "MemTotal:             -1 kB\n",
        "MemTotal:            1_0 kB\n",
        "MemTotal:            1 0 kB\n",
        "MemTotal:       00000001 kB\n",
        "MemTotal:              \u0663 kB\n",
        "MemTotal        24684092 kB\n",
        ":               24684092 kB\n",
        f"MemTotal: {'9' * 5000} kB\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/meminfo: "):
        meminfo.parse(text)


NAMES = st.from_regex(r"(HugePages_)?[A-Za-z][A-Za-z0-9_()%]{0,20}", fullmatch=True)


@given(st.dictionaries(NAMES, st.integers(0, 2**64 - 1), min_size=1))
def test_generated(values: dict[str, int]) -> None:
    parsed = meminfo.parse(meminfo.format(MemInfo(values)))
    assert parsed == MemInfo(values)
    assert list(parsed.values) == list(values)
