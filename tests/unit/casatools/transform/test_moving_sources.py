"""Frames and phase shifts of fields that move along an ephemeris."""

from __future__ import annotations

import os

import numpy as np
import pytest
from astropy.coordinates import EarthLocation
from astropy.time import Time

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris, read_ephemeris
from casatools.io.tables import open_table
from casatools.transform.frame_regridding import frame_factor
from casatools.transform.phasing import phaseshift
from casatools.transform.splitting import split
from casatools.transform.transforming import cvel2, regrid_request
from support.ephemeris_file import write_ephemeris

RATE = 2e-8  # rad/s
VELOCITY_AU_D = 0.004


@pytest.fixture
def moving(shared_input):
    """line.ms, its field at rest replaced by one that moves, and the time of its first row."""
    path = shared_input("line.ms")
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
        start = float(ms.read("TIME").min())
    write_ephemeris("moving.tab", start, lon, lat, RATE, 0.0)
    table = open_table("moving.tab", writable=True)
    table.putcol("RadVel", np.full(table.nrows(), VELOCITY_AU_D))
    table.close()
    attach_ephemeris(path, "moving.tab", [0], "TEST")
    table = open_table(f"{path}/FIELD", writable=True)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        table.putcol(column, np.zeros((1, 1, 2)))
    table.close()
    return path, start, lon, lat


def test_the_direction_is_that_of_the_time(moving):
    path, start, lon, lat = moving
    times = start + np.array([0.0, 3490.0])
    position = observatory_position("VLA")
    with MeasurementSet(path) as ms:
        found = frame_factor(ms, "TOPO", "LSRK", [0], "")(times)
        source = frame_factor(ms, "TOPO", "source", [0], "TRACKFIELD")(times)
        with pytest.raises(ParameterError, match="ephemeris"):
            frame_factor(ms, "TOPO", "SOURCE", [0], "J2000 10h00m00 20d00m00")
    for k, time in enumerate(times):
        # The object moves along a straight line between the rows of a day: a little off an even motion.
        direction = Direction(lon + RATE * (time - start), lat, "J2000")
        assert found[k] == pytest.approx(doppler_factor("TOPO", "LSRK", time, direction, position), abs=1e-9)
        beta = VELOCITY_AU_D * 149597870700.0 / 86400 / SPEED_OF_LIGHT_M_S
        geo = doppler_factor("TOPO", "GEO", time, direction, position)
        assert source[k] == pytest.approx(geo * np.sqrt((1 + beta) / (1 - beta)), abs=1e-9)


def test_the_frame_of_the_source_agrees_with_astropy(moving):
    """The velocity of the observatory about the centre of the Earth, along the direction of the source, and the ephemeris' velocity."""
    path, start, lon, lat = moving
    times = start + np.array([0.0, 3490.0])
    place = observatory_position("VLA")
    with MeasurementSet(path) as ms:
        found = frame_factor(ms, "TOPO", "SOURCE", [0], "")(times)
    site = EarthLocation.from_geocentric(place.x_m, place.y_m, place.z_m, unit="m")
    _, velocity = site.get_gcrs_posvel(Time(times / 86400.0, format="mjd", scale="utc"))
    angle = lon + RATE * (times - start)
    sight = np.array([np.cos(lat) * np.cos(angle), np.cos(lat) * np.sin(angle), np.full(2, np.sin(lat))])
    towards = (velocity.xyz.to_value("m/s") * sight).sum(axis=0) / SPEED_OF_LIGHT_M_S
    beta = VELOCITY_AU_D * 149597870700.0 / 86400 / SPEED_OF_LIGHT_M_S
    np.testing.assert_allclose(found, (1 - towards) * np.sqrt((1 + beta) / (1 - beta)), rtol=0, atol=3e-10)


def test_cvel2_to_the_frame_of_the_source(moving):
    """known_issues: cvel gives wrong velocities for ephemeris objects."""
    path, *_ = moving
    request = regrid_request("channel", -1, 0, 1, "linear", "", "", "SOURCE", "radio")
    cvel2(path, "o.ms", Selection(), "data", request)
    with MeasurementSet("o.ms") as ms:
        assert ms.metadata.spectral_windows[0].frame == "REST"
        assert ms.metadata.spectral_windows[0].chan_freq_hz[0] == pytest.approx(
            1.418e9 * (1 + 6.926e3 / SPEED_OF_LIGHT_M_S), rel=3e-7
        )


def test_a_moving_field_is_shifted_to_a_fixed_centre(moving):
    path, start, lon, lat = moving
    with MeasurementSet(path) as ms:
        uvw, data, times = ms.read("UVW"), ms.read("DATA"), ms.read("TIME")
    phaseshift(path, "o.ms", Selection(), "data", Direction(lon, lat, "J2000"))
    with MeasurementSet("o.ms") as ms:
        assert ms.metadata.fields[0].ephemeris_id == -1
        np.testing.assert_allclose(ms.metadata.fields[0].phase_dir[0], [lon - 2 * np.pi if lon > np.pi else lon, lat], atol=1e-12)
        new_uvw, new = ms.read("UVW"), ms.read("DATA")
    first = times == times.min()
    table = read_ephemeris("moving.tab")
    assert table.frame == "J2000"
    np.testing.assert_allclose(new_uvw[first], uvw[first], atol=0.05)
    late = times == times.max()
    # The object has moved east by RATE t cos(lat): w changes by -u times that.
    shift = RATE * (times[late][0] - start) * np.cos(lat)
    np.testing.assert_allclose((new_uvw - uvw)[late, 2], -uvw[late, 0] * shift, atol=0.01)
    assert np.abs(new[late] - data[late]).max() > 0.01


def test_only_ephemerides_of_fields_that_are_kept_are_copied(shared_input):
    path = shared_input("simvla.ms")
    with MeasurementSet(path) as ms:
        start = float(ms.read("TIME").min())
    write_ephemeris("moving.tab", start, 3.5, 0.5, RATE, 0.0)
    attach_ephemeris(path, "moving.tab", [1], "TEST")
    for field, names in (("0,2", []), ("1", ["EPHEM0"]), ("", ["EPHEM0"])):
        split(path, f"o{field}.ms", Selection(field=field), "data")
        found = [n.split("_")[0] for n in os.listdir(f"o{field}.ms/FIELD") if n.startswith("EPHEM")]
        assert found == names
