"""Binding of calls: conversions, refusals in one sentence, required and unknown parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from casatools._base import kinds
from casatools._base.declare import Declaration, documented
from casatools._base.errors import ParameterError


def example(
    vis: Annotated[str, kinds.Text(), "The data"],
    minsnr: Annotated[float, kinds.Float(min=0), "Least SNR"] = 3.0,
    mode: Literal["a", "p"] = "a",
    items: Annotated[list, kinds.TextList(), "Texts"] = [],  # noqa: B006
) -> None:
    """Do a thing."""


DECLARED = Declaration(example, "example")


def test_bind() -> None:
    bound = DECLARED.bind(("x",), {"minsnr": 2, "items": "one"})
    assert bound == {"vis": "x", "minsnr": 2.0, "mode": "a", "items": ["one"]}
    assert isinstance(bound["minsnr"], float)
    assert DECLARED.bind(("x",), {})["items"] is not DECLARED.bind(("x",), {})["items"]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "parameter 'vis' is required"),
        (("x", 1, "a", [], 5), {}, "takes 4 parameters; got 5"),
        (("x",), {"vis": "y"}, "given twice"),
        (("x",), {"minsn": 1}, "did you mean 'minsnr'"),
        (("x",), {"qqq": 1}, "it takes vis, minsnr, mode, items"),
        (("x",), {"minsnr": -1}, "must be a float of at least 0; got -1"),
        (("x",), {"mode": "q"}, "got 'q'"),
        (("x" * 3,), {"minsnr": "y" * 200}, r"\.\.\.$"),
    ],
)
def test_refusals(args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        DECLARED.bind(args, kwargs)


def test_annotation_without_a_kind() -> None:
    def odd(x: complex) -> None: ...

    odd.__annotations__["x"] = complex
    with pytest.raises(TypeError, match="no parameter kind"):
        _ = Declaration(odd, "odd").parameters


def test_documented() -> None:
    assert "minsnr : a float of at least 0, default 3.0\n    Least SNR" in documented(DECLARED)


@pytest.mark.parametrize(
    "kind",
    [
        kinds.Bool(), kinds.Int(min=1, max=4), kinds.Float(max=2), kinds.Text(), kinds.Text(numbers=True), kinds.IntList(),
        kinds.FloatList(), kinds.BoolList(), kinds.TextList(), kinds.Record(), kinds.Array(), kinds.Array(numbers=True), kinds.Quantity("Hz"), kinds.Variant(),
        kinds.Variant((kinds.Bool(), kinds.Text())), kinds.Choice(("a", 1)), kinds.InPath(), kinds.InPathList(), kinds.OutPath(),
    ],
)  # fmt: skip
def test_kinds_hold_to_their_examples(kind: kinds.Kind) -> None:
    for good in kind.valid:
        kind.convert(good)
    for bad in kind.invalid:
        with pytest.raises(kinds.Refused):
            kind.convert(bad)
    assert kind.phrase
