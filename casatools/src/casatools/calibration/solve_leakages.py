"""Solving polarisation terms from averaged visibilities: leakages, cross-hand phase and delay.

Averages hold four correlations in the order RR RL LR LL (or XX XY YX YY).

References
----------
Hales 2017, AJ 154, 54 (degeneracies of leakages and position angle); Sault, Hamaker, Bregman 1996, A&AS 117, 149.
"""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_delays import baseline_delays
from casatools.calibration.solve_gains import Solutions

__all__ = ["solve_cross_delays", "solve_cross_phases", "solve_leakage_intervals"]


def _model(data: IntervalData) -> np.ndarray:
    if data.model is None:
        raise DataError("a polarisation solve needs averages of the model")
    return data.model


def _antennas_with_data(weight: np.ndarray, baselines: Baselines, nant: int) -> np.ndarray:
    """Number of baselines with data of each antenna (interval, ant, chan); `weight` (interval, baseline, chan)."""
    count = np.zeros((len(weight), nant, weight.shape[2]), dtype=np.int64)
    for b in range(len(baselines)):
        count[:, baselines.ant1[b]] += weight[:, b] > 0
        count[:, baselines.ant2[b]] += weight[:, b] > 0
    return count


def _of_channels(good: np.ndarray, npar: int) -> np.ndarray:
    """Whether any channel of (interval, ant, chan) is good, for each parameter."""
    some = np.asarray(np.any(good, axis=2))
    return np.repeat(some[:, :, None], npar, axis=2)


def _leakage_system(ant1: np.ndarray, ant2: np.ndarray, model: np.ndarray, nant: int) -> np.ndarray:
    """Coefficients (2 samples, 2 nant) of first-order leakages dR_i, conj(dL_j): V_RL - M_RL = dR_i M_LL + conj(dL_j) M_RR.

    The second half are conjugates of LR: conj(V_LR - M_LR) = conj(dL_i) conj(M_RR) + dR_j conj(M_LL).
    """
    count = len(ant1)
    row = np.arange(count)
    system = np.zeros((2 * count, 2 * nant), dtype=np.complex128)
    system[row, ant1] += model[:, 3]
    system[row, nant + ant2] += model[:, 0]
    system[count + row, nant + ant1] += model[:, 0].conj()
    system[count + row, ant2] += model[:, 3].conj()
    return system


def _solve_one(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, model: np.ndarray, weight: np.ndarray, nant: int
) -> tuple[np.ndarray, np.ndarray]:
    """Leakages (ant, 2) and their errors from samples (n, 4); least norm where the data leave an offset free."""
    system = _leakage_system(ant1, ant2, model, nant)
    right = np.concatenate([vis[:, 1] - model[:, 1], (vis[:, 2] - model[:, 2]).conj()])
    root = np.sqrt(np.concatenate([weight[:, 1], weight[:, 2]]))
    normal = (system * root[:, None]).conj().T @ (system * root[:, None])
    inverse = np.linalg.pinv(normal, rcond=1e-9, hermitian=True)
    found = inverse @ ((system * (root**2)[:, None]).conj().T @ right)
    left = (right - system @ found) * root
    variance = float((np.abs(left) ** 2).sum()) / max(int(np.count_nonzero(root)) - 2 * len(np.unique([ant1, ant2])), 1)
    error = np.sqrt(np.maximum(inverse.diagonal().real, 0.0) * variance)
    return np.stack([found[:nant], found[nant:].conj()], axis=1), error.reshape(2, nant).T


