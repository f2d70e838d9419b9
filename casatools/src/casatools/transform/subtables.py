"""What becomes of the sub-tables when a MeasurementSet is cut: rows kept, identifiers renumbered, channels redefined.

As the reference: FIELD, STATE, OBSERVATION and SPECTRAL_WINDOW are cut by their own selection expression, ANTENNA by an antenna
expression, POINTING by antenna and time; POLARIZATION keeps its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools.io.ms import MeasurementSet, ResolvedSelection
from casatools.io.ms.create_like import SubtableEdit, read_subtable

__all__ = ["ChannelAxis", "Renumbering", "plan_subtables", "renumber", "spectral_edit", "written_order"]


@dataclass(frozen=True)
class ChannelAxis:
    """The frequency axis of an output spectral window: Hz, one entry a channel; `frame_code` None keeps the input's frame."""

    frequency_hz: np.ndarray
    width_hz: np.ndarray
    resolution_hz: np.ndarray
    effective_bw_hz: np.ndarray
    frame_code: int | None = None
    name: str | None = None

    @property
    def nchan(self) -> int:
        return len(self.frequency_hz)


@dataclass
class Renumbering:
    """Old identifier to new one; None where nothing changes."""

    fields: np.ndarray | None = None
    ddids: np.ndarray | None = None
    antennas: np.ndarray | None = None
    states: np.ndarray | None = None
    observations: np.ndarray | None = None
    edits: dict[str, SubtableEdit] = field(default_factory=dict)


def _inverse(kept: np.ndarray, count: int) -> np.ndarray | None:
    """Old to new identifiers (-1 for those dropped); None for the identity."""
    if np.array_equal(kept, np.arange(count)):
        return None
    out = np.full(count, -1, dtype=np.int32)
    out[kept] = np.arange(len(kept), dtype=np.int32)
    return out


def renumber(values: np.ndarray, mapping: np.ndarray | None) -> np.ndarray:
    """Apply a mapping to identifiers; negative ones stay as they are."""
    if mapping is None:
        return values
    out = mapping[np.clip(values, 0, len(mapping) - 1)]
    return np.where(values < 0, values, out).astype(np.int32)


def plan_subtables(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    ddids: list[int],
    axes: Mapping[int, ChannelAxis | None],
    reindex: bool = True,
) -> Renumbering:
    """Work out the edits.

    Parameters
    ----------
    ms : MeasurementSet
    resolved : ResolvedSelection
    ddids : list of int
        Input data descriptions kept, ascending.
    axes : mapping
        Spectral window to its new axis; None leaves it as it is.
    reindex : bool
        Cut and renumber; otherwise every row stays and only the axes change.
    """
    plan = Renumbering()
    metadata = ms.metadata
    # As in the reference, the windows of spw='3,1' become 0 and 1 in the order written.
    spws = written_order(resolved, {metadata.data_descriptions[d].spw for d in ddids})
    nspw = len(metadata.spectral_windows)
    # As in the reference, a selection by correlation alone cuts the data descriptions, not the windows.
    kept_spws = np.array(spws if reindex and "spw" in resolved.named else range(nspw), dtype=np.int64)
    spw_map = _inverse(kept_spws, nspw)
    plan.edits["SPECTRAL_WINDOW"] = _associated(ms, _spectral_edit(ms, kept_spws, axes), spw_map)
    ordered = sorted(ddids, key=lambda d: (spws.index(metadata.data_descriptions[d].spw), d))
    kept_ddids = np.array(ordered if reindex else range(len(metadata.data_descriptions)), dtype=np.int64)
    plan.ddids = _inverse(kept_ddids, len(metadata.data_descriptions))
    windows = np.array([metadata.data_descriptions[int(d)].spw for d in kept_ddids], dtype=np.int32)
    plan.edits["DATA_DESCRIPTION"] = SubtableEdit(kept_ddids, {"SPECTRAL_WINDOW_ID": renumber(windows, spw_map)})
    plan.edits.update(_polarization_edit(ms, resolved))
    if not reindex:
        return plan
    named = resolved.named
    if "antenna" in named:
        plan.antennas = _inverse(np.array(antennas_named(resolved), dtype=np.int64), len(metadata.antennas))
    if "field" in named:
        plan.fields = _inverse(np.unique(resolved.fields), len(metadata.fields))
    if "intent" in named:
        plan.states = _inverse(np.unique(resolved.states), len(metadata.states))
    if "observation" in named:
        plan.observations = _inverse(np.unique(resolved.observations), len(metadata.observations))
    _cut(plan, "STATE", plan.states)
    _cut(plan, "OBSERVATION", plan.observations)
    _cut(plan, "ANTENNA", plan.antennas)
    _field_and_source(ms, plan, spw_map)
    for name in ("FEED", "SYSCAL", "FREQ_OFFSET", "CALDEVICE", "SYSPOWER", "POINTING", "WEATHER"):
        _cut_by_ids(ms, plan, name, spw_map, resolved)
    return plan


