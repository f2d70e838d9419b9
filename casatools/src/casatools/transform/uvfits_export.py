"""From a MeasurementSet to a UVFITS file.

Notes
-----
Groups come by time and baseline; with combined spectral windows a group holds those of one time and baseline as IFs. Correlations come in AIPS'
order RR LL RL LR (XX YY XY YX). The weight of a visibility is its WEIGHT_SPECTRUM, or WEIGHT over the number of channels of the spectral window, negative where it is
flagged. Dates are stored as a part in whole 2^-16 days and a small rest, which keeps nanoseconds.

References
----------
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision): random parameters, baseline codes, AN, FQ, SU and TY tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools._base.memory import chunk_bytes
from casatools._base.paths import (
    require_absent,
    require_outside,
    require_present,
    require_writable_parent,
    staged_output,
)
from casatools._base.progress import Progress
from casatools._base.row_arrays import RowFiller, let_go, row_array, row_blocks
from casatools.io.formats.random_groups_export import Axis, GroupsHeader, Parameter, write_random_groups
from casatools.io.ms import ChunkPlan, MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks
from casatools.kernels.visibility_groups import pack_groups
from casatools.transform.row_parts import row_parts
from casatools.transform.uvfits_subtables import Setup, field_centre, main_keywords, tables

__all__ = ["UvfitsOptions", "export_uvfits"]

_DAY_S = 86400.0
_MJD_0 = 2400000.5
_COLUMNS = {"data": "DATA", "corrected": "CORRECTED_DATA", "model": "MODEL_DATA", "weight": "WEIGHT"}
# FITS codes of correlations: I Q U V, RR RL LR LL, XX XY YX YY.
_CODES = {1: 1, 2: 2, 3: 3, 4: 4, 5: -1, 6: -3, 7: -4, 8: -2, 9: -5, 10: -7, 11: -8, 12: -6}
_COARSE = 65536.0
_MOST_ANTENNAS = 255


@dataclass(frozen=True)
class UvfitsOptions:
    """How a MeasurementSet is written.

    Attributes
    ----------
    column : {"data", "corrected", "model", "weight"}
    write_syscal : bool
        System temperatures of SYSCAL as a TY table.
    multisource : bool
        A source table also where there is one field.
    combine_spw : bool
        Spectral windows as IFs of one group; otherwise as frequency setups.
    write_station : bool
        Stations, not names, of the antennas.
    pad_with_flags : bool
        Flagged data where a spectral window lacks a time and baseline.
    """

    column: str = "corrected"
    write_syscal: bool = False
    multisource: bool = True
    combine_spw: bool = True
    write_station: bool = True
    pad_with_flags: bool = False


@dataclass(frozen=True)
class _Groups:
    """Groups to be written together: their rows in order, the first row of each group and its spectral window set, and the group and IF of each row."""

    rows: np.ndarray
    first: np.ndarray
    setup: np.ndarray
    group_of: np.ndarray
    if_of: np.ndarray


def export_uvfits(vis: str, fitsfile: str, selection: Selection, options: UvfitsOptions, overwrite: bool = False) -> int:
    """Write the selected part of `vis` as a UVFITS file, which appears only when complete.

    Parameters
    ----------
    vis, fitsfile : str
    selection : Selection
    options : UvfitsOptions
    overwrite : bool

    Returns
    -------
    int
        Groups written.

    Raises
    ------
    PathMissingError, OutputExistsError, SelectionError
    DataError
        A column is missing, or the spectral windows selected differ in what one UVFITS file cannot tell apart: correlations, number of channels,
        frames; or their channels are not evenly spaced, or a window lacks some of the baselines and times. Nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(fitsfile, overwrite)
    require_outside(fitsfile, vis)
    require_writable_parent(fitsfile)
    with MeasurementSet(vis) as ms:
        column = _column(ms, options.column)
        resolved = selection.resolve(ms)
        setup = _setup(ms, resolved, options)
        pieces = _find_groups(ms, np.asarray(resolved.rows), setup, options)
        ngroup = sum(len(piece.first) for piece in pieces)
        header = _header(ms, setup, resolved.antennas, ngroup, column)
        width = len(header.parameters) + setup.nif * setup.nchan * setup.ncorr * 3
        with (
            staged_output(fitsfile, overwrite, ngroup * width * 4.0 + 1e5) as temporary,
            open(temporary, "wb") as stream,
            Progress(ngroup, "writing visibilities") as progress,
        ):
            blocks = (block for piece in pieces for block in _blocks(ms, resolved, column, setup, piece, header, progress))
            write_random_groups(stream, header, blocks, tables(ms, setup, options.write_station, options.write_syscal))
    log.post(f"Wrote {ngroup} groups to {fitsfile}")
    return ngroup


