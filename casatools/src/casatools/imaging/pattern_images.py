"""Voltage patterns that are images: what a vpmanager record of class IMAGE stands for.

Notes
-----
The reference pixel is the axis of the antenna. The power is the mean of those of the polarizations that are there (parallel hands, or Stokes I), 1 at its greatest. Between
the frequencies of the image the pattern is interpolated, and stretched with wavelength; so it is beyond them. Images in azimuth and elevation turn
with the parallactic angle, others do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.analysis.sky_planes import SkyPlanes
from casatools.io.image import CasaImage

__all__ = ["PARALLEL_HANDS", "BandedPattern", "PatternImage", "normalized_pattern", "read_pattern_image"]

# Below this part of the peak a pattern ends.
_LEAST = 1e-4
PARALLEL_HANDS = ("I", "RR", "LL", "XX", "YY", "R", "L", "X", "Y")


@dataclass(frozen=True)
class PatternImage:
    """The power pattern of an antenna on pixels.

    Attributes
    ----------
    power : ndarray (chan, y, x) float64
        1 at the greatest value of each channel.
    freq_hz : ndarray (chan,)
        Rising.
    axis_pixel : (float, float)
        Where the antenna points, x and y.
    increment_rad : (float, float)
        Pixel sizes, signed: x negative where it grows to the west.
    turns : bool
        The axes are azimuth and elevation.
    """

    power: np.ndarray
    freq_hz: np.ndarray
    axis_pixel: tuple[float, float]
    increment_rad: tuple[float, float]
    turns: bool = False

    def values(self, east_rad: np.ndarray, north_rad: np.ndarray, freq_hz: float, angle_rad: float = 0.0) -> np.ndarray:
        """The power (y, x) float64 at offsets from the axis.

        Parameters
        ----------
        east_rad, north_rad : ndarray (x,) and (y,)
        freq_hz : float
        angle_rad : float
            Parallactic angle, for patterns that turn.
        """
        east, north = np.asarray(east_rad)[None, :], np.asarray(north_rad)[:, None]
        if self.turns:
            # At a parallactic angle of zero up is north, and azimuth grows to the west.
            sin, cos = np.sin(angle_rad), np.cos(angle_rad)
            east, north = north * sin - east * cos, east * sin + north * cos
        place = float(np.interp(freq_hz, self.freq_hz, np.arange(len(self.freq_hz))))
        low = min(int(place), len(self.freq_hz) - 1)
        share = place - low
        found = self._plane(low, east, north, freq_hz)
        if share > 0:
            found = (1.0 - share) * found + share * self._plane(low + 1, east, north, freq_hz)
        return found

    def _plane(self, chan: int, east: np.ndarray, north: np.ndarray, freq_hz: float) -> np.ndarray:
        from scipy.ndimage import map_coordinates

        stretch = freq_hz / self.freq_hz[chan]
        shape = np.broadcast_shapes(east.shape, north.shape)
        x = np.broadcast_to(self.axis_pixel[0] + east * stretch / self.increment_rad[0], shape)
        y = np.broadcast_to(self.axis_pixel[1] + north * stretch / self.increment_rad[1], shape)
        return np.maximum(map_coordinates(self.power[chan], [y, x], order=3, mode="constant"), 0.0)

    def reach_rad(self, freq_hz: float) -> float:
        """Distance from the axis within which the pattern is above 1e-4 of its peak."""
        reaches = []
        for plane, hz in zip(self.power, self.freq_hz, strict=True):
            y, x = np.nonzero(plane > _LEAST)
            along = np.hypot((x - self.axis_pixel[0]) * self.increment_rad[0], (y - self.axis_pixel[1]) * self.increment_rad[1])
            reaches.append(float(along.max()) * hz / freq_hz)
        return max(reaches)


@dataclass(frozen=True)
class BandedPattern:
    """Patterns of an antenna that each hold in a range of frequencies.

    Attributes
    ----------
    parts : sequence of (float, float, PatternImage)
        Lowest and highest frequency [Hz] and the pattern.
    what : str
        For messages.
    """

    parts: Sequence[tuple[float, float, PatternImage]]
    what: str = ""

    @property
    def turns(self) -> bool:
        """Whether the axes of one are azimuth and elevation."""
        return any(part.turns for _, _, part in self.parts)

    def part(self, freq_hz: float) -> PatternImage:
        """The pattern at a frequency; of several the one that was made nearest to it.

        Raises
        ------
        DataError
            None holds there.
        """
        found = [part for low, high, part in self.parts if low <= freq_hz <= high]
        if not found:
            ranges = ", ".join(f"{low / 1e9:.6g} to {high / 1e9:.6g}" for low, high, _ in self.parts)
            raise DataError(
                f"there is no antenna response{self.what} at {freq_hz / 1e9:.6g} GHz; there are those of {ranges} GHz"
            )
        return min(found, key=lambda part: float(np.abs(part.freq_hz - freq_hz).min()))

    def values(self, east_rad: np.ndarray, north_rad: np.ndarray, freq_hz: float, angle_rad: float = 0.0) -> np.ndarray:
        """As `PatternImage.values`."""
        return self.part(freq_hz).values(east_rad, north_rad, freq_hz, angle_rad)

    def reach_rad(self, freq_hz: float) -> float:
        """As `PatternImage.reach_rad`."""
        return self.part(freq_hz).reach_rad(freq_hz)


def read_pattern_image(record: Mapping[str, Any], channel: int | None = None) -> PatternImage:
    """Read the image, or the two of the real and the imaginary part, of a voltage pattern; one channel of it where it is named.

    Raises
    ------
    PathMissingError, DataError
        An image is missing, has no sky plane, no frequency or no parallel hand, or is blank; or the two parts differ in shape.
    """
    whole = str(record.get("compleximage", "") or "")
    names = [whole] if whole else [str(n) for n in (record.get("realimage", ""), record.get("imagimage", "")) if n]
    parts = []
    for name in names:
        with CasaImage.open(name) as image:
            parts.append(image.read())
    if len({part.shape for part in parts}) != 1:
        raise DataError(f"the images {names} of a voltage pattern differ in shape")
    voltage = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
    with CasaImage.open(names[0]) as image:
        planes = SkyPlanes(image)
        stokes = image.coordinates.stokes
        labels = list(stokes.labels) if stokes is not None else ["I"]
        hands = [k for k, label in enumerate(labels) if label in PARALLEL_HANDS]
        nchan = 1 if planes.channel_axis is None else image.shape[planes.channel_axis]
        freq = [f for f in (planes.frequency_hz(k) for k in range(nchan)) if f is not None]
        if not hands or len(freq) < nchan:
            raise DataError(
                f"image {names[0]!r} of a voltage pattern needs a spectral axis and a parallel hand or Stokes I; it has {labels}"
            )
        power = np.stack([
            np.mean([np.square(np.abs(planes.flat(voltage[planes.plane_slices(image.shape, k, h)]))) for h in hands], axis=0) for k in range(nchan)
        ])  # fmt: skip
        direction = planes.direction
        axis_pixel = (float(direction.reference_pixel[0]), float(direction.reference_pixel[1]))
        dx, dy = (float(v) for v in direction.increment_rad)
        turns = direction.frame.upper().startswith("AZEL")
    if channel is not None:
        if channel >= nchan:
            raise DataError(f"image {names[0]!r} of a voltage pattern has no channel {channel}")
        power, freq = power[channel : channel + 1], freq[channel : channel + 1]
    return normalized_pattern(power, np.array(freq, dtype=np.float64), axis_pixel, (dx, dy), turns, names[0])


def normalized_pattern(
    power: np.ndarray,
    freq_hz: np.ndarray,
    axis_pixel: tuple[float, float],
    increment_rad: tuple[float, float],
    turns: bool,
    name: str,
) -> PatternImage:
    """The pattern of power planes (chan, y, x) of any scale and order; `name` is that of the image, for errors.

    Raises
    ------
    DataError
        A channel is blank.
    """
    greatest = power.max(axis=(1, 2), keepdims=True)
    if not np.isfinite(power).all() or not (greatest > 0).all():
        raise DataError(f"image {name!r} of a voltage pattern has a channel that is blank")
    order = np.argsort(freq_hz)
    return PatternImage((power / greatest)[order].astype(np.float64), freq_hz[order], axis_pixel, increment_rad, turns)
