"""Every declared task and tool method against the reference interface: names, order, defaults, documentation, refusals."""

from __future__ import annotations

import importlib
import inspect
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from casatasks._index import REFERENCE as TASK_REFERENCE
from casatasks._index import TASKS
from casatools._base.declare import Declaration
from casatools._base.errors import ParameterError
from casatools._base.kinds import Variant
from casatools.tools._index import REFERENCE as TOOL_REFERENCE
from casatools.tools._index import TOOLS
from support.shared import CHECKOUT, shared_folder

# Plotting of MeasurementSets is a separate program there; here it is a task.
OURS_ONLY = frozenset({"plotms"})
# The reference interface lists no parameters of this tool's methods.
UNLISTED_PARAMETERS = frozenset({"ctsys"})
# What the reference has and we do not yet: these two numbers may only shrink.
MISSING = json.loads((CHECKOUT / "tests" / "conformance" / "missing.json").read_text())


@cache
def reference(name: str) -> dict[str, Any]:
    return json.loads((shared_folder() / "api" / f"{name}.json").read_text())


def tool_class(name: str) -> Any:
    found = getattr(importlib.import_module(f"casatools.tools.{TOOLS[name]}"), name)
    return found if inspect.isclass(found) else type(found)


@cache
def declared_methods(tool: str) -> dict[str, Declaration]:
    found = {}
    for name, member in inspect.getmembers(tool_class(tool), callable):
        if hasattr(member, "__declaration__"):
            found[name] = member.__declaration__
    return found


def declared_task(name: str) -> Declaration:
    import casatasks

    return getattr(casatasks, name).__declaration__


def same(ours: Any, theirs: Any) -> bool:
    """Defaults are equal; the reference's empty list stands for "no default" of any kind in its tools."""
    if isinstance(ours, (np.ndarray, tuple)):
        ours = list(ours)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    return ours == theirs


CASES = [("task", name, "") for name in sorted(TASKS)] + [
    ("tool", tool, method) for tool in sorted(TOOLS) for method in sorted(declared_methods(tool))
]


def declaration(kind: str, name: str, method: str) -> Declaration:
    return declared_task(name) if kind == "task" else declared_methods(name)[method]


@pytest.mark.shared
@pytest.mark.parametrize(("kind", "name", "method"), CASES)
def test_names_order_and_defaults(kind: str, name: str, method: str) -> None:
    if name in OURS_ONLY or name in UNLISTED_PARAMETERS:
        pytest.skip("the reference does not list these parameters")
    ours = declaration(kind, name, method)
    if kind == "task":
        expected = [(n, reference("tasks")[name]["defaults"][n]) for n in reference("tasks")[name]["signature"]]
    else:
        if method not in reference("tools")[name]:
            pytest.fail(f"{name}.{method} is declared but the reference has no such method")
        expected = [(p["name"], p.get("default", inspect.Parameter.empty)) for p in reference("tools")[name][method]]
    assert [p.name for p in ours.parameters] == [n for n, _ in expected]
    for parameter, (_, default) in zip(ours.parameters, expected, strict=True):
        assert same(parameter.default, default), f"{parameter.name}: default {parameter.default!r}, reference {default!r}"


@pytest.mark.parametrize(("kind", "name", "method"), CASES)
def test_documented(kind: str, name: str, method: str) -> None:
    ours = declaration(kind, name, method)
    text = inspect.getdoc(ours.function) or ""
    assert len(text.split("\n")[0]) > 5, "no summary line"
    undocumented = [p.name for p in ours.parameters if len(p.help) < 4 and f"\n{p.name} :" not in text]
    assert not undocumented


@pytest.mark.parametrize(("kind", "name", "method"), CASES)
def test_defaults_and_examples_are_accepted(kind: str, name: str, method: str) -> None:
    ours = declaration(kind, name, method)
    good = {p.name: (p.kind.valid or ("",))[0] for p in ours.parameters if p.required}
    for parameter in ours.parameters:
        for value in parameter.kind.valid:
            parameter.kind.convert(value)
        if not parameter.required:
            ours.bind((), {**good, parameter.name: parameter.default})


@pytest.mark.parametrize(("kind", "name", "method"), CASES)
def test_bad_values_are_refused_before_anything_runs(kind: str, name: str, method: str) -> None:
    ours = declaration(kind, name, method)
    good = {p.name: (p.kind.valid or ("",))[0] for p in ours.parameters if p.required}
    for parameter in ours.parameters:
        assert parameter.kind.invalid or isinstance(parameter.kind, Variant), parameter.name
        for value in parameter.kind.invalid:
            with pytest.raises(ParameterError, match=parameter.name):
                ours.bind((), {**good, parameter.name: value})
    with pytest.raises(ParameterError, match="no parameter 'no_such_parameter'"):
        ours.bind((), {"no_such_parameter": 1})


@pytest.mark.shared
def test_missing_only_shrinks() -> None:
    tasks = sorted(set(reference("tasks")) - set(TASKS))
    methods = {
        tool: sorted(set(listed) - (set(declared_methods(tool)) if tool in TOOLS else set()))
        for tool, listed in reference("tools").items()
    }
    count = sum(len(m) for m in methods.values())
    assert len(tasks) == MISSING["tasks"], f"missing tasks are {len(tasks)}: write it into missing.json; {tasks}"
    assert count == MISSING["methods"], f"missing methods are {count}: write it into missing.json; {methods}"


@pytest.mark.shared
def test_reference_lists_are_complete() -> None:
    assert set(reference("tasks")) == TASK_REFERENCE
    assert set(reference("tools")) == TOOL_REFERENCE


def test_a_task_that_is_not_there_says_so() -> None:
    import casatasks
    import casatools

    for name in sorted(TASK_REFERENCE - set(TASKS)):
        with pytest.raises(AttributeError, match="does not have yet"):
            getattr(casatasks, name)
    for name in sorted(TOOL_REFERENCE - set(TOOLS)):
        with pytest.raises(AttributeError, match="does not have yet"):
            getattr(casatools, name)
    with pytest.raises(AttributeError, match="no attribute 'gancal'"):
        _ = casatasks.gancal
    with pytest.raises(AttributeError, match="no attribute 'imag'"):
        _ = casatools.imag
