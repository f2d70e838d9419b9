"""Coordinate systems: axes, conversions, slicing, records; and each kind of coordinate."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError
from casatools.io.image.coordinates import (
    Coordinates,
    DirectionCoordinate,
    LinearCoordinate,
    ObservationInfo,
    QualityCoordinate,
    SpectralCoordinate,
    StokesCoordinate,
    TabularCoordinate,
    make_image_coordinates,
)
from casatools.io.image.coordinates.relative import to_absolute_world, to_relative_world
from casatools.io.image.coordinates.spectral import doppler_code, doppler_to_ratio, ratio_to_doppler, spectral_frame
from casatools.io.image.coordinates.units import same_dimension, unit_factor, unit_scale


def system() -> Coordinates:
    direction = DirectionCoordinate.make("J2000", "SIN", (180.0, 30.0), (50, 40), (-0.001, 0.001), ("deg", "deg"))
    spectral = SpectralCoordinate.linear("LSRK", 1.42e9, 1e5, 0.0, 1.420405752e9)
    return Coordinates([direction, StokesCoordinate.make("IQUV"), spectral, LinearCoordinate.make(["a"], ["km"], 3.0, 1.0, 2.0)])


def test_known_values() -> None:
    """Values that CASA 6.7's coordsys.toworld and topixel give for this system."""
    c = system()
    world = c.to_world([52, 41, 1, 3, 0])
    np.testing.assert_allclose(world, [179.99769057565146, 30.000999979846526, 2.0, 1420300000.0, 1.0], rtol=1e-13)
    pixel = c.to_pixel([180.01, 30.02, 2.0, 1.4205e9, 3.0])
    np.testing.assert_allclose(pixel, [41.34149186294959, 60.000377392529785, 1.0, 5.0, 1.0], rtol=1e-11)


def test_many_points_and_removed_axes() -> None:
    c = system()
    pixels = np.random.default_rng(2).uniform(0, 3, (5, 100))
    pixels[2] = np.round(pixels[2])
    np.testing.assert_allclose(c.to_pixel(c.to_world(pixels)), pixels, atol=1e-8)
    less = c.without_pixel_axes([2, 4], at=[0, 0, 1, 0, 7])
    assert less.names == ["Right Ascension", "Declination", "Frequency"]
    np.testing.assert_allclose(less.to_world(pixels[[0, 1, 3]]), c.to_world(pixels)[[0, 1, 3]])
    kept = c.without_pixel_axes([2], keep_world=True, at=[0, 0, 1, 0, 7])
    assert kept.world_to_pixel_axis(2) == -1
    np.testing.assert_allclose(kept.to_world(np.zeros(4))[2], 2.0)


def test_transpose_and_slice() -> None:
    c = system()
    turned = c.transposed([3, 0, 1, 2, 4])
    assert turned.names == ["Frequency", "Right Ascension", "Declination", "Stokes", "a"]
    np.testing.assert_allclose(turned.to_world([3, 52, 41, 1, 0]), c.to_world([52, 41, 1, 3, 0])[[3, 0, 1, 2, 4]])
    part = c.sliced([10, 5, 1, 2, 0], [2, 1, 2, 3, 1], [5, 5, 2, 4, 1])
    np.testing.assert_allclose(part.to_world([1, 2, 1, 3, 0]), c.to_world([12, 7, 3, 11, 0]))
    assert part.stokes is not None and part.stokes.labels == ("Q", "V")
    with pytest.raises(ParameterError, match="permutation"):
        c.transposed([0, 1])


def test_axes_are_found() -> None:
    c = system()
    assert (c.direction_axes, c.stokes_axis, c.spectral_axis) == ((0, 1), 2, 3)
    assert c.array_axis(3) == 1
    assert c.find("Tabular") is None
    assert c.kinds == ["Direction", "Direction", "Stokes", "Spectral", "Linear"]
    with pytest.raises(ParameterError, match="no world axis"):
        c.member_of_world_axis(9)
    with pytest.raises(ParameterError, match="5 pixel axes"):
        c.to_world([1, 2])
    with pytest.raises(ParameterError, match="as many axes"):
        c.replace(0, LinearCoordinate.make(["x"], [""]))


