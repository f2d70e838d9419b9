"""Compiled projections over the whole sky against wcslib."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS

from casatools.kernels import sky_projections

KINDS: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "AIT": ("native_of_aitoff", "aitoff_of_native", ()),
    "MOL": ("native_of_mollweide", "mollweide_of_native", ()),
    "PAR": ("native_of_parabolic", "parabolic_of_native", ()),
    "HPX": ("native_of_healpix", "healpix_of_native", (4.0, 3.0)),
    "HPX 6 3": ("native_of_healpix", "healpix_of_native", (6.0, 3.0)),
    "HPX 4 2": ("native_of_healpix", "healpix_of_native", (4.0, 2.0)),
    "HPX 3 4": ("native_of_healpix", "healpix_of_native", (3.0, 4.0)),
    "CAR": ("native_of_rectangle", "rectangle_of_native", ()),
    "SFL": ("native_of_sinusoid", "sinusoid_of_native", ()),
    "CEA": ("native_of_equal_areas", "equal_areas_of_native", (0.8,)),
    "CYP": ("native_of_cylinder", "cylinder_of_native", (1.2, 0.8)),
}


def wcslib(name: str, parameters: tuple[float, ...]) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{name[:3]}", f"DEC--{name[:3]}"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt, wcs.wcs.cunit = [0, 0], [1, 1], [1, 1], ["deg", "deg"]
    wcs.wcs.lonpole, wcs.wcs.latpole = 0.0, 90.0
    wcs.wcs.set_pv([(2, k, value) for k, value in enumerate(parameters, 1)])
    wcs.wcs.set()
    return wcs


@pytest.fixture(params=["compiled", "plain"])
def ways(request: pytest.FixtureRequest) -> Any:
    """A function of the module, compiled or as Python reads it, of two arrays."""

    def call(name: str, first: np.ndarray, second: np.ndarray, *rest: Any) -> np.ndarray:
        function = getattr(sky_projections, name)
        out = np.empty((2, first.size))
        if name == "mollweide_of_native":
            cubes = np.empty(first.size)
            sky_projections.mollweide_cubes(second, cubes)
            rest = (np.cbrt(cubes),)
        (function if request.param == "compiled" else function.py_func)(first, second, *rest, *out)
        return out

    return call


@pytest.mark.parametrize("name", KINDS)
def test_the_whole_sky(name: str, ways: Any) -> None:
    into, out, parameters = KINDS[name]
    random = np.random.default_rng(5)
    longitude, latitude = random.uniform(-180, 180, 1000), np.degrees(np.arcsin(random.uniform(-1, 1, 1000)))
    latitude[:40] = np.repeat([89.999999, -89.999999, 41.8103149, -41.8103149], 10)
    latitude[40:50], longitude[50:60] = 0.0, 0.0
    wcs = wcslib(name, parameters)
    plane = np.radians(wcs.wcs_world2pix(longitude, latitude, 0))
    found = ways(out, np.radians(longitude), np.radians(latitude), *parameters)
    # wcslib solves Mollweide's equation to 1e-12 and loses half of the digits at poles, where the way back shows that ours are right
    np.testing.assert_allclose(found[:, 20:], plane[:, 20:], rtol=0, atol=5e-11 if name == "MOL" else 5e-14)
    np.testing.assert_allclose(found, plane, rtol=0, atol=5e-5)
    back = ways(into, *found, *parameters)
    np.testing.assert_allclose(back[1], np.radians(latitude), rtol=0, atol=3e-8 if name in ("AIT", "CEA") else 1e-11)
    away = np.abs(latitude) < 89.9
    np.testing.assert_allclose(back[:, away], np.radians([longitude[away], latitude[away]]), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", KINDS)
def test_the_whole_plane_and_beyond(name: str, ways: Any) -> None:
    into, _, parameters = KINDS[name]
    x, y = np.random.default_rng(6).uniform(-200, 200, 3000), np.random.default_rng(7).uniform(-110, 110, 3000)
    sky = np.radians(wcslib(name, parameters).wcs_pix2world(x, y, 0))
    found = ways(into, np.radians(x), np.radians(y), *parameters)
    assert (np.isnan(found) == np.isnan(sky)).all() and 300 < np.isnan(sky[0]).sum() < 2700
    seen = ~np.isnan(sky[0])
    np.testing.assert_allclose(np.sin(found[0] - sky[0])[seen], 0, atol=1e-11)
    np.testing.assert_allclose(found[1][seen], sky[1][seen], rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_nan_stays_nan(name: str, ways: Any) -> None:
    into, out, parameters = KINDS[name]
    one, other = np.array([np.nan, 0.1]), np.array([0.1, np.nan])
    for function in (into, out):
        assert np.isnan(ways(function, one, other, *parameters)).any(axis=0).all()
