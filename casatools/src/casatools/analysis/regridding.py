"""Images put onto the pixels of other coordinates.

References
----------
Bilinear and cubic convolution interpolation (Keys 1981, IEEE Trans. ASSP-29, 1153). Intensities in Jy/pixel are scaled by the ratio of pixel areas; others
are brightnesses and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools._base.progress import Progress
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.frames.directions import convert_directions
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, SpectralCoordinate

__all__ = ["RegridOptions", "bilinear_values", "regrid_image"]

_ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
# Places this close to a limit [pixel] count as on it.
_EDGE = 1e-3


@dataclass(frozen=True)
class RegridOptions:
    """How an image is regridded.

    Attributes
    ----------
    axes : tuple of int
        Pixel axes (CASA order) that are regridded; () for all that can be.
    method : {"nearest", "linear", "cubic"}
    as_velocity : bool
        A spectral axis is matched by velocity (each with its own rest frequency) instead of frequency.
    """

    axes: tuple[int, ...] = ()
    method: str = "linear"
    as_velocity: bool = False

    def __post_init__(self) -> None:
        if self.method not in _ORDERS:
            raise ParameterError(f"parameter 'interpolation' must be one of {', '.join(_ORDERS)}; got {self.method!r}")


def regrid_image(
    image: CasaImage,
    outfile: str,
    target: Coordinates,
    shape: Sequence[int],
    options: RegridOptions,
    choice: PixelChoice,
    overwrite: bool = False,
) -> None:
    """Write an image on other coordinates.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    target : Coordinates
        Those wanted, with the same kinds of axes in the same order.
    shape : sequence of int
        Pixels wanted along each axis (CASA order).
    options : RegridOptions
    choice : PixelChoice
        Part of the image that is taken.
    overwrite : bool

    Raises
    ------
    ParameterError
        Axes cannot be regridded or matched.
    DataError
        The images do not overlap.
    """
    chosen = choice.of(image)
    own = image.coordinates.sliced(
        [float(v) for v in chosen.pixels.first[::-1]], [1.0] * image.ndim, chosen.pixels.box_shape[::-1]
    )
    ndim = image.ndim
    axes = _axes(own, target, options, ndim)
    box = chosen.pixels.box_shape
    final = [int(shape[a]) if a in axes else box[::-1][a] for a in range(ndim)]
    coordinates = own.copy()
    for index, member in enumerate(own.members):
        if set(own.pixel_axes[index]) & set(axes):
            coordinates.replace(index, target.members[_matching(target, member)])
    plane_axes = [ndim - 1 - a for a in own.direction_axes] if set(own.direction_axes) & set(axes) else []
    places = _sky_places(own, coordinates, final, ndim) if plane_axes else None
    if places is not None and not _overlap(places, own, box):
        raise DataError(f"image {image.path!r} does not overlap with the coordinates wanted")
    spectral = own.spectral_axis if own.spectral_axis in axes else None
    channels = _channel_places(own, coordinates, final, spectral, options) if spectral is not None else None
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, final[::-1], coordinates, image.dtype, mask="mask0") as output,
    ):
        output.copy_metadata_from(image, beams=False)
        beams = beams_of_box(image, chosen.pixels)
        output.beams = BeamSet.single(beams.at(0, 0)) if beams.is_per_plane and spectral is not None else beams
        scale = _pixel_ratio(own, coordinates) if places is not None and image.unit.endswith("/pixel") else 1.0
        clean = _regridded_planes(chosen, output, plane_axes, places, spectral, channels, options, scale)
        if clean:
            output.remove_mask("mask0")


def _axes(own: Coordinates, target: Coordinates, options: RegridOptions, ndim: int) -> list[int]:
    """Axes to regrid: those named, else all with other coordinates but polarization."""
    wanted = [a for a in options.axes if a >= 0]
    if any(a >= ndim for a in wanted):
        raise ParameterError(f"axes {wanted} are not all in the image, which has {ndim}")
    found = []
    for index, member in enumerate(own.members):
        axes = [a for a in own.pixel_axes[index] if a >= 0]
        if wanted and not set(axes) & set(wanted):
            continue
        if not isinstance(member, (DirectionCoordinate, SpectralCoordinate)):
            if wanted:
                raise ParameterError(f"axis {axes[0]} ({member.kind}) cannot be regridded; only sky and spectral axes can")
            continue
        if not wanted and target.find(member.kind) is None:
            continue
        _matching(target, member)
        found += axes
    return found


def _matching(target: Coordinates, member: object) -> int:
    kind = str(getattr(member, "kind", ""))
    index = target.find(kind)
    if index is None:
        raise ParameterError(f"the coordinates wanted have no {kind.lower()} axis")
    return index


def _sky_places(
    own: Coordinates, wanted: Coordinates, shape: Sequence[int], ndim: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel (y, x) of the new plane the old pixel x, y, and whether it is on the sky."""
    source, target = own.direction, wanted.direction
    assert source is not None and target is not None
    nx, ny = (shape[a] for a in own.direction_axes)
    x, y = np.meshgrid(np.arange(nx, dtype=np.float64), np.arange(ny, dtype=np.float64))
    world = target.to_world(np.array([x.ravel(), y.ravel()])) * target._to_rad[:, None]
    good = np.all(np.isfinite(world), axis=0)
    if source.frame != target.frame:
        lon, lat = convert_directions(world[0][good], world[1][good], target.frame, source.frame)
        world[:, good] = np.array([lon, lat])
    pixels = np.full(world.shape, np.nan)
    pixels[:, good] = source.to_pixel(world[:, good] / source._to_rad[:, None])
    good &= np.all(np.isfinite(pixels), axis=0)
    return (
        np.where(good, pixels[0], -9e9).reshape(ny, nx),
        np.where(good, pixels[1], -9e9).reshape(ny, nx),
        good.reshape(ny, nx),
    )


