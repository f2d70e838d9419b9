"""Projections against wcslib, and their inverses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.projections import Projector, default_poles, parameter_count


def reference(name: str, longitude: float, latitude: float, parameters: list[float], longpole: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{name}", f"DEC--{name}"]
    wcs.wcs.crval = [np.degrees(longitude), np.degrees(latitude)]
    wcs.wcs.crpix, wcs.wcs.cdelt, wcs.wcs.cunit = [1, 1], [1, 1], ["deg", "deg"]
    wcs.wcs.lonpole = longpole
    wcs.wcs.set_pv([(2, k, v) for k, v in enumerate(parameters, 1)])
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize("longpole", [180.0, 150.0])
@pytest.mark.parametrize(("longitude", "latitude"), [(1.0, 0.7), (6.2, -1.4), (-2.0, 0.01)])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("SIN", []),
        ("SIN", [0.1, -0.3]),
        ("TAN", []),
        ("ARC", []),
        ("STG", []),
        ("ZEA", []),
        ("CAR", []),
        ("AIT", []),
        ("SFL", []),
    ],
)
def test_agrees_with_wcslib(name: str, parameters: list[float], longitude: float, latitude: float, longpole: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-0.2, 0.2, (2, 200))
    if name in ("CAR", "AIT", "SFL"):  # these have no solution for most other poles
        longpole = default_poles(name, np.degrees(longitude), np.degrees(latitude), np.empty(0))[0]
    projector = Projector(name, longitude, latitude, np.array(parameters), longpole)
    found = projector.to_sky(x, y)
    wcs = reference(name, longitude, latitude, parameters, longpole)
    expected = np.radians(wcs.wcs_pix2world(np.degrees(np.column_stack([x, y])), 0))
    np.testing.assert_allclose(np.column_stack(found), expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(projector.to_plane(*found), (x, y), rtol=0, atol=2e-13)


def test_off_the_sky_is_nan() -> None:
    assert np.isnan(Projector("SIN", 0.0, 0.0, np.zeros(2)).to_sky(np.array([1.5]), np.array([0.0]))[1]).all()
    assert np.isnan(Projector("TAN", 0.0, 0.0, np.empty(0)).to_plane(np.array([3.0]), np.array([0.0]))[0]).all()


def test_poles_and_refusals() -> None:
    assert default_poles("SIN", 10.0, 30.0, np.zeros(2)) == (180.0, 30.0)
    assert default_poles("CAR", 10.0, 30.0, np.empty(0)) == pytest.approx((0.0, 60.0))
    with pytest.raises(ParameterError, match="no projection"):
        parameter_count("NOPE")
    with pytest.raises(ParameterError, match="cannot be set up"):
        Projector("COE", 0.0, 0.3, np.zeros(2), 180.0)
