"""Models to start from, on whatever grid they are."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.analysis.regrid_places import axis_places, axis_weights, sky_places
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["same_sky", "start_model"]


def start_model(path: str, coordinates: Coordinates, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels of a model image as planes of this run.

    Parameters
    ----------
    path : str
        Image [Jy/pixel] with a sky plane, polarization and frequency.
    coordinates : Coordinates
        Of the planes wanted.
    shape : tuple of int
        (chan, pol, y, x).

    Returns
    -------
    ndarray (chan, pol, y, x) float32 [Jy/pixel]

    Raises
    ------
    PathMissingError, DataError
        The image is not there, has other axes, or nothing in common with the planes wanted.

    Notes
    -----
    A pixel of a model is a point source in its middle: its flux goes to the four pixels about its place in proportion, so that flux and places are kept on
    finer and on coarser grids. Channels are interpolated; a model of one channel is that of all. Polarizations that the model lacks are blank.
    """
    with CasaImage.open(path) as image:
        own, ndim = image.coordinates, image.ndim
        if ndim != 4 or own.direction is None or own.spectral is None or own.stokes is None:
            raise DataError(f"model image {path!r} must have a sky plane, polarization and frequency")
        pixels = np.asarray(image.read(), dtype=np.float64)
    if own.direction_axes != coordinates.direction_axes or own.spectral_axis != coordinates.spectral_axis:
        raise DataError(f"the axes of model image {path!r} are in another order than those of this run")
    pixels = _channels(path, pixels, own, coordinates, shape[0])
    pixels = _polarizations(path, pixels, own, coordinates)
    if same_sky(own, coordinates, pixels.shape, shape):
        return pixels.astype(np.float32)
    # Where pixels of the model lie in the planes wanted.
    places = sky_places(coordinates, own, pixels.shape[::-1], (shape[3], shape[2]), "linear", 10, True)
    if not places.inside.any():
        raise DataError(f"model image {path!r} does not overlap with the images of this run")
    out = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    for chan in range(shape[0]):
        for pol in range(shape[1]):
            _spread(pixels[chan, pol], places.x, places.y, places.inside, out[chan, pol], (shape[2], shape[3]))
    return out.reshape(shape).astype(np.float32)


def _channels(path: str, pixels: np.ndarray, own: Coordinates, wanted: Coordinates, count: int) -> np.ndarray:
    """The model at the frequencies of `count` channels."""
    if len(pixels) == 1:
        return np.repeat(pixels, count, axis=0)
    axis = own.spectral_axis
    assert axis is not None
    where = axis_places(own, wanted, axis, count, False, True)
    weights = [axis_weights(float(v), len(pixels), "linear") for v in where]
    if all(w is None for w in weights):
        raise DataError(f"the frequencies of model image {path!r} are not those of this run")
    out = np.zeros((count, *pixels.shape[1:]))
    for chan, parts in enumerate(weights):
        for source, weight in (parts or {}).items():
            out[chan] += weight * pixels[source]
    return out


def _polarizations(path: str, pixels: np.ndarray, own: Coordinates, wanted: Coordinates) -> np.ndarray:
    """The polarizations wanted, in their order."""
    assert own.stokes is not None and wanted.stokes is not None
    have, need = list(own.stokes.labels), list(wanted.stokes.labels)
    if have == need:
        return pixels
    if not set(have) & set(need):
        raise DataError(f"model image {path!r} has the polarizations {', '.join(have)}, this run makes {', '.join(need)}")
    out = np.zeros((len(pixels), len(need), *pixels.shape[2:]))
    for number, label in enumerate(need):
        if label in have:
            out[:, number] = pixels[:, have.index(label)]
    return out


def same_sky(own: Coordinates, wanted: Coordinates, old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether sky planes are the same but for what is less than a thousandth of a pixel at the corners."""
    a, b = own.direction, wanted.direction
    assert a is not None and b is not None
    if old[2:] != new[2:] or a.frame != b.frame:
        return False
    corners = np.array([[0.0, old[3] - 1.0, 0.0, old[3] - 1.0], [0.0, 0.0, old[2] - 1.0, old[2] - 1.0]])
    scale = (np.asarray(a._to_rad) / np.asarray(b._to_rad))[:, None]
    places = b.to_pixel(np.asarray(a.to_world(corners)) * scale)
    return bool(np.all(np.isfinite(places)) and np.abs(places - corners).max() < 1e-3)


def _spread(plane: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray, out: np.ndarray, size: tuple[int, int]) -> None:
    """Add the pixels of a plane to the four about their places in a plane of (y, x) `size`, which `out` holds flat."""
    ny, nx = size
    rows, columns = np.nonzero(inside & (plane != 0))
    flux, px, py = plane[rows, columns], x[rows, columns], y[rows, columns]
    left, low = np.floor(px).astype(np.int64), np.floor(py).astype(np.int64)
    for i in (0, 1):
        for j in (0, 1):
            part = flux * np.abs(1 - i - (px - left)) * np.abs(1 - j - (py - low))
            at_x, at_y = left + i, low + j
            good = (at_x >= 0) & (at_x < nx) & (at_y >= 0) & (at_y < ny)
            np.add.at(out, at_y[good] * nx + at_x[good], part[good])
