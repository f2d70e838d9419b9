"""The functional tool: polynomials, Gaussians and power laws as functions that can be evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError
from casatools.frames.quantities import conforms, convert_value, is_unit, parse_quantity

__all__ = ["functional"]

_Coefficients = Annotated[list[float], kinds.FloatList(), "Coefficients, the constant one first"]
_FOUR_LN2 = 4.0 * np.log(2.0)


class functional:
    """Functions of one or two variables. Each of the making methods returns a new tool that holds the function."""

    def __init__(self) -> None:
        self._function: Callable[[np.ndarray], np.ndarray] | None = None
        self._dimensions = 0

    def _held(self) -> Callable[[np.ndarray], np.ndarray]:
        if self._function is None:
            raise NotOpenError("this tool holds no function; use what polynomial, gaussian1d, gaussian2d or powerlogpoly return")
        return self._function

    @staticmethod
    def _make(function: Callable[[np.ndarray], np.ndarray], dimensions: int = 1) -> functional:
        made = functional()
        made._function, made._dimensions = function, dimensions
        return made

    @method
    def polynomial(self, coefficients: _Coefficients = [0.0]) -> Any:  # noqa: B006 - copied
        """A polynomial ``c0 + c1 x + c2 x^2 + ...``."""
        given = np.array(coefficients, dtype=np.float64) if coefficients else np.zeros(1)
        return self._make(lambda x: np.polynomial.polynomial.polyval(x[..., 0], given))

    @method
    def gaussian1d(
        self,
        amplitude: Annotated[float, kinds.Float(), "Value at the centre"] = 1.0,
        center: Annotated[float, kinds.Float(), "Centre"] = 0.0,
        fwhm: Annotated[float, kinds.Float(), "Full width at half maximum"] = 1.0,
    ) -> Any:
        """A Gaussian ``amplitude exp(-4 ln2 (x - center)^2 / fwhm^2)``.

        Raises
        ------
        ParameterError
            The width is zero.
        """
        if fwhm == 0:
            raise ParameterError("functional.gaussian1d: parameter 'fwhm' must not be zero")
        return self._make(lambda x: amplitude * np.exp(-_FOUR_LN2 * ((x[..., 0] - center) / fwhm) ** 2))

    @method
    def gaussian2d(
        self,
        amplitude: Annotated[float, kinds.Float(), "Value at the centre"] = 1.0,
        center: Annotated[list[float], kinds.FloatList(), "Centre: x and y"] = [-1.0],  # noqa: B006 - copied
        fwhm: Annotated[list[float], kinds.FloatList(), "Full widths: major and minor axis"] = [-1.0],  # noqa: B006 - copied
        pa: Annotated[Any, kinds.Quantity("deg"), "Angle from the y axis to the major axis, through negative x"] = "",
    ) -> Any:
        """An elliptical Gaussian of two variables.

        Raises
        ------
        ParameterError
            Centre or widths are not two numbers, the minor axis is not positive or the longer one, or `pa` is no angle.
        """
        if len(center) != 2 or len(fwhm) != 2:
            raise ParameterError(
                f"functional.gaussian2d: parameters 'center' and 'fwhm' must be two numbers each; got {center} and {fwhm}"
            )
        major, minor = fwhm
        if not major >= minor > 0:
            raise ParameterError(
                f"functional.gaussian2d: parameter 'fwhm' must be major and minor axis, positive, the major one first; got {fwhm}"
            )
        angle = _angle(pa)
        sine, cosine = np.sin(angle), np.cos(angle)

        def gaussian(x: np.ndarray) -> np.ndarray:
            dx, dy = x[..., 0] - center[0], x[..., 1] - center[1]
            along, across = (dy * cosine - dx * sine) / major, (dx * cosine + dy * sine) / minor
            return np.asarray(amplitude * np.exp(-_FOUR_LN2 * (along**2 + across**2)))

        return self._make(gaussian, 2)

    @method
    def powerlogpoly(self, coefficients: _Coefficients = [0.0]) -> Any:  # noqa: B006 - copied
        """A power law with curvature ``c0 x^(c1 + c2 ln x + c3 (ln x)^2 + ...)``.

        Raises
        ------
        ParameterError
            There are fewer than two coefficients.
        """
        if len(coefficients) < 2:
            raise ParameterError(
                f"functional.powerlogpoly: parameter 'coefficients' must be two numbers or more; got {coefficients}"
            )
        given = np.array(coefficients, dtype=np.float64)

        def power(x: np.ndarray) -> np.ndarray:
            with np.errstate(divide="ignore", invalid="ignore"):
                if given.size == 2:  # no logarithm: also of zero and, for whole exponents, of negative numbers
                    return np.asarray(given[0] * np.power(x[..., 0], given[1]))
                logs = np.log(x[..., 0])
                exponent = np.full_like(logs, given[-1])
                for coefficient in given[-2:0:-1]:  # polyval would take zero times infinity at x = 0
                    exponent = exponent * logs + coefficient
                return np.asarray(given[0] * np.exp(logs * exponent))

        return self._make(power)

    @method
    def f(self, x: Annotated[Any, kinds.Variant((kinds.Float(), kinds.Array())), "Where: a number, or an array"] = 0.0) -> Any:
        """Values of the function.

        Returns
        -------
        float or ndarray
            One value for each number; for two variables, numbers are taken in pairs x, y. Arrays of more dimensions count with the
            first index fastest, as CASA has them.

        Raises
        ------
        ParameterError
            There are no numbers, they are complex, or do not make pairs.
        """
        function = self._held()
        given = np.asarray(x)
        if given.dtype.kind not in "iuf" or not given.size:
            raise ParameterError(f"functional.f: parameter 'x' must be a number or an array of numbers; got {x!r}")
        flat = given.astype(np.float64).ravel(order="F")
        if flat.size % self._dimensions or (given.ndim == 0 and self._dimensions > 1):
            raise ParameterError(
                f"functional.f: parameter 'x' must hold {self._dimensions} numbers for each point; got {flat.size}"
            )
        values = function(flat.reshape(-1, self._dimensions))
        if given.ndim == 0 or (self._dimensions > 1 and len(values) == 1):
            return float(values[0])
        return values

    @method
    def ndim(self) -> int:
        """The number of variables."""
        self._held()
        return self._dimensions

    @method
    def done(self) -> bool:
        """Forget the function."""
        self._function, self._dimensions = None, 0
        return True


def _angle(pa: Any) -> float:
    """An angle [rad]; a number is in radians, "" is 0."""
    if isinstance(pa, str) and not pa.strip():
        return 0.0
    number, unit = parse_quantity(pa, "rad")
    if not is_unit(unit) or not conforms(unit, "rad"):
        raise ParameterError(f"functional.gaussian2d: parameter 'pa' must be an angle such as '30deg'; got {pa!r}")
    return float(convert_value(float(number), unit, "rad"))
