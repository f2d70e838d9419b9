"""A whole solve of the gaincal and bandpass kind: validate, select, apply priors, solve, write, report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.paths import require_writable_parent
from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.residuals import table_quality
from casatools.calibration.same_array import match_antennas
from casatools.calibration.solve import SolveResult, solve
from casatools.calibration.solve_options import SolveOptions
from casatools.io.caltable import CalTable, is_caltable
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection

__all__ = [
    "LAST_WEIGHED",
    "PriorTables",
    "activity_record",
    "check_output",
    "create_table",
    "edit_table",
    "priors_from",
    "require_table",
    "selection_from",
    "seconds_of",
    "selection_record",
    "solve_to_table",
    "source_record",
]


# Solves of terms up to this place in the measurement equation weigh by all tables of a library, whatever its lines say, as the reference's numbers show.
LAST_WEIGHED = 5


@dataclass(frozen=True)
class PriorTables:
    """Calibration tables applied on the fly, as the tasks name them."""

    gaintable: Sequence[str] = ()
    gainfield: Sequence[str] = ()
    interp: Sequence[str] = ()
    spwmap: Sequence[Any] = ()
    parang: bool = False
    callib: str = ""
    calwt: Sequence[bool] = (True,)
    lines: str = ""
    paths: list[str] = field(default_factory=list)

    def open(self, ms: MeasurementSet, by_channel: bool = False, weighs: bool = False) -> PriorCalibration | None:
        """Read the tables; None when there is nothing to apply.

        Parameters
        ----------
        ms : MeasurementSet
        by_channel : bool
            Bandpasses scale the weight of each channel, as in solves of channels.
        weighs : bool
            Tables of a library scale weights whatever its lines say of calwt.

        Raises
        ------
        PathMissingError, DataError, ParameterError
            A table cannot be used.
        """
        if self.lines:
            library = CalibrationLibrary.from_text(ms, self.lines)
        elif self.callib:
            library = CalibrationLibrary.from_callib(ms, self.callib)
        elif any(self.gaintable):
            library = CalibrationLibrary.from_lists(ms, self.gaintable, self.gainfield, self.interp, self.spwmap, self.calwt)
        else:
            library = CalibrationLibrary()
        if weighs and (self.lines or self.callib):
            library = library.with_weights()
        listed = [p for p in self.gaintable if p]
        self.paths.extend(listed or [e.path for e in library.entries])
        if not library.entries and not self.parang:
            return None
        return PriorCalibration(ms, library, self.parang, by_channel)


def check_output(caltable: str, append: bool, vis_cal: str) -> None:
    """Refuse an output that cannot be written, before anything is read.

    Raises
    ------
    ParameterError
        No name.
    DataError
        The folder cannot be written, something else is there, or the table to append to is of another kind.
    """
    if not caltable.strip():
        raise ParameterError("parameter 'caltable' must be the name of the output table; got ''")
    require_writable_parent(caltable)
    if os.path.lexists(caltable.rstrip("/")) and not is_caltable(caltable):
        raise DataError(f"{caltable!r} exists and is not a calibration table; it is not replaced")
    if append and os.path.lexists(caltable.rstrip("/")):
        present = CalTable.open(caltable)
        if present.vis_cal != vis_cal:
            raise DataError(
                f"calibration table {caltable!r} holds {present.vis_cal}; {vis_cal} solutions cannot be appended to it"
            )
    elif append:
        log.post(f"append=True, but the calibration table {caltable} does not exist; it is made", "WARN")


def solve_to_table(
    vis: str, caltable: str, selection: Selection, options: SolveOptions, priors: PriorTables, append: bool = False
) -> dict[str, Any]:
    """Solve and write a calibration table.

    Returns
    -------
    dict
        ``apply_tables``, ``selectvis``, ``solve_tables``, ``solvestats`` as gaincal returns them.

    Raises
    ------
    CasaError
        See `solve`; nothing is written then.
    """
    check_output(caltable, append, options.solved.vis_cal)
    with MeasurementSet(vis) as ms:
        selected = selection.resolve(ms)
        by_channel = options.solved.channels and options.solved.form not in ("cross_phase", "position_angle")
        prior = priors.open(ms, by_channel, options.solved.order <= LAST_WEIGHED)
        result: SolveResult = solve(ms, selected, options, prior)
        record = selection_record(ms, selected)
    result.write(caltable, append)
    _report(result, caltable)
    return {
        "apply_tables": np.array(priors.paths, dtype=str),
        "selectvis": record,
        "solve_tables": np.array([caltable]),
        "solvestats": result.statistics.record(),
    }


def activity_record(vis: str, selection: Mapping[str, str], priors: PriorTables) -> dict[str, Any]:
    """What `solve_to_table` returns, of a session that has not solved yet."""
    with MeasurementSet(vis) as ms:
        record = selection_record(ms, Selection(**selection).resolve(ms))
    return {"apply_tables": np.array(priors.gaintable, dtype=str), "selectvis": record, "solve_tables": np.array([], dtype=str)}


def _report(result: SolveResult, caltable: str) -> None:
    """One line for the log; counts by spectral window and antennas at a lower priority."""
    total = result.statistics.record()
    quality = table_quality(result.table, caltable)
    counts = [int(np.max(total[k])) for k in ("expected", "data_unflagged", "above_minblperant", "above_minsnr")]
    log.post(
        f"{quality.line()}; {counts[0]} intervals, {counts[1]} with data, {counts[2]} with enough baselines, {counts[3]} with enough signal",
        "WARN" if quality.flagged == quality.count else "INFO",
    )
    if counts[1] < counts[0]:
        empty = counts[0] - counts[1]
        log.post(
            f"{empty} of {counts[0]} intervals have no data left (flagged, of weight zero, no prior calibration): they have no solutions",
            "WARN",
        )
    for name, (count, flagged, snr) in quality.antennas.items():
        log.post(f"  antenna {name}: {count} solutions, {100 * flagged:.1f} % flagged, median SNR {snr:.1f}", "INFO2")
    for spw in sorted(result.statistics.windows):
        entry = total[f"spw{spw}"]
        text = ", ".join(f"{k} {entry[k].tolist()}" for k in ("expected", "data_unflagged", "above_minblperant", "above_minsnr"))
        log.post(f"  spectral window {spw}: {text}", "INFO2")


def selection_record(ms: MeasurementSet, selected: ResolvedSelection) -> dict[str, Any]:
    """IDs selected, as the solve tasks return them."""
    used = sorted({ms.metadata.data_descriptions[d].spw for d in selected.ddids_present})
    return {
        "antennas": np.array(selected.antennas, dtype=np.int64),
        "field": np.array(selected.fields_present, dtype=np.int64),
        "intents": np.array(_intents(ms), dtype=str),
        "observation": np.array(selected.observations, dtype=np.int64),
        "scan": np.array(selected.scans, dtype=np.int64),
        "spw": np.array(used, dtype=np.int64),
    }


def _intents(ms: MeasurementSet) -> list[str]:
    return sorted({intent for state in ms.metadata.states for intent in state.intents})


def selection_from(given: Mapping[str, Any]) -> Selection:
    """The selection in a solve task's parameters; those below selectdata count only with it."""
    chosen = {name: str(given.get(name, "")) for name in ("field", "spw", "intent")}
    if given.get("selectdata", True):
        for name in ("timerange", "uvrange", "antenna", "scan", "observation"):
            chosen[name] = str(given.get(name, ""))
        chosen["taql"] = str(given.get("msselect", ""))
    return Selection(**chosen)


