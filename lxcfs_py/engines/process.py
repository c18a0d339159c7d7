"""Run one child as if it were us: signals passed on, its exit code ours.

Sources: sigwaitinfo(2), posix_spawn(3), sigaction(2) for si_code.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)


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


def run(argv: tuple[str, ...], taken: frozenset[int], *, stdin: bool, own_group: bool) -> int:
    """Run a program and return its exit code, 128 + n if signal n ended it.

    Without `stdin` it reads nothing. In its `own_group` it sees no signal but those passed on by us; a program
    that reads from the terminal must stay in ours, and there the terminal signals it itself (si_code SI_KERNEL).
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
    while True:
        info = signal.sigwaitinfo(taken)
        if info.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif own_group or info.si_code <= 0:  # from another process, kill(2)
            os.kill(pid, info.si_signo)


# A service manager's channels to us; runc would take them for the container's.
_OF_OUR_OWN = frozenset({"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
