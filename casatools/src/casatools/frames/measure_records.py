"""CASA's measure records: making, converting and describing them with a frame that lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from casacore.measures import measures as _measures

from casatools._base.errors import ParameterError
from casatools.frames import arithmetic
from casatools.frames.comets import Comet
from casatools.frames.direction_maps import DirectionMaps
from casatools.frames.directions import rotated
from casatools.frames.engine import make_engine, require_tables
from casatools.frames.observatories import observatory_names
from casatools.frames.quantities import to_unit

__all__ = ["BODIES", "KINDS", "MeasureFrame"]

_compiled_measure = _measures.__mro__[1].measure

_DIRECTIONS = frozenset(
    [
        "J2000",
        "JMEAN",
        "JTRUE",
        "APP",
        "B1950",
        "B1950_VLA",
        "BMEAN",
        "BTRUE",
        "GALACTIC",
        "HADEC",
        "AZEL",
        "AZELSW",
        "AZELNE",
        "AZELGEO",
        "AZELSWGEO",
        "AZELNEGEO",
        "JNAT",
        "ECLIPTIC",
        "MECLIPTIC",
        "TECLIPTIC",
        "SUPERGAL",
        "ITRF",
        "TOPO",
        "ICRS",
    ]
)
BODIES = frozenset(["MERCURY", "VENUS", "MARS", "JUPITER", "SATURN", "URANUS", "NEPTUNE", "PLUTO", "SUN", "MOON", "COMET"])
# Frames of one group turn into each other; between the groups casacore's own way over B1950 is followed, to its last digits.
_TURNED = {"J2000": 0, "ICRS": 0, "ECLIPTIC": 0, "GALACTIC": 1, "SUPERGAL": 1}
# TAI and terrestrial time by casacore's names: seconds ahead of TAI.
_ATOMIC_S = {"TAI": 0.0, "IAT": 0.0, "TDT": 32.184, "TT": 32.184, "ET": 32.184}
# Since 1972 TAI and UTC differ by whole seconds.
_FIRST_LEAP_MJD = 41317.0
# Kinds whose values are relative to an offset that is given with them.
_RELATIVE = frozenset({"direction", "frequency", "doppler", "radialvelocity"})
_VELOCITIES = frozenset(["LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB"])
# Kind of measure: its references, its default one, how many values it has, and the dimensions these may have.
KINDS: dict[str, tuple[frozenset[str], str, int, tuple[str, ...]]] = {
    "direction": (_DIRECTIONS | BODIES, "J2000", 2, ("rad", "s")),
    "epoch": (
        frozenset(["LAST", "LMST", "GMST1", "GAST", "UT1", "UT2", "UTC", "TAI", "TDT", "TCG", "TDB", "TCB", "IAT", "GMST", "TT", "ET", "UT"]), "UTC", 1, ("s",)),
    "position": (frozenset({"ITRF", "WGS84"}), "WGS84", 3, ("rad", "m")),
    "frequency": (_VELOCITIES | {"REST"}, "LSRK", 1, ("s-1", "s", "m", "m-1", "m2.kg.s-2")),
    "radialvelocity": (_VELOCITIES, "LSRK", 1, ("m.s-1",)),
    "doppler": (frozenset(["RADIO", "Z", "RATIO", "BETA", "GAMMA", "OPTICAL", "TRUE", "RELATIVISTIC"]), "RADIO", 1, ("m.s-1", "")),
    "baseline": (_DIRECTIONS, "ITRF", 3, ("rad", "m")),
    "uvw": (_DIRECTIONS, "ITRF", 3, ("rad", "m")),
    "earthmagnetic": (_DIRECTIONS | {"IGRF"}, "IGRF", 3, ("rad", "kg.s-2.A-1")),
}  # fmt: skip


def _ordered(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of casacore with its fields in CASA's order."""
    out: dict[str, Any] = {}
    for key in sorted(record):  # m0, m1, m2, offset, refer, type
        value = record[key]
        if type(value) is not dict:
            out[key] = value
        elif key == "offset":
            out[key] = _ordered(value)
        else:
            out[key] = {"unit": value["unit"], "value": value["value"]}
    return out


