"""Kernels of the multi-term CLEAN: compiled code equals the plain Python it is compiled from."""

from __future__ import annotations

import numpy as np

from casatools.kernels.clean_multiterm import clean_multiterm, row_gains, subtract_terms, tile_best


def test_gain_of_solutions() -> None:
    values, matrix = np.array([[1.0, -2.0], [0.5, 0.0]], np.float32), np.array([[1.0, 0.2], [0.2, 0.3]])
    inverse = np.linalg.inv(matrix)
    for run in (row_gains.py_func, row_gains):
        out = np.full(2, np.nan)
        run(values, inverse, out)
        assert np.allclose(out, [v @ inverse @ v for v in values.T], atol=1e-9)


def test_best_of_a_tile_and_subtraction() -> None:
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(2, 70, 80)).astype(np.float32)
    inverse = np.linalg.inv(np.array([[1.0, 0.1], [0.1, 0.4]]))
    mask = rng.uniform(size=(70, 80)) > 0.3
    gains = np.einsum("iyx,ij,jyx->yx", residual, inverse, residual)
    for tile, part in ((0, np.s_[:64, :64]), (3, np.s_[64:, 64:])):
        best, place = np.zeros(2), np.zeros(2, np.int64)
        tile_best.py_func(residual, inverse, mask, tile, 2, best, place)
        assert abs(best[0] - gains[part][mask[part]].max()) < 1e-5 and abs(gains[tuple(place)] - best[0]) < 1e-5
        assert best[1] == np.abs(residual[0])[part][mask[part]].max()
    lobes = rng.normal(size=(3, 20, 20)).astype(np.float32)
    changed, compiled = residual.copy(), residual.copy()
    subtract_terms.py_func(changed, lobes, np.array([0.5, -0.2]), 5, 75)
    subtract_terms(compiled, lobes, np.array([0.5, -0.2]), 5, 75)
    assert np.allclose(changed, compiled, atol=1e-6)
    assert np.allclose(
        changed[1, 0:15, 65:80], residual[1, 0:15, 65:80] - 0.5 * lobes[1, 5:20, :15] + 0.2 * lobes[2, 5:20, :15], atol=1e-5
    )


def test_the_loop_stops_at_the_threshold_and_when_nothing_is_left() -> None:
    residual = np.zeros((1, 2, 8, 8), np.float32)
    residual[0, 0, 4, 5] = 1.0
    lobes = np.zeros((1, 1, 3, 4, 4), np.float32)
    lobes[0, 0, :, 2, 2] = 1.0, 0.0, 0.5
    inverse = np.linalg.inv(np.array([[[1.0, 0.0], [0.0, 0.5]]]))
    everywhere, bias = np.ones((1, 8, 8), bool), np.ones(1)
    for run in (clean_multiterm.py_func, clean_multiterm):
        place, scale, flux = np.zeros((60, 2), np.int64), np.zeros(60, np.int64), np.zeros((60, 2))
        left = residual.copy()
        found = run(left, lobes, inverse, everywhere, bias, 0.5, 0.1, place, scale, flux)
        assert found == 4 and place[:4].tolist() == [[4, 5]] * 4  # 1, 1/2, 1/4, 1/8 are above 0.1
        assert np.allclose(flux[:4, 0], [0.5, 0.25, 0.125, 0.0625]) and left[0, 0, 4, 5] == 0.0625
        assert run(np.zeros_like(left), lobes, inverse, everywhere, bias, 0.5, 0.0, place, scale, flux) == 0
