"""Hanning smoothing along the channel axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from casatools.transform.blocks import Block, mean_over_channels, mean_sigma

__all__ = ["hanning_blocks"]


def hanning_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """The stage: each channel becomes 1/4, 1/2, 1/4 of itself and its neighbours.

    A channel is flagged where one of the three is; the first and the last channel keep their values and are flagged. Weights follow
    from the variance of the sum: w = 1 / (1/16/w[-1] + 1/4/w[0] + 1/16/w[+1]).
    """
    for block in blocks:
        if block.flag.shape[1] >= 3:
            _smooth(block)
        else:
            # As in the reference: all channels are edges here.
            block.flag = np.ones_like(block.flag)
        yield block


def _smooth(block: Block) -> None:
    for name, values in block.data.items():
        out = values.copy()
        out[:, 1:-1] = values[:, 1:-1] * np.float32(0.5) + (values[:, :-2] + values[:, 2:]) * np.float32(0.25)
        block.data[name] = out
    same = block.corrected_weight is block.data_weight
    flag = block.flag.copy()
    flag[:, 1:-1] |= block.flag[:, :-2] | block.flag[:, 2:]
    flag[:, 0] = flag[:, -1] = True
    block.corrected_weight = _spread(block.corrected_weight, block.flag.shape)
    block.data_weight = block.corrected_weight if same else _spread(block.data_weight, block.flag.shape)
    block.flag = flag
    block.weight = mean_over_channels(block.corrected_weight, flag)
    block.sigma = mean_sigma(block.data_weight, flag)


def _spread(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The weight of the weighted sum of three channels; edges as they are."""
    full = np.broadcast_to(weight, shape).astype(np.float64)
    variance = np.zeros(shape)
    np.divide(1.0, full, out=variance, where=full > 0)
    total = variance[:, 1:-1] / 4 + (variance[:, :-2] + variance[:, 2:]) / 16
    out = full.copy()
    out[:, 1:-1] = 0.0
    np.divide(1.0, total, out=out[:, 1:-1], where=total > 0)
    return out.astype(np.float32)
