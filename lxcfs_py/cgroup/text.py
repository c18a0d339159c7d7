"""The two shapes most cgroup files have: one number, and lines of `key number`."""

from __future__ import annotations

from lxcfs_py.errors import ParseError


def number(source: str, text: str) -> int:
    """A file that holds one whole number."""
    try:
        return int(text)
    except ValueError:
        raise ParseError(source, text[:80], "not a number") from None


def counters(source: str, text: str) -> dict[str, int]:
    """A flat keyed file (cgroup-v2.rst, "Format"): each line a key and a number."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        try:
            found[key] = int(value)
        except ValueError:
            raise ParseError(source, line[:80], "not a counter") from None
    return found
