"""Points of plots of calibration tables: the solutions selected, and their axes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from casatools._base.errors import ParameterError, SelectionError, UnsupportedError
from casatools.calibration.callib import select_fields
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import Selection
from casatools.io.ms.solution_rows import SolutionRows
from casatools.io.tables import table_kind
from casatools.plotting.plot_axes import AXES, CHANNEL_AXES, PlotOptions

__all__ = ["doubled_receptors", "solution_points"]

_HANDS = {"R": 0, "X": 0, "L": 1, "Y": 1, "RR": 0, "XX": 0, "LL": 1, "YY": 1}
# Axes that are the parameters of some kinds of table, by the beginning of their names.
_PARAMETERS = {
    "delay": ("K", "FRINGE", "KCROSS"), "rate": ("FRINGE",), "disp": ("FRINGE",), "antpos": ("KANTPOS",), "tsys": ("B TSYS",), "opac": ("TOPAC", "TFOPAC"), "swpow": ("G EVLASWPOW",), "tec": ("F JONES",),
}  # fmt: skip
_ELECTRONS = 1e16
# Step between the two receptors' parameters, and the place of the first's, where a table holds several kinds.
_PLACES = {"delay": (4, 1), "rate": (4, 2), "disp": (4, 3), "swpow": (2, 0)}


def doubled_receptors(path: str, text: str) -> str:
    """A selection of correlations, of which receptors of a calibration table are doubled: R is RR; their ratio ``/`` selects none."""
    if table_kind(path) != "Calibration":
        return text
    if text.strip() == "/":  # the ratio of both, which is no selection: `solution_points` takes it from `PlotOptions`
        return ""
    names = [n.strip().upper() for n in text.split(",")]
    return ",".join(n * 2 if n in ("R", "L", "X", "Y") else n for n in names)


def solution_points(path: str, selection: Selection, options: PlotOptions) -> dict[str, np.ndarray]:
    """Points of the unflagged solutions of a calibration table.

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
        Averaging and data columns, which solutions do not have.
    """
    if options.averages or options.scalar or (options.x_column, options.y_column) != ("data", "data"):
        raise UnsupportedError("plotms: solutions of a calibration table are not averaged and have no data columns")
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
    out: dict[str, list[np.ndarray]] = {name: [] for name in ("x", "y", "color", "panel", "flagged", "series", "order")}
    wanted = (("x", options.x), ("y", options.y), ("color", options.color), ("panel", options.iterate))
    for whole in table.groups:
        group = _ratio(whole) if options.ratio else whole
        good = np.isin(group.rows, rows)[:, None, None] & np.isfinite(group.param)
        good &= True if options.flagged else ~group.flag
        if hands is not None:
            good &= np.isin(np.arange(group.param.shape[2]), hands)[None, None, :]
        for spw, kept in channels.items():
            if kept is not None and group.param.shape[1] > 1:
                outside = ~np.isin(np.arange(group.param.shape[1]), kept)
                good &= ~((table.spw_id[group.rows] == spw)[:, None, None] & outside[None, :, None])
        for name, which in wanted:
            values = _axis(table, group, which) if which else np.zeros(1)
            out[name].append(np.broadcast_to(values, good.shape)[good].astype(np.float64))
        out["flagged"].append(group.flag[good])
        out["order"].append(np.broadcast_to(table.time_s[group.rows][:, None, None], good.shape)[good])
        out["series"].append(np.broadcast_to(_series(table, group, options), good.shape)[good])
    return {k: np.concatenate(v) if v else np.zeros(0) for k, v in out.items()}


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


def _axis(table: CalTable, group: SolutionGroup, which: str) -> np.ndarray:
    """Values of an axis, which broadcast to the solutions (row, chan, par)."""
    gains, rows = group.param, group.rows
    kind = table.vis_cal.upper()
    if which in _PARAMETERS:
        if not any(kind.startswith(k) for k in _PARAMETERS[which]):
            raise ParameterError(f"plotms: a table of kind {table.vis_cal!r} has no axis {which!r}")
        return _parameter(table, group, which)
    if which == "amp":
        return np.abs(gains)
    if which == "phase":
        return np.degrees(np.angle(gains))
    if which in ("real", "imag"):
        return np.real(gains) if which == "real" else np.imag(gains)
    if which == "snr":
        return group.snr
    per_row = {
        "time": table.time_s, "antenna1": table.antenna1, "antenna2": table.antenna2, "scan": table.scan, "field": table.field_id,
        "spw": table.spw_id, "interval": table.interval_s, "observation": table.observation, "row": np.arange(table.nrow),
        "baseline": table.antenna1.astype(np.int64) * 1000 + table.antenna2,
    }  # fmt: skip
    if which in per_row:
        return np.asarray(per_row[which][rows])[:, None, None]
    if which == "channel":
        return np.arange(gains.shape[1])[None, :, None]
    if which == "corr":
        return np.arange(gains.shape[2])[None, None, :]
    if which == "frequency":
        nchan, found = gains.shape[1], table.frequencies_hz
        each = {
            s: found[s] if len(found.get(s, ())) == nchan else np.full(nchan, np.nan)
            for s in np.unique(table.spw_id[rows]).tolist()
        }
        return np.stack([each[int(s)] for s in table.spw_id[rows]])[:, :, None] * 1e-9
    known = ", ".join(("amp", "phase", "real", "imag", "snr", "channel", "frequency", "corr", *per_row, *_PARAMETERS))
    raise ParameterError(f"plotms: a calibration table has no axis {which!r} ({AXES.get(which, 'unknown')}); it has {known}")


def _parameter(table: CalTable, group: SolutionGroup, which: str) -> np.ndarray:
    """The parameters of a table, not a number where an axis is one of several of them."""
    values = np.real(group.param).astype(np.float64)
    if which == "tec":
        return values / _ELECTRONS
    if which in _PLACES and values.shape[2] in (4, 8):
        # Fringes are phase, delay, rate and dispersion of both receptors; switched power is gain and temperature of both.
        step, at = _PLACES[which]
        kept = np.full(values.shape, np.nan)
        kept[..., at::step] = values[..., at::step]
        return kept
    return values
