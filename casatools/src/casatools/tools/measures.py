"""The measures tool: directions, epochs, positions, frequencies, velocities and baselines in their reference frames."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames import arithmetic
from casatools.frames.directions import Direction, angular_separation, offset_direction, position_angle
from casatools.frames.engine import epoch_record
from casatools.frames.frequencies import frequency_to_velocity
from casatools.frames.measure_records import BODIES, MeasureFrame, known_observatories, measure_kind, require_measure
from casatools.frames.quantities import to_unit

__all__ = ["measures"]

Frame = Annotated[str, kinds.Text(), "Reference, such as J2000, UTC, ITRF, LSRK, RADIO"]
First = Annotated[Any, kinds.Variant(), "First value: longitude, time, frequency, velocity or x"]
Second = Annotated[Any, kinds.Variant(), "Second value: latitude or y"]
Third = Annotated[Any, kinds.Variant(), "Third value: height, length or z"]
Offset = Annotated[dict, kinds.Record(), "A measure to which the values are relative"]
Measure = Annotated[dict, kinds.Record(), "A measure record"]
Angle = Annotated[Any, kinds.Variant(), "A quantity"]
Crd = Annotated[Any, kinds.Variant(), "A direction measure"]


def _degrees(radians: float) -> dict[str, Any]:
    return {"unit": "deg", "value": float(np.degrees(radians))}


def _radians(value: Any) -> float:
    return float(arithmetic.canonical(arithmetic.to_record(arithmetic.as_angle(value))).get_value())


class measures:
    """Physical quantities with a reference frame; ``doframe`` sets what conversions need."""

    def __init__(self) -> None:
        self._frame = MeasureFrame()

    # -- making -------------------------------------------------------------------------------------------------------

    @method
    def direction(self, rf: Frame = "J2000", v0: First = [], v1: Second = [], off: Offset = {}) -> dict:  # noqa: B006
        """A direction, or a planet with its name as `rf`."""
        return self._frame.make("direction", rf, [v0, v1], off)

    @method
    def epoch(self, rf: Frame = "UTC", v0: First = [], off: Offset = {}) -> dict:  # noqa: B006
        """An epoch; ``'today'`` is this moment."""
        return self._frame.make("epoch", rf, [v0], off)

    @method
    def position(self, rf: Frame = "WGS84", v0: First = [], v1: Second = [], v2: Third = [], off: Offset = {}) -> dict:  # noqa: B006
        """A position by longitude, latitude and height, or by three lengths."""
        return self._frame.make("position", rf, [v0, v1, v2], off)

    @method
    def frequency(self, rf: Frame = "LSRK", v0: First = [], off: Offset = {}) -> dict:  # noqa: B006
        """A frequency; a wavelength, period or energy is converted."""
        return self._frame.make("frequency", rf, [v0], off)

    @method
    def doppler(self, rf: Frame = "RADIO", v0: First = [], off: Offset = {}) -> dict:  # noqa: B006
        """A Doppler velocity or ratio."""
        return self._frame.make("doppler", rf, [v0], off)

    @method
    def radialvelocity(self, rf: Frame = "LSRK", v0: First = [], off: Offset = {}) -> dict:  # noqa: B006
        """A radial velocity."""
        return self._frame.make("radialvelocity", rf, [v0], off)

    @method
    def baseline(self, rf: Frame = "ITRF", v0: First = [], v1: Second = [], v2: Third = [], off: Offset = {}) -> dict:  # noqa: B006
        """A baseline by three lengths, or two angles and a length."""
        return self._frame.make("baseline", rf, [v0, v1, v2], off)

    @method
    def uvw(self, rf: Frame = "ITRF", v0: First = [], v1: Second = [], v2: Third = [], off: Offset = {}) -> dict:  # noqa: B006
        """A uvw by three lengths, or two angles and a length."""
        return self._frame.make("uvw", rf, [v0, v1, v2], off)

    @method
    def earthmagnetic(self, rf: Frame = "IGRF", v0: First = [], v1: Second = [], v2: Third = [], off: Offset = {}) -> dict:  # noqa: B006
        """A magnetic field of the Earth; IGRF without values stands for the model."""
        return self._frame.make("earthmagnetic", rf, [v0, v1, v2], off)

    @method
    def asbaseline(self, pos: Measure) -> dict:
        """A position as a baseline from the centre of the Earth, in J2000 for the frame."""
        if require_measure(pos, ("position", "baseline")) == "baseline":
            return pos
        itrf = self._frame.convert(pos, "ITRF")
        return self._frame.convert({**itrf, "type": "baseline"}, "J2000")

    @method
    def observatory(self, name: Annotated[str, kinds.Text(), "Name of the observatory"] = "ALMA") -> dict:
        """Position of an observatory."""
        found = next((n for n in known_observatories() if n.upper() == name.strip().upper()), None)
        if found is None:
            raise ParameterError(f"measures.observatory: {name!r} is not in the measures data; obslist() names them")
        return self._frame.named("observatory", found)

    @method
    def obslist(self) -> list:
        """Names of the observatories."""
        return known_observatories()

    @method
    def source(self, name: Annotated[Any, kinds.Variant(), "Name of the source, or a direction measure"] = []) -> dict:  # noqa: B006
        """Direction of a source of the measures data."""
        if isinstance(name, dict):
            require_measure(name, ("direction",))
            return name
        if not isinstance(name, str) or not name:
            raise ParameterError(f"measures.source: parameter 'name' must be the name of a source; got {name!r}")
        return self._frame.named("source", name)

    @method
    def sourcelist(self) -> str:
        """Names of the sources, in one string."""
        return " ".join(str(s) for s in _names(self._frame.call("srclist")))

    @method
    def spectralline(self, name: Annotated[str, kinds.Text(), "Name of the line"] = "HI") -> dict:
        """Rest frequency of a spectral line."""
        return self._frame.named("line", name)

    @method
    def linelist(self) -> str:
        """Names of the spectral lines, in one string."""
        return " ".join(str(s) for s in _names(self._frame.call("linelist")))

    # -- frame and conversion -----------------------------------------------------------------------------------------

    @method
    def doframe(self, v: Measure) -> bool:
        """Make a measure part of the frame."""
        return self._frame.set_frame(v)

    @method
    def framenow(self) -> bool:
        """Set the epoch of the frame to this moment."""
        return self._frame.set_frame(epoch_record(time.time() + 40587.0 * 86400.0))

    @method
    def showframe(self) -> str:
        """The frame as a text: its epoch, position and direction; what was not set is day 0, the Earth's centre, the pole."""
        frame = self._frame.frame
        day = {"type": "epoch", "refer": "UTC", "m0": {"value": 0.0, "unit": "d"}}
        epoch = frame.get("epoch", day)
        # The tables of the Earth's rotation do not reach back to day 0.
        scales = {s: float(self._frame.convert(epoch, s)["m0"]["value"]) for s in ("UTC", "TDB", "TT")}
        scales["UT1"] = float(self._frame.convert(epoch, "UT1")["m0"]["value"]) if "epoch" in frame else 0.0
        place, sky = frame.get("position"), frame.get("direction")
        lon, lat, radius = (
            [float(self._frame.convert(place, "ITRF")[k]["value"]) for k in ("m0", "m1", "m2")] if place else [0.0, 0.0, 0.0]
        )
        ra, dec = [float(self._frame.convert(sky, "J2000")[k]["value"]) for k in ("m0", "m1")] if sky else [0.0, math.pi / 2]
        clock = _clock_text(round(scales["UTC"] * 864000000.0))
        shown = [
            f"Epoch: {clock} (TDB = {scales['TDB']:.6g}, UT1 = {scales['UT1']:.6g}, TT = {scales['TT']:.6g})",
            f"Position: {_vector_text(lon, lat, radius)}\n        (Longitude = {lon:.6g} Latitude = {lat:.6g})",
            f"Direction: {_vector_text(ra, dec, 1.0)}\n        (J2000 = [{math.degrees(ra):.6g}, {math.degrees(dec):.6g}] deg)",
        ]
        return "Frame: " + "\n       ".join(shown)

    @method
    def framecomet(self, v: Annotated[str, kinds.Text(), "Path of an ephemeris table, or its name in CASA's data"] = "") -> bool:
        """Make an ephemeris table part of the frame: ``direction('COMET')`` is its object at the frame's epoch.

        Raises
        ------
        PathMissingError, DataError
            There is no such table, or it is not an ephemeris.
        """
        from casatools.frames.comets import Comet

        self._frame.comet = Comet(v)
        return True

    @method
    def measure(self, v: Measure, rf: Frame, off: Offset = {}) -> dict:  # noqa: B006
        """Convert a measure to another reference by the frame."""
        return self._frame.convert(v, rf, off)

    @method
    def listcodes(self, ms: Measure) -> dict:
        """The references of a kind of measure: normal and extra ones."""
        require_measure(ms)
        found = self._frame.call("list_codes", ms)
        return {k: np.array([str(n) for n in found[k]], dtype=str) for k in ("extra", "normal")}

    @method
    def todoppler(self, rf: Frame, v0: Measure, rfq: Annotated[Any, kinds.Variant(), "Rest frequency"] = []) -> dict:  # noqa: B006
        """Doppler velocity of a frequency with a rest frequency, or of a radial velocity."""
        if require_measure(v0, ("frequency", "radialvelocity")) == "radialvelocity":
            true = float(arithmetic.canonical(v0["m0"]).get_value())
        else:
            rest = float(arithmetic.canonical(_rest(rfq)).get_value())
            true = frequency_to_velocity(float(arithmetic.canonical(v0["m0"]).get_value()), rest, "BETA")
        return self._frame.convert(_doppler_record(true), rf)

    @method
    def tofrequency(self, rf: Frame, v0: Measure, rfq: Measure) -> dict:
        """Frequency of a Doppler velocity with a rest frequency."""
        require_measure(v0, ("doppler",))
        return self._frame.named_record("to_frequency", rf, v0, _rest(rfq))

    @method
    def toradialvelocity(self, rf: Frame, v0: Measure) -> dict:
        """Radial velocity of a Doppler velocity."""
        require_measure(v0, ("doppler",))
        true = self._frame.convert(v0, "TRUE")["m0"]
        return self._frame.make("radialvelocity", rf, [true])

    @method
    def torestfrequency(self, v0: Measure, d0: Measure) -> dict:
        """Rest frequency of a frequency and a Doppler velocity."""
        require_measure(v0, ("frequency",))
        require_measure(d0, ("doppler",))
        return self._frame.named_record("to_restfrequency", v0, d0)

    @method
    def touvw(self, v: Measure = {}) -> tuple[dict, dict, dict]:  # noqa: B006
        """uvw of a baseline for the frame: measure, coordinates in m, rates in m/s."""
        require_measure(v, ("baseline",))
        measure, xyz, rates = self._frame.uvw(v)
        return measure, {"unit": "m", "value": xyz}, {"unit": "m/s", "value": rates}

    @method
    def expand(self, v: Measure = {}) -> tuple[dict, dict]:  # noqa: B006
        """Baselines between all positions of a measure with several: measure, differences in m; of one position itself."""
        require_measure(v, ("baseline", "position", "uvw"))
        xyz = np.atleast_2d(_cartesian(v).T)
        pairs = [(i, j) for i in range(len(xyz)) for j in range(i + 1, len(xyz))]
        differences = np.array([xyz[j] - xyz[i] for i, j in pairs]) if pairs else xyz
        x, y, z = differences.T
        spherical = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y)), np.sqrt((differences**2).sum(axis=1))
        out = {
            **{
                name: {"unit": unit, "value": values if pairs else float(values[0])}
                for name, unit, values in zip(("m0", "m1", "m2"), ("rad", "rad", "m"), spherical)
            },
            "refer": v["refer"],
            "type": v["type"],
        }
        return out, {"unit": "m", "value": differences.ravel()}

    # -- geometry -----------------------------------------------------------------------------------------------------

    def _pair(self, m1: dict, m2: dict) -> tuple[dict, dict]:
        """Two directions in the reference of the first, in J2000 where that is a planet or comet."""
        for measure in (m1, m2):
            require_measure(measure, ("direction",))
        first, frame = m1, str(m1["refer"]).upper()
        if frame in BODIES or frame == "COMET":
            first, frame = self._sky(m1), "J2000"
        second = m2 if str(m2["refer"]).upper() == frame else self._frame.convert(m2, frame)
        return first, second

    def _sky(self, measure: dict) -> dict:
        """A direction; that of a planet or comet in J2000, where it is at the frame's epoch."""
        if str(measure["refer"]).upper() not in BODIES | {"COMET"}:
            return measure
        found = self._frame.convert(measure, "J2000")
        if not all(math.isfinite(float(found[k]["value"])) for k in ("m0", "m1")):
            raise ParameterError(
                f"measures: the direction of {measure['refer']} is not known; set the frame's epoch with doframe"
            )
        return found

    @method
    def separation(self, m1: Measure, m2: Measure) -> dict:
        """Angle between two directions, in deg."""
        a, b = self._pair(m1, m2)
        return _degrees(float(angular_separation(a["m0"]["value"], a["m1"]["value"], b["m0"]["value"], b["m1"]["value"])))

    @method
    def posangle(self, m1: Measure, m2: Measure) -> dict:
        """Position angle of the second direction seen from the first, in deg, from north through east."""
        a, b = self._pair(m1, m2)
        return _degrees(float(position_angle(a["m0"]["value"], a["m1"]["value"], b["m0"]["value"], b["m1"]["value"])))

    @method
    def shift(self, v: Measure = {}, offset: Angle = [], pa: Angle = []) -> dict:  # noqa: B006
        """The direction at an offset and position angle from another."""
        require_measure(v, ("direction",))
        v = self._sky(v)
        start = Direction(_radians(v["m0"]), _radians(v["m1"]), str(v["refer"]))
        end = offset_direction(start, _radians(offset), _radians(pa))
        return {
            "m0": {"unit": "rad", "value": end.lon_rad},
            "m1": {"unit": "rad", "value": end.lat_rad},
            "refer": end.frame,
            "type": "direction",
        }

    def _hour_angle(self, crd: Any, ev: Any) -> tuple[dict, float | str]:
        """Apparent direction, and the hour angle at which it sets, or above, or below."""
        require_measure(crd, ("direction",))
        place = self._frame.frame.get("position")
        if place is None:
            raise ParameterError("measures.rise: the frame has no position; set it with doframe")
        latitude = _radians(self._frame.convert(place, "ITRF")["m1"])
        apparent = self._frame.convert(crd, "APP")
        limit = 0.0 if isinstance(ev, (list, str)) and not ev else _radians(ev)
        declination = self._frame.convert(crd, "HADEC")["m1"]["value"]
        cos_h = (math.sin(limit) - math.sin(declination) * math.sin(latitude)) / (math.cos(declination) * math.cos(latitude))
        if cos_h >= 1.0:
            return apparent, "below"
        return apparent, "above" if cos_h <= -1.0 else math.acos(cos_h)

    @method
    def rise(self, crd: Crd = [], ev: Angle = []) -> dict:  # noqa: B006
        """Sidereal angles at which a direction rises and sets; ``above`` or ``below`` when it does neither."""
        apparent, hour_angle = self._hour_angle(crd, ev)
        if isinstance(hour_angle, str):
            return {"rise": hour_angle, "set": hour_angle}
        lon = apparent["m0"]["value"]
        return {"rise": {"unit": "rad", "value": lon - hour_angle}, "set": {"unit": "rad", "value": lon + hour_angle}}

    @method
    def riseset(self, crd: Crd = [], ev: Angle = []) -> dict:  # noqa: B006
        """Epochs (LAST and UTC) at which a direction rises and sets on the day of the frame."""
        apparent, hour_angle = self._hour_angle(crd, ev)
        if isinstance(hour_angle, str):
            return {"rise": hour_angle, "set": hour_angle}
        epoch = self._frame.frame.get("epoch")
        if epoch is None:
            raise ParameterError("measures.riseset: the frame has no epoch; set it with doframe")
        day = math.floor(self._frame.convert(epoch, "LAST")["m0"]["value"])
        out: dict[str, Any] = {}
        # The rise is the one nearest to the beginning of the sidereal day; the setting follows it.
        first = ((apparent["m0"]["value"] - hour_angle) / (2 * math.pi) + 0.5) % 1.0 - 0.5
        for name, turns in (("rise", first), ("set", first + hour_angle / math.pi)):
            last = {"type": "epoch", "refer": "LAST", "m0": {"value": day + turns, "unit": "d"}}
            out[name] = {"last": self._frame.convert(last, "LAST"), "utc": self._frame.convert(last, "UTC")}
        return out

    # -- parts and texts ----------------------------------------------------------------------------------------------

    @method
    def addxvalue(self, a: Measure) -> dict:
        """Cartesian coordinates of a measure with several values."""
        kind = require_measure(a)
        if kind not in ("direction", "position", "baseline", "uvw", "earthmagnetic"):
            return {}
        return {"unit": "" if kind == "direction" else "m", "value": _cartesian(a).ravel(order="F")}

    @method
    def getvalue(self, v: Measure) -> dict:
        """The values of a measure."""
        require_measure(v)
        return {k: v[k] for k in ("m0", "m1", "m2") if k in v}

    @method
    def gettype(self, v: Measure) -> str:
        """The kind of a measure, as CASA writes it."""
        return _type_name(require_measure(v))

    @method
    def getref(self, v: Measure) -> str:
        """The reference of a measure."""
        require_measure(v)
        return str(v["refer"])

    @method
    def getoffset(self, v: Measure) -> dict:
        """The offset of a measure; {} when it has none."""
        require_measure(v)
        return dict(v.get("offset", {}))

    @method
    def ismeasure(self, v: Measure) -> bool:
        """True for a measure record."""
        return bool(measure_kind(v))

    @method
    def show(self, v: Measure, refcode: Annotated[bool, kinds.Bool(), "With the reference"] = True) -> str:
        """A measure as a text."""
        require_measure(v)
        return _text(v, refcode)

    @method
    def dirshow(self, v: Measure) -> str:
        """A direction as a text in degrees; another measure with its coordinates along three axes, or with the time of day."""
        kind = require_measure(v)
        if kind != "direction":
            return f"{_type_name(kind)}: {_plain_text(kind, v)}  {v['refer']}"
        lon, lat = (math.degrees(_radians(v[k])) for k in ("m0", "m1"))
        return f"[{lon:.6g}, {lat:.6g}] deg  {v['refer']}"

    # -- comets -------------------------------------------------------------------------------------------------------

    @method
    def cometname(self) -> str:
        """Name of the object of the ephemeris in force; "" without one."""
        return "" if self._frame.comet is None else self._frame.comet.name

    @method
    def comettype(self) -> str:
        """APP for an ephemeris of the Earth's centre, TOPO for one of a place; none without one."""
        return "none" if self._frame.comet is None else ("TOPO" if self._frame.comet.is_topocentric else "APP")

    @method
    def comettopo(self) -> dict:
        """Place of the ephemeris, metres from the Earth's centre; no unit for one of the centre."""
        comet = self._frame.comet
        if comet is None or not comet.is_topocentric:
            return {"unit": "", "value": np.zeros(1)}
        return {"unit": "m", "value": comet.place_m}

    @method
    def cometdist(self) -> dict:
        """Distance of the object at the frame's epoch; -1 AU without an ephemeris."""
        if self._frame.comet is None:
            return {"unit": "AU", "value": -1.0}
        comet, mjd = self._frame.comet_time()
        return {"unit": "AU", "value": comet.distance_au(mjd)}

    @method
    def cometangdiam(self) -> dict:
        """Angular diameter of the object at the frame's epoch; -1 rad without an ephemeris or a radius in it."""
        if self._frame.comet is None:
            return {"unit": "rad", "value": -1.0}
        comet, mjd = self._frame.comet_time()
        return {"unit": "rad", "value": comet.diameter_rad(mjd)}

    @method
    def done(self) -> bool:
        """End the tool; the frame is forgotten."""
        self._frame = MeasureFrame()
        return True

    @method
    def type(self) -> str:
        """The kind of the tool."""
        return "measures"


