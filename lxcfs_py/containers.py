"""Which container a caller is in. A container is a cgroup, found by its name or by the caller's pid namespace.

A caller whose cgroup is below one that an engine named after a container is in that one, whatever namespaces it
shares. Any other caller is in the cgroup of the init of its pid namespace, or on the host if that is the host's.

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
from typing import ClassVar

from lxcfs_py.cgroup.cgroup import Cgroup, Cgroups
from lxcfs_py.cpu_time import CpuTime
from lxcfs_py.errors import LxcfsError
from lxcfs_py.keptfiles import read_once, with_descriptors
from lxcfs_py.load import PERIOD_NSEC, Load, advance
from lxcfs_py.procfs import pid_cgroup, pid_stat, pid_status
from lxcfs_py.procfs.pid_cgroup import Entry
from lxcfs_py.tasks import TaskCount, count_tasks

_NS_GET_TGID_FROM_PIDNS = 0x8004B707  # _IOR(0xb7, 7, int), linux/nsfs.h, since 6.11
_NSEC_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_FORGET_TASKS_NSEC = 300_000_000_000  # nobody asked for so long: stop sampling
_MOST_TASKS = 256  # that are counted while a reader, and all others, wait for it
_OWN_SHARE, _SHARE = 20, 4  # after a count there is none for so many times as long, for its container, for any
_MOST_RESOLVED = 4096

# The name that engines give a container's cgroup: 64 hexadecimal digits, alone or as in docker-<id>.scope.
_CONTAINER_ID = re.compile(r"(?:.*[-_:])?[0-9a-f]{64}(?:\.scope)?")


@dataclass(eq=False)
class Container:
    """A container, as long as its first process lives.

    Its descriptors end with it; what the views remember from one read to the next is here as well.
    """

    entries: tuple[Entry, ...]  # its cgroup in each hierarchy
    init_pid: int
    pidfd: int
    start_nsec: int  # of the first process, on the clock of Host.uptime_nsec()
    cgroup: Cgroup
    cpu_time: CpuTime = field(default_factory=CpuTime)
    load: Load = field(init=False)
    answers: dict[str, bytes] = field(default_factory=dict)  # the last good one for each file
    open_files: int = 0
    tasks_asked_nsec: int | None = None
    _tasks: TaskCount = TaskCount(0, 0, 0, 0)  # noqa: RUF009 (it is frozen)
    _tasks_until_nsec: int = 0
    _busy: tuple[int, int] = field(init=False)  # when the load was last asked for, and processor time used until then
    no_count_until_nsec: ClassVar[int] = 0  # on the monotonic clock, for all containers

    def __post_init__(self) -> None:
        self.load = Load(self.start_nsec)
        self._busy = (self.start_nsec, 0)

    def __del__(self) -> None:
        os.close(self.pidfd)

    def is_alive(self) -> bool:
        """Whether the first process lives: a pid namespace ends with it, and only then is its number free."""
        poller = select.poll()
        poller.register(self.pidfd, select.POLLIN)
        return not poller.poll(0)

    def tasks(self, proc: str, now_nsec: int) -> TaskCount:
        """What the container's threads do.

        Few threads are counted now, unless the last counts have not paid for themselves yet. Of many, their number
        alone is known until the next `sample`, which then goes on for a while.
        """
        self.tasks_asked_nsec = now_nsec
        started = time.monotonic_ns()
        if started < self._tasks_until_nsec:
            return self._tasks
        threads = self.cgroup.tasks_current()
        if started < Container.no_count_until_nsec or (threads is not None and threads > _MOST_TASKS):
            return replace(self._tasks, threads=threads or self._tasks.threads)
        count = self._count_tasks(proc)
        finished = time.monotonic_ns()
        Container.no_count_until_nsec = finished + _SHARE * (finished - started)
        return count

    def _count_tasks(self, proc: str) -> TaskCount:
        started = time.monotonic_ns()
        count = count_tasks(proc, self.cgroup.processes())
        # /proc/stat's `processes` is read as a counter, so it stays where its process has ended
        self._tasks = replace(count, last_pid=max(count.last_pid, self._tasks.last_pid))
        finished = time.monotonic_ns()
        self._tasks_until_nsec = finished + _OWN_SHARE * (finished - started)
        return self._tasks

    def sample(self, proc: str, now_nsec: int) -> None:
        """Count the threads, however many, and bring the load averages up to now."""
        count = self._count_tasks(proc)
        active = count.runnable + count.uninterruptible
        self.load = advance(self.load, now_nsec, active, active)

    def ask_load(self, count: TaskCount, now_nsec: int, busy_usec: int) -> Load:
        """Bring the load averages up to now.

        For a time without samples, as many threads were active as processors were busy in the mean since it was asked
        last; `busy_usec` is the processor time used so far.
        """
        since_nsec, before_usec = self._busy
        earlier = (busy_usec - before_usec) * 1000 / max(PERIOD_NSEC, now_nsec - since_nsec)
        self.load = advance(self.load, now_nsec, count.runnable + count.uninterruptible, max(0.0, earlier))
        self._busy = (now_nsec, busy_usec)
        return self.load


class Containers:
    """The containers that have asked so far; `proc` is where procfs is mounted."""

    def __init__(self, cgroups: Cgroups, proc: str = "/proc") -> None:
        self._cgroups = cgroups
        self._proc = proc
        self._host_pidns = os.stat(f"{proc}/self/ns/pid").st_ino
        self._known: dict[tuple[Entry, ...], Container] = {}
        self._known_after_sweep = 0
        # What was found for a pid namespace and text of /proc/PID/cgroup; None is the host.
        self._resolved: dict[tuple[int, str], Container | None] = {}

    def of(self, tid: int) -> Container | None:
        """The container of a thread; None on the host (0 is a thread our pid namespace cannot name).

        Raises OSError when the caller ends meanwhile.
        """
        if tid == 0:
            return None
        pidns = os.stat(f"{self._proc}/{tid}/ns/pid").st_ino
        text = read_once(f"{self._proc}/{tid}/cgroup")
        key = (pidns, text)
        found = self._resolved.get(key)
        if found is None and key in self._resolved:
            return None
        if found is None or not found.is_alive():
            if len(self._resolved) >= _MOST_RESOLVED:  # namespaces are cheap to make
                self._resolved.clear()
            found = self._resolved[key] = self._resolve(tid, pidns, pid_cgroup.parse(text))
        return found

    def sweep(self) -> None:
        """Forget the containers that have ended, and where those are that were moved to another cgroup."""
        self._known = {
            entries: known for entries, known in self._known.items() if known.is_alive() and self._stays(known)
        }
        self._known_after_sweep = len(self._known)
        self._resolved.clear()

    def sample(self, now_nsec: int) -> None:
        """Sample the threads of the containers that asked for them lately; may be called in another thread."""
        for container in list(self._known.values()):
            asked = container.tasks_asked_nsec
            if asked is not None and now_nsec - asked < _FORGET_TASKS_NSEC and container.is_alive():
                with contextlib.suppress(OSError, LxcfsError):  # who asks again is told what is wrong
                    container.sample(self._proc, now_nsec)

    def _resolve(self, tid: int, pidns: int, entries: tuple[Entry, ...]) -> Container | None:
        if not _is_named(entries):
            if pidns == self._host_pidns:
                return None
            entries = self._entries(self._init_of(tid, pidns))
        entries = _container_of(entries)
        known = self._known.get(entries)
        if known is not None and known.is_alive():
            return known
        cgroup = self._cgroups.open(entries)
        if cgroup.is_root:
            return None
        first = self._first_process(tid, pidns, entries, cgroup)
        if first is None:
            return None
        container = self._container(entries, first, cgroup)
        if len(self._known) > 2 * self._known_after_sweep + 64:
            self.sweep()
        self._known[entries] = container
        return container

    def _container(self, entries: tuple[Entry, ...], init: int, cgroup: Cgroup) -> Container:
        pidfd = with_descriptors(lambda: os.pidfd_open(init))
        try:
            if _container_of(self._entries(init)) != entries:
                raise ProcessLookupError(f"process {init} is no longer in {entries[0].path}")
            return Container(entries, init, pidfd, self._start_nsec(init), cgroup)
        except BaseException:
            os.close(pidfd)
            raise

    def _first_process(self, tid: int, pidns: int, entries: tuple[Entry, ...], cgroup: Cgroup) -> int | None:
        """The init of the caller's pid namespace, or of one around it in the container, else the oldest process."""
        first = None
        if pidns != self._host_pidns:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a parent has ended
                for pid in self._parents(self._init_of(tid, pidns)):
                    on_host = os.stat(f"{self._proc}/{pid}/ns/pid").st_ino == self._host_pidns
                    if on_host or _container_of(self._entries(pid)) != entries:
                        break
                    first = pid
        return first or min(self._starts(cgroup), default=(0, None))[1]

    def _stays(self, container: Container) -> bool:
        try:
            return _container_of(self._entries(container.init_pid)) == container.entries
        except (OSError, LxcfsError):
            return False

    def _entries(self, pid: int) -> tuple[Entry, ...]:
        return pid_cgroup.parse(read_once(f"{self._proc}/{pid}/cgroup"))

    def _start_nsec(self, pid: int) -> int:
        return pid_stat.parse(read_once(f"{self._proc}/{pid}/stat")).start_time_ticks * _NSEC_PER_TICK

    def _init_of(self, tid: int, pidns: int) -> int:
        fd = with_descriptors(lambda: os.open(f"{self._proc}/{tid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC))
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

    def _starts(self, cgroup: Cgroup) -> Iterator[tuple[int, int]]:
        for pid in cgroup.processes():
            try:
                yield self._start_nsec(pid), pid
            except (FileNotFoundError, ProcessLookupError):
                continue


def _is_named(entries: tuple[Entry, ...]) -> bool:
    return any(_CONTAINER_ID.fullmatch(name) for entry in entries for name in entry.path.split("/"))


def _container_of(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The innermost cgroups on the way that are named after a container; else these, without systemd's /init.scope."""
    return tuple(replace(entry, path=_container_path(entry.path)) for entry in entries)


def _container_path(path: str) -> str:
    names = path.split("/")
    while names and not _CONTAINER_ID.fullmatch(names[-1]):
        names.pop()
    return "/".join(names) or path.removesuffix("/init.scope") or "/"
