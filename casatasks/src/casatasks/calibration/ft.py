"""Put a sky model into a MeasurementSet."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["ft"]


@task(group="calibration", history=("vis",))
def ft(
    vis: P.Vis = "",
    field: P.Field = "",
    spw: P.Spw = "",
    model: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList(drop_empty=True))), "Model image, or one a Taylor term"
    ] = "",
    nterms: Annotated[int, kinds.Int(min=1), "Taylor terms"] = 1,
    reffreq: Annotated[str, kinds.Text(), "Reference frequency of the Taylor terms; '' is that of the first image"] = "",
    complist: Annotated[str, kinds.Text(), "Component list"] = "",
    incremental: Annotated[bool, kinds.Bool(), "Add to the model that is there"] = False,
    usescratch: Annotated[bool, kinds.Bool(), "Write MODEL_DATA; False keeps the model as a recipe"] = False,
) -> None:
    """Fill MODEL_DATA with the visibilities of images [Jy/pixel] and components.

    Images of several channels serve each channel of the data by their nearest one. Only the selected channels of MODEL_DATA
    are filled; recipes (``usescratch=False``) serve whole spectral windows.

    Raises
    ------
    PathMissingError, SelectionError, DataError, ParameterError
        The MeasurementSet or a model is missing, nothing matches, the model cannot be used, or there are not as many images as terms. Nothing is
        written then.

    Notes
    -----
    With ``usescratch=False`` components and images (their transforms, in the SOURCE table's folder) are kept as a recipe, which is made into
    visibilities when they are read and goes before MODEL_DATA.

    Examples
    --------
    >>> ft("day1.ms", field="3C48", model="3c48.mod")  # doctest: +SKIP
    """
    from casatools.calibration.predict_sky import open_sky_model, predict_sky

    images = [str(m) for m in (model if isinstance(model, (list, tuple)) else [model]) if str(m).strip()]
    if images and len(images) != nterms:
        raise ParameterError(f"ft: parameter 'model' must hold one image for each of nterms={nterms} terms; got {images}")
    sky = open_sky_model(images, complist.strip(), reffreq)
    predict_sky(vis, {"field": field, "spw": spw}, sky, incremental, virtual=not usescratch)
