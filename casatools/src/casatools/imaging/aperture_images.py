"""Aperture illuminations that are images: antenna responses of the kind AIF, made into patterns on the sky.

Notes
-----
With ``A(u, v)`` the illumination, u along azimuth and v along elevation, the voltage pattern is ``E(l, m) = sum A exp(2 pi i (u l + v m))``: an image of an
illumination is what `image.fft` makes of one of a voltage pattern in azimuth and elevation. Its two linear axes are in wavelengths, or in metres of the dish.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, section 15.1.2: the voltage pattern is the transform of the aperture's field.
CASA documentation, tool vpmanager, `createantresp`: AIF stands for the aperture illumination.
"""

from __future__ import annotations

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.frames.quantities import convert_value
from casatools.imaging.pattern_images import PARALLEL_HANDS, PatternImage, normalized_pattern
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates

__all__ = ["read_aperture_image"]

# Pixels of the pattern across the wavelength over the aperture's width, and how many such widths it reaches to each side.
_ACROSS, _REACH = 12, 16


def read_aperture_image(path: str, channel: int | None = None) -> PatternImage:
    """Read the image of an aperture's illumination, or one channel of it, as the power pattern that it makes.

    Raises
    ------
    PathMissingError, DataError
        There is no such image; it has other axes than two linear ones in wavelengths or metres, polarization and frequency; it has no parallel hand or
        Stokes I, or no such channel; or it is blank.
    """
    with CasaImage.open(path) as image:
        pixels, coordinates = np.asarray(image.read()), image.coordinates
    steps, lengths = _steps(coordinates, path, pixels.ndim)
    spectral, stokes = coordinates.spectral, coordinates.stokes
    axes = coordinates.spectral_axis, coordinates.stokes_axis, *coordinates.pixel_axes_of("Linear")[::-1]
    assert spectral is not None and stokes is not None
    planes = np.transpose(pixels, [pixels.ndim - 1 - int(a or 0) for a in axes])
    hands = [k for k, label in enumerate(stokes.labels) if label in PARALLEL_HANDS]
    if not hands:
        raise DataError(f"aperture {path!r} needs a parallel hand or Stokes I; it has {list(stokes.labels)}")
    hz = np.asarray(spectral.frequencies_hz(len(planes)), dtype=np.float64)
    if channel is not None:
        if channel >= len(planes):
            raise DataError(f"aperture {path!r} has no channel {channel}")
        planes, hz = planes[channel : channel + 1], hz[channel : channel + 1]
    # Wavelengths a pixel (chan, 2), in y and x.
    wavelengths = np.outer(hz / SPEED_OF_LIGHT_M_S if lengths else np.ones(len(hz)), steps)
    box = _lit(planes[:, hands])
    widest = max(np.abs(wavelengths[:, k]).max() * (s.stop - s.start) for k, s in enumerate(box))
    finest = float(np.abs(wavelengths).max())
    # Beyond half a turn a pixel the pattern would repeat itself.
    half = int(min(_ACROSS * _REACH, 0.5 * _ACROSS * widest / finest))
    step = 1.0 / (_ACROSS * widest)
    offsets = np.arange(-half, half + 1) * step
    power = np.stack([
        np.mean([_power(planes[k, h][box], wavelengths[k], offsets) for h in hands], axis=0) for k in range(len(planes))
    ])  # fmt: skip
    return normalized_pattern(power, hz, (float(half), float(half)), (step, step), True, path)


def _steps(coordinates: Coordinates, path: str, ndim: int) -> tuple[np.ndarray, bool]:
    """Steps of the linear axes, y and x, in wavelengths, or in metres where that is told."""
    index = coordinates.find("Linear")
    axes = coordinates.pixel_axes_of("Linear")
    if index is None or len(axes) != 2 or ndim != 4 or coordinates.spectral is None or coordinates.stokes is None:
        raise DataError(f"aperture {path!r} must be an image of two linear axes, polarization and frequency")
    member = coordinates.members[index]
    units = {str(unit) for unit in member.units}
    if not units <= {"lambda", "m", "cm", "mm", "km"} or ("lambda" in units and len(units) > 1):
        raise DataError(
            f"axes of aperture {path!r} must be in lambda or m; they are in {' and '.join(sorted(units)) or 'no unit'}"
        )
    found = [
        float(step) if unit == "lambda" else float(convert_value(float(step), unit, "m"))
        for step, unit in zip(member.increment, member.units, strict=True)
    ]
    return np.array(found[::-1]), "lambda" not in units


def _lit(planes: np.ndarray) -> tuple[slice, slice]:
    """The part in y and x that is illuminated in some plane; all where none is."""
    lit = (planes != 0).any(axis=(0, 1))
    spans = [np.flatnonzero(lit.any(axis=1 - k)) for k in range(2)]
    y, x = (slice(int(s[0]), int(s[-1]) + 1) if len(s) else slice(None) for s in spans)
    return (y, x) if lit.any() else (slice(0, lit.shape[0]), slice(0, lit.shape[1]))


def _power(aperture: np.ndarray, wavelengths: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The power (m, l) of an illumination (y, x) at direction cosines; where its pixels start changes phases only."""
    turns = [np.exp(2j * np.pi * np.outer(offsets, np.arange(n) * d)) for n, d in zip(aperture.shape, wavelengths, strict=True)]
    return np.asarray(np.square(np.abs(turns[0] @ aperture @ turns[1].T)))
