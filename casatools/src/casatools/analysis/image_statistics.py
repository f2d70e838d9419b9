"""Statistics of images: of all selected pixels, or of each position on the axes that are left."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.plane_slabs import SlabReader
from casatools.analysis.regions import ImageSelection
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.statistics import StatisticsOptions, compute_statistics
from casatools.analysis.value_stream import ValueStream, Where
from casatools.analysis.world_text import world_text
from casatools.io.image import CasaImage

__all__ = ["ImageStatisticsOptions", "block_statistics", "image_statistics", "pixels_per_beam"]

_BASIC = ("npts", "sum", "sumsq", "min", "max", "mean", "sigma", "rms")
# Pixels that are read once, and not once a pass.
_READ_ONCE = 4_000_000
_ROBUST = ("median", "medabsdevmed", "quartile", "q1", "q3")


@dataclass(frozen=True)
class ImageStatisticsOptions:
    """What to compute.

    Attributes
    ----------
    axes : tuple of int
        Pixel axes (CASA order) that are summed over; empty for all.
    statistics : StatisticsOptions
    pixels : PixelRange
    """

    axes: tuple[int, ...] = ()
    statistics: StatisticsOptions = StatisticsOptions()  # noqa: RUF009 - frozen
    pixels: PixelRange = PixelRange()  # noqa: RUF009 - frozen


def pixels_per_beam(image: CasaImage, chan: int, stokes: int) -> float | None:
    """Pixels that one beam of a plane covers; None without a beam or a direction coordinate."""
    direction = image.coordinates.direction
    if direction is None or not image.beams:
        return None
    cell = abs(direction.increment_rad[0] * direction.increment_rad[1])
    return float(image.beams.at(chan, stokes).area_rad2 / cell)


def _flux_scale(image: CasaImage, chan: int, stokes: int) -> float | None:
    """Factor from a sum of pixels to a flux density; None where the unit does not allow one."""
    unit = image.unit.replace(" ", "")
    direction = image.coordinates.direction
    if direction is None:
        return None
    head = unit.split(".")[0]
    if head == "K":
        return float(abs(direction.increment_rad[0] * direction.increment_rad[1])) * 206264.80624709636**2
    if head.endswith("Jy/beam"):
        area = pixels_per_beam(image, chan, stokes)
        return None if not area else 1.0 / area
    return None


def image_statistics(
    image: CasaImage,
    selection: ImageSelection = ImageSelection(),  # noqa: B008 - frozen
    mask: str = "",
    stretch: bool = False,
    options: ImageStatisticsOptions = ImageStatisticsOptions(),
) -> dict[str, Any]:
    """Compute the statistics record of an image.

    Returns
    -------
    dict
        CASA's record: each statistic an array over the axes that were not summed over (CASA order), ``blc trc`` and their world
        positions, and for a single result the places of the extremes. Arrays are empty when no pixel is usable.

    Raises
    ------
    ParameterError, SelectionError, DataError
        An axis is outside the image, nothing is selected, or what is selected and not masked is all NaN.
    """
    ndim = image.ndim
    axes = tuple(options.axes) or tuple(range(ndim))
    if any(not 0 <= a < ndim for a in axes):
        raise ParameterError(f"axes {list(axes)} are outside the image's axes 0 to {ndim - 1}")
    chosen = SelectedPixels(image, selection, mask, stretch)
    chosen.require_real("statistics are of")
    box = chosen.pixels.box_shape
    array_axes = [ndim - 1 - a for a in axes]
    left = [k for k in range(ndim) if k not in array_axes]
    first, last = chosen.pixels.first[::-1], chosen.pixels.last[::-1]
    record: dict[str, Any] = {
        "blc": np.array(first, dtype=np.int64), "trc": np.array(last, dtype=np.int64),
        "blcf": world_text(image.coordinates, first), "trcf": world_text(image.coordinates, last),
    }  # fmt: skip
    names = _names(options.statistics)
    plane = _planes(image, array_axes)
    if not left:
        found = block_statistics(chosen, [slice(0, n) for n in box], options)
        _require_numbers(chosen, options, bool(found["npts"]))
        several = image.coordinates.stokes_axis is not None and box[ndim - 1 - image.coordinates.stokes_axis] > 1
        flux = _total_flux(image, chosen, options, found) if plane and not several else None
        if flux is not None:
            flux *= _channel_width(image, chosen)
        _put_single(record, found, names, flux, chosen, image)
        return record
    # Channels and polarizations that were not asked for get no entry, also between others that were.
    places = [chosen.pixels.chosen_on(k) - chosen.pixels.first[k] for k in left]
    shape = tuple(len(p) for p in places)
    results = {name: np.zeros(shape) for name in names}
    fluxes = np.zeros(shape)
    flux_ok = plane
    spectral = image.coordinates.spectral_axis
    over_channels = spectral is not None and ndim - 1 - spectral in array_axes
    width = _channel_width(image, chosen) if over_channels else 1.0
    stokes_axis = image.coordinates.stokes_axis
    if stokes_axis is not None and ndim - 1 - stokes_axis in array_axes and box[ndim - 1 - stokes_axis] > 1:
        flux_ok = False  # of several polarizations there is no one flux density, nor of channels that have beams of their own
    if over_channels and image.beams.is_per_plane and spectral is not None and box[ndim - 1 - spectral] > 1:
        flux_ok = False
    planes = SlabReader(chosen)
    for place in np.ndindex(*shape):
        block = [slice(0, n) for n in box]
        inside = {k: int(places[n][at]) for n, (k, at) in enumerate(zip(left, place, strict=True))}
        for k, at in inside.items():
            block[k] = slice(at, at + 1)
        found = block_statistics(chosen, block, options, planes)
        for name in names:
            results[name][place] = found.get(name, 0.0)
        if flux_ok:
            chan, stokes = _plane_numbers(image, chosen, inside)
            scale = _flux_scale(image, chan, stokes)
            flux_ok = scale is not None
            fluxes[place] = found.get("sum", 0.0) * (scale or 0.0) * width
    if not results["npts"].any():  # nothing is usable anywhere
        _require_numbers(chosen, options, False)
        empty = [*names, *(["flux"] if flux_ok and "sum" in names else [])]
        return {**record, **{name: np.array([], dtype=np.float64) for name in empty}}
    # Degenerate axes that were not summed over are dropped, as the reference does.
    keep = tuple(k for k, n in enumerate(shape) if n > 1) or (0,)
    squeeze = tuple(k for k in range(len(shape)) if k not in keep)
    for name in names:
        record[name] = results[name].squeeze(squeeze).transpose()
    if flux_ok and "sum" in names:
        record["flux"] = fluxes.squeeze(squeeze).transpose()
    return record


def _require_numbers(chosen: SelectedPixels, options: ImageStatisticsOptions, found: bool) -> None:
    """Ranges of intensities may leave nothing, and so may masks; pixels that are all NaN have no statistics."""
    if not found and not options.pixels.active:
        chosen.require_numbers()


def _names(options: StatisticsOptions) -> tuple[str, ...]:
    if options.algorithm == "biweight":
        return ("npts", "min", "max", "mean", "sigma")
    return _BASIC + (_ROBUST if options.robust else ())


def _planes(image: CasaImage, array_axes: Sequence[int]) -> bool:
    """True when a flux density makes sense: at least one axis of the sky plane is summed over."""
    directions = [image.ndim - 1 - a for a in image.coordinates.direction_axes]
    return len(directions) == 2 and any(a in array_axes for a in directions)


def block_statistics(
    chosen: SelectedPixels, block: Sequence[slice], options: ImageStatisticsOptions, planes: SlabReader | None = None
) -> dict[str, float]:
    """What `compute_statistics` gives for a block of the bounding box, read piece by piece."""

    def read(piece: Sequence[slice]) -> tuple[np.ndarray, Where]:
        values, good = chosen.read(piece) if planes is None else planes.read(piece)
        good = options.pixels.narrow(values, good)
        if good is not None:
            left_out.set()
        extent = values.shape
        corner = [s.start - b.start for s, b in zip(piece, block, strict=True)]
        keep = None if good is None else np.ravel(good)

        def where(k: int) -> int:
            place = np.unravel_index(k if keep is None else np.flatnonzero(keep)[k], extent)
            return int(np.ravel_multi_index([int(a) + c for a, c in zip(place, corner, strict=True)], shape))

        flat = np.ravel(values)
        return flat if keep is None else flat[keep], where

    shape = tuple(s.stop - s.start for s in block)
    left_out = threading.Event()

    def loose() -> ValueStream | None:
        if shape != chosen.image.shape or (left_out.is_set() and (options.pixels.active or chosen.has_mask_beside_image)):
            return None
        return _tile_values(chosen.image, left_out.is_set())

    if math.prod(shape) <= _READ_ONCE:
        values, where = read(block)
        return compute_statistics(ValueStream(lambda: [None], lambda _: (values, where)), options.statistics)
    return compute_statistics(ValueStream(lambda: chosen.iter_slices(block), read, loose), options.statistics)


def _tile_values(image: CasaImage, left_out: bool) -> ValueStream | None:
    """All pixels of an image as they lie in its file; None where its tiles cannot be read so or reach beyond its edges.

    With `left_out` some are masked or no numbers, and the others are given.
    """
    tiles = image.tiles()
    mask = image.mask_tiles() if left_out else None
    if tiles is None or any(n % t for n, t in zip(tiles.shape, tiles.tile, strict=True)):
        return None
    if left_out and image.has_mask and (mask is None or mask.tile != tiles.tile):
        return None
    step = max(1, IMAGE_BLOCK_BYTES // tiles.tile_bytes)

    def read(first: int) -> tuple[np.ndarray, Where]:
        stop = min(first + step, tiles.count)
        values = tiles.read_tiles(first, stop).reshape(-1)
        if left_out:
            good = np.isfinite(values)
            if mask is not None:
                good &= mask.read_truths(first, stop).reshape(-1)
            values = values[good]
        return values, lambda k: -1

    return ValueStream(lambda: range(0, tiles.count, step), read)


def _plane_numbers(image: CasaImage, chosen: SelectedPixels, at: dict[int, int]) -> tuple[int, int]:
    """Channel and polarization of a position on the axes that are left."""
    numbers = []
    for axis in (image.coordinates.spectral_axis, image.coordinates.stokes_axis):
        if axis is None:
            numbers.append(0)
        else:
            k = image.ndim - 1 - axis
            numbers.append(chosen.pixels.first[k] + at.get(k, 0))
    return numbers[0], numbers[1]


def _total_flux(
    image: CasaImage, chosen: SelectedPixels, options: ImageStatisticsOptions, statistics: dict[str, float]
) -> float | None:
    """Flux density of all selected pixels, whose statistics are known; each plane with its own beam."""
    if _flux_scale(image, 0, 0) is None:
        return None
    if not image.beams.is_per_plane:
        scale = _flux_scale(image, 0, 0)
        return float(statistics.get("sum", 0.0) * (scale or 0.0)) if statistics["npts"] else None
    others = [image.ndim - 1 - a for a in (image.coordinates.spectral_axis, image.coordinates.stokes_axis) if a is not None]
    total = 0.0
    for place in np.ndindex(*(chosen.pixels.box_shape[k] for k in others)):
        block = [slice(0, n) for n in chosen.pixels.box_shape]
        for k, at in zip(others, place, strict=True):
            block[k] = slice(at, at + 1)
        values, good = chosen.read(block)
        good = options.pixels.narrow(values, good)
        chan, stokes = _plane_numbers(image, chosen, dict(zip(others, place, strict=True)))
        part = values if good is None else values[good]
        total += float(part.sum(dtype=np.float64)) * (_flux_scale(image, chan, stokes) or 0.0)
    return total


def _channel_width(image: CasaImage, chosen: SelectedPixels) -> float:
    """Channel width [km/s] by which a sum over several channels becomes an integrated flux; 1 for a single channel."""
    axis = image.coordinates.spectral_axis
    spectral = image.coordinates.spectral
    if (
        axis is None
        or spectral is None
        or len(chosen.pixels.chosen_on(image.ndim - 1 - axis)) < 2
        or spectral.rest_frequency_hz <= 0
    ):
        return 1.0
    middle = float(image.coordinates.reference_pixel[axis])
    hz = np.ravel(spectral.to_world(np.array([[middle, middle + 1.0]]))) * float(spectral.hz)
    return float(abs(np.diff(np.ravel(spectral.velocity(hz, "RADIO", "km/s")))[0]))


def _put_single(
    record: dict[str, Any],
    found: dict[str, float],
    names: Sequence[str],
    flux: float | None,
    chosen: SelectedPixels,
    image: CasaImage,
) -> None:
    empty = not found["npts"]
    for name in names:
        record[name] = np.array([] if empty else [found[name]], dtype=np.float64)
    if "sum" in names and empty and _flux_scale(image, 0, 0) is not None:
        record["flux"] = np.array([], dtype=np.float64)
    elif flux is not None and "sum" in names:
        record["flux"] = np.array([flux])
    for key, name in (("maxat", "maxpos"), ("minat", "minpos")):
        if not empty and found.get(key, -1) >= 0:
            inside = np.unravel_index(int(found[key]), chosen.pixels.box_shape)
            place = [int(a + b) for a, b in zip(chosen.pixels.first, inside, strict=True)][::-1]
            record[name] = np.array(place, dtype=np.int64)
            record[f"{name}f"] = world_text(image.coordinates, place)
