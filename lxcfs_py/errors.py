"""Every error that the package raises on purpose.

LxcfsError                 the base: str() is one sentence with cause and remedy
├─ ParseError              kernel text that does not have the documented form
├─ UsageError              bad input from the person at the command line
├─ DaemonError             no file system daemon where one is needed, or one where none may be
├─ MountError              the mountpoint, /dev/fuse or the mount itself
└─ EngineError             the container engine is away or refuses

The command line turns each into one line on stderr and the class's exit code.
"""

from __future__ import annotations


class LxcfsError(Exception):
    """Base of all errors that are reported to the user in one sentence."""

    exit_code = 1


class ParseError(LxcfsError):
    """Kernel text that does not have the documented form.

    `source` names the file as the kernel calls it, `line` the offending text (None: something is missing).
    """

    def __init__(self, source: str, line: str | None = None, why: str = "unexpected form") -> None:
        self.source, self.line, self.why = source, line, why
        super().__init__(f"{source}: {why}" + (f": {line!r}" if line is not None else ""))


class UsageError(LxcfsError):
    """An option or argument that cannot be accepted."""

    exit_code = 2


class DaemonError(LxcfsError):
    """No daemon serves the run directory, or another one already does."""


class MountError(LxcfsError):
    """The file system cannot be mounted where it was asked to."""


class EngineError(LxcfsError):
    """A container engine is away or refused a request.

    125 is what `docker run` exits with when the engine itself fails.
    """

    exit_code = 125
