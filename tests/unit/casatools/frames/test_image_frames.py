"""World values in conversion frames."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.frames import image_frames
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, LinearCoordinate, ObservationInfo, SpectralCoordinate


def test_many_directions_rotate_as_one_does() -> None:
    longitude, latitude = np.linspace(0, 6, 40), np.linspace(-1.5, 1.5, 40)
    many = image_frames.convert_directions(longitude, latitude, "J2000", "GALACTIC")
    one = [image_frames.convert_directions(longitude[k : k + 1], latitude[k : k + 1], "J2000", "GALACTIC") for k in range(40)]
    np.testing.assert_allclose(many[0], [p[0][0] for p in one], atol=1e-12)
    np.testing.assert_allclose(many[1], [p[1][0] for p in one], atol=1e-12)


def test_very_many_directions_rotate_alike() -> None:
    longitude, latitude = np.random.default_rng(4).uniform(-1.5, 1.5, (2, 20001))
    found = image_frames.convert_directions(longitude, latitude, "J2000", "GALACTIC")
    parts = [image_frames.convert_directions(longitude[k::3], latitude[k::3], "J2000", "GALACTIC") for k in range(3)]
    for k, part in enumerate(parts):
        np.testing.assert_allclose([found[0][k::3], found[1][k::3]], part, rtol=0, atol=1e-12)


def test_known_directions() -> None:
    """(180 deg, 30 deg) J2000 as CASA 6.7's coordsys.setreferencecode gives it."""
    at = (np.array([np.pi]), np.array([np.pi / 6]))
    for frame, expected in (
        ("GALACTIC", (-2.8686341026283655, 1.3675340427677545)),
        ("B1950", (3.1303948877147016, 0.5284558051064087)),
    ):
        found = image_frames.convert_directions(*at, "J2000", frame)
        np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-12)


@pytest.mark.parametrize("frame", ["B1950", "B1950_VLA"])
def test_many_directions_of_b1950_are_those_of_the_measures(frame: str) -> None:
    random = np.random.default_rng(3)
    given = random.uniform(-np.pi, np.pi, (20, 30)), np.arcsin(random.uniform(-1, 1, (20, 30)))
    for source, target, exact in ((frame, "J2000", 3e-15), ("J2000", frame, 1e-9)):  # casacore solves for the second in steps
        found = image_frames.convert_directions(*given, source, target)
        measured = image_frames._measured(*(np.ravel(g) for g in given), source, target, ())
        apart = image_frames._vectors(*found).reshape(3, -1) - image_frames._vectors(*measured)
        assert np.abs(apart).max() < exact
        assert found[0].shape == given[0].shape
        back = image_frames.convert_directions(*found, target, source)
        np.testing.assert_allclose(image_frames._vectors(*back), image_frames._vectors(*given), atol=2e-15)


def test_world_goes_there_and_back() -> None:
    direction = DirectionCoordinate.make("J2000", "SIN", (1.0, 0.5), (10, 10), (-1e-5, 1e-5)).with_conversion("GALACTIC")
    position = {"type": "position", "refer": "ITRF", "m0": {"value": -1.878, "unit": "rad"}, "m1": {"value": 0.59, "unit": "rad"}}
    observation = ObservationInfo.make("VLA", "me", 55000.25, position=position | {"m2": {"value": 6373580.0, "unit": "m"}})
    c = Coordinates([direction, SpectralCoordinate.linear("LSRK", 1.4e9, 1e6)], observation=observation)
    spectral = c.members[1]
    assert isinstance(spectral, SpectralCoordinate)
    from dataclasses import replace

    c.members[1] = replace(spectral, conversion=image_frames.conversion_record(c, "TOPO"))
    pixels = np.array([[3.0, 12.0], [4.0, 9.0], [0.0, 5.0]])
    world = image_frames.to_world(c, pixels)
    for at, there in zip(pixels.T.tolist(), world.T.tolist(), strict=True):  # one by one
        np.testing.assert_allclose(image_frames.world_of(c, at), there, rtol=1e-14)
        np.testing.assert_allclose(image_frames.pixel_of(c, there), at, atol=1e-4)
    native = c.to_world(pixels)
    assert np.abs(world[0] - native[0]).min() > 0.1
    ratio = world[2] / native[2]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-14)
    assert 0 < abs(ratio[0] - 1) < 3e-4
    np.testing.assert_allclose(image_frames.to_pixel(c, world), pixels, atol=1e-4)  # casacore itself is exact to 1e-10 rad


def test_refusals() -> None:
    at = (np.array([1.0]), np.array([0.5]))
    with pytest.raises(ParameterError, match="cannot be converted"):
        image_frames.convert_directions(*at, "J2000", "NOPE")
    with pytest.raises(ParameterError, match="from J2000 to AZEL"):
        image_frames.convert_directions(*at, "J2000", "AZEL")
    with pytest.raises(ParameterError, match="from LSRK to TOPO"):
        image_frames.frequency_factor("LSRK", "TOPO", ())
    with pytest.raises(ParameterError, match="own velocity"):
        image_frames.frequency_factor("LSRK", "REST", ())
    with pytest.raises(ParameterError, match="cannot be given"):
        image_frames.conversion_record(Coordinates([LinearCoordinate.make(["a"], [""])]), "BARY")
    assert image_frames.needs_time_or_place("AZEL") and not image_frames.needs_time_or_place("ICRS")
