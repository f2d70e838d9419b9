"""fixvis: phase centres moved, frames changed, uvw turned or computed anew.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed. (2017), section 4.1: uvw coordinates.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools._base.paths import (
    folder_bytes,
    require_absent,
    require_outside,
    require_present,
    require_writable_parent,
    staged_output,
)
from casatools.frames.directions import Direction, convert_directions, direction_frame, frame_turn, parse_direction
from casatools.frames.quantities import to_unit
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.measure_frames import FIELD_DIRECTIONS, field_frames_vary, set_field_frames, set_uvw_frame
from casatools.io.ms.metadata import Field
from casatools.kernels.phase_turning import turn_phases
from casatools.transform.field_directions import array_position, measured_uvw, phase_centres
from casatools.transform.near_field import near_field_w
from casatools.transform.phasing import phase_factors, uvw_frame

__all__ = ["FixOptions", "fixvis", "recompute_uvw"]

_COLUMNS = {
    "DATA": "DATA",
    "CORRECTED": "CORRECTED_DATA",
    "CORRECTED_DATA": "CORRECTED_DATA",
    "MODEL": "MODEL_DATA",
    "MODEL_DATA": "MODEL_DATA",
}


@dataclass(frozen=True)
class FixOptions:
    """What fixvis does.

    Attributes
    ----------
    phasecenter : str or dict
        New phase centre, or two angles that are added to the old one; "" leaves it.
    refcode : str
        Frame of the directions and uvw; "" leaves it.
    reuse : bool
        Turn the uvw that are there; otherwise they are computed from the positions of the antennas.
    columns : str
        ``all`` or names of columns.
    distances_m : tuple of float
        Distances of the fields' sources from the array, one for all or one for each field selected; () is infinitely far.
    """

    phasecenter: Any = ""
    refcode: str = ""
    reuse: bool = True
    columns: str = "all"
    distances_m: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(d > 0 for d in self.distances_m):
            raise ParameterError(f"parameter 'distances' must be above 0 m; got {min(self.distances_m)} m")

    @property
    def turns_phases(self) -> bool:
        return self.moves or bool(self.distances_m)

    @property
    def moves(self) -> bool:
        return self.phasecenter not in ("", None) and self.phasecenter != {}

    @property
    def offset_rad(self) -> tuple[float, float] | None:
        """The offset, where the phase centre is given as two angles without a frame."""
        words = self.phasecenter.split() if isinstance(self.phasecenter, str) else []
        return (float(to_unit(words[0], "rad")), float(to_unit(words[1], "rad"))) if len(words) == 2 else None


@dataclass(frozen=True)
class _Move:
    """A field on its way: centres before and after at each distinct time (one where it stands still), the turn to another frame."""

    times_s: np.ndarray
    old: tuple[np.ndarray, np.ndarray]
    new: tuple[np.ndarray, np.ndarray]
    frame: str
    turn: np.ndarray | None
    distance_m: float = np.inf


def fixvis(vis: str, outputvis: str, field: str, options: FixOptions) -> None:
    """Move phase centres, change frames or compute uvw anew.

    Parameters
    ----------
    vis : str
    outputvis : str
        A copy is changed, which appears only when complete; "" or `vis` replaces the MeasurementSet by it.
    field : str
        Fields to change.
    options : FixOptions

    Raises
    ------
    PathMissingError, OutputExistsError, SelectionError
    ParameterError, DataError
        A value cannot be read, a column is missing, or one frame is asked for some of the fields of a column that has one; nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    here = not outputvis or os.path.realpath(outputvis.rstrip("/")) == os.path.realpath(vis)
    if not here:
        require_absent(outputvis)
        require_writable_parent(outputvis)
        require_outside(outputvis, vis)
    with MeasurementSet(vis) as ms:
        _parsed_columns(ms, options.columns)
        moves = _plan(ms, field, options)
    if here and not options.turns_phases and all(move.turn is None for move in moves.values()):
        _apply(vis, moves, options)  # does not depend on what was there: it can be repeated
        return
    with staged_output(os.path.realpath(vis) if here else outputvis, here, 1.05 * folder_bytes(vis)) as target:
        shutil.copytree(vis, target, symlinks=True)
        _apply(target, moves, options)


