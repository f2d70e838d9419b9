"""concat: MeasurementSets joined into one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import (
    folder_bytes,
    require_outside,
    require_present,
    require_space,
    require_writable_parent,
    staged_output,
)
from casatools._base.progress import Progress
from casatools._base.row_arrays import row_blocks
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.ms import MeasurementSet
from casatools.io.ms.appending import append_rows, append_subtable, empty_subtable, rewrite_rows, subtable_columns
from casatools.io.ms.create_like import MsWriter
from casatools.io.ms.part_files import copied_meanwhile, copy_measurement_set, replace_subtables
from casatools.io.ms.parts import is_multi_ms
from casatools.io.ms.sorting import copy_sorted
from casatools.io.ms.spare_space import ROW_BYTES
from casatools.io.tables import Table, subtable_path
from casatools.transform.blocks import inverse_root, inverse_square
from casatools.transform.merging import MergedIds, MergeOptions, merge_ids, observed_scans
from casatools.transform.merging_ephemerides import append_ephemerides

__all__ = [
    "ConcatOptions",
    "append_subtables",
    "changed_columns",
    "check_inputs",
    "concatenate",
    "join_apart",
    "join_subtables",
    "join_virtually",
    "merge_options",
    "ordered_in_time",
]

_DATA = ("DATA", "FLOAT_DATA", "LAG_DATA", "MODEL_DATA", "CORRECTED_DATA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
# What a factor of the weights changes.
_SCALED = ("WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
# Identifiers of sub-tables of times that are appended whole, with the map each goes through.
_TIMED = {
    "POINTING": {"ANTENNA_ID": "ANTENNA"},
    "SYSCAL": {"ANTENNA_ID": "ANTENNA", "SPECTRAL_WINDOW_ID": "SPECTRAL_WINDOW"},
    "SYSPOWER": {"ANTENNA_ID": "ANTENNA", "SPECTRAL_WINDOW_ID": "SPECTRAL_WINDOW"},
    "CALDEVICE": {"ANTENNA_ID": "ANTENNA", "SPECTRAL_WINDOW_ID": "SPECTRAL_WINDOW"},
    "FREQ_OFFSET": {"ANTENNA1": "ANTENNA", "ANTENNA2": "ANTENNA", "SPECTRAL_WINDOW_ID": "SPECTRAL_WINDOW"},
    "WEATHER": {"ANTENNA_ID": "ANTENNA"},
    "FLAG_CMD": {},
    "HISTORY": {"OBSERVATION_ID": "OBSERVATION"},
}  # fmt: skip
_ROW_IDS = {
    "ANTENNA1": "ANTENNA", "ANTENNA2": "ANTENNA", "FIELD_ID": "FIELD", "DATA_DESC_ID": "DATA_DESCRIPTION", "STATE_ID": "STATE",
    "OBSERVATION_ID": "OBSERVATION", "PROCESSOR_ID": "PROCESSOR",
}  # fmt: skip
# Correlations of two equal receptors: a model of a unit point source is 1 there and 0 elsewhere.
_PARALLEL = (1, 5, 8, 9, 12)


@dataclass(frozen=True)
class ConcatOptions:
    """How MeasurementSets are joined.

    Attributes
    ----------
    merge : MergeOptions
        When fields and spectral windows are the same.
    timesort : bool
        Rows by time; else those of each input after those of the one before.
    copypointing : bool
        False leaves POINTING empty.
    weight_scale : tuple of float
        Factors of the weights of each input; () for none.
    only_subtables : bool
        Leave the main table without rows.
    """

    merge: MergeOptions = MergeOptions()  # noqa: RUF009 - frozen
    timesort: bool = False
    copypointing: bool = True
    weight_scale: tuple[float, ...] = ()
    only_subtables: bool = False

    def __post_init__(self) -> None:
        if any(not w > 0 for w in self.weight_scale):
            raise ParameterError(f"parameter 'visweightscale' must hold numbers above 0; got {list(self.weight_scale)}")


def merge_options(freqtol: Any, dirtol: Any, respectname: bool = False, forced: Sequence[str] = ()) -> MergeOptions:
    """Tolerances as users write them; ``""`` for CASA's 1 Hz and 1 mas."""

    def given(value: Any, unit: str, name: str, default: float) -> float:
        if value is None or (isinstance(value, str) and not value.strip()):
            return default
        try:
            number, own = parse_quantity(value)
            found = float(to_unit({"value": number, "unit": own or {"Hz": "Hz", "rad": "mas"}[unit]}, unit))
        except ParameterError as error:
            what = "a frequency such as '1MHz'" if unit == "Hz" else "an angle such as '1arcsec'"
            raise ParameterError(f"parameter {name!r} must be {what}; got {value!r}") from error
        if found < 0:
            raise ParameterError(f"parameter {name!r} must not be negative; got {value!r}")
        return found

    standard = MergeOptions()
    return MergeOptions(
        given(freqtol, "Hz", "freqtol", standard.frequency_hz),
        given(dirtol, "rad", "dirtol", standard.direction_rad),
        respectname,
        tuple(str(f).strip() for f in forced if str(f).strip()),
    )


