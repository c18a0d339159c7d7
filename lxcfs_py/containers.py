"""Which container a caller is in: from a thread id to the init of its pid namespace and that process's cgroup.

Sources: pid_namespaces(7), ioctl_nsfs(2), cgroups(7), proc_pid_stat(5).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxcfs_py.cgroup.cgroup import Cgroup, Cgroups
from lxcfs_py.cpu_time import CpuTime
from lxcfs_py.errors import LxcfsError
from lxcfs_py.keptfiles import read_once
from lxcfs_py.load import Load, advance
from lxcfs_py.procfs import pid_cgroup, pid_stat, pid_status
from lxcfs_py.procfs.pid_cgroup import Entry
from lxcfs_py.tasks import TaskCount, count_tasks

_NS_GET_TGID_FROM_PIDNS = 0x8004B707  # _IOR(0xb7, 7, int), linux/nsfs.h, since 6.11
_NSEC_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_FORGET_TASKS_NSEC = 300_000_000_000  # nobody asked for so long: stop sampling
_TASK_COUNT_SHARE = 20  # a count is used for twenty times as long as it took
_MOST_TASKS = 256  # that are counted while a reader, and all others, wait for it
_MOST_KNOWN = 16384
_NO_TASKS = TaskCount(0, 0, 0, 0)

# The name that engines give a container's cgroup: 64 hexadecimal digits, alone or as in docker-<id>.scope.
_CONTAINER_ID = re.compile(r"(?:.*[-_:])?[0-9a-f]{64}(?:\.scope)?")


@dataclass(eq=False)
class Container:
    """A container, as long as its first process lives.

    Its descriptors end with it; what the views remember from one read to the next is here as well.
    """

    init_pid: int
    pidfd: int
    start_nsec: int  # of the first process, on the clock of Host.uptime_nsec()
    cgroup: Cgroup
    cpu_time: CpuTime = field(default_factory=CpuTime)
    load: Load = field(init=False)
    tasks_asked_nsec: int | None = None
    answers: dict[str, bytes] = field(default_factory=dict)  # the last good one for each file
    open_files: int = 0
    _tasks: TaskCount = _NO_TASKS
    _tasks_until_nsec: int = 0

    def __post_init__(self) -> None:
        self.load = Load(self.start_nsec)

    def __del__(self) -> None:
        os.close(self.pidfd)

    def is_alive(self) -> bool:
        """Whether the first process lives: a pid namespace ends with it, and only then is its number free."""
        poller = select.poll()
        poller.register(self.pidfd, select.POLLIN)
        return not poller.poll(0)

    def tasks(self, proc: str, now_nsec: int) -> TaskCount:
        """What the container's threads do.

        Few threads are counted now, unless the last count has not paid for itself yet. Of many, their number alone is
        known until the next `sample`, which then goes on for a while.
        """
        self.tasks_asked_nsec = now_nsec
        if time.monotonic_ns() < self._tasks_until_nsec:
            return self._tasks
        threads = self.cgroup.tasks_current()
        if threads is not None and threads > _MOST_TASKS:
            return replace(self._tasks, threads=threads)
        return self._count_tasks(proc)

    def _count_tasks(self, proc: str) -> TaskCount:
        started = time.monotonic_ns()
        self._tasks = count_tasks(proc, self.cgroup.processes())
        finished = time.monotonic_ns()
        self._tasks_until_nsec = finished + _TASK_COUNT_SHARE * (finished - started)
        return self._tasks

    def sample(self, proc: str, now_nsec: int) -> None:
        """Count the threads, however many, and bring the load averages up to now."""
        self.advance_load(self._count_tasks(proc), now_nsec)

    def advance_load(self, count: TaskCount, now_nsec: int) -> Load:
        """Bring the load averages up to now."""
        self.load = advance(self.load, now_nsec, count.runnable + count.uninterruptible)
        return self.load


class Containers:
    """The containers that have asked so far, by pid namespace; `proc` is where procfs is mounted."""

    def __init__(self, cgroups: Cgroups, proc: str = "/proc") -> None:
        self._cgroups = cgroups
        self._proc = proc
        self._host_pidns = os.stat(f"{proc}/self/ns/pid").st_ino
        # By the inode of the pid namespace; by the cgroup where a container shares the host's namespace.
        self._known: dict[int | tuple[Entry, ...], Container] = {}

    def of(self, tid: int) -> Container | None:
        """The container of a thread; None on the host (0 is a thread our pid namespace cannot name).

        Raises OSError when the caller ends meanwhile.
        """
        if tid == 0:
            return None
        pidns = os.stat(f"{self._proc}/{tid}/ns/pid").st_ino
        if pidns == self._host_pidns:
            return self._of_cgroup(tid)
        container = self._known.get(pidns)
        if container is None or not container.is_alive():
            container = self._from_init(self._init_of(tid, pidns), pidns)
            self._remember(pidns, container)
        return None if container.cgroup.is_root else container

    def sweep(self) -> None:
        """Forget the containers that have ended."""
        self._known = {key: known for key, known in self._known.items() if known.is_alive()}

    def sample(self, now_nsec: int) -> None:
        """Sample the threads of the containers that asked for them lately; may be called in another thread."""
        for container in list(self._known.values()):
            asked = container.tasks_asked_nsec
            if asked is not None and now_nsec - asked < _FORGET_TASKS_NSEC:
                with contextlib.suppress(OSError, LxcfsError):  # who asks again is told what is wrong
                    container.sample(self._proc, now_nsec)

    def _remember(self, key: int | tuple[Entry, ...], container: Container) -> None:
        while len(self._known) >= _MOST_KNOWN:  # namespaces are cheap to make, so forget the oldest
            del self._known[next(iter(self._known))]
        self._known[key] = container

    def _entries(self, pid: int) -> tuple[Entry, ...]:
        return pid_cgroup.parse(read_once(f"{self._proc}/{pid}/cgroup"))

    def _start_nsec(self, pid: int) -> int:
        return pid_stat.parse(read_once(f"{self._proc}/{pid}/stat")).start_time_ticks * _NSEC_PER_TICK

    def _from_init(self, init_pid: int, pidns: int) -> Container:
        pidfd = os.pidfd_open(init_pid)
        try:
            if os.stat(f"{self._proc}/{init_pid}/ns/pid").st_ino != pidns:
                raise ProcessLookupError(f"process {init_pid} is no longer in pid namespace {pidns}")
            entries = tuple(
                replace(entry, path=entry.path.removesuffix("/init.scope") or "/") for entry in self._entries(init_pid)
            )
            return Container(init_pid, pidfd, self._start_nsec(init_pid), self._cgroups.open(entries))
        except BaseException:
            os.close(pidfd)
            raise

    def _init_of(self, tid: int, pidns: int) -> int:
        fd = os.open(f"{self._proc}/{tid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return fcntl.ioctl(fd, _NS_GET_TGID_FROM_PIDNS, 1)
        except OSError:  # before 6.11
            return self._search_init(tid, pidns)
        finally:
            os.close(fd)

    def _search_init(self, tid: int, pidns: int) -> int:
        """Up the caller's parents, which end at init; for one that entered from outside, among all processes."""
        for pid in (*self._parents(tid), *self._all_processes()):
            try:
                if os.stat(f"{self._proc}/{pid}/ns/pid").st_ino != pidns:
                    continue
                if pid_status.parse_nspid(read_once(f"{self._proc}/{pid}/status"))[-1] == 1:
                    return pid
            except (FileNotFoundError, ProcessLookupError):
                continue
        raise ProcessLookupError(f"no init in the pid namespace of thread {tid}")

    def _parents(self, tid: int) -> Iterator[int]:
        pid = tid
        while pid > 1:
            yield pid
            try:
                pid = pid_stat.parse(read_once(f"{self._proc}/{pid}/stat")).ppid
            except (FileNotFoundError, ProcessLookupError):
                return

    def _all_processes(self) -> Iterator[int]:
        return (int(name) for name in os.listdir(self._proc) if name.isdecimal())

    def _of_cgroup(self, tid: int) -> Container | None:
        """A container without a pid namespace of its own, known by its cgroup's name; its oldest process is init."""
        entries = tuple(map(_up_to_container, self._entries(tid)))
        if not any(_CONTAINER_ID.fullmatch(entry.path.rpartition("/")[2]) for entry in entries):
            return None
        container = self._known.get(entries)
        if container is None or not container.is_alive():
            cgroup = self._cgroups.open(entries)
            start_nsec, oldest = min(self._starts(cgroup))
            pidfd = os.pidfd_open(oldest)
            container = Container(oldest, pidfd, start_nsec, cgroup)
            self._remember(entries, container)
        return container

    def _starts(self, cgroup: Cgroup) -> Iterator[tuple[int, int]]:
        for pid in cgroup.processes():
            try:
                yield self._start_nsec(pid), pid
            except (FileNotFoundError, ProcessLookupError):
                continue


def _up_to_container(entry: Entry) -> Entry:
    """The innermost cgroup on the way that is named after a container, if there is one."""
    names = entry.path.split("/")
    while names and not _CONTAINER_ID.fullmatch(names[-1]):
        names.pop()
    return replace(entry, path="/".join(names)) if names else entry
