"""Apply calibration tables to visibilities."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["applycal"]


@task(group="calibration", history=("vis",))
def applycal(
    vis: P.Vis = "",
    field: P.Field = "",
    spw: P.Spw = "",
    intent: P.Intent = "",
    selectdata: P.SelectData = True,
    timerange: P.TimeRange = "",
    uvrange: P.UvRange = "",
    antenna: P.Antenna = "",
    scan: P.Scan = "",
    observation: P.Observation = "",
    msselect: P.MsSelect = "",
    docallib: Annotated[bool, kinds.Bool(), "Take the tables from a calibration library file instead of the lists"] = False,
    callib: Annotated[str, kinds.Text(), "Calibration library file"] = "",
    gaintable: Annotated[list[str], kinds.TextList(drop_empty=True), "Calibration tables to apply"] = [],  # noqa: B006
    gainfield: Annotated[
        list[str],
        kinds.TextList(drop_empty=True, numbers=True),
        "Fields whose solutions are taken, for each table: '', 'nearest' or a list",
    ] = [],  # noqa: B006
    interp: Annotated[
        list[str], kinds.TextList(drop_empty=True), "Interpolation 'time,frequency' for each table, such as 'linear,nearestflag'"
    ] = [],  # noqa: B006
    spwmap: Annotated[
        list[Any],
        kinds.IntList(),
        "Spectral window of the solutions for each of the data; a list for each table when there are several",
    ] = [],  # noqa: B006
    calwt: Annotated[list[bool], kinds.BoolList(), "Scale the weights too, for each table"] = [True],  # noqa: B006
    parang: Annotated[bool, kinds.Bool(), "Correct for parallactic angle"] = False,
    applymode: Annotated[
        Literal["", "calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly"],
        "What is done: calibrate and flag ('' or 'calflag'), also flag what has no solutions, only count, only flag, only calibrate",
    ] = "",
    flagbackup: Annotated[bool, kinds.Bool(), "Save the flags as they were before"] = True,
) -> None:
    """Correct visibilities with calibration tables.

    CORRECTED_DATA becomes DATA with the effects in the tables taken out, data without usable solutions are flagged, and weights
    follow the gains where `calwt` says so.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        A MeasurementSet or table is missing, is of another kind or of other antennas; a list cannot be matched with the tables; the
        selection matches nothing. Nothing is written then.

    Notes
    -----
    WEIGHT (and WEIGHT_SPECTRUM) start from SIGMA, so that repeating a call gives the same result.

    Examples
    --------
    >>> applycal("day1.ms", gaintable=["flux.cal", "bandpass.cal"], gainfield=["nearest", ""])  # doctest: +SKIP
    """
    from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities

    if docallib and not callib:
        raise ParameterError("applycal: parameter 'callib' must name a calibration library file when docallib is True")
    further = {
        "timerange": timerange,
        "uvrange": uvrange,
        "antenna": antenna,
        "scan": scan,
        "observation": observation,
        "taql": msselect,
    }
    selection = {"field": field, "spw": spw, "intent": intent, **(further if selectdata else {})}
    library = LibraryOptions(
        () if docallib else tuple(gaintable),
        tuple(gainfield),
        tuple(interp),
        tuple(spwmap),
        tuple(calwt),
        callib if docallib else "",
    )
    correct_visibilities(vis, selection, library, ApplyOptions(applymode, parang), "applycal" if flagbackup else "")
