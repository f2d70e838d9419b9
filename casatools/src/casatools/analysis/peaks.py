"""The greatest pixel of an image and the point source there.

References
----------
A parabola fitted to the 3 x 3 pixels about the greatest one, with weights of 1, 2 and 4 for corners, sides and the middle: the place that CASA's
maxfit gives is reproduced to 1e-8 pixels by these weights.
"""

from __future__ import annotations

import math

import numpy as np

from casatools._base.errors import DataError, SelectionError
from casatools.analysis.component_fit import fit_components
from casatools.analysis.gaussian_sources import Source
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.source_fitting import FitOptions, flux_of
from casatools.analysis.sub_images import PixelChoice
from casatools.components.component_list import ComponentList
from casatools.components.model import Amount, Component, Flux, Shape, Spectrum
from casatools.io.image import CasaImage

__all__ = ["fit_maximum", "fit_peak", "parabola_peak"]

_STOKES = ("I", "Q", "U", "V")


def parabola_peak(values: np.ndarray) -> tuple[float, float, float]:
    """Offsets in x and y [pixels] from the middle of 3 x 3 values (y, x) to the extremum of a parabola fitted to them, and its value.

    The middle itself where the parabola has no extremum within a pixel of it.
    """
    y, x = np.mgrid[-1:2, -1:2].reshape(2, -1).astype(np.float64)
    root = np.sqrt(np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]).ravel())
    design = np.stack([np.ones(9), x, y, x * x, y * y, x * y], axis=1) * root[:, None]
    c = np.linalg.lstsq(design, values.ravel().astype(np.float64) * root, rcond=None)[0]
    curvature = np.array([[2.0 * c[3], c[5]], [c[5], 2.0 * c[4]]])
    if abs(np.linalg.det(curvature)) < 1e-300:
        return 0.0, 0.0, float(values[1, 1])
    place = np.linalg.solve(curvature, -c[1:3])
    if np.abs(place).max() > 1.0:
        return 0.0, 0.0, float(values[1, 1])
    return float(place[0]), float(place[1]), float(c[0] + 0.5 * c[1:3] @ place)


def _greatest(image: CasaImage, choice: PixelChoice, negative: bool) -> tuple[int, ...]:
    """Pixel (internal order) of the greatest, or the least, selected value."""
    chosen = choice.of(image)
    chosen.require_real("a peak is one of")
    best, place = -np.inf, None
    for block, values, good in chosen.iter_blocks():
        ranked = np.where(good if good is not None else True, -values if negative else values, -np.inf)
        at = np.unravel_index(int(np.argmax(ranked)), ranked.shape)
        if ranked[at] > best:
            best = float(ranked[at])
            place = tuple(int(f + b.start + k) for f, b, k in zip(chosen.pixels.first, block, at, strict=True))
    if place is None or not np.isfinite(best):
        raise SelectionError(f"no good pixel of image {image.path!r} is selected")
    return place


def fit_maximum(
    image: CasaImage, choice: PixelChoice, point: bool = True, width: int = 5, negative: bool = False
) -> ComponentList:
    """The source at the greatest pixel.

    Parameters
    ----------
    image : CasaImage
    choice : PixelChoice
    point : bool
        A point source from a parabola; else a Gaussian fitted to a square that reaches `width` pixels to each side.
    width : int
    negative : bool
        Of the least pixel instead.

    Raises
    ------
    SelectionError
        No good pixel is selected.
    DataError
        The image has no sky plane.
    """
    return fit_peak(image, SkyPlanes(image), _greatest(image, choice, negative), point, width)


def fit_peak(image: CasaImage, axes: SkyPlanes, place: tuple[int, ...], point: bool, width: int) -> ComponentList:
    """The source at a pixel (array order): a point from a parabola, or a Gaussian fitted to a square that reaches `width` pixels to each side.

    Raises
    ------
    DataError
        No Gaussian fits.
    """
    x, y = place[axes.x_axis], place[axes.y_axis]
    hz = axes.frequency_hz(place[axes.channel_axis] if axes.channel_axis is not None else 0)
    if not point:
        ny, nx = image.shape[axes.y_axis], image.shape[axes.x_axis]
        dx, dy, _ = _refined(image, axes, place)
        x, y = math.floor(x + dx), math.floor(y + dy)  # as CASA centres the square
        box = f"{max(0, x - width)},{max(0, y - width)},{min(nx - 1, x + width)},{min(ny - 1, y + width)}"
        names = image.coordinates.stokes.labels if image.coordinates.stokes is not None else []
        stokes = names[place[axes.stokes_axis]] if axes.stokes_axis is not None and names else ""
        channel = str(place[axes.channel_axis]) if axes.channel_axis is not None else ""
        found = fit_components(image, PixelChoice(ImageSelection("", box, channel, stokes)), FitOptions())
        if not found["results"].get("nelements"):
            raise DataError(f"no Gaussian fits the {2 * width + 1} pixels about the greatest one of {image.path!r}")
        return ComponentList.from_record(found["results"])
    dx, dy, value = _refined(image, axes, place)
    lon, lat = axes.place(x + dx, y + dy)
    beam = None
    stokes_at = place[axes.stokes_axis] if axes.stokes_axis is not None else 0
    if image.beams:
        beam = image.beams.at(place[axes.channel_axis] if axes.channel_axis is not None else 0, stokes_at)
    unit = image.unit.partition("/")[0] or "Jy"
    if beam is None and image.unit and "/" not in image.unit:
        cell = axes.geometry.cell_rad
        value, unit = flux_of(Source(value, 0.0, 0.0, cell, cell, 0.0), axes.geometry, image.unit, None)
    values = np.zeros(4, complex)
    label = image.coordinates.stokes.labels[stokes_at] if image.coordinates.stokes is not None else "I"
    values[_STOKES.index(label) if label in _STOKES else 0] = value
    frequency = Amount(hz * 1e-9, "GHz") if hz is not None else Amount(1.0, "GHz")
    frame = image.coordinates.spectral.frame if image.coordinates.spectral is not None else "LSRK"
    made = Component(
        Flux(values, np.zeros(4, complex), unit),
        Shape("Point", lon, lat, axes.direction.frame),
        Spectrum(frequency=frequency, frame=frame),
    )
    return ComponentList([made])


def _refined(image: CasaImage, axes: SkyPlanes, place: tuple[int, ...]) -> tuple[float, float, float]:
    """Place and value of the extremum about a pixel; those of the pixel itself at the edges."""
    near = [slice(p, p + 1) for p in place]
    for axis in (axes.x_axis, axes.y_axis):
        near[axis] = slice(place[axis] - 1, place[axis] + 2)
        if near[axis].start < 0 or near[axis].stop > image.shape[axis]:
            return 0.0, 0.0, float(np.ravel(image.read(tuple(slice(p, p + 1) for p in place)))[0])
    return parabola_peak(axes.flat(image.read(tuple(near))))
