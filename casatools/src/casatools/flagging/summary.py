"""Counts of flags by antenna, baseline, channel, correlation, field, scan ...: CASA's summary record."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from casatools.flagging.agents import Agent, FlagChunk
from casatools.frames.epochs import format_epoch

__all__ = ["SummaryAgent"]


class SummaryAgent(Agent):
    """Counts flagged and all visibilities of a selection."""

    def prepare(self) -> None:
        # One [flagged, total] per key, kept per field when the counts are to be split so.
        self.counts: dict[int, dict[str, dict[Any, np.ndarray]]] = {}
        self.products: dict[int, np.ndarray] = {}

    def apply(self, piece: FlagChunk) -> None:
        rows, channels, correlations = self.part(piece.chunk)
        if not len(rows) or not len(channels) or not len(correlations):
            return
        flags = piece.flags
        if len(rows) != flags.shape[0]:
            flags = flags[rows]
        if len(channels) != flags.shape[1]:
            flags = flags[:, channels]
        if len(correlations) != flags.shape[2]:
            flags = flags[:, :, correlations]
        fields = piece.row_values("FIELD_ID")[rows]
        if self.options["fieldcnt"]:
            for number in np.unique(fields):
                chosen = fields == number
                self._count(int(number), piece, flags[chosen], rows[chosen], channels, correlations)
        else:
            self._count(-1, piece, flags, rows, channels, correlations)

    def fresh(self) -> SummaryAgent:
        """The agent without counts."""
        other = copy.copy(self)
        other.counts = {}
        return other

    def counted(self) -> dict[int, dict[str, dict[Any, np.ndarray]]]:
        """The counts."""
        return self.counts

    def absorb(self, counted: dict[int, dict[str, dict[Any, np.ndarray]]]) -> None:
        """Add the counts of another."""
        for key, axes in counted.items():
            for axis, held in axes.items():
                pairs = np.array(list(held.values()))
                self._add(key, axis, list(held), pairs[:, 0], pairs[:, 1])

    def _add(self, key: int, axis: str, labels: Any, flagged: Any, total: Any) -> None:
        held = self.counts.setdefault(key, {}).setdefault(axis, {})
        for label, f, t in zip(labels, flagged, total, strict=True):
            pair = held.setdefault(label, np.zeros(2))
            pair += (float(f), float(t))

    def _by(self, key: int, axis: str, labels: np.ndarray, per_row: np.ndarray, size: int) -> None:
        values, at = np.unique(labels, return_inverse=True)
        at = at.ravel()
        self._add(key, axis, values.tolist(), np.bincount(at, weights=per_row), np.bincount(at) * size)

    def _count(
        self, key: int, piece: FlagChunk, flags: np.ndarray, rows: np.ndarray, channels: np.ndarray, correlations: np.ndarray
    ) -> None:
        chunk = piece.chunk
        per_product = flags.sum(axis=0)
        per_row = flags.reshape(len(rows), -1).sum(axis=1).astype(np.float64)
        nrow, nchan, ncorr = flags.shape
        size = nchan * ncorr
        one, two = (piece.row_values(c)[rows].astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
        two = np.where(two < 0, one, two)  # solutions without a reference antenna are of their antenna alone
        scans = piece.row_values("SCAN_NUMBER")[rows].astype(np.int64)
        for name, column in (("field", "FIELD_ID"), ("observation", "OBSERVATION_ID"), ("array", "ARRAY_ID")):
            self._by(key, name, piece.row_values(column)[rows], per_row, size)
        self._by(key, "scan", scans, per_row, size)
        # An autocorrelation counts once for its antenna.
        cross = one != two
        ends, twice = np.concatenate([one, two[cross]]), np.concatenate([per_row, per_row[cross]])
        self._by(key, "antenna", ends, twice, size)
        self._add(key, "spw", [chunk.spw], [per_row.sum()], [nrow * size])
        names = chunk_names = self.ms.metadata.polarizations[chunk.pol].names
        labels = [chunk_names[c] for c in correlations]
        self._add(key, "correlation", labels, per_product.sum(axis=0), [nrow * nchan] * ncorr)
        if self.options["basecnt"]:
            self._by(key, "baseline", one * 65536 + two, per_row, size)
            both_scans = np.concatenate([scans, scans[cross]])
            self._by(key, "antenna:scan", ends * 4294967296 + both_scans, twice, size)
        if self.options.get("times"):
            self._by(key, "time", piece.row_values("TIME")[rows], per_row, size)
        if self.options["spwcorr"]:
            self._add(
                key,
                "spw:correlation",
                [f"{chunk.spw}:{names[c]}" for c in correlations],
                per_product.sum(axis=0),
                [nrow * nchan] * ncorr,
            )
        if self.options["spwchan"]:
            self._add(key, "spw:channel", [f"{chunk.spw}:{c}" for c in channels], per_product.sum(axis=1), [nrow * ncorr] * nchan)

    def _label(self, axis: str, key: Any) -> str:
        metadata = self.ms.metadata
        if axis == "antenna":
            return metadata.antennas[key].name
        if axis == "field":
            return metadata.fields[key].name
        if axis == "time":
            return format_epoch(float(key))
        if axis == "baseline":
            return f"{metadata.antennas[key // 65536].name}&&{metadata.antennas[key % 65536].name}"
        if axis == "antenna:scan":
            return f"{metadata.antennas[key // 4294967296].name}:{key % 4294967296}"
        return str(key)

    def _kept(self, pair: np.ndarray) -> bool:
        flagged, total = pair
        o = self.options
        share = flagged / total if total else 0.0
        if not float(o["minrel"]) <= share <= float(o["maxrel"]) or flagged < float(o["minabs"]):
            return False
        return float(o["maxabs"]) < 0 or bool(flagged <= float(o["maxabs"]))

    def _record(self, counts: dict[str, dict[Any, np.ndarray]], everything: bool = False) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for axis in sorted(counts):
            merged: dict[str, np.ndarray] = {}
            for key, pair in counts[axis].items():
                label = self._label(axis, key)
                merged[label] = merged.get(label, 0.0) + pair
            out[axis] = {
                k: {"flagged": float(p[0]), "total": float(p[1])}
                for k, p in sorted(merged.items())
                if everything or self._kept(p)
            }
        total = sum(counts["spw"].values(), np.zeros(2))
        out["flagged"], out["total"] = float(total[0]), float(total[1])
        return dict(sorted(out.items()))

    def finish(self) -> dict[str, Any]:
        """The record of counts."""
        name = str(self.options["name"])
        if self.options["fieldcnt"]:
            # Limits are those of whole fields, as in the reference.
            fields = {self.ms.metadata.fields[k].name: self._record(self.counts[k], True) for k in sorted(self.counts)}
            record: dict[str, Any] = {n: r for n, r in fields.items() if self._kept(np.array([r["flagged"], r["total"]]))}
        else:
            record = self._record(self.counts.get(-1, {"spw": {}}))
        record["name"], record["type"] = name, "summary"
        return dict(sorted(record.items()))
