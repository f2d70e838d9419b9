"""The phase between linear receptors and the source's polarisation from noisy cross hands."""

from __future__ import annotations

import numpy as np

from casatools.calibration.solve_cross_hands import solve_cross_phases, solve_cross_source
from casatools.calibration.solve_data import Baselines, IntervalData

PHASE, SOURCE = 0.5, np.array([0.055, -0.035])
NSUB, NBL, NCHAN = 36, 3, 8


def _observed(signal: float, seed: int) -> tuple[IntervalData, np.ndarray]:
    """Averages of a source of 1 Jy whose polarisation is `signal` times the noise of all of them, and models of Stokes I, Q and U."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0.0, 2.6, NSUB)
    sky = np.zeros((3, 1, NSUB, NBL, 4), dtype=complex)
    sky[0, ..., 0] = sky[0, ..., 3] = 1
    for k, moving in ((1, -np.sin(2 * turn)), (2, np.cos(2 * turn))):
        sky[k, 0, ..., 1] = sky[k, 0, ..., 2] = moving[:, None]
    along = np.tensordot(SOURCE, sky[1:, ..., 1], 1)[..., None] * np.ones(NCHAN)
    noise = np.hypot(*SOURCE) / signal * np.sqrt(NSUB * NBL * NCHAN) / 2
    vis = np.zeros((1, NSUB, NBL, NCHAN, 4), dtype=complex)
    vis[..., 0] = vis[..., 3] = 1
    vis[..., 1], vis[..., 2] = along * np.exp(1j * PHASE) + 0.003, along * np.exp(-1j * PHASE) + 0.003
    vis[..., 1:3] += noise * (rng.normal(size=(*vis.shape[:-1], 2)) + 1j * rng.normal(size=(*vis.shape[:-1], 2)))
    model = np.zeros_like(vis)
    model[..., 0] = model[..., 3] = 1
    return IntervalData(np.zeros(1, dtype=int), vis, np.full(vis.shape, noise**-2.0), np.zeros(1), model), sky


def test_noisy_phases_and_polarisations_are_the_least_squares() -> None:
    """Phases from the tilt of the line alone, as in CASA, are off by 0.45 rad at this signal to noise."""
    from scipy.optimize import least_squares

    baselines = Baselines(np.array([0, 0, 1]), np.array([1, 2, 2]), np.zeros((3, 3), dtype=int))
    error = []
    for seed in range(6):
        data, sky = _observed(8.0 * np.sqrt(2), seed)
        found = solve_cross_source(data, baselines, 3, sky, 1)
        assert found.source is not None
        point = 0.5 * (data.vis[0, ..., 1] + data.vis[0, ..., 2].conj()).mean(axis=1)
        point = point - point.mean(axis=0)
        along = sky[1:, 0, :, 0, 1].real - sky[1:, 0, :, 0, 1].real.mean(axis=1, keepdims=True)

        def left(x: np.ndarray, point: np.ndarray = point, along: np.ndarray = along) -> np.ndarray:
            rest = point - np.exp(1j * x[2:]) * np.tensordot(x[:2], along, 1)[:, None]
            return np.concatenate([rest.real.ravel(), rest.imag.ravel()])

        phase = np.angle(found.param[0, 0, :, 0])
        ours = float((left(np.concatenate([found.source[0], phase])) ** 2).sum())
        least = least_squares(left, np.concatenate([SOURCE, np.full(NCHAN, PHASE)]), xtol=1e-14, ftol=1e-14, gtol=1e-14)
        assert ours <= 2 * least.cost * (1 + 1e-6)
        assert np.hypot(*(found.source[0] - SOURCE)) < 0.02
        error.append(phase - PHASE)
    assert np.sqrt(np.mean(np.square(error))) < 0.3


def test_phases_weigh_cross_hands_by_the_model() -> None:
    """A known source of linear feeds that turn: the scatter is that of the least squares (CASA divides by the model, which passes through zero)."""
    baselines, error, divided = Baselines(np.array([0, 0, 1]), np.array([1, 2, 2]), np.zeros((3, 3), dtype=int)), [], []
    for seed in range(20):
        data, sky = _observed(8.0, seed)
        data.vis[..., 1:3] -= 0.003
        assert data.model is not None
        data.model[..., 1] = data.model[..., 2] = np.tensordot(SOURCE, sky[1:, ..., 1], 1)[..., None]
        error.append(np.angle(solve_cross_phases(data, baselines, 3).param[0, 0, :, 0]) - PHASE)
        ratio = data.vis[..., 1:3] / data.model[..., 1:3]
        divided.append(np.angle((ratio[..., 0] + ratio[..., 1].conj()).sum(axis=(0, 1, 2))) - PHASE)
    expected = 1 / np.sqrt(2 * data.weight[0, ..., 0, 1].mean() * (np.abs(data.model[0, ..., 0, 1]) ** 2).sum())
    assert 0.85 * expected < np.sqrt(np.mean(np.square(error))) < 1.15 * expected
    assert np.sqrt(np.mean(np.square(divided))) > 2 * expected
