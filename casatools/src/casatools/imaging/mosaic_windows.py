"""The parts of an image that primary beams cover, and the beams there.

Notes
-----
The beam of a channel is interpolated, by Lagrange's polynomials, between those of a few Chebyshev frequencies of the band, which leaves errors below 1e-3
of the beam's centre; gridding and predicting stay adjoint. So the number of Fourier transforms does not grow with the number of channels. Beams that do
not change smoothly with frequency, as measured ones given in steps, are taken in steps of at most two per cent (one for A-projection). With conjugate beams data are gridded through the beam of the
frequency ``sqrt(2 f0**2 - f**2)``, so that the product of the beam they were seen through and the one they are gridded through hardly depends on
frequency.

References
----------
Bhatnagar, Rau & Golap 2013, ApJ 770, 91: conjugate beams, eq. 18.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.memory import memory_budget_bytes
from casatools._base.threads import over_rows
from casatools.frames.directions import Direction
from casatools.imaging.beam_groups import BeamGroup, BeamGroups
from casatools.imaging.gridding import GridOptions
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["NORMALIZATIONS", "Band", "BeamUse", "BeamWindows", "Window"]

NORMALIZATIONS = ("flatnoise", "flatsky", "pbsquare")
_LEAST_PIXELS = 24
# The frequency of a conjugate beam is not below this part of the reference.
_LEAST_CONJUGATE = 0.1
# Widths of bands, relative to the frequency, over which three and two nodes leave errors below 1e-3 (Airy patterns).
_WIDEST = 0.3
_WIDEST_OF_TWO = 0.08
# Errors of interpolated beams that are put up with; larger ones tell of beams that change in steps.
_SMOOTH = 2e-3


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
        Relative change of frequency that one beam serves where beams are not interpolated.
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
class Band:
    """Channels whose beams are sums over those of a few frequencies.

    Attributes
    ----------
    channels : slice
        Of those asked for.
    nodes_hz : tuple of float
    shares : ndarray (node, chan) float32
        What each node counts in the beam of each channel; they add up to 1.
    """

    channels: slice
    nodes_hz: tuple[float, ...]
    shares: np.ndarray

    def sums(self, weight: np.ndarray) -> np.ndarray:
        """Sums (node, node) over the weights (row, chan) of the products of two nodes' shares."""
        total = weight.sum(axis=0, dtype=np.float64)
        return np.asarray((self.shares * total) @ self.shares.T.astype(np.float64))


