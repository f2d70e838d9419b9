"""tclean: from a request to images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.buffers import drop_idle, map_large_arrays
from casatools._base.memory import require_memory
from casatools._base.paths import require_space
from casatools.imaging.checkpoint import Checkpoint
from casatools.imaging.clean_page import PageImage, require_person, steering
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.imager import Imager, ImagingData
from casatools.imaging.model_column import save_model_column
from casatools.imaging.outlier_file import outlier_requests
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.products import ImageWriter, staged_images
from casatools.imaging.request import TcleanRequest
from casatools.imaging.shares import make_imager
from casatools.imaging.tclean_data import imaged_sources, phase_centre, prepare_data, spectral_axis
from casatools.imaging.tclean_images import FieldImages, begin_images, plan_images, write_images
from casatools.imaging.virtual_cube import plan_virtual_cube
from casatools.imaging.virtual_recipes import keep_recipes
from casatools.imaging.visibilities import DataSource
from casatools.io.ms import Selection

__all__ = ["RunInput", "clean_fields", "run_tclean"]


@dataclass(frozen=True)
class RunInput:
    """What a run takes in the place of what its request says; one process does all of it then.

    Attributes
    ----------
    selections : sequence of Selection
        Of each MeasurementSet.
    prepare : callable, optional
        Changes what is read of the data sources.
    density : ndarray (plane, x, y), optional
        Of uv samples, in the place of the data's own.
    tune : callable, optional
        Changes how the images are deconvolved.
    """

    selections: Sequence[Selection]
    prepare: Callable[[list[DataSource]], None] | None = None
    density: np.ndarray | None = None
    tune: Callable[[list[FieldImages]], None] | None = None


def run_tclean(request: TcleanRequest, history: list[str] | None = None, given: RunInput | None = None) -> dict[str, Any]:
    """Make and deconvolve the images that are asked for.

    Parameters
    ----------
    request : TcleanRequest
    history : list of str, optional
    given : RunInput, optional
        What tclean's parameters cannot say.

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
    map_large_arrays()
    try:
        with imaged_sources(request, request.saves_model, given.selections if given is not None else None) as sources:
            if given is not None and given.prepare is not None:
                given.prepare(sources)
            return _image(request, sources, history or ["taskname=tclean"], given)
    finally:
        drop_idle()


# psf, residual, model and primary beam as float32, two masks.
_BYTES_PER_PIXEL = 18


def _densities(request: TcleanRequest, data: ImagingData) -> int:
    """How many planes of the densities of uv samples are kept: one a channel and pointing, where these are weighted apart."""
    if request.weighting_options.scheme in ("natural", "radial"):
        return 0
    channels = data.axis.nchan if data.is_cube and request.weighs_by_channel else 1
    return channels * (sum(len(s.field_ids) for s in data.sources) if request.is_mosaic and request.mosweight else 1)


def _plane_bytes(request: TcleanRequest) -> float:
    """Memory of a pixel of each plane: beam, residual, model, primary beam, masks; of a dirty image the beam, the residual and a mask at a time."""
    return 9.0 if request.niter == 0 and not request.is_mosaic and not request.terms else _BYTES_PER_PIXEL


def _working_bytes(request: TcleanRequest, npol: int) -> float:
    """Memory of a pixel while the image is gridded or deconvolved, beside its planes: measured peaks, which this is within a fifth of.

    The gridder's two grids are wider than the image by its oversampling; multiscale keeps transforms of the image and of the beam for each scale.
    """
    grids = 32.0 if request.grid_options.wide_field else 33.0
    more = 28.0 * (npol - 1)
    if request.is_mosaic:
        grids = 66.0
    if request.niter == 0:
        return grids
    if request.terms:
        return max(grids, 56.0)
    if request.deconvolver == "multiscale":
        return max(grids, 33.0 + 29.0 * len(request.minor_options.scales)) + more
    return max(grids, 96.0 if request.deconvolver == "mem" else 0.0) + more


