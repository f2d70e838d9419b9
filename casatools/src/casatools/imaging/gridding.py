"""From visibilities to images and back, through ducc0's gridder.

References
----------
Arras, Reinecke, Westermann & Ensslin 2021, A&A 646, A58: the improved w-stacking gridder of ducc0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import ducc0
import numpy as np

from casatools._base.buffers import large_pages
from casatools._base.memory import memory_budget_bytes
from casatools._base.threads import thread_count
from casatools.imaging.half_plane import fits_half_plane, grid_half_plane
from casatools.transform.phasing import phase_factors

__all__ = ["SMALL_PLANE", "GridOptions", "degrid", "grid", "grid_pair", "grid_side_by_side"]

# Pixels of a plane up to which planes are worked on side by side, each by one thread.
SMALL_PLANE = 1 << 20
# Bytes that gridding takes for each pixel.
_GRID_BYTES = 48


@dataclass(frozen=True)
class GridOptions:
    """How visibilities are gridded.

    Attributes
    ----------
    shape : (int, int)
        Image pixels in x and y.
    cell_rad : (float, float)
        Pixel sizes in x and y, positive.
    wide_field : bool
        Use the w term; without it w is taken as zero, as CASA's standard gridder does.
    epsilon : float
        Requested relative accuracy.
    offset : (int, int)
        Pixels in x and y by which the middle of the image is away from the phase centre: a window of a larger image.
    double : bool
        Compute in double precision: visibilities complex128, weights and images float64. `grid` and `degrid` are adjoint to 1e-10 then, whatever
        the accuracy; in single precision to some 1e-6.
    """

    shape: tuple[int, int]
    cell_rad: tuple[float, float]
    wide_field: bool = False
    epsilon: float = 1e-5
    offset: tuple[int, int] = (0, 0)
    double: bool = False

    @property
    def centre_rad(self) -> tuple[float, float]:
        """The offset as the gridder takes it."""
        return self.offset[0] * self.cell_rad[0], -self.offset[1] * self.cell_rad[1]


def _kernel(options: GridOptions) -> dict[str, float]:
    """One oversampling factor for all calls at the usual accuracy.

    By itself ducc0 chooses by the number of visibilities and threads, and results would then differ by the accuracy asked for
    between runs on other numbers of cores or MPI ranks; these leave differences below 1e-6, in the
    continuum image of a share's own w planes too. Without w planes it is the least for a kernel of seven cells at 1e-5, for the smallest grid.
    """
    if options.epsilon < 1e-5:
        return {}
    sigma = 2.0 if options.wide_field else 1.65
    return {"sigma_min": sigma, "sigma_max": sigma}


# Images of more pixels than this for each row are gridded with u and v exchanged: that costs less than to transpose them.
_PIXELS_PER_ROW = 8


def _as_gridder_takes(uvw_m: np.ndarray, options: GridOptions) -> tuple[bool, np.ndarray, dict[str, Any]]:
    """Whether images are (y, x) for ducc0, else (x, y), with the coordinates and settings for that."""
    nx, ny = options.shape
    is_large = nx * ny > _PIXELS_PER_ROW * len(uvw_m)
    named: dict[str, Any] = {
        "epsilon": options.epsilon, "do_wgridding": options.wide_field, "nthreads": thread_count(), "divide_by_n": False, **_kernel(options),
        "pixsize_x": options.cell_rad[0], "pixsize_y": options.cell_rad[1], "center_x": options.centre_rad[0], "center_y": options.centre_rad[1], "flip_v": True,
    }  # fmt: skip
    if is_large:
        for first, second in (("pixsize_x", "pixsize_y"), ("center_x", "center_y")):
            named[first], named[second] = named[second], named[first]
        named["flip_u"] = named.pop("flip_v")
        uvw_m = uvw_m[:, [1, 0, 2]]
    return is_large, np.ascontiguousarray(uvw_m), named


def grid_side_by_side(options: GridOptions) -> bool:
    """Whether images are gridded one in a thread: so small that the gridder's own threads gain little, and with memory for as many as there are threads.

    The gridder's threads add in any order, so that the last bits of its images change from run to run; those of one thread do not.
    """
    pixels = options.shape[0] * options.shape[1]
    return pixels <= SMALL_PLANE and pixels * _GRID_BYTES * thread_count() < memory_budget_bytes() // 8


def _grids_bytes(options: GridOptions) -> int:
    """About what the gridder takes for its two grids, one complex and one real."""
    nx, ny = options.shape
    return int(1.1 * nx * ny * (2.0 if options.wide_field else 1.65) ** 2 * (24 if options.double else 12))


def _evened(options: GridOptions) -> GridOptions | None:
    """Gridders take even sizes: where one is odd, what grids an image with a row or column more before the first, whose middle is the same; None for even ones."""
    nx, ny = options.shape
    return replace(options, shape=(nx + nx % 2, ny + ny % 2)) if nx % 2 or ny % 2 else None


def _fits_half_plane(uvw_m: np.ndarray, freq_hz: np.ndarray, options: GridOptions) -> bool:
    """Whether the gridder of half planes, which is faster, does it."""
    plain = not (options.wide_field or options.double) and options.epsilon >= 1e-5
    return plain and fits_half_plane(uvw_m, freq_hz, options.shape, options.cell_rad)


def _turned(uvw_m: np.ndarray, freq_hz: np.ndarray, vis: np.ndarray | None, options: GridOptions) -> np.ndarray:
    """Visibilities, or ones, with the phase that the middle of a window has."""
    found = phase_factors(uvw_m[:, :2] @ (np.asarray(options.offset) * options.cell_rad * np.array([-1.0, 1.0])), freq_hz)
    if vis is not None:
        found *= vis
    return found


def grid(
    uvw_m: np.ndarray,
    freq_hz: np.ndarray,
    vis: np.ndarray | None,
    weight: np.ndarray,
    options: GridOptions,
    into: np.ndarray | None = None,
) -> np.ndarray:
    """Sum of ``weight * vis * exp(-2 pi i (u l + v m + ...))``, the real part, on the image pixels.

    Parameters
    ----------
    uvw_m : ndarray (row, 3) float64 [m]
    freq_hz : ndarray (chan,) float64 [Hz]
    vis : ndarray (row, chan) complex64 [Jy], optional
        Ones without it, for a point spread function.
    weight : ndarray (row, chan) float32
    options : GridOptions
    into : ndarray (y, x), optional
        Takes the image in the place of what it holds; of the image's type.

    Returns
    -------
    ndarray (y, x) float32, or float64 if `options.double` [Jy times weight]
        Not divided by the sum of weights; x grows to the west.
    """
    nx, ny = options.shape
    evened = _evened(options)
    if evened is not None:
        inner = grid(uvw_m, freq_hz, vis, weight, evened)[ny % 2 :, nx % 2 :]
        if into is None:
            return np.ascontiguousarray(inner)
        into[...] = inner
        return into
    if _fits_half_plane(uvw_m, freq_hz, options):
        image = np.empty((ny, nx), np.float32) if into is None else into
        if any(options.offset):
            vis = _turned(uvw_m, freq_hz, vis, options)
        targets = (None, image) if vis is None else (image, None)
        grid_half_plane(uvw_m, freq_hz, vis, weight, options.shape, options.cell_rad, *targets)
        return image
    if vis is None:
        vis = np.broadcast_to(np.complex64(1), weight.shape)  # takes no memory
    if options.double:
        vis, weight = np.asarray(vis, np.complex128), np.asarray(weight, np.float64)
    is_large, uvw, named = _as_gridder_takes(uvw_m, options)
    if is_large:
        size = {"npix_x": ny, "npix_y": nx, "dirty": into}
        with large_pages(_grids_bytes(options)):
            return np.asarray(ducc0.wgridder.vis2dirty(uvw=uvw, freq=freq_hz, vis=vis, wgt=weight, **size, **named))
    image = ducc0.wgridder.vis2dirty(uvw=uvw, freq=freq_hz, vis=vis, wgt=weight, npix_x=nx, npix_y=ny, **named).T
    if into is None:
        return np.ascontiguousarray(image)
    into[...] = image
    return into


def grid_pair(
    uvw_m: np.ndarray, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray, options: GridOptions, image: np.ndarray, ones: np.ndarray
) -> None:  # fmt: skip
    """As `grid`, of visibilities into `image` and of ones into `ones`, both (y, x) float32: in one pass where that can be."""
    if _evened(options) is None and not any(options.offset) and _fits_half_plane(uvw_m, freq_hz, options):
        grid_half_plane(uvw_m, freq_hz, vis, weight, options.shape, options.cell_rad, image, ones)
        return
    grid(uvw_m, freq_hz, None, weight, options, into=ones)
    grid(uvw_m, freq_hz, vis, weight, options, into=image)


def degrid(
    uvw_m: np.ndarray, freq_hz: np.ndarray, model: np.ndarray, mask: np.ndarray | None, options: GridOptions
) -> np.ndarray:
    """Visibilities (row, chan) complex64, or complex128 if `options.double`, of a model image (y, x) [Jy/pixel]; the adjoint of `grid`.

    Where `mask` (row, chan) is zero nothing is computed and the result is zero.
    """
    evened = _evened(options)
    if evened is not None:
        nx, ny = options.shape
        return degrid(uvw_m, freq_hz, np.pad(model, ((ny % 2, 0), (nx % 2, 0))), mask, evened)
    is_large, uvw, named = _as_gridder_takes(uvw_m, options)
    dirty = np.ascontiguousarray(model if is_large else model.T, dtype=np.float64 if options.double else np.float32)
    wanted = None if mask is None else np.ascontiguousarray(mask).view(np.uint8) if mask.dtype == bool else mask.astype(np.uint8)
    with large_pages(_grids_bytes(options) if is_large else 0):
        return np.asarray(ducc0.wgridder.dirty2vis(uvw=uvw, freq=freq_hz, dirty=dirty, wgt=None, mask=wanted, **named))