def _overlap(places: tuple[np.ndarray, np.ndarray, np.ndarray], own: Coordinates, box: Sequence[int]) -> bool:
    x, y, sky = places
    nx, ny = (box[len(box) - 1 - a] for a in own.direction_axes)
    return bool(np.any(sky & (x > -1) & (x < nx) & (y > -1) & (y < ny)))


def _channel_places(own: Coordinates, wanted: Coordinates, shape: Sequence[int], axis: int, options: RegridOptions) -> np.ndarray:
    """The old channel of each new one."""
    source, target = own.spectral, wanted.spectral
    assert source is not None and target is not None
    if source.frame != target.frame:
        raise ParameterError(
            f"the spectral frames {source.frame} and {target.frame} differ; bring the image to the frame with imreframe first"
        )
    hz = target.to_world(np.arange(shape[axis], dtype=np.float64)[None])[0] * float(target.hz)
    if options.as_velocity:
        rest, other = float(target.rest_frequency_hz), float(source.rest_frequency_hz)
        if rest > 0 and other > 0:
            hz = hz / rest * other
    return np.asarray(source.to_pixel((hz / float(source.hz))[None])[0])


def _pixel_ratio(own: Coordinates, wanted: Coordinates) -> float:
    assert own.direction is not None and wanted.direction is not None
    return abs(float(np.prod(wanted.direction.increment_rad) / np.prod(own.direction.increment_rad)))


def _regridded_planes(
    chosen: SelectedPixels,
    output: CasaImage,
    plane_axes: Sequence[int],
    places: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    spectral: int | None,
    channels: np.ndarray | None,
    options: RegridOptions,
    scale: float,
) -> bool:
    """Write all planes; True when no pixel of the result is masked."""
    ndim, box = output.ndim, chosen.pixels.box_shape
    channel_axis = None if spectral is None else ndim - 1 - spectral
    # Without a sky to regrid, whole planes of the last two axes are moved as they are.
    planes = list(plane_axes) or [ndim - 1, ndim - 2] if ndim > 1 else [0]
    planes = [p for p in planes if p != channel_axis]
    others = [k for k in range(ndim) if k not in planes]
    all_good = True
    kept: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}
    count = int(np.prod([output.shape[k] for k in others]))

    def old_plane(at: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
        key = tuple(at[k] for k in others)
        if key not in kept:
            if len(kept) > 3:
                kept.pop(next(iter(kept)))
            block = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, box[k]) for k in range(ndim))
            values, good = chosen.read(block)
            usable = np.ones(values.shape, bool) if good is None else good
            if places is not None:
                x_axis, y_axis = plane_axes
                turned = [np.moveaxis(v, (y_axis, x_axis), (0, 1)).reshape(box[y_axis], box[x_axis]) for v in (values, usable)]
                kept[key] = _interpolated(turned[0], turned[1], places, _ORDERS[options.method])
            else:
                kept[key] = values, usable
        return kept[key]

    with Progress(count, "regridding") as progress:
        for place in np.ndindex(*(output.shape[k] for k in others)):
            at = dict(zip(others, place, strict=True))
            result, good = _blended(old_plane, at, channel_axis, channels, box, options.method)
            where = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, output.shape[k]) for k in range(ndim))
            extent = tuple(s.stop - s.start for s in where)
            if places is not None:
                x_axis, y_axis = plane_axes
                order = (0, 1) if y_axis < x_axis else (1, 0)
                result, good = np.transpose(result, order), np.transpose(good, order)
            all_good &= bool(good.all())
            output.write(np.where(good, result * scale, 0.0).reshape(extent), where)
            output.write_mask(good.reshape(extent), where)
            progress.advance()
    return all_good