def concatenate(paths: Sequence[str], output: str, options: ConcatOptions) -> int:
    """Join MeasurementSets; what is at `output` already comes first and is replaced when the whole is complete.

    Parameters
    ----------
    paths : sequence of str
        At least one, or two where there is no output yet.
    output : str
    options : ConcatOptions

    Returns
    -------
    int
        Rows of the output.

    Raises
    ------
    ParameterError, PathMissingError, DataError, UnsupportedError
        There are too few inputs, one is missing or none, factors of weights do not go with them, or a field moves; nothing is written then.
    """
    exists = os.path.isdir(output)
    inputs = [require_present(p, "MeasurementSet").rstrip("/") for p in paths]
    real = [os.path.realpath(p) for p in inputs]
    if os.path.realpath(output) in real:
        raise ParameterError(f"parameter 'concatvis' must not be one of the inputs; got {output!r}")
    for path in inputs:
        require_outside(output, path)
    if len(set(real)) < len(real):
        raise ParameterError(f"parameter 'vis' names a MeasurementSet twice: {', '.join(inputs)}")
    every = [output.rstrip("/"), *inputs] if exists else inputs
    if len(every) < 2:
        raise ParameterError("parameter 'vis' must name at least two MeasurementSets to be joined")
    if options.weight_scale and len(options.weight_scale) != len(inputs):
        raise ParameterError(
            f"parameter 'visweightscale' holds {len(options.weight_scale)} factors for {len(inputs)} MeasurementSets"
        )
    weights = list(options.weight_scale or (1.0,) * len(inputs))
    if not options.only_subtables:  # the reference's testconcat keeps the order given
        inputs, weights = ordered_in_time(inputs, weights)
    every = [output.rstrip("/"), *inputs] if exists else inputs
    scales = [*([1.0] if exists else []), *weights]
    require_writable_parent(output)
    nrow = check_inputs(every)
    if exists:
        log.post(f"{output} exists; the others are joined to it", "WARN")
    needed = 0.0
    if not options.only_subtables:  # with what is kept free for casacore
        needed = (1.1 * sum(folder_bytes(p) for p in every) + ROW_BYTES * nrow) * (2 if options.timesort else 1)
    with staged_output(output, overwrite=exists, nbytes=needed) as staged:
        written = _write(every, scales, staged, options, nrow)
        if options.timesort and not options.only_subtables:
            with MeasurementSet(staged) as made:
                ordered = _is_in_time_order(made)
            if not ordered:
                unsorted = staged + ".unsorted"
                os.rename(staged, unsorted)
                copy_sorted(unsorted, staged, ["TIME"])
    log.post(f"Wrote {written} rows of {len(every)} MeasurementSets to {output}")
    return written


