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

__all__ = ["fitted_lines", "grown_windows", "significant"]

# Widths at half maximum of a fitted line that its window reaches to either side, as CASA's.
_REACH = 3.0
# Channels that a window grows by on either side.
_STEP = 2


def significant(values: np.ndarray, good: np.ndarray, noise: float, snr: float) -> np.ndarray:
    """Spectra whose highest or lowest channel is at least `snr` times the noise."""
    return np.asarray(np.where(good, np.abs(values), -np.inf).max(axis=1) >= snr * noise)


def grown_windows(values: np.ndarray, good: np.ndarray, noise: float, snr: float) -> np.ndarray:
    """Channels about the strongest one (spectrum, channel); none where it does not stand out or the window would be the spectrum.

    Parameters
    ----------
    values, good : ndarray (spectrum, channel)
    noise : float
        Standard deviation.
    snr : float
        Least peak, times the noise.

    Notes
    -----
    A window of two channels to either side grows by two until the mean of the n channels outside changes by less than noise / n,
    the limit that CASA 6.7 has.
    """
    nspectrum, count = values.shape
    filled = np.where(good, values, 0.0).astype(np.float64)
    peak = np.argmax(np.where(good, np.abs(values), -np.inf), axis=1)
    rows = np.arange(nspectrum)
    found = good.any(axis=1) & significant(values, good, noise, snr)
    sums = np.concatenate([np.zeros((nspectrum, 1)), np.cumsum(filled, axis=1)], axis=1)
    counts = np.concatenate([np.zeros((nspectrum, 1)), np.cumsum(good, axis=1)], axis=1)
    half = np.full(nspectrum, _STEP, dtype=np.int64)
    last = np.full(nspectrum, np.inf)
    growing = found.copy()
    while growing.any():
        low, high = np.maximum(peak - half, 0), np.minimum(peak + half + 1, count)
        outside = counts[:, -1] - (counts[rows, high] - counts[rows, low])
        total = sums[:, -1] - (sums[rows, high] - sums[rows, low])
        mean = np.divide(total, outside, out=np.zeros(nspectrum), where=outside > 0)
        found &= ~(growing & (outside < 1))
        growing &= (outside >= 1) & ~(np.abs(last - mean) * outside < noise)
        last = np.where(growing, mean, last)
        half[growing] += _STEP
    channel = np.arange(count)[None, :]
    return good & found[:, None] & (np.abs(channel - peak[:, None]) <= half[:, None])


def fitted_lines(values: np.ndarray, good: np.ndarray, noise: float, snr: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians on a level fitted to spectra: the values of both (spectrum, channel), and the channels that the Gaussians reach over.

    Parameters
    ----------
    values, good : ndarray (spectrum, channel)
    noise, snr : float
        Spectra whose peak is less are left alone; they have no channel in the second result.
    """
    nspectrum, count = values.shape
    x = np.arange(count, dtype=np.float64)
    rows, starts = [], []
    for row in np.flatnonzero(significant(values, good, noise, snr)):
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
        line, width = found.parameters[:, :3], np.abs(found.parameters[:, 2:3])
        fine = found.converged & (line[:, 1] > -count) & (line[:, 1] < 2 * count) & (width[:, 0] < _REACH * count)
        models[part] = np.where(fine[:, None], model.evaluate(found.parameters, x)[0], 0.0)
        low, high = (np.floor(line[:, 1:2] + sign * _REACH * width + 0.5) for sign in (-1, 1))
        reached[part] = fine[:, None] & (x[None, :] >= low) & (x[None, :] <= high)
    return models, reached & good
