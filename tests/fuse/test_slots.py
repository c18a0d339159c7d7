"""`containers/NAME/`: inodes of one container's own, whose sizes are right and whose content nobody else is given."""

from __future__ import annotations

import errno
import os
import time
from types import SimpleNamespace
from typing import Any

import pytest
from pyfuse3 import FUSEError

from lxcfs_py.answers import Answers
from lxcfs_py.containers import Container, Containers
from lxcfs_py.fuse import tree
from lxcfs_py.fuse.operations import Operations
from lxcfs_py.fuse.slots import Slot, Slots
from lxcfs_py.host import Host
from lxcfs_py.views import VirtualFile
from tests import captured

NAME = "0123456789abcdef" * 2
HOST: Any = SimpleNamespace(pid=0)
FIRST: Any = SimpleNamespace(pid=1)
SECOND: Any = SimpleNamespace(pid=2)


class Two(Containers):
    """Caller 1 is in the first container, caller 2 in the second one, 0 on the host."""

    def __init__(self) -> None:
        self.both = [captured.container("6.18-hybrid") for _ in range(2)]
        self.rendered = 0

    def of(self, tid: int) -> Container | None:
        return self.both[tid - 1] if tid else None

    def render(self, container: Container, host: Host) -> str:
        self.rendered += 1
        return f"{self.both.index(container) + 1}" * (10 + self.rendered)


@pytest.fixture
def containers() -> Two:
    return Two()


@pytest.fixture
def ops(containers: Two) -> Operations:
    files = (VirtualFile("proc/swaps", containers.render),)
    return Operations(tree.build(files), containers, Answers(captured.host("6.18-hybrid")))


async def find(ops: Operations, *names: str) -> int:
    inode = tree.ROOT_INODE
    for name in names:
        inode = (await ops.lookup(inode, name.encode(), HOST)).st_ino
    return inode


async def read(ops: Operations, inode: int, caller: Any) -> bytes:
    """As the kernel does it, whose attributes of the file are out of date at once."""
    await ops.getattr(inode, caller)
    handle = (await ops.open(inode, os.O_RDONLY, caller)).fh
    content = await ops.read(handle, 0, 1000)
    await ops.release(handle)
    return content


async def test_what_getattr_sized_is_what_is_read(ops: Operations, containers: Two) -> None:
    inode = await find(ops, "containers", NAME, "proc", "swaps")
    entry = await ops.getattr(inode, FIRST)
    assert (entry.st_size, entry.attr_timeout) == (11, 0)
    handle = (await ops.open(inode, os.O_RDONLY, FIRST)).fh
    assert (await ops.getattr(inode, FIRST)).st_size == 12
    time.sleep(0.03)
    assert await ops.read(handle, 0, 1000) == b"1" * 11
    assert await ops.read(handle, 5, 1000) == b"1" * 6
    assert containers.rendered == 2
    assert await ops.read(handle, 0, 1000) == b"1" * 13  # a descriptor that is kept open shows what is now
    await ops.release(handle)


async def test_the_container_that_comes_first_has_it_and_the_host_sees_it(ops: Operations) -> None:
    inode = await find(ops, "containers", NAME, "proc", "swaps")
    on_host = (captured.FIXTURES / "proc/6.18-hybrid/swaps").read_bytes()
    assert (await ops.getattr(inode, HOST)).st_size == 0
    assert await read(ops, inode, HOST) == on_host
    assert await read(ops, inode, FIRST) == b"1" * 11
    assert await read(ops, inode, HOST) == b"1" * 12
    assert (await ops.getattr(inode, HOST)).st_size == 13


async def test_another_container_that_was_given_the_same_files_is_answered_for_itself(ops: Operations) -> None:
    inode = await find(ops, "containers", NAME, "proc", "swaps")
    assert (await ops.getattr(inode, FIRST)).st_size == 11
    assert await read(ops, inode, SECOND) == b"2" * 13
    assert (await ops.getattr(inode, FIRST)).st_size == 0  # so that sendfile(2) gives neither what the other one read
    assert await read(ops, inode, FIRST) == b"1" * 15


async def test_each_name_and_the_tree_by_caller_have_inodes_of_their_own(ops: Operations) -> None:
    inodes = {
        await find(ops, "proc", "swaps"),
        await find(ops, "containers", NAME, "proc", "swaps"),
        await find(ops, "containers", NAME[::-1], "proc", "swaps"),
    }
    assert len(inodes) == 3
    assert await find(ops, "containers", NAME) == await find(ops, "containers", NAME)
    assert await find(ops, "containers", NAME, "proc", "..", "..") == await find(ops, "containers")


@pytest.mark.parametrize("name", ["x", "..x", "A" * 32, "0" * 31, "0" * 65, "0" * 32 + "\n"])
async def test_what_cannot_be_a_name(ops: Operations, name: str) -> None:
    with pytest.raises(FUSEError) as caught:
        await find(ops, "containers", name)
    assert caught.value.errno == errno.ENOENT


async def test_a_slot_goes_with_the_kernels_last_reference(ops: Operations) -> None:
    directory = await find(ops, "containers", NAME)
    file = await find(ops, "containers", NAME, "proc", "swaps")  # looks up the directory again, and proc
    await ops.forget([(directory, 2), (await find(ops, "proc"), 9)])
    assert (await ops.getattr(file, FIRST)).st_size == 11
    proc = tree.join(tree.split(file)[0], tree.split(await find(ops, "proc"))[1])
    await ops.forget([(file, 1), (proc, 1), (file, 1)])
    with pytest.raises(FUSEError) as caught:
        await ops.getattr(file, FIRST)
    assert caught.value.errno == errno.ESTALE
    assert await find(ops, "containers", NAME) > directory  # made anew, with another number


async def test_a_container_that_ended_leaves_its_slot_to_the_next(ops: Operations, containers: Two) -> None:
    inode = await find(ops, "containers", NAME, "proc", "swaps")
    assert await read(ops, inode, FIRST) == b"1" * 11
    pid = os.posix_spawn("/bin/true", ["true"], {})
    ended = os.pidfd_open(pid)
    os.waitid(os.P_PID, pid, os.WEXITED)
    os.close(containers.both[0].pidfd)
    containers.both[0].pidfd = ended
    ops.sweep()
    assert (await ops.getattr(inode, HOST)).st_size == 0
    assert await read(ops, inode, SECOND) == b"2" * 12


def test_names_and_indices() -> None:
    slots = Slots()
    first = slots.named(b"0" * 32)
    assert isinstance(first, Slot)
    assert slots.named(b"0" * 32) is first is slots[first.index]
    first.lookups = 2
    slots.forget(first.index, 1)
    assert slots[first.index] is first
    slots.forget(first.index, 1)
    slots.forget(first.index, 1)  # of a slot that has gone: nothing
    second = slots.named(b"0" * 32)
    assert second is not None
    assert second.index == first.index + 1
