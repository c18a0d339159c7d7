from __future__ import annotations

import pytest

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import pid_status

TEXT = "Name:\tcat\nPid:\t42\nNStgid:\t42\t7\t1\nNSpid:\t43\t8\t2\nNSpgid:\t42\t7\t1\n"


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        (TEXT, (43, 8, 2)),
        ("NSpid:\t5\n", (5,)),
        (TEXT.replace("cat", "x\\nNSpid:\t9"), (43, 8, 2)),
        (TEXT.replace("cat", "NSpid:\t9"), (43, 8, 2)),
        (TEXT.replace("cat", "x\rNSpid:\t9\x0bNSpid:\t9\x85NSpid:\t9"), (43, 8, 2)),
    ],
)
def test_nspid(text: str, pids: tuple[int, ...]) -> None:
    assert pid_status.parse_nspid(text) == pids


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT.replace("NSpid:", "Nspid:"),
        TEXT[: TEXT.index("NSpgid") - 1],
        TEXT.replace("NSpid:\t43", "NSpid:\t"),
        TEXT.replace("NSpid:\t43", "NSpid:\t-1"),
        TEXT.replace("NSpid:\t43", "NSpid:\tx"),
        "NSpid:\t\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/PID/status: "):
        pid_status.parse_nspid(text)
