"""Hanning smoothing along the channel axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from casatools.kernels.hanning import smooth_flags, smooth_values, smooth_weights
from casatools.transform.blocks import Block, inverse_root, mean_over_channels, mean_sigma, settle_means

__all__ = ["hanning_blocks"]

# Weight of the mean of three channels of weight 1.
_GAIN = 8.0 / 3.0


def hanning_blocks(blocks: Iterable[Block], spectra: bool = True, last: bool = True) -> Iterator[Block]:
    """The stage: each channel becomes 1/4, 1/2, 1/4 of itself and its neighbours.

    A channel is flagged where one of the three is; the first and the last channel keep their values and are flagged. Weights follow
    from the variance of the sum: w = 1 / (1/16/w[-1] + 1/4/w[0] + 1/16/w[+1]).

    Parameters
    ----------
    blocks : iterable of Block
    spectra : bool
        Weights per channel will be written; otherwise one weight for all channels of a row stays one.
    last : bool
        No stage takes other channels of these: else rows that are flagged as a whole, whose weight is that of all channels, need the edges' too.
    """
    for block in blocks:
        if block.flag.shape[1] >= 3:
            _smooth(block, spectra, last)
        else:
            # As in the reference: all channels are edges here.
            block.flag = np.ones_like(block.flag)
            settle_means(block)
        yield block


def _smooth(block: Block, spectra: bool, last: bool) -> None:
    for name, values in block.data.items():
        block.data[name] = np.empty_like(values)
        smooth_values(np.ascontiguousarray(values), block.data[name])
    old_flag = np.ascontiguousarray(block.flag)
    block.flag = np.empty_like(old_flag)
    smooth_flags(old_flag, block.flag)
    same = block.corrected_weight is block.data_weight
    apart = spectra or (not last and bool(block.flag.all(axis=1).any()))
    if not apart and block.corrected_weight.shape[1] == block.data_weight.shape[1] == 1:
        _scale(block, same)
        return
    block.corrected_weight = _spread(block.corrected_weight, block.flag.shape)
    block.data_weight = block.corrected_weight if same else _spread(block.data_weight, block.flag.shape)
    block.weight = mean_over_channels(block.corrected_weight, block.flag)
    block.sigma = mean_sigma(block.data_weight, block.flag)


def _scale(block: Block, same: bool) -> None:
    """Weights that all channels share: the inner ones gain alike; the edges, which are flagged, count only where all is flagged."""
    nchan = block.flag.shape[1]
    dead = block.flag.all(axis=1)
    gain = np.where(dead, (_GAIN * (nchan - 2) + 2.0) / nchan, _GAIN).astype(np.float32)
    loss = np.where(dead, ((nchan - 2) / np.sqrt(_GAIN) + 2.0) / nchan, 1.0 / np.sqrt(_GAIN)).astype(np.float32)
    block.weight = block.corrected_weight[:, 0] * gain
    sigma = inverse_root(block.data_weight[:, 0])
    block.sigma = np.where(sigma > 0, sigma * loss, sigma).astype(np.float32)
    block.corrected_weight = block.corrected_weight * np.float32(_GAIN)
    block.data_weight = block.corrected_weight if same else block.data_weight * np.float32(_GAIN)


def _spread(weight: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The weight of the weighted sum of three channels; edges as they are."""
    full = np.ascontiguousarray(np.broadcast_to(weight, shape))
    out = np.empty(shape, dtype=np.float32)
    smooth_weights(full, out)
    return out
