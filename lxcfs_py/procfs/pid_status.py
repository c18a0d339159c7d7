"""/proc/PID/status (proc_pid_status(5); task_state() in fs/proc/array.c)."""

from __future__ import annotations

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/PID/status"
_LABEL = "NSpid:\t"


def parse_nspid(text: str) -> tuple[int, ...]:
    """The process's number in each pid namespace, from the one that /proc shows to its own. ParseError.

    The kernel writes a newline in the command name as "\\n", so no other line can begin like this one.
    """
    for line in seq_file.lines(_SOURCE, text):
        if line.startswith(_LABEL):
            try:
                return seq_file.unsigneds(line.removeprefix(_LABEL).split("\t"))
            except ValueError:
                raise ParseError(_SOURCE, line) from None
    raise ParseError(_SOURCE, why="no NSpid line")
