"""Models of tclean kept as virtual models: the images themselves, through the code that keeps those of ft and setjy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.calibration.predict_sky import STOKES, open_sky_model
from casatools.calibration.virtual_models import keep_sky, places_of
from casatools.imaging.imager import ImagingData
from casatools.imaging.request import TcleanRequest

__all__ = ["can_keep_recipes", "keep_recipes"]


def can_keep_recipes(request: TcleanRequest, data: ImagingData) -> bool:
    """Whether a virtual model can stand for the model images of a run; why not is logged."""
    why = ""
    fields = [source.ms.metadata.fields[int(f)] for source in data.sources for f in source.field_ids]
    if request.is_mosaic:
        why = f"gridder {request.gridder!r} has beams"
    elif not set(data.labels) <= set(STOKES):
        why = f"images of {', '.join(data.labels)} are none of Stokes parameters"
    elif request.specmode == "mvc":
        why = "a virtual cube has terms and channels"
    elif any(s.track is not None for s in data.sources) or any(f.ephemeris_id >= 0 for f in fields):
        why = "something imaged moves"
    else:
        try:
            for source in data.sources:
                places_of(source.ms, source.resolved)
        except ParameterError:
            why = "parts of scans are selected"
    if why:
        log.post(f"tclean: savemodel='virtual': the model is kept as visibilities in MODEL_DATA, for {why}", "WARN")
    return not why


def keep_recipes(data: ImagingData, requests: Sequence[TcleanRequest], bases: Sequence[str]) -> None:
    """Keep the model images on disk as recipes of the selected data; those of outlier fields add up."""
    for number, (request, base) in enumerate(zip(requests, bases, strict=True)):
        names = [f"{base}.model.tt{k}" for k in range(request.terms)] if request.terms else [f"{base}.model"]
        sky = open_sky_model(names, in_frame=True)
        # A gridder without w terms made the image: it is flat.
        sky = replace(sky, terms=[replace(t, curved=request.grid_options.wide_field) for t in sky.terms])
        for source in data.sources:
            keep_sky(source.ms, source.resolved, sky, incremental=number > 0)
