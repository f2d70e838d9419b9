"""Slices of cubes along a line on the sky, against frequency: what impv does.

Notes
-----
As in CASA, the image is turned about the middle of the line until the line lies along its first axis, by cubic convolution, and the pixels of the turned
image are taken: from the one nearest to one end to the one nearest to the other, in the rows nearest to the line. So the samples are off the ends, and off the
line, by up to half a pixel where its middle is not on a pixel (rows or pixels half a pixel off are taken on both sides). Each pixel of the slice is the mean across the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.regrid_places import SkyPlaces
from casatools.analysis.regridding import interpolate_plane
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.frames.quantities import convert_value, parse_quantity, to_unit
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.linear import LinearCoordinate

__all__ = ["SliceLine", "write_slice"]

# Pixels that the ends of a line keep from the edges, as in CASA.
_MARGIN = 2


@dataclass(frozen=True)
class SliceLine:
    """The line: either `start` and `end`, or `center`, `length` and `angle`.

    Attributes
    ----------
    start, end, center : sequence of 2
        Pixels as numbers, or longitude and latitude as text.
    length : number or quantity
        Pixels or angle.
    angle : quantity
        Position angle, north through east.
    width : number or quantity
        Odd number of pixels, or an angle.
    unit : str
        Of the offsets.
    """

    start: Any = ""
    end: Any = ""
    center: Any = ""
    length: Any = ""
    angle: Any = ""
    width: Any = 1
    unit: str = "arcsec"

    def ends(self, axes: SkyPlanes) -> tuple[np.ndarray, np.ndarray]:
        """Both ends in pixels."""
        if _given(self.start) or _given(self.end):
            if _given(self.center) or _given(self.length) or _given(self.angle):
                raise ParameterError("give either 'start' and 'end' or 'center', 'length' and 'pa', not both")
            return _place(self.start, axes, "start"), _place(self.end, axes, "end")
        middle = _place(self.center, axes, "center")
        if not _given(self.length) or not _given(self.angle):
            raise ParameterError("parameters 'length' and 'pa' must be given with 'center'")
        turn = float(to_unit(self.angle, "rad"))
        step = np.linalg.solve(axes.geometry.matrix, np.array([np.sin(turn), np.cos(turn)]))
        # The next odd number of pixels, beginning at the end that the position angle points to.
        half = int(np.ceil(_pixels(self.length, axes, "length") - 1e-3)) // 2 * step / np.hypot(*step)
        return middle + half, middle - half

    def lattice(self, first: np.ndarray, last: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Offsets from the middle of the line of the pixels of the turned image, along the line and across it."""
        middle, half = (first + last) / 2.0, float(np.hypot(*(last - first))) / 2.0
        # A line along y keeps its own pixels: turned by a right angle, they fall on those of the turned image.
        upright = abs(last[0] - first[0]) < 1e-6
        origin = middle.sum() if upright else middle[0]
        begin, end = origin - half, origin + half
        if _given(self.start) or _given(self.end):
            low, high = np.ceil(begin - 0.5 - 1e-6), np.floor(end + 0.5 + 1e-6)
        else:
            low, high = np.floor(begin + 1e-6), np.ceil(end - 1e-6)
        along = np.arange(low, high + 1) - origin
        reach = (rows - 1) / 2.0
        if upright or (rows == 1 and abs(middle[1] % 1.0 - 0.5) < 1e-6):
            return along, np.arange(rows) - reach
        bottom, top = np.ceil(middle[1] - reach - 0.5 - 1e-6), np.floor(middle[1] + reach + 0.5 + 1e-6)
        return along, np.arange(bottom, top + 1) - middle[1]

    def rows(self, axes: SkyPlanes) -> int:
        """Number of samples across."""
        number, unit = parse_quantity(self.width)
        if unit in ("", "pix"):
            if float(number) < 1 or float(number) % 2 != 1:
                raise ParameterError(f"parameter 'width' must be an odd number of pixels of at least 1; got {self.width!r}")
            return int(number)
        pixels = int(np.ceil(_pixels(self.width, axes, "width") - 1e-3))
        return pixels + 1 - pixels % 2


