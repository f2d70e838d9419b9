"""Which channels of spectra hold the line, for moments: windows that grow about the peak, and Gaussian fits.

References
----------
Bosma 1981, AJ 86, 1791 (section III): the window about the peak grows until the mean of what is left outside does not change any more.
"""

from __future__ import annotations

import numpy as np

from casatools.analysis.line_finding import base_level, find_lines
from casatools.analysis.profile_models import Gaussian, Model, Polynomial
from casatools.analysis.profile_solver import solve_profiles

__all__ = ["fitted_lines", "grown_windows"]

# Widths of a fitted line [standard deviations] that its window reaches to either side.
_REACH = 3.0
_PER_FWHM = 1.0 / np.sqrt(8.0 * np.log(2.0))


def grown_windows(values: np.ndarray, good: np.ndarray, noise: float, snr: float) -> np.ndarray:
    """Channels about the peak (spectrum, channel) where it stands out; none where it does not.

    Parameters
    ----------
    values, good : ndarray (spectrum, channel)
    noise : float
        Standard deviation.
    snr : float
        Least peak, times the noise.
    """
    nspectrum, count = values.shape
    filled = np.where(good, values, 0.0)
    peak = np.argmax(np.where(good, values, -np.inf), axis=1)
    rows = np.arange(nspectrum)
    found = good.any(axis=1) & (filled[rows, peak] >= snr * noise)
    sums = np.concatenate([np.zeros((nspectrum, 1)), np.cumsum(filled, axis=1)], axis=1)
    counts = np.concatenate([np.zeros((nspectrum, 1)), np.cumsum(good, axis=1)], axis=1)
    half = np.ones(nspectrum, dtype=np.int64)
    last = np.full(nspectrum, np.inf)
    growing = found.copy()
    while growing.any():
        low, high = np.maximum(peak - half, 0), np.minimum(peak + half + 1, count)
        outside = counts[:, -1] - (counts[rows, high] - counts[rows, low])
        total = sums[:, -1] - (sums[rows, high] - sums[rows, low])
        mean = np.divide(total, outside, out=np.zeros(nspectrum), where=outside > 0)
        # The mean of n channels of noise is known to noise / sqrt(n); a change below that says nothing.
        done = (outside < 2) | (np.abs(last - mean) <= noise / np.sqrt(np.maximum(outside, 1.0)))
        growing &= ~done
        last = np.where(growing, mean, last)
        half[growing] += 1
    channel = np.arange(count)[None, :]
    return good & found[:, None] & (np.abs(channel - peak[:, None]) <= half[:, None])


def fitted_lines(values: np.ndarray, good: np.ndarray, noise: float, snr: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians on a level fitted to spectra: their values (spectrum, channel), and the channels they reach over.

    Parameters
    ----------
    values, good : ndarray (spectrum, channel)
    noise, snr : float
        Spectra whose peak is less are left alone.
    """
    nspectrum, count = values.shape
    x = np.arange(count, dtype=np.float64)
    rows, starts = [], []
    for row in np.flatnonzero(np.where(good, values, -np.inf).max(axis=1) >= snr * noise):
        level = base_level(values[row][good[row]]) if good[row].sum() > 3 else 0.0
        lines = find_lines(values[row].astype(np.float64), good[row], 1, level)
        if lines:
            rows.append(int(row))
            starts.append([lines[0].amplitude, lines[0].centre, lines[0].fwhm, level])
    models, reached = np.zeros((nspectrum, count)), np.zeros((nspectrum, count), bool)
    if rows:
        part = np.array(rows)
        model = Model([Gaussian(), Polynomial(0)])
        found = solve_profiles(
            model, x, values[part].astype(np.float64), good[part].astype(np.float64), np.array(starts), np.eye(4)
        )
        line = found.parameters[:, :3]
        sigma = np.abs(line[:, 2:3]) * _PER_FWHM
        fine = found.converged & (line[:, 1] > -count) & (line[:, 1] < 2 * count) & (sigma[:, 0] < count)
        models[part] = np.where(fine[:, None], Gaussian().evaluate(line, x)[0], 0.0)
        reached[part] = fine[:, None] & (np.abs(x[None, :] - line[:, 1:2]) <= _REACH * sigma)
    return models, reached & good
