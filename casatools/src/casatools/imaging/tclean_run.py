"""tclean: from a request to images."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.memory import require_memory
from casatools._base.paths import require_space
from casatools.frames.directions import Direction, angular_separation, convert_direction, parse_direction
from casatools.frames.engine import position_record
from casatools.imaging.beam_fit import fit_beam, sidelobe_level
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.frequency_grid import SpectralAxis, continuum_axis, cube_axis
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.minor_cycle import MinorCycle
from casatools.imaging.model_column import save_model_column
from casatools.imaging.plane_deconvolver import restore_planes
from casatools.imaging.primary_beam import primary_beam_plane
from casatools.imaging.products import ImageWriter, beam_set, mask_values, read_planes, staged_images
from casatools.imaging.request import TcleanRequest
from casatools.imaging.visibilities import DataSource, open_sources, stokes_planes
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["run_tclean"]


def run_tclean(request: TcleanRequest, history: list[str] | None = None) -> dict[str, Any]:
    """Make and deconvolve the images that are asked for.

    Returns
    -------
    dict
        The record of the iterations.

    Raises
    ------
    CasaError
        Data or images do not allow it; no image is changed then.
    """
    writable = request.savemodel == "modelcolumn" and request.niter > 0
    sources = open_sources(request.paths, request.selections, request.datacolumn, writable)
    try:
        for source in sources:
            if source.fell_back:
                log.post(f"{source.ms.path} has no CORRECTED_DATA column; the DATA column is imaged", "WARN")
        data = _prepare(request, sources)
        return _image(request, data, history or ["taskname=tclean"])
    finally:
        for source in sources:
            source.close()


def _prepare(request: TcleanRequest, sources: list[DataSource]) -> ImagingData:
    centre = _phase_centre(request, sources)
    _require_near(centre, sources)
    planes = [stokes_planes(request.stokes, s.correlation_codes(int(s.ddids[0]))) for s in sources]
    for source, own in zip(sources, planes, strict=True):
        if any(stokes_planes(request.stokes, source.correlation_codes(int(d))) != own for d in source.ddids):
            raise DataError(f"the selected spectral windows of {source.ms.path!r} differ in correlations; image them apart")
    is_cube = request.specmode != "mfs"
    axis = _spectral_axis(request, sources)
    return ImagingData(sources, planes, centre, axis, is_cube, request.interpolation, request.stokes == "pseudoI")


def _phase_centre(request: TcleanRequest, sources: list[DataSource]) -> Direction:
    first = sources[0]
    asked = request.centre_text()
    if asked is None:
        return first.field_direction(int(first.field_ids[0]))
    if isinstance(asked, int):
        if asked >= len(first.ms.metadata.fields):
            raise SelectionError(f"phasecenter={asked} is not a field; there are fields 0 to {len(first.ms.metadata.fields) - 1}")
        return first.field_direction(asked)
    found = parse_direction(asked)
    if found.frame in ("J2000", "ICRS", "B1950", "GALACTIC"):
        return found
    return convert_direction(found, "J2000", float(first.times_s[0]), first.position_m)


def _require_near(centre: Direction, sources: list[DataSource]) -> None:
    """Refuse a phase centre of which no selected field sees the half of the sky."""
    for source in sources:
        for field_id in source.field_ids:
            there = convert_direction(
                source.field_direction(int(field_id)), centre.frame, float(source.times_s[0]), source.position_m
            )
            if angular_separation(centre.lon_rad, centre.lat_rad, there.lon_rad, there.lat_rad) < 0.5 * np.pi:
                return
    raise ParameterError(
        "tclean: parameter 'phasecenter' is more than 90 degrees from the phase centre of each selected field; "
        f"got {float(np.rad2deg(centre.lon_rad)):.4f} {float(np.rad2deg(centre.lat_rad)):.4f} deg {centre.frame}"
    )


def _rest_frequency(request: TcleanRequest, source: DataSource) -> float:
    """The rest frequency given, that of the source, or the reference frequency of the spectral window."""
    if request.rest_hz > 0:
        return request.rest_hz
    metadata = source.ms.metadata
    spw = metadata.data_descriptions[int(source.ddids[0])].spw
    wanted = metadata.fields[int(source.field_ids[0])].source_id
    for row in metadata.sources:
        rest = np.ravel(row.rest_frequency_hz) if row.rest_frequency_hz is not None else np.zeros(0)
        if row.source_id == wanted and row.spw_id in (spw, -1) and rest.size and rest[0] > 0:
            return float(rest[0])
    return float(metadata.spectral_windows[spw].ref_frequency_hz)


def _spectral_axis(request: TcleanRequest, sources: list[DataSource]) -> SpectralAxis:
    first = sources[0]
    rest = _rest_frequency(request, first)
    native = request.specmode == "cubedata"
    frame = "" if native else request.outframe.upper() or "LSRK"
    if request.specmode == "mfs":
        edges = []
        for source in sources:
            for ddid in source.ddids:
                hz, width, _ = source.channels(int(ddid))
                factors = source.factors(int(ddid), frame, source.times_s[[0, -1]])
                low, high = float((hz - 0.5 * width).min()), float((hz + 0.5 * width).max())
                edges.append((low * float(factors.min()), high * float(factors.max())))
        return continuum_axis(edges, frame, rest, str(request.reffreq or ""))
    hz_parts, width_parts = [], []
    for ddid in first.ddids:
        hz, width, _ = first.channels(int(ddid))
        factor = float(first.factors(int(ddid), frame, first.times_s[:1])[0])
        hz_parts.append(hz * factor)
        width_parts.append(width * factor)
    hz, width = np.concatenate(hz_parts), np.concatenate(width_parts)
    if not request.start_is_frequency and str(request.start).strip():
        # A channel number counts all channels of the spectral window, whatever is selected of it.
        factor = float(first.factors(int(first.ddids[0]), frame, first.times_s[:1])[0])
        hz, width = (v * factor for v in first.all_channels(int(first.ddids[0])))
    axis = cube_axis(hz, width, request.nchan, request.start, request.width, frame, rest, request.veltype)
    return replace(axis, frame="") if native else axis


def _coordinates(request: TcleanRequest, data: ImagingData) -> Coordinates:
    first = data.sources[0]
    observation = first.ms.metadata.observations[0]
    axis = data.axis
    options = request.grid_options
    return make_image_coordinates(
        options.shape, options.cell_rad, (data.centre.lon_rad % (2.0 * np.pi), data.centre.lat_rad), axis.frequencies_hz, direction_frame=data.centre.frame,
        projection=request.projection.upper(), stokes=data.labels, spectral_frame=axis.frame or "Undefined", channel_width_hz=axis.width_hz,
        rest_frequency_hz=axis.rest_hz,
        observation=ObservationInfo.make(
            first.telescope, observation.observer, float(first.times_s[0]) / 86400.0, first.ms.time_frame,
            (data.centre.lon_rad % (2.0 * np.pi), data.centre.lat_rad), position_record(first.position_m),
        ),
    )  # fmt: skip


# psf, residual, model and primary beam as float32, two masks, and what an FFT of one plane takes beside them.
_BYTES_PER_PIXEL = 18


def _require_room(request: TcleanRequest, data: ImagingData) -> None:
    """Refuse images that neither memory nor disk can hold before hours are spent on them."""
    nx, ny = request.grid_options.shape
    planes = data.axis.nchan * len(data.labels)
    what = f"tclean: an image of {nx} x {ny} pixels with {planes} planes (parameters 'imsize', 'nchan', 'stokes')"
    require_memory(float(nx) * ny * (planes * _BYTES_PER_PIXEL + 32), what)
    images = 4 + (request.niter > 0) + request.restoration * (1 + request.pbcor)
    require_space(request.imagename + ".image", float(nx) * ny * planes * 4 * images + 1e6 * images)


def _image(request: TcleanRequest, data: ImagingData, history: list[str]) -> dict[str, Any]:
    _require_room(request, data)
    coordinates = _coordinates(request, data)
    imager = Imager(data, request.grid_options, request.weighting_options, request.perchanweightdensity, request.psfcutoff)
    base = request.imagename
    if not request.restart:
        base = _next_name(base)
    shape = imager.planes.residual.shape
    beam_power = _primary_beams(request, data, coordinates, shape)
    limit = abs(request.pblimit)
    seen = beam_power > limit if limit > 0 else np.ones(shape, dtype=bool)
    use_limit = request.pblimit > 0
    imager.planes.mask[...] = _clean_mask(request, base, coordinates, shape, beam_power)
    if use_limit:
        imager.planes.mask &= seen
    _start(request, imager, base)
    control = CycleControl(request.cycle_options)
    control.after_major()
    if request.niter > 0:
        imager.clean(control, MinorCycle(request.minor_options))
        log.post(
            f"tclean: {control.done} iterations in {control.majors} major cycles; stopped by {control.record()['stopDescription']}"
        )
    else:
        imager.record_unclean(control)
    with staged_images(base) as folder:
        field = data.sources[0].ms.metadata.fields[int(data.sources[0].field_ids[0])]
        writer = ImageWriter(folder, base, coordinates, data.sources[0].telescope, field.name, history)
        _write(request, imager, writer, beam_power, seen, use_limit)
    if request.savemodel == "modelcolumn" and request.niter > 0:
        save_model_column(data, imager.planes.model, request.grid_options)
    return control.record()


def _next_name(base: str) -> str:
    """The first name ``base_1``, ``base_2``, ... of which there are no images, or `base` itself when it is free."""
    if not os.path.exists(base + ".residual") and not os.path.exists(base + ".psf"):
        return base
    number = 1
    while os.path.exists(f"{base}_{number}.residual"):
        number += 1
    return f"{base}_{number}"


def _primary_beams(request: TcleanRequest, data: ImagingData, coordinates: Coordinates, shape: tuple[int, ...]) -> np.ndarray:
    antennas = data.sources[0].ms.metadata.antennas
    diameter = float(np.median([a.diameter_m for a in antennas if a.diameter_m > 0] or [25.0]))
    planes = np.empty(shape, dtype=np.float32)
    for chan, hz in enumerate(data.axis.frequencies_hz):
        planes[chan] = primary_beam_plane(coordinates, (shape[2], shape[3]), diameter, float(hz))[None]
    return planes


def _clean_mask(
    request: TcleanRequest, base: str, coordinates: Coordinates, shape: tuple[int, ...], beam_power: np.ndarray
) -> np.ndarray:
    if request.usemask == "pb":
        return beam_power > request.pbmask
    given = request.mask
    if given is None or (isinstance(given, (str, list, tuple)) and len(given) == 0):
        existing = base + ".mask"
        if os.path.isdir(existing) and request.restart:
            return read_planes(existing, shape) != 0
        return np.ones(shape, dtype=bool)
    return mask_values(given, coordinates, shape)


def _start(request: TcleanRequest, imager: Imager, base: str) -> None:
    """Fill psf, model and residual: computed, or taken from an earlier run where that was asked for."""
    planes = imager.planes
    shape = planes.residual.shape
    if request.restart and os.path.isdir(base + ".model"):
        planes.model[...] = read_planes(base + ".model", shape)
        log.post(f"tclean goes on from {base}.model")
    if request.startmodel:
        names = request.startmodel if isinstance(request.startmodel, (list, tuple)) else [request.startmodel]
        if os.path.isdir(base + ".model") and request.restart:
            raise ParameterError(f"startmodel was given but {base}.model exists already: remove it or give another imagename")
        planes.model[...] = read_planes(str(names[0]), shape)
    if request.calcpsf:
        imager.make_psf()
    else:
        _earlier_psf(request, imager, base)
    if request.calcres or (request.niter > 0 and not os.path.isdir(base + ".residual")):
        imager.major_cycle()
    elif os.path.isdir(base + ".residual"):
        planes.residual[...] = read_planes(base + ".residual", shape)


def _earlier_psf(request: TcleanRequest, imager: Imager, base: str) -> None:
    planes = imager.planes
    if not os.path.isdir(base + ".psf"):
        raise DataError(f"calcpsf=False needs {base}.psf of an earlier run, which is not there")
    nchan, npol = planes.residual.shape[:2]
    stored = read_planes(base + ".psf", planes.residual.shape)
    planes.psf[...] = stored[:, 0]
    if request.calcres or request.niter > 0:  # later major cycles need the weights and their sums
        keep = planes.psf.copy()
        imager.make_psf()
        planes.psf[...] = keep
    elif os.path.isdir(base + ".sumwt"):
        planes.sumwt[...] = read_planes(base + ".sumwt", (nchan, npol, 1, 1))[:, 0, 0, 0] / 2.0
    cell = request.grid_options.cell_rad
    for chan in range(nchan):
        if planes.psf[chan].max() > 0:
            beam = fit_beam(planes.psf[chan], cell, request.psfcutoff)
            planes.beams[chan] = beam
            imager.sidelobe = max(imager.sidelobe, sidelobe_level(planes.psf[chan], beam, cell))


def _write(
    request: TcleanRequest, imager: Imager, writer: ImageWriter, beam_power: np.ndarray, seen: np.ndarray, use_limit: bool
) -> None:
    planes = imager.planes
    npol = planes.residual.shape[1]
    beams = beam_set(planes.beams, npol)
    limited = seen if use_limit else None
    psf = np.repeat(planes.psf[:, None], npol, axis=1)
    writer.write("psf", psf, beams=beams)
    writer.write("residual", planes.residual, mask=limited)
    writer.write("pb", np.where(seen, beam_power, 0.0), mask=seen)
    # Both parallel hands count in the sum of weights of a Stokes plane.
    hands = 1.0 if imager.data.labels[0] in ("RR", "LL", "XX", "YY") else 2.0
    sums = np.repeat((planes.sumwt * hands).astype(np.float32)[:, None, None, None], npol, axis=1)
    writer.write("sumwt", sums)
    writer.write("model", planes.model, "Jy/pixel")
    if request.niter > 0:
        writer.write("mask", planes.mask.astype(np.float32))
    if not request.restoration:
        return
    image, targets = restore_planes(planes, request.beam_given(), request.grid_options.cell_rad)
    # An image restored with one beam for all channels carries just that one.
    single = request.beam_given() != []
    restored = beam_set(targets[:1] if single else targets, 1 if single else npol)
    writer.write("image", image, "Jy/beam", restored, limited)
    if request.pbcor:
        corrected = np.where(seen, image / np.where(seen, beam_power, 1.0), 0.0)
        writer.write("image.pbcor", corrected, "Jy/beam", restored, seen)
