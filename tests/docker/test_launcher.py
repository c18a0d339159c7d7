"""`lxcfs-py run` is `docker run`: exit codes, signals, terminal, options; and what it refuses leaves nothing behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Lxcfs, read_until, run_lxcfs

pytestmark = pytest.mark.docker

TIMEOUT_SEC = 30

Docker = Callable[..., str]


def argv(lxcfs: Lxcfs, *words: str) -> list[str]:
    return [sys.executable, "-m", "lxcfs_py", "run", "--run-dir", str(lxcfs.run_dir), *words]


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_the_exit_code_is_the_containers_own(lxcfs: Lxcfs, image: str, code: int) -> None:
    done = lxcfs.run("--rm", image, "sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "out\n", "err\n")


def test_a_command_that_is_not_there(lxcfs: Lxcfs, image: str) -> None:
    done = lxcfs.run("--rm", image, "no-such-command")
    assert done.returncode == 127
    assert "no-such-command" in done.stderr


def test_input_is_piped_and_options_after_the_image_are_the_commands(lxcfs: Lxcfs, image: str) -> None:
    done = lxcfs.run("--rm", "-i", image, "cat", "-n", "--", "-", stdin="one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, "     1\tone\n     2\ttwo\n")
    done = lxcfs.run("--rm", image, "echo", "--engine", "runc", "--dry-run")
    assert done.stdout == "--engine runc --dry-run\n"


def test_dockers_own_options_go_through(lxcfs: Lxcfs, docker: Docker, image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_text("mine\n")
    docker("volume", "create", "lxcfs-py-test-volume")
    try:
        done = lxcfs.run(
            *("--rm", "-e", "A=b c", "-w", "/tmp", "--hostname", "box", "--network", "none", "--user", "7:8"),
            *("-v", f"{tmp_path}:/data:ro", "--mount", "type=volume,source=lxcfs-py-test-volume,target=/volume"),
            *("-v", f"{tmp_path}/file:/proc/uptime", image),
            *("sh", "-c", 'echo "$A"; pwd; hostname; id -u; id -g; cat /data/file /proc/uptime; ls -d /volume'),
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split("\n") == ["b c", "/tmp", "box", "7", "8", "mine", "mine", "/volume", ""]
    finally:
        docker("volume", "rm", "lxcfs-py-test-volume")


def test_a_signal_reaches_the_container(lxcfs: Lxcfs, image: str) -> None:
    script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen(argv(lxcfs, "--rm", image, "sh", "-c", script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert read_until(process.stdout.fileno(), b"\n") == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert read_until(process.stdout.fileno(), b"\n") == b"got it\n"
        assert process.wait(TIMEOUT_SEC) == 9


def test_the_terminal_is_the_containers_own(lxcfs: Lxcfs, image: str) -> None:
    master, slave = pty.openpty()
    command = argv(lxcfs, "--rm", "-it", image, "sh", "-c", "tty; read line; echo got $line; exit 5")
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        os.close(slave)
        assert read_until(master, b"\r\n") == b"/dev/pts/0\r\n"
        os.write(master, b"hello\r")
        assert read_until(master, b"got hello\r\n") == b"hello\r\ngot hello\r\n"
        assert process.wait(TIMEOUT_SEC) == 5
    os.close(master)


def test_detached_with_a_name_and_labels(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    done = lxcfs.run("-d", "--name", "lxcfs-py-test-d", "--label", "a=b", "-m", "64m", image, "sleep", "100")
    try:
        (inspected,) = json.loads(docker("inspect", "lxcfs-py-test-d"))
        assert done.stdout == f"{inspected['Id']}\n"
        labels = inspected["Config"]["Labels"]
        assert {name: labels[name] for name in ("a", "lxcfs-py.view")} == {"a": "b", "lxcfs-py.view": "on"}
        assert all(not mount["RW"] for mount in inspected["Mounts"])
        assert docker("exec", "lxcfs-py-test-d", "head", "-1", "/proc/meminfo") == "MemTotal:          65536 kB\n"
    finally:
        docker("rm", "--force", "lxcfs-py-test-d")


def test_ps_tells_a_broken_view(lxcfs: Lxcfs, docker: Docker, image: str) -> None:
    lxcfs.run("-d", "--name", "lxcfs-py-test-b", image, "sleep", "100")
    try:
        assert view_in_ps(lxcfs) == {"lxcfs-py-test-b": "on"}
        lxcfs.stop()
        assert view_in_ps(lxcfs) == {"lxcfs-py-test-b": "broken"}
    finally:
        docker("rm", "--force", "lxcfs-py-test-b")


def view_in_ps(lxcfs: Lxcfs) -> dict[str, str]:
    rows = json.loads(run_lxcfs("ps", "--json", "--run-dir", str(lxcfs.run_dir)).stdout)
    return {row["name"]: row["view"] for row in rows}


def test_without_the_view(lxcfs: Lxcfs, image: str) -> None:
    done = lxcfs.run("--no-view", "--rm", "-m", "64m", image, "grep", "-c", "fuse.lxcfs-py", "/proc/self/mountinfo")
    assert (done.returncode, done.stdout) == (1, "0\n")


def test_dry_run_prints_a_command_that_does_it(lxcfs: Lxcfs, image: str) -> None:
    command = lxcfs.run("--dry-run", "--rm", "-m", "64m", image, "sh", "-c", "head -1 /proc/meminfo").stdout
    assert command.startswith("docker run --rm -m 64m --mount type=bind,source=")
    assert subprocess.check_output(["sh", "-c", command], text=True) == "MemTotal:          65536 kB\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("-m", "1"), 2, "--memory '1': less than docker's minimum; give 6m or more"),
        (("--memory=x",), 2, "--memory 'x': not a size; write for example 512m or 1.5g"),
        (("--cpus", "99"), 2, "--cpus '99': this machine has {n}; give {n} or less"),
        (("--cpuset-cpus", "77"), 2, "--cpuset-cpus '77': this machine has no processor 77; choose from {cpus}"),
        (("--pids-limit", "many"), 2, "--pids-limit 'many': not a number of processes; write for example 100"),
        (("--engine", "podman"), 2, "--engine 'podman': no such engine; use docker or runc"),
    ],
)
def test_bad_options(lxcfs: Lxcfs, image: str, options: tuple[str, ...], code: int, message: str) -> None:
    count = os.cpu_count() or 1
    expected = message.format(n=count, cpus="0" if count == 1 else f"0-{count - 1}")
    done = lxcfs.run("-d", *options, image, "sleep", "100")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"lxcfs-py: {expected}\n")


def test_an_unknown_image(lxcfs: Lxcfs) -> None:
    done = lxcfs.run("--rm", "localhost:1/no/such:image", "true", timeout=120)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.splitlines()[-1].startswith("lxcfs-py: ")
    assert "localhost:1/no/such:image" in done.stderr.splitlines()[-1]
    never = lxcfs.run("--rm", "--pull", "never", "no-such-image", "true")
    assert (never.returncode, never.stderr.count("\n")) == (125, 1)


def test_no_daemon_at_the_run_directory(tmp_path: Path, image: str) -> None:
    done = run_lxcfs("run", "--run-dir", str(tmp_path / "none"), "--rm", image, "true")
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        f"lxcfs-py: no daemon at the run directory {tmp_path}/none; "
        "start `lxcfs-py serve` or name the right --run-dir\n",
    )


def test_the_engine_is_away(lxcfs: Lxcfs, tmp_path: Path, image: str) -> None:
    done = subprocess.run(
        argv(lxcfs, "--rm", image, "true"),
        env=os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (125, "", 1)
    assert f"{tmp_path}/docker.sock" in done.stderr
