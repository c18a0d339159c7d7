"""The io controller (v1: blkio), what it counts for each device.

v1: Documentation/admin-guide/cgroup-v1/blkio-controller.rst; v2: cgroup-v2.rst, "io.stat".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxcfs_py.errors import ParseError

Device = tuple[int, int]  # major, minor


@dataclass(frozen=True)
class IoStat:
    """Requests and bytes of one device."""

    reads: int = 0
    read_bytes: int = 0
    writes: int = 0
    written_bytes: int = 0
    discards: int = 0
    discarded_bytes: int = 0


def _device(source: str, word: str) -> Device:
    major, colon, minor = word.partition(":")
    if not (colon and major.isdecimal() and minor.isdecimal()):
        raise ParseError(source, word[:80], "not a device number")
    return int(major), int(minor)


def parse_v2(text: str) -> dict[Device, IoStat]:
    """io.stat: `MAJ:MIN rbytes=… wbytes=… rios=… wios=… dbytes=… dios=…`; other keys are passed over."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        values: dict[str, int] = {}
        for word in words[1:]:
            key, _, value = word.partition("=")
            if value.isdecimal():
                values[key] = int(value)
        found[_device("io.stat", words[0])] = IoStat(
            values.get("rios", 0),
            values.get("rbytes", 0),
            values.get("wios", 0),
            values.get("wbytes", 0),
            values.get("dios", 0),
            values.get("dbytes", 0),
        )
    return found


def _by_operation(source: str, text: str) -> dict[Device, Mapping[str, int]]:
    found: dict[Device, dict[str, int]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "Total":
            continue
        if len(words) != 3 or not words[2].isdecimal():
            raise ParseError(source, line[:80])
        found.setdefault(_device(source, words[0]), {})[words[1]] = int(words[2])
    return dict(found)


def parse_v1(serviced_text: str, bytes_text: str) -> dict[Device, IoStat]:
    """blkio.throttle.io_serviced_recursive and blkio.throttle.io_service_bytes_recursive."""
    serviced = _by_operation("blkio.throttle.io_serviced_recursive", serviced_text)
    moved = _by_operation("blkio.throttle.io_service_bytes_recursive", bytes_text)
    none: Mapping[str, int] = {}
    return {
        device: IoStat(
            *(
                table.get(device, none).get(operation, 0)
                for operation in ("Read", "Write", "Discard")
                for table in (serviced, moved)
            )
        )
        for device in sorted(serviced.keys() | moved.keys())
    }
