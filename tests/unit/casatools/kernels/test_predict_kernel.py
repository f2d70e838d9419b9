"""Model visibilities of components, against closed forms."""

from __future__ import annotations

import numpy as np
from scipy.special import j1

from casatools.kernels.predict import _disk, add_components

LIGHT = 299792458.0


def run(shape: int, size: tuple[float, float, float], lmn: tuple[float, float, float], uvw: np.ndarray) -> np.ndarray:
    out = np.zeros((len(uvw), 1, 1), dtype=np.complex128)
    add_components.py_func(
        uvw, np.array([LIGHT]), np.array([lmn]), np.array([shape]), np.array([size]), np.full((1, 1, 1), 3.0 + 0j), out
    )  # fmt: skip
    return out[:, 0, 0]


def test_point_has_its_phase() -> None:
    uvw = np.array([[1000.0, 0.0, 0.0], [0.0, 500.0, 200.0]])
    got = run(0, (0, 0, 0), (1e-4, 2e-4, -1e-8), uvw)
    assert np.allclose(got, 3 * np.exp(2j * np.pi * (uvw @ [1e-4, 2e-4, -1e-8])))


def test_gaussian_falls_by_half_where_it_must() -> None:
    width = 1e-4
    half = 2 * np.log(2) / (np.pi * width)  # exp(-(pi w b)^2 / (4 ln 2)) = 1/2
    uvw = np.array([[half, 0.0, 0.0], [0.0, half, 0.0]])
    got = run(1, (width, 0.0, np.pi / 2), (0, 0, 0), uvw)  # the major axis points east
    assert np.allclose(got.real, [1.5, 3.0])


def test_disk_is_the_bessel_function() -> None:
    for x in (1e-6, 0.3, 3.8, 17.0, 55.0):
        assert abs(_disk.py_func(x) - 2 * j1(x) / x) < 1e-8
