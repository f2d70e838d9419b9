"""Every parameter of every tool method and task is read by its function, or its help says why nothing depends on it."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import casatasks
import casatools

# What the help of a parameter without effect begins with, or says of it: the user reads the same reason.
SAID = ("Accepted for compatibility", "Kept for CASA's signature", "Not needed", "without effect", "Fixed")
_SOLVER = "names of solvers: both give the same least squares fit"
_NO_TIME = "patterns of antennas defined here hold for all times, frequencies and directions, as the docstring says"
_GRIDDER = "a setting of the reference's convolution functions; the gridder makes its own to the accuracy asked for"
# Without effect for a reason that the docstring gives, as (function, parameter or * for all).
ALLOWED = {
    ("iscomponentlist", "tool"): "CASA's answer is True for anything",
    ("run", "sequential"): "agents run in the order given, which is what either value allows",
    ("specifycal", "uniform"): "any times of Tsys are taken with either value",
    ("gencal", "uniform"): "any times of Tsys are taken with either value",
    ("summary", "pixelorder"): "the listing of image.summary has one form",
    ("summary", "verbose"): "the listing of image.summary has one form",
    ("setoptions", "pblimit"): "belongs to mosaics, which imager refuses",
    ("getformat", "*"): "CASA's tool has the one format F",
    ("setformat", "*"): "CASA's tool has the one format F and answers False",
    ("remove_service", "*"): "there are no services",
    ("unlockimages", "*"): "no image is held open between calls",
    ("getanttypes", "*"): _NO_TIME,
    ("numvps", "*"): _NO_TIME,
    ("getvp", "*"): _NO_TIME,
    ("getvps", "*"): _NO_TIME,
    ("setimage", "overwrite"): "products are replaced always",
    **{("setimage", p): _GRIDDER for p in ("padding", "usedoubleprec", "convfunc", "aterm", "psterm", "mterm", "wbawp", "pointingoffsetsigdev",
                                           "dopbcorr", "computepastep", "rotatepastep")},
    ("plotbandpass", "interactive"): "there is no window to wait in",
    ("listvis", "selectdata"): "CASA 6.7 applies the further selection with either value",
    ("mstransform", "denoising_lib"): _SOLVER,
    ("uvcontsub", "fitmethod"): _SOLVER,
}  # fmt: skip
ROOTS = {"casatools.tools": Path(casatools.__file__).parent / "tools", "casatasks": Path(casatasks.__file__).parent}


def declared() -> Iterator[tuple[Any, ast.FunctionDef]]:
    """The module and the syntax tree of each function that is declared as a method or a task."""
    for package, root in ROOTS.items():
        for path in sorted(root.rglob("*.py")):
            functions = [f for f in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(f, ast.FunctionDef)]
            marked = [f for f in functions if any(_name(d) in ("method", "task") for d in f.decorator_list)]
            if marked:
                parts = path.relative_to(root).with_suffix("").parts
                module = importlib.import_module(".".join((package, *(p for p in parts if p != "__init__"))))
                yield from ((module, f) for f in marked)


def _name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.id if isinstance(target, ast.Name) else ""


def _only_refuses(function: ast.FunctionDef) -> bool:
    """True for a body that refuses whatever is given, so that no value is taken in silence."""
    last = function.body[-1]
    calls = {_name(n) for n in ast.walk(last) if isinstance(n, ast.Call)}
    return (isinstance(last, ast.Raise) and len(function.body) <= 3) or bool(calls & {"_refuse", "not_there"})


def _help(module: Any, parameter: ast.arg) -> str:
    if parameter.annotation is None:
        return ""
    if ast.unparse(parameter.annotation).startswith("Annotated[Literal["):
        kind = eval(ast.unparse(parameter.annotation), dict(vars(module)))
        if len(get_args(get_args(kind)[0])) == 1:
            return "Fixed"  # there is the one value
    kind = eval(ast.unparse(parameter.annotation), dict(vars(module)))
    return " ".join(str(part) for part in get_args(kind)[1:] if isinstance(part, str)) + (
        " Fixed" if "Fixed" in ast.unparse(parameter.annotation) else ""
    )


def unused() -> list[str]:
    """``module.function: parameter`` of each that is neither read nor explained."""
    found = []
    for module, function in declared():
        if _only_refuses(function):
            continue
        names = {n.id for statement in function.body for n in ast.walk(statement) if isinstance(n, ast.Name)}
        given = function.args
        for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs):
            name = parameter.arg
            if (
                name in names
                or name == "self"
                or "locals" in names
                or {(function.name, name), (function.name, "*")} & set(ALLOWED)
            ):
                continue
            if not any(word in _help(module, parameter) for word in SAID):
                found.append(f"{module.__name__}.{function.name}: {name}")
    return found


@pytest.mark.filterwarnings("ignore")
def test_parameters_are_used_or_said_to_be_without_effect() -> None:
    assert unused() == []
