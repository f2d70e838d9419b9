"""Set the models of calibrators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError, UnsupportedError

__all__ = ["setjy"]

_FLUX = kinds.Variant((kinds.FloatList(), kinds.Text()))


@task(group="imaging", history=("vis",))
def setjy(
    vis: P.Vis = "",
    field: P.Field = "",
    spw: P.Spw = "",
    selectdata: P.SelectData = False,
    timerange: P.TimeRange = "",
    scan: P.Scan = "",
    intent: P.Intent = "",
    observation: P.Observation = "",
    scalebychan: Annotated[bool, kinds.Bool(), "A flux density for each channel rather than one for a spectral window"] = True,
    standard: Annotated[
        Literal[
            "Perley-Butler 2017",
            "Perley-Butler 2013",
            "Perley-Butler 2010",
            "Perley-Taylor 99",
            "Baars",
            "Perley 90",
            "Perley-Taylor 95",
            "Butler-JPL-Horizons 2012",
            "Butler-JPL-Horizons 2010",
            "Scaife-Heald 2012",
            "Stevens-Reynolds 2016",
            "manual",
            "fluxscale",
        ],
        "Flux density scale; 'manual' takes fluxdensity, 'fluxscale' takes fluxdict",
    ] = "Perley-Butler 2017",
    model: Annotated[str, kinds.Text(), "Image with the shape of the calibrator, such as '3C286_L.im'; '' is a point"] = "",
    listmodels: Annotated[bool, kinds.Bool(), "Only list the model images that can be found"] = False,
    fluxdensity: Annotated[Any, _FLUX, "Stokes I, Q, U, V [Jy] for standard='manual'"] = -1,
    spix: Annotated[Any, _FLUX, "Spectral index, curvature, ... for standard='manual'"] = 0.0,
    reffreq: Annotated[str, kinds.Quantity("GHz"), "Frequency of fluxdensity, polindex and polangle"] = "1GHz",
    polindex: Annotated[list[float], kinds.FloatList(), "Linear polarization fraction, as a polynomial in (f - f0) / f0"] = [],  # noqa: B006
    polangle: Annotated[
        list[float], kinds.FloatList(), "Angle of linear polarization [rad], as the same kind of polynomial"
    ] = [],  # noqa: B006
    rotmeas: Annotated[float, kinds.Float(), "Rotation measure [rad/m2]"] = 0.0,
    fluxdict: Annotated[dict[str, Any], kinds.Record(), "What fluxscale returned, for standard='fluxscale'"] = {},  # noqa: B006
    useephemdir: Annotated[bool, kinds.Bool(), "Use directions from an ephemeris, for solar system objects"] = False,
    interpolation: Annotated[
        Literal["nearest", "linear", "cubic", "spline", ""], "Interpolation between the epochs of variable calibrators"
    ] = "nearest",
    usescratch: Annotated[bool, kinds.Bool(), "Write MODEL_DATA; False keeps a component or an image as a recipe"] = True,
    ismms: Annotated[bool, kinds.Bool(), "Internal, for multi-MeasurementSets"] = False,
) -> dict[str, Any]:
    """Fill MODEL_DATA with models of calibrators.

    Returns
    -------
    dict
        ``{field ID: {spw ID: {"fluxd": [I, Q, U, V] in Jy}, "fieldName": name}, "format": text}``; {} when models are listed.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError, UnsupportedError
        The MeasurementSet or image is missing, nothing matches, or a value cannot be used; nothing is written then.

    Notes
    -----
    A field is recognised by a calibrator's name within its own, else by its position. Planets, moons and asteroids
    (``standard="Butler-JPL-Horizons 2012"``) need CASA's data - ephemerides and models - over ``datapath``; their disks are at the phase
    centre unless `useephemdir` is given.

    Examples
    --------
    >>> setjy("day1.ms", field="3C286", standard="Perley-Butler 2017")  # doctest: +SKIP
    >>> setjy("day1.ms", field="0", standard="manual", fluxdensity=[14.8, 0, 0, 0], spix=-0.6, reffreq="1.4GHz")  # doctest: +SKIP
    """
    from casatools.calibration.set_model import SetModelOptions, manual_spectrum, set_model

    if listmodels:
        _list_models()
        return {}
    if ismms:
        raise UnsupportedError("setjy: ismms=True is of the reference's own processes; leave it at False")
    if not vis:
        raise ParameterError("setjy: parameter 'vis' must name a MeasurementSet")
    manual = None
    if standard == "manual":
        manual = manual_spectrum(fluxdensity, spix, reffreq, polindex, polangle, rotmeas)
    else:
        _warn_of_unused(standard, fluxdensity, {"spix": spix, "polindex": polindex, "polangle": polangle, "rotmeas": rotmeas})
    options = SetModelOptions(standard, model, manual, fluxdict, scalebychan, interpolation, useephemdir)
    expressions = {"field": field, "spw": spw}
    if selectdata:
        expressions |= {"timerange": timerange, "scan": scan, "intent": intent, "observation": observation}
    return set_model(vis, expressions, options, virtual=not usescratch)


def _warn_of_unused(standard: str, fluxdensity: Any, others: dict[str, Any]) -> None:
    """What belongs to manual models counts for nothing beside a published scale, in CASA too: a flux given there is most likely a mistake."""
    from casatools._base import log

    names = ["fluxdensity"] if fluxdensity not in (-1, [-1], [], "") else []
    names += [name for name, value in others.items() if value not in (0, [0], [], "")]
    if names:
        log.post(f"setjy: {', '.join(names)} count with standard='manual' only, not with {standard!r}", "WARN")


def _list_models() -> None:
    from casatools._base import log
    from casatools.calibration.set_model import find_model_images

    names = find_model_images()
    log.post("Model images: " + (", ".join(names) if names else "none found"))
