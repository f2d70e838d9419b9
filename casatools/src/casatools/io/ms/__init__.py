"""MeasurementSets: opening, selection, chunked access."""

from casatools.io.ms.chunks import ChunkPlan, VisChunk, iter_chunks, plan_chunks, write_chunks
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.selection import ResolvedSelection, Selection

__all__ = [
    "ChunkPlan",
    "MeasurementSet",
    "ResolvedSelection",
    "Selection",
    "VisChunk",
    "iter_chunks",
    "plan_chunks",
    "write_chunks",
]
