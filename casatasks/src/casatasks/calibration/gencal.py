"""Write given calibration values as a table."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["gencal"]


@task(group="calibration")
def gencal(
    vis: P.Vis = "",
    caltable: P.CalTableOut = "",
    caltype: Annotated[
        Literal[
            "",
            "amp",
            "ph",
            "sbd",
            "mbd",
            "antpos",
            "antposvla",
            "tsys",
            "evlagain",
            "swpow",
            "swpwts",
            "rq",
            "swp/rq",
            "opac",
            "gc",
            "gceff",
            "eff",
            "tecim",
            "jyperk",
            "eop",
        ],
        "What the values are: amplitudes, phases (deg), delays (ns), position offsets (m), opacities, gain curves, ...",
    ] = "",
    infile: Annotated[
        str,
        kinds.Text(),
        "Input: a table of gain curves (gc, gceff), Jy/K factors (jyperk), antenna positions of ALMA (antpos), electron columns (tecim), Earth orientations (eop)",
    ] = "",
    endpoint: Annotated[
        Literal["asdm", "model-fit", "interpolation"], "Jy/K service: how factors are found; for caltype='jyperk' only"
    ] = "asdm",
    timeout: Annotated[int, kinds.Int(), "Jy/K service: seconds to wait; for caltype='jyperk' only"] = 180,
    retry: Annotated[int, kinds.Int(), "Jy/K service: how often to try; for caltype='jyperk' only"] = 3,
    retry_wait_time: Annotated[int, kinds.Int(), "Jy/K service: seconds between tries; for caltype='jyperk' only"] = 5,
    ant_pos_time_limit: Annotated[
        int, kinds.Int(), "Look-up of antenna positions: days after the observation; 0 is no limit"
    ] = 0,
    spw: P.Spw = "",
    antenna: P.Antenna = "",
    pol: Annotated[str, kinds.Text(), "Polarisations 'R', 'L', 'X', 'Y' or a list 'R,L'; '' is all"] = "",
    parameter: Annotated[
        list[float], kinds.FloatList(), "Values: one for all, or one for each combination of spw, antenna and pol, pol fastest"
    ] = [],  # noqa: B006
    uniform: Annotated[
        bool, kinds.Bool(), "Tsys: a row for each antenna at each time, flagged where it has none; else one for each measurement"
    ] = True,
) -> None:
    """Write given calibration values as a table, or join them with those of a table that exists.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        The MeasurementSet is missing, values do not fit what they are for, or the caltype is not available. Nothing is written then.

    Notes
    -----
    Existing gains are multiplied by the new ones; delays, opacities and offsets of positions are added up. Offsets of the VLA's antennas are
    looked up where ``caltype="antpos"`` comes without values, Jy/K factors of ALMA where ``caltype="jyperk"`` comes without a file; where no
    offsets are found, a warning is given and no table written.

    Examples
    --------
    >>> gencal("day1.ms", "day1.tsys", caltype="tsys")  # doctest: +SKIP
    >>> gencal("day1.ms", "day1.ant", caltype="antpos", antenna="ea02", parameter=[0.01, 0.02, 0.0])  # doctest: +SKIP
    """
    from casatools.calibration.generate_table import TableRequest, generate_table
    from casatools.calibration.jy_per_kelvin import ServiceOptions

    service = ServiceOptions(endpoint, timeout, retry, retry_wait_time)
    generate_table(
        vis, caltable, TableRequest(caltype, spw, antenna, pol, tuple(parameter), infile, service, ant_pos_time_limit, uniform)
    )
