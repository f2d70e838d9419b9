"""Projections against wcslib, and their inverses."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates import many_points, projections
from casatools.io.image.coordinates.projections import PROJECTIONS, Projector, default_poles, parameter_count


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


PARAMETERS = {
    "AZP": [1.5, 10.0], "SZP": [2.0, 90.0, 80.0], "ZPN": [0.0, 1.0, 0.0, 0.01], "AIR": [90.0], "CYP": [1.0, 1.0], "CEA": [0.8], "COP": [45.0, 25.0],
    "COD": [45.0, 25.0], "COE": [45.0, 25.0], "COO": [45.0, 25.0], "BON": [45.0], "HPX": [4.0, 3.0],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PROJECTIONS))
def test_many_points_are_as_few_and_as_wcslib(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What compiled loops and native coordinates give beside wcslib doing all of it."""
    given = np.array(PARAMETERS.get(name, []))
    longpole, latpole = default_poles(name, 50.0, 28.0, given)
    projector = Projector(name, np.radians(50.0), np.radians(28.0), given, longpole, latpole)
    x, y = np.random.default_rng(3).uniform(-0.1, 0.1, (2, 300))
    few = projector.to_sky(x, y)
    monkeypatch.setattr(many_points, "MANY", 10)
    many = projector.to_sky(x, y)
    whole = projections.wcs_of(name, 50.0, 28.0, given, longpole, latpole)
    expected = np.radians(whole.wcs_pix2world(np.degrees(np.column_stack([x, y])), 0)).T
    np.testing.assert_allclose(few, expected, rtol=0, atol=5e-13)
    np.testing.assert_allclose(many, expected, rtol=0, atol={"AIR": 5e-12, "CSC": 1e-6}.get(name, 5e-13))  # so exact is wcslib
    there = np.radians(whole.wcs_world2pix(np.degrees(np.column_stack(few)), 0)).T
    np.testing.assert_allclose(projector.to_plane(*few), there, rtol=0, atol=1e-6 if name == "CSC" else 5e-12)
    monkeypatch.undo()
    np.testing.assert_allclose(projector.to_plane(*few), there, rtol=0, atol=5e-12)
