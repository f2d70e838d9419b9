"""Gridding functions against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j1

from casatools._base.errors import ParameterError
from casatools.singledish.gridding_functions import FunctionOptions, GriddingFunction, function_of, width_in_pixels


def value(function: GriddingFunction, radius: float) -> float:
    """The table at a distance."""
    place = (radius / function.reach) ** 2 * (len(function.table) - 1)
    return float(np.interp(place, np.arange(len(function.table)), function.table))


def test_box() -> None:
    assert function_of(FunctionOptions("box")).is_box and function_of(FunctionOptions("BOX")).reach == 0
    assert function_of(FunctionOptions("BOX", 2)).reach == 2


# Of CASA 6.7: a point in the middle of a pixel gridded with SF, in pixels 1, sqrt(2), 2 and sqrt(8) away.
@pytest.mark.parametrize(
    ("radius", "wanted"), [(0.0, 1.0), (1.0, 0.573245), (2**0.5, 0.318690), (2.0, 0.082623), (8**0.5, 0.001294)]
)
def test_spheroidal_function(radius: float, wanted: float) -> None:
    # CASA's distances are whole hundredths of a pixel, rounded down.
    assert value(function_of(FunctionOptions("SF")), np.floor(radius * 100) / 100) == pytest.approx(wanted, abs=2e-6)
    assert value(function_of(FunctionOptions("SF", 6)), 2 * np.floor(radius * 100) / 100) == pytest.approx(wanted, abs=2e-6)


def test_gaussian() -> None:
    function = function_of(FunctionOptions("GAUSS", truncate=4.0, gauss_width=1.6))
    assert function.reach == 4.0
    assert value(function, 1.6) == pytest.approx(0.5, abs=1e-6) and value(function, 3.2) == pytest.approx(0.0625, abs=1e-6)
    usual = function_of(FunctionOptions("GAUSS"))
    assert value(usual, 1.0) == pytest.approx(np.exp(-1.0), abs=1e-6) and usual.reach == pytest.approx(3 * np.sqrt(np.log(2)))


def test_tapered_bessel_function() -> None:
    usual = function_of(FunctionOptions("GJINC"))
    x = np.pi * 0.9 / 1.55
    assert value(usual, 0.9) == pytest.approx(2 * j1(x) / x * np.exp(-((0.9 / 2.52) ** 2)), abs=1e-6)
    assert usual.reach == pytest.approx(1.2197 * 1.55, abs=1e-3) and usual.table[-1] == pytest.approx(0.0, abs=1e-9)
    wide = function_of(FunctionOptions("GJINC", truncate=4.0, gauss_width=2.0, jinc_width=1.5))
    x = np.pi * 2.5 / 1.5
    assert value(wide, 2.5) == pytest.approx(2 * j1(x) / x * 0.5 ** (2.5 / 2.0) ** 2, abs=1e-6) and value(wide, 2.5) < 0


def test_beams() -> None:
    function = function_of(FunctionOptions("PB"), lambda r: np.maximum(0.0, 1.0 - (r / 20.0) ** 2))
    assert function.reach == pytest.approx(20.0, abs=0.01) and value(function, 10.0) == pytest.approx(0.75, abs=1e-3)
    with pytest.raises(ParameterError, match="zero everywhere"):
        function_of(FunctionOptions("PB"), np.zeros_like)


def test_widths() -> None:
    cell = np.deg2rad(10 / 3600)
    assert width_in_pixels("16arcsec", cell, "gwidth") == pytest.approx(1.6)
    assert (
        width_in_pixels("2.5pixel", cell, "gwidth")
        == width_in_pixels(2.5, cell, "gwidth")
        == width_in_pixels("2.5", cell, "gwidth")
        == 2.5
    )
    assert [width_in_pixels(v, cell, "gwidth") for v in ([], "", None, -1, "-1")] == [None] * 5
    with pytest.raises(ParameterError, match="'gwidth' must be an angle"):
        width_in_pixels("1Jy", cell, "gwidth")


@pytest.mark.parametrize("kind", ["other", "PB"])
def test_no_such_function(kind: str) -> None:
    with pytest.raises(ParameterError, match="must be one of"):
        function_of(FunctionOptions(kind))
