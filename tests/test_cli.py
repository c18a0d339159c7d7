"""The command line as a user meets it: one line on stderr, an exit code, nothing made."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lxcfs_py import __version__, rundir, tables
from lxcfs_py.rundir import Daemon

NO_DOCKER = "unix:///nonexistent/docker.sock"


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`lxcfs-py ARGUMENTS…` where no Docker engine is unless `environ` names one."""
    return subprocess.run(
        [sys.executable, "-m", "lxcfs_py", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DOCKER_HOST": NO_DOCKER, **environ},
    )


def answer(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def test_version() -> None:
    assert answer(run("--version")) == (0, f"lxcfs-py {__version__}\n", "")


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("run", "-m", "1g", "--help", "x"), ("ps", "-h")])
def test_help(words: tuple[str, ...]) -> None:
    code, out, err = answer(run(*words))
    assert (code, err) == (0, "")
    assert out.startswith("Usage: lxcfs-py")


def test_a_commands_help_needs_no_other_commands_libraries() -> None:
    program = (
        "import sys; from lxcfs_py import cli\n"
        "try: cli.main(['run', '--help'])\n"
        "except SystemExit: print(sorted({'docker', 'requests', 'rich', 'pyfuse3', 'trio'} & set(sys.modules)))"
    )
    out = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("nonsense", 2, "No such command 'nonsense'."),
        ("ps --nonsense", 2, "No such option '--nonsense'."),
        ("run --memory 1 x", 2, "--memory '1': less than docker's minimum; give 6m or more"),
        ("run --memory x x", 2, "--memory 'x': not a size; write for example 512m or 1.5g"),
        ("run --pids-limit 0 x", 2, "--pids-limit '0': no number of processes; give 1 or more, -1 for no limit"),
        ("run -m", 2, "the option -m needs a value"),
        ("run ''", 2, "IMAGE, or with --engine runc the command, is empty; give one"),
        (
            "run --no-view x",
            125,
            "no Docker daemon answers at unix:///nonexistent/docker.sock (No such file or directory); "
            "start the Docker daemon, correct DOCKER_HOST, or use --engine runc",
        ),
        (
            "run --engine runc --run-dir /nonexistent x",
            1,
            "no daemon at the run directory /nonexistent; start `lxcfs-py serve` or name the right --run-dir",
        ),
        (
            "run --no-view --rootfs /nonexistent x",
            2,
            "--rootfs /nonexistent is not a folder; name one that holds a root file system",
        ),
        (
            "run --no-view --engine runc -v /nonexistent:/x x",
            2,
            "the mount's source /nonexistent does not exist; create it first",
        ),
        (
            "run --no-view --engine runc -d x",
            2,
            "the embedded engine (runc) has no --detach; leave it out, or use a Docker daemon",
        ),
        ("run --engine 'po\033[31md\n' x", 2, "--engine 'po\\x1b[31md\\n': no such engine; use docker or runc"),
        (
            "run --no-view --engine runc --user a\udcff x",
            2,
            "--user 'a\\udcff': the embedded engine (runc) takes numbers only; write for example 1000:1000",
        ),
    ],
)
def test_errors_are_one_line(words: str, code: int, message: str) -> None:
    assert answer(run(*shlex.split(words))) == (code, "", f"lxcfs-py: {message}\n")


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:2375", "ssh://root@example.org", "npipe:////./pipe/docker"])
def test_a_remote_engine_is_refused(host: str) -> None:
    assert answer(run("run", "--no-view", "x", DOCKER_HOST=host)) == (
        125,
        "",
        f"lxcfs-py: the Docker engine {host} is remote or not reached by a unix socket, and cannot bind files of this "
        "machine; unset DOCKER_HOST or give it a unix:// address\n",
    )


def test_a_context_that_does_not_exist(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "", "DOCKER_CONTEXT": "elsewhere", "DOCKER_CONFIG": str(tmp_path)}
    assert answer(run("run", "--no-view", "x", **environ)) == (
        125,
        "",
        "lxcfs-py: the docker context 'elsewhere' does not exist; see docker context ls\n",
    )


