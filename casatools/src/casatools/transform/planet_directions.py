"""fixplanets: directions of fields corrected from the pointing table, to a direction given, or to an ephemeris."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.frames.ephemeris import ephemeris_directions
from casatools.frames.epochs import parse_epoch
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris, read_ephemeris
from casatools.io.ms.measure_frames import FIELD_DIRECTIONS
from casatools.io.ms.parts import part_paths
from casatools.io.tables import is_table, open_table, subtable_path
from casatools.transform.field_directions import array_position
from casatools.transform.fixing import recompute_uvw

__all__ = ["fix_planets"]


def fix_planets(vis: str, field: str, fixuvw: bool, direction: Any, refant: Any, reftime: str) -> None:
    """Set the directions of fields and of their sources.

    Parameters
    ----------
    vis : str
    field : str
    fixuvw : bool
        Compute their uvw anew as well.
    direction : str or dict
        A direction, a planet, or the path of an ephemeris; "" takes where `refant` pointed at `reftime`.
    refant : int or str
        Antenna.
    reftime : str
        ``first`` or ``median`` of the field's times, or a time within the observation.

    Raises
    ------
    PathMissingError, SelectionError, DataError, ParameterError
        There is no such MeasurementSet, field, antenna, pointing, or time; nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    if not field.strip():
        raise ParameterError("parameter 'field' must name the fields to be corrected; got ''")
    ephemeris = isinstance(direction, str) and is_table(direction)
    with MeasurementSet(vis, writable=True) as ms:
        numbers = sorted({int(f) for f in Selection(field=field).resolve(ms).fields})
        found = {number: _target(ms, number, direction, refant, reftime, ephemeris) for number in numbers}
    if ephemeris:
        with MeasurementSet(vis) as ms:
            name = ms.metadata.fields[numbers[0]].name
        attach_ephemeris(vis, str(direction), numbers, name.replace("/", "_") or "object")
    for number, target in found.items():
        _set_field(vis, number, target, ephemeris)
    if fixuvw:
        recompute_uvw(vis, numbers)


def _target(ms: MeasurementSet, number: int, direction: Any, refant: Any, reftime: str, ephemeris: bool) -> Direction:
    """Where a field is to be, from what was given or from the pointing table."""
    times = np.unique(np.asarray(ms.read("TIME"))[np.asarray(ms.read("FIELD_ID")) == number])
    if ephemeris:
        table = read_ephemeris(str(direction))
        lon, lat = ephemeris_directions(table, times[:1])
        return Direction(float(lon[0]), float(lat[0]), table.frame)
    if direction not in ("", None) and direction != {}:
        target = parse_direction(direction)
        return convert_direction(target, "J2000", float(times[0]), array_position(ms)) if target.is_moving else target
    return _pointing(ms, _antenna(ms, refant), _reference_time(ms, times, reftime))


def _antenna(ms: MeasurementSet, refant: Any) -> int:
    names = [a.name for a in ms.metadata.antennas]
    text = str(refant)
    if text in names:
        return names.index(text)
    if text.isdigit() and int(text) < len(names):
        return int(text)
    raise ParameterError(f"parameter 'refant' must be the name or number of an antenna ({', '.join(names)}); got {refant!r}")


def _reference_time(ms: MeasurementSet, times: np.ndarray, reftime: str) -> float:
    if reftime.strip().lower() == "first":
        return float(times[0])
    if reftime.strip().lower() == "median":
        return float(times[len(times) // 2])
    try:
        when = parse_epoch(reftime)
    except ParameterError as error:
        raise ParameterError(f"parameter 'reftime' must be 'first', 'median' or a time; got {reftime!r}") from error
    everything = np.asarray(ms.read("TIME"))
    if not everything.min() <= when <= everything.max():
        raise ParameterError(f"parameter 'reftime': {reftime!r} is not within the times of {ms.path!r}")
    return when


def _pointing(ms: MeasurementSet, antenna: int, time_s: float) -> Direction:
    """Where an antenna pointed, by the row of POINTING nearest in time, in J2000."""
    if not ms.metadata.has_subtable("POINTING"):
        raise DataError(f"{ms.path!r} has no POINTING table; give parameter 'direction'")
    with closing(ms.subtable("POINTING")) as table:
        antennas, times = (np.asarray(table.getcol(c)) for c in ("ANTENNA_ID", "TIME"))
        rows = np.flatnonzero(antennas == antenna)
        if not len(rows):
            raise DataError(f"the POINTING table of {ms.path!r} has no entries of antenna {antenna}; give parameter 'direction'")
        row = int(rows[np.argmin(np.abs(times[rows] - time_s))])
        terms = np.asarray(table.getcell("DIRECTION", row), dtype=np.float64)
        frame = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
    place = np.asarray(ms.metadata.antennas[antenna].position_m)
    return convert_direction(Direction(float(terms[0, 0]), float(terms[0, 1]), frame), "J2000", float(times[row]), place)


def _wrapped(longitude_rad: float) -> float:
    """Within (-180, 180] degrees."""
    return float(np.pi - (np.pi - longitude_rad) % (2.0 * np.pi))


def _set_field(vis: str, number: int, target: Direction, ephemeris: bool) -> None:
    """Write the directions of a field (offsets of zero from an ephemeris) and that of its source."""
    with MeasurementSet(vis) as ms:
        field = ms.metadata.fields[number]
        frames = (field.phase_frame, field.delay_frame, field.reference_frame)
        rows = np.flatnonzero(np.asarray(ms.read("FIELD_ID")) == number)
        time, place = float(ms.read("TIME", rows[:1])[0]), array_position(ms)
    with closing(open_table(subtable_path(vis, "FIELD"), writable=True)) as table:
        for name, frame in zip(FIELD_DIRECTIONS, frames, strict=True):
            new = Direction(0.0, 0.0, frame) if ephemeris else convert_direction(target, frame, time, place)
            terms = np.zeros_like(np.asarray(table.getcell(name, number)))
            terms[0] = _wrapped(new.lon_rad), new.lat_rad
            table.putcell(name, number, terms)
    _set_source(part_paths(vis), field.source_id, target, time, place)


def _set_source(parts: Sequence[str], source: int, target: Direction, time_s: float, place: np.ndarray) -> None:
    for part in parts:
        path = subtable_path(part, "SOURCE")
        if not is_table(path):
            continue
        with closing(open_table(path, writable=True)) as table:
            frame = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
            new = convert_direction(target, frame, time_s, place)
            for row in np.flatnonzero(np.asarray(table.getcol("SOURCE_ID")) == source) if table.nrows() else ():
                table.putcell("DIRECTION", int(row), np.array([_wrapped(new.lon_rad), new.lat_rad]))
