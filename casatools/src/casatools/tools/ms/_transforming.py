"""Methods that make new MeasurementSets; the work is done in casatools.transform."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent
from casatools.io.ms import Selection
from casatools.tools.ms._selecting import joined
from casatools.tools.ms._state import MsState

_Out = Annotated[str, kinds.OutPath(), "Name of the new MeasurementSet"]
_Expression = Annotated[
    Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Selection expression; nothing is all"
]
_Text = Annotated[str, kinds.Text(numbers=True), "Selection expression; '' is all"]
_Tile = Annotated[list[int], kinds.IntList(), "Accepted for compatibility: only nothing, the tiling is chosen"]


class TransformMethods(MsState):
    """Splitting and importing."""

    @method
    def split(
        self,
        outputms: _Out = "",
        field: _Expression = [],
        spw: _Expression = [],
        step: Annotated[list[int], kinds.IntList(), "Channels averaged into one"] = [1],
        baseline: _Expression = [],
        timebin: Annotated[
            Any, kinds.Variant((kinds.Quantity("s"), kinds.TextList())), "Time bin; nothing does not average"
        ] = [],
        time: _Text = "",
        scan: _Expression = [],
        uvrange: _Expression = [],
        taql: _Text = "",
        whichcol: Annotated[str, kinds.Text(), "Column to split out: DATA, CORRECTED_DATA, MODEL_DATA, FLOAT_DATA"] = "DATA",
        tileshape: _Tile = [],
        subarray: _Expression = [],
        combine: Annotated[str, kinds.Text(), "Let time bins cross scan, state or both"] = "",
        correlation: _Text = "",
        intent: _Text = "",
        obs: _Text = "",
    ) -> bool:
        """Write part of the MeasurementSet to a new one, averaged in frequency and time if wanted."""
        from casatools.transform.splitting import split as run

        if tileshape and any(tileshape):
            raise UnsupportedError(
                f"ms.split: parameter 'tileshape' = {tileshape} is not supported; give [] for the tiling chosen"
            )
        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=joined(baseline), timerange=time, scan=joined(scan), uvrange=joined(uvrange), taql=taql,
            array=joined(subarray), correlation=correlation, intent=intent, observation=obs,
        )  # fmt: skip
        width: Any = step[0] if len(step) == 1 else (step or 1)
        run(self._ms.path, outputms, selection, _column(whichcol, "split"), True, width, _timebin(timebin), combine)
        return True

    @method
    def partition(
        self,
        outputms: _Out = "",
        field: _Expression = [],
        spw: _Expression = [],
        baseline: _Expression = [],
        timebin: Annotated[
            Any, kinds.Variant((kinds.Quantity("s"), kinds.TextList())), "Time bin; nothing does not average"
        ] = [],
        time: _Text = "",
        scan: _Expression = [],
        uvrange: _Expression = [],
        taql: _Text = "",
        whichcol: Annotated[
            str, kinds.Text(), "Column to write out: DATA, CORRECTED_DATA, MODEL_DATA, FLOAT_DATA or ALL"
        ] = "DATA",
        tileshape: _Tile = [],
        subarray: _Expression = [],
        combine: Annotated[str, kinds.Text(), "Let time bins cross scan, state or both"] = "",
        intent: _Text = "",
        obs: _Text = "",
    ) -> bool:
        """Write part of the MeasurementSet to a new one whose sub-tables and IDs stay as they are."""
        from casatools.transform.pipeline import TransformOptions, transform

        if tileshape and any(tileshape):
            raise UnsupportedError(
                f"ms.partition: parameter 'tileshape' = {tileshape} is not supported; give [] for the tiling chosen"
            )
        if _timebin(timebin) != "0s" or combine:
            raise UnsupportedError("ms.partition: averaging in time (timebin, combine) is not supported; use split")
        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=joined(baseline), timerange=time, scan=joined(scan), uvrange=joined(uvrange), taql=taql,
            array=joined(subarray), intent=intent, observation=obs,
        )  # fmt: skip
        require_absent(outputms)
        transform(self._ms.path, outputms, TransformOptions(selection, _column(whichcol, "partition"), reindex=False))
        return True

    @method
    def fromfits(
        self,
        msfile: _Out = "",
        fitsfile: Annotated[str, kinds.InPath(), "The UVFITS file"] = "",
        nomodify: Annotated[bool, kinds.Bool(), "Open the new MeasurementSet for reading only"] = True,
        lock: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = False,
        obstype: Annotated[int, kinds.Int(), "Accepted for compatibility: only 0"] = 0,
        host: Annotated[str, kinds.Text(), "Accepted for compatibility"] = "",
        forcenewserver: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = False,
        antnamescheme: Annotated[str, kinds.Choice(("old", "new")), "Antenna names of VLA data: '4' or 'VA04'"] = "old",
    ) -> bool:
        """Make a MeasurementSet from a UVFITS file and open it."""
        from casatools.transform.foreign import import_uvfits

        if obstype:
            raise UnsupportedError(f"ms.fromfits: parameter 'obstype' = {obstype} is not supported; give 0")
        import_uvfits(fitsfile, msfile, antnamescheme)
        return bool(self.open(msfile, nomodify=nomodify, lock=lock))  # type: ignore[attr-defined]


def _column(whichcol: str, owner: str) -> str:
    """The data column as the transforms name it."""
    column = whichcol.lower() if whichcol.upper() == "FLOAT_DATA" else whichcol.lower().removesuffix("_data")
    if column not in ("data", "corrected", "model", "float_data", "all"):
        raise ParameterError(
            f"ms.{owner}: parameter 'whichcol' must be DATA, CORRECTED_DATA, MODEL_DATA, FLOAT_DATA or ALL; got {whichcol!r}"
        )
    return column


def _timebin(value: Any) -> str:
    """CASA's ways to say "no averaging" as 0s."""
    if value in ("", [], "-1s", "-1"):
        return "0s"
    text = value[0] if isinstance(value, list) else value
    if isinstance(text, dict):
        return f"{text['value']}{text['unit']}"
    return "0s" if str(text) in ("", "-1s", "-1") else (f"{text}s" if isinstance(text, (int, float)) else str(text))
