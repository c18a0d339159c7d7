"""`lxcfs-py` and `python -m lxcfs_py`: errors become one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys

import click

from lxcfs_py import cli, tables
from lxcfs_py.errors import LxcfsError, UsageError

_EXIT_SIGINT = 130
_EXIT_SIGPIPE = 1  # click's choice, where it is the one that notices


def main() -> None:
    """Run one command and exit."""
    sys.exit(_run())


def _run() -> int:
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
    except (KeyboardInterrupt, click.Abort):
        return _EXIT_SIGINT
    except BrokenPipeError:
        # What is still buffered would be flushed, and fail once more, at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_SIGPIPE
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    print(f"lxcfs-py: {tables.printable(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