def priors_from(given: Mapping[str, Any]) -> PriorTables:
    """The calibration to apply on the fly in a solve task's parameters.

    Raises
    ------
    ParameterError
        docallib without a file.
    """
    parang = bool(given.get("parang", False))
    if given.get("docallib", False):
        if not given["callib"]:
            raise ParameterError("parameter 'callib' must name a calibration library file when docallib=True; got ''")
        return PriorTables(callib=given["callib"], parang=parang)
    return PriorTables(given["gaintable"], given["gainfield"], given["interp"], given["spwmap"], parang)


def edit_table(action: str, vis: str, tablein: str, caltable: str, **how: Any) -> None:
    """Write a changed copy of a calibration table: the work of rerefant and smoothcal, and of calibrater.posangcal.

    Parameters
    ----------
    action : {"rerefant", "smooth", "posang"}
    vis : str
        The MeasurementSet that the table is of.
    tablein, caltable : str
        Input and output; an empty output replaces the input.
    **how
        The task's own parameters.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError
        An input is missing, the table is of another array or kind, or a parameter cannot be used; nothing is written then.
    """
    from casatools.calibration.edit_tables import rereference_table, smooth_table, turn_position_angles

    target = caltable.strip() or tablein
    smoothed_s = seconds_of(how["smoothtime"], "smoothtime") if action == "smooth" else 0.0
    table = CalTable.open(tablein)
    with MeasurementSet(vis) as ms:
        names = {name for p in ms.metadata.polarizations for name in p.names}
        match_antennas(ms, tablein, table.antenna_names, table.antenna_positions_m, table.antenna1)
    check_output(target, False, table.vis_cal)
    if action == "rerefant":
        out = rereference_table(table, how["refant"], how["refantmode"])
    elif action == "posang":
        if not names & {"RR", "LL"}:
            raise DataError(
                f"posangcal: phases turn the position angle of circular feeds only; the data have {', '.join(sorted(names))}"
            )
        out = turn_position_angles(table, how["posangcor"])
    else:
        out = smooth_table(table, how["smoothtype"], smoothed_s, _fields_of(table, how["field"]))
    out.write(target, overwrite=True)


