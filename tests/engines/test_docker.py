"""The docker client's command lines, and what ps reads from the engine's answers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from lxcfs_py.engines import arguments, docker
from lxcfs_py.engines.docker import DockerPlan
from lxcfs_py.engines.model import Container, Limits, Request
from lxcfs_py.engines.view import Bind


def request(typed: str, binds: tuple[Bind, ...] = (), labels: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request(arguments.parse(tuple(shlex.split(typed))), Path("/run/lxcfs-py"), binds=binds, labels=labels)


def test_the_users_words_stay_as_they_are() -> None:
    typed = "-itd -m512m --env=A -e 'B=c d' --network host --privileged --label x=y busybox sh -c 'ls -l' --rm"
    assert docker.run_argv(request(typed)) == ("docker", "run", *shlex.split(typed))


def test_the_view_is_put_before_the_image() -> None:
    view = (Bind("/m/proc/meminfo", "/proc/meminfo"), Bind('/a,b "c"/proc/stat', "/proc/stat"))
    typed = "--rm --engine docker --run-dir=/r -m 1g -- busybox free -m"
    plan = DockerPlan(None, docker.run_argv(request(typed, view, (("lxcfs-py.view", "on"),))))
    assert plan.describe() == (
        "docker run --rm -m 1g "
        "--mount type=bind,source=/m/proc/meminfo,target=/proc/meminfo,readonly "
        """--mount 'type=bind,"source=/a,b ""c""/proc/stat",target=/proc/stat,readonly' """
        "--label lxcfs-py.view=on busybox free -m"
    )


def test_a_missing_image_is_fetched_first() -> None:
    pull = docker.pull_argv("debian:13", "linux/arm64", quiet=True)
    assert DockerPlan(pull, docker.run_argv(request("debian:13"))).describe() == (
        "docker pull --quiet --platform linux/arm64 -- debian:13\ndocker run debian:13"
    )
    assert docker.pull_argv("debian:13", None, quiet=False) == ("docker", "pull", "--", "debian:13")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"DOCKER_HOST": ""}, False),
        ({"DOCKER_HOST": "unix:///run/d.sock"}, True),
        ({"DOCKER_CONTEXT": "rootless"}, True),
    ],
)
def test_is_asked_for(environ: dict[str, str], expected: bool) -> None:
    assert docker.is_asked_for(environ) is expected


def inspected(**host_config: Any) -> dict[str, Any]:
    """The fields that matter of GET /containers/{id}/json from Docker 20.10."""
    return {
        "Id": "25fe634c1037ca538fb2d69581acf0567be578d2b273d2724f31c770ac7c5e5f",
        "Name": "/aa",
        "State": {"Status": "running"},
        "Config": {"Image": "bb"},
        "HostConfig": {"Memory": 0, "MemorySwap": 0, "NanoCpus": 0, "CpuQuota": 0, "CpuPeriod": 0, "CpusetCpus": ""}
        | {"PidsLimit": None}
        | host_config,
        "Mounts": [
            {"Type": "bind", "Source": "/m/proc/meminfo", "Destination": "/proc/meminfo"},
            {"Type": "tmpfs", "Destination": "/scratch"},
        ],
    }


@pytest.mark.parametrize(
    ("host_config", "limits"),
    [
        ({}, Limits()),
        (
            {"Memory": 104857600, "MemorySwap": -1, "NanoCpus": 1500000000, "CpusetCpus": "0-1", "PidsLimit": 100},
            Limits(104857600, -1, 1500000000, "0-1", 100),
        ),
        ({"CpuQuota": 50000, "CpuPeriod": 200000, "PidsLimit": -1}, Limits(nano_cpus=250000000)),
        ({"CpuQuota": 50000, "PidsLimit": 0}, Limits(nano_cpus=500000000)),
        ({"CpuQuota": -1}, Limits()),
    ],
)
def test_row(host_config: dict[str, Any], limits: Limits) -> None:
    assert docker.row(inspected(**host_config), ("proc/meminfo", "proc/stat"), broken=False) == Container(
        id="25fe634c1037ca538fb2d69581acf0567be578d2b273d2724f31c770ac7c5e5f",
        name="aa",
        engine="docker",
        image="bb",
        status="running",
        view="partial",
        limits=limits,
    )