def test_record_comes_back() -> None:
    c = system()
    c.append(TabularCoordinate.from_table([0, 1, 3], [5.0, 4.0, 1.0], "km", "t"))
    c.append(QualityCoordinate())
    position = {"type": "position", "refer": "ITRF", "m0": {"value": 0.0, "unit": "rad"}, "m1": {"value": 0.0, "unit": "rad"}}
    c.observation = ObservationInfo.make(
        "VLA", "me", 55000.25, "TAI", (0.1, 0.2), position | {"m2": {"value": 6.4e6, "unit": "m"}}
    )
    again = Coordinates.from_record(c.to_record())
    pixel = [52, 41, 1, 3, 0, 2, 1]
    np.testing.assert_array_equal(again.to_world(pixel), c.to_world(pixel))
    assert again.observation == c.observation
    assert c.observation.date_text == "2009/06/18/06:00:00.000000"
    record = c.to_record()
    del record["direction0"]["crval"]
    with pytest.raises(DataError, match="cannot be read"):
        Coordinates.from_record(record)


def test_records_of_old_images() -> None:
    """A version-1 spectral record, and NCP, which is a slant SIN with eta = cot(declination)."""
    old = {"system": "LSR", "restfreq": 1.4e9, "tabular": TabularCoordinate.make("Frequency", "Hz", 1.4e9, 0.0, 1e3).to_record()}
    assert SpectralCoordinate.from_record(old).frame == "LSRK"
    record = DirectionCoordinate.make("B1950", "SIN", (0.0, 0.5)).to_record() | {"projection": "NCP"}
    np.testing.assert_allclose(DirectionCoordinate.from_record(record).parameters, [0.0, 1 / np.tan(0.5)])


def test_tables_extrapolate_and_shift() -> None:
    """Numbers of CASA 6.7 for the table (0,10), (1,20), (3,25), (5,27), before and after crpix becomes 1."""
    table = TabularCoordinate.from_table([0, 1, 3, 5], [10, 20, 25, 27.0], "km", "t")
    at = np.array([[-2, -0.5, 0.5, 2, 4.5, 6, 9]])
    expected = [-10, 5, 15, 22.5, 26.5, 28, 31]
    np.testing.assert_allclose(table.to_world(at)[0], expected)
    np.testing.assert_allclose(table.to_pixel(np.array([expected], dtype=float)), at)
    np.testing.assert_allclose(table.with_reference(pixel=np.array([1.0])).to_world(at)[0], np.array(expected) - 3.4)
    falling = TabularCoordinate.from_table([0, 1, 2], [4.0, 3.0, 1.0], "GHz", "f")
    np.testing.assert_allclose(falling.to_pixel(np.array([[2.0, 5.0]])), [[1.5, -1.0]])
    part = table.sliced([1], [2], [3])
    np.testing.assert_allclose(part.world_values, [20, 25, 27])
    assert not table.sliced([3], [1], [1]).tabulated
    for pixels, world, text in (([0, 1], [1.0], "as many"), ([0], [1.0], "at least two"), ([0, 1, 1], [1.0, 2, 3], "strictly")):
        with pytest.raises(ParameterError, match=text):
            TabularCoordinate.from_table(pixels, world, "", "t")


def test_velocities() -> None:
    """Velocities of CASA 6.7 for 1.42 GHz and the rest frequency 1.420405752 GHz."""
    spectral = system().spectral
    assert spectral is not None
    frequency = np.array([1.42e9])
    for doppler, expected in (("radio", 85.63847988304755), ("optical", 85.66295029468009), ("true", 85.65071159326169)):
        velocity = spectral.velocity(frequency, doppler, "km/s")
        assert velocity[0] == pytest.approx(expected, rel=1e-12)
        assert spectral.frequency_hz_of(velocity, doppler, "km/s")[0] == pytest.approx(1.42e9, rel=1e-14)
    for code in range(5):
        ratio = np.array([0.9, 0.99])
        np.testing.assert_allclose(doppler_to_ratio(ratio_to_doppler(ratio, code), code), ratio, rtol=1e-9)
    with pytest.raises(ParameterError, match="no doppler"):
        doppler_code("nope")
    with pytest.raises(ParameterError, match="no rest frequency"):
        SpectralCoordinate.linear("LSRK", 1e9, 1e3).velocity(frequency)
    with pytest.raises(ParameterError, match="frequency frame"):
        spectral_frame("nope")
    with pytest.raises(ParameterError, match="at least one"):
        SpectralCoordinate.tabulated("LSRK", [])


