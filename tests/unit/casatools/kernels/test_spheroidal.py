"""The spheroidal function: its ends, where its two parts meet, and a table value."""

from __future__ import annotations

import numpy as np

from casatools.kernels.spheroidal import spheroidal


def test_is_even_and_smooth() -> None:
    nu = np.linspace(0, 1, 401)
    value = spheroidal(nu)
    assert np.all(np.diff(value) < 0)
    assert np.abs(np.diff(value, 2)).max() < 1e-4
    # The two approximations agree where they meet.
    np.testing.assert_allclose(spheroidal(np.array([0.75 - 1e-9])), spheroidal(np.array([0.75])), rtol=1e-4)
    np.testing.assert_allclose(spheroidal(np.array([1.0])), 4.028559e-3, rtol=1e-6)
