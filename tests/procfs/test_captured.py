"""Every codec on what real kernels wrote: tests/fixtures/proc/<kernel>/, see SOURCE.txt in each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import (
    cpuinfo,
    cpulist,
    diskstats,
    loadavg,
    meminfo,
    mountinfo,
    pid_cgroup,
    pid_stat,
    pid_status,
    stat,
    swaps,
    uptime,
)

CAPTURES = sorted(path for path in (Path(__file__).parents[1] / "fixtures/proc").glob("*") if path.is_dir())

CODECS: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "meminfo": (meminfo.parse, meminfo.format),
    "cpuinfo": (cpuinfo.parse, cpuinfo.format),
    "stat": (stat.parse, stat.format),
    "diskstats": (diskstats.parse, diskstats.format),
    "loadavg": (loadavg.parse, loadavg.format),
    "uptime": (uptime.parse, uptime.format),
    "swaps": (swaps.parse, swaps.format),
    "sys/devices/system/cpu/online": (cpulist.parse, cpulist.format),
    "sys/devices/system/cpu/possible": (cpulist.parse, cpulist.format),
    "sys/devices/system/cpu/present": (cpulist.parse, cpulist.format),
    "sys/devices/system/cpu/offline": (cpulist.parse, cpulist.format),
}

# Short ones that only parse; the others are taken from the captures.
PID_STAT = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 1234 5 6 7 8\n"
PID_STATUS = "Name:\tcat\nPid:\t42\nNSpid:\t42\t7\t1\nThreads:\t1\n"


def read(path: Path) -> str:
    return path.read_bytes().decode(errors="surrogateescape")


def test_there_are_captures() -> None:
    assert CAPTURES


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_round_trip(capture: Path, name: str) -> None:
    parse, format = CODECS[name]
    text = read(capture / name)
    assert format(parse(text)) == text


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_cgroup_is_read_whole(capture: Path) -> None:
    text = read(capture / "self/cgroup")
    entries = pid_cgroup.parse(text)
    assert "".join(f"{e.hierarchy_id}:{','.join(e.controllers)}:{e.path}\n" for e in entries) == text
    assert not any(entry.deleted for entry in entries)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_mountinfo_is_read_whole(capture: Path) -> None:
    text = read(capture / "self/mountinfo")
    again = "".join(
        f"{m.mount_id} {m.parent_id} {m.device} {m.root} {m.mount_point} {','.join(m.options)} "
        f"{''.join(f'{field} ' for field in m.optional_fields)}- {m.fs_type} {m.source} "
        f"{','.join(m.super_options)}\n"
        for m in mountinfo.parse(text)
    )
    assert again == text


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_files_of_one_kernel_agree(capture: Path) -> None:
    online = cpulist.parse(read(capture / "sys/devices/system/cpu/online"))
    assert tuple(stat.parse(read(capture / "stat")).cpus) == online
    assert tuple(p.number for p in cpuinfo.parse(read(capture / "cpuinfo")).processors) == online
    swap_total = sum(swap.size_kib for swap in swaps.parse(read(capture / "swaps")))
    assert meminfo.parse(read(capture / "meminfo")).values["SwapTotal"] == swap_total


def texts_like(original: str) -> st.SearchStrategy[str]:
    """The text with one piece of it replaced, doubled, moved or cut off."""
    place = st.integers(0, len(original))
    lines = original.splitlines(keepends=True)
    piece = st.one_of(st.text(max_size=8), st.sampled_from(["-1", " ", "\n", ":", "\t", "0x1", "9" * 5000, *lines]))
    return st.one_of(
        st.builds(lambda start, end, new: original[:start] + new + original[end:], place, place, piece),
        st.builds(lambda end: original[:end], place),
        st.permutations(lines).map("".join) if len(lines) < 100 else st.nothing(),
    )


@pytest.mark.parametrize("name", CODECS)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_text_is_refused_or_understood(name: str, data: st.DataObject) -> None:
    parse, format = CODECS[name]
    original = read(data.draw(st.sampled_from(CAPTURES)) / name)
    try:
        value = parse(data.draw(st.one_of(texts_like(original), st.text())))
    except ParseError:
        return
    assert parse(format(value)) == value


@pytest.mark.parametrize(
    ("parse", "original"),
    [
        (pid_cgroup.parse, "1:cpu,cpuacct:/a:b\n0::/x y (deleted)\n"),
        (mountinfo.parse, r"22 27 0:21 / /a\040b rw shared:1 - fuse.x\040y so\134urce rw,a=b" + "\n"),
        (pid_stat.parse, PID_STAT),
        (pid_status.parse_nspid, PID_STATUS),
    ],
)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_text_is_refused_or_read(parse: Callable[[str], object], original: str, data: st.DataObject) -> None:
    with contextlib.suppress(ParseError):
        parse(data.draw(st.one_of(texts_like(original), st.text())))