class MeasureFrame:
    """Measures with the epoch, position, direction, ... set by `set_frame`."""

    def __init__(self) -> None:
        self._engine = make_engine()
        self._frame: dict[str, dict[str, Any]] = {}
        self.comet: Comet | None = None
        # Factors between frequency frames for the frame in force: conversions of frequencies are multiplications.
        self._factors: dict[tuple[str, str], float] = {}
        self._maps = DirectionMaps(self._converted)
        # What casacore calls the frames that go by several names.
        self._own_names: dict[str, str] = {}
        # TAI - UTC of days, in days.
        self._leap_days: dict[int, float] = {}
        # CASA's tool starts with the epoch MJD 0 and the direction of the pole; B1950 depends on the epoch.
        self._engine.doframe({"type": "epoch", "refer": "UTC", "m0": {"value": 0.0, "unit": "d"}})

    def make(self, kind: str, refer: str, values: list[Any], offset: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a measure of quantities.

        With an offset the record holds it, and what is left beside it: of epochs, positions, baselines and uvw the values given are those
        without the offset, which is subtracted; of the other kinds they are relative to it already.

        Raises
        ------
        ParameterError
            The reference is unknown, a value cannot be read or has another dimension, or the offset is of another kind.
        """
        name = require_reference(kind, refer)
        _, _, count, _ = KINDS[kind]
        record: dict[str, Any] = {"type": kind, "refer": name}
        given = [v for v in values if not _is_empty(v)]
        if not given:
            values = _default_values(kind)
        for k, value in enumerate(values[:count]):
            record[f"m{k}"] = _component(kind, value)
        if kind == "earthmagnetic":
            record.update(_field_along_axes(record))
        if not offset:
            return _ordered(self._run(record, name, "cannot be made"))
        given_kind = require_measure(offset)
        if given_kind != kind:
            raise ParameterError(f"the offset of a {kind} must be a {kind}; got a {given_kind}")
        if kind in _RELATIVE:
            record["offset"] = dict(offset)
        return _ordered(self._run(record, name, "cannot be made", offset))

    def _run(self, record: Mapping[str, Any], refer: str, what: str, offset: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            # The method of the compiled class: the one of python-casacore looks for quantities among the values first.
            return _compiled_measure(self._engine, record if type(record) is dict else dict(record), refer, dict(offset or {}))  # type: ignore[no-any-return]
        except (RuntimeError, TypeError, KeyError) as error:
            raise ParameterError(f"the measure {dict(record)!r} {what}: {' '.join(str(error).split())}") from None

    def convert(self, measure: Mapping[str, Any], refer: str, offset: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A measure in another reference, by the frame in force."""
        kind = require_measure(measure)
        name = refer.strip().upper()
        if name not in KINDS[kind][0]:
            require_reference(kind, name.removeprefix("R_"))
        if kind == "direction" and str(measure["refer"]).upper() == "COMET" and name != "COMET":
            measure = self.comet_direction(name)
        if kind == "frequency" and not offset and "offset" not in measure and measure["m0"]["unit"] == "Hz":
            start = str(measure["refer"]).upper()
            if start in _VELOCITIES and name in _VELOCITIES:
                return self._scaled(measure["m0"]["value"], start, name)
        if kind == "epoch" and name in _ATOMIC_S and not offset and "offset" not in measure:
            shifted = self._atomic(measure, name)
            if shifted is not None:
                return shifted
        if kind == "direction" and not offset and "offset" not in measure:
            start = str(measure["refer"]).upper()
            if start != name and name in _TURNED and _TURNED.get(start) == _TURNED[name]:
                return _turned(measure, start, name)
            mapped = self._mapped(measure, start, name)
            if mapped is not None:
                return mapped
        return _ordered(self._run(measure, name, f"cannot be converted to {refer}", offset))

    def _mapped(self, measure: Mapping[str, Any], start: str, name: str) -> dict[str, Any] | None:
        """A single direction by the map between two frames; None where casacore is to be asked."""
        first, second = measure["m0"], measure["m1"]
        lon, lat = first["value"], second["value"]
        if (
            start == name
            or start not in _DIRECTIONS
            or name not in _DIRECTIONS
            or type(lon) is not float
            or type(lat) is not float
        ):
            return None
        if first["unit"] != "rad" or second["unit"] != "rad":
            lon, lat = (float(to_unit(q, "rad")) for q in (first, second))
        found = self._maps.turned(lon, lat, start, name)
        if found is None:
            return None
        parts = [{"unit": "rad", "value": value} for value in found]
        return {"m0": parts[0], "m1": parts[1], "refer": self._own_names[name], "type": "direction"}

    def _converted(self, lon: np.ndarray, lat: np.ndarray, start: str, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Directions in another frame by casacore, radian."""
        record = {"type": "direction", "refer": start, "m0": {"value": lon, "unit": "rad"}, "m1": {"value": lat, "unit": "rad"}}
        found = self._run(record, name, f"cannot be converted to {name}")
        self._own_names[name] = str(found["refer"])
        first, second = (np.atleast_1d(to_unit(found[k], "rad")) for k in ("m0", "m1"))
        return first, second

    def _atomic(self, measure: Mapping[str, Any], name: str) -> dict[str, Any] | None:
        """An epoch in UTC or TAI as TAI or TT, for which the leap seconds of the day are enough; None where more is needed."""
        start, days = str(measure["refer"]).upper(), measure["m0"]["value"]
        if (
            measure["m0"]["unit"] != "d"
            or not isinstance(days, float)
            or start not in ("UTC", "TAI", "IAT")
            or days < _FIRST_LEAP_MJD
        ):
            return None
        shift = _ATOMIC_S[name] / 86400.0
        if start == "UTC":
            day = math.floor(days)
            if day not in self._leap_days:
                noon = {"type": "epoch", "refer": "UTC", "m0": {"value": day + 0.5, "unit": "d"}}
                found = self._run(noon, "TAI", "cannot be converted to TAI")["m0"]["value"] - (day + 0.5)
                self._leap_days[day] = round(found * 86400.0) / 86400.0
            shift += self._leap_days[day]
        return {"m0": {"unit": "d", "value": days + shift}, "refer": "TDT" if _ATOMIC_S[name] else "TAI", "type": "epoch"}

    def _scaled(self, value_hz: Any, start: str, name: str) -> dict[str, Any]:
        """Frequencies in another frame: the Doppler factor is found once for a frame."""
        factor = self._factors.get((start, name))
        if factor is None:
            one = {"type": "frequency", "refer": start, "m0": {"value": 1e9, "unit": "Hz"}}
            factor = float(self._run(one, name, f"cannot be converted to {name}")["m0"]["value"]) / 1e9
            self._factors[start, name] = factor
        value = np.asarray(value_hz) * factor if np.ndim(value_hz) else float(value_hz) * factor
        return {"m0": {"unit": "Hz", "value": value}, "refer": name, "type": "frequency"}

    def comet_time(self) -> tuple[Comet, float]:
        """The ephemeris in force and the frame's time (MJD, UTC).

        Raises
        ------
        ParameterError
            There is no ephemeris, or no epoch in the frame.
        """
        if self.comet is None:
            raise ParameterError("measures: there is no ephemeris in the frame; call framecomet first")
        if "epoch" not in self._frame:
            raise ParameterError("measures: the frame has no epoch, so the ephemeris' position is not known; set it with doframe")
        return self.comet, float(to_unit(self.convert(self._frame["epoch"], "UTC")["m0"], "d"))

    def comet_direction(self, refer: str) -> dict[str, Any]:
        """Direction of the ephemeris' object, with its parallax where the reference is one of an observer on the ground."""
        comet, mjd_d = self.comet_time()
        observer = None
        if refer.startswith(("AZEL", "HADEC", "ITRF", "TOPO")) and "position" in self._frame and not comet.is_topocentric:
            place = self.convert(self._frame["position"], "ITRF")
            up = {"type": "direction", "refer": "ITRF", "m0": place["m0"], "m1": place["m1"]}
            seen = self._run(up, comet.frame, f"cannot be converted to {comet.frame}")
            lon, lat = (float(to_unit(seen[k], "rad")) for k in ("m0", "m1"))
            unit = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
            observer = unit * float(to_unit(place["m2"], "m"))
        return comet.direction(mjd_d, observer)

    def set_frame(self, measure: Mapping[str, Any]) -> bool:
        """Make a measure part of the frame; False for kinds that cannot be."""
        kind = measure_kind(measure)
        if kind not in ("epoch", "position", "direction", "radialvelocity"):
            return False
        if kind == "direction" and str(measure["refer"]).upper() == "COMET":
            measure = self.comet_direction("J2000")
        try:
            self._engine.doframe(dict(measure))
            if kind == "epoch":
                require_tables(float(np.max(to_unit(measure["m0"], "d"))))
        except (RuntimeError, TypeError, KeyError) as error:
            raise ParameterError(f"{dict(measure)!r} cannot be part of a frame: {error}") from None
        self._frame[kind] = dict(measure)
        self._factors.clear()
        self._maps.clear()
        return True

    @property
    def frame(self) -> dict[str, dict[str, Any]]:
        """The measures of the frame by kind."""
        return dict(self._frame)

    def call(self, name: str, *arguments: Any) -> Any:
        """A function of casacore's measures on records, its errors as ParameterError."""
        try:
            return getattr(self._engine, name)(*arguments)
        except (RuntimeError, TypeError, KeyError, ValueError) as error:
            raise ParameterError(f"measures: {name} is not possible: {' '.join(str(error).split())}") from None

    def named(self, function: str, name: str) -> dict[str, Any]:
        """A measure of casacore's catalogues (observatory, source, line) by name."""
        return _ordered(self.call(function, name))

    def named_record(self, function: str, *arguments: Any) -> dict[str, Any]:
        """A measure that a function of casacore's measures gives; quantities among the arguments are given as records."""
        prepared = [arithmetic.read_quantity(a) if isinstance(a, Mapping) and "m0" not in a else a for a in arguments]
        return _ordered(self.call(function, *prepared))

    def uvw(self, baseline: Mapping[str, Any]) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
        """J2000 uvw of a baseline for the frame: the measure, its three coordinates [m] and their rates [m/s]."""
        found = self.call("to_uvw", dict(baseline))
        return _ordered(found["measure"]), np.asarray(found["xyz"].get_value()), np.asarray(found["dot"].get_value())


def _turned(measure: Mapping[str, Any], start: str, name: str) -> dict[str, Any]:
    """A direction in another of the frames that one rotation joins."""
    lon, lat = rotated(to_unit(measure["m0"], "rad"), to_unit(measure["m1"], "rad"), start, name)
    return {
        "m0": {"unit": "rad", "value": lon},
        "m1": {"unit": "rad", "value": lat},
        "refer": name,
        "type": "direction",
    }


def _field_along_axes(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A magnetic field of two angles and a strength along three axes: casacore takes the strength for one in T but calls it nT."""
    parts = [record.get(f"m{k}") for k in range(3)]
    dimensions = [str(arithmetic.canonical(p).get_unit()) if p is not None else "" for p in parts]
    if dimensions[:2] != ["rad", "rad"] or dimensions[2] in ("", "rad"):
        return {}
    lon, lat = (np.asarray(to_unit(p, "rad")) for p in parts[:2])
    strength = np.asarray(to_unit(parts[2], "nT"))
    xyz = strength * np.cos(lat) * np.cos(lon), strength * np.cos(lat) * np.sin(lon), strength * np.sin(lat)
    return {f"m{k}": {"value": v if v.ndim else float(v), "unit": "nT"} for k, v in enumerate(xyz)}


def _is_empty(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, (str, list, dict)) and not value)
        or (isinstance(value, np.ndarray) and not value.size)
    )


def _default_values(kind: str) -> list[Any]:
    zero = {"epoch": "0.0d", "frequency": "0Hz", "radialvelocity": "0m/s", "doppler": "0m/s"}
    if kind in zero:
        return [zero[kind]]
    length = {"earthmagnetic": "1e-06nT", "position": "1e-06m", "baseline": "1e-12m", "uvw": "1e-12m"}.get(kind)
    return ["0deg", "0deg" if kind in ("baseline", "uvw") else "90deg", length]


def _component(kind: str, value: Any) -> dict[str, Any]:
    quantity = arithmetic.read_quantity(value)
    dimension = str(quantity.canonical().get_unit())
    if dimension not in KINDS[kind][3]:
        raise ParameterError(f"a value of {_with_article(kind)} cannot have the unit {str(quantity.get_unit())!r} of {value!r}")
    record = arithmetic.to_record(quantity)
    if dimension == "s" and "rad" in KINDS[kind][3]:
        record = arithmetic.to_record(arithmetic.as_angle(value))
    if kind == "frequency" and dimension != "s-1":
        record = arithmetic.to_record(arithmetic.converted_frequency(value, "Hz"))
    if kind == "doppler" and dimension == "":
        record = arithmetic.to_record(arithmetic.converted_doppler(value, "m/s"))
    return record


_VALUE_NAMES = {kind: tuple(f"m{k}" for k in range(KINDS[kind][2])) for kind in KINDS}


def measure_kind(measure: Any) -> str:
    """The kind of a measure record; "" when it is none."""
    if not isinstance(measure, dict) and not isinstance(measure, Mapping):  # the check of an abstract class is slow
        return ""
    kind = str(measure.get("type", "")).lower()
    for name in _VALUE_NAMES.get(kind, ("refer",)):
        if name not in measure:
            return ""
    return kind if kind in KINDS and "refer" in measure else ""


def require_measure(measure: Any, kinds: tuple[str, ...] = ()) -> str:
    """The kind of a measure record; raise ParameterError when it is none, or not of the kinds wanted."""
    kind = measure_kind(measure)
    if not kind:
        raise ParameterError(f"{measure!r} is not a measure record, which has type, refer and m0")
    if kinds and kind not in kinds:
        raise ParameterError(f"a measure of kind {' or '.join(kinds)} is wanted; got {_with_article(kind)}")
    return kind


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"  # "a uvw"


def require_reference(kind: str, refer: str) -> str:
    """The reference in capitals; raise ParameterError when the kind has no such reference."""
    name = refer.strip().upper() or KINDS[kind][1]
    if name not in KINDS[kind][0]:
        raise ParameterError(f"{kind} reference {refer!r} is unknown; allowed are {', '.join(sorted(KINDS[kind][0]))}")
    return name


def known_observatories() -> list[str]:
    """Names of the observatories."""
    return list(observatory_names())
