"""The functional tool against formulas and values of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools import functional
from casatools._base.errors import NotOpenError, ParameterError


def test_polynomials() -> None:
    tool = functional().polynomial([1.0, 2.0, 0.5])
    assert tool.f(2.0) == 7.0 and tool.ndim() == 1
    assert tool.f([1.0, 2.0, 3.0]) == pytest.approx([3.5, 7.0, 11.5])
    # The reference takes matrices with the first index fastest.
    assert functional().polynomial([1, 2, 3]).f([[1, 2], [3, 4]]) == pytest.approx([6, 34, 17, 57])
    assert functional().polynomial([]).f() == 0.0


def test_gaussians() -> None:
    assert functional().gaussian1d(2.0, 1.0, 3.0).f(2.0) == pytest.approx(1.4697344922755988)
    tool = functional().gaussian2d(3.0, [1, 2], [4, 2], "30deg")
    assert tool.ndim() == 2
    # CASA 6.7.0.
    assert tool.f([3, 2]) == pytest.approx(0.31533615572014284)
    assert tool.f([1, 4, 3, 2]) == pytest.approx([0.89190534, 0.31533616])
    assert tool.f([2, 3]) == pytest.approx(functional().gaussian2d(3.0, [1, 2], [4, 2], np.pi / 6).f([2, 3]))
    assert functional().gaussian2d(3.0, [1, 2], [4, 2]).f([3, 2]) == pytest.approx(0.1875)


def test_the_angle_turns_from_y_to_negative_x() -> None:
    tool = functional().gaussian2d(1.0, [0, 0], [10, 1], "45deg")
    assert tool.f([-1, 1]) > 0.9 > tool.f([1, 1])


def test_power_laws() -> None:
    tool = functional().powerlogpoly([2.0, -0.7, 0.1])
    assert tool.f([1.0, 2.0, 3.0]) == pytest.approx([2.0, 1.2917391072021276, 1.04583277])
    assert np.isnan(tool.f(-1.0))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("gaussian1d", (1.0, 0.0, 0.0), "not be zero"),
        ("gaussian2d", (), "two numbers each"),
        ("gaussian2d", (1.0, [1, 2], [2, 4]), "major one first"),
        ("gaussian2d", (1.0, [1, 2], [4, 2], "3Jy"), "an angle"),
        ("powerlogpoly", ([2.0],), "two numbers or more"),
    ],
)
def test_refused(name: str, arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        getattr(functional(), name)(*arguments)


def test_what_cannot_be_evaluated() -> None:
    with pytest.raises(NotOpenError):
        functional().f(1.0)
    tool = functional().gaussian2d(1.0, [0, 0], [1, 1])
    for bad in ([1.0, 2.0, 3.0], 1.0):
        with pytest.raises(ParameterError, match="2 numbers for each"):
            tool.f(bad)
    for bad in ([], np.array([1j])):
        with pytest.raises(ParameterError, match="a number or an array"):
            tool.f(bad)
    tool.done()
    with pytest.raises(NotOpenError):
        tool.ndim()


def test_power_law_at_zero_and_below() -> None:
    """As CASA has it: without curvature no logarithm is taken."""
    tool = functional()
    assert tool.powerlogpoly([2.0, -1.0]).f([0.0, -1.0, 2.0]).tolist() == [np.inf, -2.0, 1.0]
    curved = tool.powerlogpoly([2.0, -1.0, 0.5]).f([0.0, -1.0, 1.0])
    assert curved[0] == np.inf and np.isnan(curved[1]) and curved[2] == 2.0
