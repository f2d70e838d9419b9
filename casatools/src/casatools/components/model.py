"""Sky components: flux, place, shape and spectrum of one source, and CASA's records of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.frames.quantities import conforms, convert_value, is_unit

__all__ = ["POLARIZATIONS", "SHAPES", "SPECTRA", "Amount", "Component", "Flux", "Shape", "Spectrum"]

SHAPES = ("Point", "Gaussian", "Disk")
SPECTRA = ("Constant", "Spectral Index", "Power Logarithmic Polynomial", "Tabular Spectrum")
POLARIZATIONS = ("Stokes", "Linear", "Circular")


class Amount(NamedTuple):
    """A number with its unit."""

    value: float
    unit: str

    def to(self, unit: str) -> Amount:
        """The same amount in another unit."""
        return Amount(float(convert_value(self.value, self.unit, unit)), unit)

    def in_unit(self, unit: str) -> float:
        """The number in another unit."""
        return float(convert_value(self.value, self.unit, unit))

    def record(self) -> dict[str, Any]:
        """CASA's record of a quantity."""
        return {"unit": self.unit, "value": float(self.value)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Amount:
        """Read CASA's record of a quantity."""
        return cls(float(np.ravel(record["value"])[0]), str(record["unit"]))


_ZERO_RAD = Amount(0.0, "rad")
# Rows: what Stokes I, Q, U, V add to each product (Hamaker & Bregman 1996, A&AS 117, 161).
_FROM_STOKES = {
    "Stokes": np.eye(4, dtype=complex),
    "Linear": np.array([[1, 1, 0, 0], [0, 0, 1, 1j], [0, 0, 1, -1j], [1, -1, 0, 0]], dtype=complex),
    "Circular": np.array([[1, 0, 0, 1], [0, 1, 1j, 0], [0, 1, -1j, 0], [1, 0, 0, -1]], dtype=complex),
}


@dataclass(frozen=True)
class Flux:
    """Flux density of the four polarization products.

    Parameters
    ----------
    values, errors : ndarray (4,) complex128 [unit]
    unit : str
        Of the dimension of Jy.
    polarization : str
        One of `POLARIZATIONS`.

    References
    ----------
    Hamaker & Bregman 1996, A&AS 117, 161: products of linear and circular feeds from Stokes parameters.
    """

    values: np.ndarray = field(default_factory=lambda: np.array([1, 0, 0, 0], complex))
    errors: np.ndarray = field(default_factory=lambda: np.zeros(4, complex))
    unit: str = "Jy"
    polarization: str = "Stokes"

    def to_unit(self, unit: str) -> Flux:
        """The same flux density in another unit; raises ParameterError for one of another dimension."""
        if not is_unit(unit) or not conforms(unit, "Jy"):
            raise ParameterError(f"the unit of a flux density must be like Jy; got {unit!r}")
        scale = float(convert_value(1.0, self.unit, unit))
        return replace(self, values=self.values * scale, errors=self.errors * scale, unit=unit)

    def to_polarization(self, polarization: str) -> Flux:
        """The flux in another representation; errors stay as they are, as in CASA."""
        wanted = find_name(polarization, POLARIZATIONS, "polarization")
        if wanted == self.polarization:
            return self
        stokes = np.linalg.solve(_FROM_STOKES[self.polarization], self.values)
        return replace(self, values=_FROM_STOKES[wanted] @ stokes, polarization=wanted)

    def record(self) -> dict[str, Any]:
        """CASA's record; real numbers for Stokes parameters."""
        real = self.polarization == "Stokes"
        return {
            "error": self.errors.real.copy() if real else self.errors.copy(),
            "polarisation": self.polarization,
            "unit": self.unit,
            "value": self.values.real.copy() if real else self.values.copy(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Flux:
        """Read CASA's record."""
        values, errors = (np.zeros(4, complex), np.zeros(4, complex))
        given = np.ravel(record["value"])
        values[: len(given)] = given
        error = np.ravel(record.get("error", 0.0))
        errors[: len(error)] = error
        polarization = find_name(str(record.get("polarisation", "Stokes")), POLARIZATIONS, "polarization")
        return cls(values, errors, str(record.get("unit", "Jy")), polarization)


@dataclass(frozen=True)
class Shape:
    """Where a component is and how it is extended.

    Parameters
    ----------
    kind : str
        One of `SHAPES`.
    lon_rad, lat_rad : float
    frame : str
        Direction frame.
    lon_error, lat_error : Amount
        Angles.
    major, minor, angle : Amount, optional
        Full widths at half maximum (diameters of a disk) and position angle, north through east; None for a point.
    major_error, minor_error, angle_error : Amount
    """

    kind: str = "Point"
    lon_rad: float = 0.0
    lat_rad: float = math.pi / 2
    frame: str = "J2000"
    lon_error: Amount = _ZERO_RAD
    lat_error: Amount = _ZERO_RAD
    major: Amount | None = None
    minor: Amount | None = None
    angle: Amount | None = None
    major_error: Amount = _ZERO_RAD
    minor_error: Amount = _ZERO_RAD
    angle_error: Amount = _ZERO_RAD

    def __post_init__(self) -> None:
        if self.kind == "Point":
            return
        parts = {"major axis": self.major, "minor axis": self.minor, "position angle": self.angle}
        for name, part in parts.items():
            if part is None or not is_unit(part.unit) or not conforms(part.unit, "rad"):
                raise ParameterError(f"the {name} of a {self.kind} component must be an angle such as '10arcsec'; got {part}")
        assert self.major is not None and self.minor is not None
        # A part in 1e9 of room: widths that went through radians may come back a rounding error apart.
        if not self.major.in_unit("rad") * (1 + 1e-9) >= self.minor.in_unit("rad") > 0:
            raise ParameterError(
                f"the major axis of a {self.kind} component must be at least its minor axis, both above 0; "
                f"got {self.major.value}{self.major.unit} and {self.minor.value}{self.minor.unit}"
            )

    def direction(self) -> dict[str, Any]:
        """CASA's direction measure."""
        return {
            "m0": {"unit": "rad", "value": self.lon_rad},
            "m1": {"unit": "rad", "value": self.lat_rad},
            "refer": self.frame,
            "type": "direction",
        }

    def widths(self) -> dict[str, Any]:
        """The fields of CASA's record for an extended shape; {} for a point."""
        if self.major is None or self.minor is None or self.angle is None:
            return {}
        return {
            "majoraxis": self.major.record(), "majoraxiserror": self.major_error.record(),
            "minoraxis": self.minor.record(), "minoraxiserror": self.minor_error.record(),
            "positionangle": self.angle.record(), "positionangleerror": self.angle_error.record(),
        }  # fmt: skip

    def record(self) -> dict[str, Any]:
        """CASA's record."""
        error = {"latitude": self.lat_error.record(), "longitude": self.lon_error.record()}
        return {"direction": {"error": error, **self.direction()}, **self.widths(), "type": self.kind}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Shape:
        """Read CASA's record."""
        direction = record["direction"]
        lon, lat = Amount.from_record(direction["m0"]), Amount.from_record(direction["m1"])
        error = direction.get("error", {})
        kind = find_name(str(record.get("type", "Point")), SHAPES, "shape")
        made = cls(
            "Point", lon.in_unit("rad"), lat.in_unit("rad"), str(direction.get("refer", "J2000")),
            _amount(error.get("longitude")), _amount(error.get("latitude")),
        )  # fmt: skip
        if kind == "Point":
            return made
        return replace(
            made, kind=kind, major=Amount.from_record(record["majoraxis"]), minor=Amount.from_record(record["minoraxis"]),
            angle=Amount.from_record(record["positionangle"]), major_error=_amount(record.get("majoraxiserror")),
            minor_error=_amount(record.get("minoraxiserror")), angle_error=_amount(record.get("positionangleerror")),
        )  # fmt: skip


def _amount(record: Any) -> Amount:
    return Amount.from_record(record) if record else _ZERO_RAD


@dataclass(frozen=True)
class Spectrum:
    """How the flux density changes with frequency.

    Parameters
    ----------
    kind : str
        One of `SPECTRA`.
    frequency : Amount
        Reference frequency.
    frame : str
        Its frame.
    index : tuple of float
        Spectral index (of I, then for a list of four what the fractional linear and circular polarization and the angle do), or the
        coefficients of the logarithmic polynomial.
    index_error : tuple of float
    table_hz : tuple of float
        Frequencies of a tabulated spectrum.
    table : tuple of 4 tuples of float
        Its Stokes I, Q, U, V.
    """

    kind: str = "Constant"
    frequency: Amount = field(default_factory=lambda: Amount(1.42, "GHz"))
    frame: str = "LSRK"
    index: tuple[float, ...] = ()
    index_error: tuple[float, ...] = ()
    table_hz: tuple[float, ...] = ()
    table: tuple[tuple[float, ...], ...] = ()

    @property
    def reference_hz(self) -> float:
        """Reference frequency [Hz]."""
        return self.frequency.in_unit("Hz")

    def frequency_record(self) -> dict[str, Any]:
        """CASA's frequency measure."""
        return {"m0": self.frequency.record(), "refer": self.frame, "type": "frequency"}

    def record(self) -> dict[str, Any]:
        """CASA's record."""
        record: dict[str, Any] = {"frequency": self.frequency_record(), "type": self.kind}
        if self.kind == "Spectral Index":
            error = self.index_error[0] if self.index_error else 0.0
            record = {
                "error": error, **record, "index": self.index[0], "stokesindex": np.array(self.index, dtype=np.float64),
            }  # fmt: skip
        elif self.kind == "Power Logarithmic Polynomial":
            errors = np.zeros(len(self.index))
            errors[: len(self.index_error)] = self.index_error
            record = {"coeffs": np.array(self.index, dtype=np.float64), "error": errors, **record}
        elif self.kind == "Tabular Spectrum":
            columns = dict(zip(("ival", "qval", "uval", "vval"), (np.array(v) for v in self.table), strict=True))
            record = {
                "freqRef": {"m0": {"unit": "Hz", "value": 0.0}, "refer": self.frame, "type": "frequency"}, **record, **columns,
                "maxFreq": max(self.table_hz), "minFreq": min(self.table_hz), "referenceFreq": self.reference_hz,
                "tabFreqVal": np.array(self.table_hz),
            }  # fmt: skip
        return dict(sorted(record.items()))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Spectrum:
        """Read CASA's record."""
        kind = find_name(str(record.get("type", "Constant")), SPECTRA, "spectrum")
        measure = record.get("frequency", {})
        frequency = Amount.from_record(measure["m0"]) if "m0" in measure else Amount(1.42, "GHz")
        made = cls(kind, frequency, str(measure.get("refer", "LSRK")))
        if kind == "Spectral Index":
            index = np.ravel(record.get("stokesindex", record.get("index", 0.0)))
            return replace(made, index=_floats(index), index_error=_floats(np.ravel(record.get("error", 0.0))))
        if kind == "Power Logarithmic Polynomial":
            return replace(made, index=_floats(record["coeffs"]), index_error=_floats(record.get("error", ())))
        if kind == "Tabular Spectrum":
            table = tuple(_floats(record[name]) for name in ("ival", "qval", "uval", "vval"))
            return replace(made, table_hz=_floats(record["tabFreqVal"]), table=table)
        return made

    def factors(self, frequency_hz: np.ndarray) -> np.ndarray:
        """What Stokes I is multiplied by at frequencies [Hz] of the spectrum's own frame.

        Notes
        -----
        With x the frequency over the reference frequency: ``x**index``, or ``x**(c0 + c1 ln x + c2 (ln x)**2 + ...)``.
        """
        ratio = np.asarray(frequency_hz, dtype=np.float64) / self.reference_hz
        if self.kind == "Constant":
            return np.ones_like(ratio)
        if self.kind == "Spectral Index":
            return np.asarray(ratio ** self.index[0])
        if self.kind == "Tabular Spectrum":
            raise ParameterError("a tabulated spectrum holds flux densities, not factors; use stokes_at")
        logs = np.log(ratio)
        return np.exp(sum(c * logs ** (k + 1) for k, c in enumerate(self.index)))


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in np.ravel(values))


@dataclass(frozen=True)
class Component:
    """One source of the sky model."""

    flux: Flux = field(default_factory=Flux)
    shape: Shape = field(default_factory=Shape)
    spectrum: Spectrum = field(default_factory=Spectrum)
    label: str = ""

    def record(self) -> dict[str, Any]:
        """CASA's record."""
        return {
            "flux": self.flux.record(), "label": self.label, "shape": self.shape.record(), "spectrum": self.spectrum.record(),
        }  # fmt: skip

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Component:
        """Read CASA's record; raises DataError when a field is missing."""
        try:
            spectrum = Spectrum.from_record(record.get("spectrum", {}))
            return cls(
                Flux.from_record(record["flux"]), Shape.from_record(record["shape"]), spectrum, str(record.get("label", ""))
            )
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(f"the record of a sky component lacks {error}") from error

    def stokes_at(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V (4, freq) [Jy] at frequencies [Hz] of the spectrum's own frame."""
        frequencies = np.asarray(frequency_hz, dtype=np.float64)
        stokes = self.flux.to_unit("Jy").to_polarization("Stokes").values.real
        if self.spectrum.kind == "Tabular Spectrum":
            hz = np.asarray(self.spectrum.table_hz)
            order = np.argsort(hz)
            return np.array([np.interp(frequencies, hz[order], np.asarray(row)[order]) for row in self.spectrum.table])
        values = np.outer(stokes, self.spectrum.factors(frequencies))
        if self.spectrum.kind == "Spectral Index" and len(self.spectrum.index) == 4:
            return _polarized(stokes, values[0], frequencies, self.spectrum)
        return values

    @property
    def is_physical(self) -> bool:
        """True unless the polarized flux exceeds the total one, or a width is not a number."""
        values = self.flux.to_polarization("Stokes").values
        if np.abs(values.imag).max() > 0:
            return False
        total, polarized = values.real[0], float(np.linalg.norm(values.real[1:]))
        return bool(polarized <= abs(total) * (1 + 1e-7))


def _polarized(stokes: np.ndarray, intensity: np.ndarray, frequency_hz: np.ndarray, spectrum: Spectrum) -> np.ndarray:
    """Stokes parameters whose fractions follow power laws and whose angle follows a rotation measure [rad/m2] (index 1, 3 and 2)."""
    if not stokes[0]:
        return np.zeros((4, len(frequency_hz)))
    ratio = frequency_hz / spectrum.reference_hz
    linear = math.hypot(stokes[1], stokes[2]) / stokes[0] * ratio ** spectrum.index[1]
    wavelength2 = SPEED_OF_LIGHT_M_S**2 * (1.0 / frequency_hz**2 - 1.0 / spectrum.reference_hz**2)
    twice_angle = math.atan2(stokes[2], stokes[1]) + 2.0 * spectrum.index[2] * wavelength2
    circular = stokes[3] / stokes[0] * ratio ** spectrum.index[3]
    fractions = np.array([np.ones_like(ratio), linear * np.cos(twice_angle), linear * np.sin(twice_angle), circular])
    return np.asarray(intensity * fractions)


def find_name(given: str, names: Sequence[str], what: str) -> str:
    """The name of a list that is meant, without regard to case and with short forms; raises ParameterError otherwise."""
    folded = given.strip().lower()
    short = {"plp": "power logarithmic polynomial", "spectral_index": "spectral index", "tabular": "tabular spectrum"}
    folded = short.get(folded, folded)
    for name in names:
        if name.lower() == folded:
            return name
    raise ParameterError(f"there is no {what} {given!r}; known are {', '.join(names)}")
