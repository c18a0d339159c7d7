"""What all files share that the kernel writes with seq_file: whole lines, unsigned decimals, octal escapes.

Source: fs/seq_file.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxcfs_py.errors import ParseError

_OCTAL = re.compile(r"\\([01][0-7]{2})")
_ESCAPES = str.maketrans({" ": r"\040", "\t": r"\011", "\n": r"\012", "\\": r"\134"})


def lines(source: str, text: str) -> list[str]:
    """The lines of `text`, without their newlines; ParseError if the last one is cut short.

    Only "\\n" ends a line: names may hold every other character that str.splitlines() takes for an end.
    """
    if not text:
        return []
    if not text.endswith("\n"):
        raise ParseError(source, text.rpartition("\n")[2], "the last line is cut short")
    return text[:-1].split("\n")


def unsigned(word: str) -> int:
    """The number that the kernel wrote with %lu; ValueError for whatever else int() takes (signs, "1_0")."""
    if not (word.isascii() and word.isdigit()):
        raise ValueError(word)
    return int(word)


def unsigneds(words: Iterable[str]) -> tuple[int, ...]:
    """All of `words` as unsigned(); ValueError."""
    words = tuple(words)
    joined = "".join(words)
    if words and not (joined.isascii() and joined.isdigit()):
        raise ValueError(" ".join(words))
    return tuple(map(int, words))


def hundredths(word: str) -> int:
    """The kernel's %lu.%02lu, "12.34", as 1234; ValueError."""
    whole, _, fraction = word.partition(".")
    if len(fraction) != 2:
        raise ValueError(word)
    return unsigned(whole) * 100 + unsigned(fraction)


def format_hundredths(value: int) -> str:
    """1234 as "12.34"."""
    return f"{value // 100}.{value % 100:02d}"


def unescape(name: str) -> str:
    """A path with its octal escapes (seq_path(), seq_escape()) put back; the kernel escapes ASCII only."""
    if "\\" not in name:
        return name
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), name)


def escape(name: str) -> str:
    """A path as seq_path() writes it, with escapes for space, tab, newline and backslash."""
    return name.translate(_ESCAPES)
