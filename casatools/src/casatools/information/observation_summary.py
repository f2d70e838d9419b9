"""What was observed: scans with their times, fields, spectral windows and intents, as CASA's summary record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools.io.ms import MeasurementSet, ResolvedSelection
from casatools.io.ms.metadata import MsMetadata
from casatools.io.ms.selection import distinct

__all__ = ["ObservationSummary", "ScanSummary", "observation_summary", "summary_record", "unflagged_rows"]

_DAY_S = 86400.0


@dataclass(frozen=True)
class ScanSummary:
    """Rows of one observation, array, scan and field; times in MJD seconds are the edges of the integrations."""

    observation: int
    array: int
    scan: int
    field: int
    state: int
    states: tuple[int, ...]
    begin_s: float
    end_s: float
    spws: tuple[int, ...]
    intervals_s: tuple[float, ...]
    first_interval_s: float
    nrow: int
    unflagged: float

    @property
    def scan_key(self) -> tuple[int, int, int]:
        """Observation, array and scan."""
        return self.observation, self.array, self.scan


@dataclass(frozen=True)
class ObservationSummary:
    """All scans of a selection, in order of time within each observation and array."""

    scans: tuple[ScanSummary, ...]
    nrow: int
    begin_s: float
    end_s: float
    time_frame: str
    rows_of_field: dict[int, int]
    unflagged_of_field: dict[int, float]
    spws: tuple[int, ...]
    ddids: tuple[int, ...]
    antennas: tuple[int, ...]


def unflagged_rows(ms: MeasurementSet, resolved: ResolvedSelection) -> np.ndarray:
    """Unflagged fraction of each selected row, 0 where FLAG_ROW is set; ndarray (row,) float64."""
    from casatools.io.ms import iter_chunks

    fraction = np.zeros(len(resolved.rows))
    for chunk in iter_chunks(ms, resolved, ["FLAG", "FLAG_ROW"]):
        flags = chunk["FLAG"]
        fraction[chunk.index] = np.where(chunk["FLAG_ROW"], 0.0, 1.0 - flags.mean(axis=(1, 2)))
    return fraction


# Above so many possible combinations of IDs they are sorted instead of counted.
_MOST_COMBINATIONS = 2**24


def unique_rows(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct rows of integer columns, and which of them each row is; ``(unique, column)`` int64 and ``(row,)``.

    IDs are small numbers, so that a combined number is looked up in a table; nothing is sorted unless they are spread widely. Most of them stay the
    same from row to row, so that only the rows where one changes are looked at.
    """
    begins = np.ones(len(columns[0]), bool)
    begins[1:] = False
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(begins)
    if len(first) > len(begins) // 4:
        return _unique_rows(columns)
    unique, which = _unique_rows([column[first] for column in columns])
    return unique, np.repeat(which, np.diff(first, append=len(begins)))


def _unique_rows(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    code = np.zeros(len(columns[0]), dtype=np.int64)
    total = 1
    for column in columns:
        lowest = int(column.min(initial=0))
        place, count = column.astype(np.int64) - lowest, int(column.max(initial=0)) - lowest + 1
        if total * count > _MOST_COMBINATIONS:
            values, place = np.unique(column, return_inverse=True)
            place, count = place.ravel(), max(len(values), 1)
        code *= count
        code += place
        total *= count
    if total > _MOST_COMBINATIONS:
        _, first, which = np.unique(code, return_index=True, return_inverse=True)
        which = which.ravel()
    else:
        row = np.full(total, -1, dtype=np.int64)
        row[code[::-1]] = np.arange(len(code) - 1, -1, -1)
        present = np.flatnonzero(row >= 0)
        first = row[present]
        row[present] = np.arange(len(present))
        which = row[code]
    return np.stack([c[first].astype(np.int64) for c in columns], axis=1), which


def observation_summary(ms: MeasurementSet, resolved: ResolvedSelection, unflagged: bool = False) -> ObservationSummary:
    """Group the selected rows into scans.

    Parameters
    ----------
    ms : MeasurementSet
    resolved : ResolvedSelection
    unflagged : bool
        Count unflagged rows too; this reads all flags.
    """
    rows = resolved.rows
    names = ("OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "FIELD_ID", "STATE_ID", "DATA_DESC_ID", "TIME", "INTERVAL")
    c = {n: np.asarray(ms.read(n, None if len(rows) == ms.nrow else rows)) for n in names}
    fraction = unflagged_rows(ms, resolved) if unflagged else np.zeros(len(rows))
    unique, which = unique_rows([c[n] for n in names[:4]])
    # Numbers of 16 bits are sorted by counting.
    order = np.argsort(which.astype(np.uint16) if len(unique) < 2**16 else which, kind="stable")
    edges = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=len(unique)))])
    scans = [
        _scan(ms.metadata, c, fraction, tuple(unique[k].tolist()), order[edges[k] : edges[k + 1]]) for k in range(len(unique))
    ]
    # CASA gives every field of a scan the time range of the whole scan.
    whole: dict[tuple[int, int, int], tuple[float, float]] = {}
    for s in scans:
        low, high = whole.get(s.scan_key, (s.begin_s, s.end_s))
        whole[s.scan_key] = (min(low, s.begin_s), max(high, s.end_s))
    scans = [replace(s, begin_s=whole[s.scan_key][0], end_s=whole[s.scan_key][1]) for s in scans]
    scans.sort(key=lambda s: (s.observation, s.array, s.begin_s, s.scan, s.field))
    fields = np.unique(unique[:, 3]).tolist()
    counts = {f: sum(s.nrow for s in scans if s.field == f) for f in fields}
    clean = {f: sum(s.unflagged for s in scans if s.field == f) for f in fields}
    ddids = distinct(c["DATA_DESC_ID"])
    spws = tuple(sorted({ms.metadata.data_descriptions[d].spw for d in ddids}))
    half = c["INTERVAL"] / 2
    return ObservationSummary(
        tuple(scans), len(rows), float((c["TIME"] - half).min()), float((c["TIME"] + half).max()), ms.time_frame, counts, clean, spws,
        ddids, resolved.antennas,
    )  # fmt: skip


