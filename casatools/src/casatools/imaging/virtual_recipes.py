"""Models of tclean kept as virtual models: the images' transforms in the reference's form, or the images with what predicts from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from casatools._base import log
from casatools.calibration.predict_sky import STOKES, open_sky_model
from casatools.calibration.virtual_models import are_whole, places_of, sky_recipes, write_recipes
from casatools.imaging.image_fields import TermField
from casatools.imaging.imaged_models import imaged_model
from casatools.imaging.imager import ImagingData
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_images import FieldImages

__all__ = ["keep_recipes"]


def _needs_gridder(request: TcleanRequest, data: ImagingData) -> bool:
    """Whether the transform of the image alone does not say what the model is: beams, moving images, correlations, virtual cubes."""
    fields = [source.ms.metadata.fields[int(f)] for source in data.sources for f in source.field_ids]
    moves = any(s.track is not None for s in data.sources) or any(f.ephemeris_id >= 0 for f in fields)
    return request.is_mosaic or request.specmode == "mvc" or moves or not set(data.labels) <= set(STOKES)


def keep_recipes(data: ImagingData, requests: Sequence[TcleanRequest], plans: Sequence[FieldImages]) -> None:
    """Keep the models of a run, whose images are on disk, as recipes of the selected data; those of outlier fields add up.

    A recipe serves whole scans, as the reference's do: of a selection that cuts through them, the rest of these scans has the model too.
    """
    places = [places_of(source.ms, source.resolved, whole=False) for source in data.sources]
    for source in data.sources:
        if not are_whole(source.ms, source.resolved):
            log.post("tclean: savemodel='virtual': the model serves whole scans, also what is not selected of them", "WARN")
    followed = requests[0].centre_text()
    for number, (request, plan) in enumerate(zip(requests, plans, strict=True)):
        if _needs_gridder(request, data):
            for source, own in zip(data.sources, places, strict=True):
                write_recipes(source.ms, own, [imaged_model(source.ms, own, data, plan, followed)], number > 0)
            continue
        names = [f"{plan.base}.model.tt{k}" for k in range(request.terms)] if request.terms else [f"{plan.base}.model"]
        sky = open_sky_model(names, in_frame=True)
        # A gridder without w terms made the image: it is flat.
        sky = replace(sky, terms=[replace(t, curved=request.grid_options.wide_field) for t in sky.terms])
        if isinstance(plan.image, TermField):
            sky = replace(sky, reference_hz=plan.image.reference_hz)  # in the frame of the data, as in the major cycles
        for source, own in zip(data.sources, places, strict=True):
            write_recipes(source.ms, own, sky_recipes(source.ms, own, sky), number > 0)
