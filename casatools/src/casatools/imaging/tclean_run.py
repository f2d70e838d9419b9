"""tclean: from a request to images."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.memory import require_memory
from casatools._base.paths import require_space
from casatools.frames.directions import Direction, angular_separation, convert_direction, parse_direction
from casatools.imaging.checkpoint import Checkpoint
from casatools.imaging.clean_page import PageImage, require_person, steering
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.frequency_grid import SpectralAxis, continuum_axis, cube_axis
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.model_column import save_model_column
from casatools.imaging.outlier_file import outlier_requests
from casatools.imaging.products import ImageWriter, staged_images
from casatools.imaging.request import TcleanRequest
from casatools.imaging.shares import make_imager
from casatools.imaging.tclean_images import FieldImages, begin_images, plan_images, write_images
from casatools.imaging.visibilities import DataSource, open_sources, stokes_planes

__all__ = ["phase_centre", "prepare_data", "run_tclean"]


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
    if request.interactive:
        require_person("tclean")
    writable = request.saves_model
    sources = open_sources(request.paths, request.selections, request.datacolumn, writable)
    try:
        for source in sources:
            if source.fell_back:
                log.post(f"{source.ms.path} has no CORRECTED_DATA column; the DATA column is imaged", "WARN")
        return _image(request, sources, history or ["taskname=tclean"])
    finally:
        for source in sources:
            source.close()


def prepare_data(request: TcleanRequest, sources: list[DataSource]) -> ImagingData:
    """The visibilities that are imaged, and the axes of the images.

    Raises
    ------
    CasaError
        The phase centre is on the other side of the sky, spectral windows differ in correlations, or an axis cannot be made.
    """
    centre = phase_centre(request, sources)
    _require_near(centre, sources)
    planes = [stokes_planes(request.stokes, s.correlation_codes(int(s.ddids[0]))) for s in sources]
    for source, own in zip(sources, planes, strict=True):
        if any(stokes_planes(request.stokes, source.correlation_codes(int(d))) != own for d in source.ddids):
            raise DataError(f"the selected spectral windows of {source.ms.path!r} differ in correlations; image them apart")
    is_cube = not request.is_continuum
    axis = _spectral_axis(request, sources)
    return ImagingData(sources, planes, centre, axis, is_cube, request.interpolation, request.stokes == "pseudoI")


def phase_centre(request: TcleanRequest, sources: list[DataSource]) -> Direction:
    """The phase centre asked for, or that of the first field.

    Raises
    ------
    SelectionError, ParameterError
        There is no such field, or the direction cannot be read.
    """
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
    if request.is_continuum:
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


# psf, residual, model and primary beam as float32, two masks, and what an FFT of one plane takes beside them.
_BYTES_PER_PIXEL = 18


def _require_room(requests: list[TcleanRequest], data: ImagingData) -> None:
    """Refuse images that neither memory nor disk can hold before hours are spent on them."""
    pixels, size = 0.0, 0.0
    for request in requests:
        nx, ny = request.grid_options.shape
        planes = data.axis.nchan * len(data.labels) * max(1, 2 * request.terms - 1)
        pixels += float(nx) * ny * (planes * _BYTES_PER_PIXEL + 32)
        images = 4 + (request.niter > 0) + request.restoration * (1 + request.pbcor)
        size += float(nx) * ny * planes * 4 * images + 1e6 * images
    nx, ny = requests[0].grid_options.shape
    require_memory(
        pixels, f"tclean: an image of {nx} x {ny} pixels with {planes} planes (parameters 'imsize', 'nchan', 'stokes')"
    )
    require_space(requests[0].imagename + ".image", size)


def _clean(plans: list[FieldImages], data: ImagingData, imager: Imager, control: CycleControl, checkpoint: Checkpoint) -> None:
    def keep() -> None:
        checkpoint.save([plan.image for plan in plans], control)

    if not control.interactive:
        imager.clean(control, after_major=keep)
        return
    shown = [
        PageImage(os.path.basename(p.base), p.image, p.coordinates, data.labels, p.seen[: len(p.image.planes.mask)])
        for p in plans
    ]
    with closing(steering(shown)) as page:
        imager.clean(control, page.steer, keep)


def _image(request: TcleanRequest, sources: list[DataSource], history: list[str]) -> dict[str, Any]:
    requests = [request, *outlier_requests(request)]
    data = prepare_data(request, sources)
    _require_room(requests, data)
    centres = [data.centre, *(phase_centre(r, sources) for r in requests[1:])]
    plans = [plan_images(r, data, c, k) for k, (r, c) in enumerate(zip(requests, centres, strict=True))]
    images = [plan.image for plan in plans]
    control = CycleControl(request.cycle_options, interactive=bool(request.interactive))
    checkpoint = Checkpoint(requests, plans[0].base)
    shared = make_imager(
        data, images, request.weighting_options, request.perchanweightdensity, request.psfcutoff, request.parallel
    )
    with closing(shared) as imager:
        resumes = request.niter > 0 and request.restart
        if not begin_images(plans, imager, (lambda: checkpoint.load(images, control)) if resumes else None):
            control.after_major()
        if request.niter > 0:
            _clean(plans, data, imager, control, checkpoint)
    if request.niter > 0:
        log.post(
            f"tclean: {control.done} iterations in {control.majors} major cycles; stopped by {control.record()['stopDescription']}"
        )
    else:
        for image in images:
            image.record_unclean(control)
    field = data.sources[0].ms.metadata.fields[int(data.sources[0].field_ids[0])]
    with ExitStack() as stack:
        # All fields' images are complete before the first of them takes its place.
        folders = [stack.enter_context(staged_images(plan.base)) for plan in plans]
        for plan, folder in zip(plans, folders, strict=True):
            writer = ImageWriter(folder, plan.base, plan.coordinates, data.sources[0].telescope, field.name, history)
            write_images(plan, writer, data.labels)
    checkpoint.remove()
    if request.saves_model and (request.niter > 0 or any(image.planes.model.any() for image in images)):
        if request.savemodel == "virtual":
            log.post("tclean: savemodel='virtual': the model is kept as visibilities in the MODEL_DATA column")
        save_model_column(data, images)
    return control.record()