def test_relative_world() -> None:
    """Offsets of CASA 6.7's torel and toabs at declination 30 deg."""
    c = system()
    relative = to_relative_world(c, np.array([[180.01], [30.01], [2.0], [1.43e9], [5.0]]))
    np.testing.assert_allclose(relative[:, 0], [0.008659381230321596, 0.010000377836795782, 2.0, 1e7, 2.0], rtol=1e-9)
    absolute = to_absolute_world(c, np.array([[0.1], [0.3], [1.0], [1e6], [0.0]]))
    np.testing.assert_allclose(absolute[:2, 0], [-179.88417827064086, 30.299949462552735], rtol=1e-12)


def test_stokes_and_quality() -> None:
    stokes = StokesCoordinate.make(["XX", "YY"])
    np.testing.assert_array_equal(stokes.to_world(np.array([[0.4, 1.2, 2.0]])), [[9, 12, np.nan]])
    np.testing.assert_array_equal(stokes.to_pixel(np.array([[12, 10]])), [[1, np.nan]])
    quality = QualityCoordinate()
    np.testing.assert_array_equal(quality.to_pixel(quality.to_world(np.array([[0, 1, 5]]))), [[0, 1, np.nan]])
    for refused in (
        lambda: StokesCoordinate.make(["I", "i"]),
        lambda: stokes.with_units(["m"]),
        lambda: quality.with_units(["m"]),
    ):
        with pytest.raises(ParameterError):
            refused()


def test_direction_refusals_and_units() -> None:
    with pytest.raises(ParameterError, match="direction frame"):
        DirectionCoordinate.make("NOPE")
    with pytest.raises(ParameterError, match="at most 0"):
        DirectionCoordinate.make("J2000", "TAN", parameters=[1.0])
    radians = DirectionCoordinate.make("J2000", "SIN", (180.0, 30.0), units=("deg", "deg")).with_units(("rad", "arcmin"))
    np.testing.assert_allclose(radians.reference_value, [np.pi, 1800.0])
    with pytest.raises(ParameterError, match="does not measure"):
        radians.with_units(("Hz", "rad"))


def test_imager_coordinates() -> None:
    even = make_image_coordinates((256, 200), (1e-5, 2e-5), (1.0, 0.2), 1e9 + 1e6 * np.arange(4))
    np.testing.assert_allclose(even.to_world([128, 100, 0, 2]), [1.0, 0.2, 1.0, 1.002e9])
    assert even.direction is not None and even.direction.increment_rad == (-1e-5, 2e-5)
    uneven = make_image_coordinates((4, 4), (1e-5, 1e-5), (1.0, 0.2), [1e9, 1.1e9, 1.3e9])
    assert uneven.spectral is not None and uneven.spectral.axis.tabulated
    one = make_image_coordinates((4, 4), (1e-5, 1e-5), (1.0, 0.2), [1e9], channel_width_hz=5e6)
    assert one.spectral is not None and one.spectral.increment[0] == 5e6


def test_units() -> None:
    assert unit_scale("km/s", "m/s") == 1000.0
    assert unit_factor("Jy/beam.km/s") == unit_factor("km.Jy/s/beam")
    assert same_dimension("GHz", "kHz") and not same_dimension("GHz", "m")
    assert same_dimension("furlong", "furlong") and not same_dimension("furlong", "m")
    for unit in ("furlong", "m+"):
        with pytest.raises(ParameterError, match="not known"):
            unit_factor(unit)


@pytest.mark.parametrize("projection", ["SIN", "MER"])
def test_blocks_of_points_are_converted_as_single_ones(projection: str) -> None:
    coordinates = make_image_coordinates((60, 60), (1e-5, 1e-5), (1.0, 0.5), [1.4e9], projection=projection, stokes=["I"])
    pixels = np.zeros((4, 40_000))
    pixels[:2] = np.random.default_rng(1).uniform(0, 60, size=(2, 40_000))
    world = coordinates.to_world(pixels)
    assert np.abs(coordinates.to_pixel(world) - pixels).max() < 1e-9
    for point in (0, 8191, 8192, 39_999):
        np.testing.assert_allclose(coordinates.to_world(pixels[:, point]), world[:, point], rtol=1e-14)


def test_values_of_other_axes_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"have 5 pixel axes; got values of shape \(2, 3\)"):
        system().to_world(np.zeros((2, 3)))
    with pytest.raises(ParameterError, match=r"have 5 world axes; got values of shape \(2, 3\)"):
        system().to_pixel(np.zeros((2, 3)))
