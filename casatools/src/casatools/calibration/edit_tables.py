"""Making calibration tables from others: another reference antenna, smoothing in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.calibration.reference_antenna import antenna_ids, fallback_order, refer_phases, refer_terms
from casatools.io.caltable import CalTable, SolutionGroup

__all__ = ["rereference_table", "smooth_table", "turn_position_angles"]

# What is taken off rather than turned: delays, fringes and leakages.
_TERMS = ("K Jones", "Fringe Jones", "D Jones", "Df Jones")


@dataclass
class _Grid:
    """Solutions of one spectral window on a grid: arrays (time, ant, chan, par); `index` is the place of each row."""

    group: SolutionGroup
    time_s: np.ndarray
    field: np.ndarray
    at_time: np.ndarray
    antenna: np.ndarray
    param: np.ndarray
    flag: np.ndarray

    def store(self) -> None:
        """Put the grid back into the rows of the table."""
        self.group.param = self.param[self.at_time, self.antenna].astype(self.group.param.dtype)
        self.group.flag = self.flag[self.at_time, self.antenna]


def _grids(table: CalTable) -> Iterator[_Grid]:
    nant = len(table.antenna_names)
    for group in table.groups:
        keys = np.stack([np.round(table.time_s[group.rows], 3), table.field_id[group.rows], table.observation[group.rows]])
        unique, first, place = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        place = place.reshape(-1)
        antenna = table.antenna1[group.rows]
        shape = (unique.shape[1], nant, *group.param.shape[1:])
        param = np.ones(shape, dtype=np.complex128 if table.is_complex else np.float64)
        flag = np.ones(shape, dtype=bool)
        param[place, antenna], flag[place, antenna] = group.param, group.flag
        yield _Grid(group, table.time_s[group.rows][first], unique[1].astype(int), place, antenna, param, flag)


def rereference_table(table: CalTable, refant: str | Sequence[str], mode: str = "flex") -> CalTable:
    """Refer the phases of gains, the delays and rates of fringes, or leakages to another antenna.

    Parameters
    ----------
    table : CalTable
        Not changed.
    refant : str or list of str
        Antennas in order of preference.
    mode : {"flex", "strict"}

    Raises
    ------
    SelectionError
        There is no such antenna.
    DataError
        The table holds nothing that can be referred to an antenna.
    ParameterError
        No antenna is given.
    """
    terms = table.vis_cal in _TERMS
    if not terms and not (table.is_complex and table.vis_cal[:2] in ("G ", "T ", "B ")):
        raise DataError(f"a table of {table.vis_cal} has no phases to refer to an antenna")
    chosen = antenna_ids(table.antenna_names, refant)
    if not chosen:
        raise ParameterError("parameter 'refant' must name an antenna; got ''")
    out = table.copy()
    order = fallback_order(chosen, out.antenna_positions_m)
    for grid in _grids(out):
        if terms:
            used = refer_terms(grid.param, grid.flag, order, mode, table.is_complex)
            if table.vis_cal == "Fringe Jones":
                grid.param[..., 0::4] = np.angle(np.exp(1j * grid.param[..., 0::4]))
        else:
            used = refer_phases(grid.param, grid.flag, order, mode)
        grid.store()
        out.antenna2[grid.group.rows] = used[grid.at_time]
    return out


def turn_position_angles(table: CalTable, angles_deg: Sequence[float]) -> CalTable:
    """Turn position angles of linear polarisation, half the phase between the receptors of circular feeds.

    Parameters
    ----------
    table : CalTable
        Gains; not changed.
    angles_deg : sequence of float [deg]
        What the angle of corrected data rises by, for each spectral window or one for all.

    Raises
    ------
    DataError, ParameterError
        The table holds no gains of two receptors; there are too few angles.
    """
    if table.vis_cal not in ("G Jones", "B Jones"):
        raise DataError(f"posangcal: a table of {table.vis_cal} holds no gains of two receptors")
    out = table.copy()
    most = int(out.spw_id.max()) + 1
    if len(angles_deg) not in (1, most):
        raise ParameterError(
            f"posangcal: parameter 'posangcor' must hold one angle or {most}, one for each spectral window; got {len(angles_deg)}"
        )
    angle = np.deg2rad(np.resize(np.asarray(angles_deg, np.float64), most))
    for group in out.groups:
        # RL of corrected data is divided by g_R conj(g_L), so that it turns by twice the angle.
        turn = np.exp(-1j * angle[out.spw_id[group.rows]])[:, None]
        group.param[:, :, 0] *= turn
        group.param[:, :, 1] *= turn.conj()
    return out


def smooth_table(table: CalTable, kind: str, width_s: float, fields: Sequence[int] | None = None) -> CalTable:
    """Smooth solutions in time with a running mean or median of amplitude and phase.

    Parameters
    ----------
    table : CalTable
        Not changed.
    kind : {"mean", "median"}
    width_s : float
        Full width of the window; only solutions of one field are smoothed together.
    fields : sequence of int, optional
        Smooth solutions of these fields only; the others stay.

    Notes
    -----
    A flagged solution becomes that of the good ones in its window, if there are any. All parameters of fringe fits are smoothed, rates too, as the reference does whatever its ratesmooth says.
    """
    out = table.copy()
    for grid in _grids(out):
        smoothed, flag = grid.param.copy(), grid.flag.copy()
        mine = np.ones(len(grid.time_s), bool) if fields is None else np.isin(grid.field, list(fields))
        amplitude, phase = np.abs(grid.param), _continuous(np.angle(grid.param), grid)
        # Phases of fringe fits are followed through turns; their delays and rates are numbers.
        angles = np.zeros(grid.param.shape[-1], dtype=bool)
        angles[0::4] = table.vis_cal == "Fringe Jones"
        turned = _continuous(grid.param.real, grid)
        for t in np.flatnonzero(mine):
            # The window is open at its start and closed at its end, as in the reference.
            after = grid.time_s - grid.time_s[t]
            window = (grid.field == grid.field[t]) & (after > -width_s / 2) & (after <= width_s / 2)
            good = ~grid.flag[window]
            if table.is_complex:
                value = _centre(amplitude[window], good, kind) * np.exp(1j * _centre(phase[window], good, kind))
            else:
                value = np.where(angles, _centre(turned[window], good, kind), _centre(grid.param[window], good, kind))
            smoothed[t] = np.where(good.any(axis=0), value, grid.param[t])
            flag[t] &= ~good.any(axis=0)
        grid.param, grid.flag = smoothed, flag
        grid.store()
    return out


def _continuous(phase: np.ndarray, grid: _Grid) -> np.ndarray:
    """Phases (time, ...) without jumps of a turn between neighbouring unflagged times of a field."""
    out = phase.copy()
    flat, bad = out.reshape(len(out), -1), grid.flag.reshape(len(out), -1)
    for field in np.unique(grid.field):
        for k in range(flat.shape[1]):
            good = (grid.field == field) & ~bad[:, k]
            flat[good, k] = np.unwrap(flat[good, k])
    return out


def _centre(values: np.ndarray, good: np.ndarray, kind: str) -> np.ndarray:
    """Mean or median along the first axis of what is good; zero where nothing is."""
    count = good.sum(axis=0)
    if kind == "mean":
        return np.where(good, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    ordered = np.sort(np.where(good, values, np.inf), axis=0)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(values) - 1)
    middle = 0.5 * (np.take_along_axis(ordered, low[None], 0) + np.take_along_axis(ordered, high[None], 0))[0]
    return np.where(count > 0, middle, 0.0)
