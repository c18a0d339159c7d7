"""The embedded engine with real containers: limits, exit codes, signals, terminal, and nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from lxcfs_py.engines import machine
from tests.conftest import Lxcfs, read_until

pytestmark = pytest.mark.mount

TIMEOUT_SEC = 60


class Launcher:
    """`lxcfs-py run --engine runc` with a run directory of its own."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir

    def argv(self, *words: str, view: bool = False) -> list[str]:
        options = ["--engine", "runc", "--run-dir", str(self.run_dir), *([] if view else ["--no-view"])]
        return [sys.executable, "-m", "lxcfs_py", "run", *options, *words]

    def run(self, *words: str, stdin: str = "", view: bool = False) -> subprocess.CompletedProcess[str]:
        argv = self.argv(*words, view=view)
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SEC, check=False)

    def output(self, *words: str, view: bool = False) -> str:
        done = self.run(*words, view=view)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @contextlib.contextmanager
    def started(self, *words: str, view: bool = False) -> Iterator[subprocess.Popen[str]]:
        """A container whose command has written the line "ready"."""
        process = subprocess.Popen(
            self.argv(*words, view=view),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        with process.stdout:
            try:
                assert read_until(process.stdout.fileno(), b"\n") == b"ready\n"
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                    self.run("true")  # sweeps

    def ps(self) -> list[dict[str, object]]:
        argv = [sys.executable, "-m", "lxcfs_py", "ps", "--json", "--run-dir", str(self.run_dir)]
        rows = json.loads(subprocess.check_output(argv, text=True))
        return [row for row in rows if row["engine"] == "runc"]

    def init_pid(self) -> int:
        (row,) = self.ps()
        argv = ["runc", "--root", str(self.run_dir / "runc" / "state"), "state", str(row["id"])]
        return int(json.loads(subprocess.check_output(argv, text=True))["pid"])


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    yield Launcher(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def cgroup_files(container_id: str, names: tuple[str, ...]) -> dict[str, str]:
    """Those of the files that a container's cgroups have, as the host sees them."""
    folders = [Path(point, "lxcfs-py", container_id) for point in machine.read().cgroup_mount_points]
    return {
        name: (folder / name).read_text().strip() for name in names for folder in folders if (folder / name).exists()
    }


def test_limits_are_in_the_cgroup_and_in_ps(launcher: Launcher) -> None:
    limits = ("-m", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--pids-limit", "30")
    with launcher.started("--name", "box", *limits, "sh", "-c", "echo ready; sleep 100"):
        (row,) = launcher.ps()
        container_id = row.pop("id")
        assert row == {
            "name": "box",
            "engine": "runc",
            "image": "host (read-only)",
            "status": "running",
            "view": "off",
            "limits": {
                "memory_bytes": 64 << 20,
                "memory_swap_bytes": 96 << 20,
                "nano_cpus": 500_000_000,
                "cpuset_cpus": None,
                "pids": 30,
            },
        }
        v1 = {
            "memory.limit_in_bytes": "67108864",
            "memory.memsw.limit_in_bytes": "100663296",
            "cpu.cfs_quota_us": "50000",
            "cpu.cfs_period_us": "100000",
        }
        v2 = {"memory.max": "67108864", "memory.swap.max": "33554432", "cpu.max": "50000 100000"}
        found = cgroup_files(str(container_id), (*v1, *v2, "pids.max"))
        assert found == {"pids.max": "30"} | (v2 if "memory.max" in found else v1)


def test_limits_are_enforced(launcher: Launcher) -> None:
    assert launcher.run("-m", "32m", "--memory-swap", "32m", "tail", "/dev/zero").returncode == 128 + signal.SIGKILL
    forks = "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait; echo unlimited"
    assert "unlimited" not in launcher.run("--pids-limit", "5", "sh", "-c", forks).stdout
    busy = "timeout 1 sh -c 'while :; do :; done'; cat /proc/uptime >/dev/null; times"
    children = launcher.output("--cpus", "0.2", "sh", "-c", busy).splitlines()[1]
    seconds = sum(float(part.rstrip("s").partition("m")[2]) for part in children.split())
    assert 0.1 < seconds < 0.4  # one second at 0.2 processors


def test_a_container_cannot_lift_its_limits(launcher: Launcher) -> None:
    mount = "mount -t cgroup -o memory m /tmp || mount -t cgroup2 m /tmp"
    lift = "for name in memory.memsw.limit_in_bytes memory.limit_in_bytes; do echo -1 >/tmp/$name; done"
    use = "python3 -c 'print(len(bytearray(300 << 20)))'"
    limits = ("-m", "64m", "--memory-swap", "64m")
    for attempt in (
        ("unshare", "-rmCU", "sh", "-c", f"{mount}; {lift}; {use}"),
        ("sh", "-c", f"{mount}; {lift}; {use}"),
    ):
        done = launcher.run(*limits, *attempt)
        assert (done.returncode != 0, done.stdout) == (True, "")
    assert launcher.run("unshare", "-U", "true").stderr == "unshare: unshare failed: Operation not permitted\n"


def test_new_namespaces_are_refused_and_processes_are_not(launcher: Launcher) -> None:
    program = (
        "import ctypes, errno, os, subprocess, threading\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):\n"
        "    number = {'x86_64': 56}.get(os.uname().machine, 220)\n"
        "    assert (libc.syscall(number, flag | 17, 0, 0, 0, 0), ctypes.get_errno()) == (-1, errno.EPERM)\n"
        "assert (libc.syscall(435, 0, 0), ctypes.get_errno()) == (-1, errno.ENOSYS)\n"
        "thread = threading.Thread(target=print, args=('thread',))\n"
        "thread.start()\n"
        "thread.join()\n"
        "print(subprocess.check_output(['echo', 'child'], text=True), end='')\n"
    )
    assert launcher.output("python3", "-c", program) == "thread\nchild\n"


def test_cpuset(launcher: Launcher) -> None:
    done = launcher.run("--cpuset-cpus", "0", "grep", "Cpus_allowed_list", "/proc/self/status")
    if "cpuset" in machine.read().controllers:
        assert (done.returncode, done.stdout, done.stderr) == (0, "Cpus_allowed_list:\t0\n", "")
    else:
        missing = "this machine has no cpuset cgroup controller, see lxcfs-py doctor; leave the option out"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"lxcfs-py: --cpuset-cpus: {missing}\n")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("true",), 0),
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "exit 1"), 1),
        (("sh", "-c", "exit 255"), 255),
        (("no-such-command",), 127),
        (("/no/such/command",), 127),
        (("/etc",), 126),
        (("/etc/passwd",), 126),
    ],
)
def test_exit_codes(launcher: Launcher, command: tuple[str, ...], code: int) -> None:
    assert launcher.run(*command).returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_reach_the_container(launcher: Launcher, number: signal.Signals) -> None:
    script = f"trap 'exit 42' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    with launcher.started("sh", "-c", script) as process:
        process.send_signal(number)
        assert process.wait(TIMEOUT_SEC) == 42


