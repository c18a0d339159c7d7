"""What the embedded engine understands of docker run's options, and what it refuses."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from lxcfs_py.engines import arguments, runc_spec
from lxcfs_py.engines.model import Limits, Request
from lxcfs_py.engines.runc_spec import Spec, UserMount
from lxcfs_py.errors import UsageError

ENVIRON = {"HOME": "/root", "EMPTY": ""}


def read(typed: str) -> Spec:
    command = arguments.parse(tuple(shlex.split(typed)))
    return runc_spec.read(Request(command, Path("/run/lxcfs-py"), Limits(pids=7)), ENVIRON)


def test_nothing_but_a_shell() -> None:
    assert read("") == Spec(limits=Limits(pids=7))


def test_everything() -> None:
    typed = (
        "-it --rm --read-only --name box -h box.example -u 1000:100 -w /srv/../tmp/ --network=host "
        "-e A=1 -e HOME -e UNSET -e EMPTY --env B=x=y --label a=b --label c -m 1g --cpus 1 --pids-limit 7 "
        "-v /srv/data:/data:ro -v ./here:/a/b/c --mount type=bind,src=/etc/passwd,dst=/passwd,readonly "
        "-v /x:/y:rw --rootfs root/fs/ -- sh -c 'exit 3'"
    )
    assert read(typed) == Spec(
        args=("sh", "-c", "exit 3"),
        env=(("A", "1"), ("HOME", "/root"), ("EMPTY", ""), ("B", "x=y")),
        cwd="/tmp",
        uid=1000,
        gid=100,
        tty=True,
        interactive=True,
        rootfs=os.path.abspath("root/fs"),
        read_only=True,
        name="box",
        hostname="box.example",
        network="host",
        labels=(("a", "b"), ("c", "")),
        mounts=(
            UserMount("/srv/data", "/data", read_only=True),
            UserMount("/etc/passwd", "/passwd", read_only=True),
            UserMount("/x", "/y", read_only=False),
            UserMount(os.path.abspath("here"), "/a/b/c", read_only=False),
        ),
        limits=Limits(pids=7),
    )


def test_a_given_root_file_system_is_written_to() -> None:
    assert read("--rootfs /r") == Spec(rootfs="/r", read_only=False, limits=Limits(pids=7))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("-d x", "the embedded engine (runc) has no --detach; leave it out, or use a Docker daemon"),
        ("--privileged x", "the embedded engine (runc) has no --privileged; leave it out, or use a Docker daemon"),
        ("--env-file f x", "the embedded engine (runc) has no --env-file; leave it out, or use a Docker daemon"),
        ("-p 80:80 x", "the embedded engine (runc) has no --publish; leave it out, or use a Docker daemon"),
        ("--rm=false x", "the embedded engine (runc) always removes the container; leave --rm=false out"),
        (
            "-u daemon x",
            "--user 'daemon': the embedded engine (runc) takes numbers only; write for example 1000:1000",
        ),
        ("-u '' x", "--user '': the embedded engine (runc) takes numbers only; write for example 1000:1000"),
        ("-w tmp x", "--workdir: 'tmp' is not an absolute path; begin it with /"),
        (
            "--name -- x",
            "--name '--': not a name; use letters, digits, '-' and '.', 63 of them at most",
        ),
        (
            "-h 'a b' x",
            "--hostname 'a b': not a name; use letters, digits, '-' and '.', 63 of them at most",
        ),
        ("--net bridge x", "--network 'bridge': the embedded engine (runc) has only none and host; use one of them"),
        ("-e =1 x", "--env '=1': the variable has no name; write NAME=VALUE"),
        ("-l =1 x", "--label '=1': the label has no name; write NAME=VALUE"),
        ("-v /data x", "--volume '/data': not of the form SOURCE:TARGET or SOURCE:TARGET:ro"),
        ("-v /a:/b:z x", "--volume '/a:/b:z': not of the form SOURCE:TARGET or SOURCE:TARGET:ro"),
        (
            "-v named:/b x",
            "--volume 'named:/b': the embedded engine (runc) has no named volumes; give the path of a folder or file",
        ),
        ("-v /a:b x", "--volume: 'b' is not an absolute path; begin it with /"),
        ("-v /a:/ x", "/ cannot be mounted on, or twice; give each mount a path of its own"),
        ("-v /a:/b -v /c:/b/ x", "/b cannot be mounted on, or twice; give each mount a path of its own"),
        ("--mount src=/a,dst=/b x", "--mount 'src=/a,dst=/b': the embedded engine (runc) has only type=bind"),
        (
            "--mount type=bind,src=/a x",
            "--mount 'type=bind,src=/a': not of the form type=bind,source=PATH,target=PATH[,readonly]",
        ),
        (
            "--mount type=bind,src=/a,dst=/b,x=y x",
            "--mount 'type=bind,src=/a,dst=/b,x=y': not of the form type=bind,source=PATH,target=PATH[,readonly]",
        ),
    ],
)
def test_refused(typed: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(typed)
    assert str(raised.value) == message
