"""The Docker engine: the SDK asks and lists, the `docker` client runs.

Source: docs.docker.com/reference/cli/docker/container/run, Docker Engine API v1.41.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lxcfs_py.engines import view
from lxcfs_py.engines.model import Container, Limits, Request
from lxcfs_py.errors import EngineError, UsageError
from lxcfs_py.units import NANO_CPUS_PER_CPU

if TYPE_CHECKING:
    from docker import DockerClient

_ANSWER_TIMEOUT_SEC = 10
_REMEDY = "start the Docker daemon, correct DOCKER_HOST, or use --engine runc"


@dataclass(frozen=True)
class DockerPlan:
    """The client's command lines: one that fetches the image if it must be fetched, one that runs."""

    pull: tuple[str, ...] | None
    run: tuple[str, ...]

    def describe(self) -> str:
        """The commands, one a line, quoted for a shell."""
        return "\n".join(shlex.join(command) for command in (self.pull, self.run) if command)

    def carry_out(self) -> NoReturn:
        """Fetch, then become the client, so that terminal, signals, output and exit code are its own."""
        if self.pull:
            _pull(self.pull)
        sys.stdout.flush()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would keep that
            signal.signal(number, signal.SIG_DFL)
        os.execvp(self.run[0], self.run)


def is_asked_for(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user's environment names a Docker engine, so that no other one may be taken instead."""
    return bool(environ.get("DOCKER_HOST") or environ.get("DOCKER_CONTEXT"))


def why_away() -> str | None:
    """Why no Docker engine answers, or None; EngineError if one is there that this user cannot use."""
    try:
        with _connection() as client:
            client.ping()
    except _NobodyThere as error:
        return str(error)
    return None


def plan(request: Request) -> DockerPlan:
    """The client's command line with the binds and labels put behind the user's own options."""
    command = request.command
    if not command.rest:
        raise UsageError("no IMAGE given; usage: lxcfs-py run [OPTIONS] IMAGE [COMMAND…]")
    if shutil.which("docker") is None:
        raise EngineError("the docker client is not installed; install docker-cli, or use --engine runc")
    image, pull = command.rest[0], command.value("pull") or "missing"
    fetch = None
    if pull != "always" and not _has_image(image):  # docker run itself does "always"
        if pull == "never":
            raise EngineError(f"the engine has no image {image} and --pull is never; pull or build it first")
        fetch = pull_argv(image, command.value("platform"), quiet=command.flag("quiet"))
    return DockerPlan(fetch, run_argv(request))


def run_argv(request: Request) -> tuple[str, ...]:
    """The command line of `docker run`: the user's words untouched and in order, ours before IMAGE."""
    added: list[str] = []
    for bind in request.binds:
        fields = ("type=bind", f"source={bind.source}", f"target={bind.target}", "readonly")
        added += ["--mount", _csv(fields)]
    for name, value in request.labels:
        added += ["--label", f"{name}={value}"]
    return ("docker", "run", *request.command.words, *added, *request.command.rest)


def pull_argv(image: str, platform: str | None, *, quiet: bool) -> tuple[str, ...]:
    """The command line of `docker pull`."""
    options = ("--quiet",) if quiet else ()
    return ("docker", "pull", *options, *(("--platform", platform) if platform else ()), "--", image)


def containers(run_dir: Path, files: Iterable[str], everything: bool) -> tuple[Container, ...]:
    """The engine's containers (`run_dir` does not matter here); one that ends meanwhile is left out."""
    import docker.errors  # noqa: PLC0415 (the SDK takes a third of a second)

    wanted, rows = tuple(files), []
    with _connection() as client:
        for summary in client.api.containers(all=everything):
            with contextlib.suppress(docker.errors.NotFound):
                inspected = client.api.inspect_container(summary["Id"])
                broken = view.is_broken(inspected["State"]["Pid"], _mounts(inspected))
                rows.append(row(inspected, wanted, broken=broken))
    return tuple(rows)


def row(inspected: Mapping[str, Any], files: Iterable[str], *, broken: bool) -> Container:
    """What `ps` shows of a container, from the answer of GET /containers/{id}/json."""
    host = inspected["HostConfig"]
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    from_quota = quota * NANO_CPUS_PER_CPU // period if quota > 0 else None
    pids = host.get("PidsLimit") or 0
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        engine="docker",
        image=inspected["Config"]["Image"],
        status=inspected["State"]["Status"],
        view="broken" if broken else view.state(files, _mounts(inspected)),
        limits=Limits(
            memory_bytes=host.get("Memory") or None,
            memory_swap_bytes=host.get("MemorySwap") or None,
            nano_cpus=host.get("NanoCpus") or from_quota,
            cpuset_cpus=host.get("CpusetCpus") or None,
            pids=pids if pids > 0 else None,
        ),
    )


