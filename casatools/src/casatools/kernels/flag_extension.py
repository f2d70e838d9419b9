"""Loops that extend flags to whole times and channels and to neighbours."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["add_neighbours", "extend_baselines", "neighbours"]


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
def add_neighbours(flags: np.ndarray, times: np.ndarray, rules: tuple[bool, ...], out: np.ndarray) -> None:
    """Set `out` beside flagged samples of one baseline, as `rules` (around, neartime, nearfreq) ask; all look at `flags`."""
    ntime, nchan = len(times), flags.shape[1]
    for t in range(ntime):
        row = times[t]
        if row < 0:
            continue
        for corr in range(flags.shape[2]):
            for chan in range(nchan):
                if rules[0] and neighbours(flags, times, t, chan, corr) > 4:
                    out[row, chan, corr] = True
                if not flags[row, chan, corr]:
                    continue
                if rules[1]:
                    for near in (t - 1, t + 1):
                        if 0 <= near < ntime and times[near] >= 0:
                            out[times[near], chan, corr] = True
                if rules[2]:
                    out[row, max(0, chan - 1), corr] = True
                    out[row, min(nchan - 1, chan + 1), corr] = True


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
    """Set `out` (row, chan, corr), a copy of `flags`, where more is to be flagged.

    `index` (baseline, time) holds rows, -1 for none; `growtime`, `growfreq` are percentages, 0 or 100 for none; `rules` are those of
    `add_neighbours`. Neighbours come first; whole times and channels both count what is flagged then.
    """
    nchan, ncorr = flags.shape[1:]
    for baseline in range(span[0], span[1]):
        times = index[baseline]
        if rules[0] or rules[1] or rules[2]:
            add_neighbours(flags, times, rules, out)
        count, present = np.zeros((nchan, ncorr), np.int64), 0
        for row in times:
            if row >= 0:
                present += 1
                count += out[row]
        for row in times:
            if row < 0:
                continue
            for corr in range(ncorr):
                spectrum = 0
                for chan in range(nchan):
                    spectrum += out[row, chan, corr]
                whole = 0.0 < growfreq < 100.0 and 100.0 * spectrum >= growfreq * nchan
                for chan in range(nchan):
                    if whole or (0.0 < growtime < 100.0 and 100.0 * count[chan, corr] >= growtime * present):
                        out[row, chan, corr] = True