def written_order(resolved: ResolvedSelection, spws: Collection[int]) -> list[int]:
    """Spectral windows in the order in which the selection names them."""
    return [spw for spw in resolved.spws if spw in spws]


def antennas_named(resolved: ResolvedSelection) -> tuple[int, ...]:
    """Antennas that an antenna expression can select, whether or not they have data."""
    if resolved.baselines is None:
        return resolved.antennas
    matrix = resolved.baselines.matrix
    if not (matrix & ~np.eye(len(matrix), dtype=bool)).any():
        return tuple(range(len(matrix)))  # auto-correlations alone: as in the reference, no antenna goes
    return tuple(np.flatnonzero(matrix.any(axis=0)).tolist())


def _cut(plan: Renumbering, name: str, mapping: np.ndarray | None) -> None:
    if mapping is not None:
        plan.edits[name] = SubtableEdit(np.flatnonzero(mapping >= 0))


def _spectral_edit(ms: MeasurementSet, kept: np.ndarray, axes: Mapping[int, ChannelAxis | None]) -> SubtableEdit:
    return spectral_edit(ms, kept, [axes.get(int(s)) for s in kept])


def _associated(ms: MeasurementSet, edit: SubtableEdit, spw_map: np.ndarray | None) -> SubtableEdit:
    """The edit, with associated spectral windows renumbered, and those left out that are not kept."""
    if spw_map is None or edit.rows is None:
        return edit
    old = read_subtable(ms, "SPECTRAL_WINDOW", "ASSOC_SPW_ID", "ASSOC_NATURE")
    columns: dict[str, list[Any]] = {name: [] for name in old}
    for row in edit.rows:
        cells = {name: None if old[name][int(row)] is None else np.asarray(old[name][int(row)]) for name in old}
        ids = cells.get("ASSOC_SPW_ID")
        there = None if ids is None else renumber(ids.ravel(), spw_map)
        for name, cell in cells.items():
            if cell is None or there is None or len(cell) != len(there):
                columns[name].append(None if cell is None or there is None else cell)
            else:
                columns[name].append((there if name == "ASSOC_SPW_ID" else cell)[there >= 0])
    return SubtableEdit(edit.rows, {**edit.columns, **columns})


def spectral_edit(ms: MeasurementSet, kept: np.ndarray, axes: Sequence[ChannelAxis | None]) -> SubtableEdit:
    """The SPECTRAL_WINDOW sub-table made of some of its rows, each with a new axis or (None) as it is."""
    names = (
        "NUM_CHAN", "CHAN_FREQ", "CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION", "REF_FREQUENCY", "TOTAL_BANDWIDTH", "MEAS_FREQ_REF", "NAME",
    )  # fmt: skip
    if all(axis is None for axis in axes):
        return SubtableEdit(kept)
    old = read_subtable(ms, "SPECTRAL_WINDOW", *names)
    columns: dict[str, list[Any]] = {n: [old[n][int(s)] for s in kept] for n in names if n in old}
    for k, axis in enumerate(axes):
        if axis is None:
            continue
        columns["NUM_CHAN"][k] = axis.nchan
        columns["CHAN_FREQ"][k], columns["CHAN_WIDTH"][k] = axis.frequency_hz, axis.width_hz
        columns["EFFECTIVE_BW"][k], columns["RESOLUTION"][k] = axis.effective_bw_hz, axis.resolution_hz
        columns["REF_FREQUENCY"][k] = float(axis.frequency_hz[0])
        columns["TOTAL_BANDWIDTH"][k] = float(np.abs(axis.width_hz).sum())
        if axis.frame_code is not None:
            columns["MEAS_FREQ_REF"][k] = axis.frame_code
        if axis.name is not None and "NAME" in columns:
            columns["NAME"][k] = axis.name
    return SubtableEdit(kept, columns)


