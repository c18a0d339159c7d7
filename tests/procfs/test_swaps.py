from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import swaps
from lxcfs_py.procfs.swaps import Swap

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

# What Linux 6.1 wrote. The padding counts bytes; numbers of 8 digits pass a tab stop.
TEXT = (
    HEADER + "/tmp/m/sw\\040ap                         file\t\t1000\t\t0\t\t-2\n"
    "/tmp/m/gr\u00fc\u00dfe\\011\\134x                 file\t\t1008\t\t0\t\t-3\n"
    "/tmp/m/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa file\t\t1008\t\t0\t\t-4\n"
    "/dev/ubdb                               partition\t12582908\t0\t\t-5\n"
)

VALUE = (
    Swap(filename="/tmp/m/sw ap", type="file", size_kib=1000, used_kib=0, priority=-2),
    Swap("/tmp/m/gr\u00fc\u00dfe\t\\x", "file", 1008, 0, -3),
    Swap("/tmp/m/" + "a" * 60, "file", 1008, 0, -4),
    Swap("/dev/ubdb", "partition", 12582908, 0, -5),
)


def test_whole_value() -> None:
    assert swaps.parse(TEXT) == VALUE
    assert swaps.format(VALUE) == TEXT


def test_tab_stops() -> None:
    swap = Swap("/dev/zram0", "partition", 9999999, 10000000, 100)
    assert swaps.format([swap]) == (
        HEADER + "/dev/zram0                              partition\t9999999\t\t10000000\t100\n"
    )


def test_no_swap() -> None:
    assert swaps.parse(HEADER) == ()
    assert swaps.format(()) == HEADER


def test_older_kernels() -> None:
    text = (
        "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n"
        "/dev/sda2                               partition\t1048572\t0\t-1\n"
        "none\t\t\t\t\tvirtual\t\t1024\t0\t0\n"  # lxcfs
    )
    assert swaps.parse(text) == (
        Swap("/dev/sda2", "partition", 1048572, 0, -1),
        Swap("none", "virtual", 1024, 0, 0),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        HEADER[:-1],
        TEXT[:-1],
        TEXT[:-3] + "\n",
        TEXT.removeprefix(HEADER),
        HEADER + "\n",
        HEADER + " partition 1 2 3\n",
        HEADER + "/x partition 1 2\n",
        HEADER + "/x partition 1 2 3 4\n",
        HEADER + "/x partition -1 2 3\n",
        HEADER + "/x partition 1 x 3\n",
        HEADER + "/x partition 1 2 --3\n",
        HEADER + "/x partition 1 2 +3\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/swaps: "):
        swaps.parse(text)


def decoded(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


NUMBERS = st.integers(0, 2**64 - 1)
NAMES = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(decoded)


@given(
    st.lists(st.builds(Swap, NAMES, st.sampled_from(["partition", "file"]), NUMBERS, NUMBERS, st.integers(-9, 32767)))
)
def test_generated(areas: list[Swap]) -> None:
    assert swaps.parse(swaps.format(areas)) == tuple(areas)