def _parsed_columns(ms: MeasurementSet, text: str) -> list[str]:
    words = [w for w in re.split(r"[\s,]+", text.strip().upper()) if w]
    if words == ["ALL"]:
        return [c for c in ("DATA", "CORRECTED_DATA", "MODEL_DATA", "FLOAT_DATA") if ms.has(c) and c != "FLOAT_DATA"]
    unknown = [w for w in words if w not in _COLUMNS]
    if unknown or not words:
        raise ParameterError(
            f"parameter 'datacolumn' must be 'all' or names of {', '.join(sorted(set(_COLUMNS.values())))}; got {text!r}"
        )
    found = [_COLUMNS[w] for w in words]
    for column in found:
        ms.require(column)
    return found


def _plan(ms: MeasurementSet, field: str, options: FixOptions) -> dict[int, _Move]:
    """The moves of the fields selected."""
    numbers = (
        sorted({int(f) for f in Selection(field=field).resolve(ms, allow_empty=True).fields})
        if field
        else range(len(ms.metadata.fields))
    )
    frame = direction_frame(options.refcode) if options.refcode else ""
    if frame and len(numbers) < len(ms.metadata.fields) and not field_frames_vary(ms.path):
        raise DataError(
            f"parameter 'refcode': the directions of {ms.path!r} have one frame for all fields, so all fields must be selected to change it"
        )
    if len(options.distances_m) not in (0, 1, len(numbers)):
        raise ParameterError(
            f"parameter 'distances' holds {len(options.distances_m)} distances for {len(numbers)} fields; give one for all or one for each"
        )
    distances = (options.distances_m or (np.inf,)) * (1 if len(options.distances_m) > 1 else len(numbers))
    ids = np.asarray(ms.read("FIELD_ID"))
    times = np.asarray(ms.read("TIME"))
    moves = {}
    for number, distance in zip(numbers, distances, strict=True):
        found = ms.metadata.fields[number]
        distinct = np.unique(times[ids == number])
        moving = found.ephemeris_id >= 0 or len(found.phase_dir) > 1
        if not len(distinct):
            distinct = np.array([found.time_s])
            moving = False if found.ephemeris_id < 0 else moving
        moves[number] = replace(_move(ms, found, distinct if moving else distinct[:1], frame, options), distance_m=distance)
    return moves


