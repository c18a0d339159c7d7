from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import loadavg
from lxcfs_py.procfs.loadavg import LoadAvg

TEXT = "0.09 12.80 100.05 4/90 6089\n"
VALUE = LoadAvg(
    load1_hundredths=9, load5_hundredths=1280, load15_hundredths=10005, runnable=4, threads=90, last_pid=6089
)


def test_whole_value() -> None:
    assert loadavg.parse(TEXT) == VALUE
    assert loadavg.format(VALUE) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT[:-1],
        TEXT[:-3],
        TEXT[:14],
        TEXT * 2,
        "0.9 12.80 100.05 4/90 6089\n",
        "-0.09 12.80 100.05 4/90 6089\n",
        "0.-9 12.80 100.05 4/90 6089\n",
        "0.09 12.80 100.05 490 6089\n",
        "0.09 12.80 100.05 4/90/1 6089\n",
        "0.09 12.80 100.05 4/-90 6089\n",
        "0.09 12.80 100.05 4/90 -1\n",
        "0.09 12.80 x 4/90 6089\n",
        "0.09 12.80 100.05 4/90 6089 7\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/loadavg: "):
        loadavg.parse(text)


@given(st.builds(LoadAvg, *[st.integers(0, 2**64 - 1)] * 6))
def test_generated(value: LoadAvg) -> None:
    assert loadavg.parse(loadavg.format(value)) == value
