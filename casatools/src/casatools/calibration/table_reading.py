"""Reading calibration tables into `SolutionTable`s."""

from __future__ import annotations

import numpy as np

from casatools.calibration.curve_terms import solved_rows
from casatools.calibration.solutions import SolutionTable
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import is_curve_table, read_curves

__all__ = ["as_solutions", "read_solutions"]


def read_solutions(path: str) -> SolutionTable:
    """Read a calibration table whole.

    Raises
    ------
    PathMissingError, DataError
        It is missing, or is not a calibration table.
    """
    if is_curve_table(path):
        return _as_curves(path)
    return as_solutions(CalTable.open(path), path)


def _as_curves(path: str) -> SolutionTable:
    curves = read_curves(path)
    rows = np.flatnonzero(solved_rows(curves))
    spws = {int(s) for s in curves.spw[rows] if s >= 0}
    zero = np.zeros(len(rows), dtype=np.int64)
    return SolutionTable(
        path=path, kind=curves.kind, is_complex=True, time_s=curves.time_s[rows], field=curves.field[rows], spw=curves.spw[rows],
        ant1=curves.antenna[rows], ant2=zero - 1, obs=zero - 1, scan=zero - 1, values=[], flags=[], frequencies_hz={s: np.zeros(1) for s in spws},
        delay_reference_hz={}, antenna_names=(), field_names=(), field_directions=np.zeros((0, 2)), curves=curves,
    )  # fmt: skip


def as_solutions(table: CalTable, path: str) -> SolutionTable:
    """The view of a calibration table that application needs."""
    values: list[np.ndarray] = [np.zeros((0, 0))] * table.nrow
    flags: list[np.ndarray] = [np.zeros((0, 0), dtype=bool)] * table.nrow
    for group in table.groups:
        for k, row in enumerate(group.rows.tolist()):
            values[row], flags[row] = group.param[k], group.flag[k]
    frequencies = table.frequencies_hz
    windows = table.subtables["SPECTRAL_WINDOW"].columns
    # Tables without a version are of a time when delays were referred to REF_FREQUENCY, not to the middle of the window.
    versioned = bool(table.version)
    references = {s: float(np.mean(f)) if versioned else float(windows["REF_FREQUENCY"][s]) for s, f in frequencies.items()}
    fields = table.subtables["FIELD"].columns
    directions = np.array([np.asarray(d).reshape(-1, 2)[0] for d in fields["PHASE_DIR"]]).reshape(-1, 2)
    return SolutionTable(
        path=path, kind=table.vis_cal, is_complex=table.is_complex, time_s=table.time_s, field=table.field_id, spw=table.spw_id,
        ant1=table.antenna1, ant2=table.antenna2, obs=table.observation, scan=table.scan, values=values, flags=flags,
        frequencies_hz=frequencies, delay_reference_hz=references, antenna_names=table.antenna_names, field_names=table.field_names,
        field_directions=directions, antenna_positions_m=table.antenna_positions_m, band_hz=None if (band := table.keywords.get("DISPERSION_BAND")) is None else np.ravel(band),
    )  # fmt: skip
