"""Children: one that runs as if it were us (signals passed on, its exit code ours), and one that may hang for us.

Sources: sigwaitinfo(2), posix_spawn(3), sigaction(2) for si_code, pidfd_open(2).
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_INSISTENCE = 3  # as the docker client


@contextlib.contextmanager
def signals_held() -> Iterator[frozenset[int]]:
    """Keep signals waiting, for `run` to take, so that none ends us between making something and removing it.

    Those that our parent had us ignore (nohup) stay ignored. What nobody took is forgotten at the end.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores it would have the kernel reap for us
    taken = frozenset({n for n in PASSED_ON if signal.getsignal(n) is not signal.SIG_IGN} | {signal.SIGCHLD})
    before = signal.pthread_sigmask(signal.SIG_BLOCK, taken)
    try:
        yield taken
    finally:
        while signal.sigtimedwait(taken, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(
    argv: tuple[str, ...], taken: frozenset[int], started: Path, end: tuple[str, ...], *, stdin: bool, own_group: bool
) -> int:
    """Run a program and return its exit code, or 128 + n if signal n ended it.

    As long as the file `started` is not there, a signal that was passed on counts as what ended it.

    Without `stdin` it reads nothing. In its `own_group` it sees no signal but those passed on by us; a program
    that reads from the terminal must stay in ours, and there the terminal signals it itself (si_code SI_KERNEL).
    At the third SIGINT or SIGTERM the command `end` is run, for what ignores them.
    """
    nothing = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    environ = {name: value for name, value in os.environ.items() if name not in _OF_OUR_OWN}
    pid = os.posix_spawnp(
        argv[0],
        argv,
        environ,
        file_actions=() if stdin else nothing,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them
        setpgroup=0 if own_group else os.getpgrp(),
    )
    asked = passed_on = 0
    while True:
        info = signal.sigwaitinfo(taken)
        if info.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                if passed_on and not started.exists():
                    return 128 + passed_on
                return code if code >= 0 else 128 - code
            continue
        if own_group or info.si_code <= 0:  # from another process, kill(2)
            passed_on = info.si_signo
            os.kill(pid, info.si_signo)
        asked += info.si_signo in (signal.SIGINT, signal.SIGTERM)
        if asked == _INSISTENCE:
            subprocess.run(end, capture_output=True, check=False)  # fails if it ends just now


# A service manager's channels to us; runc would take them for the container's.
_OF_OUR_OWN = frozenset({"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})


def read_errno(path: str, timeout_sec: float) -> int | None:
    """The error of reading a byte, 0 if there is none, None if nothing answers in time.

    A child reads: where a daemon hangs with a request in its hands, the reader cannot even be killed (fs/fuse/dev.c,
    request_wait_answer()).
    """
    child = os.fork()
    if child == 0:
        try:
            os._exit(_read_errno(path))
        finally:  # Ctrl-C
            os._exit(errno.EINTR)
    pidfd = os.pidfd_open(child)
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not poller.poll(timeout_sec * 1000):
            os.kill(child, signal.SIGKILL)
            return None
    finally:
        os.close(pidfd)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _read_errno(path: str) -> int:
    try:
        with open(path, "rb", buffering=0) as file:
            file.read(1)
    except OSError as error:
        return error.errno or errno.EIO
    return 0
