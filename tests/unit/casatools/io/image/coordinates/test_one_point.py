"""One point in plain numbers gives what arrays of points give."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, LinearCoordinate, SpectralCoordinate
from casatools.io.image.coordinates.stokes import QualityCoordinate, StokesCoordinate

PIXELS = np.random.default_rng(1).uniform(-40, 90, (2, 25))


def same(coordinates: Coordinates, pixels: np.ndarray) -> None:
    world = coordinates.to_world(pixels)
    found = np.array([coordinates.world_of(p) for p in pixels.T.tolist()]).T
    np.testing.assert_allclose(found, world, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(coordinates.to_world(pixels[:, 0]), found[:, 0])
    back = np.array([coordinates.pixel_of(w) for w in world.T.tolist()]).T
    np.testing.assert_allclose(back, coordinates.to_pixel(world), rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(coordinates.to_pixel(world[:, 0]), back[:, 0])


@pytest.mark.parametrize("projection", ["SIN", "TAN", "ARC", "STG", "ZEA", "CAR", "AIT"])
@pytest.mark.parametrize("longitude", [3.0, -3.0, 1e-3, -1e-3])
def test_directions(projection: str, longitude: float) -> None:
    for matrix, longpole, parameters in ((None, None, None), ([[0.8, 0.6], [-0.6, 0.8]], 150.0, None), (None, None, [0.1, 0.2])):
        member = DirectionCoordinate.make(
            "J2000", projection, (np.degrees(longitude), -30.0), (10.0, 20.0), (-0.5, 0.5), ("deg", "deg"),
            parameters if projection == "SIN" else None, matrix, longpole,
        )  # fmt: skip
        same(Coordinates([member]), PIXELS)


def test_where_projections_do_not_reach() -> None:
    for projection, pixel in (("SIN", [300.0, 20.0]), ("SIN", [np.nan, 20.0]), ("TAN", [np.nan, 0.0])):
        member = DirectionCoordinate.make("J2000", projection, (1.0, 0.5), (10.0, 20.0), (-0.01, 0.01))
        assert np.isnan(Coordinates([member]).world_of(pixel)).all()
        for world in ([1.0 + np.pi, -0.5], [np.nan, 0.0], [np.inf, 0.0]):
            assert np.isnan(Coordinates([member]).pixel_of(world)).all()


def test_all_axes() -> None:
    table = SpectralCoordinate.tabulated("LSRK", [1e9, 1.1e9, 1.3e9], 1.2e9)
    members = [
        DirectionCoordinate.make("GALACTIC", "TAN", (1.0, 0.5), (3.0, 4.0), (-0.01, 0.01)),
        StokesCoordinate.make(["I", "V"]),
        SpectralCoordinate.linear("LSRK", 1.4e9, 1e6, 2.0, 1.42e9),
        table,
        QualityCoordinate(),
        LinearCoordinate.make(["l"], ["m"], [2.0], [1.0], [3.0]),
    ]
    pixels = np.vstack([PIXELS[:2] / 10, np.arange(25) % 2, PIXELS[:1], np.arange(25) % 3 * 0.9, np.arange(25) % 2, PIXELS[:1]])
    coordinates = Coordinates(members)
    same(coordinates, pixels)
    world = np.array(coordinates.world_of([3.0, 4.0, 2.0, 0.0, 0.0, np.nan, 1.0]))
    np.testing.assert_array_equal(np.isnan(world), [False, False, True, False, False, True, False])
    pixel = np.array(coordinates.pixel_of([1.0, 0.5, 2.0, 1.4e9, 1e9, np.nan, 2.0]))
    np.testing.assert_array_equal(np.isnan(pixel), [False, False, True, False, False, True, False])
    dropped = coordinates.without_pixel_axes([0, 3])
    same(dropped, pixels[[1, 2, 4, 5, 6]])
    for call in (coordinates.world_of, coordinates.pixel_of):
        with pytest.raises(ParameterError, match=r"have 7 .* axes; got 2"):
            call([1.0, 2.0])