def _names(found: Any) -> list[str]:
    return found.split() if isinstance(found, str) else [str(n) for n in found]


def _rest(value: Any) -> dict[str, Any]:
    """A rest frequency as a quantity record, from a measure or a quantity."""
    if isinstance(value, dict) and "m0" in value:
        require_measure(value, ("frequency",))
        return dict(value["m0"])
    if isinstance(value, (list, str)) and not value:
        raise ParameterError("measures: a rest frequency is needed")
    return arithmetic.to_record(arithmetic.converted_frequency(value, "Hz"))


def _doppler_record(true_m_s: float) -> dict[str, Any]:
    return {"type": "doppler", "refer": "TRUE", "m0": {"value": true_m_s, "unit": "m/s"}}


def _cartesian(measure: dict[str, Any]) -> np.ndarray:
    """Cartesian coordinates (3, n) or (3,) of a measure's two angles and length."""
    lon, lat = np.asarray(measure["m0"]["value"], dtype=float), np.asarray(measure["m1"]["value"], dtype=float)
    length = np.asarray(measure["m2"]["value"], dtype=float) if "m2" in measure else 1.0
    return np.array([length * np.cos(lat) * np.cos(lon), length * np.cos(lat) * np.sin(lon), length * np.sin(lat)])


def _vector_text(lon: float, lat: float, length: float) -> str:
    xyz = (length * math.cos(lat) * math.cos(lon), length * math.cos(lat) * math.sin(lon), length * math.sin(lat))
    return "[" + ", ".join(f"{0.0 if abs(v) < 1e-15 * length else v:.6g}" for v in xyz) + "]"


