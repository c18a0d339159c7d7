"""Who may import whom: the arrows of the architecture, checked in the source of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lxcfs_py"

# A part is a module or a sub-package right below lxcfs_py. It may import the parts that its arrows lead to,
# directly or through others, and `errors`.
ARROWS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "cli": {"doctor", "launcher", "serve", "tables"},
    "doctor": {"cgroup", "launcher"},
    "launcher": {"engines"},
    "engines": {"cgroup", "rundir", "units"},
    "serve": {"fuse", "rundir"},
    "fuse": {"answers"},
    "answers": {"views"},
    "views": {"containers", "host"},
    "containers": {"cgroup", "cpu_time", "load", "tasks"},
    "cpu_time": {"cgroup"},
    "cgroup": {"procfs", "keptfiles"},
    "host": {"procfs", "keptfiles"},
    "tasks": {"procfs", "keptfiles"},
    "keptfiles": set(),
    "load": set(),
    "procfs": set(),
    "rundir": set(),
    "tables": set(),
    "units": set(),
    "errors": set(),
}

# These import nothing of the package, not even `errors`: one never restarts, the other has to start fast.
STANDARD_LIBRARY_ONLY = {"keeper", "runtime"}

# Which part may import what from outside the standard library; the others nothing.
THIRD_PARTY: dict[str, set[str]] = {
    "__main__": {"click"},
    "cli": {"click"},
    "engines": {"docker", "requests"},
    "fuse": {"pyfuse3", "trio"},
    "serve": {"trio"},
    "tables": {"rich"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def behind(part: str) -> set[str]:
    """All parts that the arrows lead to from this one; a circle of arrows is a RecursionError."""
    return ARROWS[part].union(*(behind(other) for other in ARROWS[part]))


def imports(module: Path) -> Iterator[str]:
    """The dotted names that a module imports, also inside functions; a relative import is a failure."""
    for node in ast.walk(ast.parse(module.read_text(), str(module))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_parts(module: Path) -> set[str]:
    names = [name.split(".") for name in imports(module)]
    return {name[1] for name in names if name[0] == PACKAGE.name and len(name) > 1} - {"__version__"}


def imported_third_party(module: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(module)} - sys.stdlib_module_names - {PACKAGE.name}


def test_every_part_has_its_arrows() -> None:
    assert {part_of(module) for module in MODULES} == set(ARROWS)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(module: Path) -> None:
    part = part_of(module)
    allowed = set() if part in STANDARD_LIBRARY_ONLY else behind(part) | {part, "errors"}
    assert imported_parts(module) - allowed == set()
    assert imported_third_party(module) - THIRD_PARTY.get(part, set()) == set()
