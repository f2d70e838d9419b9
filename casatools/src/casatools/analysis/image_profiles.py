"""Values along lines through images, histograms, and correlations of pixels by their distance.

References
----------
Structure function: the mean of the squared differences of all pairs of good pixels at a lag (Tatarskii 1961, chapter 1), by Fourier transforms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regrid_places import SkyPlaces
from casatools.analysis.regridding import interpolate_plane
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate

__all__ = ["image_histograms", "line_values", "structure_function"]


def line_values(
    image: CasaImage, x: Sequence[float], y: Sequence[float], axes: Sequence[int], place: Sequence[float], count: int, method: str
) -> dict[str, Any]:
    """Values along a line of straight pieces in a plane of an image.

    Parameters
    ----------
    image : CasaImage
    x, y : sequence of float
        Corners of the line, pixels along the two axes.
    axes : (int, int)
        Pixel axes, CASA order.
    place : sequence of float
        Pixel of the plane on the other axes (CASA order, all axes); () for the first.
    count : int
        Points, evenly spaced; 0 for about one a pixel.
    method : {"nearest", "linear", "cubic"}

    Returns
    -------
    dict
        ``pixel mask xpos ypos distance axes``, as CASA gives them.

    Raises
    ------
    ParameterError
        Corners, axes or the place do not fit the image.
    """
    ndim = image.ndim
    if len(axes) != 2 or len(set(axes)) != 2 or any(not 0 <= a < ndim for a in axes):
        raise ParameterError(f"parameter 'axes' must be two different axes of the image, 0 to {ndim - 1}; got {list(axes)}")
    if len(x) != len(y) or len(x) < 2:
        raise ParameterError(f"parameters 'x' and 'y' must have as many items each, two or more; got {len(x)} and {len(y)}")
    if method not in ("nearest", "linear", "cubic"):
        raise ParameterError(f"parameter 'method' must be nearest, linear or cubic; got {method!r}")
    at = [0] * ndim
    if list(place) and list(place) != [-1]:
        if len(place) != ndim:
            raise ParameterError(f"parameter 'coord' must have {ndim} items, one for each axis; got {list(place)}")
        at = [round(float(p)) for p in place]
        if any(not 0 <= p < n for p, n in zip(at, image.shape[::-1], strict=True)):
            raise ParameterError(f"the place {list(place)} is not in the image of shape {image.shape[::-1]}")
    corners = np.array([x, y], dtype=np.float64)
    for corner, axis in zip(corners, axes, strict=True):
        last = image.shape[::-1][axis] - 1
        if corner.min() < -0.5 or corner.max() > last + 0.5:
            raise ParameterError(
                f"the line leaves the image: axis {axis} has pixels 0 to {last}; got corners at {corner.tolist()}"
            )
    steps = np.hypot(*np.diff(corners, axis=1))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] <= 0:
        raise ParameterError("the corners of the line are all at one place")
    # A straight line has a point for each full pixel, one with corners for each rounded one, as in CASA 6.7.
    number = int(np.floor(along[-1] + (0.5 if len(x) > 2 else 1e-9))) + 1 if count <= 0 else count
    distance = np.linspace(0.0, along[-1], number)
    xs, ys = (np.interp(distance, along, c) for c in corners)
    block = tuple(
        slice(0, n) if ndim - 1 - k in axes else slice(at[ndim - 1 - k], at[ndim - 1 - k] + 1) for k, n in enumerate(image.shape)
    )
    values, good = (
        np.squeeze(v, tuple(k for k in range(ndim) if ndim - 1 - k not in axes))
        for v in (image.read(block), image.read_mask(block))
    )
    if axes[0] > axes[1]:
        values, good = values.T, good.T
    ny, nx = values.shape
    edge = 0.5 if method == "nearest" else 0.0
    inside = (xs >= -edge) & (xs <= nx - 1 + edge) & (ys >= -edge) & (ys <= ny - 1 + edge)
    found, usable = interpolate_plane(values, good, SkyPlaces(xs[None], ys[None], inside[None]), method)
    return {
        "axes": np.array(axes, dtype=np.int64), "distance": distance, "mask": usable[0], "pixel": found[0].astype(np.result_type(found[0].dtype, np.float64)), "xpos": xs, "ypos": ys,
    }  # fmt: skip


def image_histograms(
    image: CasaImage, axes: Sequence[int], count: int, choice: PixelChoice, pixels: PixelRange, cumulative: bool, logarithm: bool
) -> dict[str, Any]:
    """Histograms of the good pixels over some axes, one for each place on the others.

    Parameters
    ----------
    image : CasaImage
    axes : sequence of int
        Axes (CASA order) that the pixels are taken over; () for all.
    count : int
        Bins, from the least to the greatest value, or over the range that is included.
    choice : PixelChoice
    pixels : PixelRange
        Values that count.
    cumulative : bool
        Counts are summed up.
    logarithm : bool
        The decimal logarithm of the counts, 0 for none.

    Returns
    -------
    dict
        ``values`` (middles of the bins) and ``counts`` (bin, other axes...), ``mean`` and ``sigma`` (other axes...).

    Raises
    ------
    ParameterError
        There is no such axis, or no bin.
    DataError
        The image holds complex numbers.
    """
    ndim = image.ndim
    if any(not 0 <= a < ndim for a in axes):
        raise ParameterError(f"axes {list(axes)} are not all in the image; its axes are 0 to {ndim - 1}")
    if count < 1:
        raise ParameterError(f"parameter 'nbins' must be at least 1; got {count}")
    if np.issubdtype(image.dtype, np.complexfloating):
        raise DataError(f"image {image.path!r} holds complex numbers; histograms are of real ones")
    chosen = choice.of(image)
    box = chosen.pixels.box_shape
    over = [ndim - 1 - a for a in axes] or list(range(ndim))
    kept = [k for k in range(ndim) if k not in over]
    shape = tuple(box[k] for k in kept)
    out = {
        "counts": np.zeros((count, *shape)),
        "values": np.zeros((count, *shape)),
        "mean": np.zeros(shape),
        "sigma": np.zeros(shape),
    }
    for at in np.ndindex(*shape):
        place = dict(zip(kept, at, strict=True))
        block = tuple(slice(place[k], place[k] + 1) if k in place else slice(0, n) for k, n in enumerate(box))
        values, good = chosen.read(block)
        usable = pixels.narrow(values, good)
        fine = values.ravel() if usable is None else values[usable]
        if not fine.size:
            continue
        fine = fine.astype(np.float64)
        included = pixels.active and not pixels.exclude
        low, high = (pixels.low, pixels.high) if included else (float(fine.min()), float(fine.max()))
        width = (high - low) / count
        bins = np.clip(((fine - low) / width).astype(int), 0, count - 1) if width > 0 else np.zeros(fine.size, int)
        here = (slice(None), *at)
        out["counts"][here] = np.bincount(bins, minlength=count)
        out["values"][here] = low + (np.arange(count) + 0.5) * width
        out["mean"][at] = fine.mean()
        out["sigma"][at] = fine.std(ddof=1) if fine.size > 1 else 0.0
    if cumulative:
        out["counts"] = np.cumsum(out["counts"], axis=0)
    if logarithm:
        out["counts"] = np.log10(out["counts"], out=np.zeros_like(out["counts"]), where=out["counts"] > 0)
    for name, array in out.items():
        trailing = list(range(array.ndim))[1:][::-1] if name in ("counts", "values") else list(range(array.ndim))[::-1]
        turned = np.transpose(array, ([0] if name in ("counts", "values") else []) + trailing)
        out[name] = turned if turned.ndim else turned.reshape(1)
    return out


def structure_function(image: CasaImage, outfile: str, axes: Sequence[int], choice: PixelChoice, overwrite: bool = False) -> None:
    """Write the structure function of an image: mean squared differences by lag, masked where no pair has that lag.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    axes : sequence of int
        Axes (CASA order) of the lags, in rising order; () for the sky.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        Axes are not in the image, are in falling order, or belong to one coordinate only in part.
    DataError
        The image has no sky plane and no axes are named, or holds complex numbers.
    """
    coordinates, ndim = image.coordinates, image.ndim
    chosen_axes = list(axes) or list(coordinates.direction_axes)
    if not chosen_axes:
        raise DataError(f"image {image.path!r} has no sky plane; parameter 'axes' must name the axes of the lags")
    if any(not 0 <= a < ndim for a in chosen_axes) or sorted(set(chosen_axes)) != chosen_axes:
        raise ParameterError(f"parameter 'axes' must be axes 0 to {ndim - 1} in rising order; got {chosen_axes}")
    if np.issubdtype(image.dtype, np.complexfloating):
        raise DataError(f"image {image.path!r} holds complex numbers; structure functions are of real ones")
    chosen = choice.of(image)
    chosen.require_good()
    box = chosen.pixels.box_shape
    lags = [ndim - 1 - a for a in chosen_axes]
    made = _lag_coordinates(coordinates, chosen_axes, chosen.pixels.first[::-1], box[::-1])
    shape = [2 * n - 1 if k in lags else n for k, n in enumerate(box)]
    others = [k for k in range(ndim) if k not in lags]
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, made, np.float32, unit="count") as output,
    ):
        output.copy_metadata_from(image, beams=False)
        output.unit = "count"
        output.beams = beams_of_box(image, chosen.pixels)
        for at in np.ndindex(*(box[k] for k in others)):
            place = dict(zip(others, at, strict=True))
            block = tuple(slice(place[k], place[k] + 1) if k in place else slice(0, n) for k, n in enumerate(box))
            values, good = chosen.read(block)
            found, pairs = _pair_differences(values, np.ones(values.shape, bool) if good is None else good, lags)
            there = tuple(slice(place[k], place[k] + 1) if k in place else slice(0, n) for k, n in enumerate(shape))
            output.write(found, there)
            if not pairs.all():
                output.write_mask(pairs, there)


def _pair_differences(values: np.ndarray, good: np.ndarray, axes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared difference of pairs by lag, and where there is any pair."""
    import ducc0

    weight = good.astype(np.float64)
    # The mean is taken away, as differences do not see it: sums of squares then lose no digits to it.
    centred = np.where(good, values, 0.0).astype(np.float64)
    centred = (centred - centred.sum() / max(weight.sum(), 1.0)) * weight
    padded = [ducc0.fft.good_size(2 * n - 1, True) if k in axes else n for k, n in enumerate(values.shape)]

    def transformed(part: np.ndarray) -> Any:
        whole = np.zeros(padded)
        whole[tuple(slice(0, n) for n in part.shape)] = part
        return np.fft.rfftn(whole, axes=list(axes))

    ones, first, second = (transformed(v) for v in (weight, centred, centred**2))

    def correlated(a: Any, b: Any) -> np.ndarray:
        product = np.fft.irfftn(np.conj(a) * b, s=[padded[k] for k in axes], axes=list(axes))
        for k in axes:
            product = np.roll(product, values.shape[k] - 1, axis=k)
        return np.asarray(product[tuple(slice(0, 2 * n - 1) if k in axes else slice(0, n) for k, n in enumerate(values.shape))])

    pairs = np.rint(correlated(ones, ones))
    total = correlated(second, ones) + correlated(ones, second) - 2.0 * correlated(first, first)
    there = pairs > 0.5
    found = np.divide(np.maximum(total, 0.0), pairs, out=np.zeros_like(total), where=there)
    zero = tuple(values.shape[k] - 1 if k in axes else slice(None) for k in range(values.ndim))
    found[zero] = 0.0
    return found, there


def _lag_coordinates(coordinates: Coordinates, axes: Sequence[int], first: Sequence[int], box: Sequence[int]) -> Coordinates:
    """Coordinates with linear ones, lags about their middle, in the place of those of some axes."""
    made = coordinates.sliced([float(v) for v in first], [1.0] * len(first), list(box))
    for index, member in enumerate(made.members):
        own = made.pixel_axes[index]
        inside = [a for a in own if a in axes]
        if not inside:
            continue
        if len(inside) < len([a for a in own if a >= 0]):
            raise ParameterError(f"axes {list(axes)} hold only a part of the {member.kind.lower()} axes {own}; name all of them")
        matrix = getattr(member, "matrix", np.eye(member.naxes))
        lag = LinearCoordinate.make(
            [f"Lag-{n}" for n in member.names],
            list(member.units),
            0.0,
            [float(box[a] - 1) for a in own],
            member.increment,
            matrix,
        )
        made.replace(index, lag)
    return made
