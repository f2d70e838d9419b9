"""Every projection of many points against wcslib, over the whole sky, the whole plane and beyond."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.many_points import MANY, plane_steps
from casatools.io.image.coordinates.projections import _native_wcs

KINDS: list[tuple[str, list[float]]] = [
    ("MER", []), ("SFL", []), ("CYP", []), ("CYP", [1.0, 0.8]), ("CEA", [0.8]), ("MOL", []), ("PCO", []), ("TSC", []), ("CSC", []), ("QSC", []),
    ("COP", [45.0, 25.0]), ("COP", [-45.0, 20.0]), ("COE", [45.0, 25.0]), ("COE", [-40.0]), ("COD", [45.0, 25.0]), ("COD", [-45.0]),
    ("COO", [45.0, 25.0]), ("COO", [-45.0]), ("BON", [45.0]), ("BON", [-30.0]), ("AZP", []), ("AZP", [2.0, 10.0]), ("AZP", [0.5, 20.0]),
    ("AZP", [2.0, 70.0]), ("SZP", []), ("SZP", [2.0, 180.0, 60.0]), ("SZP", [0.5, 30.0, 50.0]), ("ZPN", [0.0, 1.0]),
    ("ZPN", [0.0, 1.0, 0.0, -0.05]), ("ZPN", [0.05, 1.0, 0.3, -0.2, 0.1]), ("AIR", []), ("AIR", [60.0]), ("AIR", [-30.0]),
]  # fmt: skip
# wcslib computes CSC in single precision, and iterates to 1e-12 or so.
EXACT = {"CSC": 1e-6, "AIR": 1e-11, "MOL": 1e-10, "COP": 1e-9, "AZP": 1e-9, "SZP": 1e-9}


@pytest.mark.parametrize(("name", "parameters"), KINDS)
def test_the_whole_sky_and_beyond_the_plane(name: str, parameters: list[float]) -> None:
    steps = plane_steps(name, np.array(parameters))
    assert steps is not None
    wcs = _native_wcs(name, np.array(parameters))
    random, exact = np.random.default_rng(5), EXACT.get(name, 1e-11)
    longitude, latitude = random.uniform(-180, 180, 2000), np.degrees(np.arcsin(random.uniform(-1, 1, 2000)))
    plane = np.radians(wcs.wcs_world2pix(np.column_stack([longitude, latitude]), 0)).T
    found = np.empty((2, 2000))
    steps[1](np.radians(longitude), np.radians(latitude), *found)
    assert (np.isnan(found) == np.isnan(plane)).all()
    seen = ~np.isnan(plane[0])
    np.testing.assert_allclose(found[:, seen], plane[:, seen], rtol=exact, atol=exact)
    x, y = random.uniform(-220, 220, 2000), random.uniform(-160, 160, 2000)
    x[:1000], y[:1000] = 0.3 * x[:1000], 0.3 * y[:1000]
    sky = np.radians(wcs.wcs_pix2world(np.column_stack([x, y]), 0)).T
    steps[0](np.radians(x), np.radians(y), *found)
    assert (np.isnan(found) == np.isnan(sky)).all()
    seen = ~np.isnan(sky[0])
    np.testing.assert_allclose((np.sin(found[0] - sky[0]) * np.cos(sky[1]))[seen], 0, atol=exact)
    np.testing.assert_allclose(found[1, seen], sky[1, seen], rtol=0, atol=exact)


@pytest.mark.parametrize(
    ("name", "parameters"), [("BON", [0.0]), ("AIR", [-89.0]), ("ZPN", [0.0, -1.0]), ("ZPN", [1.0]), ("NOPE", [])]
)
def test_what_wcslib_does(name: str, parameters: list[float]) -> None:
    assert plane_steps(name, np.array(parameters)) is None


@pytest.mark.parametrize("units", [("rad", "rad"), ("arcmin", "deg")])
@pytest.mark.parametrize(("name", "longpole"), [("SIN", 150.0), ("TAN", 180.0), ("CAR", None)])
def test_a_direction_of_many_points_is_that_of_few(name: str, longpole: float | None, units: tuple[str, str]) -> None:
    member = DirectionCoordinate.make(
        "J2000", name, (-1.0, 0.5), (20.0, 30.0), (-1e-4, 2e-4), matrix=[[0.9, 0.1], [-0.2, 1.1]], longpole=longpole,
        parameters=[0.1, 0.2] if name == "SIN" and longpole == 180.0 else None,
    ).with_units(units)  # fmt: skip
    pixels = np.random.default_rng(1).uniform(0, 60, (2, MANY))
    world, back = np.empty((2, 2, MANY))
    assert member.convert_many((pixels[0], pixels[1]), (world[0], world[1]), backwards=False)
    np.testing.assert_allclose(world, member.to_world(pixels), rtol=1e-14)
    assert member.convert_many((world[0], world[1]), (back[0], back[1]), backwards=True)
    np.testing.assert_allclose(back, pixels, rtol=0, atol=1e-9)
    assert not member.convert_many((pixels[0, ::2], pixels[1, ::2]), (world[0], world[1]), backwards=False)


def test_a_point_of_mollweides_plane_comes_back() -> None:
    member = DirectionCoordinate.make("J2000", "MOL", (0.0, 0.0), (0.0, 0.0), (-4.8481368e-6, 4.8481368e-6))
    for given in ((5e5, 1e4), (-2e5, 2.3e5), (1e5, -2.8e5)):
        pixel = np.array(given)[:, None]
        assert np.abs(member.to_pixel(member.to_world(pixel)) - pixel).max() < 1e-9
