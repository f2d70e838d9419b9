"""flagdata: flag visibilities by selection, value, time, elevation, shadowing or automatic algorithms, and count flags."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    Observation,
    Scan,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.flagging.commands import MODE_OPTIONS, FlagCommand, format_command, make_command, parse_line, read_commands
from casatools.flagging.session import flag, save_commands
from casatools.flagging.time_buffers import widen_command

__all__ = ["flagdata"]

# In the order in which CASA writes them into commands.
_SELECTION = ("field", "spw", "array", "feed", "scan", "antenna", "uvrange", "timerange", "correlation", "intent", "observation")


@task(group="flagging", history=("vis",), changes=lambda given: given["action"] == "apply" and given["mode"] != "summary")
def flagdata(
    vis: Vis = "",
    mode: Annotated[
        Literal[
            "list",
            "manual",
            "manualflag",
            "clip",
            "shadow",
            "quack",
            "elevation",
            "tfcrop",
            "rflag",
            "antint",
            "extend",
            "summary",
            "unflag",
            "sumthreshold",
        ],
        "What to do; sumthreshold is a detector beyond the reference",
    ] = "manual",
    autocorr: Annotated[bool, kinds.Bool(), "Flag only autocorrelations"] = False,
    inpfile: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Files of commands or a list of lines, for mode='list'"
    ] = "",
    reason: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Use only commands with these reasons; 'any' is all"
    ] = "any",
    tbuff: Annotated[float, kinds.Float(), "Seconds to widen time ranges of the commands by"] = 0.0,
    spw: Spw = "",
    field: Field = "",
    antenna: Antenna = "",
    uvrange: UvRange = "",
    timerange: TimeRange = "",
    correlation: Correlation = "",
    scan: Scan = "",
    intent: Intent = "",
    array: ArrayId = "",
    observation: Observation = "",
    feed: Feed = "",
    clipminmax: Annotated[list[float], kinds.FloatList(), "Range [min, max] of good values"] = [],  # noqa: B006
    datacolumn: Annotated[
        str,
        kinds.Text(),
        "Column to look at: DATA, CORRECTED, MODEL, RESIDUAL, RESIDUAL_DATA, FLOAT_DATA, WEIGHT, WEIGHT_SPECTRUM",
    ] = "DATA",
    clipoutside: Annotated[bool, kinds.Bool(), "Flag outside the range (else inside)"] = True,
    channelavg: Annotated[bool, kinds.Bool(), "Average channels before"] = False,
    chanbin: Annotated[int, kinds.Int(), "Channels to average"] = 1,
    timeavg: Annotated[bool, kinds.Bool(), "Average in time before"] = False,
    timebin: Annotated[str, kinds.Text(), "Interval to average over, such as '60s'"] = "0s",
    clipzeros: Annotated[bool, kinds.Bool(), "Flag zeros"] = False,
    quackinterval: Annotated[float, kinds.Float(), "Length at the edges of scans [s]"] = 1.0,
    quackmode: Annotated[
        Literal["beg", "endb", "end", "tail"],
        "Part of scans: beginning, end (endb), all but the end (end), all but the beginning (tail)",
    ] = "beg",
    quackincrement: Annotated[bool, kinds.Bool(), "Count from the first or last unflagged data of the scan"] = False,
    tolerance: Annotated[float, kinds.Float(), "Shadowing that is tolerated [m]"] = 0.0,
    addantenna: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Record())), "Antennas to add for shadowing: a record or the name of a file"
    ] = "",
    lowerlimit: Annotated[float, kinds.Float(), "Lowest elevation [deg]"] = 0.0,
    upperlimit: Annotated[float, kinds.Float(), "Highest elevation [deg]"] = 90.0,
    ntime: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Float())), "Length of the pieces looked at: 'scan', seconds or a quantity"
    ] = "scan",
    combinescans: Annotated[bool, kinds.Bool(), "Let pieces go over several scans"] = False,
    timecutoff: Annotated[float, kinds.Float(), "Cut-off along time [sigma]"] = 4.0,
    freqcutoff: Annotated[float, kinds.Float(), "Cut-off along frequency [sigma]"] = 3.0,
    timefit: Annotated[Literal["line", "poly"], "Fit along time"] = "line",
    freqfit: Annotated[Literal["line", "poly"], "Fit along frequency"] = "poly",
    maxnpieces: Annotated[int, kinds.Int(), "Most pieces of the polynomial fit"] = 7,
    flagdimension: Annotated[Literal["freqtime", "timefreq", "freq", "time"], "Order of the dimensions"] = "freqtime",
    usewindowstats: Annotated[Literal["none", "sum", "std", "both"], "Statistics in a sliding window too"] = "none",
    halfwin: Annotated[int, kinds.Int(), "Half width of the sliding window"] = 1,
    extendflags: Annotated[bool, kinds.Bool(), "Extend the flags found"] = True,
    winsize: Annotated[int, kinds.Int(), "Times in the sliding window"] = 3,
    timedev: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.Float(), kinds.Array())),
        "Threshold in time: a number, rows of [field, spw, value] or a file; '' finds it",
    ] = "",
    freqdev: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.Array())), "Threshold in frequency, as timedev"
    ] = "",
    timedevscale: Annotated[float, kinds.Float(), "Factor of the threshold in time"] = 5.0,
    freqdevscale: Annotated[float, kinds.Float(), "Factor of the threshold in frequency"] = 5.0,
    spectralmax: Annotated[float, kinds.Float(), "Flag spectra whose scatter is above this"] = 1000000.0,
    spectralmin: Annotated[float, kinds.Float(), "Flag spectra whose scatter is below this"] = 0.0,
    antint_ref_antenna: Annotated[str, kinds.Text(), "Antenna whose baselines are looked at"] = "",
    minchanfrac: Annotated[float, kinds.Float(), "Fraction of flagged channels from which an integration is flagged"] = 0.6,
    verbose: Annotated[bool, kinds.Bool(), "Say more in the log"] = False,
    extendpols: Annotated[bool, kinds.Bool(), "Flag all correlations where one is flagged"] = True,
    growtime: Annotated[float, kinds.Float(), "Flag all times of a channel that is flagged for more than this percentage"] = 50.0,
    growfreq: Annotated[float, kinds.Float(), "Flag all channels of a time that is flagged for more than this percentage"] = 50.0,
    growaround: Annotated[bool, kinds.Bool(), "Flag what more than four flagged neighbours surround"] = False,
    flagneartime: Annotated[bool, kinds.Bool(), "Flag the times before and after flagged ones"] = False,
    flagnearfreq: Annotated[bool, kinds.Bool(), "Flag the channels beside flagged ones"] = False,
    minrel: Annotated[float, kinds.Float(), "Least fraction flagged to be listed"] = 0.0,
    maxrel: Annotated[float, kinds.Float(), "Largest fraction flagged to be listed"] = 1.0,
    minabs: Annotated[int, kinds.Int(), "Least number flagged to be listed"] = 0,
    maxabs: Annotated[int, kinds.Int(), "Largest number flagged to be listed; negative is no limit"] = -1,
    spwchan: Annotated[bool, kinds.Bool(), "Count per channel"] = False,
    spwcorr: Annotated[bool, kinds.Bool(), "Count per correlation of each spectral window"] = False,
    basecnt: Annotated[bool, kinds.Bool(), "Count per baseline"] = False,
    fieldcnt: Annotated[bool, kinds.Bool(), "Split the counts by field"] = False,
    name: Annotated[str, kinds.Text(), "Name of the summary"] = "Summary",
    action: Annotated[
        Literal["apply", "calculate", "none", ""], "Write the flags (apply), only compute (calculate), or do nothing"
    ] = "apply",
    display: Annotated[
        Literal["", "none", "report", "data", "both"],
        "Write the page <vis>.flags.html of the flags before and after; nothing waits for a window",
    ] = "",
    flagbackup: Annotated[bool, kinds.Bool(), "Save the flags before they change"] = True,
    savepars: Annotated[bool, kinds.Bool(), "Save the parameters as a command"] = False,
    cmdreason: Annotated[str, kinds.Text(), "Reason saved with the command"] = "",
    outfile: Annotated[str, kinds.Text(), "File to save the command into; '' is the FLAG_CMD sub-table"] = "",
    overwrite: Annotated[bool, kinds.Bool(), "Replace the file"] = True,
    writeflags: Annotated[bool, kinds.Bool(), "Write the flags"] = True,
) -> dict[str, Any]:
    """Flag visibilities, or count flags.

    Returns
    -------
    dict
        The counts of ``mode='summary'``, thresholds of ``mode='rflag'`` with ``action='calculate'``, several reports of ``mode='list'``
        as ``{"report0": ..., "report1": ...}``, else ``{}``.

    Raises
    ------
    SelectionError
        The selection cannot be read or matches nothing.
    DataError
        A data column is missing.
    ParameterError
        With `tbuff`, a time range of a command has no dates.

    Examples
    --------
    >>> flagdata("ngc5921.ms", mode="quack", quackinterval=10.0)  # doctest: +SKIP
    """
    given = dict(locals())
    if tbuff and mode != "list":
        raise ParameterError(f"flagdata: parameter 'tbuff' widens the commands of mode='list'; got {tbuff!r} with mode={mode!r}")
    if not vis:
        raise ParameterError("flagdata: parameter 'vis' must name a MeasurementSet; got ''")
    commands = read_commands(inpfile, reason) if mode == "list" else [_command(given)]
    if not commands:
        raise ParameterError(f"flagdata: there is no command in inpfile={inpfile!r} with reason={reason!r}")
    commands = [widen_command(c, tbuff) for c in _named(commands)]
    calculate = action == "calculate"
    record: dict[str, Any] = {}
    if action in ("apply", "calculate"):
        record = flag(
            vis,
            commands,
            write=action == "apply" and writeflags,
            backup="flagdata" if flagbackup and any(c.mode != "summary" for c in commands) else "",
            skip_empty=mode == "list",
            calculate=calculate,
            report=f"{vis.rstrip('/')}.flags.html" if display not in ("", "none") else "",
        )
    if calculate and mode == "rflag":
        _write_thresholds(record, {"timedev": timedev, "freqdev": freqdev})
        commands = [_with_thresholds(commands[0], record)]
    kept = [c for c in commands if c.mode != "summary"]
    if savepars and kept:
        save_commands(vis, kept, outfile, overwrite, cmdreason, applied=action == "apply")
    return record


def _command(given: dict[str, Any]) -> FlagCommand:
    """The one command that the parameters make."""
    mode = "manual" if given["mode"] == "manualflag" else given["mode"]
    values = {k: given[k] for k in _SELECTION if given[k]}
    values.update({k: given[k] for k in MODE_OPTIONS[mode] if k in given})
    if mode == "rflag" and given["action"] == "calculate":  # the names of files to write, not of files to read
        values.update({k: "" for k in ("timedev", "freqdev") if isinstance(given[k], str)})
    values["mode"] = mode
    if "datacolumn" in values and "correlation" in values:  # an expression, not a selection
        values["correlation"] = values.pop("correlation")
    return make_command(values, format_command(values))


def _named(commands: list[FlagCommand]) -> list[FlagCommand]:
    """Summaries without a name of their own in a list get the command's number."""
    if len(commands) == 1:
        return commands
    for k, command in enumerate(commands):
        if command.mode == "summary" and command.options["name"] == "Summary":
            command.options["name"] = f"Summary_{k}"
    return commands


def _with_thresholds(command: FlagCommand, record: dict[str, Any]) -> FlagCommand:
    """The command with the thresholds it has found, so that what is saved applies them."""
    found = {k: np.asarray(record["report0"][k]).tolist() for k in ("timedev", "freqdev")} if "report0" in record else {}
    return dataclasses.replace(command, text=format_command({**parse_line(command.text), **found}))


def _write_thresholds(record: dict[str, Any], names: dict[str, Any]) -> None:
    for name, path in names.items():
        if isinstance(path, str) and path and "report0" in record:
            rows = np.asarray(record["report0"][name]).tolist()
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(str({"name": "Rflag", name: rows}).replace(" ", "") + "\n")
