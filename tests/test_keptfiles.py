from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from lxcfs_py.keptfiles import KeptFiles, pread_all, with_descriptors


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 2 * len(os.listdir("/proc/self/fd")) + 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_file_is_opened_once_and_read_anew(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n")
    files = KeptFiles(str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    assert files.read("a") == "one\n"
    (tmp_path / "a").write_bytes(b"\xfftwo\n")
    assert files.read_bytes("a") == b"\xfftwo\n"
    assert files.read("a") == "\udcfftwo\n"
    assert len(os.listdir("/proc/self/fd")) == before + 1
    files.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_more_files_than_descriptors_are_all_read(tmp_path: Path, few_descriptors: int) -> None:
    directories = []
    for number in range(20):
        directory = tmp_path / str(number)
        directory.mkdir()
        for name in range(20):
            (directory / str(name)).write_text(f"{number} {name}")
        directories.append(KeptFiles(str(directory)))
    for _ in range(2):
        for number, files in enumerate(directories):
            for name in range(20):
                assert files.read(str(name)) == f"{number} {name}"
    assert with_descriptors(lambda: len(os.listdir("/proc/self/fd"))) <= few_descriptors + 1  # the listing itself
    for files in directories:
        files.close()


def test_a_long_file_of_many_records_is_read_to_its_end() -> None:
    fd = os.open("/proc/crypto", os.O_RDONLY)
    try:
        assert pread_all(fd) == Path("/proc/crypto").read_bytes()
    finally:
        os.close(fd)