def join_subtables(path: str, output: str, options: ConcatOptions, scans: np.ndarray | None = None) -> MergedIds:
    """Append what is new in the sub-tables of a MeasurementSet to those of another, in place; its rows are not appended.

    Parameters
    ----------
    path, output : str
    options : ConcatOptions
    scans : ndarray (2, n) of int, optional
        Observations and scans that are taken beside those of the rows of `output`.

    Raises
    ------
    ParameterError, PathMissingError, DataError
        Nothing is changed then.
    """
    path = require_present(path, "MeasurementSet").rstrip("/")
    if os.path.realpath(path) == os.path.realpath(output):
        raise ParameterError(f"a MeasurementSet cannot be joined to itself: {path!r}")
    check_inputs([output, path])
    with MeasurementSet(output) as so_far:
        taken = observed_scans(so_far)
    taken = taken if scans is None else np.concatenate([taken, scans], axis=1)
    with MeasurementSet(path) as source:
        ids = append_subtables(output, source, options, 1, taken)
    return cast(MergedIds, ids)  # number 1 always has identifiers


def join_virtually(path: str, output: str, options: ConcatOptions, scan_file: str = "") -> None:
    """`join_subtables`, and the identifiers (and weights) of the MeasurementSet itself changed to those of the other.

    Parameters
    ----------
    path, output : str
    options : ConcatOptions
    scan_file : str
        File of the scans that are taken, kept from one call to the next: the rows of what was joined before are not in `output`. As the reference
        writes it: the number of observations, for each its number, first and last scan, and the last scan of all, one number a line.

    Raises
    ------
    DataError
        `scan_file` is there and cannot be read so; nothing is changed then.
    """
    ids = join_subtables(path, output, options, _read_scans(scan_file) if scan_file and os.path.exists(scan_file) else None)
    scale = (*options.weight_scale, 1.0)[0]
    with MeasurementSet(path) as source:
        columns = [c for c in source.column_names if source.has(c)]
        rewrite_rows(path, changed_columns(source, ids, columns, scale), scale != 1.0)
    if scan_file:
        known = [] if not os.path.exists(scan_file) else [_read_scans(scan_file)]
        for name in (output, path):
            with MeasurementSet(name) as ms:
                known.append(observed_scans(ms))
        _write_scans(scan_file, np.concatenate(known, axis=1))


def join_apart(path: str, output: str, target: str, options: ConcatOptions) -> None:
    """`join_virtually` on a copy of the MeasurementSet, `target`, which gets the joined sub-tables; its own stay as they are."""
    path = require_present(path, "MeasurementSet").rstrip("/")
    require_outside(target, path)
    require_outside(target, output)
    with staged_output(target, nbytes=1.05 * folder_bytes(path)) as staged:
        copy_measurement_set(path, staged)
        join_virtually(staged, output, options)
        with MeasurementSet(output) as joined:
            MsWriter(joined, staged + ".subtables", ["DATA"] if joined.has("DATA") else [], 1, 1, 0).table.close()
        replace_subtables(staged, staged + ".subtables")


def _read_scans(path: str) -> np.ndarray:
    """Observations and their first and last scans: ndarray (2, n)."""
    try:
        with open(path) as file:
            numbers = [int(word) for word in file.read().split()]
        triples = np.array(numbers[1 : 1 + 3 * numbers[0]], dtype=np.int64).reshape(numbers[0], 3)
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"the file of scans {path!r} is not one that a virtual concatenation has written") from error
    return np.stack([np.repeat(triples[:, 0], 2), triples[:, 1:].ravel()])


def _write_scans(path: str, scans: np.ndarray) -> None:
    lines = [len(np.unique(scans[0]))]
    for observation in np.unique(scans[0]):
        own = scans[1][scans[0] == observation]
        lines += [int(observation), int(own.min()), int(own.max())]
    lines.append(int(scans[1].max()) if scans.size else 0)
    with open(path, "w") as file:
        file.write("".join(f"{n}\n" for n in lines))