def _blended(
    old_plane: Callable[[dict[int, int]], tuple[np.ndarray, np.ndarray]],
    at: dict[int, int],
    channel_axis: int | None,
    channels: np.ndarray | None,
    box: Sequence[int],
    method: str,
) -> tuple[np.ndarray, np.ndarray]:
    """A plane at a place between two old channels."""
    if channel_axis is None or channels is None:
        return old_plane(at)
    where = float(channels[at[channel_axis]])
    count = box[channel_axis]
    if not -0.5 <= where <= count - 0.5:
        values, good = old_plane({**at, channel_axis: 0})
        return np.zeros_like(values), np.zeros_like(good)
    where = min(max(where, 0.0), count - 1.0)
    low = int(np.floor(where + 1e-6))
    part = where - low
    if method == "nearest" or part < 1e-6:
        return old_plane({**at, channel_axis: min(round(where), count - 1)})
    one, good = old_plane({**at, channel_axis: low})
    two, other = old_plane({**at, channel_axis: min(low + 1, count - 1)})
    return one * (1.0 - part) + two * part, good & other


def _interpolated(
    plane: np.ndarray, good: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray], order: int
) -> tuple[np.ndarray, np.ndarray]:
    """A plane (y, x) at other places; good where all pixels that it stands on are."""
    x, y, sky = places
    ny, nx = plane.shape
    if order == 1 and min(nx, ny) > 1:
        # As the reference, less than a pixel beyond the edge is extrapolated.
        inside = sky & (x > _EDGE - 1.0) & (x < nx - _EDGE) & (y > _EDGE - 1.0) & (y < ny - _EDGE)
        return bilinear_values(plane, good, np.where(inside, x, 0.0), np.where(inside, y, 0.0), inside)
    from scipy.ndimage import map_coordinates

    inside = sky & (x >= -_EDGE) & (x <= nx - 1 + _EDGE) & (y >= -_EDGE) & (y <= ny - 1 + _EDGE)
    at = np.array([np.clip(y, 0, ny - 1), np.clip(x, 0, nx - 1)])
    filled = np.where(good, plane, 0).astype(np.float64)
    result = map_coordinates(filled, at, order=order, mode="nearest")
    usable = inside
    if not good.all():
        usable = inside & (map_coordinates((~good).astype(np.float64), at, order=min(order, 1), mode="nearest") < 1e-6)
    return result, usable


def bilinear_values(
    plane: np.ndarray, good: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    ny, nx = plane.shape
    left, low = np.clip(np.floor(x).astype(int), 0, nx - 2), np.clip(np.floor(y).astype(int), 0, ny - 2)
    across, up = x - left, y - low
    filled = np.where(good, plane, 0).astype(np.float64)
    result = np.zeros(x.shape)
    usable = inside.copy()
    for dy, weight_y in ((0, 1.0 - up), (1, up)):
        for dx, weight_x in ((0, 1.0 - across), (1, across)):
            weight = weight_x * weight_y
            result += weight * filled[low + dy, left + dx]
            usable &= good[low + dy, left + dx] | (np.abs(weight) < 1e-6)
    return result, usable
