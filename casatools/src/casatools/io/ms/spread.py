"""Chunks of a MeasurementSet worked on by all ranks of an MPI job: the ranks read and compute, this process alone writes.

Serial processes do not come here: the callers ask `spreads` first and keep their one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from casatools._base.executor import executor
from casatools.io.ms.chunks import ChunkPlan
from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["Piece", "open_piece", "split_plans", "spread", "spreads"]

B = TypeVar("B")
# Pieces a worker gets, so that a slow one does not hold up the others; chunks a piece has at most, which bounds its result.
_PIECES_A_WORKER = 4
_MOST_CHUNKS = 4


@dataclass(frozen=True)
class Piece:
    """What a worker is sent: the caller's own job, which holds `ms`, and the chunks to do.

    An open MeasurementSet travels by its path and is open read-only on the other side.
    """

    ms: MeasurementSet
    job: Any
    plans: tuple[ChunkPlan, ...]


def spreads() -> bool:
    """True when there are other ranks to work for this process."""
    return executor().workers > 1


def split_plans(plans: Sequence[ChunkPlan]) -> list[ChunkPlan]:
    """Smaller chunks where there are too few for all workers; rows of a chunk must not depend on one another."""
    wanted = _PIECES_A_WORKER * executor().workers
    parts = -(-wanted // max(1, len(plans)))
    if parts <= 1:
        return list(plans)
    cut = [(p, np.array_split(p.rows, parts), np.array_split(p.index, parts)) for p in plans]
    return [ChunkPlan(p.ddid, r, i) for p, rows, index in cut for r, i in zip(rows, index, strict=True) if len(r)]


@contextmanager
def open_piece(piece: Piece) -> Iterator[Piece]:
    """The piece; its MeasurementSet is closed at the end where it was opened for it."""
    try:
        yield piece
    finally:
        if piece.ms.is_copy:
            piece.ms.close()


def spread(function: Callable[[Piece], B], ms: MeasurementSet, job: Any, plans: Sequence[ChunkPlan]) -> Iterator[B]:
    """Results of a module-level function over pieces of the chunks, in their order; few of them wait in memory at a time.

    Parameters
    ----------
    function : callable
        Gets a `Piece`, reads its chunks (within `open_piece`) and gives what is to be written.
    ms : MeasurementSet
    job : object
        Everything else the function needs; pickled.
    plans : sequence of ChunkPlan
    """
    if ms.writable:
        ms.flush()  # the others read from disk
    size = min(_MOST_CHUNKS, max(1, len(plans) // (_PIECES_A_WORKER * executor().workers)))
    pieces = [Piece(ms, job, tuple(plans[at : at + size])) for at in range(0, len(plans), size)]
    yield from executor().stream(function, pieces)
