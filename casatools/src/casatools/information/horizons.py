"""Ephemerides of solar system objects from JPL's Horizons service.

References
----------
Horizons API (https://ssd-api.jpl.nasa.gov/doc/horizons.html) and the Horizons manual (https://ssd.jpl.nasa.gov/horizons/manual.html):
observer quantities 1 (astrometric RA, Dec), 14 and 15 (sub-observer and sub-solar point), 17 (north pole), 19 and 20 (range and rate
from the Sun and the observer), 24 (phase angle); body numbers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import AU_M
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools._base.web import ask
from casatools.frames.epochs import parse_epoch
from casatools.io.ephemeris_tables import write_ephemeris

__all__ = ["ADDRESS", "EphemerisRequest", "parse_answer", "write_horizons_ephemeris"]

ADDRESS = "https://ssd.jpl.nasa.gov/api/horizons.api"
_QUANTITIES = "1,14,15,17,19,20,24"
_DAY_S = 86400.0
_AU_KM = AU_M / 1000
_JD_OF_MJD = 2400000.5
# Major bodies by number; other names are those of small bodies.
_BODIES = {
    "sun": 10, "mercury": 199, "venus": 299, "moon": 301, "mars": 499, "phobos": 401, "deimos": 402, "jupiter": 599, "io": 501, "europa": 502,
    "ganymede": 503, "callisto": 504, "amalthea": 505, "saturn": 699, "mimas": 601, "enceladus": 602, "tethys": 603, "dione": 604, "rhea": 605,
    "titan": 606, "hyperion": 607, "iapetus": 608, "phoebe": 609, "uranus": 799, "ariel": 701, "umbriel": 702, "titania": 703, "oberon": 704,
    "miranda": 705, "neptune": 899, "triton": 801, "nereid": 802, "proteus": 808, "pluto": 999, "charon": 901,
}  # fmt: skip
# Heading of a column of the answer: our column and the factor to its unit.
_HEADINGS = {
    "ObsSub-LON": ("DiskLong", 1.0), "ObsSub-LAT": ("DiskLat", 1.0), "SunSub-LON": ("Sl_lon", 1.0), "SunSub-LAT": ("Sl_lat", 1.0),
    "NP.ang": ("NP_ang", 1.0), "NP.dist": ("NP_dist", 1.0), "r": ("r", 1.0), "rdot": ("rdot", 1.0), "delta": ("Rho", 1.0),
    "deldot": ("RadVel", _DAY_S / _AU_KM), "S-T-O": ("phang", 1.0),
}  # fmt: skip
_STEP = re.compile(r"(\d+(?:\.\d*)?)\s*([mhd]?)")
_STEP_DAYS = {"m": 1 / 1440.0, "h": 1 / 24.0, "d": 1.0}


@dataclass(frozen=True)
class EphemerisRequest:
    """What is asked for.

    Attributes
    ----------
    name : str
        Object.
    as_is : bool
        Send the name as it is (Horizons' own syntax) instead of looking it up.
    timerange : str
        ``start~end``: dates, MJD or JD (UT).
    interval : str
        Step such as ``5m``, ``1h``, ``1d``; a number alone is how many steps there are.
    """

    name: str
    as_is: bool = False
    timerange: str = ""
    interval: str = "5m"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ParameterError("getephemtable: parameter 'objectname' must name a solar system object")
        _ = self.bounds_mjd, self.step_d

    @property
    def command(self) -> str:
        """The object in Horizons' syntax: a number, or the name of a small body with ';'."""
        name = self.name.strip()
        if self.as_is:
            return name
        known = _BODIES.get(name.lower())
        return str(known) if known else (name if name.endswith(";") else name + ";")

    @property
    def bounds_mjd(self) -> tuple[float, float]:
        """First and last day."""
        parts = self.timerange.split("~")
        if len(parts) != 2:
            raise ParameterError(f"getephemtable: parameter 'timerange' must be start~end; got {self.timerange!r}")
        start, end = (_mjd(p.strip()) for p in parts)
        if end <= start:
            raise ParameterError(f"getephemtable: parameter 'timerange' = {self.timerange!r} ends before it starts")
        return start, end

    @property
    def step_d(self) -> float:
        """Days between positions."""
        found = _STEP.fullmatch(self.interval.strip())
        if found is None or float(found[1]) <= 0:
            raise ParameterError(
                f"getephemtable: parameter 'interval' must be a step such as 5m, 1h, 1d, or a number of steps; got {self.interval!r}"
            )
        start, end = self.bounds_mjd
        return float(found[1]) * _STEP_DAYS[found[2]] if found[2] else (end - start) / float(found[1])

    def query(self) -> dict[str, str]:
        """Parameters of the request."""
        start, end = self.bounds_mjd
        return {
            "format": "json", "COMMAND": f"'{self.command}'", "OBJ_DATA": "'YES'", "MAKE_EPHEM": "'YES'", "EPHEM_TYPE": "'OBSERVER'",
            "CENTER": "'500@399'", "START_TIME": f"'JD{start + _JD_OF_MJD:.9f}'", "STOP_TIME": f"'JD{end + _JD_OF_MJD:.9f}'",
            "STEP_SIZE": f"'{self.interval.strip()}'", "QUANTITIES": f"'{_QUANTITIES}'", "REF_SYSTEM": "'ICRF'", "CAL_FORMAT": "'JD'",
            "ANG_FORMAT": "'DEG'", "EXTRA_PREC": "'YES'", "CSV_FORMAT": "'YES'", "RANGE_UNITS": "'AU'", "APPARENT": "'AIRLESS'",
        }  # fmt: skip


def _mjd(text: str) -> float:
    """A date, MJD or JD as MJD."""
    try:
        number = float(text)
    except ValueError:
        return parse_epoch(text) / _DAY_S
    return number - _JD_OF_MJD if number > _JD_OF_MJD else number


def write_horizons_ephemeris(request: EphemerisRequest, outfile: str, rawfile: str = "", overwrite: bool = False) -> None:
    """Ask Horizons for geocentric positions and write them as an ephemeris table.

    Parameters
    ----------
    request : EphemerisRequest
    outfile : str
        Table to make.
    rawfile : str
        File for the answer's text; "" keeps none.
    overwrite : bool

    Raises
    ------
    ParameterError, OutputExistsError
        No table is named, or an output exists.
    DataError
        The service cannot be reached, does not know the object or gives no table; nothing is written then.
    """
    if not outfile:
        raise ParameterError("getephemtable: parameter 'outfile' must name the table to make")
    for path in (outfile, rawfile):
        if path:
            require_absent(path, overwrite)
    answer, _ = ask(ADDRESS, request.query(), "JPL Horizons")
    text = _text(answer)
    columns, about = parse_answer(text, request.name)
    if rawfile:
        with staged_output(rawfile, overwrite) as path, open(path, "w", encoding="utf-8") as file:
            file.write(text)
    with staged_output(outfile, overwrite) as path:
        write_ephemeris(path, columns, request.step_d, request.name.strip(), about)


def _text(answer: str) -> str:
    """The text within the service's JSON."""
    try:
        found = json.loads(answer)
    except ValueError:
        return answer
    if not isinstance(found, dict) or "result" not in found:
        said = found.get("error") or found.get("message") if isinstance(found, dict) else found
        raise DataError(f"JPL Horizons gives no ephemeris: {str(said or answer)[:300]}")
    return str(found["result"])


def parse_answer(text: str, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Columns and keywords of an answer.

    Parameters
    ----------
    text : str
        Observer table with comma separated values, Julian dates and degrees.
    name : str
        The object, for the error.

    Raises
    ------
    DataError
        There is no table in it, as when the name is ambiguous or unknown, or its columns are other ones.
    """
    lines = text.splitlines()
    marks = [next((k for k, line in enumerate(lines) if line.strip() == m), -1) for m in ("$$SOE", "$$EOE")]
    if min(marks) < 0:
        said = " ".join(line.strip() for line in lines if line.strip(" *"))[:300]
        raise DataError(f"JPL Horizons gives no ephemeris of {name!r}: {said}")
    heading = next((line for line in reversed(lines[: marks[0]]) if "," in line), "")
    names = [h.strip() for h in heading.split(",")]
    rows = [[v.strip() for v in line.split(",")] for line in lines[marks[0] + 1 : marks[1]] if line.strip()]
    places = {_HEADINGS[n][0]: (k, _HEADINGS[n][1]) for k, n in enumerate(names) if n in _HEADINGS}
    places["MJD"] = (0, 1.0)
    for k, n in enumerate(names):
        if n.startswith(("R.A.", "DEC")):
            places["RA" if n.startswith("R") else "DEC"] = (k, 1.0)
    missing = [c for c in ("RA", "DEC", "Rho", "RadVel") if c not in places]
    if missing or not rows or "JD" not in names[0]:
        raise DataError(
            f"the answer of JPL Horizons for {name!r} is not the table asked for: its heading is {heading.strip()[:200]!r}"
        )
    columns: dict[str, np.ndarray] = {}
    for column, (k, factor) in places.items():
        values = [row[k] if k < len(row) else "n.a." for row in rows]
        if all(v != "n.a." and v for v in values):
            columns[column] = np.array([float(v) for v in values]) * factor
    columns["MJD"] = columns["MJD"] - _JD_OF_MJD
    return columns, _about(text)


def _about(text: str) -> dict[str, Any]:
    """Radii and the rotation period, where the answer tells them."""
    out: dict[str, Any] = {}
    if found := re.search(r"Target radii\s*:\s*([\d.]+)(?:\s*(?:x|,)\s*([\d.]+)\s*(?:x|,)\s*([\d.]+))?\s*km", text):
        radii = np.array([float(found[k] or found[1]) for k in (1, 2, 3)])
        out["radii"] = {"value": radii, "unit": "km"}
        out["meanrad"] = {"value": float(np.cbrt(radii.prod())), "unit": "km"}
    if found := re.search(r"(?:Sid\. rot\. period|Rotational period|Sidereal rot\. period)[^=\n]*=\s*([\d.]+)\s*(d|h)", text):
        out["rot_per"] = {"value": float(found[1]), "unit": found[2]}
    return out
