from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import cpulist


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("\n", ()),
        ("0\n", (0,)),
        ("0-3,7\n", (0, 1, 2, 3, 7)),
        ("0-1,3-4,65535\n", (0, 1, 3, 4, 65535)),
    ],
)
def test_whole_value(text: str, cpus: tuple[int, ...]) -> None:
    assert cpulist.parse(text) == cpus
    assert cpulist.format(cpus) == text


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("", ()), ("2", (2,)), ("7,0-2,1,5-5\n", (0, 1, 2, 5, 7))],
)
def test_lists_that_the_kernel_would_not_write(text: str, cpus: tuple[int, ...]) -> None:
    assert cpulist.parse(text) == cpus


def test_format_sorts() -> None:
    assert cpulist.format(iter([7, 1, 0, 1])) == "0-1,7\n"


@pytest.mark.parametrize(
    "text",
    [
        "0-4294967295\n",
        "65536\n",
        "0-65536",
        "3-1\n",
        "-1\n",
        "1-\n",
        "1--2\n",
        "0,\n",
        ",\n",
        " \n",
        "0 1\n",
        "a\n",
        "0-b\n",
        "0\n\n",
        "0\n1\n",
        "1_0\n",
        "0-3:1/2\n",
        "9" * 5000,
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^processor list: "):
        cpulist.parse(text)


@given(st.sets(st.integers(0, 65535)))
def test_generated(cpus: set[int]) -> None:
    assert cpulist.parse(cpulist.format(cpus)) == tuple(sorted(cpus))
