"""virtualconcat: MeasurementSets joined as the parts of a multi-MS, with one set of sub-tables."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import (
    folder_bytes,
    remove_output,
    require_absent,
    require_outside,
    require_present,
    require_writable_parent,
    staged_output,
)
from casatools.io.ms import MeasurementSet
from casatools.io.ms.appending import empty_subtable, rewrite_rows
from casatools.io.ms.create_like import MsWriter
from casatools.io.ms.multi_ms import join_parts
from casatools.io.ms.part_files import place_part, replace_subtables
from casatools.io.ms.parts import part_paths
from casatools.transform.concatenating import (
    ConcatOptions,
    append_subtables,
    changed_columns,
    check_inputs,
    ordered_in_time,
)
from casatools.transform.merging import observed_scans

__all__ = ["virtual_concatenate"]


def virtual_concatenate(paths: Sequence[str], output: str, options: ConcatOptions, keepcopy: bool = False) -> int:
    """Make a multi-MS of MeasurementSets; it appears only when complete.

    Parameters
    ----------
    paths : sequence of str
        Inputs; of a multi-MS each part.
    output : str
    options : ConcatOptions
    keepcopy : bool
        Leave the inputs where they are; otherwise they are removed when the output is complete, which shares their data until then.

    Returns
    -------
    int
        Rows of the output.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError
    DataError
        The columns of the inputs differ. Nothing is written then and the inputs are as before.
    """
    require_absent(output)
    require_writable_parent(output)
    inputs = [require_present(p, "MeasurementSet").rstrip("/") for p in paths]
    if len(inputs) < 2:
        raise ParameterError("parameter 'vis' must name at least two MeasurementSets to be joined")
    for path in inputs:
        require_outside(output, path)
    if len({os.path.realpath(p) for p in inputs}) < len(inputs):
        raise ParameterError(f"parameter 'vis' names a MeasurementSet twice: {', '.join(inputs)}")
    if options.weight_scale and len(options.weight_scale) != len(inputs):
        raise ParameterError(
            f"parameter 'visweightscale' holds {len(options.weight_scale)} factors for {len(inputs)} MeasurementSets"
        )
    names = [os.path.basename(p) for i in inputs for p in part_paths(i)]
    if len(set(names)) < len(names):
        raise ParameterError(
            f"parameter 'vis' names MeasurementSets of equal names, which cannot be in one folder: {', '.join(inputs)}"
        )
    nrow = check_inputs(inputs)
    _require_equal_columns(inputs)
    inputs, scales = ordered_in_time(inputs, options.weight_scale or (1.0,) * len(inputs))
    # Scaled weights are in files of tiles, which must not be shared with the inputs then.
    share = not keepcopy and all(s == 1.0 for s in scales) and _on_one_disk(inputs, output)
    with staged_output(output, nbytes=0.0 if share else 1.05 * sum(folder_bytes(p) for p in inputs)) as staged:
        _build(inputs, staged, options, scales, share)
    if not keepcopy:
        for path in inputs:
            remove_output(path)
    log.post(f"Joined {len(names)} MeasurementSets with {nrow} rows as {output}")
    return nrow


def _require_equal_columns(paths: Sequence[str]) -> None:
    first: set[str] = set()
    for path in paths:
        with MeasurementSet(path) as ms:
            found = set(ms.column_names)
        if path != paths[0] and found != first:
            raise DataError(
                f"{path!r} has other columns than {paths[0]!r}: {', '.join(sorted(found ^ first))}; use concat to join them"
            )
        first = found if path == paths[0] else first


def _on_one_disk(paths: Sequence[str], output: str) -> bool:
    folder = os.path.dirname(os.path.abspath(output.rstrip("/")))
    return all(os.stat(p).st_dev == os.stat(folder).st_dev for p in paths)


def _build(inputs: Sequence[str], staged: str, options: ConcatOptions, scales: Sequence[float], share: bool) -> None:
    folder, merged = staged + ".parts", staged + ".subtables"
    os.mkdir(folder)
    with MeasurementSet(inputs[0]) as first:
        MsWriter(first, merged, ["DATA"] if first.has("DATA") else [], 1, 1, 0).table.close()
        columns = [c for c in first.column_names if first.has(c)]
    scans = np.zeros((2, 0), dtype=np.int64)
    parts = []
    for number, path in enumerate(inputs):
        with MeasurementSet(path) as source:
            own = observed_scans(source)
            ids = append_subtables(merged, source, options, number, scans)
        if ids is not None:
            mapped = ids.maps["OBSERVATION"][own[0]] if own.size else own[0]
            own = np.stack([mapped, own[1] + ids.scan_offset[own[0]]]) if own.size else own
        scans = np.concatenate([scans, own], axis=1)
        for part in part_paths(path):
            target = os.path.join(folder, os.path.basename(part))
            place_part(part, target, share)
            parts.append(target)
            if ids is not None or scales[number] != 1.0:
                with MeasurementSet(part) as source:
                    there = [c for c in columns if source.has(c)]
                    rewrite_rows(target, changed_columns(source, ids, there, scales[number]), scales[number] != 1.0)
    if not options.copypointing:
        empty_subtable(os.path.join(merged, "POINTING"))
    replace_subtables(parts[0], merged)
    join_parts(staged, parts)
