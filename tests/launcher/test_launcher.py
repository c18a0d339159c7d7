"""From the command line to a checked request."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lxcfs_py import launcher
from lxcfs_py.engines import arguments
from lxcfs_py.engines.model import Limits, Request
from lxcfs_py.engines.view import Bind
from lxcfs_py.errors import DaemonError, UsageError
from lxcfs_py.rundir import Daemon

FOUR_CPUS = frozenset({0, 1, 2, 3})


def limits(*typed: str) -> Limits:
    return launcher.read_limits(arguments.parse((*typed, "image")), FOUR_CPUS)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ((), Limits()),
        (
            ("-m", "512m", "--cpus", "1.5", "--cpuset-cpus", "0,2-3", "--pids-limit", "100"),
            Limits(512 << 20, None, 1_500_000_000, "0,2-3", 100),
        ),
        (("-m1g", "--memory-swap", "2g"), Limits(1 << 30, 2 << 30)),
        (("-m", "1g", "--memory-swap=1g"), Limits(1 << 30, 1 << 30)),
        (("-m", "6m", "--memory-swap", "-1"), Limits(6 << 20, -1)),
        (("-m", "0", "--memory-swap", "0", "--cpuset-cpus", "", "--pids-limit", "-1"), Limits()),
        (("--cpus", "0", "--pids-limit", "4194304"), Limits(pids=4194304)),
        (("-m", "1g", "-m", "2g"), Limits(2 << 30)),
        (("--cpus=4", "--cpuset-cpus=3"), Limits(nano_cpus=4_000_000_000, cpuset_cpus="3")),
        (("--cpus=0.01",), Limits(nano_cpus=10_000_000)),
    ],
)
def test_limits(typed: tuple[str, ...], expected: Limits) -> None:
    assert limits(*typed) == expected


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--memory=1", "--memory '1': less than docker's minimum; give 6m or more"),
        ("--memory=5.9m", "--memory '5.9m': less than docker's minimum; give 6m or more"),
        ("--memory=x", "--memory 'x': not a size; write for example 512m or 1.5g"),
        ("-m=x -m=1g", "--memory 'x': not a size; write for example 512m or 1.5g"),
        ("-m=-5", "--memory '-5': not a size; write for example 512m or 1.5g"),
        ("--memory=9999p", "--memory '9999p': too large; sizes end below 8 EiB"),
        ("--memory-swap=1g", "--memory-swap '1g': counts memory and swap together; give --memory too"),
        (
            "-m=1g --memory-swap=1m",
            "--memory-swap '1m': counts memory and swap together; give at least what --memory has",
        ),
        ("--memory-swap=-2", "--memory-swap '-2': not a size; write for example 512m or 1.5g"),
        ("--cpus=99", "--cpus '99': this machine has 4; give 4 or less"),
        ("--cpus=4.1", "--cpus '4.1': this machine has 4; give 4 or less"),
        ("--cpus=0.001", "--cpus '0.001': too few; give 0.01 or more, or leave it out"),
        ("--cpus=-1", "--cpus '-1': not a number of processors; write for example 1.5"),
        ("--cpus=two", "--cpus 'two': not a number of processors; write for example 1.5"),
        ("--cpuset-cpus=0-7", "--cpuset-cpus '0-7': this machine has no processor 4-7; choose from 0-3"),
        ("--cpuset-cpus=a", "--cpuset-cpus 'a': not a list of processors; write for example 0-3,5"),
        ("--cpuset-cpus=3-1", "--cpuset-cpus '3-1': not a list of processors; write for example 0-3,5"),
        ("--pids-limit=0", "--pids-limit '0': no number of processes; give 1 or more, -1 for no limit"),
        ("--pids-limit=-2", "--pids-limit '-2': no number of processes; give 1 or more, -1 for no limit"),
        (
            "--pids-limit=4194305",
            "--pids-limit '4194305': the kernel has no more than 4194304 processes; give that or less, -1 for no limit",
        ),
        ("--pids-limit=many", "--pids-limit 'many': not a number of processes; write for example 100"),
        ("--pids-limit=1.5", "--pids-limit '1.5': not a number of processes; write for example 100"),
        ("--pids-limit=", "--pids-limit '': not a number of processes; write for example 100"),
    ],
)
def test_limits_refused(typed: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        limits(*typed.split())
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("typed", "engine"),
    [(("--engine", "runc"), "runc"), (("--rootfs", "/r"), "runc"), (("--rootfs=/r", "--engine=runc"), "runc")],
)
def test_the_engine_that_was_asked_for(typed: tuple[str, ...], engine: str) -> None:
    assert launcher.choose_engine(arguments.parse(typed)) == (engine, None)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("--engine", "podman"), "--engine 'podman': no such engine; use docker or runc"),
        (
            ("--engine=docker", "--rootfs=/r"),
            "--rootfs is for the embedded engine; use --engine runc, or name an image",
        ),
    ],
)
def test_an_engine_that_cannot_be(typed: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        launcher.choose_engine(arguments.parse(typed))
    assert str(raised.value) == message


def test_with_view() -> None:
    daemon = Daemon("0.1.0", 7, "/m", ("proc/uptime", "proc/meminfo", "proc/version", "sys/block/gone/stat"))
    command = arguments.parse(("-v", "/x:/proc/uptime", "image"))
    request = Request(command, Path("/run"), Limits(pids=1))
    assert launcher.with_view(request, daemon, "ab12") == Request(
        command,
        Path("/run"),
        Limits(pids=1),
        binds=(Bind("/m/containers/ab12/proc/meminfo", "/proc/meminfo"),),
        labels=(("lxcfs-py.view", "on"),),
    )


def test_a_mount_that_answers(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "stat").touch()
    launcher.require_mount(Daemon("0.1.0", 7, str(tmp_path), ("proc/stat",)))


def test_a_mount_that_hangs(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc" / "stat")  # open(2) waits for a writer
    with pytest.raises(DaemonError) as raised:
        launcher.require_mount(Daemon("0.1.0", 7, str(tmp_path), ("proc/stat",)), timeout_sec=0.2)
    assert str(raised.value) == (
        f"the mount {tmp_path} of the daemon (process 7) is dead: no answer in 0.2 seconds; restart lxcfs-py serve"
    )


def test_a_mount_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DaemonError) as raised:
        launcher.require_mount(Daemon("0.1.0", 7, str(tmp_path), ("proc/stat",)))
    assert str(raised.value) == (
        f"the mount {tmp_path} of the daemon (process 7) is dead: No such file or directory; restart lxcfs-py serve"
    )
