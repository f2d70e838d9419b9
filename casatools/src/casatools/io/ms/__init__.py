"""MeasurementSets: opening, selection, chunked access."""

from casatools.io.ms.chunks import ChunkPlan, KnownRows, VisChunk, iter_chunks, plan_chunks, write_chunks
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.selection import ResolvedSelection, Selection
from casatools.io.ms.spread import Piece, open_piece, split_plans, spread, spreads

__all__ = [
    "ChunkPlan",
    "KnownRows",
    "MeasurementSet",
    "Piece",
    "ResolvedSelection",
    "Selection",
    "VisChunk",
    "iter_chunks",
    "open_piece",
    "plan_chunks",
    "split_plans",
    "spread",
    "spreads",
    "write_chunks",
]
