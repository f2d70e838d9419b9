"""Loops that extend flags to whole times and channels and to neighbours."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["extend_baselines", "neighbours"]


@kernel
def neighbours(flags: np.ndarray, times: np.ndarray, t: int, chan: int, corr: int) -> int:
    """How many of the eight neighbours of (time, chan) are flagged; `times` (time,) holds rows, -1 for none."""
    total = 0
    for near in range(max(0, t - 1), min(len(times), t + 2)):
        if times[near] < 0:
            continue
        for other in range(max(0, chan - 1), min(flags.shape[1], chan + 2)):
            if (near != t or other != chan) and flags[times[near], other, corr]:
                total += 1
    return total


@kernel
def extend_baselines(
    flags: np.ndarray,
    index: np.ndarray,
    span: tuple[int, int],
    growtime: float,
    growfreq: float,
    rules: tuple[bool, ...],
    out: np.ndarray,
) -> None:
    """Set `out` (row, chan, corr) where `flags` of the same shape ask for more.

    `index` (baseline, time) holds rows, -1 for none; `growtime`, `growfreq` are percentages, 0 or 100 for none; `rules` are
    (around, neartime, nearfreq). Every rule looks at the flags as they were.
    """
    nchan, ncorr = flags.shape[1:]
    ntime = index.shape[1]
    for baseline in range(span[0], span[1]):
        times = index[baseline]
        count, present = np.zeros((nchan, ncorr), np.int64), 0
        for t in range(ntime):
            if times[t] >= 0:
                present += 1
                count += flags[times[t]]
        for t in range(ntime):
            row = times[t]
            if row < 0:
                continue
            for corr in range(ncorr):
                spectrum = 0
                for chan in range(nchan):
                    spectrum += flags[row, chan, corr]
                whole = 0.0 < growfreq < 100.0 and 100.0 * spectrum > growfreq * nchan
                for chan in range(nchan):
                    if whole or (0.0 < growtime < 100.0 and 100.0 * count[chan, corr] > growtime * present):
                        out[row, chan, corr] = True
                    if rules[0] and neighbours(flags, times, t, chan, corr) > 4:
                        out[row, chan, corr] = True
                    if rules[1] and flags[row, chan, corr]:
                        for near in (t - 1, t + 1):
                            if 0 <= near < ntime and times[near] >= 0:
                                out[times[near], chan, corr] = True
                    if rules[2] and flags[row, chan, corr]:
                        out[row, max(0, chan - 1), corr] = True
                        out[row, min(nchan - 1, chan + 1), corr] = True
