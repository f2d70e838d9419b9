"""Solving diagonal gains (G, T, B) from averaged visibilities: modes, robust solving, errors and signal to noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_robust import first_guess, robust_gains
from casatools.kernels.baseline_links import count_links, drop_weakly_linked

__all__ = ["Solutions", "baselines_with_data", "connected_antennas", "solve_gain_intervals"]


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
    unsolved : int
        Sets of gains, which are flagged, or leakages, which are kept, whose steps did not converge.
    """

    param: np.ndarray
    error: np.ndarray
    snr: np.ndarray
    flag: np.ndarray
    has_data: np.ndarray
    connected: np.ndarray
    significant: np.ndarray
    source: np.ndarray | None = None
    unsolved: int = 0

    def take(self, keep: np.ndarray) -> Solutions:
        """The solutions of some intervals."""
        arrays = [getattr(self, n)[keep] for n in _ARRAYS]
        out = Solutions(*arrays)
        out.source = None if self.source is None else self.source[keep]
        return out

    @classmethod
    def joined(cls, parts: list[Solutions], order: np.ndarray) -> Solutions:
        """Solutions of several sets of intervals, of which `order` (interval,) says where each belongs."""
        back = np.argsort(order)
        arrays: list[Any] = [np.concatenate([getattr(p, n) for p in parts])[back] for n in _ARRAYS]
        return cls(*arrays)


_ARRAYS = [n for n in Solutions.__dataclass_fields__ if n not in ("source", "unsolved")]


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
    count = np.zeros((len(weight), nant), dtype=np.int64)
    drop_weakly_linked(baselines.ant1, baselines.ant2, weight, max(least, 1), count)
    return count > 0


def baselines_with_data(good: np.ndarray, baselines: Baselines, nant: int) -> np.ndarray:
    """Number of baselines with data of each antenna (interval, ant, value) int64; `good` (interval, baseline, value) bool."""
    count = np.zeros((len(good), nant, good.shape[2]), dtype=np.int64)
    for one, into in zip(good, count, strict=True):
        count_links(baselines.ant1, baselines.ant2, np.ascontiguousarray(one), into)
    return count


def solve_gain_intervals(
    data: IntervalData, baselines: Baselines, nant: int, options: SolveOptions, reference: int = -1
) -> Solutions:
    """Solve diagonal gains of whole intervals.

    Parameters
    ----------
    data : IntervalData
    baselines : Baselines
    nant : int
        Antennas of the MeasurementSet.
    options : SolveOptions
    reference : int
        Antenna that first guesses are made from, where they matter.
    """
    count, _, nbl, nchan, _ = data.vis.shape
    npar = options.solved.npar
    vis, weight = _in_mode(data.vis, data.weight, options.calmode)
    # One set is one parameter of one channel: samples are sub-averages times baselines, for T both receptors too.
    axes = (0, 3, 4, 1, 2) if npar == 2 else (0, 3, 1, 4, 2)
    vis = np.transpose(vis, axes).reshape(count * nchan * npar, -1, nbl)
    weight = np.transpose(weight, axes).reshape(vis.shape).copy()
    nsample = vis.shape[1]
    guess = np.ones((len(vis), nant), dtype=np.complex128)
    if "L1" in options.solmode:
        guess = first_guess(baselines.ant1, baselines.ant2, vis[:, 0], weight[:, 0], nant, npar, reference)
    # Both receptors count towards the baselines of an antenna, as in the reference.
    held = weight.sum(axis=1)
    has_data = connected_antennas(held, baselines, nant, 1)
    either = held.reshape(-1, npar, nbl).sum(axis=1)
    connected = np.repeat(connected_antennas(either, baselines, nant, options.minblperant), npar, axis=0)
    held[np.repeat(either == 0, npar, axis=0)] = 0.0
    connected &= connected_antennas(held, baselines, nant, 1)
    weight[np.broadcast_to((held == 0)[:, None, :], weight.shape)] = 0.0
    ant1, ant2 = np.tile(baselines.ant1, nsample), np.tile(baselines.ant2, nsample)
    flat = (vis.reshape(len(vis), -1), weight.reshape(len(vis), -1))
    gain, information, chi2, done, used = robust_gains(ant1, ant2, *flat, guess, npar, options)
    shape = (count, nchan, npar)
    samples = (used > 0).sum(axis=1).reshape(shape).sum(axis=2)
    spread = chi2.reshape(shape).sum(axis=2)
    if data.dark_chi2 is not None and data.dark_count is not None:
        spread, samples = spread + data.dark_chi2, samples + data.dark_count
    active = connected.sum(axis=1).reshape(shape).sum(axis=2)
    freedom = samples - active
    # Each phase is free: half a (complex) degree of freedom is left where there are as many gains as baselines.
    variance = spread / np.maximum(freedom, 0.5)
    error = np.zeros(gain.shape)
    np.divide(np.repeat(variance.reshape(-1), npar)[:, None], information, out=error, where=information > 0)
    error = np.sqrt(error)
    good = connected & (information > 0) & (np.abs(gain) > 0) & done[:, None]
    snr = np.where(good, np.abs(gain) / np.where(error > 0, error, 1.0), 0.0)
    snr = np.where(good & (error == 0), np.inf, snr)
    significant = good & (snr >= options.minsnr)
    if options.calmode == "p":
        # Amplitudes are free in the fit of phases, as in the reference: where the data of a baseline disagree they fall below one.
        gain = gain / np.where(np.abs(gain) > 0, np.abs(gain), 1.0)
    gain = np.where(significant, gain, 1.0)

    def shaped(a: np.ndarray) -> Any:
        return a.reshape(count, nchan, npar, nant).transpose(0, 3, 1, 2)

    return Solutions(
        shaped(gain), shaped(np.where(good, error, 0.0)), shaped(np.where(np.isfinite(snr), snr, 0.0)), shaped(~significant),
        shaped(has_data).any(axis=2), shaped(connected).any(axis=2), shaped(significant).any(axis=2),
        unsolved=int(np.count_nonzero(connected.any(axis=1) & ~done)),
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
