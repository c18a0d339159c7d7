"""Sizes and processor counts as `docker run` reads them, and sizes as people read them.

Sources: docker/go-units `RAMInBytes`, docker/cli `opts.ParseCPUs`.
Each parser raises ValueError with a reason that fits behind "--option 'value': ".
"""

from __future__ import annotations

import re
from fractions import Fraction

_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})? ?(?:([kmgtp])(?:i?b)?|b)?", re.ASCII | re.IGNORECASE)
_SIZE_SUFFIXES = "bkmgtp"
_CPUS = re.compile(r"\d{1,9}\.?\d{0,18}|\.\d{1,18}|\d{1,9}/0{0,9}[1-9]\d{0,9}", re.ASCII)

NANO_CPUS_PER_CPU = 1_000_000_000


def size_bytes(text: str) -> int:
    """A size with docker's binary suffixes b, k, m, g, t, p (also kb, kib; any case; fractions) in bytes."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("not a size; write for example 512m or 1.5g")
    mantissa, exponent, suffix = match.groups()
    factor: int = 1024 ** _SIZE_SUFFIXES.index((suffix or "b").lower())
    size = float(mantissa + (exponent or "")) * factor
    if size >= 2**63:
        raise ValueError("too large; sizes end below 8 EiB")
    return int(size)  # floating point and cut off, as go-units does


def format_size(size_in_bytes: int) -> str:
    """A size in the largest binary unit that keeps it at 1 or more, four significant digits at most: "1.5GiB"."""
    number, unit = float(size_in_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):  # noqa: B007 (the last one is used)
        if number < 1024:
            break
        number /= 1024
    return f"{number:.4g}{unit}"


def nano_cpus(text: str) -> int:
    """A number of processors ("1.5", "3/2") in billionths, docker's unit."""
    if _CPUS.fullmatch(text) is None:
        raise ValueError("not a number of processors; write for example 1.5")
    exact = Fraction(text) * NANO_CPUS_PER_CPU
    if exact.denominator != 1:
        raise ValueError("too precise; nine digits behind the point are the most")
    return exact.numerator
