"""Sensitivity of an image from the weights of the data."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["apparentsens"]

_SELECT = kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True)))


@task(group="imaging")
def apparentsens(
    vis: P.VisList = "",
    field: Annotated[Any, _SELECT, "Select fields by name, ID or wildcard; a list holds one text for each MeasurementSet"] = "",
    spw: Annotated[Any, _SELECT, "Select spectral windows and channels; a list holds one text for each MeasurementSet"] = "",
    intent: Annotated[Any, _SELECT, "Select by scan intent"] = "",
    selectdata: P.SelectData = True,
    timerange: Annotated[Any, _SELECT, "Select a time range"] = "",
    uvrange: Annotated[Any, _SELECT, "Select by uv distance"] = "",
    antenna: Annotated[Any, _SELECT, "Select antennas or baselines"] = "",
    scan: Annotated[Any, _SELECT, "Select scans"] = "",
    observation: Annotated[Any, _SELECT, "Select observation IDs"] = "",
    imsize: Annotated[Any, kinds.IntList(), "Pixels in x and y, or one number for both"] = [100],
    cell: Annotated[
        Any,
        kinds.Variant((kinds.Float(), kinds.Text(), kinds.FloatList(), kinds.TextList())),
        'Pixel size in x and y, such as "15arcsec"; numbers are arcsec, nothing is 1 arcsec',
    ] = [],
    stokes: Annotated[
        Literal["I", "Q", "U", "V", "IV", "QU", "IQ", "UV", "IQUV", "RR", "LL", "XX", "YY", "RRLL", "XXYY", "pseudoI"],
        "Planes of the image",
    ] = "I",
    specmode: Annotated[
        Literal["mfs", "cont", "cube", "cubedata"], "Kind of image; of cubes each channel's sensitivity is told too"
    ] = "mfs",
    weighting: Annotated[
        Literal["natural", "uniform", "briggs", "radial", "superuniform"], "Weighting of the uv plane"
    ] = "natural",
    robust: Annotated[float, kinds.Float(), "Briggs' robustness, from -2 to 2"] = 0.5,
    npixels: Annotated[
        int,
        kinds.Int(min=0),
        "superuniform: uv cells on either side that densities are summed over; others: pixels of the field of view that uv cells are for",
    ] = 0,
    uvtaper: Annotated[list[str], kinds.TextList(), "Taper of the uv plane, such as ['5klambda'] or ['10arcsec']"] = [""],
) -> dict[str, Any]:
    """Tell the noise that the weights of the data leave in an image, without making it.

    Returns
    -------
    dict
        ``effSens``: the point source sensitivity [Jy, where weights are 1/Jy^2]; ``relToNat``: its ratio to that of natural weighting.
        Of cubes these are, as the reference's, those of all channels together; ``chanSens`` and ``chanRelToNat`` (chan,) are those of
        each plane, weighted with a density of its own, NaN for planes without data.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        There is no such MeasurementSet, the selection matches nothing, or all of it is flagged.

    Notes
    -----
    The weights must be those of the noise (1/sigma^2), as statwt makes them. One correlation (stokes='RR') has the noise of one;
    the parallel hands of all other planes are counted together.
    """
    from casatools._base.errors import ParameterError
    from casatools.imaging.sensitivity import apparent_sensitivity
    from casatools.imaging.stepwise import SynthesisRun

    paths = [vis] if isinstance(vis, str) else list(vis)
    if not any(paths):
        raise ParameterError("apparentsens: parameter 'vis' must name a MeasurementSet")
    run = SynthesisRun()
    more = {"timestr": timerange, "uvdist": uvrange, "antenna": antenna, "scan": scan, "obs": observation, "state": intent}
    wanted = {"field": field, "spw": spw, **(more if selectdata else {})}
    for number, path in enumerate(paths):
        chosen = {name: _one(value, number, len(paths), name) for name, value in wanted.items()}
        run.selections.append({"msname": path, "datacolumn": "data", **chosen})
    run.images.append(
        {"imagename": "none", "imsize": imsize, "cell": cell if cell not in ([], "") else ["1arcsec"], "stokes": stokes,
         "specmode": "mfs" if specmode == "cont" else specmode}
    )  # fmt: skip
    run.weighting = {"weighting": weighting, "robust": robust, "npixels": npixels, "uvtaper": uvtaper}
    try:
        return apparent_sensitivity(run)
    finally:
        run.close()


def _one(value: Any, number: int, count: int, name: str) -> str:
    """The text for one MeasurementSet."""
    from casatools._base.errors import ParameterError

    if not isinstance(value, list):
        return str(value)
    if len(value) not in (1, count):
        raise ParameterError(f"apparentsens: {name!r} has {len(value)} texts for {count} MeasurementSets")
    return str(value[0] if len(value) == 1 else value[number])
