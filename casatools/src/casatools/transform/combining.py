"""Spectral windows combined into one: which of their channels make up each channel of the combination, and the stage that joins their rows.

Notes
-----
As the reference: the channels of the window that begins lowest are the bins; where another window covers a bin on both sides, its channels count by the
part of them inside, elsewhere only those that lie in it as a whole. A channel across the upper end of the last bin extends it, and what lies above is
appended. Values, and weights, of a bin are means over the unflagged channels in it, not weighted with the data's weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError
from casatools.kernels.channel_taps import mean_of_unflagged
from casatools.transform.blocks import Block, mean_over_channels, mean_sigma
from casatools.transform.spectral_grid import InputChannels

__all__ = ["Combination", "combination_of", "combine_blocks", "uniform_channels"]


@dataclass(frozen=True)
class Combination:
    """Channels of several spectral windows, joined.

    Attributes
    ----------
    spws : tuple of int
        The spectral windows, ascending.
    offsets : dict
        Spectral window to the place of its channels, by rising frequency, among all.
    low_hz, high_hz : ndarray (bin,) float64
    first, index, share : ndarray
        Channels of each bin as for `kernels.channel_taps`.
    reverse : frozenset of int
        Windows whose channels come by falling frequency.
    """

    spws: tuple[int, ...]
    offsets: Mapping[int, int]
    total: int
    low_hz: np.ndarray
    high_hz: np.ndarray
    first: np.ndarray
    index: np.ndarray
    share: np.ndarray
    reverse: frozenset[int]


def combination_of(windows: Mapping[int, InputChannels]) -> Combination:
    """Work out the bins.

    Parameters
    ----------
    windows : mapping
        Spectral window to its channels, all in one frame.
    """
    spws = tuple(sorted(windows))
    offsets, total = {}, 0
    for spw in spws:
        offsets[spw] = total
        total += len(windows[spw].low_hz)
    order = sorted(spws, key=lambda s: (float(windows[s].low_hz[0]), s))
    base = windows[order[0]]
    low, high = base.low_hz.tolist(), base.high_hz.tolist()
    parts = [[(offsets[order[0]] + k, 1.0)] for k in range(len(low))]
    for spw in order[1:]:
        _join(low, high, parts, windows[spw], offsets[spw])
    first = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    index = np.array([i for p in parts for i, _ in p], dtype=np.int64)
    share = np.array([s for p in parts for _, s in p])
    reverse = frozenset(s for s in spws if windows[s].descending)
    return Combination(spws, offsets, total, np.array(low), np.array(high), first, index, share, reverse)


def _join(low: list[float], high: list[float], parts: list[list[tuple[int, float]]], other: InputChannels, offset: int) -> None:
    """Add the channels of one more window to the bins."""
    width = other.high_hz - other.low_hz
    slack = 1e-6 * float(width.min())
    across = np.flatnonzero((other.low_hz < high[-1] - slack) & (other.high_hz > high[-1] + slack))
    if len(across):
        high[-1] = float(other.high_hz[across[-1]])
    last = len(low) - 1
    for k in range(len(low)):
        begin, end = np.searchsorted(other.high_hz, low[k] + slack, side="right"), np.searchsorted(other.low_hz, high[k] - slack)
        near = np.arange(begin, end)
        covered = k < last and other.low_hz[0] < low[k] - slack and other.high_hz[-1] > high[k] + slack
        if not covered:
            near = near[(other.low_hz[near] >= low[k] - slack) & (other.high_hz[near] <= high[k] + slack)]
        inside = np.minimum(other.high_hz[near], high[k]) - np.maximum(other.low_hz[near], low[k])
        parts[k] += [(offset + int(j), float(part)) for j, part in zip(near, inside / width[near], strict=True)]
    for j in np.flatnonzero(other.low_hz >= high[-1] - slack):
        low.append(float(other.low_hz[j]))
        high.append(float(other.high_hz[j]))
        parts.append([(offset + int(j), 1.0)])


def uniform_channels(combination: Combination) -> InputChannels:
    """Channels as wide as the lowest one from there to the top of a combination: what channel numbers of the new grid count."""
    bottom, top = float(combination.low_hz[0]), float(combination.high_hz[-1])
    width = float(combination.high_hz[0] - bottom)
    edges = bottom + width * np.arange(max(1, int(np.floor((top - bottom) / width + 1e-6))) + 1)
    return InputChannels(edges[:-1], edges[1:])


def combine_blocks(
    blocks: Iterable[Block], combination: Combination, slots: Mapping[int, np.ndarray], groups: Mapping[int, int], ddid: int
) -> Iterator[Block]:
    """The stage: join the rows of all windows that belong to one output row.

    Parameters
    ----------
    blocks : iterable of Block
        Those of one group follow each other.
    combination : Combination
    slots : mapping
        Start of a block to the output row of each of its rows.
    groups : mapping
        Start of a block to its group.
    ddid : int
        Data description that the combined rows get.
    """
    held: list[Block] = []
    for block in blocks:
        if held and groups[block.start] != groups[held[0].start]:
            yield _combined(held, combination, slots, ddid)
            held = []
        held.append(block)
    if held:
        yield _combined(held, combination, slots, ddid)


def _combined(held: Sequence[Block], combination: Combination, slots: Mapping[int, np.ndarray], ddid: int) -> Block:
    ncorr = held[0].flag.shape[2]
    if any(b.flag.shape[2] != ncorr for b in held):
        raise DataError("spectral windows of different numbers of correlations cannot be combined; select correlations")
    numbers = np.unique(np.concatenate([slots[b.start] for b in held]))
    shape = (len(numbers), combination.total, ncorr)
    flag = np.ones(shape, dtype=bool)
    names = list(held[0].data)
    values = {name: np.zeros(shape, dtype=held[0].data[name].dtype) for name in names}
    one_kind = all(b.corrected_weight is b.data_weight for b in held)
    corrected = np.zeros(shape, dtype=np.float32)
    plain = corrected if one_kind else np.zeros(shape, dtype=np.float32)
    rows: dict[str, np.ndarray] = {}
    # As the reference: a row that was flagged as a whole in one window is marked so, though FLAG tells which channels are.
    dead = np.zeros(len(numbers), dtype=bool)
    # Later blocks do not replace the row columns of earlier ones: the lowest window's count.
    for block in reversed(held):
        at = np.searchsorted(numbers, slots[block.start])
        offset = combination.offsets[block.spw]
        channels = offset + np.arange(block.flag.shape[1])
        target = np.ix_(at, channels[::-1] if block.spw in combination.reverse else channels)
        flag[target] = block.flag
        for name in names:
            values[name][target] = block.data[name]
        corrected[target] = np.broadcast_to(block.corrected_weight, block.flag.shape)
        if not one_kind:
            plain[target] = np.broadcast_to(block.data_weight, block.flag.shape)
        for name, column in block.rows.items():
            rows.setdefault(name, np.zeros((len(numbers), *column.shape[1:]), dtype=column.dtype))[at] = column
        dead[at] |= block.rows["FLAG_ROW"]
    rows["FLAG_ROW"] = dead
    result = {name: _means(values[name], flag, combination) for name in names}
    corrected_weight = _means(corrected, flag, combination)[0]
    data_weight = corrected_weight if one_kind else _means(plain, flag, combination)[0]
    out_flag = next(iter(result.values()))[1]
    return Block(
        ddid=ddid, spw=combination.spws[0], start=held[0].start, rows=rows, data={n: v for n, (v, _) in result.items()}, flag=out_flag,
        corrected_weight=corrected_weight, data_weight=data_weight, weight=mean_over_channels(corrected_weight, out_flag),
        sigma=mean_sigma(data_weight, out_flag),
    )  # fmt: skip


def _means(values: np.ndarray, flag: np.ndarray, combination: Combination) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(values), len(combination.low_hz), values.shape[2])
    out, out_flag = np.empty(shape, dtype=values.dtype), np.empty(shape, dtype=bool)
    mean_of_unflagged(values, flag, combination.first, combination.index, combination.share, out, out_flag)
    return out, out_flag