def _make_room(requests: list[TcleanRequest], data: ImagingData) -> PlaneStore:
    """Decide where the planes are kept; refuse images that neither memory nor disk can hold before hours are spent on them.

    Planes of a cube may be in files while they are made; those of a continuum image, which are deconvolved together, are in memory.
    """
    kept, working, size = 0.0, 0.0, 0.0
    virtual = requests[0].specmode == "mvc"
    for request in requests:
        nx, ny = request.grid_options.shape
        # A virtual cube holds channels twice, and terms.
        terms = max(1, 2 * request.terms - 1)
        planes = 2 * data.axis.nchan + terms if virtual else data.axis.nchan * terms
        planes *= len(data.labels)
        # The main image sets the weights; the one density of a continuum image is dropped before it is gridded.
        counts = _densities(request, data) if request is requests[0] else 0
        density = 8 * counts if data.is_cube or counts > 1 else 0
        kept += float(nx) * ny * (planes * _plane_bytes(request) + density)
        working = max(working, float(nx) * ny * _working_bytes(request, len(data.labels)))
        images = 4 + (request.niter > 0) + request.restoration * (1 + request.pbcor)
        size += float(nx) * ny * planes * 4 * images + 1e6 * images
    folder = (
        os.path.dirname(os.path.abspath(requests[0].imagename)) if data.is_cube and data.axis.nchan > 1 and not virtual else None
    )
    store = PlaneStore(folder, kept)
    nx, ny = requests[0].grid_options.shape
    require_memory(
        working if store.is_mapped else kept + working,
        f"tclean: an image of {nx} x {ny} pixels with {planes} planes (parameters 'imsize', 'nchan', 'stokes')",
    )
    require_space(requests[0].imagename + ".image", size + kept * store.is_mapped)
    if store.is_mapped:
        log.post(f"tclean: the planes of the cube ({kept / 1e9:.1f} GB) are kept in files while they are made")
    return store


def clean_fields(
    plans: list[FieldImages], data: ImagingData, imager: Imager, control: CycleControl, checkpoint: Checkpoint
) -> None:
    """Iterate to a stopping rule, or as the person at the page says; the state is kept after each major cycle."""

    def keep() -> None:
        checkpoint.save([plan.image for plan in plans], control)
        plans[0].image.store.let_go()

    if not control.interactive:
        imager.clean(control, after_major=keep)
        return
    shown = [
        PageImage(os.path.basename(p.base), p.image, p.coordinates, data.labels, p.seen[: len(p.image.planes.mask)])
        for p in plans
    ]
    with closing(steering(shown)) as page:
        imager.clean(control, page.steer, keep)


def _as_imaged(data: ImagingData, request: TcleanRequest, main: TcleanRequest) -> ImagingData:
    """The data with the axis of an image field: a continuum outlier may have a reference frequency of its own."""
    if request.reffreq == main.reffreq or not request.is_continuum:
        return data
    return replace(data, axis=spectral_axis(request, data.sources))


def _image(
    request: TcleanRequest, sources: list[DataSource], history: list[str], given: RunInput | None = None
) -> dict[str, Any]:
    requests = [request, *outlier_requests(request)]
    data = prepare_data(request, sources)
    store = _make_room(requests, data)
    centres = [data.centre, *(phase_centre(r, sources) for r in requests[1:])]
    plan_field = plan_virtual_cube if request.specmode == "mvc" else partial(plan_images, is_late=request.niter == 0)
    plans = [
        plan_field(r, _as_imaged(data, r, request), c, k, store) for k, (r, c) in enumerate(zip(requests, centres, strict=True))
    ]
    if given is not None and given.tune is not None:
        given.tune(plans)
    images = [plan.image for plan in plans]
    control = CycleControl(request.cycle_options, interactive=bool(request.interactive))
    checkpoint = Checkpoint(requests, plans[0].base)
    # Other ranks would read the data as they are on disk, and make densities of them.
    make = Imager if given is not None else partial(make_imager, parallel=request.parallel)
    shared = make(data, images, request.weighting_options, request.weighs_by_channel, request.psfcutoff)
    with closing(shared) as imager:
        imager.given_density = given.density if given is not None else None
        resumes = request.niter > 0 and request.restart
        resumed = begin_images(plans, imager, (lambda: checkpoint.load(images, control)) if resumes else None)
        if not resumed and (request.calcres or request.niter == 0):
            control.after_major()
        if request.niter > 0:
            clean_fields(plans, data, imager, control, checkpoint)
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
            telescope = data.sources[0].telescope
            for made in (plan, plan.cube):
                if made is not None:
                    writer = ImageWriter(folder, plan.base, made.coordinates, telescope, field.name, history, store=store)
                    write_images(made, writer, data.labels)
    if request.saves_model and (request.niter > 0 or any(image.planes.model.any() for image in images)):
        if request.savemodel == "virtual":
            keep_recipes(data, requests, plans)
        else:
            save_model_column(data, images)
    # A run that is killed while it writes the model goes on too: to write it.
    checkpoint.remove()
    return control.record()
