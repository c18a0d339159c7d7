"""/proc/stat (proc_stat(5); fs/proc/stat.c)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxcfs_py.errors import ParseError
from lxcfs_py.procfs import seq_file

_SOURCE = "/proc/stat"


@dataclass(frozen=True)
class CpuTicks:
    """Time of one processor, or of all, since boot in USER_HZ ticks. user includes guest, nice guest_nice."""

    user: int = 0
    nice: int = 0
    system: int = 0
    idle: int = 0
    iowait: int = 0
    irq: int = 0
    softirq: int = 0
    steal: int = 0
    guest: int = 0
    guest_nice: int = 0


@dataclass(frozen=True)
class Stat:
    """The counters of /proc/stat; btime in seconds since the epoch; intr and softirq have their total first.

    `cpus` by processor number, in the file's order (read only); `softirq` is empty before Linux 2.6.31.
    """

    cpu: CpuTicks
    cpus: Mapping[int, CpuTicks]
    intr: tuple[int, ...]
    ctxt: int
    btime: int
    processes: int
    procs_running: int
    procs_blocked: int
    softirq: tuple[int, ...]


def parse(text: str) -> Stat:
    """Read the text of /proc/stat; columns and lines that a later kernel may add are left out. ParseError."""
    cpus = {}
    rows: dict[str, tuple[int, ...]] = {}
    for line in seq_file.lines(_SOURCE, text):
        keyword, *words = line.split() or [""]
        try:
            numbers = seq_file.unsigneds(words)
            if not numbers:
                raise ValueError(line)
            if keyword.startswith("cpu") and keyword != "cpu":
                cpus[seq_file.unsigned(keyword[3:])] = _ticks(numbers)
            else:
                rows[keyword] = numbers
        except ValueError:
            raise ParseError(_SOURCE, line) from None
    try:
        return Stat(
            cpu=_ticks(rows["cpu"]),
            cpus=cpus,
            intr=rows["intr"],
            ctxt=rows["ctxt"][0],
            btime=rows["btime"][0],
            processes=rows["processes"][0],
            procs_running=rows["procs_running"][0],
            procs_blocked=rows["procs_blocked"][0],
            softirq=rows.get("softirq", ()),
        )
    except KeyError as missing:
        raise ParseError(_SOURCE, why=f"no {missing.args[0]} line") from None
    except ValueError:
        raise ParseError(_SOURCE, why="too few columns in the cpu line") from None


def parse_btime(text: str) -> int:
    """The boot time alone, in seconds since 1970, from the text of /proc/stat; ParseError."""
    _, found, rest = text.partition("\nbtime ")
    try:
        return seq_file.unsigned(rest.partition("\n")[0])
    except ValueError:
        raise ParseError(_SOURCE, rest[:20] if found else None, "no btime line") from None


def format(stat: Stat) -> str:
    """The text as a current kernel would write it."""
    out = [_format_ticks("cpu ", stat.cpu)]  # two spaces follow, as if its name were one character longer
    out += [_format_ticks(f"cpu{number}", ticks) for number, ticks in stat.cpus.items()]
    out.append(
        f"intr {' '.join(map(str, stat.intr))}\n"
        f"ctxt {stat.ctxt}\n"
        f"btime {stat.btime}\n"
        f"processes {stat.processes}\n"
        f"procs_running {stat.procs_running}\n"
        f"procs_blocked {stat.procs_blocked}\n"
    )
    if stat.softirq:
        out.append(f"softirq {' '.join(map(str, stat.softirq))}\n")
    return "".join(out)


def _ticks(columns: tuple[int, ...]) -> CpuTicks:
    if len(columns) < 4:  # what Linux 2.4 had
        raise ValueError(columns)
    return CpuTicks(*columns[:10])


def _format_ticks(label: str, t: CpuTicks) -> str:
    return (
        f"{label} {t.user} {t.nice} {t.system} {t.idle} {t.iowait} "
        f"{t.irq} {t.softirq} {t.steal} {t.guest} {t.guest_nice}\n"
    )
