"""Finding the channels without line emission."""

from __future__ import annotations

import numpy as np

__all__ = ["channel_ranges", "find_line_free"]


def find_line_free(level: np.ndarray, edge: float = 0.05, guard: int = 2, clip: float = 3.5) -> np.ndarray:
    """Tell line-free channels from the brightness of each channel.

    Parameters
    ----------
    level : ndarray (chan,) float
        A measure of brightness that grows with line emission, such as the rms of a dirty channel map.
    edge : float
        Share of the channels at either end that is never used (the filter's slopes).
    guard : int
        Channels beside a line channel that are not used either.
    clip : float
        Channels above a straight line by this many robust standard deviations hold line emission.

    Returns
    -------
    ndarray of bool (chan,)
        True where the channel is free of line and not at an edge; the outer fifths when less than a tenth would be free.
    """
    count = len(level)
    skip = max(1, round(edge * count))
    inner = np.zeros(count, dtype=bool)
    inner[skip : count - skip] = np.isfinite(level[skip : count - skip])
    x = np.arange(count, dtype=float)
    free = inner.copy()
    # Start from the floor, so that a line filling most of the band does not set the base line.
    free &= level <= _floor(level[inner])
    for _ in range(20):
        slope = np.polyfit(x[free], level[free], 1) if free.sum() > 4 else np.array([0.0, float(np.median(level[inner]))])
        residual = level - np.polyval(slope, x)
        spread = 1.4826 * float(np.median(np.abs(residual[free]))) * 1.2 + 1e-30
        again = inner & (residual < clip * spread)
        if np.array_equal(again, free):
            break
        free = again
    # A single bright channel is noise; a run of two or more is line.
    line = inner & ~free
    line &= np.convolve(line, [1, 0, 1], mode="same") > 0
    near = np.convolve(line, np.ones(2 * guard + 1), mode="same") > 0
    result = inner & ~near
    if result.sum() < 0.1 * count:
        fifth = max(skip + 1, count // 5)
        result = inner & ((x < fifth) | (x >= count - fifth))
    return result


def _floor(values: np.ndarray) -> float:
    """Upper end of the lowest dense quarter of the values (n,).

    Channels without line crowd together at the noise level; so may those of a line with a flat top, but higher: of the runs of
    a quarter of the sorted values that are nearly as short as the shortest, the lowest is taken.
    """
    ordered = np.sort(values)
    quarter = max(3, len(ordered) // 4)
    lengths = ordered[quarter - 1 :] - ordered[: len(ordered) - quarter + 1]
    return float(ordered[int(np.flatnonzero(lengths <= 2.0 * lengths.min())[0]) + quarter - 1])


def channel_ranges(chosen: np.ndarray) -> str:
    """Write a boolean channel mask as a CASA channel selection such as ``4~6;50~59``."""
    padded = np.concatenate([[False], chosen, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1) - 1
    return ";".join(f"{a}~{b}" for a, b in zip(starts, ends, strict=True))