def ordered_in_time(paths: Sequence[str], scales: Sequence[float]) -> tuple[list[str], list[float]]:
    """Inputs by the time of their first rows, and their factors with them."""
    starts = []
    for path in paths:
        with MeasurementSet(path) as ms:
            starts.append(min((float(time_s.min()) for time_s in _times_s(ms)), default=np.inf))
    order = np.argsort(np.array(starts), kind="stable")
    return [paths[k] for k in order], [float(scales[k]) for k in order]


def check_inputs(paths: Sequence[str]) -> int:
    """Open all inputs, so that what cannot be joined is known before anything is written; gives the number of rows."""
    nrow = 0
    kinds: dict[str, set[str]] = {}
    for path in paths:
        with MeasurementSet(path) as ms:
            nrow += ms.nrow
            _ = (ms.metadata.antennas, ms.metadata.fields, ms.metadata.spectral_windows)
            kinds[path] = {c for c in ("DATA", "FLOAT_DATA", "LAG_DATA") if ms.has(c)}
    first = next(iter(kinds))
    for path, found in kinds.items():
        if found != kinds[first]:
            raise DataError(
                f"{path!r} has {', '.join(sorted(found)) or 'no data'} where {first!r} has {', '.join(sorted(kinds[first])) or 'no data'}; "
                "they cannot be joined"
            )
    return nrow


def _columns(paths: Sequence[str]) -> list[str]:
    """Visibility columns of the output: all that any input has; weights per channel only where all have them."""
    found: list[set[str]] = []
    for path in paths:
        with MeasurementSet(path) as ms:
            found.append({c for c in _DATA if ms.has(c)})
    names = [c for c in _DATA if any(c in f for f in found)]
    for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        if name in names and not all(name in f for f in found):
            log.post(f"{name} is made from row weights where an input lacks it", "WARN")
    for name, values in (("CORRECTED_DATA", "DATA"), ("MODEL_DATA", "1 in parallel hands, 0 in others")):
        lacking = [path for path, has in zip(paths, found, strict=True) if name in names and name not in has]
        if lacking:
            log.post(f"{', '.join(lacking)} without {name}: it is {values} there", "WARN")
    return names


def _write(paths: Sequence[str], scales: Sequence[float], staged: str, options: ConcatOptions, nrow: int) -> int:
    columns = _columns(paths)
    with MeasurementSet(paths[0]) as first:
        windows = [w.nchan for w in first.metadata.spectral_windows] or [1]
        ncorr = max([p.ncorr for p in first.metadata.polarizations] or [1])
        # An input that has all columns is copied file by file, which is as fast as the disk; the others are appended to it.
        whole = (
            not options.only_subtables and scales[0] == 1.0 and all(first.has(c) for c in columns) and not is_multi_ms(first.path)
        )
        first.flush()  # what the caller may have open for writing
        written = first.nrow if whole else 0
        if not whole:
            MsWriter(first, staged, columns, ncorr, max(windows), 0).table.close()
    copying = copied_meanwhile(paths[0], staged) if whole else nullcontext()
    with Progress(max(1, nrow), "joining MeasurementSets") as progress, copying:
        progress.advance(written)
        for number, path in enumerate(paths):
            if number == 0 and whole:
                continue
            with MeasurementSet(path) as source:
                ids = append_subtables(staged, source, options, number)
                if options.only_subtables:
                    continue
                uniform = scales[number] != 1.0 or any(not source.has(c) for c in columns)
                scaled = _SCALED if scales[number] != 1.0 else ()
                changes = changed_columns(source, ids, columns, scales[number])
                share = [folder_bytes(p) for p in paths]
                require_space(staged, sum(share[number:]), sum(share))
                for count in append_rows(staged, source, changes, uniform, scaled):
                    written += count
                    progress.advance(count)
    if not options.copypointing:
        empty_subtable(os.path.join(staged, "POINTING"))
    return written


def _times_s(ms: MeasurementSet) -> Iterator[np.ndarray]:
    """TIME, block by block."""
    return (np.asarray(ms.read("TIME", np.arange(b.start, b.stop))) for b in row_blocks(ms.nrow))


def _is_in_time_order(ms: MeasurementSet) -> bool:
    last = -np.inf
    for time_s in _times_s(ms):
        if time_s[0] < last or np.any(np.diff(time_s) < 0):
            return False
        last = time_s[-1]
    return True


