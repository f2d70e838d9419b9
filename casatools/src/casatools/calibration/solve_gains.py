"""Solving diagonal gains (G, T, B) from averaged visibilities: modes, robust solving, errors and signal to noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from casatools._base.threads import thread_count
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_options import SolveOptions
from casatools.kernels.gain_solver import solve_gains

__all__ = ["Solutions", "connected_antennas", "solve_gain_intervals"]

_TOLERANCE = 1e-9
_MOST_STEPS = 1000
# Reweighting steps of an L1 solve: more only drive single baselines to zero residual.
_L1_STEPS = 4


@dataclass
class Solutions:
    """Solutions of some intervals.

    Attributes
    ----------
    param : ndarray (interval, ant, chan, par) complex128
        One where flagged.
    error, snr : ndarray alike, float64
    flag : ndarray alike, bool
    has_data, connected, significant : ndarray (interval, ant, par) bool
        For the statistics: any data, enough baselines, enough signal to noise (in any channel).
    source : ndarray (interval, property), optional
        Properties of the source that were solved too.
    """

    param: np.ndarray
    error: np.ndarray
    snr: np.ndarray
    flag: np.ndarray
    has_data: np.ndarray
    connected: np.ndarray
    significant: np.ndarray
    source: np.ndarray | None = None

    def take(self, keep: np.ndarray) -> Solutions:
        """The solutions of some intervals."""
        arrays = [getattr(self, n)[keep] for n in Solutions.__dataclass_fields__ if n != "source"]
        out = Solutions(*arrays)
        out.source = None if self.source is None else self.source[keep]
        return out


def connected_antennas(weight: np.ndarray, baselines: Baselines, nant: int, least: int) -> np.ndarray:
    """Antennas with at least `least` baselines to others of that kind.

    Parameters
    ----------
    weight : ndarray (set, baseline)
        Changed in place: zero on baselines to antennas with fewer.

    Returns
    -------
    ndarray (set, ant) bool
    """
    incidence = np.zeros((len(baselines), nant), dtype=np.float32)
    incidence[np.arange(len(baselines)), baselines.ant1] = 1
    incidence[np.arange(len(baselines)), baselines.ant2] = 1
    while True:
        count = (weight > 0).astype(np.float32) @ incidence
        good = count >= max(least, 1)
        keep = good[:, baselines.ant1] & good[:, baselines.ant2]
        drop = ~keep & (weight > 0)
        if not drop.any():
            return good
        weight[drop] = 0.0


def _solve(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, nant: int, phase_only: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    count = len(vis)
    gain, information = np.ones((count, nant), dtype=np.complex128), np.zeros((count, nant))
    chi2, done = np.zeros(count), np.zeros(count, dtype=bool)
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    numba.set_num_threads(min(thread_count(), most))
    solve_gains(
        ant1, ant2, np.ascontiguousarray(vis), np.ascontiguousarray(weight), phase_only, _TOLERANCE, _MOST_STEPS,
        gain, information, chi2, done,
    )  # fmt: skip
    return gain, information, chi2, done


def _residual(ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, gain: np.ndarray) -> np.ndarray:
    return np.abs(vis - gain[:, ant1] * gain[:, ant2].conj())


def _robust(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, nant: int, options: SolveOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Solve with the solmode: least squares, least absolute deviations (reweighted), outliers left out."""
    phase_only = options.calmode == "p"
    solved = _solve(ant1, ant2, vis, weight, nant, phase_only)
    base = weight
    if "L1" in options.solmode:
        for _ in range(_L1_STEPS):
            residual = _residual(ant1, ant2, vis, solved[0])
            trial = base / np.maximum(residual, 1e-12)
            again = _solve(ant1, ant2, vis, trial, nant, phase_only)
            # Weights that residuals of nothing make immense may keep a solve from converging: what was found before stands.
            better = again[3] | ~solved[3]
            weight = np.where(better[:, None], trial, weight)
            gain, information, chi2, done = (
                np.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(again, solved, strict=True)
            )
            solved = gain, information, chi2, done
    for threshold in options.thresholds:
        # Residuals are compared without their weights, with an rms that is weighted.
        residual = np.where(base > 0, _residual(ant1, ant2, vis, solved[0]), 0.0)
        total = base.sum(axis=1)
        rms = np.sqrt((base * residual**2).sum(axis=1) / np.where(total > 0, total, 1.0))
        outlier = residual > threshold * rms[:, None]
        if outlier.any():
            base = np.where(outlier, 0.0, base)
            weight = np.where(outlier, 0.0, weight)
            solved = _solve(ant1, ant2, vis, weight, nant, phase_only)
    return (*solved, weight)


