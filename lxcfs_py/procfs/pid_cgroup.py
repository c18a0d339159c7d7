"""/proc/PID/cgroup (cgroups(7); proc_cgroup_show() in kernel/cgroup/cgroup.c)."""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/PID/cgroup"
_DELETED = " (deleted)"


@dataclass(frozen=True)
class Entry:
    """The process's cgroup in one hierarchy.

    `hierarchy_id` is 0 and `controllers` empty for v2; v1 has controller names and "name=systemd".
    `path` is as seen from the reader's cgroup namespace, "/.." and more outside of it.
    `deleted`: the v2 cgroup was removed under the process, a zombie. The kernel's mark cannot be told from
    the name of a v2 cgroup that ends in " (deleted)": one such end is taken for the mark.
    """

    hierarchy_id: int
    controllers: tuple[str, ...]
    path: str
    deleted: bool = False


def parse(text: str) -> tuple[Entry, ...]:
    """Read the text of /proc/PID/cgroup; empty where no hierarchy is mounted. ParseError."""
    return tuple(_parse_line(line) for line in seq_file.lines(_SOURCE, text))


def _parse_line(line: str) -> Entry:
    try:
        number, names, path = line.split(":", 2)  # the path may hold colons
        hierarchy_id = seq_file.unsigned(number)
    except ValueError:
        raise ParseError(_SOURCE, line) from None
    if not path.startswith("/"):
        raise ParseError(_SOURCE, line, "not an absolute path")
    deleted = hierarchy_id == 0 and path.endswith(_DELETED)
    if deleted:
        path = path.removesuffix(_DELETED)
    return Entry(hierarchy_id, tuple(names.split(",")) if names else (), path, deleted)
