"""The handlers, called as pyfuse3 calls them, without a mount."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pyfuse3 import FUSEError

from lxcfs_py.answers import Answers
from lxcfs_py.cgroup.cgroup import Cgroups
from lxcfs_py.cgroup.hierarchy import Layout
from lxcfs_py.containers import Container, Containers
from lxcfs_py.errors import ParseError
from lxcfs_py.fuse import tree
from lxcfs_py.fuse.operations import Operations
from lxcfs_py.host import Host
from lxcfs_py.views import VIRTUAL_FILES, VirtualFile
from tests import captured

KERNEL = "6.18-hybrid"
CALLER: Any = SimpleNamespace(pid=os.getpid())
LOST: Any = SimpleNamespace(pid=2**22 + 1)  # above the kernel's PID_MAX_LIMIT


class AlwaysIn(Containers):
    """Every caller is in the captured container."""

    def __init__(self, container: Container) -> None:
        self.container = container

    def of(self, tid: int) -> Container | None:
        return self.container if tid else None


@pytest.fixture
def container() -> Container:
    return captured.container(KERNEL)


def operations(container: Container, files: tuple[VirtualFile, ...] = VIRTUAL_FILES) -> Operations:
    return Operations(tree.build(files), AlwaysIn(container), Answers(captured.host(KERNEL)))


async def find(ops: Operations, path: str) -> int:
    inode = tree.ROOT_INODE
    for name in path.split("/"):
        inode = (await ops.lookup(inode, name.encode(), CALLER)).st_ino
    return inode


async def read(ops: Operations, path: str, caller: Any = CALLER) -> bytes:
    handle = await ops.open(await find(ops, path), os.O_RDONLY, caller)
    assert handle.direct_io
    assert not handle.keep_cache
    content = await ops.read(handle.fh, 0, 1 << 20)
    await ops.release(handle.fh)
    return content


async def refusal(call: Callable[..., Any], *arguments: Any) -> int:
    with pytest.raises(FUSEError) as caught:
        await call(*arguments)
    return caught.value.errno


async def test_each_caller_is_answered_for_its_container_or_the_host(container: Container) -> None:
    ops = operations(container)
    for file in VIRTUAL_FILES:
        fresh = captured.container(KERNEL)
        container.cpu_time = fresh.cpu_time
        Container.no_count_until_nsec = 0
        shown = await read(ops, file.path)
        Container.no_count_until_nsec = 0
        assert shown == file.render(fresh, captured.host(KERNEL)).encode()
        on_host = (captured.FIXTURES / "proc" / KERNEL / file.path.removeprefix("proc/")).read_bytes()
        assert await read(ops, file.path, SimpleNamespace(pid=0)) == on_host
    assert (ops.reads, ops.errors) == (2 * len(VIRTUAL_FILES), 0)


async def test_offsets_slice_what_the_read_at_the_start_rendered(container: Container) -> None:
    rendered = []

    def render(container: Container, host: Host) -> str:
        rendered.append(1)
        return f"{len(rendered)}abcdefgh\n"

    ops = operations(container, (VirtualFile("proc/x", render),))
    handle = (await ops.open(await find(ops, "proc/x"), os.O_RDONLY, CALLER)).fh
    assert [await ops.read(handle, offset, 4) for offset in (0, 4, 8, 12)] == [b"1abc", b"defg", b"h\n", b""]
    assert await ops.read(handle, 0, 100) == b"2abcdefgh\n"
    assert await ops.read(handle, 2, 3) == b"bcd"


async def test_attributes(container: Container) -> None:
    ops = operations(container)
    root = await ops.getattr(tree.ROOT_INODE, CALLER)
    file = await ops.getattr(await find(ops, "proc/meminfo"), CALLER)
    assert (oct(root.st_mode), root.st_nlink, root.st_size) == ("0o40555", 4, 0)
    assert (oct(file.st_mode), file.st_nlink, file.st_size, file.st_uid) == ("0o100444", 1, 0, 0)


async def test_refusals(container: Container) -> None:
    ops = operations(container)
    root = tree.ROOT_INODE
    assert await refusal(ops.lookup, root, b"none", CALLER) == errno.ENOENT
    assert await refusal(ops.lookup, root, b"\xff\n", CALLER) == errno.ENOENT
    assert await refusal(ops.getattr, 999, CALLER) == errno.ESTALE
    assert await refusal(ops.open, root, os.O_RDONLY, CALLER) == errno.EISDIR
    assert await refusal(ops.flush, 1) == errno.ENOSYS
    assert ops.errors == 0


async def test_a_caller_that_has_ended_gets_an_error_and_nobody_elses_view() -> None:
    host = captured.host(KERNEL)
    containers = Containers(Cgroups(Layout({}, None, "none")))
    ops = Operations(tree.build(VIRTUAL_FILES), containers, Answers(host))
    assert await refusal(ops.open, await find(ops, "proc/stat"), os.O_RDONLY, LOST) == errno.ENOENT


async def test_a_defect_costs_one_request(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    def defect(container: Container, host: Host) -> str:
        raise ZeroDivisionError

    ops = operations(container, (*VIRTUAL_FILES, VirtualFile("proc/x", defect)))
    handle = (await ops.open(await find(ops, "proc/x"), os.O_RDONLY, CALLER)).fh
    assert await refusal(ops.read, handle, 0, 10) == errno.EIO
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert ops.errors == 1
    assert await read(ops, "proc/swaps")


async def test_what_cannot_be_rendered_is_the_last_good_answer_or_the_hosts_and_logged_once(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    fails = True

    def render(container: Container, host: Host) -> str:
        if fails:
            raise ParseError("memory.stat", "x\x1b[31m")
        return "good\n"

    answers = Answers(captured.host(KERNEL))
    file = VirtualFile("proc/swaps", render)
    on_host = (captured.FIXTURES / "proc" / KERNEL / "swaps").read_bytes()
    assert answers.content(file, container) == on_host
    fails = False
    assert answers.content(file, container) == b"good\n"
    fails = True
    assert answers.content(file, container) == b"good\n"
    assert [record.getMessage() for record in caplog.records] == [
        "proc/swaps: ParseError: memory.stat: unexpected form: 'x\\x1b[31m'; "
        "the last good answer or the host's is given instead"
    ]
    assert list(answers.fallbacks.values()) == [2]


async def test_what_the_open_files_of_all_hold_is_limited(container: Container) -> None:
    rendered = []

    def render(container: Container, host: Host) -> str:
        rendered.append(1)
        return "x" * (20 << 20)

    ops = operations(container, (VirtualFile("proc/x", render),))
    inode = await find(ops, "proc/x")
    first, *_, last = handles = [(await ops.open(inode, os.O_RDONLY, CALLER)).fh for _ in range(4)]
    for handle in handles:
        assert await ops.read(handle, 0, 1) == b"x"
    assert await ops.read(last, 1, 2) == b"xx"
    assert len(rendered) == 4
    assert await ops.read(first, 1, 2) == b"xx"  # it had to go, so it is rendered again
    assert len(rendered) == 5
    for handle in handles:
        await ops.release(handle)
    assert container.open_files == 0


async def test_a_container_cannot_hold_any_number_of_files_open(container: Container) -> None:
    ops = operations(container)
    inode = await find(ops, "proc/swaps")
    handles = [(await ops.open(inode, os.O_RDONLY, CALLER)).fh for _ in range(16384)]
    assert await refusal(ops.open, inode, os.O_RDONLY, CALLER) == errno.EMFILE
    assert await read(ops, "proc/swaps", SimpleNamespace(pid=0))
    await ops.release(handles.pop())
    assert await read(ops, "proc/swaps")
