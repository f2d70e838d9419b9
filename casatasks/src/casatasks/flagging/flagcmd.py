"""flagcmd: keep, list, apply and take back flag commands."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from casatasks._params import Overwrite, Vis
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import OutputExistsError, ParameterError
from casatools.flagging.online_flags import stored_from_xml
from casatools.flagging.stored_commands import (
    apply_stored,
    clear_stored,
    list_stored,
    record_of_stored,
    save_stored,
    stored_from_input,
    stored_from_table,
)

__all__ = ["flagcmd"]


@task(group="flagging", history=("vis",), changes=lambda given: given["action"] in ("apply", "unapply"))
def flagcmd(
    vis: Vis = "",
    inpmode: Annotated[Literal["table", "list", "xml"], "Where the commands are: FLAG_CMD, files or lines"] = "table",
    inpfile: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Another MeasurementSet's FLAG_CMD; files or lines"
    ] = "",
    tablerows: Annotated[list[int], kinds.IntList(), "Rows of FLAG_CMD; none is all"] = [],  # noqa: B006
    reason: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Only commands with these reasons; 'any' is all"
    ] = "any",
    useapplied: Annotated[bool, kinds.Bool(), "Use commands that are marked as applied too"] = False,
    tbuff: Annotated[float, kinds.Float(), "Seconds to widen time ranges by"] = 0.0,
    ants: Annotated[str, kinds.Text(), "Antennas whose commands of an xml file are used"] = "",
    action: Annotated[Literal["apply", "unapply", "list", "plot", "clear", "extract"], "What to do"] = "apply",
    flagbackup: Annotated[bool, kinds.Bool(), "Save the flags before they change"] = True,
    clearall: Annotated[bool, kinds.Bool(), "Clear all rows"] = False,
    rowlist: Annotated[list[int], kinds.IntList(), "Rows to clear"] = [],  # noqa: B006
    plotfile: Annotated[str, kinds.OutPath(), "File of the plot"] = "",
    savepars: Annotated[bool, kinds.Bool(), "Save the commands"] = False,
    outfile: Annotated[str, kinds.OutPath(), "File to save them into; '' is FLAG_CMD"] = "",
    overwrite: Overwrite = True,
) -> Any:
    """List, save, plot, apply and unapply flag commands.

    Returns
    -------
    dict or None
        ``extract``: the commands by row, with ``command, reason, applied, time, interval, type, mode, timerange, antenna`` and others;
        ``plot``: ``{"plotfiles": [name]}``; else None.

    Raises
    ------
    DataError
        There is no command to apply.
    ParameterError, PathMissingError

    Notes
    -----
    ``inpmode='xml'`` reads the Flag.xml, Antenna.xml and SpectralWindow.xml that importasdm leaves in the MeasurementSet.

    Examples
    --------
    >>> flagcmd("ngc5921.ms", inpmode="list", inpfile=["scan='1'"], action="apply")  # doctest: +SKIP
    """
    if (tbuff or ants) and inpmode != "xml":
        raise ParameterError(f"flagcmd: parameters 'tbuff' and 'ants' belong to inpmode='xml'; got {tbuff!r}, {ants!r}")
    if not vis:
        raise ParameterError("flagcmd: parameter 'vis' must name a MeasurementSet; got ''")
    if action == "unapply" and inpmode != "table":
        raise ParameterError("flagcmd: parameter 'inpmode' must be 'table' with action='unapply'; got " + repr(inpmode))
    if plotfile and action != "plot":
        raise ParameterError(f"flagcmd: parameter 'plotfile' belongs to action='plot'; got action={action!r}")
    if action == "clear":
        if not clearall and not rowlist:
            raise ParameterError("flagcmd: parameter 'rowlist' must name rows, or 'clearall' be True, with action='clear'")
        log.post(f"Removed {clear_stored(vis, None if clearall else rowlist)} commands")
        return None
    if savepars and outfile and os.path.lexists(outfile) and not overwrite:
        raise OutputExistsError(f"flagcmd: the output {outfile!r} already exists; give another name or overwrite=True")
    source = inpfile if inpmode == "table" and isinstance(inpfile, str) and inpfile else vis
    if inpmode == "table":
        stored = stored_from_table(source, tablerows, reason, useapplied or action == "unapply")
    elif inpmode == "xml":
        stored = stored_from_xml(vis, reason, tbuff, ants)
    else:
        stored = stored_from_input(inpfile, reason)
    result: Any = None
    if action == "list":
        for line in list_stored(stored):
            log.post(line)
    elif action == "extract":
        result = record_of_stored(stored)
    elif action == "plot":
        from casatools.plotting.flag_commands import plot_flag_commands

        # Nothing waits for a window: without a name the plot lies beside the data.
        name = plotfile or f"{vis.rstrip('/')}.flagcmd.png"
        plot_flag_commands(vis, stored, name)
        result = {"plotfiles": [name]}
    else:
        mark = inpmode == "table" and source == vis
        apply_stored(vis, stored, unapply=action == "unapply", backup=flagbackup, mark=mark, online=inpmode == "xml")
    if savepars:
        save_stored(vis, stored, outfile, overwrite, applied=action == "apply")
    return result
