"""What the embedded engine understands of a `docker run` command line.

There are no images: what follows the options is the command.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxcfs_py.engines.arguments import OWN_OPTIONS, CommandLine, mount_fields
from lxcfs_py.engines.model import NO_LIMITS, Limits, Request
from lxcfs_py.errors import UsageError

# Those of Limits are read by the launcher for every engine.
HONOURED = frozenset(
    {
        "cpus",
        "cpuset-cpus",
        "env",
        "hostname",
        "interactive",
        "label",
        "memory",
        "memory-swap",
        "mount",
        "name",
        "network",
        "pids-limit",
        "read-only",
        "rm",
        "tty",
        "user",
        "volume",
        "workdir",
        *OWN_OPTIONS,
    }
)

NETWORKS = ("none", "host")

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}")  # docker's container names
_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?")  # the kernel keeps 64 bytes
_USER = re.compile(r"(\d{1,9})(?::(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True)
class UserMount:
    """A file or folder of the host that the user wants in the container."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True)
class Spec:
    """A container for the embedded engine. `rootfs` None is the host's own root file system, read-only."""

    args: tuple[str, ...] = ("sh",)
    env: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    tty: bool = False
    interactive: bool = False
    rootfs: str | None = None
    read_only: bool = True
    name: str | None = None
    hostname: str | None = None
    network: str = "none"
    labels: tuple[tuple[str, str], ...] = ()
    mounts: tuple[UserMount, ...] = ()
    limits: Limits = NO_LIMITS


def read(request: Request, environ: Mapping[str, str]) -> Spec:
    """The container that the request asks for; UsageError for what this engine cannot do or what is malformed.

    `environ` gives the values of variables that are named without one (`-e NAME`).
    """
    command = request.command
    for option in command.options:
        if option.name not in HONOURED:
            raise UsageError(f"the embedded engine (runc) has no --{option.name}; leave it out, or use a Docker daemon")
    if command.value("rm") == "false":
        raise UsageError("the embedded engine (runc) always removes the container; leave --rm=false out")
    rootfs = command.value("rootfs")
    uid, gid = _user(command.value("user"))
    return Spec(
        args=command.rest or ("sh",),
        env=tuple(_variable(text, environ) for text in command.values("env") if _has_value(text, environ)),
        cwd=_absolute("--workdir", command.value("workdir") or "/"),
        uid=uid,
        gid=gid,
        tty=command.flag("tty"),
        interactive=command.flag("interactive"),
        rootfs=rootfs and os.path.abspath(rootfs),
        read_only=rootfs is None or command.flag("read-only"),
        name=_matching(command, "name", _NAME),
        hostname=_matching(command, "hostname", _HOSTNAME),
        network=_network(command.value("network") or "none"),
        labels=(*(_pair(text) for text in command.values("label")), *request.labels),
        mounts=_mounts(command),
        limits=request.limits,
    )


def _user(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 0
    match = _USER.fullmatch(text)
    if match is None:
        raise UsageError(f"--user {text!r}: the embedded engine (runc) takes numbers only; write for example 1000:1000")
    return int(match[1]), int(match[2] or 0)


def _has_value(text: str, environ: Mapping[str, str]) -> bool:
    return "=" in text or text in environ


def _variable(text: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f"--env {text!r}: the variable has no name; write NAME=VALUE")
    return name, value if equals else environ[name]


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise UsageError(f"--label {text!r}: the label has no name; write NAME=VALUE")
    return name, value


def _absolute(option: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(f"{option}: {path!r} is not an absolute path; begin it with /")
    return posixpath.normpath(path)


def _matching(command: CommandLine, name: str, pattern: re.Pattern[str]) -> str | None:
    value = command.value(name)
    if value is not None and pattern.fullmatch(value) is None:
        raise UsageError(f"--{name} {value!r}: not a name; use letters, digits, '-' and '.', 63 of them at most")
    return value


def _network(text: str) -> str:
    if text not in NETWORKS:
        raise UsageError(f"--network {text!r}: the embedded engine (runc) has only none and host; use one of them")
    return text


def _mounts(command: CommandLine) -> tuple[UserMount, ...]:
    mounts = []
    for option in command.options:
        if option.name == "volume":
            mounts.append(_volume(option.value))
        elif option.name == "mount":
            mounts.append(_mount(option.value))
    targets = [mount.target for mount in mounts]
    for target in targets:
        if target == "/" or targets.count(target) > 1:
            raise UsageError(f"{target} cannot be mounted on, or twice; give each mount a path of its own")
    return tuple(sorted(mounts, key=lambda mount: mount.target.count("/")))


def _volume(text: str) -> UserMount:
    source, target, mode = (*text.split(":", 2), "", "")[:3]
    if not target or mode not in ("", "ro", "rw"):
        raise UsageError(f"--volume {text!r}: not of the form SOURCE:TARGET or SOURCE:TARGET:ro")
    if not source.startswith(("/", ".")):
        raise UsageError(
            f"--volume {text!r}: the embedded engine (runc) has no named volumes; give the path of a folder or file"
        )
    return UserMount(os.path.abspath(source), _absolute("--volume", target), read_only=mode == "ro")


def _mount(text: str) -> UserMount:
    fields = mount_fields(text)
    kind = fields.pop("type", "volume")
    if kind != "bind":
        raise UsageError(f"--mount {text!r}: the embedded engine (runc) has only type=bind")
    source, target = fields.pop("source", ""), fields.pop("target", "")
    read_only = fields.pop("readonly", "false")
    if fields or not (source and target) or read_only not in ("true", "false", "1", "0"):
        raise UsageError(f"--mount {text!r}: not of the form type=bind,source=PATH,target=PATH[,readonly]")
    return UserMount(os.path.abspath(source), _absolute("--mount", target), read_only=read_only in ("true", "1"))
