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


@pytest.mark.parametrize("way", ["compiled", "plain"])
@pytest.mark.parametrize("slope", [0.15, 0.6, 1.0])
def test_tangents_of_airy_are_found_in_few_steps(slope: float, way: str) -> None:
    wanted = np.r_[np.geomspace(1e-9, 1e6, 300), np.nan]
    radius = np.log1p(wanted * wanted) / wanted + slope * wanted
    start, step = (
        loop if way == "compiled" else loop.py_func for loop in (cone_projections.airy_start, cone_projections.airy_step)
    )
    found, square = np.empty((2, radius.size))
    start(radius, slope, found, square)
    late = [step(radius, slope, np.log1p(square), found, square) for _ in range(9)]
    assert late[-1] == 0 and late[1] < late[0]
    turn = np.arctan(found) - np.arctan(wanted)
    assert np.nanmax(np.abs(turn)) < 1e-14 and np.isnan(turn[-1]) and np.nanmax(np.abs(found[:200] / wanted[:200] - 1)) < 2e-14
