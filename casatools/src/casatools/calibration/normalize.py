"""Normalising solutions, and filling gaps of bandpasses."""

from __future__ import annotations

import numpy as np

__all__ = ["fill_gaps", "normalize_solutions"]


def normalize_solutions(param: np.ndarray, error: np.ndarray, flag: np.ndarray, channels: bool, normtype: str = "mean") -> None:
    """Scale solutions of one spectral window to a mean (or median) amplitude of one.

    Parameters
    ----------
    param : ndarray (time, ant, chan, par) complex, changed in place
    error : ndarray alike, changed in place
    flag : ndarray alike, bool
    channels : bool
        Each time, antenna and parameter of a bandpass by the mean power over its channels; else all solutions together.
    """
    axes = (2,) if channels else (0, 1, 2, 3)
    good = ~flag & (np.abs(param) > 0)
    amplitude = np.where(good, np.abs(param), np.nan)
    with np.errstate(all="ignore"):
        if normtype == "median":
            level = _quiet(np.nanmedian, amplitude, axes)
        else:
            level = np.sqrt(_quiet(np.nanmean, amplitude**2, axes))
    level = np.where(np.isfinite(level) & (level > 0), level, 1.0)
    param /= level
    error /= level


def _quiet(function: object, values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """A NaN-skipping statistic of arrays that may be all NaN along an axis."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(values, axis=axes, keepdims=True)  # type: ignore[operator, no-any-return]


def fill_gaps(param: np.ndarray, flag: np.ndarray, widest: int) -> None:
    """Interpolate flagged channels in gaps of at most `widest` channels, linearly in amplitude and phase.

    `param` (time, ant, chan, par) complex and `flag` alike are changed in place. Gaps at the ends stay.
    """
    ntime, nant, nchan, npar = param.shape
    for t, a, p in np.ndindex(ntime, nant, npar):
        good = np.flatnonzero(~flag[t, a, :, p])
        for low, high in zip(good[:-1], good[1:], strict=True):
            if not 1 < high - low <= widest + 1:
                continue
            inside = np.arange(low + 1, high)
            part = (inside - low) / (high - low)
            left, right = param[t, a, low, p], param[t, a, high, p]
            amplitude = abs(left) * (1 - part) + abs(right) * part
            turn = np.angle(right / left) if left != 0 else 0.0
            param[t, a, inside, p] = amplitude * np.exp(1j * (np.angle(left) + turn * part))
            flag[t, a, inside, p] = False
