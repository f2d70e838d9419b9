"""The vpmanager tool: voltage patterns and primary beams of antennas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.frames.directions import convert_direction, parse_direction
from casatools.frames.epochs import parse_epoch
from casatools.frames.observatories import observatory_position
from casatools.frames.quantities import conforms, parse_quantity, to_unit
from casatools.imaging.antenna_responses import AntennaResponses, Band, SkyPlace, make_responses, open_responses
from casatools.imaging.voltage_patterns import KNOWN_TELESCOPES, VoltagePatternList
from casatools.io.voltage_pattern_table import read_voltage_patterns, write_voltage_patterns

__all__ = ["vpmanager"]

_Any = kinds.Variant()
Telescope = Annotated[str, kinds.Text(), "Telescope whose pattern it is; OTHER takes the name from othertelescope"]
OtherTelescope = Annotated[str, kinds.Text(), "Name of a telescope that is not listed"]
DoPb = Annotated[bool, kinds.Bool(), "Use the pattern in imaging"]
Reach = Annotated[Any, _Any, "Distance at which the pattern ends, at the reference frequency; [] is 0.8deg"]
Reference = Annotated[Any, _Any, "Frequency at which widths are given; [] is 1GHz"]
IsPb = Annotated[str, kinds.Text(), "PB: values are powers; VP: values are voltages"]
SquintDirection = Annotated[Any, _Any, "Offset of the right-handed beam from the pointing; [] is none"]
SquintReference = Annotated[Any, _Any, "Frequency at which the squint is given; [] is 1GHz"]
DoSquint = Annotated[bool, kinds.Bool(), "Use the squint"]
Increment = Annotated[Any, _Any, "Parallactic angle after which a pattern is made anew; [] is 720deg"]
Symmetric = Annotated[bool, kinds.Bool(), "Use the beam averaged over angle"]
AntennaType = Annotated[str, kinds.Text(), "Type of antenna; '' is any"]
Time = Annotated[Any, _Any, "Time of the observation; used by antenna response tables only"]
Frequency = Annotated[Any, _Any, "Frequency; used by antenna response tables only"]
Direction = Annotated[Any, _Any, "Direction observed; used by antenna response tables only"]
Coefficients = Annotated[list[float], kinds.FloatList(), "Coefficients, the constant one first, of powers of (arcmin GHz)^2"]

# One list serves all tools of a process, as in the reference.
_PATTERNS = VoltagePatternList()


def _quantity(name: str, value: Any, default: str, unit: str) -> dict[str, Any]:
    given = default if isinstance(value, (str, list, dict)) and not value else value
    number, found = parse_quantity(given)
    if not conforms(found, unit):
        raise ParameterError(f"vpmanager: parameter {name!r} must be a quantity in {unit} or the like; got {value!r}")
    return {"unit": found, "value": float(number)}


def _hertz(name: str, value: Any) -> float:
    """A frequency, or that of a frequency measure."""
    value = value["m0"] if isinstance(value, dict) and "m0" in value else value
    if isinstance(value, str) and len(value.split()) == 2:
        value = value.split()[1]
    number = _quantity(name, value, "1.0GHz", "Hz")
    return float(to_unit(number, "Hz"))


def _is_given(value: Any) -> bool:
    return not (isinstance(value, (str, list, dict)) and not value)


def _place(telescope: str, time: Any, direction: Any) -> SkyPlace:
    """Azimuth and elevation of a direction at a time, from where the telescope is."""
    at = parse_epoch(time)
    where = parse_direction(direction if _is_given(direction) else "AZEL 0deg 90deg")
    if where.frame not in ("AZEL", "AZELNE", "AZELGEO", "AZELNEGEO"):
        where = convert_direction(where, "AZEL", at, observatory_position(telescope))
    return SkyPlace(at, where.lon_rad, where.lat_rad)


def _is_voltage(text: str) -> bool:
    if text.strip().upper() not in ("PB", "VP"):
        raise ParameterError(f"vpmanager: parameter 'isthispb' must be PB or VP; got {text!r}")
    return text.strip().upper() == "VP"


def _series(name: str, values: Sequence[float], least: int = 1) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, np.float64))
    if len(array) < least or (len(array) == 1 and array[0] == -1.0):
        raise ParameterError(f"vpmanager: parameter {name!r} must be given, {least} or more numbers; got {values!r}")
    return array


def _squint(squintdir: Any) -> dict[str, Any]:
    if isinstance(squintdir, (str, list, dict)) and not squintdir:
        return {"type": "direction", "refer": "J2000", "m0": {"unit": "rad", "value": 0.0}, "m1": {"unit": "rad", "value": 0.0}}
    where = parse_direction(squintdir)
    return {
        "type": "direction", "refer": where.frame, "m0": {"unit": "rad", "value": where.lon_rad}, "m1": {"unit": "rad", "value": where.lat_rad},
    }  # fmt: skip


class vpmanager:
    """Voltage patterns of antennas: defined, chosen for telescopes, kept in tables that imaging reads."""

    def _telescope(self, telescope: str, othertelescope: str) -> str:
        if telescope.strip().upper() == "OTHER":
            if not othertelescope:
                raise ParameterError("vpmanager: parameter 'othertelescope' must be a name when telescope='OTHER'")
            return othertelescope
        if not telescope:
            raise ParameterError("vpmanager: parameter 'telescope' must be a name; got ''")
        return telescope

    def _start(self, number: int, name: str, telescope: str, othertelescope: str, dopb: bool) -> dict[str, Any]:
        return {"name": name, "isVP": number, "telescope": self._telescope(telescope, othertelescope), "dopb": dopb}

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
            "maxrad": _quantity("maxrad", maxrad, "0.8deg", "deg"), "reffreq": _quantity("reffreq", reffreq, "1.0GHz", "Hz"),
            "isthisvp": is_voltage, "squintdir": _squint(squintdir), "squintreffreq": _quantity("squintreffreq", squintreffreq, "1.0GHz", "Hz"),
            "dosquint": dosquint, "paincrement": _quantity("paincrement", paincrement, "720deg", "deg"), "usesymmetricbeam": symmetric,
        }  # fmt: skip

    @method
    def saveastable(
        self, tablename: Annotated[str, kinds.OutPath(), "Table to write; one that is there is replaced"] = ""
    ) -> bool:
        """Keep the patterns in a table that imaging and `loadfromtable` read.

        Raises
        ------
        ParameterError
            No name is given.
        """
        if not tablename:
            raise ParameterError("vpmanager.saveastable: parameter 'tablename' must be a name")
        write_voltage_patterns(tablename, _PATTERNS.records, _PATTERNS.defaults)
        return True

    @method
    def loadfromtable(self, tablename: Annotated[str, kinds.InPath(), "Table to read"] = "") -> bool:
        """Take the patterns of a table instead of those that are there.

        Raises
        ------
        PathMissingError, DataError
            Nothing is there, or it is no table of voltage patterns.
        """
        _PATTERNS.replace(*read_voltage_patterns(tablename))
        return True

    @method
    def summarizevps(self, verbose: Annotated[bool, kinds.Bool(), "Show the records too"] = False) -> bool:
        """Write the patterns that are there to the log."""
        log.post(f"Telescopes whose patterns are known by name: {', '.join(sorted(KNOWN_TELESCOPES))}")
        log.post("VP#  Telescope  Class")
        for number, record in enumerate(_PATTERNS.records):
            used = [
                kind or "any" for (name, kind), n in _PATTERNS.defaults.items() if n == number and name == record["telescope"]
            ]
            note = f" (used for antenna types {', '.join(used)})" if used else ""
            log.post(f"{number}  {record['telescope']}  {record['name']}{note}")
            if verbose:
                log.post(str(record))
        return True

    @method
    def reset(self) -> bool:
        """Forget the patterns that were defined."""
        _PATTERNS.reset()
        return True

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
        record = self._start(1, "COMMONPB", telescope, othertelescope, dopb) | {
            "commonpb": name, "dosquint": dosquint, "paincrement": _quantity("paincrement", paincrement, "720deg", "deg"),
            "usesymmetricbeam": usesymmetricbeam,
        }  # fmt: skip
        return _PATTERNS.add(record)

    @method
    def setpbairy(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        dishdiam: Annotated[Any, _Any, "Diameter that is illuminated; [] is 25m"] = [],  # noqa: B006 - not changed
        blockagediam: Annotated[Any, _Any, "Diameter that is blocked; [] is 2.5m"] = [],  # noqa: B006 - not changed
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
            "dishdiam": _quantity("dishdiam", dishdiam, "25.0m", "m"), "blockagediam": _quantity("blockagediam", blockagediam, "2.5m", "m"),
        }  # fmt: skip
        if not 0.0 <= to_unit(sizes["blockagediam"], "m") < to_unit(sizes["dishdiam"], "m"):
            raise ParameterError(
                f"vpmanager.setpbairy: parameter 'blockagediam' must be smaller than 'dishdiam'; got {blockagediam!r} and {dishdiam!r}"
            )
        return _PATTERNS.add(
            self._start(2, "AIRY", telescope, othertelescope, dopb)
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
        voltage = _is_voltage(isthispb)
        coefficients = _series("coeff", coeff)
        scales = _series("scale", scale)
        if len(scales) != len(coefficients):
            raise ParameterError(
                f"vpmanager.setpbcospoly: parameters 'coeff' and 'scale' must be as many; got {len(coefficients)} and {len(scales)}"
            )
        return _PATTERNS.add(
            self._start(6, "COSPOLY", telescope, othertelescope, dopb)
            | {"coeff": coefficients, "scale": scales}
            | self._radial(maxrad, reffreq, voltage, squintdir, squintreffreq, dosquint, paincrement, usesymmetricbeam)
        )

    @method
    def setpbgauss(
        self,
        telescope: Telescope = "VLA",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        halfwidth: Annotated[Any, _Any, "Full width at half power; for VP, the radius at half voltage; [] is 0.5deg"] = [],  # noqa: B006 - not changed
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
        voltage = _is_voltage(isthispb)
        width = _quantity("halfwidth", halfwidth, "0.5deg", "deg")
        if width["value"] <= 0:
            raise ParameterError(f"vpmanager.setpbgauss: parameter 'halfwidth' must be positive; got {halfwidth!r}")
        width["value"] *= 1.0 if voltage else 0.5
        return _PATTERNS.add(
            self._start(3, "GAUSS", telescope, othertelescope, dopb)
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
        voltage = _is_voltage(isthispb)
        coefficients = _series("coeff", coeff)
        return _PATTERNS.add(
            self._start(5, "IPOLY", telescope, othertelescope, dopb)
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
        voltage = _is_voltage(isthispb)
        values = _series("vect", vect, 2)
        return _PATTERNS.add(
            self._start(7, "NUMERIC", telescope, othertelescope, dopb)
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
        voltage = _is_voltage(isthispb)
        coefficients = _series("coeff", coeff)
        return _PATTERNS.add(
            self._start(4, "POLY", telescope, othertelescope, dopb)
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
        record = self._start(8, "IMAGE", telescope, othertelescope, dopb)
        return _PATTERNS.add(record | images | {"isthisvp": True, "antennanames": np.array(antnames, dtype=str)})

    @method
    def setpbantresptable(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        othertelescope: OtherTelescope = "",
        dopb: DoPb = True,
        antresppath: Annotated[str, kinds.InPath(), "Table of antenna responses, which `createantresp` makes"] = "",
    ) -> bool:
        """Take the patterns of a telescope from a table of antenna responses.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            No table is named, it is not there, or has nothing of this telescope.
        """
        name = self._telescope(telescope, othertelescope)
        if not antresppath:
            raise ParameterError("vpmanager.setpbantresptable: parameter 'antresppath' must name a table of antenna responses")
        open_responses(antresppath, name)
        _PATTERNS.add(self._start(0, "REFERENCE", telescope, othertelescope, dopb) | {"antresppath": antresppath})
        return True

    @method
    def createantresp(
        self,
        imdir: Annotated[str, kinds.InPath(), "Folder of response images"] = "",
        starttime: Annotated[Any, _Any, "Time from which they are valid"] = "",
        bandnames: Annotated[list[str], kinds.TextList(), "Names of the bands"] = [],  # noqa: B006 - copied
        bandminfreq: Annotated[Any, _Any, "Lowest frequency of each band"] = [],  # noqa: B006 - not changed
        bandmaxfreq: Annotated[Any, _Any, "Highest frequency of each band"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Make the table ``AntennaResponses`` of the response images in a folder.

        Images are named ``obsname_beamnum_anttype_rectype_azmin_aznom_azmax_elmin_elnom_elmax_freqmin_freqnom_freqmax_frequnit_comment_functype.im``: angles
        in degrees, the kind VP (real voltage patterns), EFP (complex electric fields) or AIF (aperture illumination, which imaging does not use). Others in the
        folder are left out.

        Raises
        ------
        ParameterError, PathMissingError, DataError
            A parameter is missing, the bands' lists are of different lengths, the folder is not there, or a name does not say what it must.
        """
        for name, value in (("imdir", imdir), ("starttime", starttime)):
            if not value:
                raise ParameterError(f"vpmanager.createantresp: parameter {name!r} must be given; got {value!r}")
        limits = [list(v) if isinstance(v, (list, tuple, np.ndarray)) else [v] for v in (bandminfreq, bandmaxfreq)]
        if not bandnames or {len(v) for v in limits} != {len(bandnames)}:
            raise ParameterError(
                f"vpmanager.createantresp: parameters 'bandnames', 'bandminfreq' and 'bandmaxfreq' must be as many; got {len(bandnames)}, {len(limits[0])} and {len(limits[1])}"
            )
        bands = [Band(n, _hertz("bandminfreq", a), _hertz("bandmaxfreq", b)) for n, a, b in zip(bandnames, *limits, strict=True)]
        for band in bands:
            if not 0 < band.low_hz < band.high_hz:
                raise ParameterError(
                    f"vpmanager.createantresp: band {band.name!r} must have a lowest frequency below its highest; got {band.low_hz} and {band.high_hz} Hz"
                )
        path, rows = make_responses(imdir, parse_epoch(starttime), bands)
        log.post(f"vpmanager.createantresp: wrote {path} with {rows} rows")
        return True

    @method
    def getrespimagename(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope, whose table `setpbantresptable` named"] = "",
        starttime: Annotated[Any, _Any, "Time"] = "",
        frequency: Annotated[Any, _Any, "Frequency"] = "",
        functype: Annotated[str, kinds.Choice(("ANY", "AIF", "EFP", "VP", "VPMAN", "INTERNAL")), "Kind of response"] = "ANY",
        anttype: AntennaType = "",
        azimuth: Annotated[Any, _Any, "Azimuth"] = "0deg",
        elevation: Annotated[Any, _Any, "Elevation"] = "45deg",
        rectype: Annotated[str, kinds.Text(), "Receiver"] = "",
        beamnumber: Annotated[int, kinds.Int(), "Beam of a multi-beam receiver"] = 0,
    ) -> str:
        """Name of the image with an antenna's response.

        Raises
        ------
        ParameterError, DataError
            Time or frequency is missing, the telescope has no table of responses, or none of its responses fits.
        """
        for name, value in (("starttime", starttime), ("frequency", frequency)):
            if not value:
                raise ParameterError(f"vpmanager.getrespimagename: parameter {name!r} must be given; got {value!r}")
        table = self._responses(telescope)
        if table is None:
            raise DataError(
                f"vpmanager.getrespimagename: {telescope!r} has no table of antenna responses; setpbantresptable names one"
            )
        angles = [_quantity(n, v, "0deg", "rad") for n, v in (("azimuth", azimuth), ("elevation", elevation))]
        place = SkyPlace(parse_epoch(starttime), *(float(to_unit(v, "rad")) for v in angles))
        return table.image_path(table.find(place, _hertz("frequency", frequency), functype, anttype, rectype, beamnumber))

    def _responses(self, telescope: str) -> AntennaResponses | None:
        """The table of antenna responses that a telescope's patterns are taken from, if they are."""
        number = _PATTERNS.default_number(telescope)
        record = _PATTERNS.records[number] if number >= 0 else {"name": ""}
        return open_responses(str(record["antresppath"]), telescope) if record["name"] == "REFERENCE" else None

    def _types(self, telescope: str, obstime: Any, freq: Any, obsdirection: Any) -> list[str]:
        """Types of antennas with a pattern."""
        table = self._responses(telescope)
        if table is None:
            return _PATTERNS.antenna_types(telescope)
        return table.types(
            _place(telescope, obstime, obsdirection) if _is_given(obstime) else None,
            _hertz("freq", freq) if _is_given(freq) else None,
        )

    def _pattern(self, telescope: str, kind: str, obstime: Any, freq_hz: float | None, obsdirection: Any) -> dict[str, Any]:
        """The pattern of a type of antennas."""
        table = self._responses(telescope)
        if table is None:
            return _PATTERNS.pattern(telescope, kind)
        if not _is_given(obstime) or freq_hz is None:
            raise ParameterError(
                f"vpmanager: parameters 'obstime' and 'freq' must be given, as {telescope!r} has a table of antenna responses"
            )
        return table.record(table.find(_place(telescope, obstime, obsdirection), freq_hz, antenna_type=kind), telescope)

    @method
    def setuserdefault(
        self,
        vplistnum: Annotated[int, kinds.Int(), "Number of the pattern; -1 the one known by name, -2 none"] = -1,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        anttype: AntennaType = "",
    ) -> bool:
        """Use a pattern for a telescope and type of antenna.

        Raises
        ------
        DataError
            There is no such pattern, or it is another telescope's.
        """
        _PATTERNS.choose(vplistnum, telescope, anttype)
        return True

    @method
    def getuserdefault(self, telescope: Annotated[str, kinds.Text(), "Telescope"] = "", anttype: AntennaType = "") -> int:
        """Number of the pattern in use; -1 is one known by name, -2 none."""
        return _PATTERNS.default_number(telescope, anttype)

    @method
    def getanttypes(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = [],  # noqa: B006 - not changed
    ) -> list[str]:
        """Types of antenna that have a pattern of their own; '' is any. Time, frequency and direction matter to tables of antenna responses only."""
        return self._types(telescope, obstime, freq, obsdirection)

    @method
    def numvps(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = [],  # noqa: B006 - not changed
    ) -> int:
        """How many patterns a telescope has: one for each type of antenna. Time, frequency and direction matter to tables of antenna responses only."""
        return len(self._types(telescope, obstime, freq, obsdirection))

    @method
    def getvp(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        antennatype: AntennaType = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = "AZEL 0deg 90deg",
    ) -> dict[str, Any]:
        """The pattern in use. Time, frequency and direction matter to tables of antenna responses only, whose image it is then.

        Raises
        ------
        ParameterError, DataError
            None is in use, or no response fits, or time or frequency is missing.
        UnsupportedError
            The response is no pattern on the sky.
        """
        return self._pattern(telescope, antennatype, obstime, _hertz("freq", freq) if _is_given(freq) else None, obsdirection)

    @method
    def getvps(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        antennas: Annotated[list[str], kinds.TextList(drop_empty=True), "Names of the antennas"] = [],  # noqa: B006 - copied
        obstimestart: Time = "1970/01/01T00:00:00",
        obstimeend: Time = "1970/01/01T00:00:00",
        minfreq: Frequency = "1GHz",
        maxfreq: Frequency = "1GHz",
        obsdirection: Direction = "AZEL 0deg 90deg",
    ) -> dict[str, Any]:
        """The patterns of antennas: each different one as ``uniquebeam_N``, and which one each antenna has at the first and at the last time (`beamindex`).

        A type of antenna is that of the antennas whose names begin with it. Times, frequencies (their middle) and direction matter to tables of antenna responses only.

        Raises
        ------
        ParameterError, DataError
            No antennas are named, or one has no pattern.
        """
        if not antennas:
            raise ParameterError("vpmanager.getvps: parameter 'antennas' must name at least one antenna")
        low, high = _hertz("minfreq", minfreq), _hertz("maxfreq", maxfreq)
        found: list[dict[str, Any]] = []
        which = np.empty((len(antennas), 2), np.uint64)
        for column, time in enumerate((obstimestart, obstimeend)):
            types = sorted((t for t in self._types(telescope, time, [], obsdirection) if t), key=len, reverse=True)
            for number, name in enumerate(antennas):
                kind = next((t for t in types if name.startswith(t)), "")
                record = self._pattern(telescope, kind, time, 0.5 * (low + high), obsdirection)
                same = [k for k, other in enumerate(found) if str(other) == str(record)]
                found += [] if same else [record]
                which[number, column] = same[0] if same else len(found) - 1
        return {"beamindex": which, **{f"uniquebeam_{k}": record for k, record in enumerate(found)}}
