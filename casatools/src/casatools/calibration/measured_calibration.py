"""Calibration tables of what the telescope measured: system temperatures and switched power, from sub-tables of the MeasurementSet.

References
----------
Perley 2010, EVLA Memo 145, "EVLA calibration with switched power": ``gain**2 = P_diff / T_cal``, ``T_sys = P_sum T_cal / (2 P_diff)``. The
factors 0.932 (correlator efficiency) and 1.176 (fringe rotation) in the gain, and which rows are flagged, as observed in what CASA 6.7 writes.
CASA Memo 229 (MeasurementSet 2.0): SYSCAL, SYSPOWER, CALDEVICE.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.calibration.pointing_gains import CORRELATOR_EFFICIENCY
from casatools.calibration.solve_session import check_output
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet
from casatools.io.tables import is_table

__all__ = ["SWITCHED", "write_switched_power", "write_system_temperatures"]

# Caltypes from switched power; two names stand for the same.
SWITCHED = ("evlagain", "swpow", "swpwts", "rq", "swp/rq")
_FRINGE_ROTATION = 1.176
# Times (s) nearer than this are one integration.
_SAME_S = 0.05


@dataclass(frozen=True)
class _Rows:
    """Measurements: keys (row,) and values (row, par) or (row, chan, par)."""

    time_s: np.ndarray
    spw: np.ndarray
    antenna: np.ndarray
    values: np.ndarray
    flags: np.ndarray


def _subtable(ms: MeasurementSet, name: str, what: str) -> dict[str, np.ndarray]:
    """Columns of a sub-table that has rows."""
    if not is_table(f"{ms.path}/{name}"):
        raise DataError(f"gencal: {ms.path!r} has no {name} table; {what}")
    table = ms.subtable(name)
    try:
        if not table.nrows():
            raise DataError(f"gencal: the {name} table of {ms.path!r} is empty; {what}")
        return {c: np.asarray(table.getcol(c)) for c in table.colnames() if table.isscalarcol(c) and table.iscelldefined(c, 0)}
    finally:
        table.close()


def _cells(ms: MeasurementSet, name: str, column: str) -> list[np.ndarray | None]:
    table = ms.subtable(name)
    try:
        if column not in table.colnames():
            return [None] * table.nrows()
        return [np.asarray(table.getcell(column, r)) if table.iscelldefined(column, r) else None for r in range(table.nrows())]
    finally:
        table.close()


def _next_rows(ms: MeasurementSet, time_s: np.ndarray) -> np.ndarray:
    """The row of the MeasurementSet that comes next at each of the times, after the end the last one: what measurements are made for."""
    if not ms.nrow:
        raise DataError(f"gencal: {ms.path!r} has no rows")
    main = np.asarray(ms.read("TIME", np.arange(ms.nrow)))
    order = np.argsort(main, kind="stable")
    return np.asarray(order[np.minimum(np.searchsorted(main[order], time_s - _SAME_S), len(order) - 1)])


def _following(ms: MeasurementSet, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Field of the row that comes next in time, 0 after the last, and scan that a time is within, 0 outside of scans."""
    if not ms.nrow:
        raise DataError(f"gencal: {ms.path!r} has no rows")
    every = np.arange(ms.nrow)
    main, field, scan = (np.asarray(ms.read(c, every)) for c in ("TIME", "FIELD_ID", "SCAN_NUMBER"))
    order = np.argsort(main, kind="stable")
    following = np.searchsorted(main[order], time_s - _SAME_S)
    row, late = order[np.minimum(following, len(order) - 1)], following >= len(order)
    first = {int(n): float(main[scan == n].min()) for n in np.unique(scan)}
    inside = time_s >= np.array([first[int(n)] for n in scan[row]]) - _SAME_S
    return np.where(late, 0, field[row]), np.where(late | ~inside, 0, scan[row])


