"""Phase corrections from water-vapour radiometers."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["wvrgcal"]

_Names = Annotated[list[str], kinds.TextList(drop_empty=True), "Sources, groups of sources or antennas"]


@task(group="calibration")
def wvrgcal(
    vis: P.Vis = "",
    caltable: P.CalTableOut = "",
    toffset: Annotated[float, kinds.Float(), "Offset (s) of the radiometers' times"] = 0.0,
    segsource: Annotated[bool, kinds.Bool(), "Coefficients for each source"] = True,
    sourceflag: _Names = [],  # noqa: B006
    tie: _Names = [],  # noqa: B006
    nsol: Annotated[int, kinds.Int(min=1), "Solutions for the coefficients"] = 1,
    disperse: Annotated[bool, kinds.Bool(), "Correct for dispersion"] = False,
    wvrflag: _Names = [],  # noqa: B006
    statfield: Annotated[str, kinds.Text(), "Field of the statistics"] = "",
    statsource: Annotated[str, kinds.Text(), "Source of the statistics"] = "",
    smooth: Annotated[str, kinds.Text(), "Smooth the solutions to this time"] = "",
    scale: Annotated[float, kinds.Float(), "Scale the corrections"] = 1.0,
    spw: Annotated[list[int], kinds.IntList(), "Spectral windows to correct; [] is all"] = [],  # noqa: B006
    wvrspw: Annotated[list[int], kinds.IntList(), "Spectral windows of the radiometers; [] finds them"] = [],  # noqa: B006
    reversespw: Annotated[str, kinds.Text(), "Spectral windows whose sign is reversed"] = "",
    cont: Annotated[bool, kinds.Bool(), "Estimate the continuum, for cloudy weather"] = False,
    maxdistm: Annotated[float, kinds.Float(), "Largest distance (m) of antennas to interpolate from"] = 500.0,
    minnumants: Annotated[int, kinds.Int(min=1, max=3), "Least number of antennas to interpolate from"] = 2,
    mingoodfrac: Annotated[float, kinds.Float(), "Least fraction of good radiometer data of an antenna"] = 0.8,
    usefieldtab: Annotated[bool, kinds.Bool(), "Take directions from the FIELD sub-table"] = False,
    refant: _Names = [],  # noqa: B006
    offsetstable: Annotated[str, kinds.Text(), "Table of temperature offsets"] = "",
    rseed: Annotated[int, kinds.Int(), "Seed of the sampling"] = 0,
) -> dict[str, Any]:
    """Make a table of phase corrections from the radiometers of ALMA.

    Returns
    -------
    dict
        ``rval`` is 1 and ``success`` False for data without radiometers; the lists for each antenna are empty then.

    Raises
    ------
    PathMissingError, ParameterError
        The MeasurementSet is missing, or there is no name for the table.
    UnsupportedError
        There are radiometer data: corrections from them are not available.
    """
    from casatools.calibration.radiometers import correct_from_radiometers
    from casatools.calibration.solve_session import check_output

    check_output(caltable, False, "B Jones")
    return correct_from_radiometers(vis, wvrspw)
