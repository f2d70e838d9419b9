"""Changing the intents of scans: rows of the STATE sub-table and STATE_ID of the data."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, require_space, staged_output
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["IntentChange", "set_intents"]


@dataclass(frozen=True)
class IntentChange:
    """What to set where; see the task defintent.

    Raises
    ------
    ParameterError
        No intent, or an unknown mode.
    """

    intent: str
    mode: str = "append"
    scan: str = ""
    field: str = ""
    observation: str = ""

    def __post_init__(self) -> None:
        if not self.intent.strip():
            raise ParameterError("defintent: parameter 'intent' must name an intent; got ''")
        if self.mode not in ("set", "append"):
            raise ParameterError(f"defintent: parameter 'mode' must be 'set' or 'append'; got {self.mode!r}")


def set_intents(vis: str, change: IntentChange, outputvis: str = "") -> int:
    """Set the intents of the selected rows in a copy, or in place without `outputvis`; returns the number of rows.

    Raises
    ------
    PathMissingError, SelectionError, OutputExistsError
        The MeasurementSet is missing, the selection matches nothing, or the output exists.
    """
    selection = Selection(scan=change.scan, field=change.field, observation=change.observation)
    with MeasurementSet(vis) as ms:
        selection.resolve(ms)
    if not outputvis:
        return _change(vis, selection, change)
    require_absent(outputvis)
    require_space(outputvis, 0)
    with staged_output(outputvis) as path:
        shutil.copytree(vis.rstrip("/"), path, symlinks=True)
        return _change(path, selection, change)


def _change(path: str, selection: Selection, change: IntentChange) -> int:
    with MeasurementSet(path, writable=True) as ms:
        rows = np.asarray(selection.resolve(ms).rows)
        states = np.asarray(ms.read("STATE_ID", rows))
        table = ms.subtable("STATE", writable=True)
        try:
            modes = [str(m) for m in table.getcol("OBS_MODE")] if table.nrows() else []
            target = states.copy()
            for state in np.unique(states).tolist():
                target[states == state] = _state_row(table, modes, state, change)
            table.flush()
        finally:
            table.close()
        ms.write("STATE_ID", target, rows)
    log.post(f"{len(rows)} rows have the intent {change.intent}")
    return len(rows)


def _state_row(table: object, modes: list[str], state: int, change: IntentChange) -> int:
    """The row of STATE with the new intents of a state, made where there is none; `modes` is kept up to date."""
    have = [m for m in modes[state].split(",") if m] if 0 <= state < len(modes) and change.mode == "append" else []
    wanted = ",".join(dict.fromkeys([*have, *(i.strip() for i in change.intent.split(",") if i.strip())]))
    if wanted in modes:
        return modes.index(wanted)
    row = len(modes)
    table.addrows(1)  # type: ignore[attr-defined]
    if 0 <= state < row:
        for column in table.colnames():  # type: ignore[attr-defined]
            table.putcell(column, row, table.getcell(column, state))  # type: ignore[attr-defined]
    table.putcell("OBS_MODE", row, wanted)  # type: ignore[attr-defined]
    modes.append(wanted)
    return row