def _move(ms: MeasurementSet, field: Field, times: np.ndarray, frame: str, options: FixOptions) -> _Move:
    lon, lat, own = phase_centres(ms, field, times)
    old = new = (np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    offset = options.offset_rad
    if offset is not None:
        new = (old[0] + offset[0], old[1] + offset[1])
    elif options.moves:
        target = parse_direction(options.phasecenter)
        place = array_position(ms)
        moved = [convert_directions(target.lon_rad, target.lat_rad, target.frame, own, float(t), place) for t in times]
        new = (np.array([float(m[0]) for m in moved]), np.array([float(m[1]) for m in moved]))
    turn = None
    if frame and frame != own:
        _, turn = frame_turn(Direction(float(new[0][0]), float(new[1][0]), own), frame, float(times[0]), array_position(ms))
        if len(times) > 1:
            raise UnsupportedError(f"parameter 'refcode': field {field.id} of {ms.path!r} moves; its frame cannot be changed")
    return _Move(times, old, new, own, turn)


def _apply(path: str, moves: dict[int, _Move], options: FixOptions) -> None:
    frame = direction_frame(options.refcode) if options.refcode else ""
    with MeasurementSet(path, writable=True) as ms:
        columns = _parsed_columns(ms, options.columns) if options.turns_phases else []
        changed = options.turns_phases or not options.reuse or any(m.turn is not None for m in moves.values())
        if changed:
            text = ",".join(str(n) for n in moves)
            resolved = Selection(field=text).resolve(ms, allow_empty=True)
            wanted = [*columns, "UVW", "TIME", "FIELD_ID"]
            write_chunks(ms, _changed(ms, iter_chunks(ms, resolved, wanted), moves, columns, options), columns)
        if options.moves or options.refcode:
            _write_fields(ms, moves, frame, options.moves)
    if options.moves or options.refcode:
        set_uvw_frame(path, frame or next(iter(moves.values())).frame)
    if frame:
        set_field_frames(path, list(moves), frame)


def _changed(
    ms: MeasurementSet, chunks: Iterator[VisChunk], moves: dict[int, _Move], columns: Sequence[str], options: FixOptions
) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    """Chunks with what is to be written of them."""
    for chunk in chunks:
        uvw = np.asarray(chunk["UVW"]).copy()
        path = np.zeros(len(uvw))
        for number in np.unique(chunk["FIELD_ID"]):
            rows = np.flatnonzero(chunk["FIELD_ID"] == number)
            uvw[rows], path[rows] = _moved_uvw(ms, moves[int(number)], chunk, rows, options)
        out: dict[str, np.ndarray] = {"UVW": uvw}
        if columns:
            frequency = np.asarray(ms.metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
            factor = phase_factors(path, frequency)
            for column in columns:
                out[column] = np.ascontiguousarray(chunk[column])
                turn_phases(out[column], factor, out[column])
        yield chunk, out


def _moved_uvw(
    ms: MeasurementSet, move: _Move, chunk: VisChunk, rows: np.ndarray, options: FixOptions
) -> tuple[np.ndarray, np.ndarray]:
    """New uvw of some rows of one field, and by how much w has grown."""
    old = np.asarray(chunk["UVW"])[rows]
    still = len(move.times_s) == 1
    at = np.zeros(len(rows), dtype=np.int64) if still else np.searchsorted(move.times_s, chunk["TIME"][rows])
    if options.reuse:
        new = np.empty_like(old)
        for k in np.unique(at):
            here = at == k
            rotation = uvw_frame(move.new[0][k], move.new[1][k]) @ uvw_frame(move.old[0][k], move.old[1][k]).T
            new[here] = old[here] @ rotation.T
    else:
        listed = np.unique(at) if still else at
        numbers = chunk.rows[rows]
        before, new = (
            measured_uvw(ms, numbers, [Direction(float(c[0][k]), float(c[1][k]), move.frame) for k in listed])
            for c in (move.old, move.new)
        )
        old = before
    path = new[:, 2] - old[:, 2]
    if np.isfinite(move.distance_m):
        centres = [Direction(float(move.new[0][k]), float(move.new[1][k]), move.frame) for k in ([0] if still else at)]
        path = path + near_field_w(ms, chunk.rows[rows], centres, move.distance_m)
    return new if move.turn is None else new @ move.turn.T, path


def _write_fields(ms: MeasurementSet, moves: dict[int, _Move], frame: str, moved: bool) -> None:
    """Directions of the fields after the move, in the frame asked for."""
    place = array_position(ms)
    with closing(ms.subtable("FIELD", writable=True)) as table:
        for number, move in moves.items():
            field = ms.metadata.fields[number]
            if moved:
                terms = np.zeros_like(np.asarray(field.phase_dir))
                terms[0] = np.pi - (np.pi - move.new[0][0]) % (2 * np.pi), move.new[1][0]
                table.putcell("PHASE_DIR", number, terms)
                if field.ephemeris_id >= 0:
                    # It stands still from here on; what were offsets from the ephemeris become directions.
                    table.putcell("EPHEMERIS_ID", number, -1)
                    for name in ("DELAY_DIR", "REFERENCE_DIR"):
                        table.putcell(name, number, np.array([[move.old[0][0], move.old[1][0]]]))
            if frame:
                for name in FIELD_DIRECTIONS:
                    terms = np.asarray(table.getcell(name, number)).copy()
                    lon, lat = convert_directions(terms[0, 0], terms[0, 1], move.frame, frame, float(move.times_s[0]), place)
                    terms[0] = float(lon), float(lat)
                    table.putcell(name, number, terms)


def recompute_uvw(vis: str, fields: Sequence[int]) -> None:
    """Compute the uvw of some fields from the positions of the antennas and the fields' directions."""
    fixvis(vis, "", ",".join(str(f) for f in fields), FixOptions(reuse=False))
    log.post(f"Computed the uvw of fields {', '.join(str(f) for f in fields)} of {vis}")
