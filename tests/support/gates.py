"""Gates on the source tree that no off-the-shelf linter has: who may import what, and sizes.

``python tests/support/gates.py`` prints the violations and exits 1 when there are any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# Import prefix: folders below the source roots that may import it.
ALLOWED_IMPORTERS = {
    "casacore.tables": ("casatools/io/",),
    "casacore.images": ("casatools/io/",),
    "casacore.measures": ("casatools/frames/",),
    "casacore.quanta": ("casatools/frames/",),
    "casacore.functionals": ("casatools/frames/",),
    "matplotlib": ("casatools/plotting/",),
    "mpi4py": ("casampi/",),
}
BANNED_MODULE_NAMES = {"utils", "helpers", "common", "util", "misc"}
# Numbers that stand in one place only.
CONSTANTS, ONCE = "casatools/_base/constants.py", (299792458.0,)
FILE_LINES = 800
FUNCTION_LINES = 120
KERNEL_LINES = 60
# May only shrink: path or path::function, each with what is over.
ALLOW_LIST: frozenset[str] = frozenset()


def source_files(root: Path = CHECKOUT) -> Iterator[Path]:
    """The Python files of the three wheels."""
    for wheel in ("casatools", "casatasks", "casampi"):
        yield from sorted((root / wheel / "src").rglob("*.py"))


def relative(path: Path, root: Path = CHECKOUT) -> str:
    """A source file's path below its wheel's src folder."""
    return path.relative_to(root).as_posix().split("/src/", 1)[-1]


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module named by an import in a syntax tree, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its signature and docstring not counted."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    start = (first.end_lineno or first.lineno) + 1 if documented else first.lineno
    return (node.end_lineno or start) - start + 1


def violations(text: str, where: str) -> list[str]:
    """What is wrong with one source file, given its text and its path below src."""
    tree = ast.parse(text)
    found = []
    seen = set()
    for name, line in imported(tree):
        for prefix, folders in ALLOWED_IMPORTERS.items():
            if (name == prefix or name.startswith(prefix + ".")) and not where.startswith(folders) and (line, prefix) not in seen:
                seen.add((line, prefix))
                found.append(f"{where}:{line} imports {prefix}, which only {', '.join(folders)} may")
    if Path(where).stem in BANNED_MODULE_NAMES:
        found.append(f"{where} has a name that says nothing")
    if where != CONSTANTS:
        found += [
            f"{where}:{node.lineno} writes {node.value} anew, which {CONSTANTS} has"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value in ONCE
        ]
    lines = text.count("\n")
    if lines > FILE_LINES:
        found.append(f"{where} has {lines} lines, more than {FILE_LINES}")
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            limit = KERNEL_LINES if any("kernel" in ast.unparse(d) for d in node.decorator_list) else FUNCTION_LINES
            size = body_lines(node)
            if size > limit:
                found.append(f"{where}::{node.name} has {size} lines, more than {limit}")
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append(f"{where}:{node.lineno} has a bare except")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            found.append(f"{where}:{node.lineno} prints")
    return found


def name_clashes(root: Path = CHECKOUT) -> list[str]:
    """Public names of a package that equal one of its submodules: the submodule would hide the function."""
    found = []
    for wheel, index, constant in (("casatasks", "_index.py", "TASKS"), ("casatools", "tools/_index.py", "TOOLS")):
        package = root / wheel / "src" / wheel
        names = _dict_keys(package / index, constant)
        modules = {p.stem for p in package.glob("*.py")} | {p.name for p in package.iterdir() if p.is_dir()}
        found += [f"{wheel}.{name} is both a public name and a submodule" for name in sorted(names & modules)]
    return found


def _dict_keys(path: Path, constant: str) -> set[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if (
            isinstance(target, ast.Name)
            and target.id == constant
            and isinstance(node, ast.AnnAssign)
            and isinstance(node.value, ast.Dict)
        ):
            return {k.value for k in node.value.keys if isinstance(k, ast.Constant)}
    return set()


def all_violations(root: Path = CHECKOUT) -> list[str]:
    """Every violation in the tree that is not on the allow-list, and allow-list entries that no longer hold."""
    found = name_clashes(root)
    for path in source_files(root):
        found += violations(path.read_text(encoding="utf-8"), relative(path, root))
    keys = {entry.split(" ")[0] for entry in found}
    stale = [f"{entry} is on the allow-list but no longer over the limit: remove it" for entry in sorted(ALLOW_LIST - keys)]
    return [entry for entry in found if entry.split(" ")[0] not in ALLOW_LIST] + stale


if __name__ == "__main__":
    problems = all_violations()
    sys.stdout.write("".join(f"{p}\n" for p in problems))
    sys.exit(1 if problems else 0)
