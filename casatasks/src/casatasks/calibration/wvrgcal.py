"""Phase corrections from water-vapour radiometers."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

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
    rseed: Annotated[int, kinds.Int(), "Not needed: the coefficients are integrals, not samples"] = 0,
) -> dict[str, Any]:
    """Make a table of phase corrections from the radiometers of ALMA.

    The brightness of the water line at 183 GHz gives the water above each antenna and how the excess path follows the brightness. The table
    (T Jones) has a phase for every antenna and integration of the radiometers, at the middle of each spectral window.

    Returns
    -------
    dict
        For each antenna ``Name``, ``WVR``, ``Flag``, ``Frac_unflagged``, ``RMS_um`` and ``Disc_um``. ``rval`` is 1 and ``success`` False
        for data without useful radiometers; the lists are empty then and no table is written.

    Raises
    ------
    PathMissingError, ParameterError
        The MeasurementSet is missing, there is no name for the table, or a parameter names what the data do not have.

    References
    ----------
    Nikolic, Bolton, Graves, Hills, Richer 2013, A&A 552, A104; ALMA Memos 587, 588 and 593.
    """
    from casatools.calibration.radiometer_paths import RadiometerOptions, correct_from_radiometers
    from casatools.calibration.solve_session import seconds_of

    options = RadiometerOptions(
        toffset, segsource, tuple(sourceflag), tuple(tie), nsol, disperse, tuple(wvrflag), statfield, statsource,
        seconds_of(smooth, "smooth") if smooth.strip() else 0.0, scale, tuple(spw), tuple(wvrspw), _windows(reversespw), cont, maxdistm,
        minnumants, mingoodfrac, usefieldtab, tuple(refant), offsetstable,
    )  # fmt: skip
    return correct_from_radiometers(vis, caltable, options)


def _windows(text: str) -> tuple[int, ...]:
    """Spectral windows of a list such as '1,3~5'."""
    out: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("~")
        if not part:
            continue
        if not first.isdigit() or (last and not last.isdigit()):
            raise ParameterError(f"wvrgcal: parameter 'reversespw' must list spectral windows, such as '1,3~5'; got {text!r}")
        out += range(int(first), int(last or first) + 1)
    return tuple(out)
