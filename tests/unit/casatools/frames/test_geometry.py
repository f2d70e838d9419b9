"""Directions, frequencies and baselines against CASA 6.7's numbers (tool.measures, VLA, 2019/05/01/04:00:00 UTC)."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as astropy_units
from astropy.coordinates import SkyCoord

from casatools._base.errors import ParameterError
from casatools.frames import baselines, directions, frequencies, observatories
from casatools.frames.epochs import parse_epoch
from casatools.frames.interpolation import on_nodes

EPOCH_S = parse_epoch("2019/05/01/04:00:00")
SOURCE = directions.parse_direction("J2000 13h31m08.288s 30d30m32.96s")


def test_direction_conversions() -> None:
    azel = directions.convert_direction(SOURCE, "AZEL", EPOCH_S, "VLA")
    # casacore interpolates nutation between epochs that the process has asked for: 0.4 mas more or less.
    assert (azel.lon_rad, azel.lat_rad) == pytest.approx((1.5455633887014073, 1.0984458951623157), abs=5e-9)
    galactic = directions.convert_direction(directions.parse_direction("12h00m00s 30d00m00s"), "GALACTIC")
    assert (galactic.lon_rad, galactic.lat_rad) == pytest.approx((-2.8686341026283655, 1.3675340427677545), abs=1e-12)
    lon, lat = directions.convert_directions(np.full(10, SOURCE.lon_rad), SOURCE.lat_rad, "J2000", "GALACTIC")
    one = directions.convert_direction(SOURCE, "GALACTIC")
    assert np.allclose(lon, one.lon_rad, atol=1e-9) and np.allclose(lat, one.lat_rad, atol=1e-9)


def test_direction_refusals() -> None:
    with pytest.raises(ParameterError, match="needs an epoch"):
        directions.convert_direction(SOURCE, "AZEL")
    with pytest.raises(ParameterError, match="needs a position"):
        directions.convert_direction(SOURCE, "AZEL", EPOCH_S)
    with pytest.raises(ParameterError, match="unknown"):
        directions.direction_frame("FOO")
    with pytest.raises(ParameterError, match="cannot be converted to SUN"):
        directions.convert_direction(SOURCE, "SUN", EPOCH_S)
    for bad in ("a b c d", "nosuchsource", {"m0": 1}, 5):
        with pytest.raises(ParameterError):
            directions.parse_direction(bad)
    with pytest.raises(ParameterError, match=r"'J2000 nonsense' is not a direction \('J2000' is not a quantity"):
        directions.parse_direction("J2000 nonsense")


def test_separation_and_offset() -> None:
    a = directions.parse_direction("J2000 10h00m00s 20deg")
    b = directions.offset_direction(a, np.radians(1.0), np.radians(45.0))
    # CASA 6.7: me.shift of this direction.
    assert (b.lon_rad, b.lat_rad) == pytest.approx((2.631187099315646, 0.36137903327846904), abs=1e-12)
    assert directions.angular_separation(a.lon_rad, a.lat_rad, b.lon_rad, b.lat_rad) == pytest.approx(np.radians(1.0), rel=1e-12)
    assert directions.position_angle(a.lon_rad, a.lat_rad, b.lon_rad, b.lat_rad) == pytest.approx(np.radians(45.0), rel=1e-10)
    assert directions.format_direction(SOURCE, 3) == "J2000 13:31:08.288 +30.30.32.96"


def test_frequency_frames() -> None:
    factor = frequencies.doppler_factor("TOPO", "LSRK", EPOCH_S, SOURCE, "VLA")
    assert 1.42e9 * factor == pytest.approx(1420008096.9211397, abs=1e-3)
    assert frequencies.convert_frequencies(1.42e9, "LSRK", "CMB", EPOCH_S, SOURCE, "VLA") == pytest.approx(
        1418925692.9758549, abs=1e-3
    )
    times = EPOCH_S + np.arange(2000) * 10.0
    many = frequencies.doppler_factor("TOPO", "LSRK", times, SOURCE, "VLA")
    exact = frequencies.doppler_factor("TOPO", "LSRK", float(times[777]), SOURCE, "VLA")
    assert many[777] == pytest.approx(exact, abs=1e-12)


def test_frequency_refusals() -> None:
    for arguments in (("TOPO", "LSRK"), ("TOPO", "LSRK", None, SOURCE), ("TOPO", "LSRK", EPOCH_S, SOURCE), ("FOO", "LSRK")):
        with pytest.raises(ParameterError):
            frequencies.doppler_factor(*arguments)
    with pytest.raises(ParameterError, match="radial velocity"):
        frequencies.doppler_factor("REST", "LSRK", EPOCH_S, SOURCE, "VLA")


@pytest.mark.parametrize("kind", ["RADIO", "OPTICAL", "Z", "BETA", "RATIO", "GAMMA"])
def test_velocities_round_trip(kind: str) -> None:
    freq = np.array([1.40e9, 1.41e9])
    velocity = frequencies.frequency_to_velocity(freq, 1.42e9, kind)
    assert np.allclose(frequencies.velocity_to_frequency(velocity, 1.42e9, kind), freq, rtol=1e-7)
    with pytest.raises(ParameterError):
        frequencies.frequency_to_velocity(freq, 0.0, kind)


def test_uvw_is_that_of_the_reference() -> None:
    # CASA 6.7: me.touvw of the ITRF baseline (100, 200, -50) m.
    uvw = baselines.uvw_matrix(EPOCH_S, SOURCE, "VLA") @ np.array([100.0, 200.0, -50.0])
    assert np.allclose(uvw, [146.07406636107305, 42.47875134570381, -171.3415385154772], atol=1e-6)
    antennas = observatories.as_position("VLA").itrf_m + np.array([[0.0, 0, 0], [100.0, 200.0, -50.0]])
    rows = baselines.baseline_uvw(antennas, np.array([1]), np.array([0]), np.array([EPOCH_S]), SOURCE, "VLA")
    assert np.allclose(rows[0], uvw, atol=1e-6)
    with pytest.raises(ParameterError, match="shape"):
        baselines.antenna_uvw(np.zeros(3), EPOCH_S, SOURCE, "VLA")


def test_many_times_equal_single_ones() -> None:
    times = EPOCH_S + np.arange(3000) * 20.0
    azimuth, elevation = baselines.azimuth_elevation(times, SOURCE, "VLA")
    lon, lat = directions.convert_directions(SOURCE.lon_rad, SOURCE.lat_rad, "J2000", "AZEL", times[::500], "VLA")
    assert np.allclose(azimuth[::500], lon, atol=1e-7) and np.allclose(elevation[::500], lat, atol=1e-7)
    assert baselines.parallactic_angle(times, SOURCE, "VLA").shape == (3000,)


def test_positions() -> None:
    vla = observatories.observatory_position("vla")
    assert np.allclose(observatories.geodetic_to_itrf(*vla.geodetic), vla.itrf_m, atol=1e-6)
    with pytest.raises(ParameterError, match="not in the measures data"):
        observatories.observatory_position("NOWHERE")
    with pytest.raises(ParameterError, match="three ITRF metres"):
        observatories.as_position([1.0, 2.0])
    with pytest.raises(ParameterError, match="needs the key"):
        observatories.as_position({"m0": 1.0})


def test_nodes_reproduce_a_cubic() -> None:
    times = np.linspace(0.0, 1e5, 4001)
    assert np.allclose(
        on_nodes(times, lambda t: np.array([(t / 1e4) ** 3]), 5000.0)[:, 0], (times / 1e4) ** 3, rtol=1e-9, atol=1e-9
    )
    with pytest.raises(ValueError, match="no times"):
        on_nodes(np.array([]), lambda t: np.array([t]), 1.0)


@pytest.mark.parametrize(("frame", "theirs"), [("GALACTIC", "galactic"), ("B1950", "fk4"), ("ICRS", "icrs")])
def test_north_of_another_frame(frame: str, theirs: str) -> None:
    """The turn of uvw is the position angle of the old north, as astropy has it."""
    here = SkyCoord(202.7, 30.6, unit="deg", frame="fk5")
    north = here.directional_offset_by(0 * astropy_units.deg, 0.05 * astropy_units.deg)
    angle = here.transform_to(theirs).position_angle(north.transform_to(theirs)).rad
    new, turn = directions.frame_turn(directions.Direction(here.ra.rad, here.dec.rad), frame)
    assert new == directions.convert_direction(directions.Direction(here.ra.rad, here.dec.rad), frame)
    np.testing.assert_allclose(turn @ [0, 1, 0], [np.sin(angle), np.cos(angle), 0], atol=2e-5)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert directions.frame_turn(new, frame)[0] is new
