"""`lxcfs-py` and `python -m lxcfs_py`: errors become one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from typing import IO

from lxcfs_py import tables
from lxcfs_py.errors import LxcfsError, UsageError

_EXIT_SIGINT = 130
_EXIT_UNWRITABLE = 1  # click's choice, where it is the one that notices


def main() -> None:
    """Run one command and exit."""
    try:
        _open_closed_streams()
        code = _run()
    except KeyboardInterrupt:
        code = _EXIT_SIGINT
    sys.exit(code)


def _run() -> int:
    import click  # noqa: PLC0415 (slow enough for a Ctrl-C meanwhile, which main() takes)

    from lxcfs_py import cli  # noqa: PLC0415

    try:
        code = cli.main.main(prog_name="lxcfs-py", standalone_mode=False)
        sys.stdout.flush()
    except LxcfsError as error:
        return _complain(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return UsageError.exit_code
    except click.ClickException as error:
        return _complain(error.format_message(), UsageError.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except OSError as error:
        if error.filename is not None:  # not of an open file, so not of our output
            raise
        _discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return _EXIT_UNWRITABLE
        return _complain(f"cannot write the output: {error.strerror}", _EXIT_UNWRITABLE)
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    try:
        print(f"lxcfs-py: {tables.printable(message)}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)
    return code


def _discard(stream: IO[str]) -> None:
    """What is still buffered would be written, and fail once more, at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_closed_streams() -> None:
    """Open /dev/null where our parent closed a standard stream (`>&-`), or the next file opened would be in its place.

    Python has None for such a stream; open(2) takes the lowest free descriptor.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            fd = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(fd, True)
            setattr(sys, name, open(fd, mode, closefd=False))  # noqa: SIM115 (as long as the program)


if __name__ == "__main__":
    main()
