"""Gain curves of the antennas of a VLBI array, from the GAIN_CURVE table of a MeasurementSet.

References
----------
AIPS Memo 114 (Greisen), "The FITS Interferometry Data Interchange Convention", table GAIN_CURVE: sensitivities [K/Jy] and polynomials for power, of
elevation or zenith angle in degrees. The form of the calibration table and how it is applied, as observed in what CASA 6.7 writes and applies.
"""

from __future__ import annotations

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.calibration.solve_session import check_output
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet
from casatools.io.tables import is_table

__all__ = ["POWER_PARAMETERS", "has_power_curves", "write_power_curves", "zenith_polynomial"]

# Eight coefficients of the zenith angle in degrees for each receptor.
POWER_PARAMETERS = 16
_TABLE = "GAIN_CURVE"


def has_power_curves(ms: MeasurementSet) -> bool:
    """Whether a MeasurementSet brings gain curves."""
    if not is_table(f"{ms.path}/{_TABLE}"):
        return False
    table = ms.subtable(_TABLE)
    try:
        return bool(table.nrows())
    finally:
        table.close()


def zenith_polynomial(coefficients: np.ndarray) -> np.ndarray:
    """Coefficients of the polynomial in the zenith angle that equals one in the elevation, both in degrees."""
    in_zenith = np.polynomial.Polynomial(coefficients)(np.polynomial.Polynomial([90.0, -1.0]))
    found = np.atleast_1d(np.asarray(getattr(in_zenith, "coef", in_zenith), dtype=np.float64))
    return np.pad(found, (0, max(0, len(coefficients) - len(found))))


def write_power_curves(vis: str, caltable: str) -> None:
    """Write the gain curves of a MeasurementSet as a table ``EPowerCurve``: a row for each of theirs.

    Raises
    ------
    PathMissingError, DataError
        There is no MeasurementSet, or a curve is of an unknown type or of too high a degree. Nothing is written then.
    """
    check_output(caltable, False, "EPowerCurve")
    with MeasurementSet(vis) as ms:
        source = ms.subtable(_TABLE)
        try:
            count = source.nrows()
            keys = {n: np.asarray(source.getcol(n)) for n in ("ANTENNA_ID", "SPECTRAL_WINDOW_ID", "TIME", "INTERVAL")}
            kinds = [str(k).strip().upper() for k in source.getcol("TYPE")]
            numbers = np.asarray(source.getcol("NUM_POLY"))
            cells = [np.asarray(source.getcell("GAIN", r), np.float64) for r in range(count)]
            scales = [np.atleast_1d(np.asarray(source.getcell("SENSITIVITY", r), np.float64)) for r in range(count)]
        finally:
            source.close()
        values = np.zeros((count, 1, POWER_PARAMETERS), dtype=np.float32)
        for row in range(count):
            values[row, 0] = _parameters(cells[row], scales[row], int(numbers[row]), kinds[row], ms.path)
        table = CalTable.for_ms(ms, "EPowerCurve", "Float")
        table.set_single_channel(ms)
        half = 0.5 * keys["INTERVAL"]  # as the reference writes it: to both sides of the time
        every = [w.id for w in ms.metadata.spectral_windows]
        for row in range(count):
            spw = int(keys["SPECTRAL_WINDOW_ID"][row])
            for window in [spw] if spw >= 0 else every:
                cell = values[row : row + 1]
                group = SolutionGroup(np.zeros(0, np.int64), cell, 0 * cell, ~np.isfinite(cell), 0 * cell)
                table.add_rows(
                    group, time_s=keys["TIME"][row], interval_s=half[row], field_id=-1, scan=-1, observation=-1, spw_id=window,
                    antenna1=keys["ANTENNA_ID"][row], antenna2=-1,
                )  # fmt: skip
        log.post(f"gain curves: {table.nrow} rows", "INFO2")
        table.write(caltable, overwrite=True)


def _parameters(cell: np.ndarray, scale: np.ndarray, count: int, kind: str, path: str) -> np.ndarray:
    """Parameters (16,) of a cell (coefficient, receptor)."""
    if kind not in ("POWER(EL)", "POWER(ZA)"):
        raise DataError(f"gencal: a gain curve of {path!r} is of type {kind!r}; those known are POWER(EL) and POWER(ZA)")
    cell = cell if cell.ndim == 2 else cell[:, None]
    used = cell[: count if 0 < count <= len(cell) else len(cell)]
    half = POWER_PARAMETERS // 2
    if len(used) > half:
        raise DataError(f"gencal: a gain curve of {path!r} has {len(used)} coefficients; at most {half} can be written")
    out = np.zeros((2, half))
    for receptor in range(2):
        column = used[:, min(receptor, used.shape[1] - 1)]
        column = zenith_polynomial(column) if kind == "POWER(EL)" else column
        out[receptor, : len(column)] = column * scale[min(receptor, len(scale) - 1)]
    return out.ravel()
