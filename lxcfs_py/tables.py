"""Tables and lines for people: text from containers cannot steer the terminal or the layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO


def printable(text: str) -> str:
    """Text with everything that does not print (control characters, line ends, surrogates) escaped as in Python."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write(file: IO[str], columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table; into anything but a terminal, lines are as long as they must be."""
    from rich.console import Console  # noqa: PLC0415 (30 ms that most commands do not need)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:  # the first one names the row and stays whole
        table.add_column(Text(column), overflow="fold", no_wrap=not table.columns)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    width = None if file.isatty() else 10_000
    console = Console(file=file, width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
