"""/proc/PID/mountinfo (proc_pid_mountinfo(5); show_mountinfo() in fs/proc_namespace.c)."""

from __future__ import annotations

from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/PID/mountinfo"


@dataclass(frozen=True)
class Mount:
    """One mount; `device` is "major:minor". root, mount_point, fs_type and source are without octal escapes.

    `root` ends in "//deleted" where the mounted file or folder was removed. Both kinds of options are split
    at every comma and otherwise as they stand. `optional_fields` has "shared:1", "master:2", "unbindable".
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    mount_point: str
    options: tuple[str, ...]
    fs_type: str
    source: str
    super_options: tuple[str, ...]
    optional_fields: tuple[str, ...] = ()


def parse(text: str) -> tuple[Mount, ...]:
    """Read the text of /proc/PID/mountinfo; empty where nothing can be reached (chroot). ParseError."""
    return tuple(_parse_line(line) for line in seq_file.lines(_SOURCE, text))


def _parse_line(line: str) -> Mount:
    # Fields end at one space: a source may be empty. Super options are a file system's own: to the end.
    head, _, tail = line.partition(" - ")
    try:
        mount_id, parent_id, device, root, mount_point, options, *optional_fields = head.split(" ")
        fs_type, source, super_options = tail.split(" ", 2)
        _major, _minor = seq_file.unsigneds(device.split(":"))
        return Mount(
            mount_id=seq_file.unsigned(mount_id),
            parent_id=seq_file.unsigned(parent_id),
            device=device,
            root=seq_file.unescape(root),
            mount_point=seq_file.unescape(mount_point),
            options=tuple(options.split(",")),
            fs_type=seq_file.unescape(fs_type),
            source=seq_file.unescape(source),
            super_options=tuple(super_options.split(",")),
            optional_fields=tuple(optional_fields),
        )
    except ValueError:
        raise ParseError(_SOURCE, line) from None
