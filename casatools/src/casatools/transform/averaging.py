"""Averaging stages of the pipeline: channels and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from casatools.kernels.average import average_channels, average_rows
from casatools.transform.blocks import Block, inverse_root, mean_over_channels, mean_sigma, settle_means, wholly_flagged

__all__ = ["TimeBins", "average_blocks_in_channel", "average_blocks_in_time"]


def average_blocks_in_channel(blocks: Iterable[Block], edges: Mapping[int, np.ndarray], flat: bool = False) -> Iterator[Block]:
    """Average runs of channels.

    Parameters
    ----------
    blocks : iterable of Block
    edges : mapping
        Spectral window to the positions at which runs of the selected channels begin, and the end of the last.
    flat : bool
        Values of all unflagged channels count alike, as those of a model alone, which has no noise; weights are summed all the same.
    """
    for block in blocks:
        cut = edges.get(block.spw)
        if cut is not None:
            _average_channels(block, np.asarray(cut, dtype=np.int64), flat)
        else:  # a window of one channel
            settle_means(block)
        yield block


def _average_channels(block: Block, edges: np.ndarray, flat: bool) -> None:
    nrow, _, ncorr = block.flag.shape
    shape = (nrow, len(edges) - 1, ncorr)
    flag = np.empty(shape, dtype=bool)
    sums: dict[int, np.ndarray] = {}
    for name, values in block.data.items():
        kind = np.ones((nrow, 1, ncorr), dtype=np.float32) if flat else block.weight_of(name)
        out, total = np.empty(shape, dtype=np.complex64), np.empty(shape, dtype=np.float32)
        average_channels(values.astype(np.complex64, copy=False), kind, block.flag, edges, out, total, flag)
        block.data[name] = out if np.iscomplexobj(values) else np.ascontiguousarray(out.real)
        if not flat:
            sums[id(kind)] = total
    block.corrected_weight, block.data_weight = _summed(block, sums, edges, shape)
    block.flag = flag
    block.weight = mean_over_channels(block.corrected_weight, flag)
    block.sigma = mean_sigma(block.data_weight, flag)


def _summed(block: Block, sums: Mapping[int, np.ndarray], edges: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Summed weights of both kinds; a kind that belongs to no column is summed for its own sake."""
    out = []
    for kind in (block.corrected_weight, block.data_weight):
        if id(kind) not in sums:
            dummy = np.zeros(block.flag.shape, dtype=np.complex64)
            total = np.empty(shape, dtype=np.float32)
            average_channels(dummy, kind, block.flag, edges, np.empty(shape, np.complex64), total, np.empty(shape, bool))
            out.append(total)
        else:
            out.append(sums[id(kind)])
    return out


@dataclass(frozen=True)
class TimeBins:
    """Output row of each input row of a block, in the block's row order: `bins[block.start]`."""

    of_block: Mapping[int, np.ndarray]
    flat: bool = False


def average_blocks_in_time(blocks: Iterable[Block], bins: TimeBins) -> Iterator[Block]:
    """Average the rows of each bin.

    Rows that are flagged as a whole take part only in bins that have no other. TIME and INTERVAL span the bin from its first row to
    the last one used, EXPOSURE is the sum of those used, UVW and TIME_CENTROID are means weighted with the rows' weights (equal
    weights for model data and where all is flagged).
    """
    for block in blocks:
        yield _average_rows(block, bins.of_block[block.start], bins.flat)


def _average_rows(block: Block, bin_of_row: np.ndarray, flat: bool) -> Block:
    order = np.lexsort((block.rows["TIME"], bin_of_row))
    numbers = bin_of_row[order]
    first = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1])
    nbin = len(first)
    group = np.repeat(np.arange(nbin), np.diff(np.append(first, len(order))))
    dead = wholly_flagged(block.flag)[order]
    hopeless = np.logical_and.reduceat(dead, first)
    keep = ~dead | hopeless[group]
    used, owner = order[keep], group[keep]
    edges = np.searchsorted(owner, np.arange(nbin + 1)).astype(np.int64)
    rows = {name: values[order[first]] for name, values in block.rows.items()}
    weight = np.ones(len(used)) if flat else np.where(hopeless[owner], 1.0, block.weight[used].sum(axis=1, dtype=np.float64))
    _merge_rows(rows, block.rows, used, edges[:-1], weight, owner)
    # As the reference: rows averaged in time are never flagged as rows, FLAG says it all.
    rows["FLAG_ROW"] = np.zeros(nbin, dtype=bool)
    # Rows flagged as a whole add nothing to cells with good data, and count in cells that have none.
    used, edges = order, np.append(first, len(order)).astype(np.int64)
    nchan, ncorr = block.flag.shape[1:]
    shape = (nbin, nchan, ncorr)
    flag = np.empty(shape, dtype=bool)
    sums: dict[int, np.ndarray] = {}
    data = {}
    for name, values in block.data.items():
        kind = np.ones((len(block.flag), 1, ncorr), dtype=np.float32) if flat else block.weight_of(name)
        out, total = np.empty(shape, dtype=np.complex64), np.empty(shape, dtype=np.float32)
        average_rows(values.astype(np.complex64, copy=False), kind, block.flag, used, edges, out, total, flag)
        data[name] = out if np.iscomplexobj(values) else np.ascontiguousarray(out.real)
        sums[id(block.weight_of(name))] = total
    totals = []
    for kind in (block.corrected_weight, block.data_weight):
        if id(kind) not in sums:
            dummy = np.zeros(block.flag.shape, dtype=np.complex64)
            sums[id(kind)] = np.empty(shape, dtype=np.float32)
            average_rows(
                dummy, kind, block.flag, used, edges, np.empty(shape, np.complex64), sums[id(kind)], np.empty(shape, bool)
            )
        totals.append(sums[id(kind)])
    return Block(
        ddid=block.ddid,
        spw=block.spw,
        start=block.start,
        rows=rows,
        data=data,
        flag=flag,
        corrected_weight=totals[0],
        data_weight=totals[1],
        weight=mean_over_channels(totals[0], flag),
        sigma=inverse_root(mean_over_channels(totals[1], flag)),
    )


def _merge_rows(
    rows: dict[str, np.ndarray],
    source: Mapping[str, np.ndarray],
    used: np.ndarray,
    first: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
) -> None:
    """Times, exposures and baselines of the bins, from the rows used."""
    time, half = source["TIME"][used], source["INTERVAL"][used] / 2
    # rows[...] still holds the first row of each bin, flagged or not: the bin begins with it.
    begin = np.minimum(rows["TIME"] - rows["INTERVAL"] / 2, np.minimum.reduceat(time - half, first))
    end = np.maximum.reduceat(time + half, first)
    rows["TIME"] = (begin + end) / 2
    rows["INTERVAL"] = end - begin
    rows["EXPOSURE"] = np.add.reduceat(source["EXPOSURE"][used], first)
    total = np.add.reduceat(weight, first)
    share = np.where(total[owner] > 0, weight / np.where(total > 0, total, 1.0)[owner], 1.0 / np.bincount(owner)[owner])
    origin = rows["TIME"]
    # Offsets from the bin's middle: MJD seconds leave no digits for a weighted sum.
    rows["TIME_CENTROID"] = origin + np.add.reduceat((source["TIME_CENTROID"][used] - origin[owner]) * share, first)
    rows["UVW"] = np.add.reduceat(source["UVW"][used] * share[:, None], first, axis=0)
