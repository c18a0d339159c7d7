"""The mount tests once more under cgroup v2, and on a kernel that must be searched for a container's first process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.v2
def test_the_mount_tests_pass_in_user_mode_linux() -> None:
    command = ["scripts/testbed-v2", "--timeout", "900", sys.executable, "-m", "pytest", "-q", "-x", "tests/mount"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
