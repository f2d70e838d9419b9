"""Methods that make new MeasurementSets; the work is done in casatools.transform."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
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
_Tile = Annotated[
    list[int],
    kinds.IntList(),
    "Tile of the visibilities: correlations, channels, rows; [1] for whole integrations, nothing leaves the choice to the program",
]
_Tolerance = Annotated[
    Any,
    kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True), kinds.Record())),
    "Tolerance; nothing is 1 Hz or 1 mas",
]
_GridValue = Annotated[
    Any,
    kinds.Variant((kinds.Int(), kinds.Text(numbers=True), kinds.TextList(numbers=True), kinds.Record())),
    "Channel number, frequency or velocity, by the mode; nothing is the data's own",
]


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

        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=joined(baseline), timerange=time, scan=joined(scan), uvrange=joined(uvrange), taql=taql,
            array=joined(subarray), correlation=correlation, intent=intent, observation=obs,
        )  # fmt: skip
        width: Any = step[0] if len(step) == 1 else (step or 1)
        # The tool's split has always made this column.
        made = ("WEIGHT_SPECTRUM",)
        run(
            self._ms.path, outputms, selection, _column(whichcol, "split"), True, width, _timebin(timebin), combine, spectra=made,
            tileshape=tuple(tileshape) or (0,),
        )  # fmt: skip
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
        from casatools.transform.parameters import parse_span, parse_timebin_s
        from casatools.transform.pipeline import TimeAverage, TransformOptions, transform

        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=joined(baseline), timerange=time, scan=joined(scan), uvrange=joined(uvrange), taql=taql,
            array=joined(subarray), intent=intent, observation=obs,
        )  # fmt: skip
        require_absent(outputms)
        column = _column(whichcol, "partition")
        bin_s = parse_timebin_s(_timebin(timebin))
        average = TimeAverage(bin_s, parse_span(combine, "combine", ("scan", "state", "field"))) if bin_s > 0 else None
        options = TransformOptions(
            selection, column, time_average=average, reindex=False, spectra=("WEIGHT_SPECTRUM",), tileshape=tuple(tileshape) or (0,),
        )  # fmt: skip
        transform(self._ms.path, outputms, options)
        return True

    @method
    def createmultims(
        self,
        outputTableName: Annotated[str, kinds.OutPath(), "The new multi-MS"],
        tables: Annotated[list[str], kinds.TextList(), "MeasurementSets; they are moved into it"],
        subtables: Annotated[list[str], kinds.TextList(), "Sub-tables that are joined as well"],
        nomodify: Annotated[bool, kinds.Bool(), "Open it for reading only"] = True,
        lock: Annotated[bool, kinds.Bool(), "Accepted for compatibility: locks are taken as needed"] = False,
        copysubtables: Annotated[bool, kinds.Bool(), "Copy the sub-tables of the first over those of the others"] = False,
        omitsubtables: Annotated[list[str], kinds.TextList(), "Sub-tables that are not copied"] = [],
    ) -> bool:
        """Move MeasurementSets into a new multi-MS and open it."""
        from casatools.transform.multi_ms import make_multi_ms

        if lock:
            raise UnsupportedError("ms.createmultims: parameter 'lock'=True is not supported: locks are taken as needed")
        given = [t for t in tables if t]
        make_multi_ms(outputTableName, given, [t for t in subtables if t], copysubtables, [t for t in omitsubtables if t])
        return bool(self.open(outputTableName, nomodify=nomodify))  # type: ignore[attr-defined]

    @method
    def cvelfreqs(
        self,
        spwids: Annotated[list[int], kinds.IntList(), "Spectral windows, joined when there are several"] = [0],
        fieldids: Annotated[list[int], kinds.IntList(), "Fields; the first one's direction is used"] = [0],
        obstime: Annotated[
            str, kinds.Text(), "Time of the frame conversion, as 2019/05/01/04:39:00; '' is the first of the data"
        ] = "",
        mode: Annotated[str, kinds.Text(), "channel, channel_b, frequency or velocity"] = "channel",
        nchan: Annotated[int, kinds.Int(), "New channels; -1 for as many as fit"] = -1,
        start: _GridValue = [],
        width: _GridValue = [],
        phasec: Annotated[
            Any, kinds.Variant((kinds.Text(), kinds.Int(), kinds.Record())), "Direction of the conversion, or a field"
        ] = [],
        restfreq: Annotated[Any, kinds.Variant((kinds.Quantity("Hz"), kinds.TextList())), "Rest frequency for velocities"] = [],
        outframe: Annotated[str, kinds.Text(), "Spectral frame of the new channels; '' is that of the data"] = "",
        veltype: Annotated[str, kinds.Text(), "radio or optical"] = "radio",
        verbose: Annotated[bool, kinds.Bool(), "Tell about the grid in the log"] = True,
    ) -> np.ndarray:
        """Centres [Hz] of the channels that cvel would make; none, with a warning, where channels would be narrower than the data's."""
        from casatools.transform.regridding import grid_of_windows

        # A width of -1 is as if not given, in the reference too; mstransform's is one channel backwards.
        if mode == "channel" and str(width) == "-1":
            width = []
        low, high = grid_of_windows(
            self._ms, list(spwids), list(fieldids), obstime, outframe, phasec,
            {"mode": mode, "nchan": nchan, "start": start, "width": width, "restfreq": restfreq, "veltype": veltype},
        )  # fmt: skip
        if verbose and len(low):
            log.post(f"ms.cvelfreqs: {len(low)} channels from {low[0]:.9g} to {high[-1]:.9g} Hz")
        return np.asarray(0.5 * (low + high))

    @method
    def statwt(
        self,
        combine: Annotated[str, kinds.Text(), "What bins go across: corr, scan, field, state"] = "",
        timebin: Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text(), kinds.Quantity("s"))), "Integrations, or a time"] = 1,
        slidetimebin: Annotated[bool, kinds.Bool(), "Each integration has a bin of its own"] = False,
        chanbin: Annotated[
            Any, kinds.Variant((kinds.Int(), kinds.Text(), kinds.Quantity("Hz"))), "'spw', channels or a frequency"
        ] = "spw",
        minsamp: Annotated[int, kinds.Int(), "Samples a bin needs"] = 2,
        statalg: Annotated[str, kinds.Text(), "classic, chauvenet, fit-half or hinges-fences"] = "classic",
        fence: Annotated[float, kinds.Float(), "For hinges-fences"] = -1.0,
        center: Annotated[str, kinds.Text(), "For fit-half: mean, median or zero"] = "mean",
        lside: Annotated[bool, kinds.Bool(), "For fit-half: use what is below"] = True,
        zscore: Annotated[float, kinds.Float(), "For chauvenet"] = -1.0,
        maxiter: Annotated[int, kinds.Int(), "For chauvenet"] = -1,
        fitspw: Annotated[str, kinds.Text(), "Channels that count"] = "",
        excludechans: Annotated[bool, kinds.Bool(), "These are left out instead"] = False,
        wtrange: Annotated[list[float], kinds.FloatList(), "Lowest and highest weight"] = [],
        preview: Annotated[bool, kinds.Bool(), "Write nothing"] = False,
        datacolumn: Annotated[str, kinds.Text(), "data, corrected, residual or residual_data"] = "corrected",
    ) -> dict[str, float]:
        """Set the weights of the selected rows to the inverse variances of the data; see the task statwt.

        Raises
        ------
        ParameterError, DataError
            A value is wrong or a column is missing; nothing is written then.
        """
        from casatools.transform.statistical_weights import StatisticalWeightOptions, set_statistical_weights

        options = StatisticalWeightOptions(
            combine, timebin, slidetimebin, chanbin, minsamp, statalg, fence, center, lside, zscore, maxiter, fitspw, excludechans,
            tuple(wtrange), preview, datacolumn,
        )  # fmt: skip
        return set_statistical_weights(self._ms.path, {}, options, rows=self._rows)

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

    @method
    def tofits(
        self,
        fitsfile: Annotated[str, kinds.OutPath(), "Name of the UVFITS file"] = "",
        column: Annotated[
            str, kinds.Choice(("data", "corrected", "model", "weight"), fold=True), "Column to export"
        ] = "corrected",
        field: _Expression = [],
        spw: _Expression = [],
        baseline: _Expression = [],
        time: _Text = "",
        scan: _Expression = [],
        uvrange: _Expression = [],
        taql: _Text = "",
        writesyscal: Annotated[bool, kinds.Bool(), "Write system temperatures as a TY table"] = False,
        multisource: Annotated[bool, kinds.Bool(), "Write a source table also where there is one field"] = False,
        combinespw: Annotated[bool, kinds.Bool(), "Write spectral windows as IFs, not as frequency setups"] = False,
        writestation: Annotated[bool, kinds.Bool(), "Write stations, not names, of the antennas"] = False,
        padwithflags: Annotated[bool, kinds.Bool(), "Write flagged data where an IF has none"] = False,
        overwrite: Annotated[bool, kinds.Bool(), "Replace a file that is there"] = False,
    ) -> bool:
        """Write the selected part as a UVFITS file; see the task exportuvfits."""
        from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits

        selection = Selection(
            field=joined(field), spw=joined(spw), antenna=joined(baseline), timerange=time, scan=joined(scan), uvrange=joined(uvrange), taql=taql,
        )  # fmt: skip
        options = UvfitsOptions(column, writesyscal, multisource, combinespw, writestation, padwithflags)
        export_uvfits(self._ms.path, fitsfile, selection, options, overwrite)
        return True

    @method
    def continuumsub(
        self,
        field: _Expression = [],
        fitspw: _Expression = [],
        spw: _Expression = [],
        solint: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.TextList())), "int, inf (0), or a time"] = [],
        fitorder: Annotated[int, kinds.Int(min=0), "Order of the polynomial"] = 0,
        mode: Annotated[str, kinds.Choice(("subtract", "replace", "model"), fold=True), "What is written"] = "subtract",
    ) -> bool:
        """Fit the continuum of DATA and write it to MODEL_DATA and the rest to CORRECTED_DATA; see the task uvcontsub_old.

        Raises
        ------
        DataError
            The MeasurementSet is not open for writing.
        """
        from casatools.transform.old_continuum import OldContinuumOptions
        from casatools.transform.uvcontsub_old import continuum_columns

        path = self._writable_path("continuumsub")
        given = solint[0] if isinstance(solint, list) and solint else solint
        options = OldContinuumOptions(joined(fitspw), solint="inf" if given in ([], "") else given, fitorder=fitorder)
        continuum_columns(path, Selection(field=joined(field), spw=joined(spw)), options, mode)
        return True

    @method
    def continuumsubold(
        self,
        field: _Expression = [],
        fitspw: _Expression = [],
        spw: _Expression = [],
        solint: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.TextList())), "int, inf (0), or a time"] = [],
        fitorder: Annotated[int, kinds.Int(min=0), "Order of the polynomial"] = 0,
        mode: Annotated[str, kinds.Choice(("subtract", "replace", "model"), fold=True), "What is written"] = "subtract",
    ) -> bool:
        """The same as continuumsub."""
        return bool(self.continuumsub(field, fitspw, spw, solint, fitorder, mode))

    @method
    def contsub(
        self,
        outputms: _Out = "",
        fitspw: _Expression = [],
        fitorder: Annotated[int, kinds.Int(min=0), "Order of the polynomial"] = 1,
        combine: Annotated[str, kinds.Text(), "Only '' or scan: spectra are fitted one by one"] = "",
        spw: _Expression = "*",
        unionspw: _Text = "*",
        field: _Text = "",
        scan: _Text = "",
        intent: _Text = "",
        correlation: _Text = "",
        obs: _Text = "",
        whichcol: Annotated[str, kinds.Text(), "Column to subtract from: DATA, CORRECTED_DATA, MODEL_DATA"] = "CORRECTED_DATA",
    ) -> bool:
        """Subtract the continuum of each spectrum and write the rest to a new MeasurementSet.

        Notes
        -----
        `unionspw` is what CASA reads to have both the channels fitted and those written; here what is needed is always read, and `unionspw` must
        hold the spectral windows of both.

        Raises
        ------
        ParameterError
            It does not; nothing is written then.
        """
        from casatools.transform.old_continuum import OldContinuumOptions
        from casatools.transform.uvcontsub_old import uvcontsub_old

        require_absent(outputms)
        self._require_union(unionspw, joined(spw), joined(fitspw))
        selection = Selection(
            field=field,
            spw="" if joined(spw) == "*" else joined(spw),
            scan=scan,
            intent=intent,
            correlation=correlation,
            observation=obs,
        )
        options = OldContinuumOptions(joined(fitspw), combine=combine, solint="int", fitorder=fitorder)
        column = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA"}.get(_column(whichcol, "contsub"))
        if column is None:
            raise ParameterError(f"ms.contsub: parameter 'whichcol' must be DATA, CORRECTED_DATA or MODEL_DATA; got {whichcol!r}")
        uvcontsub_old(self._ms.path, selection, options, False, outputms, column)
        return True

    def _require_union(self, union: str, *parts: str) -> None:
        """Raise ParameterError where spectral windows of `parts` are not among those of `union`."""
        if union.strip() in ("", "*"):
            return
        held, *needed = (
            {int(s) for s in Selection(spw="" if text.strip() == "*" else text).resolve(self._ms, allow_empty=True).spws}
            for text in (union, *(p for p in parts if p.strip() not in ("", "*")))
        )
        lacking = sorted(set().union(*needed) - held)
        if lacking:
            raise ParameterError(
                f"ms.contsub: parameter 'unionspw' = {union!r} lacks spectral window {lacking[0]}, which is to be fitted or written"
            )

    @method
    def concatenate(
        self,
        msfile: Annotated[str, kinds.InPath(), "MeasurementSet that is joined to the open one"] = "",
        freqtol: _Tolerance = [],
        dirtol: _Tolerance = [],
        weightscale: Annotated[float, kinds.Float(), "Factor of its weights"] = 1.0,
        handling: Annotated[int, kinds.Int(min=0, max=3), "1 leaves out its rows, 2 its pointings, 3 both"] = 0,
        destmsfile: Annotated[str, kinds.OutPath(), "Write its rows here, renumbered; the open one gets sub-tables only"] = "",
        respectname: Annotated[bool, kinds.Bool(), "Fields of other names are other fields"] = False,
    ) -> bool:
        """Join another MeasurementSet to the open one, which is replaced when the whole is complete; see the task concat."""
        from casatools.transform.concatenating import ConcatOptions, concatenate, join_apart, join_subtables

        options = ConcatOptions(_merging(freqtol, dirtol, respectname), copypointing=handling < 2, weight_scale=(weightscale,))
        if destmsfile and handling in (1, 3):
            raise ParameterError(f"ms.concatenate: handling={handling} leaves out the rows that destmsfile={destmsfile!r} is for")
        if destmsfile:
            require_absent(destmsfile)
        with self._being_replaced("concatenate") as path:
            if destmsfile:
                join_apart(msfile, path, destmsfile, options)
            elif handling in (1, 3):
                join_subtables(msfile, path, options)
            else:
                concatenate([msfile], path, options)
        return True

    @method
    def testconcatenate(
        self,
        msfile: Annotated[str, kinds.InPath(), "MeasurementSet whose sub-tables are joined to those of the open one"] = "",
        freqtol: _Tolerance = [],
        dirtol: _Tolerance = [],
        respectname: Annotated[bool, kinds.Bool(), "Fields of other names are other fields"] = False,
    ) -> bool:
        """Join the sub-tables of another MeasurementSet to those of the open one, without its rows and pointings."""
        return bool(self.concatenate(msfile, freqtol, dirtol, handling=3, respectname=respectname))

    @method
    def virtconcatenate(
        self,
        msfile: Annotated[str, kinds.InPath(), "MeasurementSet that is to stand beside the open one in a multi-MS"] = "",
        auxfilename: Annotated[
            str, kinds.Text(), "File of the scans taken so far, read and written; it keeps scans of several calls apart"
        ] = "",
        freqtol: _Tolerance = [],
        dirtol: _Tolerance = [],
        weightscale: Annotated[float, kinds.Float(), "Factor of its weights"] = 1.0,
        respectname: Annotated[bool, kinds.Bool(), "Fields of other names are other fields"] = True,
    ) -> bool:
        """Join the sub-tables of another MeasurementSet to those of the open one and renumber its identifiers; createmultims can join the two then."""
        from casatools.transform.concatenating import ConcatOptions, join_virtually

        path = self._writable_path("virtconcatenate")
        join_virtually(
            msfile, path, ConcatOptions(_merging(freqtol, dirtol, respectname), weight_scale=(weightscale,)), auxfilename
        )
        self.open(path, nomodify=False)  # type: ignore[attr-defined]
        return True

    @method
    def fromfitsidi(
        self,
        msfile: _Out = "",
        fitsfile: Annotated[str, kinds.Text(), "The FITS-IDI file"] = "",
        nomodify: Annotated[bool, kinds.Bool(), "Open the new MeasurementSet for reading only"] = True,
        lock: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = False,
        obstype: Annotated[int, kinds.Int(), "Accepted for compatibility"] = 0,
    ) -> bool:
        """Make a MeasurementSet from a FITS-IDI file: not supported yet.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError(
            f"ms.fromfitsidi: FITS-IDI files ({fitsfile!r}) are not supported yet; convert them to UVFITS and use fromfits"
        )


def _merging(freqtol: Any, dirtol: Any, respectname: bool) -> Any:
    from casatools.transform.concatenating import merge_options

    given = [t[0] if isinstance(t, list) and t else "" if t == [] else t for t in (freqtol, dirtol)]
    return merge_options(given[0], given[1], respectname)


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
