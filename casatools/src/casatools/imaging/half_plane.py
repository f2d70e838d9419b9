"""Images of data and of their weights from one pass over the samples: what continuum images begin with.

Notes
-----
Images are real, so one half of the uv plane holds all of them. Data and weights are spread onto it with the same factors; the weights' half plane is real
itself, and its image symmetric about the middle, so that half of its transforms are enough. Kernels of Kaiser and Bessel reach eight cells in u, the width of the processor's
vectors, on a grid 1.6 times as long as the image, and six in v on one twice as long. The error against a direct transform is below 1e-5, as that of
`gridding.grid`, which takes whatever does not fit here: the w coordinate, other accuracies, double precision.

References
----------
Jackson, Meyer, Nishimura & Macovski 1991, IEEE Trans. Med. Imaging 10, 473: Kaiser-Bessel kernels; Beatty, Nishimura & Pauly 2005, ibid. 24, 799: their shape for
little oversampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.threads import in_order, thread_count
from casatools.imaging.plane_store import PlaneStore
from casatools.kernels.half_plane_gridding import (
    BUFFER_V,
    STEPS,
    SUPPORT_U,
    SUPPORT_V,
    TILE_U,
    TILE_V,
    count_ranges,
    fill_ranges,
    spread_strip,
)

__all__ = ["fits_half_plane", "grid_half_plane"]

# With less in u rounding would be magnified more at the edges, where images are divided by the transform of the kernel.
_OVERSAMPLING_U, _OVERSAMPLING_V = 1.6, 2.0
# Columns that are transformed at a time: they stay in the processor's caches.
_COLUMNS = 128
_Item = TypeVar("_Item")


def _shape(support: int, oversampling: float) -> float:
    """The parameter of a Kaiser-Bessel kernel (Beatty et al. 2005, eq. 5)."""
    return float(np.pi * np.sqrt((support / oversampling * (oversampling - 0.5)) ** 2 - 0.8))


def _kernel_values(distance: np.ndarray, support: int, oversampling: float) -> np.ndarray:
    """The kernel at distances [cells] from its middle."""
    shape = _shape(support, oversampling)
    inside = np.sqrt(np.maximum(1.0 - (2.0 * distance / support) ** 2, 0.0))
    return np.where(np.abs(distance) <= support / 2, np.i0(shape * inside) / np.i0(shape), 0.0)


@lru_cache(maxsize=4)
def _table(support: int, oversampling: float) -> np.ndarray:
    """Factors of the cells for each place between two, and their differences to those of the next place."""
    first = 1 - support // 2
    places = np.arange(STEPS + 2)[:, None] / STEPS
    values = _kernel_values(first + np.arange(support)[None, :] - places, support, oversampling)
    found = np.zeros((STEPS + 1, 16), np.float32)
    found[:, :support] = values[:-1]
    found[:, 8 : 8 + support] = np.diff(values, axis=0)
    return found.ravel()


def _taper(pixels: np.ndarray, size: int, support: int, oversampling: float) -> np.ndarray:
    """The transform of the kernel at pixels of a grid's image."""
    at, weight = np.polynomial.legendre.leggauss(48)
    at, weight = at * support / 2, weight * support / 2
    return np.asarray(np.cos(2.0 * np.pi * np.outer(pixels, at) / size) @ (weight * _kernel_values(at, support, oversampling)))


def _good_size(least: float) -> int:
    """The next even length that transforms are fast for."""
    import ducc0

    size = int(np.ceil(least))
    while True:
        size = int(ducc0.fft.good_size(size, True))
        if size % 2 == 0:
            return size
        size += 1


