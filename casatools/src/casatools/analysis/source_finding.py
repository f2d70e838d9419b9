"""Sources looked for in a plane: local extremes, and islands above a level split by contours.

References
----------
Islands and their splitting by rising levels follow Williams, de Geus & Blitz 1994, ApJ 428, 693 (section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.analysis.gaussian_sources import FittedPlane, PlaneGeometry, Source, find_source, fit_sources, source_values
from casatools.analysis.peaks import fit_peak
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.sub_images import PixelChoice
from casatools.components.component_list import ComponentList
from casatools.components.model import Component
from casatools.frames.quantities import convert_value
from casatools.io.image import CasaImage

__all__ = ["Decomposition", "DecomposeOptions", "decompose_plane", "find_sources"]


def find_sources(
    image: CasaImage, choice: PixelChoice, most: int, cutoff: float, point: bool, width: int, negative: bool
) -> ComponentList:
    """The strongest sources of a plane, at most `most`.

    Parameters
    ----------
    image : CasaImage
    choice : PixelChoice
        One plane of the sky.
    most : int
    cutoff : float
        Sources fainter than this part of the strongest are left out.
    point : bool
        Points, by a parabola through 3 x 3 pixels; else Gaussians fitted to squares that reach `width` pixels to each side.
    width : int
    negative : bool
        Look for negative ones too.

    Raises
    ------
    ParameterError
        A number is out of range, or more than one plane is chosen.
    DataError, SelectionError
        The image has no sky plane, or no good pixel is chosen.
    """
    from scipy.ndimage import maximum_filter

    if most < 1 or not 0 < cutoff <= 1:
        raise ParameterError(f"parameter 'nmax' must be at least 1 and 'cutoff' above 0 and at most 1; got {most} and {cutoff}")
    axes, values, good, first = _plane(image, choice)
    size = np.where(good, np.abs(values) if negative else values, -np.inf)
    greatest = float(size.max())
    if not greatest > 0:
        raise DataError(f"no pixel of image {image.path!r} that is chosen is above zero: there is no source")
    peaks = (size == maximum_filter(size, size=3, mode="constant", cval=-np.inf)) & (size >= cutoff * greatest)
    rows, columns = np.nonzero(peaks)
    found: list[Component] = []
    for k in np.argsort(-size[rows, columns], kind="stable")[:most]:
        place = list(first)
        place[axes.y_axis] += int(rows[k])
        place[axes.x_axis] += int(columns[k])
        try:
            found += fit_peak(image, axes, tuple(place), point, width).items
        except DataError:
            if point:
                raise
    return ComponentList(found)


def _plane(image: CasaImage, choice: PixelChoice) -> tuple[SkyPlanes, np.ndarray, np.ndarray, list[int]]:
    """The one plane that is chosen: values and good (y, x), and its first pixel (array order)."""
    axes = SkyPlanes(image)
    chosen = choice.of(image)
    box = chosen.pixels.box_shape
    if any(n > 1 for k, n in enumerate(box) if k not in (axes.x_axis, axes.y_axis)):
        raise ParameterError("sources are looked for in one plane; choose a channel and a polarization by the region")
    values, good = chosen.read()
    flat = axes.flat(values).astype(np.float64)
    return axes, flat, np.ones(flat.shape, bool) if good is None else axes.flat(good), list(chosen.pixels.first)


@dataclass(frozen=True)
class DecomposeOptions:
    """How a plane is taken apart.

    Attributes
    ----------
    simple : bool
        Islands are not split.
    threshold : float
        Level of the islands; negative for five times the noise (median absolute deviation).
    contours : int
        Levels between the threshold and the maximum that islands are split by.
    least_range : int
        Levels that both parts of a split must reach above it.
    diagonal : bool
        Pixels that touch by a corner are neighbours.
    fit : bool
        Fit Gaussians; else they are estimated from the pixels of each part.
    max_rms : float
        Fits with a greater rms of residuals are left out; negative for no limit.
    """

    simple: bool = False
    threshold: float = -1.0
    contours: int = 11
    least_range: int = 1
    diagonal: bool = True
    fit: bool = True
    max_rms: float = -1.0

    def __post_init__(self) -> None:
        if self.contours < 1 or self.least_range < 0:
            raise ParameterError(f"'ncontour' must be at least 1 and 'minrange' 0; got {self.contours} and {self.least_range}")


@dataclass(frozen=True)
class Decomposition:
    """Islands and their sources.

    Attributes
    ----------
    first, last : ndarray (island, 2) int64
        Corners in x and y, pixels of the image.
    components : ndarray (source, 6) float64
        Peak, x, y and major axis (full width) [units of the axes], ratio of the axes, position angle [rad].
    """

    first: np.ndarray
    last: np.ndarray
    components: np.ndarray

    def record(self) -> dict[str, Any]:
        """As CASA's tool gives it."""
        return {"blc": self.first, "trc": self.last, "components": self.components}


