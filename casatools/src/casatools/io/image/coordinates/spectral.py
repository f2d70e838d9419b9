"""The spectral axis: frequency as a linear function of pixel or by a table, with velocities and wavelengths beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.one_point import PointFunctions
from casatools.io.image.coordinates.tabular import TabularCoordinate
from casatools.io.image.coordinates.units import unit_factor, unit_scale

__all__ = [
    "DOPPLER_NAMES", "SPECTRAL_FRAMES", "SpectralCoordinate", "doppler_code", "doppler_to_ratio",
    "make_conversion", "ratio_to_doppler", "spectral_frame",
]  # fmt: skip

SPECTRAL_FRAMES = ("REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB", "Undefined")
_FRAME_ALIASES = {"LSR": "LSRK", "HELIO": "BARY", "HEL": "BARY", "TOPOCENT": "TOPO", "BARYCENT": "BARY", "HELIOCEN": "BARY"}
# casacore's doppler types by number.
DOPPLER_NAMES = ("RADIO", "Z", "RATIO", "BETA", "GAMMA")
_DOPPLER_ALIASES = {
    "RADIO": 0, "Z": 1, "OPTICAL": 1, "OPT": 1, "RATIO": 2, "BETA": 3, "RELATIVISTIC": 3, "TRUE": 3, "GAMMA": 4,
}  # fmt: skip


def spectral_frame(name: str) -> str:
    """CASA's code of a frequency frame given in any case or by an old name; raises ParameterError for an unknown one."""
    code = name.strip().upper()
    code = _FRAME_ALIASES.get(code, code)
    if code in ("UNDEFINED", ""):
        return "Undefined"
    if code not in SPECTRAL_FRAMES:
        raise ParameterError(f"there is no frequency frame {name!r}; known: {', '.join(SPECTRAL_FRAMES)}")
    return code


def doppler_code(name: str) -> int:
    """casacore's number of a doppler definition (unambiguous starts are enough); raises ParameterError for an unknown one."""
    code = name.strip().upper()
    if code in _DOPPLER_ALIASES:
        return _DOPPLER_ALIASES[code]
    starts = {value for key, value in _DOPPLER_ALIASES.items() if code and key.startswith(code)}
    if len(starts) == 1:
        return starts.pop()
    raise ParameterError(f"there is no doppler definition {name!r}; known: {', '.join(_DOPPLER_ALIASES)}")


def _line(values: np.ndarray, slope: float, start: float) -> np.ndarray:
    """``start + slope * values``, in memory that earlier results left."""
    given = np.asarray(values, dtype=np.float64)
    out = np.multiply(given, slope, out=empty_array(given.shape, np.float64))
    out += start
    return out


def doppler_to_ratio(value: np.ndarray, code: int) -> np.ndarray:
    """Frequency ratio f/f0 of a doppler `value` (velocity over c; ratio and gamma as they are).

    References
    ----------
    Greisen et al. 2006, A&A 446, 747 (FITS paper III), table 4.
    """
    value = np.asarray(value, dtype=np.float64)
    if code == 0:
        return 1.0 - value
    if code == 1:
        return 1.0 / (1.0 + value)
    if code == 2:
        return value
    if code == 3:
        return np.sqrt((1.0 - value) / (1.0 + value))
    return value * (1.0 - np.sqrt(1.0 - 1.0 / value**2))


def ratio_to_doppler(ratio: np.ndarray, code: int) -> np.ndarray:
    """The doppler value of a frequency ratio f/f0; the inverse of `doppler_to_ratio`."""
    ratio = np.asarray(ratio, dtype=np.float64)
    if code == 0:
        return 1.0 - ratio
    if code == 1:
        return 1.0 / ratio - 1.0
    if code == 2:
        return ratio
    square = ratio * ratio
    if code == 3:
        return (1.0 - square) / (1.0 + square)
    return (1.0 + square) / (2.0 * ratio)


def make_conversion(frame: str) -> dict[str, Any]:
    """The conversion record of a spectral coordinate whose world values are given in its own frame."""

    def quantity(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "unit": unit}

    return {
        "direction": {"type": "direction", "refer": "J2000", "m0": quantity(0.0, "rad"), "m1": quantity(np.pi / 2, "rad")},
        "position": {
            "type": "position", "refer": "ITRF", "m0": quantity(0.0, "rad"), "m1": quantity(0.0, "rad"), "m2": quantity(0.0, "m"),
        },
        "epoch": {"type": "epoch", "refer": "LAST", "m0": quantity(0.0, "d")},
        "system": frame,
    }  # fmt: skip


