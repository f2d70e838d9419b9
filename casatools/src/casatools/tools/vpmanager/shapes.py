"""Patterns by their shape."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames.quantities import to_unit
from casatools.imaging.voltage_patterns import KNOWN_TELESCOPES
from casatools.tools.vpmanager.setup import (
    PATTERNS,
    Anything,
    Coefficients,
    DoPb,
    DoSquint,
    Increment,
    IsPb,
    OtherTelescope,
    Reach,
    Reference,
    SquintDirection,
    SquintReference,
    Symmetric,
    Telescope,
    begin,
    is_voltage,
    quantity,
    series,
    squint,
)

__all__ = ["Shapes"]


class Shapes:
    """Methods that define patterns: known ones, round ones of several shapes, images."""

    def _radial(
        self,
        maxrad: Any,
        reffreq: Any,
        is_voltage: bool,
        squintdir: Any,
        squintreffreq: Any,
        dosquint: bool,
        paincrement: Any,
        symmetric: bool,
    ) -> dict[str, Any]:
        """Fields that all patterns of one radius have."""
        return {
            "maxrad": quantity("maxrad", maxrad, "0.8deg", "deg"), "reffreq": quantity("reffreq", reffreq, "1.0GHz", "Hz"),
            "isthisvp": is_voltage, "squintdir": squint(squintdir), "squintreffreq": quantity("squintreffreq", squintreffreq, "1.0GHz", "Hz"),
            "dosquint": dosquint, "paincrement": quantity("paincrement", paincrement, "720deg", "deg"), "usesymmetricbeam": symmetric,
        }  # fmt: skip

    @method
    def setcannedpb(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        commonpb: Annotated[str, kinds.Text(), "Name of a known pattern; DEFAULT is that of the telescope"] = "DEFAULT",
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define a pattern that is known by name.

        Raises
        ------
        ParameterError
            No pattern has that name.
        """
        name = commonpb.strip().upper() or "DEFAULT"
        if name != "DEFAULT" and name not in KNOWN_TELESCOPES:
            raise ParameterError(
                f"vpmanager.setcannedpb: parameter 'commonpb' must be DEFAULT or one of {', '.join(sorted(KNOWN_TELESCOPES))}; got {commonpb!r}"
            )
        record = begin(1, "COMMONPB", telescope, othertelescope, dopb) | {
            "commonpb": name, "dosquint": dosquint, "paincrement": quantity("paincrement", paincrement, "720deg", "deg"),
            "usesymmetricbeam": usesymmetricbeam,
        }  # fmt: skip
        return PATTERNS.add(record)

    @method
    def setpbairy(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        dishdiam: Annotated[Any, Anything, "Diameter that is illuminated; [] is 25m"] = [],  # noqa: B006 - not changed
        blockagediam: Annotated[Any, Anything, "Diameter that is blocked; [] is 2.5m"] = [],  # noqa: B006 - not changed
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define the pattern of a dish that is illuminated uniformly, with a blocked middle.

        Raises
        ------
        ParameterError
            A value has no fitting unit, or the blockage is not smaller than the dish.
        """
        sizes = {
            "dishdiam": quantity("dishdiam", dishdiam, "25.0m", "m"), "blockagediam": quantity("blockagediam", blockagediam, "2.5m", "m"),
        }  # fmt: skip
        if not 0.0 <= to_unit(sizes["blockagediam"], "m") < to_unit(sizes["dishdiam"], "m"):
            raise ParameterError(
                f"vpmanager.setpbairy: parameter 'blockagediam' must be smaller than 'dishdiam'; got {blockagediam!r} and {dishdiam!r}"
            )
        return PATTERNS.add(
            begin(2, "AIRY", telescope, othertelescope, dopb)
            | sizes
            | self._radial(maxrad, reffreq, False, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbcospoly(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        coeff: Annotated[list[float], kinds.FloatList(), "Coefficients of the powers, the first one first"] = [-1.0],  # noqa: B006 - copied
        scale: Annotated[list[float], kinds.FloatList(), "Scale of each cosine [rad/(arcmin GHz)]"] = [-1.0],  # noqa: B006 - copied
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        isthispb: IsPb = "PB",
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define a sum of powers of cosines: ``sum_i coeff[i] cos(scale[i] x)^(i + 1)``, x in arcmin GHz.

        Raises
        ------
        ParameterError
            A value is missing or has no fitting unit, or `isthispb` is neither PB nor VP.
        """
        voltage = is_voltage(isthispb)
        coefficients = series("coeff", coeff)
        scales = series("scale", scale)
        if len(scales) != len(coefficients):
            raise ParameterError(
                f"vpmanager.setpbcospoly: parameters 'coeff' and 'scale' must be as many; got {len(coefficients)} and {len(scales)}"
            )
        return PATTERNS.add(
            begin(6, "COSPOLY", telescope, othertelescope, dopb)
            | {"coeff": coefficients, "scale": scales}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbgauss(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        halfwidth: Annotated[Any, Anything, "Full width at half power; for VP, the radius at half voltage; [] is 0.5deg"] = [],  # noqa: B006 - not changed
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        isthispb: IsPb = "PB",
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define a Gaussian. The record keeps half the width given for a power pattern, and all of it for a voltage pattern.

        Raises
        ------
        ParameterError
            A value is missing or has no fitting unit, or `isthispb` is neither PB nor VP.
        """
        voltage = is_voltage(isthispb)
        width = quantity("halfwidth", halfwidth, "0.5deg", "deg")
        if width["value"] <= 0:
            raise ParameterError(f"vpmanager.setpbgauss: parameter 'halfwidth' must be positive; got {halfwidth!r}")
        width["value"] *= 1.0 if voltage else 0.5
        return PATTERNS.add(
            begin(3, "GAUSS", telescope, othertelescope, dopb)
            | {"halfwidth": width}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbinvpoly(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        coeff: Coefficients = [-1.0],  # noqa: B006 - copied
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        isthispb: IsPb = "PB",
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define the inverse of a polynomial.

        Raises
        ------
        ParameterError
            A value is missing or has no fitting unit, or `isthispb` is neither PB nor VP.
        """
        voltage = is_voltage(isthispb)
        coefficients = series("coeff", coeff)
        return PATTERNS.add(
            begin(5, "IPOLY", telescope, othertelescope, dopb)
            | {"coeff": coefficients}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbnumeric(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        vect: Annotated[list[float], kinds.FloatList(), "Values, the first on the axis, the last at maxrad"] = [-1.0],  # noqa: B006 - copied
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        isthispb: IsPb = "PB",
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define a pattern by values at equal steps from the axis to `maxrad`.

        Raises
        ------
        ParameterError
            A value is missing or has no fitting unit, or `isthispb` is neither PB nor VP.
        """
        voltage = is_voltage(isthispb)
        values = series("vect", vect, 2)
        return PATTERNS.add(
            begin(7, "NUMERIC", telescope, othertelescope, dopb)
            | {"vect": values}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbpoly(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        coeff: Coefficients = [-1.0],  # noqa: B006 - copied
        maxrad: Reach = [],  # noqa: B006 - not changed
        reffreq: Reference = [],  # noqa: B006 - not changed
        isthispb: IsPb = "PB",
        squintdir: SquintDirection = [],  # noqa: B006 - not changed
        squintreffreq: SquintReference = [],  # noqa: B006 - not changed
        dosquint: DoSquint = False,
        paincrement: Increment = [],  # noqa: B006 - not changed
        usesymmetricbeam: Symmetric = False,
    ) -> dict[str, Any]:
        """Define a polynomial.

        Raises
        ------
        ParameterError
            A value is missing or has no fitting unit, or `isthispb` is neither PB nor VP.
        """
        voltage = is_voltage(isthispb)
        coefficients = series("coeff", coeff)
        return PATTERNS.add(
            begin(4, "POLY", telescope, othertelescope, dopb)
            | {"coeff": coefficients}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbimage(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        realimage: Annotated[str, kinds.Text(), "Image of the real part"] = "",
        imagimage: Annotated[str, kinds.Text(), "Image of the imaginary part"] = "",
        compleximage: Annotated[str, kinds.Text(), "Complex image"] = "",
        antnames: Annotated[list[str], kinds.TextList(), "Antennas that it is for; * is all"] = ["*"],  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Define a pattern by images.

        Raises
        ------
        ParameterError
            No image is named.
        """
        if not realimage and not compleximage:
            raise ParameterError("vpmanager.setpbimage: parameter 'realimage' or 'compleximage' must name an image")
        images = {"compleximage": compleximage} if compleximage else {"realimage": realimage, "imagimage": imagimage}
        record = begin(8, "IMAGE", telescope, othertelescope, dopb)
        return PATTERNS.add(record | images | {"isthisvp": True, "antennanames": np.array(antnames, dtype=str)})
