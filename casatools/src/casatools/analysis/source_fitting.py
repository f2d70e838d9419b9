"""Gaussian components fitted to the planes of an image."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools.analysis.gaussian_sources import FittedPlane, PlaneGeometry, Source, find_source, fit_sources, source_values
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.source_errors import Deconvolved, SourceErrors, deconvolve, source_errors
from casatools.analysis.source_estimates import read_estimates
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import conforms, convert_value, is_unit, parse_quantity
from casatools.imaging.beam_fit import GaussianBeam
from casatools.io.image import Beam, CasaImage

__all__ = ["FitOptions", "FittedSource", "PlaneResult", "SourceFit", "fit_image"]


@dataclass(frozen=True)
class FitOptions:
    """How components are fitted and what is written.

    Attributes
    ----------
    pixel_range : PixelRange
    estimates : str
        File of estimates; "" fits one component that is found in each plane.
    fit_offset, fix_offset : bool
        Fit a zero level; keep it at `offset`.
    offset : float
    rms : Any
        Noise as a number or quantity; 0 or empty takes the scatter of the residuals.
    noise_fwhm : Any
        Width over which noise is correlated: a number of pixels or an angle; empty is the beam, 0 or less independent pixels.
    model, residual : str
        Images to write; "" is none.
    overwrite : bool
    """

    pixel_range: PixelRange = PixelRange()  # noqa: RUF009 - frozen
    estimates: str = ""
    fit_offset: bool = False
    offset: float = 0.0
    fix_offset: bool = False
    rms: Any = 0
    noise_fwhm: Any = ""
    model: str = ""
    residual: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class FittedSource:
    """One component of a plane with all that follows from the fit; the unit of `flux` is that of `SourceFit.flux_unit`."""

    source: Source
    errors: SourceErrors
    flux: float
    sum: float
    longitude_rad: float
    latitude_rad: float
    deconvolved: Deconvolved | None


@dataclass(frozen=True)
class PlaneResult:
    """One plane: its pixels, the fit, and how well it fits (standard deviation and root mean square of input and residual)."""

    channel: int
    stokes: str
    frequency_hz: float | None
    npix: int
    fit: FittedPlane
    sources: tuple[FittedSource, ...]
    input_scatter: tuple[float, float]
    residual_scatter: tuple[float, float]
    beam: Beam | None


@dataclass(frozen=True)
class SourceFit:
    """All planes of an image, and the units and axes that their numbers are in."""

    planes: tuple[PlaneResult, ...]
    geometry: PlaneGeometry
    unit: str
    flux_unit: str
    direction_frame: str
    frequency_frame: str
    estimates_text: str


def flux_of(source: Source, geometry: PlaneGeometry, unit: str, beam: Beam | None) -> tuple[float, str]:
    """Flux density of a Gaussian and its unit: per beam where there is one, per pixel, or per solid angle [rad2]."""
    area = np.pi / (4 * np.log(2)) * source.major_rad * source.minor_rad
    name, _, per = unit.strip().partition("/")
    if per.startswith("beam") and beam is not None:
        return float(source.peak * area / beam.area_rad2), name
    if per.startswith(("beam", "pixel")) or not name:
        return float(source.peak * area / geometry.pixel_area_rad2), name or "Jy"
    return float(source.peak * area), f"{unit}.rad.rad"


def _noise_width(options: FitOptions, geometry: PlaneGeometry, beam: Beam | None) -> float:
    given = options.noise_fwhm
    if given is None or (isinstance(given, str) and not given.strip()) or (isinstance(given, (list, dict)) and not given):
        return float(np.sqrt(beam.major_rad * beam.minor_rad)) if beam is not None else 0.0
    number, unit = parse_quantity(given)
    if not unit:
        return float(number) * geometry.cell_rad
    if not is_unit(unit) or not conforms(unit, "rad"):
        raise ParameterError(f"parameter 'noisefwhm' must be a number of pixels or an angle; got {given!r}")
    return float(convert_value(float(number), unit, "rad"))


def _given_rms(options: FitOptions, unit: str) -> float:
    if options.rms is None or (isinstance(options.rms, (str, list, dict)) and not options.rms):
        return 0.0
    number, found = parse_quantity(options.rms)
    if not found or found == unit:
        return float(number)
    if not is_unit(found) or not is_unit(unit) or not conforms(found, unit):
        raise ParameterError(f"parameter 'rms' must be a number or in the image's unit {unit!r}; got {options.rms!r}")
    return float(convert_value(float(number), found, unit))


def fit_image(image: CasaImage, choice: PixelChoice, options: FitOptions) -> SourceFit:
    """Fit components to each selected plane; one Stokes parameter at a time.

    Parameters
    ----------
    image : CasaImage
    choice : PixelChoice
    options : FitOptions

    Returns
    -------
    SourceFit

    Raises
    ------
    DataError
        The image has no sky plane, or holds complex numbers.
    ParameterError, PathMissingError
        Estimates, noise or width cannot be read, or several polarizations are selected.
    OutputExistsError
        An image to be written exists.

    Notes
    -----
    Each plane's errors come from its own residuals: their root mean square among all good pixels of the box, when no noise is given.
    """
    axes = SkyPlanes(image)
    if np.issubdtype(image.dtype, np.complexfloating):
        raise DataError(f"image {image.path!r} holds complex numbers; components are fitted to real ones")
    for path in (options.model, options.residual):
        if path:
            require_absent(path, options.overwrite, "image")
            require_writable_parent(path)
    starts, text = read_estimates(options.estimates) if options.estimates else ([], "")
    rms = _given_rms(options, image.unit)
    _noise_width(options, axes.geometry, None)
    chosen = choice.of(image)
    chosen.require_good()
    channels, stokes = _planes(chosen, axes, choice)
    results = []
    with _outputs(image, options) as outputs:
        for channel in channels:
            results.append(_fit_plane(chosen, axes, (channel, stokes), starts, options, rms))
            _write_plane(image, axes, results[-1], outputs, (channel, stokes))
    flux_unit = flux_of(Source(0, 0, 0, 0, 0, 0), axes.geometry, image.unit, results[0].beam)[1]
    spectral = image.coordinates.spectral
    return SourceFit(
        tuple(results), axes.geometry, image.unit or "Jy/pixel", flux_unit, axes.direction.frame,
        spectral.frame if spectral is not None else "LSRK", text,
    )  # fmt: skip


def _planes(chosen: SelectedPixels, axes: SkyPlanes, choice: PixelChoice) -> tuple[list[int], int]:
    """Channels (pixels of the image) and the Stokes plane to be fitted."""

    def numbers(axis: int | None) -> list[int]:
        return [0] if axis is None else [int(v) for v in chosen.pixels.chosen_on(axis)]

    stokes = numbers(axes.stokes_axis)
    if len(stokes) > 1 and choice.selection.stokes:
        raise ParameterError(
            f"components are fitted to one polarization at a time; stokes={choice.selection.stokes!r} selects more"
        )
    return numbers(axes.channel_axis), stokes[0]


def _fit_plane(
    chosen: SelectedPixels, axes: SkyPlanes, at: tuple[int, int], starts: list[Source], options: FitOptions, rms: float
) -> PlaneResult:
    image, channel, stokes = axes.image, *at
    first = chosen.pixels.first
    inside = (
        0 if axes.channel_axis is None else channel - first[axes.channel_axis],
        0 if axes.stokes_axis is None else stokes - first[axes.stokes_axis],
    )
    block = axes.plane_slices(chosen.pixels.box_shape, *inside)
    values, good = chosen.read(block)
    usable = options.pixel_range.narrow(values, good)
    plane = axes.flat(values).astype(np.float64)
    mask = np.ones(plane.shape, bool) if usable is None else axes.flat(usable)
    rows, columns = np.nonzero(mask)
    x, y = (columns + first[axes.x_axis]).astype(np.float64), (rows + first[axes.y_axis]).astype(np.float64)
    pixels = plane[mask]
    geometry = axes.geometry
    beams = image.beams
    beam = beams.at(*at) if beams else None
    if beam is not None and beam.is_null:
        beam = None
    level = options.offset if options.fit_offset else 0.0
    fit = FittedPlane(tuple(starts), level, converged=False)
    if len(pixels):
        sources = starts
        if not sources:
            found = find_source(plane - level, mask, geometry)
            sources = [Source(found.peak, found.x + first[axes.x_axis], found.y + first[axes.y_axis], found.major_rad,
                              found.minor_rad, found.angle_rad)]  # fmt: skip
        fit = fit_sources(
            pixels, x, y, geometry, FittedPlane(tuple(sources), level), options.fit_offset and not options.fix_offset
        )

    def left(given: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        rest = given - fit.offset
        return rest - sum(source_values(s, geometry, column, row) for s in fit.sources) if fit.converged else rest

    residual = left(pixels, x, y)
    noise = rms
    if rms <= 0:
        # The noise is that of all good pixels of the box, also those that region, mask or range leave out of the fit, as in CASA.
        wider = np.isfinite(plane)
        if image.has_mask:
            wider &= axes.flat(image.read_mask(tuple(slice(a + s.start, a + s.stop) for a, s in zip(first, block, strict=True))))
        rows, columns = np.nonzero(wider)
        around = left(plane[wider], columns + float(first[axes.x_axis]), rows + float(first[axes.y_axis]))
        noise = float(np.sqrt(np.mean(around**2))) if len(around) else 0.0
    labels = image.coordinates.stokes.labels if image.coordinates.stokes is not None else ("I",)
    done = _finish(axes, at, fit, noise, _noise_width(options, geometry, beam), beam) if fit.converged else ()
    return PlaneResult(
        channel, str(labels[stokes]), axes.frequency_hz(channel), len(pixels), fit, done, _scatter(pixels), _scatter(residual), beam
    )  # fmt: skip


def _scatter(values: np.ndarray) -> tuple[float, float]:
    if len(values) < 2:
        return 0.0, 0.0
    return float(np.std(values, ddof=1)), float(np.sqrt(np.mean(values**2)))


def _finish(
    axes: SkyPlanes, at: tuple[int, int], fit: FittedPlane, rms: float, width_rad: float, beam: Beam | None
) -> tuple[FittedSource, ...]:
    geometry = axes.geometry
    made = []
    for source in fit.sources:
        errors = source_errors(source, geometry, rms, width_rad)
        flux, _ = flux_of(source, geometry, axes.image.unit, beam)
        longitude, latitude = axes.place(source.x, source.y)
        inner = None
        if beam is not None:
            inner = deconvolve(source, errors, GaussianBeam(beam.major_rad, beam.minor_rad, beam.position_angle_rad))
        made.append(FittedSource(source, errors, flux, _sum_inside(axes, at, source), longitude, latitude, inner))
    return tuple(made)


def _sum_inside(axes: SkyPlanes, at: tuple[int, int], source: Source) -> float:
    """Sum of the image's pixels within the ellipse of half maximum."""
    image = axes.image
    shape = image.shape
    reach = source.major_rad / 2 / np.linalg.svd(axes.geometry.matrix, compute_uv=False)[-1] + 1
    limits = []
    for centre, count in ((source.x, shape[axes.x_axis]), (source.y, shape[axes.y_axis])):
        low, high = int(np.floor(centre - reach)), int(np.ceil(centre + reach)) + 1
        limits.append(slice(max(low, 0), max(min(high, count), 0)))
    if any(s.stop <= s.start for s in limits):
        return 0.0
    slices = list(axes.plane_slices(shape, *at))
    slices[axes.x_axis], slices[axes.y_axis] = limits
    block = tuple(slices)
    values = axes.flat(image.read(block)).astype(np.float64)
    good = np.isfinite(values)
    if image.has_mask:
        good &= axes.flat(image.read_mask(block))
    x, y = np.arange(limits[0].start, limits[0].stop)[None, :], np.arange(limits[1].start, limits[1].stop)[:, None]
    half = Source(1.0, source.x, source.y, source.major_rad, source.minor_rad, source.angle_rad)
    inside = source_values(half, axes.geometry, x.astype(float), y.astype(float)) >= 0.5
    return float(values[good & inside].sum())


