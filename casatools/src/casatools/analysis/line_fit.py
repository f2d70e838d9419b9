"""Profile fits of images from parameters to record: what specfit and the image tool's fitprofile share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools.analysis.profile_fitting import ProfileSource, Ranges, fit_lines, read_sigma
from casatools.analysis.profile_records import ProfileAxis, line_record, line_tables, profile_text
from casatools.analysis.profile_requests import LineRequest
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates

__all__ = [
    "ProfileFitOptions",
    "ProfileOutputs",
    "fit_profiles",
    "grid_coordinates",
    "model_images",
    "write_grid",
    "write_sigma",
    "write_text",
]

_COLUMNS = {
    "amp": "amp", "amperr": "ampErr", "center": "center", "centererr": "centerErr", "fwhm": "fwhm", "fwhmerr": "fwhmErr",
    "integral": "integral", "integralerr": "integralErr",
}  # fmt: skip


@dataclass(frozen=True)
class ProfileOutputs:
    """What is written; "" is nothing.

    Attributes
    ----------
    model, residual : str
        Images of the shape of the selection.
    columns : dict
        Names of images by parameter (``amp amperr center ...``); a suffix for each line is added.
    logfile : str
    append : bool
    outsigma : str
        Image of the errors that were used.
    logresults : bool
        Tell the results in the log.
    record : bool
        Return the results.
    """

    model: str = ""
    residual: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    logfile: str = ""
    append: bool = True
    outsigma: str = ""
    logresults: bool = True
    record: bool = True

    def check(self) -> None:
        """Refuse what exists or cannot be written, before the fit."""
        for path in (self.model, self.residual, self.outsigma):
            if path:
                require_absent(path, what="image")
                require_writable_parent(path)
        for path in (self.logfile, *self.columns.values()):
            if path:
                require_writable_parent(path)


@dataclass(frozen=True)
class ProfileFitOptions:
    """How profiles are taken from an image.

    Attributes
    ----------
    axis : int
        Negative for the spectral one.
    each : bool
        One fit for each pixel in place of one of the mean.
    minpts : int
    ranges : Ranges
    sigma : Any
        See `profile_fitting.read_sigma`.
    points : tuple of int
        Pixels along the axis that are used; () for all that are chosen.
    """

    axis: int = -1
    each: bool = False
    minpts: int = 1
    ranges: Ranges = Ranges()  # noqa: RUF009 - frozen
    sigma: Any = ""
    points: tuple[int, ...] = ()


def fit_profiles(
    image: CasaImage, choice: PixelChoice, request: LineRequest, options: ProfileFitOptions, outputs: ProfileOutputs
) -> dict[str, Any]:
    """Fit lines and polynomials to profiles of an image, write what is asked for and return CASA's record.

    Raises
    ------
    DataError, ParameterError, SelectionError, OutputExistsError
        The image has no such axis, errors do not fit it, nothing is selected, or an output exists.
    """
    outputs.check()
    source = ProfileSource(image, choice, options.axis, options.each, options.points)
    sigma = read_sigma(options.sigma, source)
    _check_columns(request, outputs)
    with model_images(source, outputs) as keep:
        fitted = fit_lines(source, request, options.ranges, options.minpts, sigma, keep)
    selection = choice.selection
    inputs = {
        "imagename": image.path, "region": selection.region, "box": selection.box, "channels": selection.chans,
        "stokes": selection.stokes, "mask": choice.mask, "number of Gaussian singlets": request.ngaussian,
        "number of Gaussian multiplets": len(request.multiplets),
        "polynomial order": request.order if request.order >= 0 else "none",
        "profiles": "one for each pixel" if options.each else "one, averaged over several pixels if necessary",
    }  # fmt: skip
    if outputs.logresults or outputs.logfile:
        write_text(profile_text(fitted, source, request, inputs), outputs)
    axis = ProfileAxis(source)
    for table in line_tables(fitted, request, axis):
        for parameter, path in outputs.columns.items():
            for k, suffix in enumerate(table.names):
                if path:
                    unit = {"amp": image.unit, "int": f"{axis.unit}.{image.unit}"}.get(parameter[:3], axis.unit)
                    write_grid(path + suffix, source, table.columns[_COLUMNS[parameter]][..., k], unit)
    if outputs.outsigma and sigma is not None:
        write_sigma(outputs.outsigma, source, sigma)
    return line_record(fitted, source, request) if outputs.record else {}


def _check_columns(request: LineRequest, outputs: ProfileOutputs) -> None:
    gaussians = [f"_{k}" for k in range(request.ngaussian)]
    for path in outputs.columns.values():
        for suffix in gaussians if path else ():
            require_absent(path + suffix, what="image")


def write_text(pieces: Iterable[str], outputs: ProfileOutputs) -> None:
    """Put the results into the log and the log file, piece after piece: those of all profiles of a cube are longer than the cube."""
    with contextlib.ExitStack() as stack:
        mode = "a" if outputs.append else "w"
        file = stack.enter_context(open(outputs.logfile, mode, encoding="utf-8")) if outputs.logfile else None
        for text in pieces:
            if outputs.logresults:
                log.post(text)
            if file is not None:
                file.write(text)


def grid_coordinates(source: ProfileSource, along: bool) -> Coordinates:
    """Coordinates of the grid of profiles, with the points along the axis or one pixel there."""
    first, box = source.chosen.pixels.first[::-1], source.box[::-1]
    starts, counts = [], []
    for axis, (at, count) in enumerate(zip(first, box, strict=True)):
        whole = source.each if axis != source.axis else along
        starts.append(float(at) if whole else at + (count - 1) / 2)
        counts.append(count if (axis == source.axis and along) or (axis != source.axis and source.each) else 1)
    if source.image.coordinates.stokes_axis is not None and not source.each:
        stokes = source.image.coordinates.stokes_axis
        starts[stokes] = float(first[stokes])
    return source.image.coordinates.sliced(starts, [1.0] * len(starts), counts)


@contextlib.contextmanager
def model_images(source: ProfileSource, outputs: ProfileOutputs) -> Iterator[Any]:
    """A function that writes models and residuals of parts of the grid; None when none are asked for."""
    named = {name: path for name, path in (("model", outputs.model), ("residual", outputs.residual)) if path}
    if not named:
        yield None
        return
    shape = tuple(source.npoint if k == source.array_axis else n for k, n in enumerate(source.grid))
    with contextlib.ExitStack() as stack:
        images = {}
        for name, path in named.items():
            staged = stack.enter_context(staged_output(path))
            made = CasaImage.create(staged, shape, grid_coordinates(source, True), np.float32)
            images[name] = stack.enter_context(made)
            made.copy_metadata_from(source.image, beams=not source.image.beams.is_per_plane)

        def keep(slices: tuple[slice, ...], values: np.ndarray, good: np.ndarray, models: np.ndarray, valid: np.ndarray) -> None:
            block = tuple(slice(0, source.npoint) if k == source.array_axis else s for k, s in enumerate(slices))
            extent = [s.stop - s.start for k, s in enumerate(block) if k != source.array_axis]

            def shaped(rows: np.ndarray) -> np.ndarray:
                return np.moveaxis(rows.reshape(*extent, source.npoint), -1, source.array_axis)

            usable = np.repeat(valid[:, None], source.npoint, axis=1)
            for name, image in images.items():
                image.write(shaped(models if name == "model" else values - models), block)
                fine = usable if name == "model" else usable & good
                if not fine.all():
                    image.write_mask(shaped(fine), block)

        yield keep


def write_grid(path: str, source: ProfileSource, values: np.ndarray, unit: str) -> None:
    """Write an image of one number for each profile, masked where there is none.

    Parameters
    ----------
    path : str
    source : ProfileSource
    values : ndarray (CASA's axes...)
    unit : str
    """
    array = np.asarray(values, dtype=np.float64).transpose()
    # a fit that ran away to beyond what a pixel holds is none
    array = np.where(np.abs(array) <= np.finfo(np.float32).max, array, np.nan)
    with (
        staged_output(path) as staged,
        CasaImage.create(staged, array.shape, grid_coordinates(source, False), np.float32, unit=unit) as made,
    ):
        made.write(array)
        if not np.isfinite(array).all():
            made.write_mask(np.isfinite(array))


def write_sigma(path: str, source: ProfileSource, sigma: np.ndarray) -> None:
    """Write the errors of the pixels as an image of the selection."""
    shape = source.box
    along = [1] * len(shape)
    along[source.array_axis] = source.npoint
    values = np.broadcast_to(sigma.reshape(along) if sigma.ndim == 1 else sigma, shape)
    coordinates = source.image.coordinates.sliced([float(v) for v in source.chosen.pixels.first[::-1]], None, list(shape[::-1]))
    with staged_output(path) as staged, CasaImage.create(staged, shape, coordinates, np.float32, unit=source.image.unit) as made:
        made.write(values)
