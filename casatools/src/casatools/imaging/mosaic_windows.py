"""The parts of an image that primary beams cover, and the beams there.

Notes
-----
Beams change with frequency in steps of at most two per cent (one for A-projection). With conjugate beams data are gridded through the beam of the
frequency ``sqrt(2 f0**2 - f**2)``, so that the product of the beam they were seen through and the one they are gridded through hardly depends on
frequency.

References
----------
Bhatnagar, Rau & Golap 2013, ApJ 770, 91: conjugate beams, eq. 18.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.memory import memory_budget_bytes
from casatools.frames.directions import Direction
from casatools.imaging.beam_groups import BeamGroup, BeamGroups
from casatools.imaging.gridding import GridOptions
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["NORMALIZATIONS", "BeamUse", "BeamWindows", "Window"]

NORMALIZATIONS = ("flatnoise", "flatsky", "pbsquare")
_LEAST_PIXELS = 24
# The frequency of a conjugate beam is not below this part of the reference.
_LEAST_CONJUGATE = 0.1


@dataclass(frozen=True)
class BeamUse:
    """What an image does with its beams.

    Attributes
    ----------
    normtype : str
        One of `NORMALIZATIONS`.
    weights_apart : bool
        Count the density of uv samples for each field apart.
    blank_below : float
        Value of the mosaic's beam below which residuals that are divided by it are left blank.
    band_step : float
        Relative change of frequency that one beam serves.
    conjugate_hz : float
        Reference frequency of conjugate beams; 0 for none.
    fixed_hz : float
        The frequency that all beams are taken at; 0 for that of the data.
    psf_centre : Direction, optional
        Where the point spread function is to be that of a source, in the image's frame; the middle of the image when not given.
    """

    normtype: str = "flatnoise"
    weights_apart: bool = True
    blank_below: float = 0.0
    band_step: float = 0.02
    conjugate_hz: float = 0.0
    fixed_hz: float = 0.0
    psf_centre: Direction | None = None


@dataclass(frozen=True)
class Window:
    """The part of an image that a beam covers, and the beam there.

    Attributes
    ----------
    rows, columns : slice
        Of the image.
    options : GridOptions
    seen : ndarray (hand, y, x) float32
        The beam that the data were seen through, one for each plane of the data or one for all.
    gridded : ndarray (hand, y, x) float32
        The beam that they are gridded through; the same array unless beams are conjugate.
    """

    rows: slice
    columns: slice
    options: GridOptions
    seen: np.ndarray
    gridded: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.seen.nbytes * (1 if self.gridded is self.seen else 2)


class BeamWindows:
    """The windows of an image, made when they are asked for and kept as far as memory allows.

    Parameters
    ----------
    groups : BeamGroups
    direction : DirectionCoordinate
        Of the image.
    options : GridOptions
        Of the whole image.
    use : BeamUse
    hands : tuple of (str, str)
        Receptors of the two antennas, for each plane of the data that has a beam of its own.
    """

    def __init__(
        self,
        groups: BeamGroups,
        direction: DirectionCoordinate,
        options: GridOptions,
        use: BeamUse,
        hands: tuple[tuple[str, str], ...] = (("", ""),),
    ) -> None:
        self.groups, self.direction, self.options, self.use, self.hands = groups, direction, options, use, hands
        self._kept: OrderedDict[tuple[int, float], Window | None] = OrderedDict()
        self._limit = memory_budget_bytes() // 4
        self._size = 0

    def bands(self, freq_hz: np.ndarray) -> Iterator[tuple[slice, float]]:
        """Runs of channels that share a beam, and its frequency."""
        if self.use.fixed_hz:
            yield slice(0, len(freq_hz)), self.use.fixed_hz
            return
        low = 0
        for k in range(1, len(freq_hz) + 1):
            if k == len(freq_hz) or abs(freq_hz[k] - freq_hz[low]) > self.use.band_step * freq_hz[low]:
                # Two digits below the steps: beams of a cube's Doppler-shifted channels are shared.
                yield slice(low, k), float(f"{freq_hz[low:k].mean():.5g}")
                low = k

    def window(self, number: int, hz: float) -> Window | None:
        """The window of a group at a frequency; None where its beam does not reach the image."""
        key = (number, hz)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = self._make(self.groups.groups[number], hz)
        self._size += made.nbytes if made is not None else 0
        while self._size > self._limit and len(self._kept) > 1:
            dropped = self._kept.popitem(last=False)[1]
            self._size -= dropped.nbytes if dropped is not None else 0
        return made

    def place(self, there: Direction) -> tuple[float, float]:
        """Pixel in x and y of a direction; not finite on the other half of the sky."""
        scale = np.array([[unit_factor(u)[0]] for u in self.direction.units])
        x, y = self.direction.to_pixel(np.array([[there.lon_rad], [there.lat_rad]]) / scale)[:, 0]
        return float(x), float(y)

    def values(self, group: BeamGroup, hz: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Beams (hand, y, x) float32 of a group on pixels."""
        dx, dy = self.options.cell_rad
        places = [self.place(there) for there in group.pointings]
        # x grows to the west.
        east = [(x0 - x) * dx for x0, _ in places]
        north = [(y - y0) * dy for _, y0 in places]
        out = empty_array((len(self.hands), len(y), len(x)), np.float32)
        for plane, hand in zip(out, self.hands, strict=True):
            plane[...] = group.values(east, north, hz, hand)
        return out

    def _make(self, group: BeamGroup, hz: float) -> Window | None:
        nx, ny = self.options.shape
        dx, dy = self.options.cell_rad
        conjugate = _conjugate(hz, self.use.conjugate_hz)
        # The gridder wants windows of some size.
        reach = max(group.reach_rad(hz), _LEAST_PIXELS * max(dx, dy))
        left, right, bottom, top = 0, nx, 0, ny
        for there in group.pointings:
            x0, y0 = self.place(there)
            if not np.isfinite(x0 + y0):
                return None
            (low_x, high_x), (low_y, high_y) = _span(x0, reach / dx, nx), _span(y0, reach / dy, ny)
            left, right, bottom, top = max(left, low_x), min(right, high_x), max(bottom, low_y), min(top, high_y)
        if right <= left or top <= bottom:
            return None
        if group.pointings[0] != group.pointings[1]:
            # The common part of two windows may be too small, or odd.
            left, right = _span(0.5 * (left + right - 1), 0.5 * (right - left), nx)
            bottom, top = _span(0.5 * (bottom + top - 1), 0.5 * (top - bottom), ny)
        x, y = np.arange(left, right), np.arange(bottom, top)
        seen = self.values(group, hz, x, y)
        gridded = seen if conjugate == hz else self.values(group, conjugate, x, y)
        offset = ((left + right) // 2 - nx // 2, (bottom + top) // 2 - ny // 2)
        options = replace(self.options, shape=(right - left, top - bottom), offset=offset)
        return Window(slice(bottom, top), slice(left, right), options, seen, gridded)


def _conjugate(hz: float, reference_hz: float) -> float:
    """The frequency of the conjugate beam."""
    if not reference_hz:
        return hz
    return float(np.sqrt(max(2.0 * reference_hz**2 - hz**2, (_LEAST_CONJUGATE * reference_hz) ** 2)))


def _span(centre: float, reach: float, count: int) -> tuple[int, int]:
    """First and last-plus-one pixel of a window about a place, an even number of them, inside of an axis."""
    low, high = max(0, int(np.floor(centre - reach))), min(count, int(np.ceil(centre + reach)) + 1)
    if high <= low:
        return 0, 0
    # A window at an edge keeps a size that the gridder takes.
    least = min(count, 2 * _LEAST_PIXELS)
    if high - low < least:
        low = min(max(0, (low + high - least) // 2), count - least)
        high = low + least
    if (high - low) % 2:
        low, high = (low, high + 1) if high < count else (low - 1, high)
    return low, high