def write_system_temperatures(vis: str, caltable: str, uniform: bool = True) -> None:
    """Write the system temperatures in SYSCAL as a table ``B TSYS``.

    Parameters
    ----------
    vis, caltable : str
    uniform : bool, optional
        At each time a row for each antenna, flagged where it has none; else one for each row of SYSCAL.

    Raises
    ------
    PathMissingError, DataError
        There is no MeasurementSet, or it has no system temperatures. Nothing is written then.
    """
    check_output(caltable, False, "B TSYS")
    with MeasurementSet(vis) as ms:
        keys = _subtable(ms, "SYSCAL", "there are no system temperatures to take")
        spectra, single = _cells(ms, "SYSCAL", "TSYS_SPECTRUM"), _cells(ms, "SYSCAL", "TSYS")
        cells = [a if a is not None else None if b is None else b[None, :] for a, b in zip(spectra, single, strict=True)]
        kept = [k for k, c in enumerate(cells) if c is not None]
        if not kept:
            raise DataError(f"gencal: the SYSCAL table of {ms.path!r} has no system temperatures (TSYS_SPECTRUM or TSYS)")
        # A measurement holds from the beginning of its interval on.
        start = keys["TIME"] - 0.5 * keys["INTERVAL"]
        table = CalTable.for_ms(ms, "B TSYS", "Float")
        every = np.arange(ms.nrow)
        main = [np.asarray(ms.read(c, every)) for c in ("FIELD_ID", "SCAN_NUMBER", "OBSERVATION_ID")]
        solved = {}
        windows = {w.id: w for w in ms.metadata.spectral_windows}
        for spw in np.unique(keys["SPECTRAL_WINDOW_ID"][kept]).tolist():
            mine = [k for k in kept if keys["SPECTRAL_WINDOW_ID"][k] == spw]
            window, count = windows[spw], len(np.asarray(cells[mine[0]]))
            full = count == window.nchan
            solved[spw] = (
                window.chan_freq_hz if full else np.array([window.chan_freq_hz.mean()]),
                window.chan_width_hz if full else np.array([np.abs(window.chan_width_hz).sum()]),
            )
            mine = [k for k in mine if len(np.asarray(cells[k])) == count]
            values = np.stack([np.asarray(cells[k]) for k in mine])
            bad = ~(np.isfinite(values) & (values > 0))
            values = np.where(bad, 1.0, values)
            rows = _Rows(start[mine], np.full(len(mine), spw), keys["ANTENNA_ID"][mine], values, bad)
            rows = _on_grid(rows, len(ms.metadata.antennas)) if uniform else _in_order(rows)
            values = rows.values.astype(np.float32)
            # The signal to noise is the reference's.
            snr = np.full_like(values, 1.0 if uniform else 0.1)
            group = SolutionGroup(np.zeros(0, np.int64), values, np.full_like(values, 0.1), rows.flags.copy(), snr)
            near = _next_rows(ms, rows.time_s)
            table.add_rows(
                group, time_s=rows.time_s, field_id=main[0][near], scan=main[1][near], observation=main[2][near], spw_id=spw,
                antenna1=rows.antenna, antenna2=-1,
            )  # fmt: skip
        table.set_frequencies(solved)
        log.post(f"system temperatures: {table.nrow} rows for {len(solved)} spectral windows", "INFO2")
        table.write(caltable, overwrite=True)


def write_switched_power(vis: str, caltable: str, caltype: str) -> None:
    """Write gains and system temperatures from switched power as a table ``G EVLASWPOW``.

    Parameters
    ----------
    vis, caltable : str
    caltype : {"swpow", "evlagain", "rq", "swp/rq", "swpwts"}
        Gains from switched power; from the requantizers; from both; from the requantizers with weights of the summed power.

    Raises
    ------
    PathMissingError, DataError
        There is no MeasurementSet, or it has no switched power or noise tubes. Nothing is written then.
    """
    check_output(caltable, False, "G EVLASWPOW")
    with MeasurementSet(vis) as ms:
        rows = _on_grid(_switched_rows(ms, caltype), len(ms.metadata.antennas))
        table = CalTable.for_ms(ms, "G EVLASWPOW", "Float")
        table.set_single_channel(ms)
        field, scan = _following(ms, rows.time_s)
        for spw in np.unique(rows.spw).tolist():
            at = np.flatnonzero(rows.spw == spw)
            values = rows.values[at][:, None, :].astype(np.float32)
            group = SolutionGroup(
                np.zeros(0, np.int64), values, 0 * values, rows.flags[at][:, None, :].copy(), np.ones_like(values)
            )
            table.add_rows(
                group, time_s=rows.time_s[at], field_id=field[at], scan=scan[at], observation=-1, spw_id=spw,
                antenna1=rows.antenna[at], antenna2=-1,
            )  # fmt: skip
        log.post(f"switched power ({caltype}): {table.nrow} rows", "INFO2")
        table.write(caltable, overwrite=True)


