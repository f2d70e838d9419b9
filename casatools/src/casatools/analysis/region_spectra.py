"""Spectra of regions: flux densities, means, medians or sums of the pixels of each channel, as text.

References
----------
Greisen et al. 2006, A&A 446, 747: velocities of frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.image_frames import layer_factor
from casatools.frames.quantities import conforms, convert_value, is_unit, to_unit
from casatools.io.image import Beam, CasaImage

__all__ = ["RegionSpectrum", "SpectrumRequest", "region_spectrum", "spectrum_function", "spectrum_text"]

_FUNCTIONS = ("flux density", "mean", "median", "sum", "sqrtsum")


def spectrum_function(text: str) -> str:
    """The function that is meant; beginnings will do. Raises ParameterError for an unknown one."""
    folded = text.strip().lower()
    found = [name for name in _FUNCTIONS if folded and name.startswith(folded)] or [n for n in _FUNCTIONS if n == folded]
    if len(found) != 1 and folded not in found:
        raise ParameterError(f"parameter 'function' must be one of {', '.join(_FUNCTIONS)}; got {text!r}")
    return folded if folded in found else found[0]


@dataclass(frozen=True)
class SpectrumRequest:
    """What is wanted of each channel.

    Attributes
    ----------
    function : str
        See `spectrum_function`.
    unit : str
        Unit of the spectral axis for the total: of frequency, velocity or wavelength, "pixel", or "" for the axis' own.
    beam : tuple of quantities or None
        Major and minor axis in the place of the image's beam.
    """

    function: str = "flux density"
    unit: str = "km/s"
    beam: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class RegionSpectrum:
    """Numbers of each channel, arrays (chan,); `total` is the flux density integrated over the spectral axis."""

    channels: np.ndarray
    npix: np.ndarray
    frequency_hz: np.ndarray
    velocity_km_s: np.ndarray
    values: np.ndarray
    value_unit: str
    value_name: str
    total: float
    total_unit: str
    beam_text: str


def region_spectrum(image: CasaImage, choice: PixelChoice, request: SpectrumRequest) -> RegionSpectrum:
    """The spectrum of a region.

    Raises
    ------
    DataError
        The image has no spectral axis or sky, or no beam where flux densities need one.
    ParameterError
        Several polarizations are selected, or the unit does not fit a spectral axis.
    """
    coordinates = image.coordinates
    spectral, axis, direction = coordinates.spectral, coordinates.spectral_axis, coordinates.direction
    if spectral is None or axis is None or axis < 0 or direction is None or min(coordinates.direction_axes) < 0:
        raise DataError(f"image {image.path!r} needs a sky and a spectral axis for spectra of regions")
    _require_unit(request.unit)
    function = spectrum_function(request.function)
    chosen = choice.of(image)
    if not choice.mask:  # a mask may leave nothing, which the numbers of pixels then tell
        chosen.require_real("spectra are of")
        chosen.require_good()
    ndim = image.ndim
    at, stokes_axis = ndim - 1 - axis, coordinates.stokes_axis
    if stokes_axis is not None and stokes_axis >= 0 and chosen.pixels.box_shape[ndim - 1 - stokes_axis] > 1:
        raise ParameterError("a spectrum is made of one polarization; name it with parameter 'stokes'")
    cell = np.asarray(direction.increment) * [float(convert_value(1.0, u, "rad")) for u in direction.units]
    pixel_rad2 = float(abs(cell[0] * cell[1] * np.linalg.det(np.asarray(direction.matrix))))
    beams = _Beams(image, request, pixel_rad2)
    channels = chosen.pixels.chosen_on(at)
    stokes = 0 if stokes_axis is None else int(chosen.pixels.first[ndim - 1 - stokes_axis])
    number, values, flux = np.zeros(len(channels), np.int64), np.zeros(len(channels)), np.zeros(len(channels))
    for k, channel in enumerate(channels):
        inside = int(channel) - chosen.pixels.first[at]
        block = tuple(slice(inside, inside + 1) if a == at else slice(0, n) for a, n in enumerate(chosen.pixels.box_shape))
        pixels, good = chosen.read(block)
        used = pixels.astype(np.float64)[np.isfinite(pixels) if good is None else good & np.isfinite(pixels)]
        number[k] = used.size
        flux[k] = used.sum() / beams.pixels(int(channel), stokes) if beams.can_integrate else np.nan
        values[k] = flux[k] if function == "flux density" else _reduce(function, used)
    if function == "flux density" and not beams.can_integrate:
        raise DataError(
            f"image {image.path!r} has no beam (unit {image.unit!r}), which flux densities need; give major and minor, or set the beam"
        )
    hz = spectral.frequencies_hz(image.shape[at])[channels] * layer_factor(spectral)
    rest = spectral.rest_frequency_hz
    ratio2 = (hz / rest) ** 2 if rest > 0 else np.full(len(hz), np.nan)
    velocity = SPEED_OF_LIGHT_M_S * 1e-3 * (1.0 - ratio2) / (1.0 + ratio2)
    total = float(np.sum(flux * _widths(hz, velocity, request.unit)))
    names = {"flux density": "Flux_density", "sqrtsum": "Sqrt_sum"}
    return RegionSpectrum(
        channels, number, hz, velocity, values, beams.flux_unit if function == "flux density" else image.unit,
        names.get(function, function.capitalize()), total, f"{beams.flux_unit}.{request.unit or 'Hz'}", beams.text,
    )  # fmt: skip


def _require_unit(unit: str) -> None:
    if unit in ("", "pixel"):
        return
    if not is_unit(unit) or not any(conforms(unit, u) for u in ("Hz", "m/s", "m")):
        raise ParameterError(f"parameter 'unit' must be a unit of frequency, velocity or wavelength, or 'pixel'; got {unit!r}")


def _reduce(function: str, used: np.ndarray) -> float:
    if not used.size:
        return float("nan")
    if function == "mean":
        return float(used.mean())
    if function == "median":
        return float(np.median(used))
    total = float(used.sum())
    return total if function == "sum" else float(np.sqrt(total)) if total >= 0 else float("nan")


def _widths(hz: np.ndarray, velocity_km_s: np.ndarray, unit: str) -> np.ndarray:
    """Width of each channel: the distance to the next, for the last one to that before."""
    if len(hz) < 2 or unit == "pixel":
        return np.ones(len(hz))
    if unit and conforms(unit, "m/s"):
        along = velocity_km_s * float(convert_value(1.0, "km/s", unit))
    elif unit and conforms(unit, "m"):
        along = SPEED_OF_LIGHT_M_S / hz * float(convert_value(1.0, "m", unit))
    else:
        along = hz * float(convert_value(1.0, "Hz", unit or "Hz"))
    steps = np.abs(np.diff(along))
    return np.append(steps, steps[-1])


class _Beams:
    """How many pixels a unit of flux density is spread over."""

    def __init__(self, image: CasaImage, request: SpectrumRequest, pixel_rad2: float) -> None:
        self.image, self.pixel_rad2 = image, pixel_rad2
        name, _, per = image.unit.partition("/")
        self.given = None
        if request.beam is not None:
            major, minor = (float(to_unit(v, "rad")) for v in request.beam)
            if not major >= minor > 0:
                raise ParameterError("parameters 'major' and 'minor' must be positive angles, the major one not the smaller")
            self.given = Beam.from_rad(major, minor, 0.0)
        arcsec2 = float(convert_value(1.0, "rad", "arcsec")) ** 2
        self.per_beam = per.startswith("beam") or (not image.unit and self.given is not None)
        has_beam = self.given is not None or bool(image.beams)
        self.can_integrate = per.startswith("pixel") or (has_beam if self.per_beam else bool(image.unit) and has_beam)
        self.flux_unit = (name or "Jy") if self.per_beam or per.startswith("pixel") else f"{image.unit}.arcsec2"
        self.scale = 1.0 if per.startswith("pixel") else 1.0 / (pixel_rad2 * arcsec2)
        if self.given is None and image.beams and image.beams.is_per_plane:
            self.text = "multiple beams"
        elif has_beam:
            area = (self.given or image.beams.at(0, 0)).area_rad2
            self.text = f"beam size: {area * arcsec2} arcsec2, {area / pixel_rad2} pixels"
        else:
            self.text = "no beam"

    def pixels(self, channel: int, stokes: int) -> float:
        """Pixels of a beam, or one over the pixel area where the unit is not per beam."""
        if not self.per_beam:
            return self.scale
        beam = self.given or self.image.beams.at(channel, stokes)
        return beam.area_rad2 / self.pixel_rad2


def spectrum_text(found: RegionSpectrum, title: str, frequency_unit: str, velocity_unit: str = "km/s") -> str:
    """A spectrum as text: comments, then channel, number of pixels, frequency, velocity and value on each line."""
    scale, speed = float(convert_value(1.0, "Hz", frequency_unit)), float(convert_value(1.0, "km/s", velocity_unit))
    lines = [
        f"# {title}",
        f"# {found.beam_text}",
        f"# Total flux: {found.total:.12g} {found.total_unit}",
        f"# Channel number_of_unmasked_pixels frequency_({frequency_unit}) Velocity_({velocity_unit}) {found.value_name}_({found.value_unit})",
    ]
    rows = zip(found.channels, found.npix, found.frequency_hz * scale, found.velocity_km_s * speed, found.values, strict=True)
    lines += ["{:>9d} {:>25d} {:>15.6f} {:>15.6f} {:>17.6e}".format(*row) for row in rows]
    return "\n".join(lines) + "\n"
