"""What the tests that mount or run containers share, and the check that they leave the machine as it was.

No test is skipped. One that is marked `mount` or `docker` fails without root or /dev/fuse; deselect those with
`-m 'not mount and not docker and not v2'`.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

READY_SEC = 20
READ_SEC = 30
STOP_SEC = 10
SETTLE_SEC = 5  # a container's last process, its cgroup and its mounts go a moment after the client's exit

SESSION = "LXCFS_PY_TEST_SESSION"  # in the environment of every process that a test starts, and of its children

Things = Counter[str]


def pytest_configure(config: pytest.Config) -> None:
    os.environ[SESSION] = str(os.getpid())
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/var/tmp")  # on a disk; /tmp is memory on Debian 13
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that fixtures clean up when CI's time is over


# --- nothing is left behind ---


@pytest.fixture(autouse=True)
def machine_as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test marked `mount` or `docker` that leaves something behind."""
    runs_containers = request.node.get_closest_marker("docker") is not None
    if not runs_containers and request.node.get_closest_marker("mount") is None:
        yield
        return
    if os.geteuid() != 0:
        pytest.fail("needs root; sudo scripts/test, or deselect with -m 'not mount and not docker and not v2'")
    if not os.path.exists("/dev/fuse"):
        pytest.fail("there is no /dev/fuse; modprobe fuse, or deselect with -m 'not mount and not docker and not v2'")
    before = things_there(runs_containers)
    yield
    deadline = time.monotonic() + SETTLE_SEC
    while (left := things_there(runs_containers) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, "left behind: " + "; ".join(sorted(left))


def things_there(runs_containers: bool) -> Things:
    """Everything on this machine that a test could leave behind, each as a line that says what it is."""
    things = Counter([*mounts(), *cgroups(), *loop_devices(), *processes()])
    if runs_containers:
        things.update(containers_networks_volumes())
    return things


def mount_table() -> list[tuple[str, str]]:
    """(mountpoint, file system type) of every mount; proc_pid_mountinfo(5)."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [(fields[4], fields[fields.index("-") + 1]) for fields in lines]


_THE_SYSTEMS_OWN = re.compile(r"/(user|system|machine)\.slice\b|^/run/(user|credentials)/")  # logins, timers


def of_another_run(path: str) -> bool:
    """Whether a mount or cgroup is systemd's, or of tests that run beside these: their engine's, or with their pid."""
    if _THE_SYSTEMS_OWN.search(path):
        return True
    name = re.search("/lxcfs-py-(?:dockerd|test)-([^/-]+)", path)
    return name is not None and name[1] != str(os.getpid()) and name[0] not in os.environ.get("DOCKER_HOST", "")


def mounts() -> Iterator[str]:
    return (f"mount {mountpoint} ({kind})" for mountpoint, kind in mount_table() if not of_another_run(mountpoint))


def cgroups() -> Iterator[str]:
    for mountpoint in {mountpoint for mountpoint, kind in mount_table() if kind in ("cgroup", "cgroup2")}:
        for directory, _, _ in os.walk(mountpoint):
            if not of_another_run(directory):
                yield f"cgroup {directory}"


def loop_devices() -> Iterator[str]:
    for device in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # detached just now
            yield f"loop device {device.parts[3]} of {device.read_text().strip()}"


def processes() -> Iterator[str]:
    """The children of this process, and whatever carries the session in its environment, daemons for example."""
    mark = f"{SESSION}={os.getpid()}".encode()
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if pid in children or (mark in environment and pid != os.getpid()):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield f"process {pid} {command or '(zombie)'}"


def containers_networks_volumes() -> Iterator[str]:
    for kind in ("container", "network", "volume"):
        command = ["docker", kind, "ls", "--quiet", *(["--all"] if kind == "container" else [])]
        for name in subprocess.check_output(command, text=True).split():
            yield f"{kind} {name}"


# --- the file system, as a process of its own ---


class Lxcfs:
    """A running `lxcfs-py serve`."""

    def __init__(self, process: subprocess.Popen[bytes], mountpoint: Path, run_dir: Path, log_path: Path) -> None:
        self.process, self.mountpoint, self.run_dir, self.log_path = process, mountpoint, run_dir, log_path
        self.stopped = False
        self._expected: list[str] = []

    def read(self, name: str) -> bytes:
        """What a process outside any container reads; `name` is relative to the mountpoint."""
        return read_as_child(self.mountpoint / name)

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """`lxcfs-py run ARGUMENTS…` with this daemon."""
        return run_lxcfs("run", "--run-dir", str(self.run_dir), *arguments, stdin=stdin, timeout=timeout)

    def expect_log(self, pattern: str) -> None:
        """Warnings and errors that match this regular expression are meant to be in the log."""
        self._expected.append(pattern)

    def unexpected_log_lines(self) -> list[str]:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return [
            line
            for line in lines
            if re.search(r"\b(WARNING|ERROR|CRITICAL)\b|^Traceback|^Exception", line)
            and not any(re.search(pattern, line) for pattern in self._expected)
        ]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, if the process still runs, and return its exit code."""
        self.stopped = True
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SEC)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"lxcfs-py serve still ran {STOP_SEC} s after signal {number}") from None


