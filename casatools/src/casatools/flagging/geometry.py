"""Geometry of the array for flagging: elevations, and antennas that shadow one another."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.errors import ParameterError, PathMissingError
from casatools.frames.baselines import azimuth_elevation, baseline_uvw
from casatools.frames.directions import Direction
from casatools.frames.epochs import utc_seconds
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
        times, at = np.unique(utc_seconds(time_s[rows], ms.time_frame), return_inverse=True)
        direction = _field_direction(ms, int(number))
        one, two = columns["ANTENNA1"][rows], columns["ANTENNA2"][rows]
        elevation = np.zeros((len(positions), len(times)))
        for antenna in np.union1d(one, two):
            elevation[antenna] = np.degrees(azimuth_elevation(times, direction, positions[antenna])[1])
        first, second = elevation[one, at.ravel()], elevation[two, at.ravel()]
        low[rows], high[rows] = np.minimum(first, second), np.maximum(first, second)
    return low, high


def _antenna(diameter: Any, position: Any) -> dict[str, Any]:
    x, y, z = position
    return {"diameter": float(diameter), "position": [float(x), float(y), float(z)]}


def _antennas_of_file(path: str) -> list[dict[str, Any]]:
    """Antennas of a text file, on a line or over several: each ``name=``, ``diameter=`` and ``position=[x,y,z]``."""
    with open(path, encoding="utf-8") as stream:
        text = " ".join(line.split("#")[0].strip() for line in stream)
    rows: list[dict[str, str]] = []
    for key, value in re.findall(r"(\w+)\s*=\s*(\[[^\]]*\]|\S+)", text):
        if key == "name" or not rows or key in rows[-1]:
            rows.append({})
        rows[-1][key] = value
    try:
        return [_antenna(r["diameter"], ast.literal_eval(r["position"])) for r in rows or [{}]]
    except (KeyError, TypeError, ValueError, SyntaxError) as error:
        raise ParameterError(
            f"flagging: each antenna of the file {path!r} must be name=, diameter=, position=[x,y,z]; cannot read {text[:80]!r}"
        ) from error


def _added_antennas(given: Any) -> list[dict[str, Any]]:
    """Antennas that are not in the MeasurementSet, from a record of records or a file that holds its text."""
    if not given:
        return []
    if isinstance(given, str):
        if not os.path.isfile(given):
            raise PathMissingError(f"the file of antennas {given!r} does not exist")
        return _antennas_of_file(given)
    try:
        return [_antenna(v["diameter"], v["position"]) for v in given.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ParameterError(
            f"flagging: parameter 'addantenna' must hold records of diameter and position=[x,y,z]; got {given!r}"
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
    the source is shadowed. Baselines that have a row at the time take their UVW from it; others are computed, so that every antenna
    of the sub-table counts, with or without data.
    """
    antennas = ms.metadata.antennas
    extra = _added_antennas(addantenna)
    positions = np.array([a.position_m for a in antennas] + [e["position"] for e in extra], dtype=np.float64)
    radii = 0.5 * np.array([a.diameter_m for a in antennas] + [e["diameter"] for e in extra])
    out = np.zeros(ms.nrow, bool)
    fields = columns["FIELD_ID"]
    for number in np.unique(fields):
        rows = np.flatnonzero(fields == number)
        out[rows] = _shadowed_of_field(ms, columns, rows, positions, radii, tolerance_m)
    return out


def _shadowed_of_field(
    ms: MeasurementSet, columns: RowColumns, rows: np.ndarray, positions: np.ndarray, radii: np.ndarray, tolerance_m: float
) -> np.ndarray:
    """Whether an antenna of each of these rows, all of one field, is shadowed."""
    times, at = np.unique(columns["TIME"][rows], return_inverse=True)
    at = at.ravel()
    one, two, uvw_m = columns["ANTENNA1"][rows], columns["ANTENNA2"][rows], columns["UVW"][rows]
    hidden = np.zeros((len(times), len(positions)), bool)
    close = (one != two) & (np.hypot(uvw_m[:, 0], uvw_m[:, 1]) < radii[one] + radii[two] - tolerance_m)
    hidden[at[close], np.where(uvw_m[:, 2] > 0, two, one)[close]] = True
    seen = np.zeros((len(times), len(positions), len(positions)), bool)
    seen[at, one, two] = seen[at, two, one] = True
    first, second = np.triu_indices(len(positions), 1)
    direction = _field_direction(ms, int(columns["FIELD_ID"][rows[0]]))
    for k in np.flatnonzero(~seen[:, first, second].all(axis=1)):
        a, b = first[~seen[k, first, second]], second[~seen[k, first, second]]
        uvw_m = baseline_uvw(positions, a, b, np.full(len(a), times[k]), direction)
        close = np.hypot(uvw_m[:, 0], uvw_m[:, 1]) < radii[a] + radii[b] - tolerance_m
        hidden[k, np.where(uvw_m[:, 2] > 0, b, a)[close]] = True
    return np.asarray(hidden[at, one] | hidden[at, two])
