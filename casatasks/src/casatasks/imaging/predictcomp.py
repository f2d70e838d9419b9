"""Predict what an array will see of a flux calibrator."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._task import task
from casatools._base import kinds

__all__ = ["predictcomp"]


@task(group="imaging")
def predictcomp(
    objname: Annotated[str, kinds.Text(), "Body of the solar system, or calibrator"] = "",
    standard: Annotated[
        Literal[
            "Perley-Butler 2017",
            "Perley-Butler 2013",
            "Perley-Butler 2010",
            "Perley-Taylor 99",
            "Baars",
            "Perley 90",
            "Perley-Taylor 95",
            "Butler-JPL-Horizons 2010",
            "Butler-JPL-Horizons 2012",
        ],
        "Flux density scale",
    ] = "Butler-JPL-Horizons 2010",
    epoch: Annotated[str, kinds.Text(), "Date and time (UTC), such as '2016/06/10/12:00'"] = "",
    minfreq: Annotated[str, kinds.Text(), "Lowest frequency, such as '90GHz'"] = "",
    maxfreq: Annotated[str, kinds.Text(), "Highest frequency; '' is the lowest"] = "",
    nfreqs: Annotated[int, kinds.Int(min=0), "Frequencies, with both ends"] = 2,
    prefix: Annotated[str, kinds.Text(), "Beginning of the name of the component list, with its folder"] = "",
    antennalist: Annotated[str, kinds.Text(), "Configuration of antennas whose amplitudes are drawn"] = "",
    showplot: Annotated[bool, kinds.Bool(), "Draw; without savefig the figure is stored beside the component list"] = False,
    savefig: Annotated[str, kinds.Text(), "File of the figure"] = "",
    symb: Annotated[str, kinds.Text(), "Marker"] = ".",
    include0amp: Annotated[bool, kinds.Bool(), "Begin the axis of amplitudes at zero"] = False,
    include0bl: Annotated[bool, kinds.Bool(), "Begin the axis of baselines at zero"] = False,
    blunit: Annotated[Literal["", "klambda"], "Unit of baselines; '' is metres"] = "",
    showbl0flux: Annotated[bool, kinds.Bool(), "Draw the flux density as a line"] = False,
) -> dict[str, Any]:
    """Predict a calibrator's flux densities and size, store them as a component list, and draw the amplitudes an array will see.

    Returns
    -------
    dict
        clist, objname, standard, epoch, freqs (GHz), antennalist, shape, spectrum (of the component) and savedfig.

    Raises
    ------
    ParameterError, DataError, UnsupportedError
        The object, date or frequencies cannot be used, or there are no data of the object.

    Notes
    -----
    Without CASA's data (ephemerides and models over ``datapath``) planets and large moons are predicted to some per cent, with a warning.

    Examples
    --------
    >>> predictcomp("Uranus", "Butler-JPL-Horizons 2012", "2016/06/10", "90GHz", "110GHz")  # doctest: +SKIP
    """
    from casatools._base.errors import ParameterError
    from casatools.calibration.predict_component import PredictionOptions, describe, predict_component, read_antenna_places
    from casatools.frames.epochs import parse_epoch
    from casatools.frames.quantities import to_unit

    for name, value in (("minfreq", minfreq), ("epoch", epoch)):
        if not value.strip():
            raise ParameterError(f"predictcomp: parameter {name!r} must be given; got ''")
    low, mjd = float(to_unit(minfreq, "Hz")), parse_epoch(epoch) / 86400.0
    high = float(to_unit(maxfreq, "Hz")) if maxfreq.strip() else low
    options = PredictionOptions(objname, standard, mjd, low, high, nfreqs, prefix)
    places = read_antenna_places(antennalist) if antennalist.strip() else None
    path, component = predict_component(options)
    record = describe(path, component, options, antennalist)
    if places is not None and (showplot or savefig.strip()):
        from casatools.plotting.predicted_amplitudes import AmplitudePlot, plot_amplitudes

        record["savedfig"] = savefig.strip() or path.removesuffix(".cl") + ".png"
        plot = AmplitudePlot(symb, include0amp, include0bl, blunit == "klambda", showbl0flux)
        plot_amplitudes(component, places, record["savedfig"], plot)
    return record
