"""Points of plots of calibration tables: the solutions selected, and their axes."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, SelectionError, UnsupportedError
from casatools.calibration.callib import select_fields
from casatools.calibration.curve_samples import sampled_curves
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.caltable.curves import is_curve_table
from casatools.io.ms import Selection
from casatools.io.ms.solution_rows import SolutionRows
from casatools.io.tables import table_kind
from casatools.plotting.plot_axes import AXES, CHANNEL_AXES, LISTED_AXES, PlotOptions

__all__ = ["default_axes", "doubled_receptors", "drawable", "solution_points"]

_HANDS = {"R": 0, "X": 0, "L": 1, "Y": 1, "RR": 0, "XX": 0, "LL": 1, "YY": 1}
# What kinds of table (by the beginnings of their names, the first that fits) hold of each receptor, by the axis' name; '' is what has no axis.
_HELD: dict[str, tuple[str, ...]] = {
    "KANTPOS": ("antpos",), "FRINGE": ("phase", "delay", "rate", "disp"), "K": ("delay",), "B TSYS": ("tsys",), "TOPAC": ("opac",),
    "TFOPAC": ("opac",), "G EVLASWPOW": ("swpow", "tsys"), "F JONES": ("tec",), "POSANG": ("phase",),
}  # fmt: skip
# Axes where none is asked for, by the beginnings of the kinds' names.
_DEFAULT_AXES = {
    "KANTPOS": ("antenna1", "antpos"), "FRINGE": ("antenna1", "delay"), "K": ("antenna1", "delay"), "B TSYS": ("frequency", "tsys"),
    "TOPAC": ("time", "opac"), "TFOPAC": ("frequency", "opac"), "G EVLASWPOW": ("time", "swpow"), "F JONES": ("time", "tec"),
    "POSANG": ("frequency", "phase"), "B": ("channel", "amp"), "DF": ("channel", "amp"), "D": ("antenna1", "amp"), "MF": ("channel", "amp"),
    "XF": ("channel", "phase"), "X": ("time", "phase"),
}  # fmt: skip
_OF_SOME = ("delay", "rate", "disp", "antpos", "tsys", "opac", "swpow", "tec")
# From what tables hold (m-2, s/s, rad, MHz) to the units of the axes (TECU, ps/s, deg, mTECU: 1344.5 MHz are a TECU).
_SCALES = {"tec": 1e-16, "rate": 1e12, "phase": 180.0 / np.pi, "disp": 1e3 / 1344.536}


def _of_kind(known: Mapping[str, Any], kind: str) -> Any:
    return next((v for k, v in known.items() if kind.upper().startswith(k)), ())


def default_axes(path: str) -> tuple[str, str]:
    """The horizontal and the vertical axis of what a path holds, where none is asked for."""
    if table_kind(path) != "Calibration":
        return "time", "amp"
    return _of_kind(_DEFAULT_AXES, CalTable.open(path).vis_cal) or ("time", "amp")


@contextmanager
def drawable(path: str) -> Iterator[str]:
    """The path itself, or for a table of curves that of a table of their gains, of the same name in a folder of its own."""
    if table_kind(path) != "Calibration" or not is_curve_table(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="curves-") as folder:
        sampled = os.path.join(folder, os.path.basename(path.rstrip("/")))
        sampled_curves(path).write(sampled)
        yield sampled


def doubled_receptors(path: str, text: str) -> str:
    """A selection of correlations, of which receptors of a calibration table are doubled: R is RR; their ratio ``/`` selects none."""
    if table_kind(path) != "Calibration":
        return text
    if text.strip() == "/":  # the ratio of both, which is no selection: `solution_points` takes it from `PlotOptions`
        return ""
    names = [n.strip().upper() for n in text.split(",")]
    return ",".join(n * 2 if n in ("R", "L", "X", "Y") else n for n in names)


def solution_points(path: str, selection: Selection, options: PlotOptions) -> dict[str, np.ndarray]:
    """Points of the unflagged solutions of a calibration table; also of those flagged, where points are joined, so that lines end at them.

    Parameters
    ----------
    path : str
    selection : Selection
        Antennas are those that are solved for, whatever their reference; correlations are receptors, doubled, such as RR or XX.
    options : PlotOptions

    Returns
    -------
    dict
        As `visibilities.collect_points` gives it.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        The table is missing, or there is nothing of what is selected.
    ParameterError
        A calibration table has no such axis, or nothing to select by.
    UnsupportedError
        Other data columns than the solutions.
    """
    if (options.x_column, options.y_column) != ("data", "data"):
        raise UnsupportedError("plotms: a calibration table has no data columns; leave xdatacolumn and ydatacolumn out")
    if options.averages or options.scalar:
        log.post("plotms: solutions of a calibration table are not averaged; they are drawn as they are", "WARN")
    if options.callib or options.phase_centre or options.frame:
        raise UnsupportedError(
            "plotms: callib, phasecenter and freqframe are of visibilities, which a calibration table does not hold"
        )
    for name in ("uvrange", "array", "intent", "feed"):
        if getattr(selection, name).strip():
            raise ParameterError(f"plotms: a calibration table has no {name!r} to select by; got {getattr(selection, name)!r}")
    table = CalTable.open(path)
    rows, channels = _chosen(path, table, selection)
    hands = _hands(selection.correlation)
    wanted = {"x": options.x, "y": options.y, "color": options.color, "panel": options.iterate}
    wanted |= {f"listed {axis}": axis for axis in LISTED_AXES} if options.listed else {}
    out: dict[str, list[np.ndarray]] = {name: [] for name in (*wanted, "flagged", "series", "order")}
    for whole in table.groups:
        group = _of_receptors(table.vis_cal, _ratio(whole) if options.ratio else whole, options)
        held = group.receptors
        good = np.isin(held.rows, rows)[:, None, None] & np.isfinite(held.param)
        good &= True if options.flagged or options.connect else ~held.flag
        if hands is not None:
            good &= np.isin(np.arange(held.param.shape[2]), hands)[None, None, :]
        for spw, kept in channels.items():
            if kept is not None and held.param.shape[1] > 1:
                outside = ~np.isin(np.arange(held.param.shape[1]), kept)
                good &= ~((table.spw_id[held.rows] == spw)[:, None, None] & outside[None, :, None])
        for name, which in wanted.items():
            values = _axis(table, group, which) if which else np.zeros(1)
            out[name].append(np.broadcast_to(values, good.shape)[good].astype(np.float64))
        out["flagged"].append(held.flag[good])
        out["order"].append(np.broadcast_to(table.time_s[held.rows][:, None, None], good.shape)[good])
        out["series"].append(np.broadcast_to(_series(table, held, options), good.shape)[good])
    return {k: np.concatenate(v) if v else np.zeros(0) for k, v in out.items()}


@dataclass(frozen=True)
class _Receptors:
    """Solutions, and the same with one parameter for each receptor: that of the vertical axis, or else of the horizontal one."""

    whole: SolutionGroup
    receptors: SolutionGroup
    held: tuple[str, ...]


def _of_receptors(kind: str, group: SolutionGroup, options: PlotOptions) -> _Receptors:
    held = _of_kind(_HELD, kind)
    if len(held) < 2:
        return _Receptors(group, group, held)
    at = next((held.index(axis) for axis in (options.y, options.x) if axis in held), 0)
    names = ("param", "paramerr", "flag", "snr")
    one = replace(group, weight=None, **{n: getattr(group, n)[..., at :: len(held)] for n in names})
    return _Receptors(group, one, held)


def _ratio(group: SolutionGroup) -> SolutionGroup:
    """Solutions of the first receptor divided by those of the second; flagged where either is."""
    if group.param.shape[2] != 2:
        raise ParameterError(
            f"plotms: correlation '/' divides the solutions of two receptors; the table has {group.param.shape[2]}"
        )
    first, second = group.param[..., :1], group.param[..., 1:]
    flag = (group.flag[..., :1] | group.flag[..., 1:]) | (second == 0)
    return replace(
        group, param=first / np.where(second == 0, 1, second), flag=flag, snr=group.snr[..., :1], paramerr=group.paramerr[..., :1]
    )


def _series(table: CalTable, group: SolutionGroup, options: PlotOptions) -> np.ndarray:
    """Numbers of the lines that solutions belong to: along channels one a row, else one an antenna, window, channel and receptor."""
    _, nchan, nhand = group.param.shape
    hand, channel = np.arange(nhand)[None, None, :], np.arange(nchan)[None, :, None]
    if options.x in CHANNEL_AXES and options.connect != "time":
        return np.asarray(group.rows[:, None, None] * 64 + hand)
    owner = (table.spw_id[group.rows].astype(np.int64) * 4096 + table.antenna1[group.rows]) * 4096 + table.antenna2[group.rows]
    return np.asarray((owner[:, None, None] * 65536 + channel) * 64 + hand)


def _chosen(path: str, table: CalTable, selection: Selection) -> tuple[np.ndarray, dict[int, np.ndarray | None]]:
    """Rows selected, and the channels of each spectral window (None is all)."""
    with SolutionRows(path) as solutions:
        resolved = replace(selection, antenna="", correlation="").resolve(solutions)
    rows = np.asarray(resolved.rows)
    if selection.antenna.strip():
        try:
            antennas = select_fields(re.sub(r"\s*&+\s*$", "", selection.antenna.strip()), table.antenna_names)
        except SelectionError:
            known = ", ".join(table.antenna_names)
            raise SelectionError(f"plotms: antenna {selection.antenna!r} matches none of {known} in {path!r}") from None
        rows = rows[np.isin(table.antenna1[rows], list(antennas))]
        if not len(rows):
            raise SelectionError(f"plotms: {path!r} has no solutions selected for antenna {selection.antenna!r}")
    return rows, {int(s): None if c is None else np.asarray(c) for s, c in resolved.channels.items()}


def _hands(text: str) -> list[int] | None:
    names = [n.strip().upper() for n in text.split(",") if n.strip()]
    unknown = [n for n in names if n not in _HANDS]
    if unknown:
        raise ParameterError(f"plotms: correlation {unknown[0]!r} is no receptor of a calibration table; use R, L, X or Y")
    return sorted({_HANDS[n] for n in names}) or None


def _axis(table: CalTable, group: _Receptors, which: str) -> np.ndarray:
    """Values of an axis, which broadcast to the solutions (row, chan, receptor)."""
    one, rows = group.receptors, group.receptors.rows
    if which in group.held or which in _OF_SOME or which in ("amp", "phase", "real", "imag"):
        return _parameter(table, group, which)
    if which in ("snr", "flag"):
        return one.snr if which == "snr" else one.flag
    per_row = {
        "time": table.time_s, "antenna1": table.antenna1, "antenna2": table.antenna2, "scan": table.scan, "field": table.field_id,
        "spw": table.spw_id, "interval": table.interval_s, "observation": table.observation, "row": np.arange(table.nrow),
        "baseline": table.antenna1.astype(np.int64) * 1000 + table.antenna2,
    }  # fmt: skip
    if which in per_row:
        return np.asarray(per_row[which][rows])[:, None, None]
    nchan = one.param.shape[1]
    if which == "channel":
        return np.arange(nchan)[None, :, None]
    if which == "corr":
        return np.arange(one.param.shape[2])[None, None, :]
    if which == "frequency":
        found = table.frequencies_hz
        each = {
            s: found[s] if len(found.get(s, ())) == nchan else np.full(nchan, np.nan)
            for s in np.unique(table.spw_id[rows]).tolist()
        }
        return np.stack([each[int(s)] for s in table.spw_id[rows]])[:, :, None] * 1e-9
    known = ", ".join(("amp", "phase", "real", "imag", "snr", "flag", "channel", "frequency", "corr", *per_row, *_OF_SOME))
    raise ParameterError(f"plotms: a calibration table has no axis {which!r} ({AXES.get(which, 'unknown')}); it has {known}")


def _parameter(table: CalTable, group: _Receptors, which: str) -> np.ndarray:
    """Gains as amplitudes, phases [deg] and so on; other parameters in the unit of their axis."""
    held, values = group.held, group.whole.param
    if which in held:
        at = held.index(which)
        return np.real(values[..., at :: len(held)]).astype(np.float64) * _SCALES.get(which, 1.0)
    if which in ("amp", "real") and len(held) < 2 and not np.iscomplexobj(values):
        return np.asarray(np.abs(values) if which == "amp" else values)
    if which in _OF_SOME or held or not np.iscomplexobj(values):
        has = f"; it has {', '.join(held)}" if held else ""
        raise ParameterError(f"plotms: a table of kind {table.vis_cal!r} has no axis {which!r}{has}")
    if which == "phase":
        return np.degrees(np.angle(values))
    return np.abs(values) if which == "amp" else np.real(values) if which == "real" else np.imag(values)