def solve_gain_intervals(data: IntervalData, baselines: Baselines, nant: int, options: SolveOptions) -> Solutions:
    """Solve diagonal gains of whole intervals.

    Parameters
    ----------
    data : IntervalData
    baselines : Baselines
    nant : int
        Antennas of the MeasurementSet.
    options : SolveOptions
    """
    count, _, nbl, nchan, _ = data.vis.shape
    npar = options.solved.npar
    vis, weight = _in_mode(data.vis, data.weight, options.calmode)
    # One set is one parameter of one channel: samples are sub-averages times baselines, for T both receptors too.
    axes = (0, 3, 4, 1, 2) if npar == 2 else (0, 3, 1, 4, 2)
    vis = np.transpose(vis, axes).reshape(count * nchan * npar, -1, nbl)
    weight = np.transpose(weight, axes).reshape(vis.shape).copy()
    nsample = vis.shape[1]
    per_baseline = weight.sum(axis=1)
    held = per_baseline.copy()
    has_data = connected_antennas(held, baselines, nant, 1)
    connected = connected_antennas(held, baselines, nant, options.minblperant)
    weight[np.broadcast_to((held == 0)[:, None, :], weight.shape)] = 0.0
    ant1, ant2 = np.tile(baselines.ant1, nsample), np.tile(baselines.ant2, nsample)
    flat = (vis.reshape(len(vis), -1), weight.reshape(len(vis), -1))
    gain, information, chi2, done, used = _robust(ant1, ant2, *flat, nant, options)
    shape = (count, nchan, npar)
    samples = (used > 0).sum(axis=1).reshape(shape).sum(axis=2)
    active = connected.sum(axis=1).reshape(shape).sum(axis=2)
    freedom = samples - active
    # Each phase is free: half a (complex) degree of freedom is left where there are as many gains as baselines.
    variance = chi2.reshape(shape).sum(axis=2) / np.maximum(freedom, 0.5)
    error = np.zeros(gain.shape)
    np.divide(np.repeat(variance.reshape(-1), npar)[:, None], information, out=error, where=information > 0)
    error = np.sqrt(error)
    good = connected & (information > 0) & (np.abs(gain) > 0) & done[:, None]
    snr = np.where(good, np.abs(gain) / np.where(error > 0, error, 1.0), 0.0)
    snr = np.where(good & (error == 0), np.inf, snr)
    significant = good & (snr >= options.minsnr)
    gain = np.where(significant, gain, 1.0)

    def shaped(a: np.ndarray) -> Any:
        return a.reshape(count, nchan, npar, nant).transpose(0, 3, 1, 2)

    return Solutions(
        shaped(gain), shaped(np.where(good, error, 0.0)), shaped(np.where(np.isfinite(snr), snr, 0.0)), shaped(~significant),
        shaped(has_data).any(axis=2), shaped(connected).any(axis=2), shaped(significant).any(axis=2),
    )  # fmt: skip


def _in_mode(vis: np.ndarray, weight: np.ndarray, calmode: str) -> tuple[np.ndarray, np.ndarray]:
    """Data of an amplitude or phase solve: phases removed, or amplitudes with their square moved to the weights."""
    amplitude = np.abs(vis)
    if calmode == "a":
        return amplitude.astype(np.complex128), weight
    if calmode == "p":
        good = amplitude > 0
        return np.where(good, vis / np.where(good, amplitude, 1.0), 0.0), np.where(good, weight * amplitude**2, 0.0)
    return vis, weight