def append_subtables(
    staged: str, source: MeasurementSet, options: ConcatOptions, number: int, scans: np.ndarray | None = None
) -> MergedIds | None:
    """Append what is new in the sub-tables; None for the first input, whose sub-tables the output began with.

    Parameters
    ----------
    staged : str
        What is appended to.
    source : MeasurementSet
    options : ConcatOptions
    number : int
        Of the input.
    scans : ndarray (2, n), optional
        Observations and scans of the rows so far, where `staged` does not hold them itself.
    """
    if number == 0:
        return None
    with MeasurementSet(staged) as so_far:
        scans = observed_scans(so_far) if scans is None else scans
        ids = merge_ids(so_far.metadata, source, scans, options.merge)

    def add(name: str, rows: Sequence[int], changes: Mapping[str, Any]) -> None:
        append_subtable(os.path.join(staged, name), subtable_path(source.path, name), np.asarray(rows, dtype=np.int64), changes)

    own = source.metadata
    here, there = (_processors(path) for path in (source.path, staged))
    ids.match("PROCESSOR", here, there, lambda a, b: a == b)
    for name in ("ANTENNA", "STATE", "OBSERVATION", "POLARIZATION", "SPECTRAL_WINDOW", "PROCESSOR"):
        add(name, ids.new[name], {})
    rows = ids.new["DATA_DESCRIPTION"]
    add("DATA_DESCRIPTION", rows, {
        "SPECTRAL_WINDOW_ID": [ids.maps["SPECTRAL_WINDOW"][own.data_descriptions[r].spw] for r in rows],
        "POLARIZATION_ID": [ids.maps["POLARIZATION"][own.data_descriptions[r].pol] for r in rows],
    })  # fmt: skip
    rows = ids.new["FIELD"]
    add("FIELD", rows, {"SOURCE_ID": _mapped(np.array([own.fields[r].source_id for r in rows], int), ids.maps["SOURCE"])})
    append_ephemerides(
        staged, source, ids.maps["FIELD"], rows, len(so_far.metadata.fields), options.merge.single_ephemeris_fields
    )
    rows = ids.new["SOURCE"]
    chosen = [next(s for s in own.sources if s.row == r) for r in rows]
    add("SOURCE", rows, {
        "SOURCE_ID": _mapped(np.array([s.source_id for s in chosen], int), ids.maps["SOURCE"]),
        "SPECTRAL_WINDOW_ID": _mapped(np.array([s.spw_id for s in chosen], int), ids.maps["SPECTRAL_WINDOW"]),
    })  # fmt: skip
    _append_feeds(staged, source, ids, add)
    for name, columns in _TIMED.items():
        found = subtable_columns(subtable_path(source.path, name), *columns)
        if found is None or (name == "POINTING" and not options.copypointing):
            continue
        count = source.subtable(name).nrows()
        add(name, range(count), {c: _mapped(v, ids.maps[columns[c]]) for c, v in found.items()})
    return ids


def _processors(path: str) -> list[Any]:
    """What the rows of PROCESSOR hold."""
    found = subtable_columns(subtable_path(path, "PROCESSOR"), "TYPE", "SUB_TYPE", "TYPE_ID", "MODE_ID") or {}
    return list(zip(*(np.asarray(v).tolist() for v in found.values()), strict=True))


def _append_feeds(staged: str, source: MeasurementSet, ids: MergedIds, add: Any) -> None:
    """Feeds of antennas or spectral windows that are new."""
    names = ("ANTENNA_ID", "FEED_ID", "SPECTRAL_WINDOW_ID")
    there, own = (subtable_columns(subtable_path(p, "FEED"), *names) for p in (staged, source.path))
    if there is None or own is None:
        return
    mapped = [
        _mapped(own["ANTENNA_ID"], ids.maps["ANTENNA"]),
        own["FEED_ID"],
        _mapped(own["SPECTRAL_WINDOW_ID"], ids.maps["SPECTRAL_WINDOW"]),
    ]
    known = set(zip(*(there[n].astype(int).tolist() for n in names), strict=True))
    rows = [
        r for r, key in enumerate(zip(*(m.astype(int).tolist() for m in mapped), strict=True))
        if key not in known and (key[0], key[1], -1) not in known
    ]  # fmt: skip
    add("FEED", rows, {"ANTENNA_ID": mapped[0][rows], "SPECTRAL_WINDOW_ID": mapped[2][rows]})


