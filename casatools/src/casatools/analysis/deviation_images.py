"""Images of a statistic of the pixels about each point of a grid, interpolated to all pixels: imdev and image.deviation.

Notes
-----
Points outside of the grid are extrapolated from its last two rows or columns, as in CASA. Cubic interpolation takes two points of the grid to each
side (Keys 1981, IEEE Trans. Acoust. Speech Signal Process. 29, 1153, a = -1/2), Lanczos interpolation three (Duchon 1979, J. Appl. Meteor. 18, 1016),
its weights normalized to a sum of 1; linear interpolation is used where these are not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools._base.progress import Progress
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image import CasaImage
from casatools.kernels.group_variances import chauvenet_limit
from casatools.kernels.window_statistics import STATISTICS, window_statistics

__all__ = ["DeviationOptions", "write_deviation"]

_ALIASES = {
    "std": "sigma",
    "stddev": "sigma",
    "mad": "medabsdevmed",
    "madm": "medabsdevmed",
    "xmadm": "medabsdevmed",
    "var": "variance",
}
# Interpolations, and how many points of the grid beyond those next to a pixel they take.
_REACHES = {"nearest": 0, "linear": 0, "cubic": 1, "lanczos": 2}


@dataclass(frozen=True)
class DeviationOptions:
    """How a deviation image is made.

    Attributes
    ----------
    grid : (int, int)
        Distances of the points of the grid in x and y, pixels.
    anchor : "ref" or (int, int)
        A pixel of the grid; "ref" is the reference pixel.
    xlength, ylength : str or dict
        Sides of the rectangle about each point, pixels or angles; without the second the first is the diameter of a circle.
    interp : str
        "nearest", "linear", "cubic" or "lanczos"; beginnings will do.
    stattype : str
        npts, sum, sumsq, mean, rms, variance, sigma, min, max, median, q1, q3, iqr, medabsdevmed or xmadm; beginnings will do.
    statalg : str
        "classic", or "chauvenet" which leaves out outliers.
    zscore : float
        chauvenet: limit in standard deviations; negative is Chauvenet's own.
    maxiter : int
        chauvenet: most iterations; negative is no limit.
    """

    grid: tuple[int, ...] = (1, 1)
    anchor: Any = "ref"
    xlength: Any = "1pix"
    ylength: Any = "1pix"
    interp: str = "cubic"
    stattype: str = "sigma"
    statalg: str = "classic"
    zscore: float = -1.0
    maxiter: int = -1

    def __post_init__(self) -> None:
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise ParameterError(f"parameter 'grid' must be two distances of at least 1 pixel; got {list(self.grid)}")
        _ = self.interpolation
        if not self.statalg or not any(n.startswith(self.statalg.lower()) for n in ("classic", "chauvenet")):
            raise ParameterError(f"parameter 'statalg' must be 'classic' or 'chauvenet'; got {self.statalg!r}")
        _ = self.statistic

    @property
    def statistic(self) -> str:
        """The full name of the statistic."""
        given = self.stattype.strip().lower()
        if given in STATISTICS:
            return given
        found = {_ALIASES.get(n, n) for n in (*STATISTICS, *_ALIASES) if given and n.startswith(given)}
        if len(found) != 1:
            raise ParameterError(f"parameter 'stattype' must be one of {', '.join(STATISTICS)}; got {self.stattype!r}")
        return found.pop()

    @property
    def factor(self) -> float:
        """What the statistic is multiplied by: xmadm is the deviation from the median as an estimate of sigma."""
        return 1.0 / 0.674489750196082 if self.stattype.strip().lower().startswith("x") else 1.0

    @property
    def interpolation(self) -> str:
        """The full name of the interpolation; "l" is linear, as in CASA."""
        found = [n for n in _REACHES if self.interp and n.startswith(self.interp.lower())]
        if not found:
            raise ParameterError(f"parameter 'interp' must be one of {', '.join(_REACHES)}; got {self.interp!r}")
        return found[0]

    def limits(self, size: int) -> np.ndarray:
        """Standard deviations that values may differ by, for 0 to `size` values; empty without clipping."""
        if self.statalg.lower() == "c" or "classic".startswith(self.statalg.lower()):
            return np.zeros(0)
        if self.zscore >= 0:
            return np.full(size + 1, self.zscore)
        return np.array([chauvenet_limit(count) for count in range(size + 1)])


def _pixels(value: Any, cell_rad: float, name: str) -> float:
    """A length in pixels; 0 for none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0.0
    number, unit = parse_quantity(value)
    try:
        found = float(number) if unit in ("", "pix") else float(to_unit({"value": number, "unit": unit}, "rad")) / cell_rad
    except ParameterError as error:
        raise ParameterError(f"parameter {name!r} must be a number of pixels or an angle; got {value!r}") from error
    if found <= 0:
        raise ParameterError(f"parameter {name!r} must be a length above 0; got {value!r}")
    return found


