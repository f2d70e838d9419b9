"""Moving the phase centre of visibilities, and taking their complex conjugate.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed. (2017), section 4.1: uvw coordinates.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools._base.paths import folder_bytes, require_absent, require_outside, require_present, staged_output
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.io.ms import MeasurementSet, Selection, iter_chunks, write_chunks
from casatools.io.ms.create_like import SubtableEdit
from casatools.io.ms.metadata import Field
from casatools.io.ms.parts import is_multi_ms
from casatools.kernels.phase_turning import phase_factors as fill_factors
from casatools.kernels.phase_turning import turn_phases
from casatools.transform.blocks import Block, settle_row_flags, settle_row_weights
from casatools.transform.field_directions import phase_centres
from casatools.transform.multi_ms import transform_parts
from casatools.transform.pipeline import Job, Stage, TransformOptions, needed_bytes, prepare, run

__all__ = ["conjugatevis", "phase_factors", "phaseshift", "shift_blocks", "shift_stage", "uvw_frame"]

Rotation: TypeAlias = np.ndarray | Callable[[np.ndarray], np.ndarray]
# Steps between channels that differ by less than this part are equal: over the few channels of a recurrence no phase is off by more than 1e-7.
_EVEN = 1e-9


def uvw_frame(longitude_rad: float, latitude_rad: float) -> np.ndarray:
    """Rows are the unit vectors of u (east), v (north) and w (towards the direction): ndarray (3, 3)."""
    sin_l, cos_l, sin_b, cos_b = np.sin(longitude_rad), np.cos(longitude_rad), np.sin(latitude_rad), np.cos(latitude_rad)
    return np.array([[-sin_l, cos_l, 0.0], [-sin_b * cos_l, -sin_b * sin_l, cos_b], [cos_b * cos_l, cos_b * sin_l, sin_b]])


def phase_factors(path_m: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """What visibilities are multiplied with when w grows by `path_m`: exp(-2 pi i path nu / c), complex64 (row, chan)."""
    frequency = np.ascontiguousarray(frequency_hz, dtype=np.float64)
    steps = np.diff(frequency)
    even = bool(len(steps) == 0 or np.ptp(steps) <= _EVEN * np.abs(steps).max())
    factor = np.empty((len(path_m), len(frequency)), dtype=np.complex64)
    fill_factors(np.ascontiguousarray(path_m / SPEED_OF_LIGHT_M_S), frequency, even, factor)
    return factor


def shift_blocks(
    blocks: Iterable[Block], rotations: Mapping[int, Rotation], frequencies_hz: Mapping[int, np.ndarray]
) -> Iterator[Block]:
    """The stage: rotate uvw and turn phases to a new centre.

    Parameters
    ----------
    blocks : iterable of Block
    rotations : mapping
        Field to the rotation (3, 3) from old to new uvw, or to a function of times (row,) that gives (row, 3, 3).
    frequencies_hz : mapping
        Spectral window to the frequencies of the channels held.

    Notes
    -----
    Data are multiplied with exp(-2 pi i (w' - w) nu / c); no small-angle approximation is made.
    """
    for block in blocks:
        uvw = block.rows["UVW"].copy()
        for number in np.unique(block.rows["FIELD_ID"]):
            rows = block.rows["FIELD_ID"] == number
            turn = rotations[int(number)]
            if callable(turn):
                uvw[rows] = np.einsum("rij,rj->ri", turn(block.rows["TIME"][rows]), uvw[rows])
            else:
                uvw[rows] = uvw[rows] @ turn.T
        factor = phase_factors(uvw[:, 2] - block.rows["UVW"][:, 2], frequencies_hz[block.spw])
        for name, values in block.data.items():
            if not np.iscomplexobj(values):
                continue  # total power has no phase
            block.data[name] = np.empty(values.shape, dtype=np.complex64)
            turn_phases(np.ascontiguousarray(values.astype(np.complex64, copy=False)), factor, block.data[name])
        block.rows["UVW"] = uvw
        yield block


def phaseshift(vis: str, outputvis: str, selection: Selection, datacolumn: str, phasecenter: Any, keepmms: bool = True) -> int:
    """Write `vis` with the phase centre of its fields moved to `phasecenter`; returns the number of rows.

    Raises
    ------
    ParameterError
        `phasecenter` is empty or cannot be read.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    if phasecenter in ("", None) or phasecenter == {}:
        raise ParameterError("parameter 'phasecenter' must be a direction such as 'J2000 19h53m50 40d06m00'; got ''")
    write = partial(_shift_rows, vis, selection, datacolumn, parse_direction(phasecenter))
    if keepmms and is_multi_ms(vis):
        return transform_parts(vis, outputvis, selection, write)
    return int(write(outputvis, None))


def _shift_rows(
    vis: str, selection: Selection, datacolumn: str, direction: Direction, outputvis: str | None, only: np.ndarray | None
) -> float:
    """Write one MeasurementSet of some of the selected rows, or of all; without an output the bytes that it takes."""
    with MeasurementSet(vis) as ms:
        job = prepare(ms, TransformOptions(selection, datacolumn, reindex=False, rows=only))
        shift, edits = shift_stage(job, direction)

        def stage(blocks: Iterable[Block]) -> Iterator[Block]:
            return settle_row_flags(settle_row_weights(shift(blocks), job.columns))

        return needed_bytes(job) if outputvis is None else run(job, outputvis, [stage], edits=edits)


def shift_stage(job: Job, direction: Direction) -> tuple[Stage, dict[str, SubtableEdit]]:
    """The stage that moves the phase centre of all fields of a job, for blocks of the channels read, and what it changes in sub-tables."""
    ms = job.ms
    fields = ms.metadata.fields
    rotations: dict[int, Rotation] = {}
    directions = [f.phase_dir.copy() for f in fields]
    ephemerides = np.array([f.ephemeris_id for f in fields], dtype=np.int32)
    for number in sorted(set(job.resolved.fields_present)):
        old = fields[number]
        new = convert_direction(direction, old.phase_frame)
        if old.ephemeris_id >= 0:
            rotations[number] = partial(_moving_turns, ms, old, direction)
            ephemerides[number] = -1
        else:
            rotations[number] = uvw_frame(new.lon_rad, new.lat_rad) @ uvw_frame(*old.phase_dir[0]).T
        directions[number] = np.zeros_like(old.phase_dir)
        directions[number][0] = np.pi - (np.pi - new.lon_rad) % (2 * np.pi), new.lat_rad  # 12h is pi, as CASA writes it
    frequencies = {}
    for spw in job.spws:
        held, window = job.resolved.channels.get(spw), ms.metadata.spectral_windows[spw]
        frequencies[spw] = window.chan_freq_hz if held is None else window.chan_freq_hz[np.asarray(held)]
    edits = {"FIELD": SubtableEdit(None, {"PHASE_DIR": directions, "EPHEMERIS_ID": ephemerides})}
    return (lambda blocks: shift_blocks(blocks, rotations, frequencies)), edits


def _moving_turns(ms: MeasurementSet, found: Field, direction: Direction, times_s: np.ndarray) -> np.ndarray:
    """Rotations (row, 3, 3) from the centres that a field with an ephemeris had at some times to a fixed one."""
    times, inverse = np.unique(times_s, return_inverse=True)
    lon, lat, frame = phase_centres(ms, found, times)
    new = convert_direction(direction, frame)
    fixed = uvw_frame(new.lon_rad, new.lat_rad)
    return np.stack([fixed @ uvw_frame(float(a), float(b)).T for a, b in zip(lon, lat, strict=True)])[inverse]


def conjugatevis(vis: str, outputvis: str, spws: Sequence[int], overwrite: bool = False) -> None:
    """Copy `vis` to `outputvis` with the visibilities of some spectral windows (all when none is named) conjugated.

    Raises
    ------
    ParameterError
        A spectral window does not exist, or the output would be the input or inside of it.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis, overwrite)
    require_outside(outputvis, vis)
    with MeasurementSet(vis) as ms:
        count = len(ms.metadata.spectral_windows)
    unknown = [s for s in spws if not 0 <= s < count]
    if unknown:
        raise ParameterError(f"parameter 'spwlist' names spectral window {unknown[0]}; {vis!r} has 0 to {count - 1}")
    with staged_output(outputvis, overwrite, 1.05 * folder_bytes(vis)) as temporary:
        shutil.copytree(vis, temporary, symlinks=True)
        with MeasurementSet(temporary, writable=True) as ms:
            columns = [c for c in ("DATA", "CORRECTED_DATA", "MODEL_DATA") if ms.has(c)]
            resolved = Selection(spw=",".join(str(s) for s in spws)).resolve(ms, allow_empty=True)
            chunks = iter_chunks(ms, resolved, columns)
            write_chunks(ms, ((chunk, {c: np.conj(chunk[c]) for c in columns}) for chunk in chunks), columns)