def seconds_of(given: Any, name: str) -> float:
    """A time given as a number of seconds, text with a unit, or a quantity record.

    Raises
    ------
    ParameterError
        It is not a time.
    """
    from casatools.calibration.solution_intervals import parse_solint

    text = f"{given['value']}{given['unit']}" if isinstance(given, Mapping) else str(given)
    try:
        value = parse_solint(text).time_s
    except ParameterError:
        raise ParameterError(f"parameter {name!r} must be a time such as '60s'; got {given!r}") from None
    if not np.isfinite(value) or value <= 0:
        raise ParameterError(f"parameter {name!r} must be a positive time such as '60s'; got {given!r}")
    return value


def field_numbers(path: str, wanted: str) -> list[int] | None:
    """Field numbers in a calibration table of a list of names, patterns or numbers; None for all."""
    return _fields_of(CalTable.open(path), wanted)


def _fields_of(table: CalTable, wanted: str) -> list[int] | None:
    """Field numbers of a list of names, patterns or numbers; None for all."""
    from fnmatch import fnmatchcase

    names = table.field_names
    found: list[int] = []
    for item in (i.strip() for i in wanted.split(",")):
        if not item:
            continue
        mine = [k for k, n in enumerate(names) if fnmatchcase(n, item)]
        if not mine and item.isdigit() and int(item) < len(names):
            mine = [int(item)]
        if not mine:
            raise SelectionError(f"there is no field {item!r} in the calibration table; there are {', '.join(names)}")
        found += mine
    return found or None


def source_record(caltable: str) -> dict[str, Any]:
    """Fractional Stokes parameters in a table of phases solved with the source's polarisation: by field, then by spectral window."""
    table = CalTable.open(caltable)
    fractions, used = table.keywords["QU"]["QU"], np.unique(table.spw_id)
    stokes = {f"Spw{s}": np.array([1.0, *fractions[s], 0.0]) for s in used.tolist()}
    stokes["SpwAve"] = np.mean(list(stokes.values()), axis=0)
    return {table.field_names[int(table.field_id[0])]: stokes}


def create_table(vis: str, path: str, partype: str, vis_cal: str, single_channel: bool) -> None:
    """Write a calibration table without rows for a MeasurementSet."""
    check_output(path, False, vis_cal)
    with MeasurementSet(vis) as ms:
        table = CalTable.for_ms(ms, vis_cal, partype)
        if single_channel:
            table.set_single_channel(ms)
        table.write(path, overwrite=True)


def set_solution_time(path: str, time_s: float) -> None:
    """Give all solutions of a calibration table one time (MJD, UTC)."""
    table = CalTable.open(path)
    table.time_s = np.full_like(table.time_s, time_s)
    table.write(path, overwrite=True)


def require_table(path: str) -> None:
    """Raise PathMissingError or DataError unless `path` is a calibration table that can be read."""
    CalTable.open(path)
