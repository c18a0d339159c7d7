"""The commands. Each reads its options, calls one function and prints what that gave; its result is the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lxcfs_py import __version__, rundir, tables, units
from lxcfs_py.errors import EngineError

if TYPE_CHECKING:
    from lxcfs_py.engines.model import Container

_RUN_DIR = click.option(
    "--run-dir",
    type=click.Path(path_type=Path, readable=False),
    default=rundir.DEFAULT_RUN_DIR,
    show_default=True,
    help="Where the daemon says what it serves.",
)
_MOUNTPOINT = click.option(
    "--mountpoint",
    type=click.Path(path_type=Path, readable=False),
    default=rundir.DEFAULT_MOUNTPOINT,
    show_default=True,
    help="Where the file system is mounted.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="lxcfs-py", message="%(prog)s %(version)s")
def main() -> None:
    """Containers see their own memory, processors, load and disks in /proc and /sys."""


@main.command()
@_MOUNTPOINT
@_RUN_DIR
@click.option("--debug", is_flag=True, help="Log every request of the kernel.")
def serve(mountpoint: Path, run_dir: Path, debug: bool) -> None:
    """Serve the file system in the foreground until SIGTERM or SIGINT."""
    from lxcfs_py.serve import serve as serve_until_stopped  # noqa: PLC0415 (pyfuse3 and trio)

    serve_until_stopped(mountpoint, run_dir, debug=debug)


class _Verbatim(click.Command):
    """A command whose words are handed on as typed, "--" too; it reads its options itself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["argv"] = tuple(args)
        return []


@main.command(cls=_Verbatim, options_metavar="[OPTIONS] [DOCKER RUN'S OPTIONS] IMAGE [COMMAND…]", add_help_option=False)
@click.pass_context
def run(ctx: click.Context, argv: tuple[str, ...]) -> int:
    """Run a container that sees its own limits: docker run, with the view added.

    With the embedded engine, runc, there is no image: all that follows the options is the command.

    \b
    Options, anywhere before IMAGE; all others are docker run's own:
      --engine docker|runc  The container engine. Without this: runc if no Docker daemon answers.
      --rootfs DIR          With runc: the root file system. Without this: the host's own, read-only.
      --run-dir DIR         Where the daemon says what it serves. Without this: /run/lxcfs-py.
      --no-view             Run without the view.
      --dry-run             Print what would be done, and do nothing.
      --help                Show this.

    \b
    The exit code is the container's own; 125 if the engine fails, 126 if the command cannot be run, 127 if it
    is not found, 2 if an option cannot be accepted, 1 if no daemon serves the run directory.

    With the embedded engine, the third SIGINT or SIGTERM kills the container.
    """
    from lxcfs_py import launcher  # noqa: PLC0415
    from lxcfs_py.engines import arguments  # noqa: PLC0415

    command = arguments.parse(argv)
    if command.flag("help"):
        click.echo(ctx.get_help())
        return 0
    launch = launcher.prepare(command)
    if launch.note:
        click.echo(f"lxcfs-py: {launch.note}", err=True)
    if command.flag("dry-run"):
        click.echo(launch.plan.describe())
        return 0
    return launch.plan.carry_out()


@main.command()
@_RUN_DIR
@_JSON
@click.option("-a", "--all", "everything", is_flag=True, help="Also those that are not running.")
def ps(run_dir: Path, as_json: bool, everything: bool) -> int:
    """List the containers of every engine that answers, with view and limits.

    \b
    VIEW is "on"; "partial" if files are missing that the daemon serves now; "broken" if the daemon that the container
    was started with has gone or hangs, until the container is started again; "off" without a view.

    The exit code is 125 if an engine is there and refuses or does not answer.
    """
    from lxcfs_py import launcher  # noqa: PLC0415
    from lxcfs_py.engines import ENGINES  # noqa: PLC0415

    files = launcher.files_here(rundir.running(run_dir))
    rows: list[Container] = []
    code = 0
    for engine in ENGINES.values():
        try:
            if engine.why_away() is None:
                rows += engine.containers(run_dir, files, everything)
        except EngineError as error:
            click.echo(f"lxcfs-py: {tables.printable(str(error))}", err=True)
            code = error.exit_code
    if as_json:
        _write_json([asdict(row) for row in rows])
        return code
    columns = ("ID", "NAME", "ENGINE", "IMAGE", "STATUS", "VIEW", "MEMORY", "CPUS", "CPUSET", "PIDS")
    cells = (
        (
            row.id[:12],
            row.name,
            row.engine,
            row.image,
            row.status,
            row.view,
            "-" if row.limits.memory_bytes is None else units.format_size(row.limits.memory_bytes),
            "-" if row.limits.nano_cpus is None else f"{row.limits.nano_cpus / units.NANO_CPUS_PER_CPU:g}",
            row.limits.cpuset_cpus or "-",
            "-" if row.limits.pids is None else str(row.limits.pids),
        )
        for row in rows
    )
    tables.write(sys.stdout, columns, cells)
    return code


@main.command()
@_RUN_DIR
@_MOUNTPOINT
@_JSON
def doctor(run_dir: Path, mountpoint: Path, as_json: bool) -> int:
    """Say what this machine supports, and what each missing piece costs.

    The exit code is 1 if something is missing without which there is no view at all.
    """
    from lxcfs_py import doctor as checks  # noqa: PLC0415

    findings = checks.examine(checks.look(run_dir, mountpoint))
    if as_json:
        _write_json([asdict(finding) for finding in findings])
    else:
        columns = ("CHECK", "FOUND", "STATE", "COST", "REMEDY")
        rows = ((f.check, f.found, f.state, f.cost or "-", f.remedy or "-") for f in findings)
        tables.write(sys.stdout, columns, rows)
    return checks.exit_code(findings)


def _write_json(rows: Iterable[dict[str, Any]]) -> None:
    click.echo(json.dumps(list(rows), indent=1))
