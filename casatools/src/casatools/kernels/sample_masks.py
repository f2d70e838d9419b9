"""Masks of visibilities in one pass over them."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["mark_bad", "whole_rows"]


@kernel
def mark_bad(data: np.ndarray, flag: np.ndarray, flag_row: np.ndarray, bad: np.ndarray, throughout: np.ndarray) -> None:
    """Which samples do not count, and which correlations have none that does.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64 or float32
    flag : ndarray (row, chan, corr) bool
    flag_row : ndarray (row,) bool
    bad : ndarray (row, chan, corr) bool
        Written: flagged, or no number.
    throughout : ndarray (row, corr) bool
        Written: bad in all channels.
    """
    nrow, nchan, ncorr = flag.shape
    for row in range(nrow):
        for corr in range(ncorr):
            throughout[row, corr] = True
        for chan in range(nchan):
            for corr in range(ncorr):
                value = data[row, chan, corr]
                # The difference of what is no number with itself is none either.
                out = flag[row, chan, corr] or flag_row[row] or value - value != 0
                bad[row, chan, corr] = out
                throughout[row, corr] &= out


@kernel
def whole_rows(flag: np.ndarray, out: np.ndarray) -> None:
    """Which rows (row,) of flags (row, chan, corr) are flagged throughout."""
    nrow, nchan, ncorr = flag.shape
    for row in range(nrow):
        whole = True
        for chan in range(nchan):
            for corr in range(ncorr):
                whole &= flag[row, chan, corr]
            if not whole:
                break
        out[row] = whole
