"""Normalising solutions, and filling gaps of bandpasses."""

from __future__ import annotations

import itertools

import numpy as np

__all__ = ["fill_gaps", "normalize_solutions"]


def normalize_solutions(param: np.ndarray, flag: np.ndarray, channels: bool, normtype: str = "mean") -> None:
    """Scale solutions of one spectral window to a mean or median power (or a mean amplitude) of one.

    Parameters
    ----------
    param : ndarray (time, ant, chan, par) complex, changed in place
    flag : ndarray alike, bool
    channels : bool
        Each time, antenna and parameter of a bandpass over its channels, and to a phase of zero of the sum of its unit vectors;
        else all solutions together, in amplitude only.

    Notes
    -----
    Errors stay as they are, as in the reference.
    """
    axes = (2,) if channels else (0, 1, 2, 3)
    good = ~flag & (np.abs(param) > 0)
    amplitude = np.where(good, np.abs(param), np.nan)
    if normtype == "median":
        level = np.sqrt(_quiet(np.nanmedian, amplitude**2, axes))  # of powers, as the mean: it differs between two middle ones
    elif normtype == "amplitude":
        level = _quiet(np.nanmean, amplitude, axes[:3])
        if not channels:  # the mean of the receptors' means
            level = _quiet(np.nanmean, level, (3,))
    else:
        level = np.sqrt(_quiet(np.nanmean, amplitude**2, axes))
    level = np.where(np.isfinite(level) & (level > 0), level, 1.0)
    param /= level
    if channels:  # the direction of their sum, each counting alike, as in the reference
        unit = np.where(good, param / np.where(good, np.abs(param), 1.0), 0.0)
        param *= np.exp(-1j * np.angle(unit.sum(axis=axes, keepdims=True)))


def _quiet(function: object, values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """A NaN-skipping statistic of arrays that may be all NaN along an axis."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(values, axis=axes, keepdims=True)  # type: ignore[operator, no-any-return]


def fill_gaps(param: np.ndarray, flag: np.ndarray, widest: int, told: tuple[np.ndarray, ...] = ()) -> None:
    """Interpolate flagged channels in gaps of at most `widest` channels, linearly in amplitude and phase.

    `param` (time, ant, chan, par) complex and `flag` alike are changed in place. Gaps at the ends stay. `told` are errors and signals to noise
    alike: those of the channel above the gap stand in it, as in the reference.
    """
    ntime, nant, _, npar = param.shape
    for t, a, p in np.ndindex(ntime, nant, npar):
        good = np.flatnonzero(~flag[t, a, :, p])
        for low, high in itertools.pairwise(good):
            if not 1 < high - low <= widest + 1:
                continue
            inside = np.arange(low + 1, high)
            part = (inside - low) / (high - low)
            left, right = param[t, a, low, p], param[t, a, high, p]
            amplitude = abs(left) * (1 - part) + abs(right) * part
            turn = np.angle(right / left) if left != 0 else 0.0
            param[t, a, inside, p] = amplitude * np.exp(1j * (np.angle(left) + turn * part))
            flag[t, a, inside, p] = False
            for values in told:
                values[t, a, inside, p] = values[t, a, high, p]
