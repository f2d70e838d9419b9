"""Reading calibration tables into `SolutionTable`s."""

from __future__ import annotations

import numpy as np

from casatools.calibration.solutions import SolutionTable
from casatools.io.caltable import CalTable

__all__ = ["as_solutions", "read_solutions"]


def read_solutions(path: str) -> SolutionTable:
    """Read a calibration table whole.

    Raises
    ------
    PathMissingError, DataError
        It is missing, or is not a calibration table.
    """
    return as_solutions(CalTable.open(path), path)


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
        field_directions=directions,
    )  # fmt: skip