def _scan(
    metadata: MsMetadata, c: dict[str, np.ndarray], fraction: np.ndarray, key: tuple[int, ...], rows: np.ndarray
) -> ScanSummary:
    time_s, interval_s, ddid, state = (c[n][rows] for n in ("TIME", "INTERVAL", "DATA_DESC_ID", "STATE_ID"))
    spw = np.array([d.spw for d in metadata.data_descriptions])[ddid]
    spws = list(distinct(spw))
    first = int(np.argmin(time_s))
    return ScanSummary(
        observation=key[0], array=key[1], scan=key[2], field=key[3], state=int(state[first]), states=distinct(state), begin_s=float((time_s - interval_s / 2).min()),
        end_s=float((time_s + interval_s / 2).max()), spws=tuple(spws),
        intervals_s=tuple(float(interval_s[spw == s].mean()) for s in spws), first_interval_s=float(interval_s[first]), nrow=len(rows),
        unflagged=float(fraction[rows].sum()),
    )  # fmt: skip


def scan_records(summary: ObservationSummary, metadata: MsMetadata) -> dict[str, dict[str, dict[str, Any]]]:
    """``{"1": {"0": {...}}}``: the sub-scans (fields) of each scan."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for s in summary.scans:
        parts = out.setdefault(str(s.scan), {})
        parts[str(len(parts))] = {
            "BeginTime": s.begin_s / _DAY_S, "EndTime": s.end_s / _DAY_S, "FieldId": s.field, "FieldName": metadata.fields[s.field].name,
            "IntegrationTime": float(np.mean(s.intervals_s)), "SpwIds": np.array(s.spws, dtype=np.int64), "StateId": s.state,
            "nRow": s.nrow, "scanId": s.scan,
        }  # fmt: skip
    return out


def summary_record(summary: ObservationSummary, metadata: MsMetadata) -> dict[str, Any]:
    """CASA's record of a summary: times in MJD days, one entry a field and a scan."""
    out: dict[str, Any] = {
        "BeginTime": summary.begin_s / _DAY_S, "EndTime": summary.end_s / _DAY_S, "IntegrationTime": summary.end_s - summary.begin_s,
        "nfields": len(summary.rows_of_field), "numrecords": summary.nrow, "timeref": summary.time_frame,
    }  # fmt: skip
    for f in sorted(summary.rows_of_field):
        row = metadata.fields[f]
        longitude, latitude = row.phase_dir[0]
        out[f"field_{f}"] = {
            "code": row.code, "name": row.name,
            "direction": {
                "m0": {"unit": "rad", "value": float((longitude + np.pi) % (2 * np.pi) - np.pi)},
                "m1": {"unit": "rad", "value": float(latitude)}, "refer": row.phase_frame, "type": "direction",
            },
        }  # fmt: skip
    for scan, parts in scan_records(summary, metadata).items():
        out[f"scan_{scan}"] = parts
    return out
