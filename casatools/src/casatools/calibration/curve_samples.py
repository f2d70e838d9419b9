"""Curves of calibration as tables of gains: splines at times between their knots, polynomials at the channels of the data."""

from __future__ import annotations

import os

import numpy as np

from casatools._base.errors import DataError
from casatools.calibration.curve_terms import chebyshev_gains, solved_rows, spline_gains
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.caltable.curves import CurveRows, curve_ms_name, read_curves
from casatools.io.ms import MeasurementSet

__all__ = ["sampled_curves"]

# Times at which a spline is taken.
_SAMPLES = 100


def sampled_curves(path: str, vis: str = "") -> CalTable:
    """The gains of a table of curves: ``B Jones`` of polynomials in frequency, ``G Jones`` of splines in time.

    Parameters
    ----------
    path : str
    vis : str
        MeasurementSet with the channels and antennas; '' is the one the table was made from, beside the table or here.

    Returns
    -------
    CalTable
        Channels outside the range that was solved are flagged; signal to noise, which curves do not have, is one.

    Raises
    ------
    DataError
        The MeasurementSet is not there, or no curve was solved.
    """
    curves = read_curves(path)
    name = curve_ms_name(path)
    beside = os.path.join(os.path.dirname(os.path.abspath(path)), name)
    found = next((p for p in (vis, beside, name) if p and os.path.isdir(p)), "")
    if not found:
        raise DataError(
            f"{path!r} holds curves, whose channels and antennas are in {name!r}; it lies neither here nor beside them"
        )
    rows = np.flatnonzero(solved_rows(curves)).tolist()
    if not rows:
        raise DataError(f"no curve of {path!r} was solved")
    with MeasurementSet(found) as ms:
        table = CalTable.for_ms(ms, "B Jones" if curves.kind == "BPOLY" else "G Jones")
        if curves.kind == "BPOLY":
            parts = [_polynomial(curves, row, ms.metadata.spectral_windows[max(curves.spw[row], 0)].chan_freq_hz) for row in rows]
        else:
            parts = [_spline(curves, row) for row in rows]
            table.set_single_channel(ms)
    counts = np.array([len(times) for times, _, _ in parts])
    owner = np.repeat(rows, counts)
    table.time_s = np.concatenate([times for times, _, _ in parts])
    table.field_id, table.antenna1 = (np.asarray(v[owner], np.int32) for v in (curves.field, curves.antenna))
    table.spw_id = np.maximum(curves.spw[owner], 0).astype(np.int32)
    table.antenna2, table.scan = (np.full(len(owner), -1, np.int32) for _ in range(2))
    table.observation, table.interval_s = np.zeros(len(owner), np.int32), np.zeros(len(owner))
    table.ms_name = os.path.abspath(found)
    ends = np.cumsum(counts)
    for nchan in sorted({gains.shape[1] for _, gains, _ in parts}):
        mine = [k for k, (_, gains, _) in enumerate(parts) if gains.shape[1] == nchan]
        gains = np.concatenate([parts[k][1] for k in mine]).astype(np.complex64)
        flag = np.concatenate([parts[k][2] for k in mine])
        places = np.concatenate([np.arange(ends[k] - counts[k], ends[k]) for k in mine])
        one = np.ones(gains.shape, np.float32)
        table.groups.append(SolutionGroup(places, gains, 0.0 * one, flag, one))
    return table


def _polynomial(curves: CurveRows, row: int, frequency_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time (1,), gains and flags (1, chan, 2) of a polynomial."""
    gains, outside = chebyshev_gains(curves, row, frequency_hz)
    return curves.time_s[row : row + 1], gains[None], np.repeat(outside[None, :, None], 2, axis=2)


def _spline(curves: CurveRows, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (time,), gains and flags (time, 1, 2) of a spline."""
    knots = curves.domain[row]
    times = np.linspace(float(knots[0]), float(knots[-1]), _SAMPLES)
    gains = spline_gains(curves, row, times, float(curves.reference_hz[row]))[:, None, :]
    return times, gains, np.zeros(gains.shape, bool)
