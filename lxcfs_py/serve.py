"""`lxcfs-py serve`: check, mount, serve until told to stop, unmount."""

from __future__ import annotations

import errno
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import trio

from lxcfs_py import __version__, rundir
from lxcfs_py.answers import Answers
from lxcfs_py.cgroup import io_accounting
from lxcfs_py.cgroup.cgroup import Cgroups, read_layout
from lxcfs_py.containers import Containers
from lxcfs_py.errors import MountError
from lxcfs_py.fuse import session, tree
from lxcfs_py.fuse.loop import serve_requests
from lxcfs_py.fuse.operations import Operations
from lxcfs_py.host import Host
from lxcfs_py.keptfiles import read_once
from lxcfs_py.load import PERIOD_NSEC
from lxcfs_py.procfs import mountinfo
from lxcfs_py.views import virtual_files

log = logging.getLogger(__name__)


def serve(mountpoint: Path, run_dir: Path, *, debug: bool = False) -> None:
    """Mount on `mountpoint` and serve until SIGTERM or SIGINT.

    Says `lxcfs-py: ready` on stderr and READY=1 to systemd. Raises MountError or DaemonError, with nothing left behind.
    """
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO, format="lxcfs-py: %(levelname)s: %(message)s", stream=sys.stderr
    )
    if os.geteuid() != 0:
        raise MountError("mounting for all users needs root; run `sudo lxcfs-py serve`")
    with rundir.claim(run_dir):
        path = os.path.realpath(mountpoint)
        _check_fuse()
        _check_mountpoint(path)
        _allow_many_descriptors()
        sys.setswitchinterval(0.0005)  # the load sampler's thread must not keep a read waiting
        host = Host()
        layout = read_layout()
        if layout.kind == "none":
            log.warning("no cgroup hierarchy is mounted; every container will see the host")
        io = layout.controllers.get("io")
        if io is not None and io.version == 1:
            io_accounting.start_v1(io.mount_point, host.block_device_numbers())
        containers = Containers(Cgroups(layout))
        virtual = virtual_files(host)
        operations = Operations(tree.build(virtual), containers, Answers(host))
        with session.mounted(path, operations):
            files = tuple(file.path for file in virtual)
            rundir.announce(run_dir, rundir.Daemon(__version__, os.getpid(), path, files))
            ready = f"lxcfs-py: ready: {len(files)} files on {path}, cgroup {layout.kind}"
            trio.run(partial(_serve, path, host, containers, operations, ready))


def _check_fuse() -> None:
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise MountError(
            f"cannot open /dev/fuse ({error.strerror}); `modprobe fuse`, or in a container give it --device /dev/fuse"
        ) from None


def _check_mountpoint(path: str) -> None:
    for mount in mountinfo.parse(read_once("/proc/self/mountinfo")):
        if mount.mount_point != path:
            continue
        if mount.fs_type != session.FS_TYPE or not _is_dead(path):
            remedy = (
                f"`umount {path}` or take another directory" if "lxcfs" in mount.fs_type else "take another directory"
            )
            raise MountError(f"{path} is already a mount ({mount.fs_type}); {remedy}")
        log.warning("%s is the mount of a daemon that died; it is replaced", path)
        subprocess.run(["umount", "--lazy", path], check=True)
    try:
        entries = os.listdir(path)
    except FileNotFoundError:
        raise MountError(f"the mountpoint {path} does not exist; make it with `mkdir -p {path}`") from None
    except OSError as error:
        raise MountError(f"the mountpoint {path} cannot be used ({error.strerror}); take an empty directory") from None
    if entries:
        raise MountError(f"the mountpoint {path} is not empty (it has {entries[0]!r}); take an empty directory")


def _is_dead(path: str) -> bool:
    try:
        os.statvfs(path)  # asks the daemon; attributes may be in the kernel's cache
    except OSError as error:
        return error.errno == errno.ENOTCONN
    return False


def _allow_many_descriptors() -> None:
    """Each container holds some twenty kernel files open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(path: str, host: Host, containers: Containers, operations: Operations, ready: str) -> None:
    async with trio.open_nursery() as nursery:
        stopped = trio.Event()
        await nursery.start(_stop_on_signal, stopped)
        nursery.start_soon(_housekeeping, host, containers, operations)
        print(ready, file=sys.stderr, flush=True)
        _notify_systemd(f"READY=1\nSTATUS={ready}")
        await serve_requests()
        nursery.cancel_scope.cancel()
    _notify_systemd("STOPPING=1")
    if not stopped.is_set():
        raise MountError(f"{path} was unmounted by somebody else; start `lxcfs-py serve` again")


async def _stop_on_signal(stopped: trio.Event, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            log.info("%s: unmounting", signal.Signals(number).name)
            stopped.set()
            session.stop()
            return


async def _housekeeping(host: Host, containers: Containers, operations: Operations) -> None:
    """Every five seconds: sample the threads of containers that are asked for, forget containers that have ended."""
    while True:
        await trio.sleep(PERIOD_NSEC / 1e9)
        containers.sweep()
        operations.sweep()
        await trio.to_thread.run_sync(containers.sample, host.uptime_nsec())


def _notify_systemd(state: str) -> None:
    """sd_notify(3); nothing where the service manager did not ask for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError as error:
            log.warning("cannot notify the service manager at %s: %s", address, error.strerror)