@dataclass(frozen=True)
class SpectralCoordinate:
    """Frequencies along one axis in a frequency frame.

    Parameters
    ----------
    frame : str
        CASA's frequency code.
    axis : TabularCoordinate
        Pixel to frequency, linear or tabulated; its unit is the unit of the world values.
    rest_frequencies : ndarray (n,) float64
        In the axis' unit.
    rest_index : int
        Which of them is in use.
    velocity_code, native_code : int
        casacore's numbers of the doppler definition (`DOPPLER_NAMES`) and of the native type of the axis
        (0 frequency, 1 radio velocity, 2 optical velocity, 3 relativistic velocity, 4 wavelength, 5 air wavelength).
    velocity_unit, wave_unit, format_unit : str
    conversion : dict
        CASA's record of the frame that world values are to be given in, with what the conversion needs.
    """

    frame: str
    axis: TabularCoordinate
    rest_frequencies: np.ndarray
    rest_index: int = 0
    velocity_code: int = 0
    native_code: int = 0
    velocity_unit: str = "km/s"
    wave_unit: str = "mm"
    format_unit: str = ""
    conversion: dict[str, Any] = field(default_factory=dict)

    kind = "Spectral"
    record_name = "spectral"
    naxes = 1

    @classmethod
    def linear(
        cls, frame: str, frequency_hz: float, increment_hz: float, reference_pixel: float = 0.0, rest_frequency_hz: float = 0.0
    ) -> SpectralCoordinate:
        """A linear frequency axis.

        Parameters
        ----------
        frame : str
        frequency_hz : float
            At the (0-based) reference pixel [Hz].
        increment_hz : float
            [Hz]
        reference_pixel : float
        rest_frequency_hz : float
            0 means none.
        """
        axis = TabularCoordinate.make("Frequency", "Hz", frequency_hz, reference_pixel, increment_hz)
        code = spectral_frame(frame)
        return cls(code, axis, np.array([float(rest_frequency_hz)]), conversion=make_conversion(code))

    @classmethod
    def tabulated(cls, frame: str, frequencies_hz: Any, rest_frequency_hz: float = 0.0) -> SpectralCoordinate:
        """An axis with the given frequency [Hz] at pixels 0, 1, 2, ...; linear where they are evenly spaced to 1e-12 or one only."""
        frequencies = np.asarray(frequencies_hz, dtype=np.float64).ravel()
        if len(frequencies) == 0:
            raise ParameterError("a spectral axis needs at least one frequency")
        if len(frequencies) == 1:
            return cls.linear(frame, float(frequencies[0]), float(frequencies[0]) * 1e-6, 0.0, rest_frequency_hz)
        code = spectral_frame(frame)
        axis = TabularCoordinate.from_table(np.arange(len(frequencies)), frequencies, "Hz", "Frequency")
        return cls(code, axis, np.array([float(rest_frequency_hz)]), conversion=make_conversion(code))

    @property
    def names(self) -> tuple[str, ...]:
        return self.axis.names

    @property
    def units(self) -> tuple[str, ...]:
        return self.axis.units

    @property
    def reference_value(self) -> np.ndarray:
        return self.axis.reference_value

    @property
    def reference_pixel(self) -> np.ndarray:
        return self.axis.reference_pixel

    @property
    def increment(self) -> np.ndarray:
        return self.axis.increment

    @property
    def matrix(self) -> np.ndarray:
        return self.axis.matrix

    @property
    def hz(self) -> float:
        """Hz in one unit of the axis."""
        return unit_factor(self.axis.units[0])[0]

    @property
    def rest_frequency_hz(self) -> float:
        """The rest frequency in use [Hz]; 0 when there is none."""
        return float(self.rest_frequencies[self.rest_index]) * self.hz if len(self.rest_frequencies) else 0.0

    @property
    def conversion_frame(self) -> str:
        """The frame that world values are to be given in."""
        return str(self.conversion.get("system", self.frame))

    @property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        return self.axis.one_point

    def to_world(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Frequencies (1, point) in the axis' unit of 0-based pixels (1, point), in `out` where that is given."""
        return self.axis.to_world(pixels, out)

    def to_pixel(self, world: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """0-based pixels (1, point) of frequencies (1, point) in the axis' unit, in `out` where that is given."""
        return self.axis.to_pixel(world, out)

    def frequencies_hz(self, nchan: int) -> np.ndarray:
        """Frequencies of pixels 0 to nchan - 1 (chan,) [Hz], in the native frame."""
        return np.asarray(self.axis.to_world(np.arange(nchan, dtype=np.float64)[None])[0] * self.hz)

    def velocity(self, frequency_hz: np.ndarray, doppler: str | int | None = None, unit: str | None = None) -> np.ndarray:
        """Velocities of frequencies [Hz] for the rest frequency in use.

        Parameters
        ----------
        frequency_hz : ndarray
        doppler : str or int, optional
            Definition; the coordinate's own when not given.
        unit : str, optional
            The coordinate's own when not given.

        Raises
        ------
        ParameterError
            There is no rest frequency, or `unit` is no velocity.
        """
        code = self.velocity_code if doppler is None else (doppler if isinstance(doppler, int) else doppler_code(doppler))
        scale = SPEED_OF_LIGHT_M_S * unit_scale("m/s", self.velocity_unit if unit is None else unit)
        if code == 0:  # one step less: lists of a million are converted
            return _line(frequency_hz, -scale / self._rest(), scale)
        return ratio_to_doppler(np.asarray(frequency_hz) / self._rest(), code) * scale

    def frequency_hz_of(self, velocity: np.ndarray, doppler: str | int | None = None, unit: str | None = None) -> np.ndarray:
        """Frequencies [Hz] of velocities; the inverse of `velocity`."""
        code = self.velocity_code if doppler is None else (doppler if isinstance(doppler, int) else doppler_code(doppler))
        scale = SPEED_OF_LIGHT_M_S * unit_scale("m/s", self.velocity_unit if unit is None else unit)
        if code == 0:
            return _line(velocity, -self._rest() / scale, self._rest())
        return doppler_to_ratio(np.asarray(velocity) / scale, code) * self._rest()

    def _rest(self) -> float:
        rest = self.rest_frequency_hz
        if rest <= 0:
            raise ParameterError("the spectral axis has no rest frequency, so there are no velocities")
        return rest

    def with_units(self, units: Sequence[str]) -> SpectralCoordinate:
        """The same axis in another unit of frequency; raises ParameterError for others."""
        scale = unit_scale(self.axis.units[0], units[0])
        return replace(self, axis=self.axis.with_units(units), rest_frequencies=self.rest_frequencies * scale)

    def with_reference(
        self,
        value: np.ndarray | None = None,
        pixel: np.ndarray | None = None,
        increment: np.ndarray | None = None,
        matrix: np.ndarray | None = None,
    ) -> SpectralCoordinate:
        """A copy with some of reference value, reference pixel, increment and matrix replaced."""
        return replace(self, axis=self.axis.with_reference(value, pixel, increment, matrix))

    def with_names(self, names: Sequence[str]) -> SpectralCoordinate:
        """A copy with another axis name."""
        return replace(self, axis=self.axis.with_names(names))

    def with_frame(self, frame: str) -> SpectralCoordinate:
        """A copy in another native frame; the conversion frame is set to it too, as CASA does."""
        code = spectral_frame(frame)
        return replace(self, frame=code, conversion={**(self.conversion or make_conversion(code)), "system": code})

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> SpectralCoordinate:
        """The axis as seen by pixels ``start + step * k``."""
        return replace(self, axis=self.axis.sliced(starts, steps, counts))

    def to_record(self) -> dict[str, Any]:
        """CASA's record (version 2) of a spectral coordinate."""
        record: dict[str, Any] = {
            "version": 2,
            "system": self.frame,
            "restfreq": float(self.rest_frequencies[self.rest_index]) if len(self.rest_frequencies) else 0.0,
            "restfreqs": self.rest_frequencies.copy(),
            "velType": self.velocity_code,
            "nativeType": self.native_code,
            "velUnit": self.velocity_unit,
            "waveUnit": self.wave_unit,
            "formatUnit": self.format_unit,
            "unit": self.axis.units[0],
            "name": self.axis.names[0],
            "conversion": self.conversion or make_conversion(self.frame),
        }
        if self.axis.tabulated:
            record["tabular"] = self.axis.to_record()
        else:
            record["wcs"] = {
                "crval": float(self.axis.reference_value[0]),
                "crpix": float(self.axis.reference_pixel[0]),
                "cdelt": float(self.axis.increment[0]),
                "pc": float(self.axis.matrix[0, 0]),
                "ctype": "FREQ",
            }
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> SpectralCoordinate:
        """Read CASA's record, also of version 1 (a tabular record without table stands for a linear axis there)."""
        name, unit = str(record.get("name", "Frequency")), str(record.get("unit", "Hz"))
        if "tabular" in record:
            axis = TabularCoordinate.from_record(record["tabular"])
            unit = str(record.get("unit", axis.units[0]))
        else:
            wcs = record["wcs"]
            axis = TabularCoordinate.make(name, unit, wcs["crval"], wcs["crpix"], wcs["cdelt"])
            axis = axis.with_reference(matrix=np.array([[float(wcs.get("pc", 1.0))]]))
        frame = spectral_frame(str(record["system"]))
        rest = float(record.get("restfreq", 0.0))
        frequencies = np.array(record.get("restfreqs", [rest]), dtype=np.float64).ravel()
        matches = np.flatnonzero(frequencies == rest)
        conversion = dict(record["conversion"]) if "conversion" in record else make_conversion(frame)
        conversion["system"] = spectral_frame(str(conversion.get("system", frame)))
        return cls(
            frame, axis, frequencies, int(matches[0]) if len(matches) else 0, int(record.get("velType", 0)),
            int(record.get("nativeType", 0)), str(record.get("velUnit", "km/s")), str(record.get("waveUnit", "mm")),
            str(record.get("formatUnit", "")), conversion,
        )  # fmt: skip
