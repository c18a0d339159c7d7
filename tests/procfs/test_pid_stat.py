from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import pid_stat
from lxcfs_py.procfs.pid_stat import PidStat

TAIL = (
    " R 6066 6102 4713 34816 -1 4194304 125 0 0 0 1 2 3 4 20 0 5 0 77466 3796992 390 18446744073709551615 1 1 0 "
    "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


@pytest.mark.parametrize("comm", ["cat", "", ")", "a) R 1 (b", "(", " ) ", "two\nlines", "1 (x) S 2", "\udcff"])
def test_whole_value(comm: str) -> None:
    assert pid_stat.parse(f"6102 ({comm}){TAIL}") == PidStat(
        pid=6102, comm=comm, state="R", ppid=6066, num_threads=5, start_time_ticks=77466
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "6102\n",
        "6102 (cat)\n",
        f"6102 (cat){TAIL[:-1]}",
        "6102 (cat) R 6066 6102 4713 34816 -1 4194304 125 0 0 0 1 2 3 4 20 0 5 0 774\n",
        f"6102 cat{TAIL}",
        f"(cat){TAIL}",
        f"-1 (cat){TAIL}",
        f"x (cat){TAIL}",
        f"6102 (cat){TAIL.replace(' R ', ' RS ')}",
        f"6102 (cat){TAIL.replace('6066', '-6066')}",
        f"6102 (cat){TAIL.replace('77466', 'x')}",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/PID/stat: "):
        pid_stat.parse(text)


@given(st.text())
def test_any_command_name(comm: str) -> None:
    assert pid_stat.parse(f"1 ({comm}){TAIL}") == PidStat(1, comm, "R", 6066, 5, 77466)