def test_a_container_that_a_signal_ends(launcher: Launcher) -> None:
    with launcher.started("sh", "-c", "echo ready; sleep 100") as process:
        os.kill(launcher.init_pid(), signal.SIGKILL)
        assert process.wait(TIMEOUT_SEC) == 128 + signal.SIGKILL


def test_a_signal_to_the_whole_group_arrives_once(launcher: Launcher) -> None:
    script = "trap 'n=$((n + 1))' TERM; trap 'exit $n' USR1; echo ready; while :; do sleep 0.05; done"
    with launcher.started("sh", "-c", script) as process:
        os.killpg(process.pid, signal.SIGTERM)  # as timeout(1) does
        time.sleep(0.5)
        process.send_signal(signal.SIGUSR1)
        assert process.wait(TIMEOUT_SEC) == 1


def test_the_third_request_to_end_is_no_request(launcher: Launcher) -> None:
    script = "trap 'echo ready' TERM INT; echo ready; while :; do sleep 0.05; done"
    with launcher.started("sh", "-c", script) as process:
        assert process.stdout
        for number in (signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
            assert read_until(process.stdout.fileno(), b"\n") == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SEC) == 128 + signal.SIGKILL


def test_a_signal_while_it_starts_leaves_nothing(launcher: Launcher) -> None:
    for delay_msec in (50, 100, 150, 200, 250, 300, 350, 400):
        with subprocess.Popen(launcher.argv("sleep", "0.5"), stderr=subprocess.DEVNULL) as process:
            time.sleep(delay_msec / 1000)
            process.terminate()
            ignored = 0  # by a process 1 without a handler
            assert process.wait(TIMEOUT_SEC) in (-signal.SIGTERM, 128 + signal.SIGTERM, ignored)
        assert not launcher.run_dir.exists()