@dataclass(frozen=True)
class Window:
    """The part of an image that a beam covers, and the beam there.

    Attributes
    ----------
    rows, columns : slice
        Of the image.
    options : GridOptions
    seen : ndarray (node, hand, y, x) float32
        The beams of the band's nodes that the data were seen through, one for each plane of the data or one for all.
    gridded : ndarray (node, hand, y, x) float32
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

    def products(self, sums: np.ndarray) -> np.ndarray:
        """Sum (hand, y, x) float32 over pairs of nodes of the beams seen and gridded through times `sums` (node, node)."""
        out = empty_array(self.seen.shape[1:], np.float32)
        factors = sums.astype(np.float32)

        def rows(a: int, b: int) -> None:
            mixed = np.tensordot(factors.T, self.seen[:, :, a:b], 1)
            mixed *= self.gridded[:, :, a:b]
            np.sum(mixed, axis=0, out=out[:, a:b])

        over_rows(rows, out.shape[1], 32)
        return out

    def mean(self, sums: np.ndarray) -> np.ndarray:
        """Sum (y, x) float32 over nodes of the beams seen, the mean of all hands, times `sums` (node,)."""
        return np.asarray(np.tensordot(sums.astype(np.float32), self.seen.mean(axis=1), 1), dtype=np.float32)


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
        self._kept: OrderedDict[tuple[int, tuple[float, ...]], Window | None] = OrderedDict()
        self._limit = memory_budget_bytes() // 4
        self._size = 0
        self._smooth: dict[tuple[object, ...], bool] = {}

    def emptied(self) -> BeamWindows:
        """The same without any beams made."""
        return BeamWindows(self.groups, self.direction, self.options, self.use, self.hands)

    def bands(self, number: int, freq_hz: np.ndarray) -> Iterator[Band]:
        """Runs of channels whose beams, those of a group, are interpolated between the same ones."""
        if self.use.fixed_hz:
            yield Band(slice(0, len(freq_hz)), (self.use.fixed_hz,), np.ones((1, len(freq_hz)), np.float32))
            return
        group = self.groups.groups[number]
        for part in _runs(freq_hz, _even_step(freq_hz)):
            nodes, shares = _nodes(freq_hz[part], self.use.band_step)
            if len(nodes) == 1 or self._is_smooth(group, nodes):
                yield Band(part, nodes, shares)
                continue
            for within in _runs(freq_hz[part], self.use.band_step):
                chosen = slice(part.start + within.start, part.start + within.stop)
                yield Band(chosen, *_one(freq_hz[chosen]))

    def _is_smooth(self, group: BeamGroup, nodes: tuple[float, ...]) -> bool:
        """Whether interpolation between nodes gives the beams of a group."""
        key = (id(group.beams), group.diameters_m, group.kinds, nodes)
        if key not in self._smooth:
            between = np.linspace(min(nodes), max(nodes), 7)
            shares = _lagrange(nodes, between)
            middle = float(np.mean(nodes))
            line = np.linspace(-0.9, 0.9, 25) * group.reach_rad(max(nodes))
            # Out to a place inside of where the beams end, which interpolation would smear.
            at = [
                np.array([group.values([line] * 2, [line] * 2, float(hz), h, middle) for h in self.hands])
                for hz in (*nodes, *between)
            ]
            found = np.tensordot(shares.T, np.array(at[: len(nodes)]), 1)
            self._smooth[key] = bool(np.abs(found - np.array(at[len(nodes) :])).max() < _SMOOTH)
        return self._smooth[key]

    def window(self, number: int, nodes_hz: tuple[float, ...]) -> Window | None:
        """The window of a group with its beams at some frequencies; None where they do not reach the image."""
        key = (number, nodes_hz)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = self._make(self.groups.groups[number], nodes_hz)
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

    def values(self, group: BeamGroup, nodes_hz: Sequence[float], x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Beams (node, hand, y, x) float32 of a group on pixels; all end at one distance."""
        dx, dy = self.options.cell_rad
        places = [self.place(there) for there in group.pointings]
        # x grows to the west.
        east = [(x0 - x) * dx for x0, _ in places]
        north = [(y - y0) * dy for _, y0 in places]
        out = empty_array((len(nodes_hz), len(self.hands), len(y), len(x)), np.float32)
        middle = float(np.mean(nodes_hz)) if len(nodes_hz) > 1 else 0.0
        for planes, hz in zip(out, nodes_hz, strict=True):
            for plane, hand in zip(planes, self.hands, strict=True):
                plane[...] = group.values(east, north, hz, hand, middle)
        return out

    def _make(self, group: BeamGroup, nodes_hz: tuple[float, ...]) -> Window | None:
        nx, ny = self.options.shape
        dx, dy = self.options.cell_rad
        # The gridder wants windows of some size.
        reach = max(group.reach_rad(min(nodes_hz)), _LEAST_PIXELS * max(dx, dy))
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
        seen = self.values(group, nodes_hz, x, y)
        conjugate = [_conjugate(hz, self.use.conjugate_hz) for hz in nodes_hz]
        gridded = self.values(group, conjugate, x, y) if self.use.conjugate_hz else seen
        offset = ((left + right) // 2 - nx // 2, (bottom + top) // 2 - ny // 2)
        options = replace(self.options, shape=(right - left, top - bottom), offset=offset)
        return Window(slice(bottom, top), slice(left, right), options, seen, gridded)


def _runs(freq_hz: np.ndarray, step: float) -> Iterator[slice]:
    """Runs of channels over which frequencies change by no more than a part of the first."""
    low = 0
    for k in range(1, len(freq_hz) + 1):
        if k == len(freq_hz) or abs(freq_hz[k] - freq_hz[low]) > step * freq_hz[low]:
            yield slice(low, k)
            low = k


def _even_step(freq_hz: np.ndarray) -> float:
    """Width of the parts, relative to their first frequencies, that a band is divided into evenly, none wider than three nodes serve."""
    width = float(np.log(freq_hz.max() / freq_hz.min()))
    count = max(1, int(np.ceil(width / np.log1p(_WIDEST) - 1e-9)))
    return float(np.expm1(width / count)) * (1.0 + 1e-9)


def _one(freq_hz: np.ndarray) -> tuple[tuple[float, ...], np.ndarray]:
    """One beam for all channels; of two digits below the steps, so that those of a cube's Doppler-shifted channels are shared."""
    return (float(f"{freq_hz.mean():.5g}"),), np.ones((1, len(freq_hz)), np.float32)


def _nodes(freq_hz: np.ndarray, step: float) -> tuple[tuple[float, ...], np.ndarray]:
    """Frequencies to interpolate beams between, and the shares (node, chan) of each in that of each channel."""
    low, high = float(freq_hz.min()), float(freq_hz.max())
    width = 2.0 * (high - low) / (high + low)
    if width <= step or len(freq_hz) == 1:
        return _one(freq_hz)
    count = next(k for k, widest in ((2, _WIDEST_OF_TWO), (3, np.inf)) if width <= widest)
    places = np.cos((2 * np.arange(count) + 1) * np.pi / (2 * count))
    nodes = tuple(float(f"{0.5 * (low + high) + 0.5 * (high - low) * p:.7g}") for p in places)
    return nodes, _lagrange(nodes, freq_hz).astype(np.float32)


def _lagrange(nodes: Sequence[float], at: np.ndarray) -> np.ndarray:
    """Lagrange's polynomials (node, place)."""
    out = np.ones((len(nodes), len(at)))
    for k, own in enumerate(nodes):
        for other in (*nodes[:k], *nodes[k + 1 :]):
            out[k] *= (at - other) / (own - other)
    return out


def _conjugate(hz: float, reference_hz: float) -> float:
    """The frequency of the conjugate beam."""
    if not reference_hz:
        return hz
    return float(np.sqrt(max(2.0 * reference_hz**2 - hz**2, (_LEAST_CONJUGATE * reference_hz) ** 2)))


def _span(centre: float, reach: float, count: int) -> tuple[int, int]:
    """First and last-plus-one pixel of a window about a place inside of an axis: an even number of them, but for the whole of an odd axis."""
    low, high = max(0, int(np.floor(centre - reach))), min(count, int(np.ceil(centre + reach)) + 1)
    if high <= low:
        return 0, 0
    # A window at an edge keeps a size that the gridder takes.
    least = min(count, 2 * _LEAST_PIXELS)
    if high - low < least:
        low = min(max(0, (low + high - least) // 2), count - least)
        high = low + least
    if (high - low) % 2:
        low, high = (low, high + 1) if high < count else (max(0, low - 1), high)
    return low, high
