"""What a transformation takes over as it is: such columns go from file to file beside the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from casatools.io.ms import ChunkPlan
from casatools.io.ms.measurement_set import CHANNEL_COLUMNS
from casatools.io.ms.row_files import RowFile, row_file

if TYPE_CHECKING:
    from casatools.transform.pipeline import Job

__all__ = ["carried_columns", "without_columns"]

# Bits of an element as they are written.
_BITS = {"FLAG": 1, "FLOAT_DATA": 32, "WEIGHT_SPECTRUM": 32}
# Rows of a chunk that holds nothing with a channel axis.
_ROWS = 65536


def carried_columns(job: Job) -> dict[str, tuple[str, RowFile, np.ndarray]]:
    """Columns of which every selected row is written unchanged and whole, and whose cells can be found in their files.

    Returns
    -------
    dict
        Input column to the output column, where its cells lie, and the row taken for each output row. Empty where data are changed.
    """
    changed = (
        job.rows.bins is not None or job.edges or job.windows is not None or job.stokes_i or job.calibrators or job.options.combine
        or job.first is not None or any(axis is not None for axis in job.axes.values())
        or any(chosen is not None for chosen in job.resolved.correlations.values())
    )  # fmt: skip
    if changed:
        return {}
    names = dict([*job.columns.pairs, ("FLAG", "FLAG")])
    if not job.columns.one_kind and job.columns.weight_spectrum:
        names["WEIGHT_SPECTRUM"] = "WEIGHT_SPECTRUM"
    rows, _ = job.rows.joined()
    job.ms.flush()  # what the caller may have open for writing
    found: dict[str, tuple[str, RowFile, np.ndarray]] = {}
    for name, output in names.items():
        file = row_file(job.ms.table, name)
        if file is not None and file.bits == _BITS.get(name, 64) and file.header.cubes_of(rows) is not None:
            found[name] = output, file, rows
    return found


def without_columns(job: Job, names: frozenset[str]) -> Job:
    """The job without reading some columns; chunks without a channel axis hold more rows."""
    job = replace(job, left=names)
    if any(c in CHANNEL_COLUMNS and c not in names for c in job.columns.reads):
        return job
    rows, index = job.rows.joined()
    chunks: list[ChunkPlan] = []
    begin = end = 0
    for plan, following in pairwise([*job.rows.chunks, None]):
        assert plan is not None
        end += len(plan.rows)
        if following is None or following.ddid != plan.ddid or end + len(following.rows) - begin > _ROWS:
            chunks.append(ChunkPlan(plan.ddid, rows[begin:end], index[begin:end]))
            begin = end
    return replace(job, rows=replace(job.rows, chunks=chunks))