@pytest.fixture
def start_lxcfs(tmp_path: Path) -> Callable[..., AbstractContextManager[Lxcfs]]:
    """start_lxcfs(*OPTIONS of serve): a context with a running file system, that ends as it should."""
    numbers = iter(range(1000))

    @contextlib.contextmanager
    def start(*options: str) -> Iterator[Lxcfs]:
        home = tmp_path / f"lxcfs-{next(numbers)}"
        mountpoint, run_dir, log_path = home / "mnt", home / "run", home / "log"
        mountpoint.mkdir(parents=True)
        where = ["--mountpoint", str(mountpoint), "--run-dir", str(run_dir)]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "lxcfs_py", "serve", *where, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        lxcfs = Lxcfs(process, mountpoint, run_dir, log_path)
        try:
            wait_until_ready(lxcfs)
            yield lxcfs
            if not lxcfs.stopped:
                assert lxcfs.stop() == 0, log_path.read_text()
        finally:
            if process.poll() is None:
                lxcfs.stop()
            still_mounted = str(mountpoint) in dict(mount_table())
            if still_mounted:
                subprocess.run(["umount", "--lazy", mountpoint], check=True)
        assert not still_mounted, f"still mounted: {mountpoint}"
        assert lxcfs.unexpected_log_lines() == []

    return start


@pytest.fixture
def lxcfs(start_lxcfs: Callable[..., AbstractContextManager[Lxcfs]]) -> Iterator[Lxcfs]:
    """A running file system with a mountpoint and a run directory of its own."""
    with start_lxcfs() as running:
        yield running


def wait_until_ready(lxcfs: Lxcfs) -> None:
    deadline = time.monotonic() + READY_SEC
    while "\nlxcfs-py: ready" not in "\n" + (log := lxcfs.log_path.read_text(errors="replace")):
        assert lxcfs.process.poll() is None, f"lxcfs-py serve ended with {lxcfs.process.returncode}:\n{log}"
        assert time.monotonic() < deadline, f"lxcfs-py serve is not ready after {READY_SEC} s:\n{log}"
        time.sleep(0.02)


# --- children that do what this process must not ---


def run_lxcfs(*arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `lxcfs-py ARGUMENTS…` in a child process, whatever its exit code."""
    command = [sys.executable, "-m", "lxcfs_py", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)


def read_as_child(path: Path | str) -> bytes:
    """Read a file in a child process: whoever serves it in this thread could not answer."""
    return subprocess.check_output(["cat", str(path)], timeout=30)


def read_until(fd: int, end: bytes) -> bytes:
    """Read from a pipe or terminal until it says `end`."""
    text = b""
    while not text.endswith(end):
        assert select.select([fd], [], [], READ_SEC)[0], f"nothing follows {text!r}"
        byte = os.read(fd, 1)
        assert byte, f"ended after {text!r}"
        text += byte
    return text


def used_seconds(pid: str) -> float:
    """What the cgroup of a process has used, read without the package under test."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            return int(Path(f"/sys/fs/cgroup/{controllers}{path}/cpuacct.usage").read_text()) / 1e9
        if number == "0" and (file := Path(f"/sys/fs/cgroup{path}/cpu.stat")).exists():
            return int(file.read_text().split()[1]) / 1e6
    raise AssertionError("no cgroup counts its time")


@pytest.fixture(name="run_lxcfs")
def run_lxcfs_fixture() -> Callable[..., subprocess.CompletedProcess[str]]:
    """run_lxcfs(*ARGUMENTS of lxcfs-py, stdin="", timeout=60) -> CompletedProcess"""
    return run_lxcfs


@pytest.fixture(name="read_as_child")
def read_as_child_fixture() -> Callable[[Path | str], bytes]:
    """read_as_child(PATH) -> bytes"""
    return read_as_child
