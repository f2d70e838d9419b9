"""Rows put in order, in blocks: what is held of each row lies in a file where the rows are many (`casatools._base.row_arrays`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from casatools._base.row_arrays import let_go, row_array, row_blocks, row_numbers, rows_at_once

__all__ = ["brought_together", "counted", "sorted_rows"]

# So many values of each block are looked at to find where the rows are parted, a block's worth in all.
_FEWEST_SAMPLES = 16


def counted(numbers: np.ndarray, count: int) -> np.ndarray:
    """How many rows have each number below `count`."""
    out = np.zeros(count, dtype=np.int64)
    for block in row_blocks(len(numbers)):
        out += np.bincount(numbers[block], minlength=count)
    return out


def brought_together(rows: np.ndarray, unit: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The rows unit by unit, ascending in each."""
    out = row_array(len(rows), np.int64)
    cursor = np.cumsum(count) - count
    for block in row_blocks(len(rows)):
        own, given = unit[block], rows[block]
        if np.any(own[1:] < own[:-1]):
            order = np.argsort(own, kind="stable")
            own, given = own[order], given[order]
        borders = np.concatenate([[0], np.flatnonzero(np.diff(own)) + 1, [len(own)]])
        for low, high in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
            at = int(cursor[own[low]])
            out[at : at + high - low] = given[low:high]
            cursor[own[low]] += high - low
    return out


def sorted_rows(count: int, columns: Sequence[Callable[[slice], np.ndarray]]) -> np.ndarray:
    """Row numbers by the values of some columns, the slowest first; rows that are equal in all of them ascend: ndarray (row,) int64.

    Parameters
    ----------
    count : int
    columns : sequence of callables
        Give the values of rows.

    Notes
    -----
    Many rows are sorted by one column after another, the fastest first. Each time they are parted between some of the values (Shi & Schaeffer 1992, J.
    Parallel Distrib. Comput. 14, 361: with regular samples of sorted blocks a part has at most twice the rows meant, beside those that are equal to one of the
    values), brought together, and sorted part by part.
    """
    if not columns:
        return row_numbers(count)
    if count <= rows_at_once():
        return np.lexsort([column(slice(0, count)) for column in reversed(columns)]).astype(np.int64)
    order = row_numbers(count)
    for column in reversed(columns):
        order = _sorted_by(order, column)
    return order


def _sorted_by(order: np.ndarray, column: Callable[[slice], np.ndarray]) -> np.ndarray:
    """The rows by the values of one column; those of equal values stay in their order."""
    kind = column(slice(0, 1)).dtype
    if kind.kind in "US":  # texts are as long as the longest of what was read
        kind = np.result_type(*{column(block).dtype for block in row_blocks(len(order))})
    values = row_array(len(order), kind)
    number = -(-len(order) // rows_at_once())
    step = max(1, rows_at_once() // max(number, _FEWEST_SAMPLES))
    samples = []
    for block in row_blocks(len(order)):
        own = column(block)
        values[block] = own
        samples.append(np.sort(own)[::step])
    sample = np.sort(np.concatenate(samples))
    borders = np.unique(sample[:: max(1, len(sample) // (2 * number))])
    # Rows of a value that is a border are units of their own, in order already.
    unit = row_array(len(order), np.int32)
    for block in row_blocks(len(order)):
        own = values[order[block]]
        unit[block] = np.searchsorted(borders, own, side="left") + np.searchsorted(borders, own, side="right")
    size = counted(unit, 2 * len(borders) + 1)
    out = brought_together(order, unit, size)
    ends = np.cumsum(size)
    for k in range(0, len(size), 2):
        part = out[ends[k] - size[k] : ends[k]]
        if len(part):
            part[:] = part[np.argsort(values[part], kind="stable")]
            let_go()
    return out
