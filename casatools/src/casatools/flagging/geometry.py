"""Geometry of the array for flagging: elevations, and antennas that shadow one another."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import ParameterError, PathMissingError
from casatools.frames.baselines import azimuth_elevation, baseline_uvw
from casatools.frames.directions import Direction
from casatools.io.ms import MeasurementSet

if TYPE_CHECKING:
    from casatools.flagging.agents import RowColumns

__all__ = ["antenna_elevations_deg", "shadowed_rows"]


def _field_direction(ms: MeasurementSet, field_id: int) -> Direction:
    field = ms.metadata.fields[field_id]
    return Direction(float(field.phase_dir[0, 0]), float(field.phase_dir[0, 1]), field.phase_frame)


def antenna_elevations_deg(ms: MeasurementSet, columns: RowColumns) -> tuple[np.ndarray, np.ndarray]:
    """Lower and higher elevation of the two antennas of each row.

    Returns
    -------
    low, high : ndarray (row,) float64 [deg]
    """
    time_s, fields = columns["TIME"], columns["FIELD_ID"]
    low, high = np.zeros(len(time_s)), np.zeros(len(time_s))
    positions = np.stack([a.position_m for a in ms.metadata.antennas])
    for number in np.unique(fields):
        rows = np.flatnonzero(fields == number)
        times, at = np.unique(time_s[rows], return_inverse=True)
        direction = _field_direction(ms, int(number))
        one, two = columns["ANTENNA1"][rows], columns["ANTENNA2"][rows]
        elevation = np.zeros((len(positions), len(times)))
        for antenna in np.union1d(one, two):
            elevation[antenna] = np.degrees(azimuth_elevation(times, direction, positions[antenna])[1])
        first, second = elevation[one, at.ravel()], elevation[two, at.ravel()]
        low[rows], high[rows] = np.minimum(first, second), np.maximum(first, second)
    return low, high


def _added_antennas(given: Any) -> list[dict[str, Any]]:
    """Antennas that are not in the MeasurementSet, from a record of records or a file that holds its text."""
    if not given:
        return []
    if isinstance(given, str):
        if not os.path.isfile(given):
            raise PathMissingError(f"the file of antennas {given!r} does not exist")
        rows = []
        with open(given, encoding="utf-8") as stream:
            for line in stream:
                words = line.split("#")[0].split()
                if not words:
                    continue
                values = dict(w.split("=", 1) for w in words if "=" in w)
                try:
                    rows.append({
                        "diameter": float(values["diameter"]), "position": [float(v) for v in ast.literal_eval(values["position"])],
                    })  # fmt: skip
                except (KeyError, ValueError, SyntaxError) as error:
                    raise ParameterError(
                        f"flagging: the antenna {line.strip()!r} must be name=, diameter=, position=[x,y,z]"
                    ) from error
        return rows
    try:
        return [{"diameter": float(v["diameter"]), "position": [float(x) for x in v["position"]]} for v in given.values()]
    except (KeyError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"flagging: parameter 'addantenna' must be a record of diameter and position; got {given!r}"
        ) from error


def shadowed_rows(ms: MeasurementSet, columns: RowColumns, tolerance_m: float, addantenna: Any = "") -> np.ndarray:
    """Rows of which an antenna is behind another one by more than `tolerance_m`.

    Parameters
    ----------
    ms : MeasurementSet
    columns : RowColumns
    tolerance_m : float [m]
        By how much two dishes may overlap, seen from the source.
    addantenna : dict or str
        Further antennas that may stand in front.

    Returns
    -------
    ndarray (row,) bool

    Notes
    -----
    Antennas overlap when their distance in the uv plane is below the sum of the radii less the tolerance; the one further from
    the source is shadowed. Every antenna of the sub-table counts, with or without data at the time.
    """
    antennas = ms.metadata.antennas
    extra = _added_antennas(addantenna)
    positions = np.array([a.position_m for a in antennas] + [e["position"] for e in extra], dtype=np.float64)
    radii = 0.5 * np.array([a.diameter_m for a in antennas] + [e["diameter"] for e in extra])
    one, two = np.triu_indices(len(positions), 1)
    time_s, fields = columns["TIME"], columns["FIELD_ID"]
    out = np.zeros(len(time_s), bool)
    limit = radii[one] + radii[two] - tolerance_m
    for number in np.unique(fields):
        rows = np.flatnonzero(fields == number)
        times, at = np.unique(time_s[rows], return_inverse=True)
        hidden = np.zeros((len(times), len(positions)), bool)
        for k, moment in enumerate(times):
            uvw = baseline_uvw(positions, one, two, np.full(len(one), moment), _field_direction(ms, int(number)))
            close = np.hypot(uvw[:, 0], uvw[:, 1]) < limit
            behind = np.where(uvw[:, 2] > 0, two, one)
            hidden[k, behind[close]] = True
        out[rows] = hidden[at.ravel(), columns["ANTENNA1"][rows]] | hidden[at.ravel(), columns["ANTENNA2"][rows]]
    return out