def _mapped(values: np.ndarray, mapping: np.ndarray) -> np.ndarray:
    """New identifiers; negative ones, and those of rows that are not there, stay."""
    values = np.asarray(values).astype(np.int32)
    inside = (values >= 0) & (values < len(mapping))
    if not len(mapping):
        return values
    return np.where(inside, mapping[np.clip(values, 0, len(mapping) - 1)], values).astype(np.int32)


def changed_columns(source: MeasurementSet, ids: MergedIds | None, columns: Sequence[str], scale: float) -> Any:
    """What differs from the rows of an input: identifiers, scaled weights, columns that it lacks."""
    missing = [c for c in columns if not source.has(c)]

    def changed(table: Table, start: int, count: int) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        if ids is not None:
            for column, name in _ROW_IDS.items():
                out[column] = _mapped(table.getcol(column, start, count), ids.maps[name])
            observation = np.asarray(table.getcol("OBSERVATION_ID", start, count))
            offset = ids.scan_offset[np.clip(observation, 0, len(ids.scan_offset) - 1)]
            out["SCAN_NUMBER"] = np.asarray(table.getcol("SCAN_NUMBER", start, count)) + offset
        return out

    def whole(table: Table, start: int, count: int) -> dict[str, np.ndarray]:
        return {**changed(table, start, count), **_made(source, missing, scale, start, count)}

    return whole


def _made(source: MeasurementSet, missing: Sequence[str], scale: float, start: int, count: int) -> dict[str, np.ndarray]:
    """Columns computed for rows of one shape: scaled weights and sigmas, and what the input lacks."""
    out: dict[str, np.ndarray] = {}
    rows = np.arange(start, start + count)
    if scale == 1.0 and not missing:
        return out
    weight = np.asarray(source.read("WEIGHT", rows)) * np.float32(scale)
    if scale != 1.0:
        out["WEIGHT"] = weight
        sigma = np.asarray(source.read("SIGMA", rows))
        out["SIGMA"] = np.where(sigma > 0, sigma / np.float32(np.sqrt(scale)), sigma)
        if source.has("WEIGHT_SPECTRUM"):
            out["WEIGHT_SPECTRUM"] = np.asarray(source.read("WEIGHT_SPECTRUM", rows)) * np.float32(scale)
        if source.has("SIGMA_SPECTRUM"):
            sigma = np.asarray(source.read("SIGMA_SPECTRUM", rows))
            out["SIGMA_SPECTRUM"] = inverse_root(inverse_square(sigma) * np.float32(scale))
    shape = (count, *source.cell_shape(start))
    if "CORRECTED_DATA" in missing:
        out["CORRECTED_DATA"] = np.asarray(source.read("DATA", rows))
    if "MODEL_DATA" in missing:
        ddid = int(source.read("DATA_DESC_ID", rows[:1])[0])
        codes = source.metadata.polarizations[source.metadata.data_descriptions[ddid].pol].corr_type
        model = np.zeros(shape, dtype=np.complex64)
        model[..., [k for k, c in enumerate(codes) if int(c) in _PARALLEL]] = 1.0
        out["MODEL_DATA"] = model
    if "WEIGHT_SPECTRUM" in missing:
        out["WEIGHT_SPECTRUM"] = np.broadcast_to(weight[:, None, :], shape).astype(np.float32)
    if "SIGMA_SPECTRUM" in missing:
        out["SIGMA_SPECTRUM"] = np.broadcast_to(inverse_root(weight)[:, None, :], shape).astype(np.float32)
    return out