def _polarization_edit(ms: MeasurementSet, resolved: ResolvedSelection) -> dict[str, SubtableEdit]:
    if all(index is None for index in resolved.correlations.values()):
        return {}
    old = read_subtable(ms, "POLARIZATION", "NUM_CORR", "CORR_TYPE", "CORR_PRODUCT")
    for pol, index in resolved.correlations.items():
        if index is not None:
            old["NUM_CORR"][pol] = len(index)
            old["CORR_TYPE"][pol] = np.asarray(old["CORR_TYPE"][pol])[index]
            old["CORR_PRODUCT"][pol] = np.asarray(old["CORR_PRODUCT"][pol])[index]
    return {"POLARIZATION": SubtableEdit(None, old)}


def _field_and_source(ms: MeasurementSet, plan: Renumbering, spw_map: np.ndarray | None) -> None:
    field_rows = None if plan.fields is None else np.flatnonzero(plan.fields >= 0)
    source = read_subtable(ms, "SOURCE", "SOURCE_ID", "SPECTRAL_WINDOW_ID")
    fields = ms.metadata.fields
    used = [fields[int(f)].source_id for f in (range(len(fields)) if field_rows is None else field_rows)]
    source_map: dict[int, int] = {}
    if field_rows is not None:
        source_map = {old: new for new, old in enumerate(sorted({s for s in used if s >= 0}))}
        plan.edits["FIELD"] = SubtableEdit(
            field_rows, {"SOURCE_ID": np.array([source_map.get(s, s) for s in used], dtype=np.int32)}
        )
    if not source:
        return
    ids, spws = np.array(source["SOURCE_ID"], dtype=np.int64), np.array(source["SPECTRAL_WINDOW_ID"], dtype=np.int32)
    keep = np.ones(len(ids), dtype=bool)
    if source_map:
        keep &= np.isin(ids, list(source_map))
    if spw_map is not None:
        keep &= (spws < 0) | (renumber(spws, spw_map) >= 0)
    if field_rows is None and spw_map is None:
        return
    rows = np.flatnonzero(keep)
    columns = {
        "SOURCE_ID": np.array([source_map.get(int(i), int(i)) for i in ids[rows]], dtype=np.int32),
        "SPECTRAL_WINDOW_ID": renumber(spws[rows], spw_map),
    }
    plan.edits["SOURCE"] = SubtableEdit(rows, columns)


def _cut_by_ids(
    ms: MeasurementSet, plan: Renumbering, name: str, spw_map: np.ndarray | None, resolved: ResolvedSelection
) -> None:
    """Cut a sub-table that points to antennas and spectral windows; POINTING also to the times selected."""
    times = resolved.time_bounds_s if name == "POINTING" and "timerange" in resolved.named else ()
    if plan.antennas is None and spw_map is None and not times:
        return
    found = read_subtable(ms, name, "ANTENNA_ID", "SPECTRAL_WINDOW_ID", *(("TIME", "INTERVAL") if times else ()))
    if not found or not any(len(v) for v in found.values()):
        return
    keep = np.ones(len(next(iter(found.values()))), dtype=bool)
    columns: dict[str, np.ndarray] = {}
    for column, mapping in (("ANTENNA_ID", plan.antennas), ("SPECTRAL_WINDOW_ID", spw_map)):
        if column in found and mapping is not None:
            old = np.array(found[column], dtype=np.int32)
            columns[column] = renumber(old, mapping)
            keep &= (old < 0) | (columns[column] >= 0)
    if times:
        time, half = np.array(found["TIME"]), np.array(found["INTERVAL"]) / 2
        keep &= np.any([(time + half >= low) & (time - half <= high) for low, high in times], axis=0)
    rows = np.flatnonzero(keep)
    plan.edits[name] = SubtableEdit(rows, {c: v[rows] for c, v in columns.items()})