def _reach(axes: SkyPlanes, options: DeviationOptions) -> np.ndarray:
    """What the windows reach: pixels in x and y, and the radius of a circle or -1."""
    sizes = np.hypot(*axes.geometry.matrix)
    width = _pixels(options.xlength, float(sizes[0]), "xlength")
    height = _pixels(options.ylength, float(sizes[1]), "ylength")
    if width == 0.0:
        raise ParameterError("parameter 'xlength' must be given")
    # An even number of pixels grows by one: a window has a middle pixel.
    if height == 0.0:
        radius = 0.5 * width
        return np.array([np.ceil(radius - 1e-9), np.ceil(radius - 1e-9), radius])
    return np.array([int(np.rint(width)) // 2, int(np.rint(height)) // 2, -1.0])


def _points(count: int, anchor: int, step: int) -> np.ndarray:
    return np.arange(anchor % step, count, step, dtype=np.int64)


def _weights(distance: np.ndarray, interpolation: str) -> np.ndarray:
    """Weights of points so many steps of the grid from a pixel, by cubic or Lanczos interpolation."""
    if interpolation == "lanczos":
        return np.asarray(np.sinc(distance) * np.sinc(distance / 3.0))
    d = np.abs(distance)
    return np.where(d <= 1.0, 1.5 * d**3 - 2.5 * d**2 + 1.0, -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0)


def _matrix(points: np.ndarray, count: int, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights (pixel, point) of nearest or linear interpolation, and of the one asked for; the latter is NaN where it needs points that are not there."""
    linear = np.zeros((count, len(points)))
    steps = np.full((count, len(points)), np.nan)
    if len(points) == 1:
        linear[:, 0] = 1.0
        return linear, steps
    pixel = np.arange(count, dtype=np.float64)
    place = (pixel - points[0]) / (points[1] - points[0])
    if interpolation == "nearest":
        linear[np.arange(count), np.clip(np.floor(place + 0.5).astype(int), 0, len(points) - 1)] = 1.0
        return linear, steps
    low = np.clip(np.floor(place).astype(int), 0, len(points) - 2)
    part = place - low
    linear[np.arange(count), low] = 1.0 - part
    linear[np.arange(count), low + 1] = part
    reach = _REACHES[interpolation]
    if reach:
        inner = np.flatnonzero((low >= reach) & (low <= len(points) - 2 - reach) & (place <= low + 1))
        taps = np.arange(-reach, 2 + reach)
        weights = _weights(part[inner, None] - taps, interpolation)
        steps[inner] = 0.0
        steps[inner[:, None], low[inner, None] + taps] = weights / weights.sum(axis=1, keepdims=True)
    return linear, steps


def _corners(points: np.ndarray, count: int, reach: int) -> np.ndarray:
    """True (pixel, point) for the points of the interval that a pixel lies in, which begins at its first point, and `reach` beyond."""
    used = np.zeros((count, len(points)), bool)
    step = points[1] - points[0] if len(points) > 1 else 1
    low = np.clip((np.arange(count) - points[0]) // step, 0, max(0, len(points) - 2))
    for k in range(-reach, 2 + reach):
        used[np.arange(count), np.clip(low + k, 0, len(points) - 1)] = True
    return used


def _interpolated(
    values: np.ndarray, valid: np.ndarray, xs: np.ndarray, ys: np.ndarray, shape: tuple[int, int], interpolation: str
) -> Any:
    """Values and validity on all pixels (y, x); all points about a pixel that the interpolation takes must be valid."""
    across, fine_x = _matrix(xs, shape[1], interpolation)
    down, fine_y = _matrix(ys, shape[0], interpolation)
    full = down @ values @ across.T

    def whole(used_y: np.ndarray, used_x: np.ndarray) -> np.ndarray:
        return np.asarray(used_y.astype(float) @ (~valid).astype(float) @ used_x.T.astype(float) < 0.5)

    if interpolation == "nearest":
        fine = whole(down > 0, across > 0)
    else:
        fine = whole(_corners(ys, shape[0], 0), _corners(xs, shape[1], 0))
    inner_x, inner_y = np.flatnonzero(np.isfinite(fine_x[:, 0])), np.flatnonzero(np.isfinite(fine_y[:, 0]))
    if inner_x.size and inner_y.size:
        inner = np.ix_(inner_y, inner_x)
        full[inner] = fine_y[inner_y] @ values @ fine_x[inner_x].T
        fine[inner] = whole(*(_corners(p, n, _REACHES[interpolation]) for p, n in ((ys, shape[0]), (xs, shape[1]))))[inner]
    fine[np.ix_(ys, xs)] = valid
    full[np.ix_(ys, xs)] = values
    return np.where(fine, full, 0.0), fine


def write_deviation(
    image: CasaImage, outfile: str, options: DeviationOptions, choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image of a statistic about each pixel.

    Raises
    ------
    ParameterError
        An option is bad.
    DataError
        The image has no sky plane.
    SelectionError, OutputExistsError
        Nothing is selected, or the output exists.
    """
    axes = SkyPlanes(image)
    reach = _reach(axes, options)
    chosen = choice.of(image)
    chosen.require_real("statistics are of")
    chosen.require_good()
    first, box = chosen.pixels.first, chosen.pixels.box_shape
    if isinstance(options.anchor, str) and options.anchor.strip().lower() in ("ref", ""):
        pixels = [int(np.rint(v)) for v in axes.direction.reference_pixel]
        anchor = [pixels[0] - first[axes.x_axis], pixels[1] - first[axes.y_axis]]
    else:
        anchor = [int(v) for v in np.ravel(options.anchor)] if not isinstance(options.anchor, str) else []
        if len(anchor) != 2:
            raise ParameterError(f"parameter 'anchor' must be 'ref' or two pixels; got {options.anchor!r}")
    plane_shape = (box[axes.y_axis], box[axes.x_axis])
    xs = _points(plane_shape[1], anchor[0], options.grid[0])
    ys = _points(plane_shape[0], anchor[1], options.grid[1])
    if not len(xs) or not len(ys):
        raise ParameterError(
            f"parameter 'grid'={list(options.grid)} has no point in the {plane_shape[1]} x {plane_shape[0]} pixels selected"
        )
    kind = STATISTICS.index(options.statistic)
    limits = options.limits(int((2 * reach[0] + 1) * (2 * reach[1] + 1)))
    coordinates = image.coordinates.sliced([float(v) for v in first[::-1]], [1.0] * image.ndim, list(box[::-1]))
    sky = (axes.x_axis, axes.y_axis)
    places = list(np.ndindex(*(1 if k in sky else n for k, n in enumerate(box))))
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, box, coordinates, image.dtype, unit=image.unit) as output,
        Progress(len(places), "statistics") as progress,
    ):
        output.copy_metadata_from(image)
        output.beams = beams_of_box(image, chosen.pixels)
        masked = False
        for at in places:
            block = tuple(slice(0, n) if k in sky else slice(at[k], at[k] + 1) for k, n in enumerate(box))
            values, good = chosen.read(block)
            usable = np.ones(values.shape, bool) if good is None else good
            found, valid = np.zeros((len(ys), len(xs))), np.zeros((len(ys), len(xs)), bool)
            plane, fine = (np.ascontiguousarray(axes.flat(a)) for a in (values.astype(np.float64), usable))
            # maxiter counts what comes after a first rejection, as in statistics of whole images.
            rounds = options.maxiter + 1 if options.maxiter >= 0 else -1
            window_statistics(plane, fine, xs, ys, reach, kind, limits, rounds, found, valid)
            found *= options.factor
            full, whole = _interpolated(found, valid & fine[np.ix_(ys, xs)], xs, ys, plane_shape, options.interpolation)
            # As in CASA, a masked pixel is no point of the grid and stays masked.
            whole &= fine
            output.write(axes.block(full).astype(image.dtype), block)
            if masked or not whole.all():
                masked = True
                output.write_mask(axes.block(whole), block)
            progress.advance()