def test_a_daemon_whose_mount_is_gone(tmp_path: Path) -> None:
    with rundir.claim(tmp_path / "run"):
        rundir.announce(tmp_path / "run", Daemon("0.1.0", 7, str(tmp_path), ("proc/meminfo",)))
        assert answer(run("run", "--engine", "runc", "--run-dir", str(tmp_path / "run"), "x")) == (
            1,
            "",
            f"lxcfs-py: the mount {tmp_path} of the daemon (process 7) is dead: No such file or directory; "
            "restart lxcfs-py serve\n",
        )


def test_dry_run_makes_nothing(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    done = run("run", "--engine=runc", "--no-view", "--dry-run", f"--run-dir={run_dir}", "-m", "64m", "true")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    config = json.loads(text[text.index("{\n") : text.index("END\n")])
    assert config["process"]["args"] == ["true"]
    assert config["linux"]["resources"]["memory"]["limit"] == 64 << 20
    assert not run_dir.exists()


def test_ps_of_nothing_is_a_header(tmp_path: Path) -> None:
    done = run("ps", "--run-dir", str(tmp_path))
    header = "ID  NAME  ENGINE  IMAGE  STATUS  VIEW  MEMORY  CPUS  CPUSET  PIDS\n"
    assert answer(done) == (0, header, "")
    assert answer(run("ps", "--run-dir", str(tmp_path), "--json")) == (0, "[]\n", "")


def test_ps_when_an_engine_refuses(tmp_path: Path) -> None:
    message = (
        "lxcfs-py: the Docker engine tcp://127.0.0.1:1 is remote or not reached by a unix socket, and cannot bind "
        "files of this machine; unset DOCKER_HOST or give it a unix:// address\n"
    )
    done = run("ps", "--run-dir", str(tmp_path), "--json", DOCKER_HOST="tcp://127.0.0.1:1")
    assert answer(done) == (125, "[]\n", message)


def test_doctor_as_json(tmp_path: Path) -> None:
    done = run("doctor", "--run-dir", str(tmp_path), "--mountpoint", str(tmp_path), "--json")
    rows = json.loads(done.stdout)
    assert done.stderr == ""
    assert done.returncode == int(any(row["vital"] and row["state"] == "missing" for row in rows))
    assert list(rows[0]) == ["check", "found", "state", "cost", "remedy", "vital"]


@pytest.mark.parametrize("command", ["doctor --json", "doctor", "--help"])
def test_a_reader_that_goes_away_is_no_error(command: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "lxcfs_py", *shlex.split(command)], stdout=gone, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("command", ["doctor --json", "doctor", "--help", "--version", "run --help"])
def test_output_that_cannot_be_written(command: str) -> None:
    with open("/dev/full", "wb") as full:
        argv = [sys.executable, "-m", "lxcfs_py", *shlex.split(command)]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"lxcfs-py: cannot write the output: No space left on device\n")


@pytest.mark.parametrize(("command", "code"), [("--version", 0), ("run --help", 0), ("nonsense", 2)])
def test_closed_streams(command: str, code: int) -> None:
    argv = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "lxcfs_py", *shlex.split(command)]
    assert subprocess.run(argv, check=False).returncode == code


def test_closed_streams_are_open_for_the_engine() -> None:
    program = (
        "import os; from lxcfs_py import __main__ as program\n"
        "program._open_closed_streams()\n"
        "os.execvp('readlink', ['readlink', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2'])"
    )
    argv = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-c", program]
    assert subprocess.check_output(argv, text=True).splitlines()[::2] == ["/dev/null", "/dev/null"]


def test_tables_do_not_obey_what_is_in_them() -> None:
    file = io.StringIO()
    tables.write(file, ("NAME", "X"), [("[red]a\033[2J\r\n", ":smile:"), ("b", "x" * 200)])
    assert file.getvalue() == f"NAME               X\n[red]a\\x1b[2J\\r\\n  :smile:\nb                  {'x' * 200}\n"


def test_printable() -> None:
    assert tables.printable("grün\t\x7f\u202e\udcff ok") == "grün\\t\\x7f\\u202e\\udcff ok"