def _noise_tubes(ms: MeasurementSet) -> dict[tuple[int, int], np.ndarray]:
    """Temperature [K] of the noise tube of both receptors for antenna and spectral window."""
    keys = _subtable(ms, "CALDEVICE", "switched power needs the temperatures of the noise tubes")
    cells = _cells(ms, "CALDEVICE", "NOISE_CAL")
    found = {}
    for k, cell in enumerate(cells):
        if cell is not None and cell.size:
            tubes = cell if cell.ndim == 1 else cell[:, 0]
            found[int(keys["ANTENNA_ID"][k]), int(keys["SPECTRAL_WINDOW_ID"][k])] = np.resize(tubes, 2)
    return found


def _switched_rows(ms: MeasurementSet, caltype: str) -> _Rows:
    keys = _subtable(ms, "SYSPOWER", "there is no switched power to take")
    table = ms.subtable("SYSPOWER")
    try:
        difference, total, requantizer = (
            np.asarray(table.getcol(c), np.float64) for c in ("SWITCHED_DIFF", "SWITCHED_SUM", "REQUANTIZER_GAIN")
        )
    finally:
        table.close()
    antenna, spw = keys["ANTENNA_ID"], keys["SPECTRAL_WINDOW_ID"]
    if caltype in ("rq", "swpwts"):
        good = (requantizer > 0) & ((total > 0) if caltype == "swpwts" else True)
        safe = np.where(good, requantizer, 1.0)
        gain = safe
        temperature = (0.5 * total if caltype == "swpwts" else 1.0) / safe**2
    else:
        tubes = _noise_tubes(ms)
        hot = np.array([tubes.get((int(a), int(s)), np.zeros(2)) for a, s in zip(antenna, spw, strict=True)])
        good = (difference > 0) & (total > 0) & (hot > 0) & ((requantizer > 0) if caltype == "swp/rq" else True)
        power = np.where(good, difference, 1.0)
        warmth = np.where(good, hot, 1.0)
        gain = np.sqrt(power / warmth) / (np.where(good, requantizer, 1.0) if caltype == "swp/rq" else 1.0)
        temperature = 0.5 * np.where(good, total, 1.0) * warmth / power
    gain = gain * np.sqrt(CORRELATOR_EFFICIENCY * _FRINGE_ROTATION)
    ok: np.ndarray = np.all(good, axis=1)
    values = np.ones((len(ok), 4))
    values[ok, 0::2], values[ok, 1::2] = gain[ok], temperature[ok]
    flags = np.broadcast_to(~ok[:, None], values.shape)
    return _Rows(keys["TIME"], spw, antenna, values, flags)


def _in_order(rows: _Rows) -> _Rows:
    """The rows in the order of time and antenna."""
    order = np.lexsort((rows.antenna, rows.time_s))
    return _Rows(*(c[order] for c in (rows.time_s, rows.spw, rows.antenna, rows.values, rows.flags)))


def _on_grid(rows: _Rows, nant: int) -> _Rows:
    """The rows in the order of spectral window, time and antenna, with flagged rows for antennas that miss a time."""
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for spw in np.unique(rows.spw).tolist():
        at = np.flatnonzero(rows.spw == spw)
        at = at[np.argsort(rows.time_s[at], kind="stable")]
        step = np.diff(rows.time_s[at], prepend=rows.time_s[at[0]] - 1.0) > _SAME_S
        times, number = rows.time_s[at][step], np.cumsum(step) - 1
        cell = rows.values.shape[1:]
        values = np.ones((len(times), nant, *cell))
        flags = np.ones(values.shape, dtype=bool)
        inside = rows.antenna[at] < nant
        place = (number[inside], rows.antenna[at][inside])
        values[place], flags[place] = rows.values[at][inside], rows.flags[at][inside]
        count = len(times) * nant
        parts.append(
            (np.repeat(times, nant), np.full(count, spw), np.tile(np.arange(nant), len(times)), values.reshape(-1, *cell),
             flags.reshape(-1, *cell))
        )  # fmt: skip
    return _Rows(*(np.concatenate(p) for p in zip(*parts, strict=True)))