def solve_leakage_intervals(data: IntervalData, baselines: Baselines, nant: int, minblperant: int, refant: int) -> Solutions:
    """Solve instrumental leakages to first order, for a source of known polarisation.

    Parameters
    ----------
    data : IntervalData
        With model, in the frame of the antennas.
    baselines : Baselines
    nant : int
    minblperant : int
    refant : int
        Its leakage of the first receptor is taken as zero; -1 leaves the solution of least norm.
    """
    model = _model(data)
    count, _, _, nchan, _ = data.vis.shape
    weight = data.weight.copy()
    # One flagged correlation spoils the four.
    weight[np.broadcast_to(~(weight > 0).all(axis=-1, keepdims=True), weight.shape)] = 0.0
    baselines_of = _antennas_with_data(weight[..., 1].sum(axis=1), baselines, nant)
    param = np.zeros((count, nant, nchan, 2), dtype=np.complex128)
    error = np.zeros(param.shape)
    for t, c in np.ndindex(count, nchan):
        sub, base = np.nonzero(weight[t, :, :, c, 1] > 0)
        good = (baselines_of[t, baselines.ant1[base], c] >= minblperant) & (
            baselines_of[t, baselines.ant2[base], c] >= minblperant
        )
        sub, base = sub[good], base[good]
        if not len(base):
            continue
        picked = (t, sub, base, c)
        param[t, :, c], error[t, :, c] = _solve_one(
            baselines.ant1[base], baselines.ant2[base], data.vis[picked], model[picked], weight[picked], nant
        )
    if refant >= 0:
        offset = param[:, refant : refant + 1, :, 0].copy()
        param[..., 0] -= offset
        param[..., 1] += offset.conj()
    bad = np.asarray(baselines_of < minblperant)
    flag = np.repeat(bad[..., None], 2, axis=-1)
    param[flag], error[flag] = 0.0, 0.0
    snr = np.where(error > 0, 1.0 / np.where(error > 0, error, 1.0), 0.0)
    has, connected = _of_channels(baselines_of > 0, 2), _of_channels(~bad, 2)
    return Solutions(param, error, snr, flag, has, connected, connected.copy())


def _cross_products(data: IntervalData) -> tuple[np.ndarray, np.ndarray]:
    """Sums (interval, chan) of the cross hands times the conjugate model, LR turned to RL; and their weights."""
    model = _model(data)
    cross = data.vis[..., 1] * model[..., 1].conj() * data.weight[..., 1]
    cross = cross + data.vis[..., 2].conj() * model[..., 2] * data.weight[..., 2]
    if not np.abs(model[..., 1:3]).any():
        cross = data.vis[..., 1] * data.weight[..., 1] + data.vis[..., 2].conj() * data.weight[..., 2]
    return cross.sum(axis=(1, 2)), (data.weight[..., 1] + data.weight[..., 2]).sum(axis=(1, 2))


def _of_all_antennas(param: np.ndarray, weight: np.ndarray, data: IntervalData, baselines: Baselines, nant: int) -> Solutions:
    """The same solution (interval, chan, par) for all antennas; flagged where `weight` (interval, chan) is zero."""
    shape = (len(param), nant, *param.shape[1:])
    bad = np.broadcast_to((weight <= 0)[:, None, :, None], shape).copy()
    nothing = np.zeros(shape)
    held = np.asarray(_antennas_with_data(data.weight[..., 1].sum(axis=1), baselines, nant) > 0)
    has = _of_channels(held, param.shape[-1])
    return Solutions(np.broadcast_to(param[:, None], shape).copy(), nothing, nothing.copy(), bad, has, has.copy(), has.copy())


def solve_cross_phases(data: IntervalData, baselines: Baselines, nant: int) -> Solutions:
    """Solve the phase between the receptors that all antennas share, for a source of known polarisation.

    Raises
    ------
    DataError
        The model is not polarised.
    """
    if not np.abs(_model(data)[..., 1:3]).any():
        raise DataError("a cross-hand phase needs a polarised model; set one with setjy or smodel")
    cross, weight = _cross_products(data)
    size = np.abs(cross)
    param = np.where(size > 0, cross / np.where(size > 0, size, 1.0), 1.0)[..., None]
    return _of_all_antennas(param, weight * (size > 0), data, baselines, nant)


def solve_cross_delays(data: IntervalData, baselines: Baselines, nant: int, step_hz: float) -> Solutions:
    """Solve the delay (ns) between the receptors that all antennas share."""
    cross, weight = _cross_products(data)
    delay, _ = baseline_delays(cross, step_hz)
    param = np.stack([delay, np.zeros_like(delay)], axis=-1)[:, None, :]
    return _of_all_antennas(param, weight.sum(axis=1, keepdims=True), data, baselines, nant)
