"""Voltage patterns of antennas as records: their values at an angle and a frequency, and the list of those in use.

A pattern is a record in the reference's layout (``name``, ``telescope``, ``dopb`` and what its class needs), as the vpmanager tool gives it and keeps
it in tables. Patterns given as primary beams are powers, those given as voltage patterns (``isthisvp``) are squared.

References
----------
CASA documentation, tool vpmanager: classes of patterns and their parameters. The polynomial and cosine forms were measured on images that CASA 6.7
multiplied with its beams: coefficients of polynomials are in powers of (arcmin GHz)**2 whatever the reference frequency, and the cosine series is
``sum_i coeff[i] cos(scale[i] x)**(i + 1)`` with ``x`` in arcmin GHz (its documentation says ``2 i``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, UnsupportedError
from casatools.frames.quantities import to_unit
from casatools.imaging.primary_beam import airy_power, blocked_power

__all__ = ["KNOWN_TELESCOPES", "VoltagePatternList", "pattern_power", "pattern_reach_rad"]

_ARCMIN = np.pi / 180.0 / 60.0
# Names that the reference knows a pattern for by itself.
KNOWN_TELESCOPES: frozenset[str] = frozenset((
    "ACA", "ALMA", "ALMASD", "ATA", "ATCA", "ATCA_16", "ATCA_C", "ATCA_C_RI", "ATCA_K", "ATCA_L1", "ATCA_L2", "ATCA_L3", "ATCA_Q", "ATCA_S", "ATCA_W",
    "ATCA_X", "BIMA", "EVLA", "GBT", "GMRT", "HATCREEK", "IRAM30M", "IRAMPDB", "NGVLA", "NRAO12M", "OVRO", "SMA", "UNKNOWN", "VLA", "VLA_2NULL",
    "VLA_4", "VLA_C", "VLA_INVERSE", "VLA_K", "VLA_L", "VLA_NVSS", "VLA_P", "VLA_Q", "VLA_U", "VLA_X", "WSRT", "WSRT_LOW",
))  # fmt: skip
# Default numbers: a pattern known by itself, and none.
INTERNAL, NONE = -1, -2


def _scale(record: Mapping[str, Any], freq_hz: Any) -> Any:
    """Frequencies over the one that the pattern's widths are given at."""
    return freq_hz / float(to_unit(record["reffreq"], "Hz"))


def pattern_reach_rad(record: Mapping[str, Any], freq_hz: float) -> float:
    """Distance from the axis [rad] beyond which a pattern is zero."""
    return float(to_unit(record["maxrad"], "rad") / _scale(record, freq_hz))


