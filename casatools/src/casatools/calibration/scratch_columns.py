"""The scratch columns MODEL_DATA and CORRECTED_DATA: made, filled, reset."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.paths import require_present
from casatools._base.row_arrays import other_rows
from casatools.io.ms import (
    MeasurementSet,
    Piece,
    Selection,
    VisChunk,
    iter_chunks,
    open_piece,
    plan_chunks,
    split_plans,
    spread,
    spreads,
    write_chunks,
)
from casatools.io.ms.column_arithmetic import column_files, combine_columns
from casatools.io.ms.exclusive import exclusive_access
from casatools.io.ms.model_keywords import remove_model_keywords, virtual_model_fields
from casatools.io.ms.selection import distinct
from casatools.io.ms.write_journal import WriteJournal, filling, forget_write_journal, interrupted_key, unfilled

if TYPE_CHECKING:
    from casatools.calibration.virtual_models import VirtualColumn
    from casatools.io.ms import ResolvedSelection

__all__ = [
    "clear_calibration",
    "delete_models",
    "fill_corrected",
    "fill_model",
    "forget_recipes",
    "reset_scratch",
    "subtract_model",
    "unit_model",
]

_PARALLEL = frozenset({"RR", "LL", "XX", "YY", "I", "PP", "QQ"})


def whole(ms: MeasurementSet) -> ResolvedSelection:
    """Every row, channel and correlation."""
    return Selection().resolve(ms)


def _rest(ms: MeasurementSet, selected: ResolvedSelection | None) -> ResolvedSelection | None:
    """What has to be filled when a column is new: the rows that are not about to be written; None when there are none."""
    everything = whole(ms)
    if selected is None:
        return everything
    partial = any(c is not None for c in selected.channels.values()) or any(c is not None for c in selected.correlations.values())
    if partial:
        return everything
    left = other_rows(everything.rows, selected.rows)
    return replace(everything, rows=left) if len(left) else None


def unit_model(ms: MeasurementSet, chunk: VisChunk) -> np.ndarray:
    """A model of a 1 Jy point at the phase centre: one in the parallel hands, zero in the cross hands."""
    names = ms.metadata.polarizations[chunk.pol].names
    line = np.array([1.0 if names[c] in _PARALLEL else 0.0 for c in chunk.correlations], dtype=np.complex64)
    return np.broadcast_to(line, chunk.shape).copy()


def fill_corrected(ms: MeasurementSet, selected: ResolvedSelection | None = None) -> bool:
    """Make CORRECTED_DATA where it is missing and copy DATA to what `selected` will not write; True when it was made.

    What a run that was killed left unfilled is filled.
    """
    if "CORRECTED_DATA" in ms.column_names and not unfilled(ms, "CORRECTED_DATA"):
        return False
    with filling(ms, "CORRECTED_DATA"):
        ms.add_scratch_columns(corrected=True)
        log.post("Adding column CORRECTED_DATA")
        rest = _rest(ms, selected)
        if rest is not None:
            write_chunks(ms, ((c, {"CORRECTED_DATA": c["DATA"]}) for c in iter_chunks(ms, rest, ["DATA"])), [])
    return True


def fill_model(ms: MeasurementSet, selected: ResolvedSelection | None = None) -> bool:
    """Make MODEL_DATA where it is missing and set models where `selected` will not write; True when it was made.

    They are those that the MeasurementSet has as recipes, else unit points; the recipes go, since the column takes their place. What a run
    that was killed left unfilled is filled.
    """
    from casatools.calibration.virtual_models import VirtualColumn

    if "MODEL_DATA" in ms.column_names and not unfilled(ms, "MODEL_DATA"):
        return False
    recipes = VirtualColumn(ms)
    with filling(ms, "MODEL_DATA"):
        ms.add_scratch_columns(model=True)
        log.post("Adding column MODEL_DATA")
        rest = _rest(ms, selected)
        if rest is not None:
            columns = list(recipes.columns) if recipes else []
            # What is written sets the size of a chunk.
            plans = plan_chunks(ms, rest, [*columns, "MODEL_DATA"])
            chunks = iter_chunks(ms, rest, columns, plans=plans)
            write_chunks(
                ms,
                ((c, {"MODEL_DATA": recipes.fill(c, unit_model(ms, c)) if recipes else unit_model(ms, c)}) for c in chunks),
                [],
            )
        if recipes:
            remove_model_keywords(ms)
    return True


def forget_recipes(ms: MeasurementSet, selected: ResolvedSelection) -> None:
    """Remove the recipes for models of the selected fields: MODEL_DATA, about to be written, takes their place."""
    if not virtual_model_fields(ms):
        return
    gone = remove_model_keywords(ms, list(distinct(ms.read("FIELD_ID", selected.rows))))
    if gone:
        log.post(f"Virtual models replaced of fields: {', '.join(map(str, gone))}")


def reset_scratch(ms: MeasurementSet, selected: ResolvedSelection, model: bool) -> None:
    """Set CORRECTED_DATA to DATA, and MODEL_DATA (where it exists or `model` asks for it) to a unit point.

    Where there is no CORRECTED_DATA yet, columns are made and a MODEL_DATA that exists stays as it is, as in the reference.
    """
    first = not ms.has("CORRECTED_DATA") and ms.has("MODEL_DATA")
    forget_write_journal(ms, "CORRECTED_DATA")
    fill_corrected(ms, selected)
    if model:
        fill_model(ms, selected)
    with_model = "MODEL_DATA" in ms.column_names and not first
    if with_model:
        forget_recipes(ms, selected)

    def values() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        plans = plan_chunks(ms, selected, ["DATA"])
        if spreads():
            for part in spread(_reset_piece, ms, (selected, with_model), split_plans(plans)):
                yield from part
            return
        for chunk in iter_chunks(ms, selected, ["DATA"], plans=plans):
            yield chunk, _reset_values(ms, chunk, with_model)

    write_chunks(ms, values(), [])


def _reset_values(ms: MeasurementSet, chunk: VisChunk, with_model: bool) -> dict[str, np.ndarray]:
    out = {"CORRECTED_DATA": chunk["DATA"]}
    if with_model:
        out["MODEL_DATA"] = unit_model(ms, chunk)
    return out


def _reset_piece(piece: Piece) -> list[tuple[VisChunk, dict[str, np.ndarray]]]:
    out = []
    with open_piece(piece):
        selected, with_model = piece.job
        for chunk in iter_chunks(piece.ms, selected, ["DATA"], plans=piece.plans):
            out.append((chunk, _reset_values(piece.ms, chunk, with_model)))
            chunk.columns = {}
    return out


def clear_calibration(vis: str, expressions: Mapping[str, str], model: bool) -> None:
    """`reset_scratch` on what keywords of `Selection` pick from a MeasurementSet named by its path."""
    selection = Selection(**expressions)
    with MeasurementSet(vis) as ms:
        selection.resolve(ms)
    with MeasurementSet(vis, writable=True) as ms:
        reset_scratch(ms, selection.resolve(ms), model)


def subtract_model(vis: str, reverse: bool = False) -> None:
    """Subtract MODEL_DATA from CORRECTED_DATA (which is DATA where it is missing), or add it.

    Raises
    ------
    DataError
        There is neither MODEL_DATA nor a model kept as a recipe, or CORRECTED_DATA or the model changed after a run that was cut short.

    Notes
    -----
    A run that was killed is ended by the next: with the same `reverse` that is all it does, else it then does its own.
    """
    from casatools.calibration.virtual_models import VirtualColumn

    with exclusive_access(require_present(vis, "MeasurementSet")), MeasurementSet(vis, writable=True) as ms:
        recipes = VirtualColumn(ms) or None  # refuses recipes that cannot be read
        if recipes is None:
            ms.require("MODEL_DATA")
        key = interrupted_key(ms, "CORRECTED_DATA", column_files(ms, "CORRECTED_DATA") if ms.has("CORRECTED_DATA") else ())
        fill_corrected(ms)
        verb = "add" if reverse else "subtract"
        model = _model_state(ms)
        if key is not None:
            before, _, rest = key.partition(" ")
            if not rest.startswith(model):
                raise DataError(
                    f"an earlier uvsub of {vis!r} was cut short and its model changed since: make CORRECTED_DATA anew by clearcal or applycal"
                )
            log.post(f"An earlier uvsub of {vis} (to {before}) was cut short: it is ended first")
            _combine_model(ms, recipes, before, model)
            if before == verb:
                return
        _combine_model(ms, recipes, verb, model)


def _model_state(ms: MeasurementSet) -> str:
    """What tells whether the model is that of a run before: when the files of its column were written, how many rows there are."""
    stamps = [int(os.stat(f).st_mtime_ns) for f in column_files(ms, "MODEL_DATA")] if "MODEL_DATA" in ms.column_names else []
    return f"rows {ms.nrow} model {zlib.crc32(repr((stamps, virtual_model_fields(ms))).encode())}"


def _combine_model(ms: MeasurementSet, recipes: VirtualColumn | None, verb: str, state: str) -> None:
    """Add or subtract the model, from where an earlier run was cut short."""
    combine = np.add if verb == "add" else np.subtract
    key = f"{verb} {state}"
    if recipes is None and combine_columns(ms, "CORRECTED_DATA", "MODEL_DATA", combine, key):
        return
    stored = ["MODEL_DATA"] if "MODEL_DATA" in ms.column_names else []
    columns = ["CORRECTED_DATA", *stored, *(recipes.columns if recipes is not None else ())]
    everything = whole(ms)
    # Small enough for the memory of one chunk to be that of the next but one: fresh memory takes as long as the work.
    plans = plan_chunks(ms, everything, columns, chunk_bytes=CHUNK_BYTES // 2)
    most = max(
        (len(p.rows) * int(np.prod(ms.cell_shape(int(p.rows[0]), "CORRECTED_DATA"))) for p in plans if len(p.rows)), default=0
    )
    # Four chunks may be noted before the first of them is written: those in hand and those that wait for the writer.
    journal = WriteJournal(ms, "CORRECTED_DATA", f"{key} chunks {len(plans)}", 1, 5, 8 * most)

    def restore(number: int, content: np.ndarray) -> None:
        rows = plans[number].rows
        ms.write(
            "CORRECTED_DATA", content.view(np.complex64).reshape(len(rows), *ms.cell_shape(int(rows[0]), "CORRECTED_DATA")), rows
        )

    start = journal.put_back(0, restore)

    def values() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        for number, chunk in enumerate(iter_chunks(ms, everything, columns, plans=plans[start:]), start):
            corrected = chunk["CORRECTED_DATA"]
            journal.note(0, number, corrected)
            model = chunk.columns.pop("MODEL_DATA") if stored else unit_model(ms, chunk)
            if recipes is not None:
                model = recipes.fill(chunk, model)
            combine(corrected, model, out=corrected)
            del model  # the next chunk is read into its memory while this one is written
            yield chunk, {"CORRECTED_DATA": corrected}

    write_chunks(ms, values(), [])
    ms.flush()
    journal.finished()


def delete_models(vis: str, virtual: bool, field: str, column: bool, spw: str = "") -> None:
    """Remove virtual models (of some fields and spectral windows) and, with `column`, MODEL_DATA."""
    with MeasurementSet(vis) as ms:
        spws = [int(s) for s in Selection(spw=spw).resolve(ms, allow_empty=True).spws] if spw.strip() else None
        fields = list(Selection(field=field).resolve(ms, allow_empty=True).fields) if field.strip() else None
    with MeasurementSet(vis, writable=True) as ms:
        if virtual:
            gone = remove_model_keywords(ms, fields, spws)
            log.post(f"Virtual models removed of fields: {', '.join(map(str, gone)) or 'none'}")
        if column:
            ms.remove_columns(["MODEL_DATA"])
