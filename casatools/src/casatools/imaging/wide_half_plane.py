"""Images with the w coordinate from half planes: one for each of the values of w between which samples are interpolated.

Notes
-----
The gridder of `half_plane` spreads what `plane_samples` gives each plane. A plane's transform is not that of a real image, so that both parts of it are
needed; the screen of the plane brings them into one real image. Planes lie at whole multiples of a step that follows from the image alone: shares of the
data, gridded apart, add up to what they are together.

References
----------
Offringa et al. 2014, MNRAS 444, 606: w-stacking; Arras, Reinecke, Westermann & Ensslin 2021, A&A 646, A58: interpolation between the planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.threads import over_rows
from casatools.imaging.half_plane import HalfPlanes, do_all, kernel_taper, kernel_values
from casatools.imaging.plane_store import PlaneStore
from casatools.kernels.wide_planes import PLANE_STEPS, add_screened, plane_samples

__all__ = ["fits_sky", "grid_wide"]

# Planes that a sample reaches, and what the range of ``n - 1`` is sampled more finely than need be.
_SUPPORT, _OVERSAMPLING = 6, 2.0
# Samples that are brought to a plane at a time: some 25 MB.
_SAMPLES = 1 << 21
# What is kept of their order from plane to plane.
_KEPT_BYTES = 1 << 26


def _depth(radius_squared: np.ndarray) -> np.ndarray:
    """``1 - n`` at the squares of distances from the phase centre, up to the horizon."""
    return np.asarray(radius_squared / (1.0 + np.sqrt(1.0 - radius_squared)))


class _Sky:
    """Where the pixels of an image are, and the planes of w that it needs.

    Attributes
    ----------
    east, north : ndarray (x,), (y,) float64
        Direction cosines of the pixels, without their signs in x.
    step : float
        Wavelengths from one plane to the next.
    middle : float
        ``n - 1`` in the middle of its range, in turns of a step.
    """

    def __init__(self, shape: tuple[int, int], cell_rad: tuple[float, float], offset: tuple[int, int]) -> None:
        self.east, self.north = (
            (np.arange(count) - count // 2 + moved) * cell for count, cell, moved in zip(shape, cell_rad, offset, strict=True)
        )
        self.is_even = offset[1] == 0
        nearest, farthest = (sum(float(end(np.abs(along))) ** 2 for along in (self.east, self.north)) for end in (np.min, np.max))
        self.on_sky = farthest < 1.0
        low, high = (float(_depth(np.asarray(min(square, 1.0)))) for square in (nearest, farthest))
        self.step = 1.0 / (_OVERSAMPLING * (high - low))
        self.middle = -0.5 * (high + low) * self.step

    def reached(self, uvw_m: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first and the last plane that the samples of each row reach."""
        height = np.where(uvw_m[:, 1] >= 0, uvw_m[:, 2], -uvw_m[:, 2]) / self.step
        ends = np.sort([height * scale.min(), height * scale.max()], axis=0)
        return np.floor(ends[0] - _SUPPORT / 2) + 1, np.ceil(ends[1] + _SUPPORT / 2) - 1

    def corrections(self, y: int) -> np.ndarray:
        """What the pixels of a row are divided by for the kernel between planes."""
        depth = _depth(self.east**2 + self.north[y] ** 2)
        return np.interp(np.abs(depth * self.step + self.middle), *_tapers())


def fits_sky(shape: tuple[int, int], cell_rad: tuple[float, float], offset: tuple[int, int] = (0, 0)) -> bool:
    """Whether all pixels are on the sky."""
    return _Sky(shape, cell_rad, offset).on_sky


@lru_cache(maxsize=1)
def _tapers() -> tuple[np.ndarray, np.ndarray]:
    """Transform of the kernel between planes, from the middle of the range of ``n - 1`` to its ends."""
    at = np.linspace(0.0, 0.5 / _OVERSAMPLING, 4096)
    return at, kernel_taper(at, 1, _SUPPORT, _OVERSAMPLING)


def _table(middle: float) -> np.ndarray:
    """Factors by the distance of a plane from the sample, turned so that the middle of the range of ``n - 1`` is where the kernel is best."""
    distance = (np.arange(_SUPPORT * PLANE_STEPS + 2) / PLANE_STEPS) - _SUPPORT / 2
    return np.asarray(kernel_values(distance, _SUPPORT, _OVERSAMPLING) * np.exp(2j * np.pi * middle * distance), np.complex64)


