from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import mountinfo, seq_file
from lxcfs_py.procfs.mountinfo import Mount

# What Linux 6.1 wrote, but for the two lines with optional fields.
TEXT = r"""18 16 0:16 / /proc rw,relatime - proc proc rw
23 20 0:20 / /tmp/a\040b#c\134d\011e\012f rw,relatime - tmpfs  rw
24 23 0:21 / /tmp/a\040b#c\134d\011e\012f rw,relatime - tmpfs so\043ur\040ce rw,size=4k
36 22 98:0 /mnt\040- /m\134040 ro,noatime shared:2 master:1 - fuse.a\040b /dev/x rw,errors=continue
37 22 0:40 /x//deleted /y rw unbindable - tmpfs none rw
"""


def test_whole_value() -> None:
    assert mountinfo.parse(TEXT) == (
        Mount(
            mount_id=18,
            parent_id=16,
            device="0:16",
            root="/",
            mount_point="/proc",
            options=("rw", "relatime"),
            fs_type="proc",
            source="proc",
            super_options=("rw",),
            optional_fields=(),
        ),
        Mount(23, 20, "0:20", "/", "/tmp/a b#c\\d\te\nf", ("rw", "relatime"), "tmpfs", "", ("rw",)),
        Mount(
            mount_id=24,
            parent_id=23,
            device="0:21",
            root="/",
            mount_point="/tmp/a b#c\\d\te\nf",
            options=("rw", "relatime"),
            fs_type="tmpfs",
            source="so#ur ce",
            super_options=("rw", "size=4k"),
        ),
        Mount(
            mount_id=36,
            parent_id=22,
            device="98:0",
            root="/mnt -",
            mount_point="/m\\040",
            options=("ro", "noatime"),
            fs_type="fuse.a b",
            source="/dev/x",
            super_options=("rw", "errors=continue"),
            optional_fields=("shared:2", "master:1"),
        ),
        Mount(37, 22, "0:40", "/x//deleted", "/y", ("rw",), "tmpfs", "none", ("rw",), ("unbindable",)),
    )


def test_nothing_reachable() -> None:
    assert mountinfo.parse("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        TEXT[:-1],
        TEXT[:60] + "\n",
        "22 27 0:21 / /proc rw proc proc rw\n",
        "22 27 0:21 / /proc - proc proc rw\n",
        "22 27 0:21 / /proc rw - proc proc\n",
        "x 27 0:21 / /proc rw - proc proc rw\n",
        "22 -1 0:21 / /proc rw - proc proc rw\n",
        "22 27 0 / /proc rw - proc proc rw\n",
        "22 27 0:x / /proc rw - proc proc rw\n",
        "22 27 0:1:2 / /proc rw - proc proc rw\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ParseError, match=r"^/proc/PID/mountinfo: "):
        mountinfo.parse(text)


NAMES = st.binary().map(lambda name: name.decode(errors="surrogateescape"))
PATHS = NAMES.map(lambda name: f"/{name}")


@given(PATHS, PATHS, NAMES)
def test_any_path(root: str, mount_point: str, source: str) -> None:
    escaped = tuple(map(seq_file.escape, (root, mount_point, source)))
    (mount,) = mountinfo.parse("1 2 0:3 {} {} rw - ext4 {} rw\n".format(*escaped))
    assert mount == Mount(1, 2, "0:3", root, mount_point, ("rw",), "ext4", source, ("rw",))