def _column(ms: MeasurementSet, name: str) -> str:
    column = _COLUMNS[name]
    if name == "corrected" and not ms.has(column):
        # The parameter's default: scripts export data that were split out, and mean these.
        column = "DATA" if ms.has("DATA") else "FLOAT_DATA"
        log.post(f"{ms.path} has no CORRECTED_DATA; {column} is exported", "WARN")
    if name == "data" and not ms.has(column) and ms.has("FLOAT_DATA"):
        column = "FLOAT_DATA"
    ms.require(column)
    return column


def _setup(ms: MeasurementSet, resolved: ResolvedSelection, options: UvfitsOptions) -> Setup:
    """Spectral windows, correlations, fields and times of the file."""
    ddids = list(resolved.ddids_present)
    descriptions = [ms.metadata.data_descriptions[d] for d in ddids]
    types = {tuple(int(c) for c in ms.metadata.polarizations[d.pol].corr_type) for d in descriptions}
    if len(types) > 1:
        raise DataError(
            f"{ms.path!r} has spectral windows of different correlations among those selected, which one UVFITS file cannot hold;"
            " export them one by one"
        )
    order, stokes = _stokes(ms, resolved, descriptions[0].pol)
    spws = [d.spw for d in descriptions]
    windows = [ms.metadata.spectral_windows[s] for s in spws]
    frequencies = []
    for spw, window in zip(spws, windows, strict=True):
        chosen = resolved.channels.get(spw)
        index = np.arange(window.nchan) if chosen is None else np.asarray(chosen)
        frequencies.append(np.asarray(window.chan_freq_hz)[index])
    _require_one_axis(ms, spws, frequencies)
    if len({w.frame_code for w in windows}) > 1:
        raise DataError(f"{ms.path!r} has spectral windows of different frequency frames, which one UVFITS file cannot hold")
    first, last = np.inf, -np.inf
    for block in row_blocks(resolved.nrow):
        times = np.asarray(ms.read("TIME", resolved.rows[block]))
        first, last = min(first, float(times.min())), max(last, float(times.max()))
    present = list(resolved.fields_present)
    return Setup(
        ddids=ddids, spws=spws, frequencies_hz=np.array(frequencies), stokes=stokes, order=order, fields=present,
        combined=options.combine_spw, several_sources=options.multisource or len(present) > 1, start_s=first, times_s=(first, last),
        arrays=list(resolved.arrays),
    )  # fmt: skip


