"""Loops about the reference point: compiled and as Python reads them (against wcslib: `test_projections`)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels import zenithal_projections

X, Y = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 40))
X[0], Y[0] = 0.0, 0.0


@pytest.mark.parametrize("kind", ["tangent", "sine", "arc", "stereographic", "equal_area"])
def test_there_and_back(kind: str) -> None:
    into = getattr(zenithal_projections, f"cosines_of_{kind}")
    out = getattr(zenithal_projections, f"{kind}_of_cosines")
    slant = (0.1, -0.3) if kind == "sine" else ()
    cosines, plain = np.empty((2, 3, X.size))
    into(X, Y, *slant, *cosines)
    into.py_func(X, Y, *slant, *plain)
    np.testing.assert_allclose(cosines, plain, rtol=0, atol=1e-15)
    np.testing.assert_allclose((cosines**2).sum(axis=0), 1, rtol=0, atol=1e-14)
    plane, other = np.empty((2, 2, X.size))
    out(*cosines, *slant, *plane)
    np.testing.assert_allclose(plane, [X, Y], rtol=0, atol=1e-14)
    out.py_func(*cosines, *slant, *other)
    np.testing.assert_allclose(plane, other, rtol=0, atol=1e-15)


def test_what_is_not_reached() -> None:
    three, two = np.empty((3, 1)), np.empty((2, 1))
    for kind, x in (("sine", 1.1), ("arc", 3.2), ("equal_area", 2.1)):
        slant = (0.0, 0.0) if kind == "sine" else ()
        getattr(zenithal_projections, f"cosines_of_{kind}")(np.array([x]), np.zeros(1), *slant, *three)
        assert np.isnan(three).any()
    for kind, radial in (("tangent", 0.0), ("sine", -0.1), ("stereographic", -1.0), ("equal_area", -1.0)):
        slant = (0.0, 0.0) if kind == "sine" else ()
        getattr(zenithal_projections, f"{kind}_of_cosines")(np.zeros(1), np.zeros(1), np.array([radial]), *slant, *two)
        assert np.isnan(two).all()