def _given(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None and np.size(value) > 0


def _pixels(value: Any, axes: SkyPlanes, name: str) -> float:
    number, unit = parse_quantity(value)
    found = float(number) if unit in ("", "pix") else float(to_unit(value, "rad")) / axes.geometry.cell_rad
    if found <= 0:
        raise ParameterError(f"parameter {name!r} must be above 0; got {value!r}")
    return found


def _place(value: Any, axes: SkyPlanes, name: str) -> np.ndarray:
    pair = [v for v in value.replace(",", " ").split() if v] if isinstance(value, str) else list(value)
    pair = [p for p in pair if str(p).upper() not in ("J2000", "ICRS")]
    if len(pair) != 2:
        raise ParameterError(f"parameter {name!r} must be two pixels, or a longitude and a latitude; got {value!r}")
    quantities = [parse_quantity(p) for p in pair]
    if all(unit in ("", "pix") for _, unit in quantities):
        return np.array([float(number) for number, _ in quantities])
    world = [float(to_unit(p, u)) for p, u in zip(pair, axes.direction.units, strict=True)]
    return np.asarray(axes.direction.to_pixel(np.array(world)[:, None]))[:, 0]


def write_slice(image: CasaImage, outfile: str, line: SliceLine, choice: PixelChoice, overwrite: bool = False) -> None:
    """Write a slice of an image; axes offset, then the others in their order.

    Raises
    ------
    ParameterError
        The line cannot be read, has no length, or comes too near to the edges.
    DataError
        There is no sky plane or no spectral axis.
    SelectionError, OutputExistsError
        Nothing is selected, or the output exists.
    """
    axes = SkyPlanes(image)
    if axes.channel_axis is None:
        raise DataError(f"image {image.path!r} has no spectral axis: there is nothing to slice against")
    first, last = line.ends(axes)
    rows = line.rows(axes)
    size = np.array([image.shape[axes.x_axis], image.shape[axes.y_axis]])
    for point in (first, last):
        if not (np.all(point >= _MARGIN) and np.all(point <= size - 1 - _MARGIN)):
            raise ParameterError(
                f"the ends of the slice must lie in the image, {_MARGIN} pixels from its edges; got pixel {point.tolist()}"
            )
    distance = float(np.hypot(*(last - first)))
    if distance < 1:
        raise ParameterError("the ends of the slice must be at least a pixel apart")
    direction = (last - first) / distance
    chosen = choice.of(image)
    chosen.require_real("slices are taken of")
    chosen.require_good()
    box, start = chosen.pixels.box_shape, chosen.pixels.first
    offsets, rows_off = line.lattice(first, last, rows)
    count, along, across = len(offsets), offsets[None, :], rows_off[:, None]
    middle = (first + last) / 2.0
    x = middle[0] + along * direction[0] - across * direction[1] - start[axes.x_axis]
    y = middle[1] + along * direction[1] + across * direction[0] - start[axes.y_axis]
    inside = (x >= -1e-6) & (x <= box[axes.x_axis] - 1 + 1e-6) & (y >= -1e-6) & (y <= box[axes.y_axis] - 1 + 1e-6)
    if not inside.any() or min(box[axes.x_axis], box[axes.y_axis]) < 2:
        raise ParameterError("the slice lies outside of the selected region")
    places = SkyPlaces(x, y, inside)
    others = [k for k in range(image.ndim) if k not in (axes.x_axis, axes.y_axis)]
    shape = (*(box[k] for k in others), count)
    cell = float(np.hypot(*(axes.geometry.matrix @ direction)))
    coordinates = _coordinates(image, start, box, others, LinearCoordinate.make(
        ["Offset"], [line.unit], 0.0, float((count - 1) // 2), float(convert_value(cell, "rad", line.unit))
    ))  # fmt: skip
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, coordinates, np.float32, mask="mask0") as made,
    ):
        made.copy_metadata_from(image, beams=False)
        made.beams = beams_of_box(image, chosen.pixels)
        clean = True
        for at in np.ndindex(*shape[:-1]):
            place = dict(zip(others, at, strict=True))
            block = tuple(slice(place[k], place[k] + 1) if k in place else slice(0, n) for k, n in enumerate(box))
            values, good = chosen.read(block)
            usable = np.ones(values.shape, bool) if good is None else good
            samples, valid = interpolate_plane(axes.flat(values), axes.flat(usable), places, "cubic")
            number = valid.sum(axis=0)
            result = np.where(valid, samples, 0.0).sum(axis=0) / np.maximum(number, 1)
            where = (*(slice(k, k + 1) for k in at), slice(0, count))
            extent = (*(1 for _ in at), count)
            made.write(result.reshape(extent), where)
            made.write_mask((number > 0).reshape(extent), where)
            clean &= bool((number > 0).all())
        if clean:
            made.remove_mask("mask0")


def _coordinates(
    image: CasaImage, start: Sequence[int], box: Sequence[int], others: Sequence[int], offset: LinearCoordinate
) -> Coordinates:
    part = image.coordinates.sliced([float(v) for v in start[::-1]], [1.0] * image.ndim, list(box[::-1]))
    kept = [part.members[part.member_of_pixel_axis(image.ndim - 1 - k)[0]] for k in reversed(others)]
    return Coordinates([offset, *kept], observation=part.observation)
