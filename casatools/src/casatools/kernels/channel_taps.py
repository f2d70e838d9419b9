"""Spectra put onto other channels: every new channel is a short sum over old ones."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["any_tap_flagged", "mean_of_unflagged", "sum_taps"]


@kernel
def sum_taps(values: np.ndarray, first: np.ndarray, index: np.ndarray, share: np.ndarray, out: np.ndarray) -> None:
    """New channels as sums over old ones, flagged or not.

    Parameters
    ----------
    values : ndarray (row, chan, corr) complex64 or float32
    first : ndarray (new + 1,) int64
        New channel k takes ``index[first[k]:first[k + 1]]``.
    index : ndarray (tap,) int64
        Old channels.
    share : ndarray (tap,) float64
        What each counts.
    out : ndarray (row, new, corr) complex64 or float32
    """
    nrow, _, ncorr = values.shape
    for row in range(nrow):
        for k in range(len(first) - 1):
            for corr in range(ncorr):
                total = share[first[k]] * values[row, index[first[k]], corr]
                for tap in range(first[k] + 1, first[k + 1]):
                    total += share[tap] * values[row, index[tap], corr]
                out[row, k, corr] = total


@kernel
def any_tap_flagged(flag: np.ndarray, first: np.ndarray, index: np.ndarray, outside: np.ndarray, out: np.ndarray) -> None:
    """Flags of new channels: set where one old channel that is needed has one, and outside of the old channels.

    Parameters
    ----------
    flag : ndarray (row, chan, corr) bool
    first, index : ndarray int64
        As for `sum_taps`.
    outside : ndarray (new,) bool
    out : ndarray (row, new, corr) bool
    """
    nrow, _, ncorr = flag.shape
    for row in range(nrow):
        for k in range(len(first) - 1):
            for corr in range(ncorr):
                bad = outside[k]
                for tap in range(first[k], first[k + 1]):
                    bad = bad or flag[row, index[tap], corr]
                out[row, k, corr] = bad


@kernel
def mean_of_unflagged(
    values: np.ndarray,
    flag: np.ndarray,
    first: np.ndarray,
    index: np.ndarray,
    share: np.ndarray,
    out: np.ndarray,
    out_flag: np.ndarray,
) -> None:
    """New channels as means over old ones that are not flagged; zero and flagged where there is none.

    Parameters
    ----------
    values : ndarray (row, chan, corr) complex64 or float32
    flag : ndarray (row, chan, corr) bool
    first, index, share : ndarray
        As for `sum_taps`; shares need not add up to one.
    out : ndarray (row, new, corr) complex64 or float32
    out_flag : ndarray (row, new, corr) bool
    """
    nrow, _, ncorr = values.shape
    for row in range(nrow):
        for k in range(len(first) - 1):
            for corr in range(ncorr):
                total = 0.0 * values[row, 0, corr]
                norm = 0.0
                for tap in range(first[k], first[k + 1]):
                    if not flag[row, index[tap], corr]:
                        total += share[tap] * values[row, index[tap], corr]
                        norm += share[tap]
                out_flag[row, k, corr] = norm == 0.0
                out[row, k, corr] = total / norm if norm > 0.0 else 0.0 * total
