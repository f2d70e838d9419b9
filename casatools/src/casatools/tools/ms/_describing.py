"""Summaries, statistics, history and headers."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import SelectionError
from casatools.information.column_statistics import column_statistics
from casatools.information.headers import history_lines, write_listing
from casatools.information.listing import summary_lines
from casatools.information.observation_summary import observation_summary, summary_record
from casatools.information.visibility_statistics import VisibilityStatisticsOptions, statistics_of
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection
from casatools.tools.ms._state import MsState

_Text = Annotated[str, kinds.Text(numbers=True), "Selection expression; '' is all"]
_DAY_S = 86400.0


class DescriptionMethods(MsState):
    """What the MeasurementSet holds."""

    def _resolved_rows(self) -> Any:
        return replace(Selection().resolve(self._ms), rows=self._selected)

    @method
    def summary(
        self,
        verbose: Annotated[bool, kinds.Bool(), "List scans, sources and antenna positions too"] = False,
        listfile: Annotated[str, kinds.OutPath(), "Text file for the listing; '' sends it to the log"] = "",
        listunfl: Annotated[bool, kinds.Bool(), "Count unflagged rows"] = False,
        cachesize: Annotated[float, kinds.Float(), "Accepted for compatibility"] = 50.0,
        overwrite: Annotated[bool, kinds.Bool(), "Replace a listing that exists"] = False,
        wantreturn: Annotated[bool, kinds.Bool(), "Give the record back"] = True,
    ) -> Any:
        """List the selected rows' scans, fields, windows and antennas; give CASA's record back."""
        ms = self._ms
        found = observation_summary(ms, self._resolved_rows(), listunfl)
        write_listing(summary_lines(ms.path, found, ms.metadata, verbose, listunfl), listfile, overwrite)
        return summary_record(found, ms.metadata) if wantreturn else {}

    @method
    def getscansummary(self) -> dict[str, Any]:
        """Times, fields, windows and row counts of each scan, by field and state within it."""
        ms = self._ms
        rows = self._selected
        c = {n: np.asarray(ms.read(n, rows)) for n in ("SCAN_NUMBER", "FIELD_ID", "STATE_ID", "DATA_DESC_ID", "TIME", "INTERVAL")}
        spws = np.array([d.spw for d in ms.metadata.data_descriptions], dtype=np.int64)
        out: dict[str, Any] = {}
        for scan in np.unique(c["SCAN_NUMBER"]).tolist():
            parts: dict[str, Any] = {}
            inside = np.flatnonzero(c["SCAN_NUMBER"] == scan)
            pairs = np.stack([c["FIELD_ID"][inside], c["STATE_ID"][inside]], axis=1)
            for field, state in pairs[np.sort(np.unique(pairs, axis=0, return_index=True)[1])].tolist():
                k = inside[(pairs == (field, state)).all(axis=1)]
                ddids = np.unique(c["DATA_DESC_ID"][k]).astype(np.int64)
                parts[str(len(parts))] = {
                    "BeginTime": float(c["TIME"][k].min() / _DAY_S), "EndTime": float(c["TIME"][k].max() / _DAY_S), "FieldId": field,
                    "DDIds": ddids, "SpwIds": np.unique(spws[ddids]), "IntegrationTime": float(c["INTERVAL"][k].mean()),
                    "StateId": state, "nRow": len(k),
                }  # fmt: skip
            out[str(scan)] = parts
        return out

    @method
    def getspectralwindowinfo(self) -> dict[str, Any]:
        """Frequencies and widths [Hz] of the window of each data description that the rows use."""
        meta = self._ms.metadata
        used = set(np.unique(self._ms.read("DATA_DESC_ID", self._selected)).tolist())
        out: dict[str, Any] = {}
        for d in (d for d in meta.data_descriptions if d.id in used):
            w = meta.spectral_windows[d.spw]
            out[str(d.id)] = {
                "Chan1Freq": float(w.chan_freq_hz[0]), "ChanWidth": float(w.chan_width_hz[0]), "Frame": w.frame, "NumChan": w.nchan,
                "NumCorr": meta.polarizations[d.pol].ncorr, "PolId": d.pol, "RefFreq": w.ref_frequency_hz, "SpectralWindowId": d.spw,
                "TotalWidth": w.total_bandwidth_hz,
            }  # fmt: skip
        return out

    @method
    def getreferencedtables(self) -> list[str]:
        """Absolute paths of the tables that this one refers to."""
        return [os.path.abspath(self._ms.path)]

    @method
    def listhistory(self) -> bool:
        """Send the HISTORY to the log."""
        log.post("\n".join(history_lines(self._ms.path)))
        return True

    @method
    def listfits(self, fitsfile: Annotated[str, kinds.InPath(), "Name of the FITS file"]) -> bool:
        """Send the headers of a FITS file to the log."""
        from casatools.information.fits_listing import fits_lines

        log.post("\n".join(fits_lines(fitsfile)))
        return True

    @method
    def writehistory(
        self,
        message: Annotated[str, kinds.Text(), "Message"] = "",
        parms: Annotated[str, kinds.Text(), "Parameters, kept as the message's command"] = "",
        origin: Annotated[str, kinds.Text(), "Who writes"] = "MSHistoryHandler::addMessage()",
        msname: Annotated[str, kinds.InPath(), "MeasurementSet; '' is the open one"] = "",
        app: Annotated[str, kinds.Text(), "Application"] = "ms",
    ) -> bool:
        """Add a message to the HISTORY."""
        return self._write_history([message], parms, origin, msname, app)

    @method
    def writehistory_batch(
        self,
        messages: Annotated[list[str], kinds.TextList(), "Messages"] = [],
        parms: Annotated[str, kinds.Text(), "Parameters, kept as the messages' command"] = "",
        origin: Annotated[str, kinds.Text(), "Who writes"] = "MSHistoryHandler::addMessage()",
        msname: Annotated[str, kinds.InPath(), "MeasurementSet; '' is the open one"] = "",
        app: Annotated[str, kinds.Text(), "Application"] = "ms",
    ) -> bool:
        """Add messages to the HISTORY."""
        return self._write_history(messages, parms, origin, msname, app)

    def _write_history(self, messages: list[str], parms: str, origin: str, msname: str, app: str) -> bool:
        if msname:
            with MeasurementSet(msname) as other:
                other.append_history(origin, messages, app, parms)
        else:
            self._ms.append_history(origin, messages, app, parms)
        return True

    @method
    def metadata(self, cachesize: Annotated[float, kinds.Float(), "Accepted for compatibility"] = 50.0) -> Any:
        """A msmetadata tool on the open MeasurementSet."""
        from casatools.tools.msmetadata import msmetadata

        tool = msmetadata()
        tool.open(self._ms.path)
        return tool

    @method
    def statistics(
        self,
        column: Annotated[str, kinds.Text(), "Column"] = "",
        complex_value: Annotated[str, kinds.Text(), "Part of complex values: amplitude, phase, real, imaginary"] = "",
        useflags: Annotated[bool, kinds.Bool(), "Leave flagged data out"] = True,
        useweights: Annotated[bool, kinds.Bool(), "Weight the data"] = False,
        spw: _Text = "",
        field: _Text = "",
        baseline: _Text = "",
        uvrange: _Text = "",
        time: _Text = "",
        correlation: _Text = "",
        scan: _Text = "",
        intent: _Text = "",
        array: _Text = "",
        obs: _Text = "",
        reportingaxes: Annotated[str, kinds.Text(), "Comma separated out of ddid, field, integration; '' is one record"] = "",
        timeaverage: Annotated[bool, kinds.Bool(), "Average in time before"] = False,
        timebin: Annotated[str, kinds.Text(), "Interval to average over"] = "0s",
        timespan: Annotated[str, kinds.Text(), "Boundaries that averages may cross"] = "",
        maxuvwdistance: Annotated[float, kinds.Float(), "Largest uv distance of averaged visibilities"] = 0.0,
        doquantiles: Annotated[bool, kinds.Bool(), "Compute median and quartiles too"] = True,
    ) -> dict[str, Any]:
        """Statistics of a column, one record for each combination of the reporting axes."""
        selection = Selection(
            spw=spw, field=field, antenna=baseline, uvrange=uvrange, timerange=time, correlation=correlation, scan=scan, intent=intent,
            array=array, observation=obs,
        )  # fmt: skip
        axes = tuple(a.strip() for a in reportingaxes.split(",") if a.strip())
        options = VisibilityStatisticsOptions(
            column or "DATA", complex_value or "amplitude", useflags, useweights, axes, doquantiles
        )
        if timeaverage:
            from casatools.information.averaged_statistics import TimeAveraging, averaged_statistics

            averaging = TimeAveraging(timebin, timespan, maxuvwdistance)
            within = None if self._rows is None else self._within(selection).rows
            return averaged_statistics(self._ms, selection, options, averaging, within)
        return statistics_of(self._ms, self._within(selection), options)

    def _within(self, selection: Selection) -> ResolvedSelection:
        """A selection among the rows that are selected already."""
        found = selection.resolve(self._ms)
        if self._rows is None:
            return found
        rows = np.intersect1d(found.rows, self._rows, assume_unique=True)
        if not len(rows):
            raise SelectionError(
                "ms.statistics: the selection by parameters has no row in common with that of the tool; call reset"
            )
        return replace(found, rows=rows)

    @method
    def statisticsold(
        self,
        column: Annotated[str, kinds.Text(), "Column"] = "",
        complex_value: Annotated[str, kinds.Text(), "Part of complex values: amplitude, phase, real, imaginary"] = "",
        useflags: Annotated[bool, kinds.Bool(), "Leave flagged data out"] = True,
        spw: _Text = "",
        field: _Text = "",
        baseline: _Text = "",
        uvrange: _Text = "",
        time: _Text = "",
        correlation: _Text = "",
        scan: _Text = "",
        array: _Text = "",
        obs: _Text = "",
    ) -> dict[str, Any]:
        """Statistics of a column in one record named after it, with the spread of the quartiles.

        A column of vectors has one record a component, ``UVW_0, UVW_1, UVW_2``; of all rows, since flags belong to visibilities.
        """
        name = column.upper()
        if name in ("UVW", "WEIGHT", "SIGMA"):
            selection = Selection(spw=spw, field=field, antenna=baseline, uvrange=uvrange, timerange=time, scan=scan, array=array, observation=obs)  # fmt: skip
            cells = self._ms.read(name, self._within(selection).rows)
            return {f"{name}_{k}": column_statistics(cells[:, k]) for k in range(cells.shape[1])}
        found = self.statistics(
            column, complex_value, useflags, spw=spw, field=field, baseline=baseline, uvrange=uvrange, time=time, correlation=correlation,
            scan=scan, array=array, obs=obs,
        )[""]  # fmt: skip
        kept = ("max", "mean", "medabsdevmed", "median", "min", "npts", "rms", "stddev", "sum", "sumsq")
        spread = {"quartile": found["thirdquartile"] - found["firstquartile"], "var": found["variance"]}
        return {(column or "DATA").upper(): {k: found[k] for k in kept if k in found} | spread}

    @method
    def getfielddirmeas(
        self,
        dircolname: Annotated[str, kinds.Text(), "PHASE_DIR, DELAY_DIR or REFERENCE_DIR"] = "PHASE_DIR",
        fieldid: Annotated[int, kinds.Int(), "Field ID"] = 0,
        time: Annotated[float, kinds.Float(), "Time, MJD seconds; 0 is the field's own"] = 0.0,
        format: Annotated[str, kinds.Text(), "measure or string"] = "measure",
    ) -> Any:
        """A direction of a field as a measure."""
        from casatools._base.errors import ParameterError
        from casatools.tools.msmetadata._fields import direction, evaluate

        fields = self._ms.metadata.fields
        if not 0 <= fieldid < len(fields):
            raise ParameterError(f"ms.getfielddirmeas: there is no field {fieldid}; IDs are 0 to {len(fields) - 1}")
        row = fields[fieldid]
        columns = {"PHASE_DIR": (row.phase_dir, row.phase_frame), "DELAY_DIR": (row.delay_dir, row.delay_frame),
                   "REFERENCE_DIR": (row.reference_dir, row.reference_frame)}  # fmt: skip
        if dircolname.upper() not in columns:
            raise ParameterError(
                f"ms.getfielddirmeas: parameter 'dircolname' must be one of {', '.join(columns)}; got {dircolname!r}"
            )
        if format not in ("measure", "string"):
            raise ParameterError(f"ms.getfielddirmeas: parameter 'format' must be measure or string; got {format!r}")
        polynomial, frame = columns[dircolname.upper()]
        longitude, latitude = evaluate(polynomial, time, row.time_s)
        if format == "string":
            cosine = np.cos(latitude)
            return f"Direction: [{cosine * np.cos(longitude):.6g}, {cosine * np.sin(longitude):.6g}, {np.sin(latitude):.6g}]"
        return direction((longitude, latitude), frame)
