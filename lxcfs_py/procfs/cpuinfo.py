"""/proc/cpuinfo (proc_cpuinfo(5); show_cpuinfo() of each architecture).

Processors are blocks of "label<tabs>: value" lines, mostly with a blank line behind each. Some architectures
have lines that belong to no processor: s390, mips before the first, arm, powerpc after the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/cpuinfo"
_FIRST_FIELDS = ("processor", "cpu number")  # the second is s390's


@dataclass(frozen=True)
class Processor:
    """The lines of one processor, as (label with its tabs, value).

    A label ends in ":" where the file has no space behind the colon (x86's empty "power management:").
    `end` is what stands behind the block: a blank line, or nothing after the last one of s390 and UML.
    """

    fields: tuple[tuple[str, str], ...]
    end: str = "\n"

    def get(self, name: str) -> str | None:
        """The value of the first field with this name ("cpu MHz"), None if there is none."""
        return next((value for label, value in self.fields if _name(label) == name), None)

    def with_values(self, values: Mapping[str, str]) -> Processor:
        """A copy with new values, by name, for those fields that exist."""
        return replace(
            self,
            fields=tuple(_replace_value(label, old, values.get(_name(label), old)) for label, old in self.fields),
        )

    @property
    def number(self) -> int:
        """The processor's number; ParseError if it has none (parse() makes no such Processor)."""
        for name in _FIRST_FIELDS:
            value = self.get(name)
            if value is not None:
                try:
                    return seq_file.unsigned(value)
                except ValueError:
                    raise ParseError(_SOURCE, f"{name}: {value}", "not a processor number") from None
        raise ParseError(_SOURCE, why="a processor without number")


@dataclass(frozen=True)
class CpuInfo:
    """The processors, and the text after and before them that belongs to none ("" on x86)."""

    processors: tuple[Processor, ...]
    trailer: str = ""
    header: str = ""


def parse(text: str) -> CpuInfo:
    """Read the text of /proc/cpuinfo; ParseError, also if there is no processor."""
    lines = seq_file.lines(_SOURCE, text)
    starts = [i for i, line in enumerate(lines) if _starts_processor(line)]
    if not starts:
        raise ParseError(_SOURCE, why="no processor")
    blocks = [lines[start:end] for start, end in pairwise([*starts, len(lines)])]
    last, trailer = _split_trailer(blocks[-1])
    return CpuInfo(
        processors=tuple(_parse_processor(block) for block in [*blocks[:-1], last]),
        trailer=_join(trailer),
        header=_join(lines[: starts[0]]),
    )


def format(cpuinfo: CpuInfo) -> str:
    """The text as the kernel would write it."""
    out = [cpuinfo.header]
    for processor in cpuinfo.processors:
        out += [
            f"{label}{value}\n" if label.endswith(":") else f"{label}: {value}\n" for label, value in processor.fields
        ]
        out.append(processor.end)
    out.append(cpuinfo.trailer)
    return "".join(out)


def _name(label: str) -> str:
    return label.rstrip(": \t")


def _replace_value(label: str, old: str, new: str) -> tuple[str, str]:
    """A label that had no value gets the space behind its colon together with one."""
    return (label.removesuffix(":") if new and not old else label), new


def _starts_processor(line: str) -> bool:
    label, colon, _ = line.partition(":")
    return bool(colon) and _name(label) in _FIRST_FIELDS


def _split_trailer(block: list[str]) -> tuple[list[str], list[str]]:
    """The last processor with its blank lines, and what follows."""
    blank = False
    for i, line in enumerate(block):
        if blank and line:
            return block[:i], block[i:]
        blank = not line
    return block, []


def _parse_processor(block: list[str]) -> Processor:
    fields = []
    end = ""
    for line in block:
        name, colon, value = line.partition(":")
        if not line:
            end += "\n"
        elif end or not colon:
            raise ParseError(_SOURCE, line, "not a line of a processor")
        elif value.startswith(" "):
            fields.append((name, value[1:]))
        else:
            fields.append((f"{name}:", value))
    processor = Processor(tuple(fields), end)
    _ = processor.number  # raises now what it would raise later
    return processor


def _join(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