@contextlib.contextmanager
def _outputs(image: CasaImage, options: FitOptions) -> Iterator[dict[str, CasaImage]]:
    """The images to be written, all zero, complete when the block ends."""
    with contextlib.ExitStack() as stack:
        made = {}
        for name, path in (("model", options.model), ("residual", options.residual)):
            if path:
                staged = stack.enter_context(staged_output(path, options.overwrite))
                mask = "mask0" if image.has_mask else ""
                output = stack.enter_context(CasaImage.create(staged, image.shape, image.coordinates, np.float32, mask=mask))
                output.copy_metadata_from(image)
                made[name] = output
        yield made


def _write_plane(
    image: CasaImage, axes: SkyPlanes, result: PlaneResult, outputs: dict[str, CasaImage], at: tuple[int, int]
) -> None:
    if not outputs:
        return
    slices = axes.plane_slices(image.shape, *at)
    values = axes.flat(image.read(slices)).astype(np.float64)
    model = np.full(values.shape, result.fit.offset)
    if result.fit.converged:
        y, x = np.arange(values.shape[0], dtype=float)[:, None], np.arange(values.shape[1], dtype=float)[None, :]
        for source in result.fit.sources:
            model += source_values(source, axes.geometry, x, y)
    for name, pixels in (("model", model), ("residual", values - model)):
        if name in outputs:
            outputs[name].write(axes.block(pixels), slices)
            if image.has_mask:
                outputs[name].write_mask(image.read_mask(slices), slices)
