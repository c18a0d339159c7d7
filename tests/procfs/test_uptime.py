from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import uptime
from lxcfs_py.procfs.uptime import Uptime


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("774.65 1457.22\n", Uptime(uptime_centiseconds=77465, idle_centiseconds=145722)),
        ("0.00 0.09\n", Uptime(0, 9)),
    ],
)
def test_whole_value(text: str, value: Uptime) -> None:
    assert uptime.parse(text) == value
    assert uptime.format(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "774.65 1457.22",
        "774.65 1457.2\n",
        "774.65\n",
        "774 1457\n",
        "774.65 1457.22 1.00\n",
        "774.65 1457.22\n\n",
        "-774.65 1457.22\n",
        "774.65 x.22\n",
        ".65 1457.22\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/uptime: "):
        uptime.parse(text)


@given(st.builds(Uptime, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
def test_generated(value: Uptime) -> None:
    assert uptime.parse(uptime.format(value)) == value
