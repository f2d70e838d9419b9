"""Solutions that are averages: factors of baselines, and gains from autocorrelations."""

from __future__ import annotations

import numpy as np

from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions, baselines_with_data

__all__ = ["antenna_pairs", "autocorrelation_gains", "average_baselines", "average_offsets"]


def antenna_pairs(nant: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of antennas with themselves and later ones, in the order of rows of a baseline-based table."""
    first, second = np.triu_indices(nant)
    return first, second


def _averaged(data: IntervalData) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means (interval, baseline, chan, par) over the sub-averages, and their weights."""
    weight = data.weight.sum(axis=1)
    mean = (data.vis * data.weight).sum(axis=1) / np.where(weight > 0, weight, 1.0)
    return mean, weight


def _by_antenna(has: np.ndarray, baselines: Baselines, nant: int) -> np.ndarray:
    """Whether each antenna has data (interval, ant, par); `has` (interval, baseline, chan, par)."""
    some: np.ndarray = np.any(has, axis=2)
    return np.asarray(baselines_with_data(some, baselines, nant) > 0)


def average_baselines(data: IntervalData, baselines: Baselines, nant: int, calmode: str) -> Solutions:
    """Factors of baselines: the mean of data over model.

    Parameters
    ----------
    data : IntervalData
    baselines : Baselines
    nant : int
    calmode : {"ap", "a", "p"}
        Keep amplitudes and phases, amplitudes, phases.

    Returns
    -------
    Solutions
        With the pairs of `antenna_pairs` in place of antennas; zero and flagged where there are no data.
    """
    mean, weight = _averaged(data)
    size = np.abs(mean)
    if calmode == "a":
        mean = size.astype(np.complex128)
    elif calmode == "p":
        mean = np.where(size > 0, mean / np.where(size > 0, size, 1.0), 0.0)
    return _of_pairs(mean, weight > 0, baselines, nant)


def average_offsets(data: IntervalData, baselines: Baselines, nant: int) -> Solutions:
    """Offsets of baselines: the mean of data less model, of all correlations (interval, pair, chan, 4)."""
    mean, weight = _averaged(data)
    assert data.model is not None
    model = (data.model * data.weight).sum(axis=1) / np.where(weight > 0, weight, 1.0)
    return _of_pairs(mean - model, weight > 0, baselines, nant)


def _of_pairs(mean: np.ndarray, good: np.ndarray, baselines: Baselines, nant: int) -> Solutions:
    """Values of baselines as those of the pairs of `antenna_pairs`; zero and flagged where there are no data."""
    first, second = antenna_pairs(nant)
    place = np.zeros((nant, nant), dtype=np.int64)
    place[first, second] = np.arange(len(first))
    low, high = np.minimum(baselines.ant1, baselines.ant2), np.maximum(baselines.ant1, baselines.ant2)
    shape = (len(mean), len(first), *mean.shape[2:])
    param, flag = np.zeros(shape, dtype=np.complex128), np.ones(shape, dtype=bool)
    turned = (baselines.ant1 > baselines.ant2)[None, :, None, None]
    param[:, place[low, high]] = np.where(turned, mean.conj(), mean)
    flag[:, place[low, high]] = ~good
    nothing = np.zeros(shape)
    has = _by_antenna(good, baselines, nant)
    return Solutions(param, nothing, nothing.copy(), flag, has, has.copy(), has.copy())


def autocorrelation_gains(data: IntervalData, baselines: Baselines, nant: int) -> Solutions:
    """Amplitudes that bring autocorrelations to one: the square root of their mean.

    Parameters
    ----------
    data : IntervalData
        Of autocorrelations, with a model of one.
    baselines : Baselines
        Pairs of an antenna with itself.
    nant : int
    """
    mean, weight = _averaged(data)
    shape = (len(mean), nant, *mean.shape[2:])
    param, flag = np.ones(shape, dtype=np.complex128), np.ones(shape, dtype=bool)
    good = (weight > 0) & (np.abs(mean) > 0)
    param[:, baselines.ant1] = np.where(good, np.sqrt(np.abs(mean)), 1.0)
    flag[:, baselines.ant1] = ~good
    nothing = np.zeros(shape)
    has = _by_antenna(good, baselines, nant)
    return Solutions(param, nothing, nothing.copy(), flag, has, has.copy(), has.copy())