def _mounts(inspected: Mapping[str, Any]) -> dict[str, str]:
    return {mount["Destination"]: mount.get("Source", "") for mount in inspected["Mounts"]}


def info() -> Mapping[str, Any]:
    """The engine's answer to GET /info; EngineError."""
    with _connection() as client:
        answer: Mapping[str, Any] = client.info()
        return answer


class _NobodyThere(EngineError):
    """Nothing listens at the endpoint."""


def _endpoint() -> str:
    """The URL that the docker client would use: DOCKER_HOST, else the context's."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        name, host = _context()
        if host is None:
            raise EngineError(f"the docker context {name!r} does not exist; see docker context ls")
    if not host.startswith("unix://"):
        raise EngineError(
            f"the Docker engine {host} is remote or not reached by a unix socket, and cannot bind files of this "
            "machine; unset DOCKER_HOST or give it a unix:// address"
        )
    return host


def _context() -> tuple[str, str | None]:
    name = os.environ.get("DOCKER_CONTEXT")
    config = os.path.join(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), "config.json")
    if not (name or os.path.exists(config)):
        return "default", "unix:///var/run/docker.sock"
    from docker.context import ContextAPI  # noqa: PLC0415
    from docker.context.config import get_current_context_name  # noqa: PLC0415

    name = name or get_current_context_name()
    context = ContextAPI.get_context(name)
    return name, context.Host if context else None


@contextlib.contextmanager
def _connection() -> Iterator[DockerClient]:
    """A connection to the engine; everything that the SDK and its HTTP library raise becomes an EngineError."""
    url = _endpoint()
    _knock(url)
    import docker  # noqa: PLC0415
    import docker.errors  # noqa: PLC0415
    import requests  # noqa: PLC0415

    try:
        with contextlib.closing(docker.DockerClient(base_url=url, timeout=_ANSWER_TIMEOUT_SEC)) as client:
            yield client
    except docker.errors.APIError as error:
        raise EngineError(f"the Docker engine at {url} refuses: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineError(f"the Docker engine at {url} does not answer ({error}); {_REMEDY}") from error


def _knock(url: str) -> None:
    """Connect once without the SDK, which is slow to import and wraps the reason in five exceptions."""
    try:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(url.removeprefix("unix://"))
    except PermissionError:
        raise EngineError(
            f"this user may not use the Docker engine at {url}; be root or a member of the socket's group"
        ) from None
    except OSError as error:
        raise _NobodyThere(f"no Docker daemon answers at {url} ({error.strerror or error}); {_REMEDY}") from None


def _has_image(image: str) -> bool:
    import docker.errors  # noqa: PLC0415

    with _connection() as client:
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
    return True


def _pull(argv: tuple[str, ...]) -> None:
    """Fetch an image, the progress on stderr as docker run does; EngineError with the engine's last words."""
    done = subprocess.run(argv, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if done.returncode == 0:
        sys.stderr.write(done.stderr)
        return
    reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    reason = reason.removeprefix("Error response from daemon: ")
    raise EngineError(
        f"the engine has no image {argv[-1]} and cannot pull it: {reason}; check the name, or docker load it"
    )


def _csv(fields: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()