def test_stdin(launcher: Launcher) -> None:
    assert launcher.run("-i", "cat", stdin="hello\n").stdout == "hello\n"
    assert launcher.run("cat", stdin="hello\n").stdout == ""


def test_a_container_is_separate(launcher: Launcher) -> None:
    script = (
        "hostname; pwd; id -u; id -g; echo $$ $A $TERM; ls /sys/class/net; grep CapEff /proc/self/status;"
        "touch /etc/x 2>/dev/null || echo read-only; touch /tmp/x && echo writable;"
        "cut -d: -f3 /proc/self/cgroup | sort -u; cat /proc/keys; ls /proc/1/fd | wc -l"
    )
    options = ("-h", "box", "-w", "/usr", "-e", "A=1", "-u", "5:6")
    assert launcher.output(*options, "sh", "-c", script).splitlines() == [
        *("box", "/usr", "5", "6", "1 1", "lo", "CapEff:\t0000000000000000", "read-only", "writable", "/", "3")
    ]
    assert launcher.output("grep", "CapEff", "/proc/self/status") == "CapEff:\t00000000a80425fb\n"
    assert len(launcher.output("--network", "host", "ls", "/sys/class/net").split()) == len(
        os.listdir("/sys/class/net")
    )


def test_mounts(launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("from the host\n")
    volumes = ("-v", f"{tmp_path}/data:/a/new/folder", "--mount", f"type=bind,src={tmp_path}/data,dst=/ro,readonly")
    script = "cat /ro/file; echo changed > /a/new/folder/file; cat /ro/file; echo x 2>/dev/null > /ro/file || echo no"
    assert launcher.output(*volumes, "sh", "-c", script) == "from the host\nchanged\nno\n"
    assert (tmp_path / "data" / "file").read_text() == "changed\n"
    assert not Path("/a").exists()


def test_a_root_file_system_of_ones_own(launcher: Launcher, tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    rootfs = tmp_path / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    shutil.copy(busybox, rootfs / "bin" / "busybox")
    (rootfs / "bin" / "sh").symlink_to("busybox")
    script = "busybox ls /bin; echo kept > /file"
    assert launcher.output("--rootfs", str(rootfs), "sh", "-c", script) == "busybox\nsh\n"
    assert (rootfs / "file").read_text() == "kept\n"
    done = launcher.run("--rootfs", str(rootfs), "--read-only", "sh", "-c", "echo x > /file")
    assert (done.returncode, done.stderr) == (1, "sh: can't create /file: Read-only file system\n")


def test_the_view_is_bound(lxcfs: Lxcfs, tmp_path: Path) -> None:
    show = "grep -c ^processor /proc/cpuinfo; head -1 /proc/meminfo; cat /sys/devices/system/cpu/online"
    done = lxcfs.run("--engine", "runc", "-m", "64m", "--cpus", "0.5", "sh", "-c", show)
    assert (done.stdout, done.stderr) == ("1\nMemTotal:          65536 kB\n0\n", "")
    (tmp_path / "mine").write_text("mine\n")
    own = ("-v", f"{tmp_path}/mine:/proc/uptime", "-m", "64m")
    done = lxcfs.run("--engine", "runc", *own, "head", "-qn1", "/proc/uptime", "/proc/meminfo")
    assert (done.stdout, done.stderr) == ("mine\nMemTotal:          65536 kB\n", "")


def test_ps_tells_a_broken_view(start_lxcfs: Callable[..., AbstractContextManager[Lxcfs]]) -> None:
    with start_lxcfs() as lxcfs:
        launcher = Launcher(lxcfs.run_dir)
        with launcher.started("sh", "-c", "echo ready; sleep 100", view=True) as process:
            assert [row["view"] for row in launcher.ps()] == ["on"]
            lxcfs.stop()
            assert [row["view"] for row in launcher.ps()] == ["broken"]
            os.kill(launcher.init_pid(), signal.SIGKILL)
            assert process.wait(TIMEOUT_SEC) == 128 + signal.SIGKILL


@pytest.mark.parametrize("size_kib", [4, 8, 20])  # for the lock; for config.json too; for all but runc's .pid
def test_a_full_disk_keeps_nothing(launcher: Launcher, tmp_path: Path, size_kib: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kib}k,mode=755", "tmpfs", tmp_path], check=True)
    try:
        done = launcher.run("true")
        left = list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    assert (done.returncode in (1, 125), done.stdout, left) == (True, "", [])


def test_ps_while_the_first_container_is_prepared(launcher: Launcher) -> None:
    (launcher.run_dir / "runc" / "bundles" / ("0" * 64)).mkdir(parents=True)
    assert launcher.ps() == []
    assert launcher.run("true").returncode == 0  # sweeps


def test_what_is_planted_is_not_swept(launcher: Launcher, tmp_path: Path) -> None:
    bundles = launcher.run_dir / "runc" / "bundles"
    bundles.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "config.json").touch()
    links = [bundles / "evil", bundles / ("0" * 64)]
    for link in links:
        link.symlink_to(victim)
    assert launcher.run("true").returncode == 0
    os.chown(launcher.run_dir, 1000, 1000)
    refusal = f"the run directory {launcher.run_dir} must be a folder that only root or this user may write to"
    for command in ("run", "ps", "serve"):
        words = launcher.argv("true") if command == "run" else [sys.executable, "-m", "lxcfs_py", command]
        words += [] if command == "run" else ["--run-dir", str(launcher.run_dir)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_SEC, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"lxcfs-py: {refusal}; give another --run-dir\n"
    assert [path.name for path in victim.iterdir()] == ["config.json"]
    shutil.rmtree(launcher.run_dir)


def test_names_are_unique(launcher: Launcher) -> None:
    with launcher.started("--name", "box", "sh", "-c", "echo ready; sleep 100") as process:
        (row,) = launcher.ps()
        done = launcher.run("--name", "box", "true")
        assert (done.returncode, done.stdout, done.stderr) == (
            125,
            "",
            f"lxcfs-py: a container named box runs already ({str(row['id'])[:12]}); choose another --name\n",
        )
        assert launcher.run("--name", "other", "true").returncode == 0
        assert launcher.ps() == [row]
        os.kill(launcher.init_pid(), signal.SIGKILL)
        process.wait(TIMEOUT_SEC)


def test_many_at_once(launcher: Launcher) -> None:
    processes = [subprocess.Popen(launcher.argv("sh", "-c", f"exit {code}")) for code in range(6)]
    assert [process.wait(TIMEOUT_SEC) for process in processes] == list(range(6))


@pytest.mark.parametrize("also_runc", [False, True])
def test_what_a_killed_launcher_leaves_is_swept(launcher: Launcher, also_runc: bool) -> None:
    with launcher.started("sh", "-c", "echo ready; sleep 100") as process:
        init = psutil.Process(launcher.init_pid())
        (runc,) = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        if also_runc:
            runc.kill()
        assert str(launcher.run_dir) not in Path("/proc/self/mountinfo").read_text()
        assert [row["status"] for row in launcher.ps()] == ["running"]
        assert launcher.run("echo", "next").stdout == "next\n"
        init.wait(TIMEOUT_SEC)
        runc.wait(TIMEOUT_SEC)
        assert not launcher.run_dir.exists()


def test_a_terminal(launcher: Launcher) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
    script = (
        "tty; until stty size | grep '33 111'; do sleep 0.01; done; "
        "trap 'stty size; exit 9' WINCH; trap 'echo interrupted' INT; while :; do sleep 0.05; done"
    )
    argv = ["setsid", "--ctty", "--wait", *launcher.argv("-it", "sh", "-c", script)]
    with (
        open(master, "rb", buffering=0) as terminal,
        subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave) as p,
    ):
        os.close(slave)
        assert read_until(terminal.fileno(), b"33 111\r\n") == b"/dev/pts/0\r\n33 111\r\n"
        time.sleep(0.2)
        os.write(master, b"\x03")
        assert read_until(terminal.fileno(), b"interrupted\r\n") == b"^Cinterrupted\r\n"
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 22, 99, 0, 0))
        assert read_until(terminal.fileno(), b"22 99\r\n") == b"22 99\r\n"
        assert p.wait(TIMEOUT_SEC) == 9


def test_a_terminal_is_refused_where_there_is_none(launcher: Launcher) -> None:
    done = launcher.run("-it", "sh")
    assert (done.returncode, done.stderr) == (2, "lxcfs-py: --tty: there is no terminal here; leave out -t\n")
