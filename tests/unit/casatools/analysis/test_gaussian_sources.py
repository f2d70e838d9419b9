"""Fits of Gaussians end at the least sum of squares wherever they begin, circles too."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.analysis.gaussian_sources import FittedPlane, PlaneGeometry, Source, find_source, fit_sources, source_values

GEOMETRY = PlaneGeometry(np.array([[-1e-5, 0.0], [0.0, 1e-5]]))
Y, X = (v.astype(np.float64) for v in np.mgrid[0:18, 0:22])


def squares(plane: np.ndarray, source: Source) -> float:
    return float(((plane - source_values(source, GEOMETRY, X, Y)) ** 2).sum())


@pytest.mark.parametrize("seed", range(12))
def test_a_first_guess_that_is_a_circle(seed: int) -> None:
    random = np.random.default_rng(seed)
    minor = random.uniform(3, 5) * 1e-5
    true = Source(
        5.0, random.uniform(8, 12), random.uniform(7, 11), minor * random.choice([1.0, 1.1, 1.5]), minor, random.uniform(0, 3)
    )
    plane = source_values(true, GEOMETRY, X, Y) + 0.2 * random.normal(size=X.shape)
    best = []
    for major in (4.5e-5, 4.500001e-5, 5.5e-5):  # a circle, almost one, an ellipse
        start = Source(5.0, 10.0, 9.0, major, 4.5e-5, 0.0)
        found = fit_sources(plane.ravel(), X.ravel(), Y.ravel(), GEOMETRY, FittedPlane((start,)))
        assert found.converged and 0 <= found.sources[0].angle_rad < np.pi
        best.append(squares(plane, found.sources[0]))
    assert best == pytest.approx([min(best)] * 3, rel=1e-6)
    # no step to any side makes it less
    s = found.sources[0]
    for name, step in (("peak", 1e-3), ("x", 1e-3), ("y", 1e-3), ("major_rad", 1e-8), ("minor_rad", 1e-8), ("angle_rad", 1e-3)):
        for sign in (-1, 1):
            moved = Source(**{**vars(s), name: getattr(s, name) + sign * step})
            assert squares(plane, moved) >= best[-1] * (1 - 1e-7), name


def test_widths_that_are_kept_stay() -> None:
    plane = source_values(Source(5.0, 10.3, 9.2, 4.5e-5, 4.5e-5, 0.0), GEOMETRY, X, Y)
    for fixed in ("ab", "abp", "a", "b", "p"):
        start = Source(4.0, 10.0, 9.0, 4.5e-5, 4.5e-5, 0.0, fixed)
        found = fit_sources(plane.ravel(), X.ravel(), Y.ravel(), GEOMETRY, FittedPlane((start,)))
        assert found.converged and found.sources[0].peak == pytest.approx(5.0, rel=1e-6)
        assert (found.sources[0].major_rad, found.sources[0].minor_rad) == pytest.approx((4.5e-5, 4.5e-5), rel=1e-5)


def test_the_guess_of_a_symmetric_island_is_fitted() -> None:
    """The half of the peak covers a square of pixels, so the guess is a circle, and the source is none."""
    plane = source_values(Source(5.0, 10.0, 9.0, 5.7e-5, 4.8e-5, 0.0), GEOMETRY, X, Y)
    plane[np.abs(plane) < 1e-3] = 0.0
    guess = find_source(plane, np.ones(plane.shape, bool), GEOMETRY)
    start = Source(guess.peak, guess.x, guess.y, guess.minor_rad, guess.minor_rad, 0.0)
    found = fit_sources(plane.ravel(), X.ravel(), Y.ravel(), GEOMETRY, FittedPlane((start,))).sources[0]
    assert (found.major_rad, found.minor_rad) == pytest.approx((5.7e-5, 4.8e-5), rel=1e-3)
