"""Loops of cones, tilted planes and polynomials: compiled and as Python reads them (against wcslib: `test_many_points`)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels import cone_projections

X, Y = np.random.default_rng(1).uniform(-3.0, 3.0, (2, 40))
X[:3], Y[:3] = [np.nan, 0.0, 0.0], [0.1, np.nan, 0.0]
CONSTANTS: dict[str, tuple[float, ...]] = {
    "bonne_of_native": (1.8,), "native_of_bonne": (1.8, 1.0), "native_of_polyconic": (), "native_of_slant": (0.3, -1.0, 2.2),
    "native_of_tilted": (1.5, 0.3, 0.954), "plane_of_polar": (1.1, 0.6), "polar_of_plane": (1.1, 0.6, 1.0), "polyconic_of_native": (),
    "slant_of_native": (0.3, -1.0, 2.2), "tilted_of_native": (1.5, 0.3, 0.954),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANTS)
def test_compiled_as_plain(name: str) -> None:
    loop = getattr(cone_projections, name)
    one, other = np.empty((2, 2, X.size))
    loop(X, Y / 2, *CONSTANTS[name], *one)
    loop.py_func(X, Y / 2, *CONSTANTS[name], *other)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)
    assert np.isnan(one[:, :2]).any(axis=0).all() and np.isfinite(one[:, 2:]).any()


@pytest.mark.parametrize("way", ["compiled", "plain"])
def test_zenith_distances(way: str) -> None:
    terms = np.array([0.05, 1.0, 0.3, -0.2])
    most = float(np.polynomial.Polynomial(terms).deriv().roots().max())
    wanted = np.r_[np.linspace(0.0, most - 1e-3, 600), np.nan]
    radius = np.polynomial.polynomial.polyval(wanted, terms)
    found = np.empty(radius.size)
    loop = cone_projections.zenith_distances
    (loop if way == "compiled" else loop.py_func)(radius, terms, most, found)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    loop(np.array([0.049, radius[:-1].max() + 0.1]), terms, most, found[:2])
    assert np.isnan(found[:2]).all()
