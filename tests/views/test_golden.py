"""Every virtual file of the captured container on every captured kernel, byte for byte.

A golden file is what was read and checked by hand against the captured cgroup; a new kernel needs new ones:
`python -m tests.views.test_golden KERNEL` writes them, to be checked before they are committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lxcfs_py.containers import Container
from lxcfs_py.views import VIRTUAL_FILES, VirtualFile, virtual_files
from tests import captured

GOLDEN = Path(__file__).parent / "golden"


def render(file: VirtualFile, kernel: str) -> bytes:
    Container.no_count_until_nsec = 0
    return file.render(captured.container(kernel), captured.host(kernel)).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("kernel", captured.KERNELS)
@pytest.mark.parametrize("file", VIRTUAL_FILES, ids=lambda file: file.path)
def test_view_of_the_captured_container(file: VirtualFile, kernel: str) -> None:
    assert render(file, kernel) == (GOLDEN / kernel / file.path).read_bytes()


def test_block_devices_have_their_statistics_below_sys_block(tmp_path: Path) -> None:
    for name in ("loop0", "vda"):
        (tmp_path / "sys/block" / name).mkdir(parents=True)
        (tmp_path / "sys/block" / name / "stat").write_text("")
    host = captured.host("6.18-hybrid")
    host.sys = type(host.sys)(str(tmp_path / "sys"))
    loop0, vda = virtual_files(host)[len(VIRTUAL_FILES) :]
    container = captured.container("6.18-hybrid")
    assert (loop0.path, vda.path) == ("sys/block/loop0/stat", "sys/block/vda/stat")
    assert loop0.render(container, host) == (
        "      24        0    32782        0       16        0    32768        0"
        "        0        0        0        0        0        0        0        0        0\n"
    )
    assert vda.render(container, host) == "        ".join(["       0"] + ["0"] * 16) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for row in VIRTUAL_FILES:
            golden = GOLDEN / name / row.path
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_bytes(render(row, name))
