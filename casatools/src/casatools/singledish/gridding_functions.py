"""Functions of the distance that spectra are spread over the pixels of a map with.

References
----------
Mangum, Emerson & Greisen 2007, A&A 474, 679: gridding of on-the-fly maps, the Gaussian-tapered Bessel function and its widths.
Schwab 1984, in "Indirect Imaging", ed. Roberts, p. 333: spheroidal functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.kernels.spheroidal import spheroidal

__all__ = ["FUNCTIONS", "FunctionOptions", "GriddingFunction", "function_of", "width_in_pixels"]

FUNCTIONS = ("BOX", "SF", "PB", "GAUSS", "GJINC")
# Values of a table; over squared distances the functions are smooth.
_COUNT = 4097
# Widths that are best for a sampling of a third of the beam, pixels as large (Mangum et al. 2007): the Gaussian's to 1/e, and the Bessel function's.
_TAPER, _JINC = 2.52, 1.55
# Zero of J1.
_FIRST_NULL = 3.8317059702075123


@dataclass(frozen=True)
class FunctionOptions:
    """What is asked of a gridding function.

    Attributes
    ----------
    kind : str
        BOX, SF, PB, GAUSS or GJINC.
    support : int
        Pixels on each side, of BOX (0 without) and SF (3 without); negative for none given.
    truncate, gauss_width, jinc_width : float or None [pixel]
        Of GAUSS and GJINC: radius beyond which they are zero, radius at half of the maximum of the Gaussian, and the width c of ``J1(pi r / c) / (pi r / c)``.
    """

    kind: str = "SF"
    support: int = -1
    truncate: float | None = None
    gauss_width: float | None = None
    jinc_width: float | None = None


@dataclass(frozen=True)
class GriddingFunction:
    """A function of the distance from a pixel.

    Attributes
    ----------
    table : ndarray (n,) float64
        Its values at squared distances of ``reach**2 * k / (n - 1)``.
    reach : float [pixel]
        It is zero beyond; of boxes the pixels on each side of the nearest one.
    is_box : bool
        It is 1 in a square of pixels.
    """

    table: np.ndarray
    reach: float
    is_box: bool = False


def width_in_pixels(value: Any, cell_rad: float, name: str) -> float | None:
    """A width of a gridding function: a number or text with the unit ``pixel``, or an angle; None where it is empty or negative.

    Raises
    ------
    ParameterError
        It is neither.
    """
    if value is None or (isinstance(value, (str, list, tuple, dict, np.ndarray)) and not len(value)):
        return None
    if isinstance(value, str) and value.strip().lower().endswith("pixel"):
        value = value.strip()[: -len("pixel")]
    number, unit = parse_quantity(value)
    try:
        found = float(to_unit(value, "rad")) / cell_rad if unit else float(number)
    except ParameterError as error:
        raise ParameterError(f"parameter {name!r} must be an angle or a number of pixels; got {value!r}") from error
    return found if found > 0 else None


def _tabulated(reach: float, function: Any) -> GriddingFunction:
    radius = reach * np.sqrt(np.linspace(0.0, 1.0, _COUNT))
    return GriddingFunction(np.asarray(function(radius), dtype=np.float64), reach)


def function_of(options: FunctionOptions, beam: Any = None) -> GriddingFunction:
    """The table of a gridding function.

    Parameters
    ----------
    options : FunctionOptions
    beam : callable, optional
        The primary beam at distances [pixel], for PB.

    Returns
    -------
    GriddingFunction

    Raises
    ------
    ParameterError
        There is no such function.

    Notes
    -----
    BOX is 1 in the square of ``2 support + 1`` pixels about the nearest one. SF is the spheroidal function of ``nu = r / support`` times ``1 - nu**2``, round.
    GAUSS is ``exp(-ln 2 (r / gwidth)**2)`` up to three times its width, by default a Gaussian that falls to 1/e at a pixel. GJINC is
    ``2 J1(pi r / c) / (pi r / c)`` times that Gaussian, by default up to the first null.
    """
    kind = options.kind.upper()
    if kind == "BOX":
        return GriddingFunction(np.ones(2), float(max(options.support, 0)), is_box=True)
    if kind == "SF":
        reach = float(options.support if options.support > 0 else 3)
        return _tabulated(reach, lambda r: spheroidal(np.minimum(r / reach, 1.0)) * (1.0 - (r / reach) ** 2))
    if kind == "PB" and beam is not None:
        return _beam_function(beam)
    if kind not in ("GAUSS", "GJINC"):
        raise ParameterError(f"the gridding function must be one of {', '.join(FUNCTIONS)}; got {options.kind!r}")
    taper = 1.0 if kind == "GAUSS" else _TAPER
    half = options.gauss_width or taper * float(np.sqrt(np.log(2.0)))
    if kind == "GAUSS":
        return _tabulated(options.truncate or 3.0 * half, lambda r: np.exp(-np.log(2.0) * (r / half) ** 2))
    c = options.jinc_width or _JINC
    reach = options.truncate or c * _FIRST_NULL / np.pi
    return _tabulated(reach, lambda r: _jinc(r / c) * np.exp(-np.log(2.0) * (r / half) ** 2))


def _jinc(x: np.ndarray) -> np.ndarray:
    """``2 J1(pi x) / (pi x)``."""
    from scipy.special import j1

    argument = np.pi * np.maximum(x, 1e-9)
    return np.asarray(2.0 * j1(argument) / argument)


def _beam_function(beam: Any) -> GriddingFunction:
    """A beam up to where it is zero."""
    far = 8.0
    while beam(np.array([far]))[0] > 0 and far < 1e5:
        far *= 2.0
    radius = np.linspace(0.0, far, 20001)
    seen = np.flatnonzero(np.asarray(beam(radius)) > 0)
    reach = float(radius[min(int(seen[-1]) + 1, len(radius) - 1)]) if len(seen) else 0.0
    if reach <= 0:
        raise ParameterError("gridfunction='PB': the primary beam is zero everywhere")
    return _tabulated(reach, beam)