def _take(out: tuple[np.ndarray, ...], fixed: tuple[Any, ...], first: int, last: int) -> None:
    """Do `plane_samples` for some rows."""
    plane_samples(*fixed, first, last, *out)


def _spread(
    grids: HalfPlanes, fixed: tuple[Any, ...], number: float, rows: np.ndarray, samples: tuple[np.ndarray, ...], data: np.ndarray,
    orders: dict[int, tuple[np.ndarray, np.ndarray]],
) -> None:  # fmt: skip
    """Spread what some rows of the samples (uvw, scale, vis and weight) give a plane, so many at a time; `orders` keeps the order of all rows."""
    uvw_m, scale, vis, weight = samples
    count = max(_SAMPLES // len(scale), 1)
    for at in range(0, len(rows), count):
        taken = rows[at : at + count]
        shape = len(taken), len(scale)
        own_uvw, own_vis, own_weight = np.empty((len(taken), 3)), np.empty(shape, np.complex64), np.empty(shape, np.float32)
        over_rows(
            partial(_take, (own_uvw, own_vis, own_weight), (uvw_m, taken, scale, vis, weight, number, *fixed)),
            len(taken),
            least=256,
        )
        order = orders.get(at) if len(rows) == len(uvw_m) else None
        if order is None:
            order = grids.sort(own_uvw, scale)
            if len(rows) == len(uvw_m) and sum(ranges.nbytes for ranges, _ in orders.values()) < _KEPT_BYTES:
                orders[at] = order
        grids.spread(own_uvw, scale, own_vis, own_weight, data, np.zeros((0, grids.nu), np.float32), order)


def _add_plane(grids: HalfPlanes, data: np.ndarray, sky: _Sky, w: float, image: np.ndarray) -> None:
    """Add a plane's transform through its screen to an image."""
    grids.along_u(data)

    def one(block: tuple[int, int, int]) -> None:
        x, end, place = block
        found = grids.one_sided_columns(data, place, place + end - x)
        add_screened(found, sky.east[x:end], sky.north, sky.is_even, w, image[:, x:end])

    do_all(one, grids.column_blocks())


def _planes_of(first: np.ndarray, last: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Numbers of the planes that are reached, with the rows that reach them."""
    for number in np.arange(first.min(), last.max() + 1):
        rows = np.flatnonzero((first <= number) & (number <= last))
        if len(rows):
            yield float(number), rows


def grid_wide(
    uvw_m: np.ndarray, freq_hz: np.ndarray, vis: np.ndarray | None, weight: np.ndarray, shape: tuple[int, int], cell_rad: tuple[float, float],
    image: np.ndarray, offset: tuple[int, int] = (0, 0),
) -> None:  # fmt: skip
    """Grid data, or ones, with the w coordinate.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    freq_hz : ndarray (chan,) float64 [Hz]
    vis : ndarray (row, chan) complex64 [Jy], optional
        Ones without it; turned in phase to the middle of the image where there is an offset.
    weight : ndarray (row, chan) float32
    shape : (int, int)
        Pixels in x and y, even.
    cell_rad : (float, float)
    image : ndarray (y, x) float32
        Takes the sum of ``weight * vis * exp(-2 pi i (u l + v m + w (n - 1)))``, the real part.
    offset : (int, int)
        Pixels by which the middle of the image is away from the phase centre.
    """
    scale = freq_hz / SPEED_OF_LIGHT_M_S
    grids, sky = HalfPlanes.of_samples(uvw_m, scale, shape, cell_rad), _Sky(shape, cell_rad, offset)
    given = np.zeros((0, 0), np.complex64) if vis is None else np.ascontiguousarray(vis, np.complex64)
    samples = uvw_m, scale, given, np.ascontiguousarray(weight, np.float32)
    fixed = 1.0 / sky.step, _table(sky.middle)
    data = PlaneStore().zeros((grids.rows, grids.nu, 2))
    orders: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    image[...] = 0
    for number, rows in _planes_of(*sky.reached(uvw_m, scale)):
        data[...] = 0
        _spread(grids, fixed, number, rows, samples, data, orders)
        _add_plane(grids, data.reshape(grids.rows, -1).view(np.complex64), sky, number * sky.step, image)
    along_x, along_y = grids.tapers()
    # Half of what images of both halves of the plane are divided by.
    along_x = along_x[np.abs(np.arange(shape[0]) - shape[0] // 2)] / 2.0

    def correct(first: int, last: int) -> None:
        for y in range(first, last):
            image[y] /= along_y[y] * along_x * sky.corrections(y)

    over_rows(correct, shape[1], least=64)