def _type_name(kind: str) -> str:
    return {"uvw": "uvw", "earthmagnetic": "EarthMagnetic"}.get(kind, kind.capitalize())


def _plain_text(kind: str, measure: dict[str, Any]) -> str:
    """The values of a measure that is not a direction, without their unit."""
    value = float(measure["m0"]["value"])
    if kind == "epoch":
        ticks = round(float(to_unit(measure["m0"], "d")) * 864000000.0)
        return _clock_text(ticks)
    if kind == "doppler":
        return f"{float(to_unit(measure['m0'], 'm/s')) / SPEED_OF_LIGHT_M_S:.6g}"
    if kind == "earthmagnetic":
        return "[" + ", ".join(f"{float(measure[k]['value']):.6g}" for k in ("m0", "m1", "m2")) + "]"
    if "m2" in measure:
        return _vector_text(value, float(measure["m1"]["value"]), float(measure["m2"]["value"]))
    return f"{value:.6g}"


def _clock_text(ticks: int) -> str:
    """A time in ten thousandths of a second as day and time of day, ``58604::04:00:00.0000``."""
    whole, rest = divmod(ticks, 864000000)
    return f"{whole}::{rest // 36000000:02d}:{rest // 600000 % 60:02d}:{rest % 600000 / 1e4:07.4f}"


def _text(measure: dict[str, Any], with_reference: bool) -> str:
    kind = measure_kind(measure)
    tail = f" {measure['refer']}" if with_reference else ""
    values = [measure[k]["value"] for k in ("m0", "m1", "m2") if k in measure]
    if kind == "direction":
        body = f"[{values[0]:.6g}, {values[1]:.6g}]"
    elif len(values) == 3:
        body = f"[{values[2]:.6g}, {values[0]:.6g}, {values[1]:.6g}]"
    else:
        body = f"{values[0]:.6g}" + ("" if kind == "epoch" else f" {measure['m0']['unit']}")
    return body + tail
