"""Baselines of spectra against numpy; lines found in spectra made here."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.analysis.baselines import BaselineFunction, LineFinder, fit_baselines

X = np.arange(40.0)
RNG = np.random.default_rng(12)


def fitted(spectra: np.ndarray, good: np.ndarray | None = None, **function: object) -> np.ndarray:
    usable = np.ones(spectra.shape, bool) if good is None else good
    return fit_baselines(spectra, usable, BaselineFunction(**function)).values


def test_polynomials_are_least_squares() -> None:
    spectra = RNG.normal(size=(5, 40)) + 0.01 * X**2
    good = RNG.uniform(size=spectra.shape) > 0.3
    for kind in ("poly", "chebyshev"):
        found = fitted(spectra, good, kind=kind, order=2)
        for row in range(5):
            expected = np.polynomial.Polynomial.fit(X[good[row]], spectra[row][good[row]], 2)(X)
            assert np.allclose(found[row], expected, atol=1e-9)


def test_splines_waves_and_what_is_reported() -> None:
    spline = 1.0 + 0.1 * X - 0.02 * X**2 + 1e-3 * X**3 - 3e-3 * np.clip(X - 20, 0, None) ** 3
    function = BaselineFunction("cspline", pieces=2)
    found = fit_baselines(spline[None], np.ones((1, 40), bool), function)
    assert np.allclose(found.values[0], spline, atol=1e-8)
    assert np.allclose(function.reported(found.values[0])[:4], [1.0, 0.1, -0.02, 1e-3], atol=1e-6)
    assert len(function.reported(found.values[0])) == 8
    turn = 2 * np.pi * X / 39
    waves = 0.5 + np.sin(2 * turn) - 2 * np.cos(2 * turn)
    assert np.allclose(fitted(waves[None], kind="sinusoid", waves=(0, 2))[0], waves)
    named = BaselineFunction("sinusoid", waves=(0, 2))
    assert np.allclose(named.reported(waves), [0.5, 1.0, -2.0])
    assert np.allclose(BaselineFunction("poly", order=1).reported(2 + 3 * X), [2, 3])
    by_transform = fit_baselines(waves[None], np.ones((1, 40), bool), BaselineFunction("sinusoid", waves=(0,), transform=True))
    assert by_transform.waves == [(0, 2)] and np.allclose(by_transform.values[0], waves)
    without = fit_baselines(waves[None], np.ones((1, 40), bool), BaselineFunction("sinusoid", transform=True, without=(2,)))
    assert without.waves == [(0,)]
    flat = fit_baselines(np.zeros((1, 40)), np.ones((1, 40), bool), BaselineFunction("sinusoid", transform=True))
    assert flat.waves == [(0,)]


def test_clipping_leaves_out_spikes_and_few_channels_give_no_fit() -> None:
    spectrum = 1.0 + 0.1 * X + 0.01 * RNG.normal(size=40)
    spectrum[[7, 30]] += 50.0
    found = fit_baselines(spectrum[None], np.ones((1, 40), bool), BaselineFunction("poly", order=1, clip_rounds=3))
    assert not found.used[0, [7, 30]].any() and np.allclose(found.values[0], 1.0 + 0.1 * X, atol=0.02) and found.rms[0] < 0.02
    few = np.zeros((1, 40), bool)
    few[0, :3] = True
    none = fit_baselines(spectrum[None], few, BaselineFunction("poly", order=5))
    assert not none.fitted[0] and np.all(none.values == 0)


def test_lines_are_found() -> None:
    spectrum = 0.02 * X + 0.1 * RNG.normal(size=40) + 5 * np.exp(-(((X - 21) / 3) ** 2))
    free = LineFinder(edge=(2, 3)).free(spectrum, np.ones(40, bool))
    assert not free[18:25].any() and free[4:12].all() and not free[:2].any() and not free[37:].any()
    assert not LineFinder().free(spectrum, np.zeros(40, bool)).any()


def test_refused() -> None:
    for given in ({"kind": "no"}, {"order": -1}, {"pieces": 0}, {"clip_rounds": 1, "clip_level": 0.0}, {"waves": (-1,)}):
        with pytest.raises(ParameterError):
            BaselineFunction(**given)
    with pytest.raises(ParameterError):
        LineFinder(threshold=0.0)


def test_the_last_channel_is_clipped_as_any_other() -> None:
    """CASA 6.7 never clips it: with it kept, all 896 spectra of the shared cube come out as CASA's."""
    spectrum = 0.01 * RNG.normal(size=40)
    spectrum[39] += 50.0
    found = fit_baselines(spectrum[None], np.ones((1, 40), bool), BaselineFunction("poly", order=1, clip_rounds=3))
    assert not found.used[0, 39] and np.all(np.abs(found.values[0]) < 0.05)