class _Grids:
    """The half planes of one gridding."""

    def __init__(self, shape: tuple[int, int], cell_rad: tuple[float, float], reach: tuple[float, float]) -> None:
        self.shape = nx, ny = shape
        self.nu, self.nv = _good_size(_OVERSAMPLING_U * nx), _good_size(_OVERSAMPLING_V * ny)
        # The first cell is half a kernel before the sample; cells of negative u are behind those of positive u.
        self.shift = self.nu // 2 + SUPPORT_U
        self.cells = np.array([cell_rad[0] * self.nu, cell_rad[1] * self.nv, self.shift + 1 - SUPPORT_U // 2, 0.0])
        self.tiles_u = (self.nu + 2 * SUPPORT_U) // TILE_U + 1
        self.strips = int(reach[1] * self.cells[1]) // TILE_V + 1
        # Row 0 is that of the first cell of a sample at v = 0.
        self.rows = self.strips * TILE_V + BUFFER_V - TILE_V
        self.zero = SUPPORT_V // 2 - 1

    def sort(self, uvw_m: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ranges of channels by tiles, and where those of each tile begin."""
        parts = thread_count()
        edges = [len(uvw_m) * k // parts for k in range(parts + 1)]
        counts = np.zeros((parts, self.strips * self.tiles_u), np.int64)
        spans = list(zip(range(parts), edges[:-1], edges[1:], strict=True))
        _all(lambda s: count_ranges(uvw_m, scale, self.cells, self.tiles_u, s[1], s[2], counts[s[0]]), spans)
        starts = np.zeros(counts.shape[1] + 1, np.int64)
        np.cumsum(counts.sum(axis=0), out=starts[1:])
        # Of each tile first the ranges of the first part of the rows: the order is that of the rows.
        at = starts[:-1] + np.cumsum(counts, axis=0) - counts
        ranges = np.empty((int(starts[-1]), 3), np.int32)
        _all(lambda s: fill_ranges(uvw_m, scale, self.cells, self.tiles_u, s[1], s[2], at[s[0]], ranges), spans)
        return ranges, starts

    def spread(
        self, uvw_m: np.ndarray, scale: np.ndarray, vis: np.ndarray | None, weight: np.ndarray, data: np.ndarray, ones: np.ndarray
    ) -> None:  # fmt: skip
        """Spread samples onto the half planes ``(rows, nu, 2)`` of data and ``(rows, nu)`` of ones; either may be without rows."""
        ranges, starts = self.sort(uvw_m, scale)
        given = np.zeros((0, 0), np.complex64) if vis is None else np.ascontiguousarray(vis, np.complex64)
        tables = _table(SUPPORT_U, _OVERSAMPLING_U), _table(SUPPORT_V, _OVERSAMPLING_V)
        fixed = (
            self.tiles_u,
            uvw_m,
            scale,
            self.cells,
            self.shift,
            given,
            np.ascontiguousarray(weight, np.float32),
            *tables,
            data,
            ones,
        )
        # Strips reach into the next one: every other one at a time, so that sums are the same with any number of threads.
        for first in (0, 1):
            _all(lambda strip: spread_strip(ranges, starts, strip, *fixed), range(first, self.strips, 2))

    def columns(self, rows: np.ndarray, first: int, last: int) -> np.ndarray:
        """Pixels (y, x) from ``-ny / 2`` to ``ny / 2`` of some columns, given the half plane transformed along u (v, x)."""
        import ducc0

        ny, half = self.shape[1], self.nv // 2
        count = min(half + 1, len(rows) - self.zero)
        found = np.zeros((half + 1, last - first), np.complex64)
        found[:count] = rows[self.zero : self.zero + count, first:last]
        # What was spread beyond the edges of the half belongs to the conjugate samples.
        for k in range(1, self.zero + 1):
            found[k] += np.conj(rows[self.zero - k, first:last])
        for v in range(half + 1, len(rows) - self.zero):
            found[self.nv - v] += np.conj(rows[self.zero + v, first:last])
        found[0] *= 2.0
        found[half] *= 2.0
        whole = ducc0.fft.c2r(found, axes=(0,), lastsize=self.nv, forward=True, nthreads=1)
        return np.concatenate([whole[self.nv - ny // 2 :], whole[: ny // 2 + 1]])

    def tapers(self) -> tuple[np.ndarray, np.ndarray]:
        """What pixels of the columns and of the rows, counted from the middle, are divided by."""
        (nx, ny), args_u, args_v = self.shape, (self.nu, SUPPORT_U, _OVERSAMPLING_U), (self.nv, SUPPORT_V, _OVERSAMPLING_V)
        # Each sample stands for itself and its conjugate.
        return 2.0 * _taper(np.arange(nx // 2 + 1), *args_u), _taper(np.arange(-(ny // 2), ny // 2 + 1), *args_v)


def _all(function: Callable[[_Item], None], items: Iterable[_Item]) -> None:
    """Do all items in threads."""
    for _ in in_order(function, items):
        pass


def _blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    for at in range(first, last, _COLUMNS):
        yield at, min(at + _COLUMNS, last)


def _image(grids: _Grids, rows: np.ndarray, into: np.ndarray) -> None:
    """The image of the data of a half plane (v, u)."""
    import ducc0

    nx, ny = grids.shape
    ducc0.fft.c2c(rows, axes=(1,), forward=False, out=rows, nthreads=thread_count())
    along_x, along_y = grids.tapers()

    def one(span: tuple[int, int]) -> None:
        # Columns of the image from x on, those of the grid from x on too, or from its end.
        x, end = span
        place = x if x >= 0 else x + grids.nu
        factor = 1.0 / np.outer(along_y[:ny], along_x[np.abs(np.arange(x, end))])
        into[:, x + nx // 2 : end + nx // 2] = grids.columns(rows, place, place + end - x)[:ny] * factor.astype(np.float32)

    _all(one, [*_blocks(-(nx // 2), 0), *_blocks(0, nx // 2)])


def _symmetric_image(grids: _Grids, rows: np.ndarray, into: np.ndarray) -> None:
    """The image of the weights of a half plane (v, u): one half is the other, turned about the middle."""
    import ducc0

    nx, ny = grids.shape
    seen = ducc0.fft.r2c(rows, axes=(1,), forward=False, nthreads=thread_count())
    along_x, along_y = grids.tapers()

    def one(span: tuple[int, int]) -> None:
        x, end = span
        found = grids.columns(seen, x, end)
        found *= (1.0 / np.outer(along_y, along_x[x:end])).astype(np.float32)
        inner = min(end, nx // 2)
        into[:, nx // 2 + x : nx // 2 + inner] = found[:ny, : inner - x]
        into[:, nx // 2 - end + 1 : nx // 2 - x + 1] = found[:0:-1, ::-1]

    _all(one, _blocks(0, nx // 2 + 1))


def fits_half_plane(uvw_m: np.ndarray, freq_hz: np.ndarray, shape: tuple[int, int], cell_rad: tuple[float, float]) -> bool:
    """Whether samples are within the uv plane of the image, and its middle is a pixel."""
    if not len(uvw_m) or not len(freq_hz) or shape[0] % 2 or shape[1] % 2 or freq_hz.min() < 0:
        return False
    reach = np.abs(uvw_m[:, :2]).max(axis=0) * freq_hz.max() / SPEED_OF_LIGHT_M_S
    return bool(np.all(reach * np.asarray(cell_rad) <= 0.5))  # false where one is not a number


def grid_half_plane(
    uvw_m: np.ndarray, freq_hz: np.ndarray, vis: np.ndarray | None, weight: np.ndarray, shape: tuple[int, int], cell_rad: tuple[float, float],
    image: np.ndarray | None, ones: np.ndarray | None,
) -> None:  # fmt: skip
    """Grid data, or ones, or both in one pass.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    freq_hz : ndarray (chan,) float64 [Hz]
    vis : ndarray (row, chan) complex64 [Jy], optional
        Not needed for ones alone.
    weight : ndarray (row, chan) float32
    shape : (int, int)
        Pixels in x and y, even.
    cell_rad : (float, float)
    image : ndarray (y, x) float32, optional
        Takes the sum of ``weight * vis * exp(-2 pi i (u l + v m))``, the real part.
    ones : ndarray (y, x) float32, optional
        Takes the same of ones in the place of `vis`.
    """
    scale = freq_hz / SPEED_OF_LIGHT_M_S
    reach = np.abs(uvw_m[:, :2]).max(axis=0) * scale.max()
    grids = _Grids(shape, cell_rad, (float(reach[0]), float(reach[1])))
    store = PlaneStore()
    data = store.zeros((grids.rows if image is not None else 0, grids.nu, 2))
    weights = store.zeros((grids.rows if ones is not None else 0, grids.nu))
    grids.spread(uvw_m, scale, vis, weight, data, weights)
    if image is not None:
        _image(grids, data.reshape(grids.rows, -1).view(np.complex64), image)
    del data
    if ones is not None:
        _symmetric_image(grids, weights, ones)