def _stokes(ms: MeasurementSet, resolved: ResolvedSelection, pol: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each correlation of the file is in the cells, and its FITS code."""
    types = np.asarray(ms.metadata.polarizations[pol].corr_type)
    chosen = resolved.correlations.get(pol)
    index = np.arange(len(types)) if chosen is None else np.asarray(chosen)
    codes = [_CODES.get(int(types[k])) for k in index]
    if None in codes:
        raise DataError(
            f"{ms.path!r} has correlations that UVFITS has no codes for: {', '.join(ms.metadata.polarizations[pol].names)}"
        )
    found = np.array(codes, dtype=int)
    place = np.argsort(np.abs(found), kind="stable")
    steps = np.diff(found[place])
    if len(set(steps.tolist())) > 1:
        raise DataError(f"the correlations of {ms.path!r} that are selected do not make a FITS axis; select one, two or all four")
    return index[place], found[place]


def _require_one_axis(ms: MeasurementSet, spws: list[int], frequencies: list[np.ndarray]) -> None:
    lengths = {len(f) for f in frequencies}
    if len(lengths) > 1:
        what = ", ".join(f"{len(f)} of {s}" for s, f in zip(spws, frequencies, strict=True))
        raise DataError(
            f"the spectral windows of {ms.path!r} that are selected differ in their numbers of channels ({what}); export them apart"
        )
    for spw, frequency in zip(spws, frequencies, strict=True):
        steps = np.diff(frequency)
        if len(steps) and np.max(np.abs(steps - steps[0])) > 1e-3 * abs(steps[0]):
            raise DataError(
                f"the channels selected of spectral window {spw} of {ms.path!r} are not evenly spaced, as UVFITS needs them"
            )


def _find_groups(ms: MeasurementSet, rows: np.ndarray, setup: Setup, options: UvfitsOptions) -> list[_Groups]:
    """The groups by time and baseline, as the header says; those of many rows in pieces, what is kept of each row in files."""
    together = options.combine_spw and len(setup.ddids) > 1
    kept, groups, windows, firsts = RowFiller(len(rows)), *(RowFiller(len(rows), np.int32) for _ in range(3))
    pieces = []
    for part, _ in row_parts(ms, rows, [], _moments(ms, rows, setup)):
        ordered, number, window, first = _grouped(ms, part, setup, together)
        numbers = np.zeros(len(first), np.int32) if options.combine_spw else window[first]
        if not options.combine_spw:
            window = np.zeros_like(window)
        own = [filler.add(values) for filler, values in ((firsts, first), (groups, number), (windows, window))]
        pieces.append(_Groups(kept.add(ordered), own[0], numbers.astype(np.int32), own[1], own[2]))
        let_go()
    spectra = firsts.count * len(setup.ddids)
    if together and not options.pad_with_flags and len(rows) != spectra:
        raise DataError(
            f"{spectra - len(rows)} of the {spectra} spectra of the selected windows of {ms.path!r} are missing; give padwithflags=True to write"
            " flagged ones, or combinespw=False"
        )
    return pieces


def _moments(ms: MeasurementSet, rows: np.ndarray, setup: Setup) -> np.ndarray:
    """Times in whole microseconds from the first: those of spectral windows differ by rounding errors."""
    out = row_array(len(rows), np.int64)
    for block in row_blocks(len(rows)):
        out[block] = _whole_microseconds(ms, rows[block], setup)
    return out


def _whole_microseconds(ms: MeasurementSet, rows: np.ndarray, setup: Setup) -> np.ndarray:
    return np.rint((np.asarray(ms.read("TIME", rows)) - setup.start_s) * 1e6).astype(np.int64)


def _grouped(
    ms: MeasurementSet, rows: np.ndarray, setup: Setup, together: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows by time and baseline, the group and the spectral window (by its place) of each, and the place of the first row of each group."""
    names = ("ANTENNA1", "ANTENNA2", "ARRAY_ID", "FIELD_ID", "DATA_DESC_ID")
    keys = [_whole_microseconds(ms, rows, setup), *(np.asarray(ms.read(name, rows)).astype(np.int64) for name in names)]
    order = np.lexsort(keys[::-1])
    keys = [key[order] for key in keys]
    window = np.searchsorted(setup.ddids, keys[-1])
    everything = np.arange(len(rows))
    if not together:
        return rows[order], everything, window, everything
    new = np.append(True, np.any(np.diff(np.stack(keys[:-1]), axis=1) != 0, axis=0))
    key = np.cumsum(new) - 1
    # A repeated window of one key (auto-correlations of several feeds) begins another group.
    starts = np.flatnonzero(new | np.append(True, np.diff(window) != 0))
    repeat = everything - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    _, first, number = np.unique(key * (int(repeat.max()) + 1) + repeat, return_index=True, return_inverse=True)
    return rows[order], number, window, first


def _header(ms: MeasurementSet, setup: Setup, antennas: Sequence[int], ngroup: int, column: str) -> GroupsHeader:
    day = np.floor(setup.times_s[0] / _DAY_S + 0.5) + _MJD_0 - 0.5
    many = max(antennas) >= _MOST_ANTENNAS
    parameters = [
        Parameter("UU"),
        Parameter("VV"),
        Parameter("WW"),
        Parameter("DATE", day, "Day number"),
        Parameter("DATE", 0.0, "Day fraction"),
    ]
    parameters += [Parameter(n) for n in (("ANTENNA1", "ANTENNA2", "SUBARRAY") if many else ("BASELINE",))]
    parameters.append(Parameter("FREQSEL"))
    parameters += [Parameter(n) for n in (("SOURCE", "INTTIM") if setup.several_sources else ("INTTIM",))]
    first = setup.fields[0]
    frame = ms.metadata.fields[first].phase_frame
    centre = np.zeros(2) if setup.several_sources else np.degrees(field_centre(ms, first, setup.start_s, frame))
    axes = [
        Axis("COMPLEX", 3, 1.0),
        Axis("STOKES", setup.ncorr, float(setup.stokes[0]), float(np.diff(setup.stokes)[0]) if setup.ncorr > 1 else -1.0),
        Axis("FREQ", setup.nchan, setup.reference_hz, setup.width_hz, setup.nchan // 2 + 1.0),
        Axis("IF", setup.nif, 1.0),
        Axis("RA", 1, float(centre[0]) % 360.0),
        Axis("DEC", 1, float(centre[1])),
    ]
    return GroupsHeader(axes, parameters, ngroup, main_keywords(ms, setup, column), ("AIPS WTSCAL = 1.0",))


def _blocks(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    column: str,
    setup: Setup,
    groups: _Groups,
    header: GroupsHeader,
    progress: Progress,
) -> Iterator[np.ndarray]:
    """The groups in bounded blocks."""
    npar = len(header.parameters)
    shape = (setup.nif, setup.nchan, setup.ncorr, 3)
    rows, ngroup = groups.rows, len(groups.first)
    step = max(1, chunk_bytes() // (int(np.prod(shape)) * 12))
    spectrum = ms.has("WEIGHT_SPECTRUM")
    wanted = [*([column] if column != "WEIGHT" else []), "FLAG", "FLAG_ROW", "WEIGHT", *(["WEIGHT_SPECTRUM"] if spectrum else [])]
    parameters = _parameters(ms, rows[groups.first], setup, groups, header)
    ddid = np.asarray(setup.ddids)[groups.if_of if setup.nif > 1 else groups.setup[groups.group_of]]
    order = np.argsort(groups.group_of, kind="stable")
    edges = np.searchsorted(groups.group_of[order], np.arange(0, ngroup + step, step))
    plans, block_of = [], []
    for k in range(len(edges) - 1):
        inside = order[edges[k] : edges[k + 1]]
        inside = inside[np.argsort(rows[inside])]
        for d in np.unique(ddid[inside]):
            part = inside[ddid[inside] == d]
            plans.append(ChunkPlan(int(d), rows[part], part))
            block_of.append(k)
    block, at = np.zeros(0, dtype=np.float32), -1
    for plan, number, chunk in zip(plans, block_of, iter_chunks(ms, resolved, wanted, plans=plans), strict=True):
        if number != at:
            if at >= 0:
                progress.advance(len(block))
                yield block
            at, low = number, number * step
            high = min(low + step, ngroup)
            block = np.zeros((high - low, npar + int(np.prod(shape))), dtype=np.float32)
            block[:, :npar] = parameters[low:high]
        target = block[:, npar:].reshape(len(block), *shape)
        _pack(ms, chunk, column, setup, groups.group_of[plan.index] - low, groups.if_of[plan.index], target)
    progress.advance(len(block))
    yield block


def _pack(
    ms: MeasurementSet, chunk: VisChunk, column: str, setup: Setup, group: np.ndarray, window: np.ndarray, target: np.ndarray
) -> None:
    """Put the rows of a chunk into their groups, correlations in the file's order."""
    order = np.array([int(np.flatnonzero(chunk.correlations == k)[0]) for k in setup.order], dtype=np.int64)
    spectrum = "WEIGHT_SPECTRUM" in chunk.columns
    weight = chunk["WEIGHT_SPECTRUM"] if spectrum else chunk["WEIGHT"][:, None, :]
    scale = 1.0 if spectrum else 1.0 / ms.metadata.spectral_windows[chunk.spw].nchan
    data = np.broadcast_to(chunk["WEIGHT"][:, None, :], chunk["FLAG"].shape) if column == "WEIGHT" else chunk[column]
    values = np.ascontiguousarray(data, dtype=np.complex64)
    flag = np.ascontiguousarray(chunk["FLAG"])
    pack_groups(values, flag, chunk["FLAG_ROW"], np.ascontiguousarray(weight), scale, order, group, window, target)


def _parameters(ms: MeasurementSet, rows: np.ndarray, setup: Setup, groups: _Groups, header: GroupsHeader) -> np.ndarray:
    """Random parameters: ndarray (group, parameter) float32."""
    names = [p.name for p in header.parameters]
    out = np.empty((len(rows), len(names)), dtype=np.float32)
    out[:, :3] = np.asarray(ms.read("UVW", rows)) / SPEED_OF_LIGHT_M_S
    day = np.asarray(ms.read("TIME", rows)) / _DAY_S + (_MJD_0 - header.parameters[3].zero)
    coarse = np.rint(day * _COARSE) / _COARSE
    out[:, 3], out[:, 4] = coarse, day - coarse
    first, second, array = (np.asarray(ms.read(c, rows)).astype(np.float64) for c in ("ANTENNA1", "ANTENNA2", "ARRAY_ID"))
    values = {
        "BASELINE": (first + 1) * 256 + second + 1 + array * 0.01, "ANTENNA1": first + 1, "ANTENNA2": second + 1, "SUBARRAY": array + 1,
        "FREQSEL": groups.setup + 1.0, "INTTIM": np.asarray(ms.read("EXPOSURE", rows)),
        "SOURCE": np.searchsorted(setup.fields, np.asarray(ms.read("FIELD_ID", rows))) + 1.0,
    }  # fmt: skip
    for k, name in enumerate(names[5:], 5):
        out[:, k] = values[name]
    return out
