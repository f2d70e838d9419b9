"""Averages of visibilities over channels and time."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["BIN_SLACK", "assign_bins", "average_channels", "average_rows", "mean_channels"]

# What a bin's length is multiplied with: it closes a little early, so that rounding of times does not let one integration too many in.
BIN_SLACK = 0.999


@kernel
def average_channels(
    data: np.ndarray,
    weight: np.ndarray,
    flag: np.ndarray,
    edges: np.ndarray,
    out: np.ndarray,
    out_weight: np.ndarray,
    out_flag: np.ndarray,
) -> None:
    """Weighted mean over runs of channels: sum(w v) / sum(w) over unflagged ones, over all where every one is flagged.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    weight : ndarray (row, chan, corr) or (row, 1, corr) float32
        A length of 1 stands for the same weight in every channel.
    flag : ndarray (row, chan, corr) bool
    edges : ndarray (out_chan + 1,) int64
        Run k holds the channels ``edges[k] .. edges[k+1] - 1``.
    out : ndarray (row, out_chan, corr) complex64
    out_weight : ndarray (row, out_chan, corr) float32
        Sum of the weights used.
    out_flag : ndarray (row, out_chan, corr) bool
        True where all of a run is flagged or has no weight.
    """
    nrow, ncorr = data.shape[0], data.shape[2]
    one = weight.shape[1] == 1
    for row in range(nrow):
        for k in range(len(edges) - 1):
            for corr in range(ncorr):
                good = 0.0
                every = 0.0
                plain = 0
                total = 0.0j
                other = 0.0j
                bare = 0.0j
                for chan in range(edges[k], edges[k + 1]):
                    w = np.float64(weight[row, 0 if one else chan, corr])
                    v = np.complex128(data[row, chan, corr])
                    if not flag[row, chan, corr]:
                        good += w
                        total += w * v
                        plain += 1
                    every += w
                    other += w * v
                    bare += v
                out_flag[row, k, corr] = plain == 0 or good <= 0.0
                if plain > 0 and good > 0.0:
                    out[row, k, corr] = total / good
                    out_weight[row, k, corr] = good
                elif every > 0.0:
                    out[row, k, corr] = other / every
                    out_weight[row, k, corr] = every
                else:
                    out[row, k, corr] = bare / (edges[k + 1] - edges[k])
                    out_weight[row, k, corr] = 0.0


@kernel
def average_rows(
    data: np.ndarray,
    weight: np.ndarray,
    flag: np.ndarray,
    order: np.ndarray,
    edges: np.ndarray,
    out: np.ndarray,
    out_weight: np.ndarray,
    out_flag: np.ndarray,
) -> None:
    """Weighted mean over groups of rows, channel by channel; as `average_channels` over the other axis.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    weight : ndarray (row, chan, corr) or (row, 1, corr) float32
    flag : ndarray (row, chan, corr) bool
    order : ndarray (used,) int64
        Rows to use, group by group.
    edges : ndarray (group + 1,) int64
        Group k holds the rows ``order[edges[k]:edges[k+1]]``.
    out, out_weight, out_flag : ndarray (group, chan, corr)
        complex64, float32, bool.
    """
    nchan, ncorr = data.shape[1], data.shape[2]
    one = weight.shape[1] == 1
    good = np.empty((nchan, ncorr))
    every = np.empty((nchan, ncorr))
    count = np.empty((nchan, ncorr), dtype=np.int64)
    total = np.empty((nchan, ncorr), dtype=np.complex128)
    other = np.empty((nchan, ncorr), dtype=np.complex128)
    for k in range(len(edges) - 1):
        good[:] = 0.0
        every[:] = 0.0
        count[:] = 0
        total[:] = 0.0
        other[:] = 0.0
        for position in range(edges[k], edges[k + 1]):
            row = order[position]
            for chan in range(nchan):
                for corr in range(ncorr):
                    w = np.float64(weight[row, 0 if one else chan, corr])
                    v = w * np.complex128(data[row, chan, corr])
                    if not flag[row, chan, corr]:
                        good[chan, corr] += w
                        total[chan, corr] += v
                        count[chan, corr] += 1
                    every[chan, corr] += w
                    other[chan, corr] += v
        for chan in range(nchan):
            for corr in range(ncorr):
                out_flag[k, chan, corr] = count[chan, corr] == 0
                use = count[chan, corr] > 0 and good[chan, corr] > 0.0
                w = good[chan, corr] if use else every[chan, corr]
                out_weight[k, chan, corr] = w
                if w > 0.0:
                    out[k, chan, corr] = (total[chan, corr] if use else other[chan, corr]) / w
                else:
                    out[k, chan, corr] = data[order[edges[k]], chan, corr]


@kernel
def assign_bins(
    part: np.ndarray,
    time: np.ndarray,
    baseline: np.ndarray,
    uvw: np.ndarray,
    limit_s: float,
    limit_m: float,
    nbaseline: int,
    bins: np.ndarray,
    closed: np.ndarray,
) -> int:
    """Give each row the number of its time bin: per baseline, a bin ends before `limit_s` or `limit_m` would be reached.

    Parameters
    ----------
    part : ndarray (row,) int64
        A bin never spans two parts; rows come part by part, by time within each.
    time : ndarray (row,) float64 [s]
    baseline : ndarray (row,) int64
    uvw : ndarray (row, 3) float64 [m]
        Used only where `limit_m` is positive.
    limit_s, limit_m : float
    nbaseline : int
    bins : ndarray (row,) int64
        Out: bin numbers.
    closed : ndarray (row,) float64 [s]
        Out, per bin: the time of the row that began the next one, infinity for the last of a part.

    Returns
    -------
    int
        Number of bins.
    """
    current = np.full(nbaseline, -1, dtype=np.int64)
    first = np.zeros(nbaseline)
    origin = np.zeros((nbaseline, 3))
    count = 0
    for row in range(len(time)):
        if row > 0 and part[row] != part[row - 1]:
            current[:] = -1
        b = baseline[row]
        fresh = current[b] < 0
        if not fresh:
            fresh = time[row] - first[b] >= limit_s
            if limit_m > 0.0 and not fresh:
                d2 = 0.0
                for k in range(3):
                    d2 += (uvw[row, k] - origin[b, k]) ** 2
                fresh = d2 >= limit_m * limit_m
            if fresh:
                closed[current[b]] = time[row]
        if fresh:
            current[b] = count
            closed[count] = np.inf
            first[b] = time[row]
            if limit_m > 0.0:
                for k in range(3):
                    origin[b, k] = uvw[row, k]
            count += 1
        bins[row] = current[b]
    return count


@kernel
def mean_channels(values: np.ndarray, flag: np.ndarray, out: np.ndarray) -> None:
    """Mean over the unflagged channels, over all where every one is flagged.

    Parameters
    ----------
    values : ndarray (row, chan or 1, corr) float32
        A length of 1 stands for the same value in every channel.
    flag : ndarray (row, chan, corr) bool
    out : ndarray (row, corr) float32
    """
    nrow, nchan, ncorr = flag.shape
    one = values.shape[1] == 1
    for row in range(nrow):
        for corr in range(ncorr):
            if one:
                out[row, corr] = values[row, 0, corr]
                continue
            good, every, count = 0.0, 0.0, 0
            for chan in range(nchan):
                value = np.float64(values[row, chan, corr])
                every += value
                if not flag[row, chan, corr]:
                    good += value
                    count += 1
            out[row, corr] = good / count if count > 0 else every / nchan
