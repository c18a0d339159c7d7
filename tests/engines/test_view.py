"""Which files are bound, and what ps makes of a container's mounts."""

from __future__ import annotations

import os

import pytest

from lxcfs_py.engines import view
from lxcfs_py.engines.view import Bind, ViewState

FILES = (
    "proc/uptime",
    "proc/meminfo",
    "proc/vmstat",
    "proc/pressure/cpu",
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/present",
)

UPTIME = Bind("/m/proc/uptime", "/proc/uptime")
MEMINFO = Bind("/m/proc/meminfo", "/proc/meminfo")
ONLINE = Bind("/m/sys/devices/system/cpu/online", "/sys/devices/system/cpu/online")
PRESENT = Bind("/m/sys/devices/system/cpu/present", "/sys/devices/system/cpu/present")


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ((), (MEMINFO, UPTIME, ONLINE, PRESENT)),
        (("/proc/meminfo", "/data"), (UPTIME, ONLINE, PRESENT)),
        (("/sys/devices/system/cpu/online",), (MEMINFO, UPTIME, PRESENT)),
        (("/sys",), (MEMINFO, UPTIME)),
        (("/proc/mem", "/sys/devices/system/cpu/online/x"), (MEMINFO, UPTIME, ONLINE, PRESENT)),
        (("/proc", "/sys/devices"), ()),
    ],
)
def test_binds_leave_alone_what_the_user_covers(covered: tuple[str, ...], expected: tuple[Bind, ...]) -> None:
    assert view.binds("/m", FILES, covered) == expected


ALL = {bind.target: bind.source for bind in (MEMINFO, UPTIME, ONLINE, PRESENT)}


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ({}, "off"),
        ({"/data": "/srv/data"}, "off"),
        (ALL, "on"),
        ({**ALL, "/data": "/srv/data"}, "on"),
        ({"/proc/uptime": "/var/lib/lxcfs/proc/uptime"}, "partial"),
        ({"/proc/uptime": "/proc/uptime"}, "off"),
        ({"/proc/uptime": "/srv/my-uptime"}, "off"),
        ({"/sys/devices/system/cpu/online": "/sys/devices/system/cpu/online"}, "off"),
    ],
)
def test_state(mounts: dict[str, str], expected: ViewState) -> None:
    assert view.state(FILES, mounts) == expected


def test_is_broken() -> None:
    assert not view.is_broken(0, ALL)  # has ended
    assert not view.is_broken(os.getpid(), {"/data": "/srv/data"})
    assert not view.is_broken(os.getpid(), ALL)


def test_state_without_a_daemon_knows_only_that_there_is_a_view() -> None:
    assert view.state((), {"/proc/uptime": "/m/proc/uptime"}) == "on"
