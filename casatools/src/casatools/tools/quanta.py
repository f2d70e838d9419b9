"""The quanta tool: quantities with units, their arithmetic and their texts."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames import arithmetic
from casatools.frames.sexagesimal import ANGLE_FORMS, TIME_FORMS, angle_text, form_flags, require_date, time_text

__all__ = ["quanta"]

Value = Annotated[Any, kinds.Variant(), "A quantity: '10arcsec', a number, a dict with value and unit"]
Other = Annotated[Any, kinds.Variant(), "The second quantity"]
Unit = Annotated[str, kinds.Text(), "A unit such as km/s"]
Forms = Annotated[list, kinds.TextList(), "Forms of the text, in any unambiguous abbreviation"]
Digits = Annotated[int, kinds.Int(min=0), "Digits shown: 2 to degrees or hours, 4 to minutes, more for seconds; 0 is 6"]
ShowForm = Annotated[bool, kinds.Bool(), "Kept for CASA's signature: a single value is written without its form in either case"]
KeepShape = Annotated[bool, kinds.Bool(), "Keep the shape of an array; otherwise it becomes a vector"]

# Units of the SI and its companions; the others of casacore's catalogue are customary.
_SI = frozenset(
    [
        "$",
        "%",
        "%%",
        "A",
        "AE",
        "AU",
        "Bq",
        "C",
        "F",
        "Gy",
        "H",
        "Hz",
        "J",
        "Jy",
        "K",
        "L",
        "M0",
        "N",
        "Ohm",
        "Pa",
        "S",
        "S0",
        "Sv",
        "T",
        "UA",
        "V",
        "W",
        "Wb",
        "_",
        "a",
        "arcmin",
        "arcsec",
        "as",
        "cd",
        "cy",
        "d",
        "deg",
        "g",
        "h",
        "l",
        "lm",
        "lx",
        "m",
        "min",
        "mol",
        "pc",
        "rad",
        "s",
        "sr",
        "t",
    ]
)
_CONSTANT_NAMES = {
    "pi": "3.14..", "ee": "2.71..", "c": "light vel.", "G": "grav. const", "h": "Planck const", "HI": "HI line", "R": "gas const",
    "NA": "Avogadro #", "e": "electron charge", "mp": "proton mass", "mp_me": "mp/me", "mu0": "permeability vac.",
    "epsilon0": "permittivity vac.", "k": "Boltzmann const", "F": "Faraday const", "me": "electron mass", "re": "electron radius",
    "a0": "Bohr's radius", "R0": "solar radius", "k2": "IAU grav. const^2",
}  # fmt: skip
_TABLES = ("all", "Prefix", "SI", "Custom", "User", "Constants")


def _unary(name: str, value: Any) -> dict[str, Any]:
    return arithmetic.to_record(arithmetic.apply(name, value))


def _binary(name: str, value: Any, other: Any) -> dict[str, Any]:
    return arithmetic.to_record(arithmetic.apply(name, value, other))


class quanta:
    """Quantities with units: ``quanta().convert("1km", "m")``."""

    # -- arithmetic ---------------------------------------------------------------------------------------------------

    @method
    def abs(self, v: Value = []) -> dict:  # noqa: B006 - CASA's default
        """Absolute value."""
        return _unary("abs", v)

    @method
    def acos(self, v: Value = []) -> dict:  # noqa: B006
        """Arc cosine of a number, in rad."""
        return _unary("acos", v)

    @method
    def add(self, v: Value = [], a: Other = []) -> dict:  # noqa: B006
        """Sum, in the unit of the first."""
        return _binary("add", v, a)

    @method
    def asin(self, v: Value = []) -> dict:  # noqa: B006
        """Arc sine of a number, in rad."""
        return _unary("asin", v)

    @method
    def atan(self, v: Value = []) -> dict:  # noqa: B006
        """Arc tangent of a number, in rad."""
        return _unary("atan", v)

    @method
    def atan2(self, v: Value = [], a: Other = []) -> dict:  # noqa: B006
        """Angle of two numbers, in rad."""
        return _binary("atan2", v, a)

    @method
    def ceil(self, v: Value = []) -> dict:  # noqa: B006
        """Next whole number upwards."""
        return _unary("ceil", v)

    @method
    def cos(self, v: Value = []) -> dict:  # noqa: B006
        """Cosine of an angle."""
        return _unary("cos", v)

    @method
    def div(self, v: Value = [], a: Other = []) -> dict:  # noqa: B006
        """Quotient with its unit."""
        return _binary("div", v, a)

    @method
    def exp(self, v: Value = []) -> dict:  # noqa: B006
        """Exponential of a number."""
        return _unary("exp", v)

    @method
    def floor(self, v: Value = []) -> dict:  # noqa: B006
        """Next whole number downwards."""
        return _unary("floor", v)

    @method
    def log(self, v: Value = []) -> dict:  # noqa: B006
        """Natural logarithm of a number."""
        return _unary("log", v)

    @method
    def log10(self, v: Value = []) -> dict:  # noqa: B006
        """Decimal logarithm of a number."""
        return _unary("log10", v)

    @method
    def mul(self, v: Value = [], a: Other = []) -> dict:  # noqa: B006
        """Product with its unit."""
        return _binary("mul", v, a)

    @method
    def neg(self, v: Value = []) -> dict:  # noqa: B006
        """The negative."""
        return arithmetic.to_record(-arithmetic.read_scalar(v))

    @method
    def pow(self, v: Value = [], a: Annotated[int, kinds.Int(), "Exponent"] = 1) -> dict:  # noqa: B006
        """Whole power with its unit."""
        return arithmetic.to_record(arithmetic.power(v, a))

    @method
    def sin(self, v: Value = []) -> dict:  # noqa: B006
        """Sine of an angle."""
        return _unary("sin", v)

    @method
    def sqrt(self, v: Value = []) -> dict:  # noqa: B006
        """Square root with its unit."""
        return _unary("sqrt", v)

    @method
    def sub(self, v: Value = [], a: Other = []) -> dict:  # noqa: B006
        """Difference, in the unit of the first."""
        return _binary("sub", v, a)

    @method
    def tan(self, v: Value = []) -> dict:  # noqa: B006
        """Tangent of an angle."""
        return _unary("tan", v)

    # -- comparison ---------------------------------------------------------------------------------------------------

    @method
    def compare(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """True when the dimensions are equal."""
        return arithmetic.apply("compare", v, a)

    @method
    def eq(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Equal."""
        return arithmetic.apply("eq", v, a)

    @method
    def ne(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Not equal."""
        return arithmetic.apply("ne", v, a)

    @method
    def lt(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Whether one quantity is less than another."""
        return arithmetic.apply("lt", v, a)

    @method
    def gt(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Greater."""
        return arithmetic.apply("gt", v, a)

    @method
    def le(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Whether one quantity is at most another."""
        return arithmetic.apply("le", v, a)

    @method
    def ge(self, v: Value = [], a: Other = []) -> bool:  # noqa: B006
        """Greater or equal."""
        return arithmetic.apply("ge", v, a)

    @method
    def check(self, v: Unit) -> bool:
        """True when the text is a unit."""
        return arithmetic.is_unit_text(v)

    @method
    def isangle(self, v: Value = []) -> bool:  # noqa: B006
        """True for an angle or a time."""
        return str(arithmetic.read_quantity(v).canonical().get_unit()) in ("rad", "s")

    @method
    def isquantity(self, v: Value = []) -> bool:  # noqa: B006
        """True for a text that is a quantity, or a record of one with a floating-point value."""
        if isinstance(v, dict) and not isinstance(v.get("value"), (float, list, np.ndarray)):
            return False
        if not isinstance(v, (str, dict)):
            return False
        try:
            arithmetic.read_quantity(v)
        except ParameterError:
            return False
        return True

    @method
    def checkfreq(self, cm: Value = []) -> bool:  # noqa: B006
        """True for a frequency, a period, a wavelength, a wave number, an energy or a momentum."""
        return arithmetic.is_frequency_like(cm)

    # -- making and converting ----------------------------------------------------------------------------------------

    @method
    def quantity(self, v: Value = [], unitname: Unit = "", keepshape: KeepShape = False) -> dict:  # noqa: B006
        """Make a quantity from a text, or a number or array and a unit."""
        return _make(v, unitname, keepshape)

    @method
    def unit(self, v: Value = [], unitname: Unit = "", keepshape: KeepShape = False) -> dict:  # noqa: B006
        """Make a quantity; the same as `quantity`."""
        return _make(v, unitname, keepshape)

    @method
    def canon(self, v: Value = []) -> dict:  # noqa: B006
        """The quantity in SI units."""
        return arithmetic.to_record(arithmetic.canonical(v))

    @method
    def canonical(self, v: Value = []) -> dict:  # noqa: B006
        """The quantity in SI units."""
        return arithmetic.to_record(arithmetic.canonical(v))

    @method
    def convert(self, v: Value = [], outunit: Other = []) -> dict:  # noqa: B006
        """The quantity in another unit; what does not conform stays in the unit of the result."""
        return arithmetic.converted_record(v, outunit)

    @method
    def convertdop(self, v: Value = [], outunit: Unit = "km/s") -> dict:  # noqa: B006
        """A velocity, or a fraction of the velocity of light, in another unit."""
        return arithmetic.to_record(arithmetic.converted_doppler(v, outunit))

    @method
    def convertfreq(self, v: Value = [], outunit: Unit = "Hz") -> dict:  # noqa: B006
        """A frequency, wavelength, period, energy, ... as another of these."""
        return arithmetic.to_record(arithmetic.converted_frequency(v, outunit))

    @method
    def define(self, name: Annotated[str, kinds.Text(empty=False), "Name of the new unit"], v: Value = []) -> bool:  # noqa: B006
        """Define a unit for this session."""
        arithmetic.define_unit(name, v)
        return True

    @method
    def norm(self, v: Value = [], a: Annotated[float, kinds.Float(), "Start of the turn, in turns"] = -0.5) -> dict:  # noqa: B006
        """An angle in degrees within one turn."""
        return arithmetic.to_record(arithmetic.normalised(v, a))

    @method
    def toangle(self, v: Value = []) -> dict:  # noqa: B006
        """A time as an angle; an angle stays."""
        return arithmetic.to_record(arithmetic.as_angle(v))

    @method
    def totime(self, v: Value = []) -> dict:  # noqa: B006
        """An angle as a time; a time stays."""
        return arithmetic.to_record(arithmetic.as_time(v))

    @method
    def getunit(self, v: Value = []) -> str:  # noqa: B006
        """The unit."""
        return str(arithmetic.read_quantity(v).get_unit())

    @method
    def getvalue(self, v: Value = []) -> np.ndarray:  # noqa: B006
        """The number, or the numbers of a vector, as an array; a bare list has no value, as in CASA."""
        if isinstance(v, (list, np.ndarray)) and not any(isinstance(item, (str, dict)) for item in v):
            return np.array([0.0])
        return np.atleast_1d(np.asarray(arithmetic.read_quantity(v).get_value(), dtype=np.float64))

    @method
    def constants(self, v: Annotated[str, kinds.Text(), "Name of the constant, such as c, G, HI"] = "pi") -> dict:
        """A physical constant.

        Raises
        ------
        ParameterError
            There is no such constant.

        References
        ----------
        The values are those of casacore: CODATA 1986 (Cohen & Taylor 1987, Rev. Mod. Phys. 59, 1121).
        """
        names = arithmetic.CONSTANTS
        name = "epsilon0" if v == "eps0" else v
        found = name if name in names else next((n for n in names if n.lower() == name.lower()), None)
        if found is None:
            raise ParameterError(f"quanta.constants: {v!r} is unknown; allowed are {', '.join(names)}")
        value, unit = names[found]
        return {"unit": unit, "value": value}

    @method
    def fits(self) -> bool:
        """Make the units of FITS known; they always are."""
        return True

    # -- texts --------------------------------------------------------------------------------------------------------

    @method
    def angle(self, v: Value = [], prec: Digits = 0, form: Forms = [], showform: ShowForm = False) -> list:  # noqa: B006
        """An angle or time as a text of degrees, or of hours with form 'time'."""
        return [angle_text(_degrees(v), prec, form_flags(form, ANGLE_FORMS))]

    @method
    def time(self, v: Value = [], prec: Digits = 0, form: Forms = [], showform: ShowForm = False) -> list:  # noqa: B006
        """A time or angle as a text of a clock and, with forms such as 'ymd', a date."""
        return [time_text(_days(v), prec, form_flags(form, TIME_FORMS))]

    @method
    def formxxx(
        self,
        v: Value = [],  # noqa: B006
        format: Annotated[str, kinds.Text(), "dms, hms, deg, +deg or rad, in any case"] = "dms",
        prec: Annotated[int, kinds.Int(min=0), "Decimals of the seconds"] = 2,
    ) -> str:
        """An angle in one of four formats: from -180 to 180 degrees, 0 to 360 with +deg, 0 to 24 hours."""
        degrees, form = _degrees(v), format.lower()
        if form != "hms":
            degrees = degrees % 360.0 if form == "+deg" else (degrees + 180.0) % 360.0 - 180.0
        if form == "dms":
            return angle_text(degrees, 7 + prec)
        if form == "hms":
            return angle_text(degrees, max(6 + prec, 6), frozenset({"TIME"}))
        if form in ("deg", "+deg"):
            return f"{degrees:.6g}"
        if form == "rad":
            return f"{math.radians(degrees):.6g}"
        raise ParameterError(f"quanta.formxxx: parameter 'format' must be one of dms, hms, deg, +deg, rad; got {format!r}")

    @method
    def tos(self, v: Value = [], prec: Annotated[int, kinds.Int(min=0), "Decimals"] = 9) -> str:  # noqa: B006
        """A quantity as a text with fixed decimals."""
        quantity = arithmetic.read_scalar(v)
        return f"{quantity.get_value():.{prec}f}{quantity.get_unit()}"

    @method
    def splitdate(self, v: Value = []) -> dict:  # noqa: B006
        """The parts of a date and time.

        Returns
        -------
        dict
            mjd, year, month, monthday, yearday, week, weekday (1 is Monday), hour, min, sec, s, msec, usec.
        """
        mjd = _days(v)
        date = require_date(mjd)
        day = math.floor(mjd)
        hours = (mjd - day) * 24.0
        minutes = (hours - math.floor(hours)) * 60.0
        seconds = (minutes - math.floor(minutes)) * 60.0
        return {
            "hour": math.floor(hours),
            "min": math.floor(minutes),
            "mjd": mjd,
            "month": date.month,
            "monthday": date.day,
            "msec": math.floor((seconds % 1.0) * 1e3),
            "s": seconds,
            "sec": math.floor(seconds),
            "usec": math.floor((seconds % 1.0) * 1e6),
            "week": date.isocalendar().week,
            "weekday": date.isoweekday(),
            "year": date.year,
            "yearday": date.timetuple().tm_yday,
        }

    @method
    def getformat(self, t: Annotated[str, kinds.Text(), "Name of a format"] = "") -> str:
        """The format in force for a kind of quantity; CASA's tool has the one format ``F``."""
        return "F"

    @method
    def setformat(
        self, t: Annotated[str, kinds.Text(), "Name of a format"] = "", v: Annotated[str, kinds.Text(), "Its new value"] = "F"
    ) -> bool:
        """Formats cannot be changed; always False, as CASA's tool answers."""
        return False

    # -- catalogue ----------------------------------------------------------------------------------------------------

    @method
    def map(self, v: Annotated[str, kinds.Text(), "all, prefix, si, custom, user or const"] = "all") -> str:
        """The known units or constants as a text."""
        tables = _tables_named(v)
        if tables == ["Constants"]:
            lines = [
                f"{'eps0' if name == 'epsilon0' else name:<5} {_CONSTANT_NAMES.get(name, ''):<17}\t\t{value:.6g} {unit}"
                for name, (value, unit) in arithmetic.CONSTANTS.items()
            ]
            return "== Constants ====\n" + "\n".join(lines) + "\n"
        return "".join(f"== {name} ====\n" + "".join(f"    {line}\n" for _, line in _entries(name)) for name in tables)

    @method
    def maprec(self, v: Annotated[str, kinds.Text(), "all, prefix, si, custom or user"] = "all") -> dict:
        """The known units as a record of texts."""
        tables = _tables_named(v)
        if tables == ["Constants"]:
            return {"Error": "Unknown mapping requested"}
        out: dict[str, str] = {}
        for name in tables:
            entries = _entries(name)
            out[f"== {name} =="] = f"== {name} ==== {len(entries)} ===="
            out.update({f"{name}_{key}": line for key, line in entries})
        return out

    @method
    def done(self, kill: Annotated[bool, kinds.Bool(), "Kept for CASA's signature; there is nothing to end"] = False) -> bool:
        """End the tool."""
        return True

    @method
    def type(self) -> str:
        """The kind of the tool."""
        return "quanta"


def _make(value: Any, unit: str, keepshape: bool) -> dict[str, Any]:
    if isinstance(value, (str, dict)):
        return arithmetic.to_record(arithmetic.read_quantity(value))
    if isinstance(value, (list, np.ndarray)):
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            return arithmetic.to_record(arithmetic.read_quantity(value))
        if not array.size:
            return {"unit": "", "value": 0.0}
        made = arithmetic.to_record(arithmetic.with_unit(array.ravel(order="F"), unit))
        return {"unit": made["unit"], "value": array.copy()} if keepshape else made
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"quanta.quantity: {value!r} is not a number or a text") from None
    return arithmetic.to_record(arithmetic.with_unit(number, unit))


def _degrees(value: Any) -> float:
    return math.degrees(arithmetic.canonical(arithmetic.to_record(arithmetic.as_angle(value))).get_value())


def _days(value: Any) -> float:
    quantity = arithmetic.as_time(value)
    return float(quantity.get("d").get_value())


def _tables_named(text: str) -> list[str]:
    name = next((t for t in _TABLES if text and (t.lower().startswith(text.lower()) or text.lower().startswith(t.lower()))), None)
    if name is None:
        raise ParameterError(f"quanta.map: parameter 'v' must be one of all, prefix, si, custom, user, const; got {text!r}")
    return ["Prefix", "SI", "Custom", "User"] if name == "all" else [name]


def _entries(table: str) -> list[tuple[str, str]]:
    """``(name, line)`` of one table of the catalogue, in order of name."""
    if table == "Prefix":
        found = {k: (full, f"{value:.12g}") for k, (full, value, _) in arithmetic.PREFIXES.items()}
    elif table == "User":
        sizes = {k: arithmetic.with_unit(*size).canonical() for k, size in arithmetic.defined_units().items()}
        found = {k: ("User defined", f"{size.get_value():.12g} {size.get_unit()}".rstrip()) for k, size in sizes.items()}
        found["pix"] = ("pixel units", "1")
    else:
        chosen = {k: v for k, v in arithmetic.UNITS.items() if (k in _SI) == (table == "SI") and k != "kg"}  # a prefix and g
        found = {k: (full, f"{value:.12g} {unit}".rstrip()) for k, (full, value, unit) in chosen.items()}
    return [(k, f"{k:<9} {'(' + found[k][0] + ')':<29}{found[k][1]}") for k in sorted(found)]
