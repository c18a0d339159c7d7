"""Small containers without an engine: a pid namespace and cgroups with limits, on v1, hybrid and v2."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lxcfs_py.cgroup.cgroup import read_layout
from lxcfs_py.cgroup.hierarchy import Layout

_END = "--end of output--"


class Sandbox:
    """A shell that is the init of a pid namespace, in cgroups of its own, each in another one."""

    def __init__(self, shell: subprocess.Popen[str], directories: dict[str, Path], layout: Layout) -> None:
        self.shell, self._directories, self._layout = shell, directories, layout
        (init,) = Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
        self.init = int(init)

    def run(self, command: str) -> str:
        """Run a shell command inside, as a child of init, and return what it prints."""
        assert self.shell.stdin
        assert self.shell.stdout
        self.shell.stdin.write(f"{command}\necho {_END}\n")
        self.shell.stdin.flush()
        output = ""
        while not output.endswith(f"{_END}\n"):
            line = self.shell.stdout.readline()
            assert line, f"the sandbox ended after {output!r}"
            output += line
        return output.removesuffix(f"{_END}\n")

    def cgroup(self, controller: str) -> Path:
        """The directory of the sandbox's cgroup that has this controller."""
        return self._directories[self._layout.controllers[controller].mount_point]

    def limit(
        self,
        memory_bytes: int | None = None,
        cpu_percent: int | None = None,
        cpuset: str | None = None,
        *,
        around: bool = False,
    ) -> None:
        """Set limits, now; `around`: those of the cgroup around the sandbox's."""
        for controller, value, v1, v2 in (
            ("memory", memory_bytes, "memory.limit_in_bytes", "memory.max"),
            ("cpu", cpu_percent and cpu_percent * 1000, "cpu.cfs_quota_us", "cpu.max"),
            ("cpuset", cpuset, "cpuset.cpus", "cpuset.cpus"),
        ):
            if controller == "cpuset" and controller not in self._layout.controllers:
                assert os.cpu_count() == 1  # a kernel for one processor has no cpusets, and needs none
            elif value is not None:
                name = v1 if self._layout.controllers[controller].version == 1 else v2
                directory = self.cgroup(controller)
                ((directory.parent if around else directory) / name).write_text(str(value))

    def child_cgroup(self, name: str) -> list[Path]:
        """A cgroup below the sandbox's in each hierarchy; v2 delegates no controller to it."""
        return [_make_cgroup(directory / name) for directory in self._directories.values()]


def _make_cgroup(directory: Path) -> Path:
    directory.mkdir()
    for name in ("cpuset.cpus", "cpuset.mems"):  # v1 inherits neither
        file = directory / name
        if file.exists() and not file.read_text().strip() and (directory / "cpuset.effective_cpus").exists():
            file.write_text((directory.parent / name).read_text())
    return directory


def _enable_controllers(directory: Path) -> None:
    """v2 gives a cgroup only the controllers that its parent passes on."""
    for name in (directory / "cgroup.controllers").read_text().split():
        (directory / "cgroup.subtree_control").write_text(f"+{name}")


@pytest.fixture
def sandbox() -> Callable[..., AbstractContextManager[Sandbox]]:
    """sandbox(memory_bytes=…, cpu_percent=…, cpuset=…): a context with a small container."""
    layout = read_layout()
    hierarchies = {hierarchy.mount_point: hierarchy for hierarchy in layout.controllers.values()}
    numbers = iter(range(10_000))

    @contextlib.contextmanager
    def make(
        memory_bytes: int | None = None, cpu_percent: int | None = None, cpuset: str | None = None, init: str = "sh"
    ) -> Iterator[Sandbox]:
        name = f"lxcfs-py-test-{os.getpid()}-{next(numbers)}"
        directories: dict[str, Path] = {}
        shell: subprocess.Popen[str] | None = None
        try:
            for mount_point, hierarchy in hierarchies.items():
                outer = directories[mount_point] = _make_cgroup(Path(mount_point, name))
                if hierarchy.version == 2:
                    _enable_controllers(outer.parent)
                    _enable_controllers(outer)
                directories[mount_point] = _make_cgroup(outer / "inner")
            enter = "; ".join(f"echo 0 > {directory}/cgroup.procs" for directory in directories.values())
            inside = ["sh", "-c", f'{enter}; exec "$0"', init]
            shell = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *inside],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            _wait_for_child(shell.pid)
            made = Sandbox(shell, directories, layout)
            made.run("true")  # it is in its cgroups now
            made.limit(memory_bytes, cpu_percent, cpuset)
            yield made
        finally:
            if shell is not None:
                assert shell.stdin
                assert shell.stdout
                shell.stdin.close()
                shell.kill()  # and init with it: --kill-child
                shell.wait()
                shell.stdout.close()
            for mount_point in directories:
                _remove_cgroup(Path(mount_point, name))

    return make


def _wait_for_child(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not Path(f"/proc/{pid}/task/{pid}/children").read_text().strip():
        assert time.monotonic() < deadline, "the sandbox does not start"
        time.sleep(0.01)


def _remove_cgroup(directory: Path) -> None:
    """A cgroup stays busy for a moment after its last process."""
    for below, _, _ in os.walk(directory, topdown=False):
        deadline = time.monotonic() + 10
        while True:
            try:
                os.rmdir(below)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
