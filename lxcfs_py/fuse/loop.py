"""pyfuse3's main loop with its wait shortened.

Of the time pyfuse3 takes for a request, most is trio's: a lock and a wait for the descriptor, although the next
request is often there already. pyfuse3 takes trio from its own attribute `trio`, made for its asyncio mode; here
it is given one whose lock is none (there is one task) and whose wait first looks whether it has to wait.
"""

from __future__ import annotations

import select
from types import SimpleNamespace, TracebackType
from typing import Any

import pyfuse3
import trio

_OTHERS_TURN = 64  # requests in a row until other tasks get a turn


class _NoLock:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


class _Readable:
    """wait_readable for one descriptor that is mostly readable at once."""

    def __init__(self) -> None:
        self._poll: select.poll | None = None
        self._in_a_row = 0

    async def wait(self, fd: int) -> None:
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)
        self._in_a_row += 1
        if not self._poll.poll(0):
            self._in_a_row = 0
            await trio.lowlevel.wait_readable(fd)
        elif self._in_a_row % _OTHERS_TURN == 0:
            await trio.lowlevel.checkpoint()


def _shortened_trio() -> SimpleNamespace:
    lowlevel: dict[str, Any] = {
        "wait_readable": _Readable().wait,
        "current_task": trio.lowlevel.current_task,
        "current_trio_token": trio.lowlevel.current_trio_token,
        "notify_closing": trio.lowlevel.notify_closing,
    }
    return SimpleNamespace(
        Lock=_NoLock,
        ClosedResourceError=trio.ClosedResourceError,
        open_nursery=trio.open_nursery,
        lowlevel=SimpleNamespace(**lowlevel),
    )


async def serve_requests() -> None:
    """Answer requests in this one task until `pyfuse3.terminate()` or the unmount."""
    pyfuse3.trio = _shortened_trio()  # type: ignore[attr-defined]  # not in its type stub
    await pyfuse3.main(min_tasks=1, max_tasks=1)