def decompose_plane(image: CasaImage, choice: PixelChoice, options: DecomposeOptions) -> Decomposition:
    """Take a plane apart into islands above a level and the Gaussian sources in them.

    Raises
    ------
    DataError, SelectionError
        The image has no sky plane, or no good pixel is chosen.
    ParameterError
        More than one plane is chosen.
    """
    from scipy.ndimage import find_objects, label

    axes, values, good, first = _plane(image, choice)
    if not good.any():
        raise DataError(f"image {image.path!r} has no good pixel that is chosen")
    level = (
        options.threshold
        if options.threshold >= 0
        else 5.0 * 1.4826 * float(np.median(np.abs(values[good] - np.median(values[good]))))
    )
    touching = np.ones((3, 3)) if options.diagonal else None
    islands, count = label(good & (values > level), structure=touching)
    corner = np.array([first[axes.x_axis], first[axes.y_axis]])
    low, high, components = [], [], []
    for number, box in enumerate(find_objects(islands, count), start=1):
        low.append(corner + [box[1].start, box[0].start])
        high.append(corner + [box[1].stop - 1, box[0].stop - 1])
        if options.simple and not options.fit:
            continue
        inside = islands[box] == number
        parts = [inside] if options.simple else _split(values[box], inside, level, options, touching)
        for source in _sources(axes, values[box], inside, parts, options):
            x, y = source.x + box[1].start + corner[0], source.y + box[0].start + corner[1]
            world = np.ravel(axes.direction.to_world(np.array([[x], [y]])))
            major = float(convert_value(source.major_rad, "rad", axes.direction.units[0]))
            components.append([source.peak, *world, major, source.minor_rad / source.major_rad, source.angle_rad])
    return Decomposition(
        np.array(low, dtype=np.int64).reshape(-1, 2),
        np.array(high, dtype=np.int64).reshape(-1, 2),
        np.array(components).reshape(-1, 6),
    )


def _split(
    values: np.ndarray, inside: np.ndarray, level: float, options: DecomposeOptions, touching: np.ndarray | None
) -> list[np.ndarray]:
    """Parts of an island that rising levels separate."""
    from scipy.ndimage import label

    levels = np.linspace(level, float(values[inside].max()), options.contours + 1)[1:-1]
    step = (levels[1] - levels[0]) if len(levels) > 1 else 0.0
    for at in levels:
        parts, count = label(inside & (values > at), structure=touching)
        held = [k for k in range(1, count + 1) if values[parts == k].max() >= at + options.least_range * step]
        if len(held) > 1:
            found: list[np.ndarray] = []
            for k in held:
                found += _split(values, parts == k, at, options, touching)
            return found
    return [inside]


def _moment_source(values: np.ndarray, part: np.ndarray, geometry: PlaneGeometry) -> Source:
    """The Gaussian that has the moments of a part: its place by the first ones, axes and angle by the second.

    Notes
    -----
    A Gaussian is seen down to the part's faintest pixel, a share ``f`` of its peak. With ``L = -ln f`` the second moments of what is seen are
    ``1 - L f / (1 - f)`` times those of all of it.
    """
    rows, columns = np.nonzero(part)
    data = values[rows, columns]
    peak = float(data.max())
    x, y = float(np.average(columns, weights=data)), float(np.average(rows, weights=data))
    offsets = geometry.matrix @ np.stack([columns - x, rows - y])
    share = min(max(float(data.min()) / peak, 1e-12), 1.0 - 1e-9)
    seen = 1.0 + np.log(share) * share / (1.0 - share)
    lengths, directions = np.linalg.eigh(8.0 * np.log(2.0) / max(seen, 1e-3) * (data * offsets) @ offsets.T / data.sum())
    # Few pixels tell no extent: a source is not narrower than one.
    minor, major = np.sqrt(np.maximum(lengths, geometry.pixel_area_rad2))
    return Source(peak, x, y, float(major), float(minor), float(np.arctan2(directions[0, 1], directions[1, 1]) % np.pi))


def _sources(
    axes: SkyPlanes, values: np.ndarray, inside: np.ndarray, parts: list[np.ndarray], options: DecomposeOptions
) -> list[Source]:
    if not options.fit:
        return [_moment_source(values, part, axes.geometry) for part in parts]
    guesses = tuple(find_source(values, part, axes.geometry) for part in parts)
    rows, columns = np.nonzero(inside)
    data = values[rows, columns]
    found = fit_sources(data, columns.astype(float), rows.astype(float), axes.geometry, FittedPlane(guesses))
    if not found.converged:
        return []
    if options.max_rms >= 0:
        rest = data - sum(source_values(s, axes.geometry, columns.astype(float), rows.astype(float)) for s in found.sources)
        if float(np.sqrt(np.mean(rest**2))) > options.max_rms:
            return []
    return list(found.sources)
