"""The Docker engine that scripts/with-dockerd provides, and the image that the tests run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

IMAGE = "lxcfs-py/test:latest"
MAKE_IMAGE = Path(__file__).parents[2] / "scripts" / "make-image"


@pytest.fixture(scope="session", autouse=True)
def image() -> str:
    """An image with procps, sysstat and python3 in it.

    It has run once, so that what an engine makes at its first container does not count as left behind.
    """
    answer = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        pytest.fail(f"no Docker engine answers ({answer.stderr.strip()}); sudo scripts/test starts one")
    made = subprocess.run([MAKE_IMAGE, IMAGE], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.fail(made.stderr)
    docker_cli("run", "--rm", IMAGE, "true")
    return IMAGE


def docker_cli(*arguments: str, timeout: float = 60) -> str:
    """Run `docker ARGUMENTS…`, which must succeed, and return its output."""
    done = subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@pytest.fixture
def docker() -> Callable[..., str]:
    """docker(*ARGUMENTS) -> output"""
    return docker_cli
