"""Profiles of images fitted with lines and polynomials: one of the mean of a region, or one at each pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.memory import memory_budget_bytes, require_memory
from casatools.analysis.line_finding import base_level, find_lines
from casatools.analysis.profile_models import Model
from casatools.analysis.profile_requests import LineRequest
from casatools.analysis.profile_solver import SolvedProfiles, solve_profiles
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage

__all__ = ["FittedProfiles", "ProfileSource", "Ranges", "fit_lines", "read_sigma", "sigma_rows"]

_CHUNK_VALUES = 2_000_000
# Bytes that a value takes on its way: it, its weight and model, and what the solver holds of each.
_BYTES_PER_VALUE = 160


@dataclass(frozen=True)
class Ranges:
    """Fits with a line outside of these are not valid; () is no limit. Centres and widths in pixels."""

    amplitude: tuple[float, ...] = ()
    centre: tuple[float, ...] = ()
    fwhm: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, pair in vars(self).items():
            if pair and (len(pair) != 2 or pair[0] > pair[1]):
                raise ParameterError(f"the range of good {name}s must be two numbers, the lower one first; got {list(pair)}")

    def hold(self, lines: np.ndarray) -> np.ndarray:
        """True (profile,) where all lines (profile, line, 3) are inside."""
        good = np.ones(len(lines), bool)
        for k, pair in enumerate((self.amplitude, self.centre, self.fwhm)):
            if pair:
                good &= np.all((lines[..., k] >= pair[0]) & (lines[..., k] <= pair[1]), axis=1)
        return good


class ProfileSource:
    """The profiles of a selection along one axis.

    Parameters
    ----------
    image : CasaImage
    choice : PixelChoice
    axis : int
        Pixel axis, CASA order; negative for the spectral one.
    each : bool
        One profile for each pixel in place of their mean.
    points : sequence of int
        Pixels along the axis that are used; () for all that are chosen.

    Raises
    ------
    DataError
        The image has no spectral axis, holds complex numbers, or has no good pixel.
    ParameterError
        There is no such axis.
    SelectionError
        None of the points is chosen.
    """

    def __init__(self, image: CasaImage, choice: PixelChoice, axis: int, each: bool, points: Sequence[int] = ()) -> None:
        spectral = image.coordinates.spectral_axis
        if axis < 0 and (spectral is None or spectral < 0):
            raise DataError(f"image {image.path!r} has no spectral axis; parameter 'axis' must name the axis of the profiles")
        if axis >= image.ndim:
            raise ParameterError(f"axis {axis} is not in the image; its axes are 0 to {image.ndim - 1}")
        if np.issubdtype(image.dtype, np.complexfloating):
            raise DataError(f"image {image.path!r} holds complex numbers; profiles are fitted to real ones")
        self.image, self.each = image, each
        self.axis = int(spectral) if axis < 0 and spectral is not None else axis
        self.array_axis = image.ndim - 1 - self.axis
        self.chosen: SelectedPixels = _one_polarization(image, choice).of(image)
        self.box = self.chosen.pixels.box_shape
        self.npoint = self.box[self.array_axis]
        self.first = self.chosen.pixels.first[self.array_axis]
        along = self.chosen.pixels.chosen_on(self.array_axis) - self.first
        self.along = np.zeros(self.npoint, bool)
        self.along[along] = True
        if points:
            self.along &= np.isin(np.arange(self.npoint) + self.first, points)
            if not self.along.any():
                raise SelectionError(
                    f"planes {list(points)} are not among the pixels chosen along axis {self.axis} of {image.path!r}"
                )
        self.chosen.require_good()

    @property
    def grid(self) -> tuple[int, ...]:
        """The other axes, array order, with 1 in the place of the axis of the profiles."""
        return tuple(1 if k == self.array_axis or not self.each else n for k, n in enumerate(self.box))

    def blocks(self) -> Iterator[tuple[tuple[slice, ...], np.ndarray, np.ndarray]]:
        """Parts ``(slices of the grid, values (profile, point), good)``; one part of one profile for the mean."""
        if not self.each:
            total, number = np.zeros(self.npoint), np.zeros(self.npoint, np.int64)
            for block, values, good in self._parts():
                at = block[self.array_axis]
                total[at] += np.where(good, values, 0.0).sum(axis=0)
                number[at] += np.count_nonzero(good, axis=0)
            mean = np.divide(total, number, out=np.zeros(self.npoint), where=number > 0)
            yield tuple(slice(0, 1) for _ in self.box), mean[None], (number > 0)[None] & self.along
            return
        for block, values, good in self._parts():
            yield tuple(slice(0, 1) if k == self.array_axis else s for k, s in enumerate(block)), values, good & self.along

    def _parts(self) -> Iterator[tuple[tuple[slice, ...], np.ndarray, np.ndarray]]:
        others = [k for k in range(len(self.box)) if k != self.array_axis]
        slow = max(others, key=lambda k: self.box[k]) if others else self.array_axis
        per_row = int(np.prod([self.box[k] for k in others if k != slow])) * self.npoint
        step = max(1, min(_CHUNK_VALUES, memory_budget_bytes() // _BYTES_PER_VALUE) // max(per_row, 1))
        for start in range(0, self.box[slow] if others else 1, step):
            block = tuple(
                slice(start, min(start + step, self.box[slow])) if k == slow and others else slice(0, n)
                for k, n in enumerate(self.box)
            )
            values, good = self.chosen.read(block)
            usable = np.isfinite(values) if good is None else good & np.isfinite(values)
            yield block, self._rows(values), self._rows(usable)

    def _rows(self, block: np.ndarray) -> np.ndarray:
        moved = np.moveaxis(block, self.array_axis, -1)
        rows = moved.reshape(-1, moved.shape[-1])
        return rows if rows.dtype == bool else rows.astype(np.float64)


def _one_polarization(image: CasaImage, choice: PixelChoice) -> PixelChoice:
    """The choice with the first polarization when none is named, as the reference has it."""
    stokes = image.coordinates.stokes
    if stokes is None or choice.selection.stokes or len(stokes.labels) < 2:
        return choice
    axis = image.ndim - 1 - int(image.coordinates.stokes_axis or 0)
    first = int(choice.of(image).pixels.chosen_on(axis)[0])
    return replace(choice, selection=replace(choice.selection, stokes=str(stokes.labels[first])))


@dataclass
class FittedProfiles:
    """Fits of all profiles of a grid; arrays (grid..., parameter) or (grid...,).

    Attributes
    ----------
    parameters, errors : ndarray float64
        Pixels of the selection along the axis; nan where there is no valid fit.
    nline : ndarray int64
        Components that were fitted; -1 without a valid fit.
    attempted, converged, valid : ndarray bool
    iterations : ndarray int64
    """

    parameters: np.ndarray
    errors: np.ndarray
    nline: np.ndarray
    attempted: np.ndarray
    converged: np.ndarray
    valid: np.ndarray
    iterations: np.ndarray

    @classmethod
    def empty(cls, grid: tuple[int, ...], size: int) -> FittedProfiles:
        """Nothing fitted yet."""
        return cls(
            np.full((*grid, size), np.nan), np.full((*grid, size), np.nan), np.full(grid, -1, np.int64), np.zeros(grid, bool),
            np.zeros(grid, bool), np.zeros(grid, bool), np.full(grid, -1, np.int64),
        )  # fmt: skip


def fit_lines(
    source: ProfileSource, request: LineRequest, ranges: Ranges, minpts: int, sigma: np.ndarray | None, keep: Any = None
) -> FittedProfiles:
    """Fit lines and a polynomial to profiles.

    Parameters
    ----------
    source : ProfileSource
    request : LineRequest
    ranges : Ranges
    minpts : int
        Least number of good points of a profile.
    sigma : ndarray, optional
        Errors, array order, of a shape that is broadcast to the selection's; a profile alone counts along the axis.
    keep : callable, optional
        Called with (slices of the grid, values, good, model values (profile, point), valid) for each part.
    """
    size = request.model(source.npoint).size
    fitted = FittedProfiles.empty(source.grid, size)
    x = np.arange(source.npoint, dtype=np.float64)
    for slices, values, good in source.blocks():
        extent = tuple(s.stop - s.start for s in slices)
        weights = good / sigma_rows(sigma, source, slices) ** 2 if sigma is not None else good.astype(np.float64)
        part = FittedProfiles.empty((len(values),), size)
        models = np.full(values.shape, np.nan)
        enough = np.count_nonzero(good, axis=1) >= max(minpts, 1)
        most = len(request.kinds)
        while most >= 0 and enough.any():
            for rows, used, start in _groups(request, values, good, enough, most):
                model = used.model(source.npoint)
                found = solve_profiles(model, x, values[rows], weights[rows], start, used.freedom(model.size))
                _store(part, rows, found, request, used, model, ranges)
                models[rows] = model.evaluate(found.parameters, x)[0]
            # Lines that were only guessed may be too many for the data: those fits are tried again with one fewer.
            most = -1 if request.estimates or most < 2 else most - 1
            enough &= ~part.converged
        models[~part.valid] = np.nan
        for name, value in vars(part).items():
            target = getattr(fitted, name)
            target[slices] = value.reshape(*extent, *value.shape[1:])
        if keep is not None:
            keep(slices, values, good, models, part.valid)
    return fitted


def _groups(
    request: LineRequest, values: np.ndarray, good: np.ndarray, enough: np.ndarray, most: int
) -> Iterator[tuple[np.ndarray, LineRequest, np.ndarray]]:
    """Rows that are fitted with the same components, what these are, and the estimates of each row."""
    size = request.model(values.shape[1]).size
    rows = np.flatnonzero(enough)
    levels = np.array([base_level(values[r][good[r]]) if request.order >= 0 else 0.0 for r in rows])
    if request.estimates or not request.kinds:
        if len(rows):
            singlets = request.ordered() if request.estimates else []
            yield rows, request, np.array([request.start(size, singlets, level) for level in levels])
        return
    found = [find_lines(values[r], good[r], most, level) for r, level in zip(rows, levels, strict=True)]
    counts = np.array([len(f) for f in found], dtype=np.int64)
    for count in np.unique(counts):
        if count == 0:
            continue
        used = LineRequest(request.kinds[:count], (), request.multiplets, request.order)
        member = np.flatnonzero(counts == count)
        own = used.model(values.shape[1]).size
        yield rows[member], used, np.array([used.start(own, found[m], levels[m]) for m in member])


def _store(
    part: FittedProfiles,
    rows: np.ndarray,
    found: SolvedProfiles,
    request: LineRequest,
    used: LineRequest,
    model: Model,
    ranges: Ranges,
) -> None:
    """Put the solutions of a group in place; lines that were not found stay nan."""
    nlines = 3 * (len(used.kinds) + used.nmultiplet_lines)
    ordered, errors = _tidy(found, nlines)
    part.attempted[rows] = True
    part.converged[rows] = found.converged
    lines = ordered[:, :nlines].reshape(len(rows), -1, 3)
    good = found.converged & ranges.hold(lines)
    part.valid[rows] = good
    part.iterations[rows] = np.where(good, found.iterations, -1)
    part.nline[rows] = np.where(good, len(used.kinds) + len(used.multiplets) + (used.order >= 0), -1)
    singlets = 3 * len(used.kinds)
    after = 3 * len(request.kinds)
    places = [*range(singlets), *range(after, after + model.size - singlets)]
    for target, value in ((part.parameters, ordered), (part.errors, errors)):
        target[np.ix_(rows[good], places)] = value[good]


def _tidy(found: SolvedProfiles, nlines: int) -> tuple[np.ndarray, np.ndarray]:
    """Widths are positive."""
    ordered = found.parameters.copy()
    ordered[:, 2:nlines:3] = np.abs(ordered[:, 2:nlines:3])
    return ordered, found.errors


def sigma_rows(sigma: np.ndarray, source: ProfileSource, slices: tuple[slice, ...]) -> np.ndarray:
    """Errors (profile, point) of a part of the grid."""
    if sigma.ndim == 1:
        return np.broadcast_to(sigma, (int(np.prod([s.stop - s.start for s in slices])), source.npoint))
    if not source.each:
        moved = np.moveaxis(np.broadcast_to(sigma, source.box), source.array_axis, -1)
        return np.asarray(moved.reshape(-1, source.npoint).mean(axis=0)[None])
    block = tuple(slice(None) if k == source.array_axis else s for k, s in enumerate(slices))
    return source._rows(np.broadcast_to(sigma, source.box)[block])


def read_sigma(given: Any, source: ProfileSource) -> np.ndarray | None:
    """Errors of the pixels of a selection, scaled to a maximum of 1.

    Parameters
    ----------
    given : str, list or ndarray
        An image, numbers along the axis of the profiles, or an array in CASA's axis order that is broadcast to the image; "" is none.
    source : ProfileSource

    Raises
    ------
    ParameterError
        Shapes do not fit, or an error is not positive.
    """
    if given is None or (isinstance(given, (str, list)) and not given):
        return None
    box = source.chosen.pixels.slices
    if isinstance(given, str):
        with CasaImage.open(given) as image:
            require_memory(24.0 * math.prod(image.shape), f"parameter 'sigma': the errors of all pixels of {given!r}")
            values = image.read().astype(np.float64)
    else:
        values = np.asarray(given, dtype=np.float64)
        values = values if values.ndim == 1 else values.transpose()
    if values.ndim == 1:
        if len(values) == source.image.shape[source.array_axis]:
            values = values[box[source.array_axis]]
        if len(values) != source.npoint:
            raise ParameterError(f"parameter 'sigma' must have {source.npoint} items along axis {source.axis}; got {len(values)}")
    else:
        try:
            whole = np.broadcast_to(values, source.image.shape)
        except ValueError:
            raise ParameterError(
                f"parameter 'sigma' of shape {values.shape[::-1]} does not fit the image of shape {source.image.shape[::-1]}"
            ) from None
        values = whole[box]
    if not np.all(values > 0):
        raise ParameterError("parameter 'sigma' must be positive everywhere")
    return np.asarray(values / values.max())