def _airy(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    dish, blockage = (float(to_unit(record[name], "m")) for name in ("dishdiam", "blockagediam"))
    x = np.pi * dish * radius_rad * freq_hz / SPEED_OF_LIGHT_M_S
    return blocked_power(x, blockage / dish) if blockage > 0 else airy_power(x)


def _gauss(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    return np.exp2(-np.square(radius_rad * _scale(record, freq_hz) / float(to_unit(record["halfwidth"], "rad"))))


def _polynomial(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    x = radius_rad / _ARCMIN * freq_hz / 1e9
    return np.polynomial.polynomial.polyval(x * x, np.asarray(record["coeff"], np.float64))


def _inverse_polynomial(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    return 1.0 / _polynomial(record, radius_rad, freq_hz)


def _cosines(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    x = radius_rad / _ARCMIN * freq_hz / 1e9
    terms = zip(np.atleast_1d(record["coeff"]), np.atleast_1d(record["scale"]), strict=True)
    return sum((c * np.cos(s * x) ** (i + 1) for i, (c, s) in enumerate(terms)), np.zeros_like(x))


def _numeric(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: Any) -> np.ndarray:
    values = np.asarray(record["vect"], np.float64)
    reach = float(to_unit(record["maxrad"], "rad"))
    return np.interp(radius_rad * _scale(record, freq_hz), np.linspace(0.0, reach, len(values)), values)


_FORMS = {
    "AIRY": _airy,
    "GAUSS": _gauss,
    "POLY": _polynomial,
    "IPOLY": _inverse_polynomial,
    "COSPOLY": _cosines,
    "NUMERIC": _numeric,
}


def pattern_power(record: Mapping[str, Any], radius_rad: np.ndarray, freq_hz: np.ndarray | float) -> np.ndarray:
    """The power pattern of an antenna with itself.

    Parameters
    ----------
    record : mapping
        Voltage pattern.
    radius_rad : ndarray
        Distances from the axis.
    freq_hz : ndarray or float
        Broadcast against the distances.

    Returns
    -------
    ndarray float64
        1 on the axis for the classes that are so; 0 beyond the pattern's reach and where a power would be negative.

    Raises
    ------
    UnsupportedError
        The pattern is of a class that cannot be evaluated: an image, or one that the telescope's name stands for.
    """
    form = _FORMS.get(record["name"])
    if form is None:
        raise UnsupportedError(
            f"voltage patterns of class {record['name']!r} have no power at a distance alone; those that have are {', '.join(_FORMS)}"
        )
    radius, freq = np.broadcast_arrays(np.asarray(radius_rad, np.float64), np.asarray(freq_hz, np.float64))
    value = form(record, radius, freq)
    # An Airy pattern is a power here, whatever it was called.
    if record["isthisvp"] and record["name"] not in ("AIRY", "GAUSS"):
        value = np.square(value)
    reach = float(to_unit(record["maxrad"], "rad")) / _scale(record, freq)
    if record["isthisvp"] and record["name"] == "GAUSS":
        value = np.square(np.exp2(-np.square(radius * _scale(record, freq) / float(to_unit(record["halfwidth"], "rad")))))
    return np.where(radius <= reach, np.maximum(value, 0.0), 0.0)


class VoltagePatternList:
    """Patterns that were defined, and which of them is used for a telescope and type of antenna."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.defaults: dict[tuple[str, str], int] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all patterns that were defined."""
        self.records = []
        self.defaults = {(name, ""): INTERNAL for name in KNOWN_TELESCOPES}

    def replace(self, records: list[dict[str, Any]], defaults: dict[tuple[str, str], int]) -> None:
        """Take patterns and defaults from elsewhere."""
        self.records, self.defaults = list(records), dict(defaults)

    def add(self, record: dict[str, Any]) -> dict[str, Any]:
        """Define a pattern, and use it for its telescope unless another was chosen for one of the telescope's types."""
        self.records.append(record)
        self.defaults[record["telescope"], ""] = len(self.records) - 1
        return record

    def default_number(self, telescope: str, antenna_type: str = "") -> int:
        """Number of the pattern in use: -1 for one known by the telescope's name, -2 for none."""
        return self.defaults.get((telescope, antenna_type), self.defaults.get((telescope, ""), NONE))

    def choose(self, number: int, telescope: str, antenna_type: str = "") -> None:
        """Use a pattern for a telescope and type of antenna.

        Raises
        ------
        DataError
            There is no such pattern, or it is another telescope's.
        """
        if not NONE <= number < len(self.records):
            raise DataError(
                f"there is no voltage pattern {number}; allowed are -2 (none), -1 (internal) to {len(self.records) - 1}"
            )
        if number == INTERNAL and telescope not in KNOWN_TELESCOPES:
            raise DataError(f"no voltage pattern is known by the name of the telescope {telescope!r}")
        if number >= 0 and self.records[number]["telescope"] != telescope:
            raise DataError(f"voltage pattern {number} is that of {self.records[number]['telescope']!r}, not of {telescope!r}")
        self.defaults[telescope, antenna_type] = number

    def antenna_types(self, telescope: str) -> list[str]:
        """Types of antenna of a telescope that have a pattern; '' is any."""
        return sorted(kind for (name, kind), number in self.defaults.items() if name == telescope and number > NONE)

    def pattern(self, telescope: str, antenna_type: str = "") -> dict[str, Any]:
        """The pattern in use.

        Raises
        ------
        DataError
            None is.
        """
        number = self.default_number(telescope, antenna_type)
        if number == NONE:
            known = ", ".join(sorted({name for (name, _), n in self.defaults.items() if n >= 0})) or "none"
            raise DataError(f"no voltage pattern is defined for telescope {telescope!r}; defined by hand are those of: {known}")
        return internal_pattern(telescope) if number == INTERNAL else dict(self.records[number])


def internal_pattern(telescope: str) -> dict[str, Any]:
    """Record that stands for the pattern known by a telescope's name."""
    return {
        "name": "COMMONPB", "isVP": 1, "telescope": telescope, "dopb": True, "commonpb": telescope, "dosquint": False,
        "paincrement": {"unit": "deg", "value": 10.0}, "usesymmetricbeam": False,
    }  # fmt: skip
