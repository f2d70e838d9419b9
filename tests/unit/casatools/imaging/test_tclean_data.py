"""The band of a continuum image of several fields."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from casatools import table
from casatools.imaging.tclean_data import _band_edges
from casatools.imaging.visibilities import DataSource
from casatools.io.ms import Selection
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0


def test_the_band_of_each_field_is_taken_at_its_own_times() -> None:
    """Two fields on two sides of the sky, half a year apart (speeds by astropy)."""
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=4))
    tb = table()
    tb.open("sim.ms/FIELD", nomodify=False)
    tb.putcell("PHASE_DIR", 1, np.array([[0.4], [0.1]]))
    tb.done()
    tb.open("sim.ms", nomodify=False)
    field, times = tb.getcol("FIELD_ID"), tb.getcol("TIME")
    times[field == 1] += 182 * 86400.0
    tb.putcol("TIME", times)
    tb.done()
    source = DataSource("sim.ms", Selection(field="0,1"), "data")
    try:
        ((low, high),) = _band_edges(source, "BARY")
        hz, width, _ = source.channels(0)
        site = EarthLocation.from_geocentric(*source.position_m, unit="m")
        factors = []
        for number in (0, 1):
            own = source.field_direction(number)
            for when in (times[field == number].min(), times[field == number].max()):
                speed = SkyCoord(own.lon_rad, own.lat_rad, unit="rad").radial_velocity_correction(
                    "barycentric", obstime=Time(when / 86400, format="mjd", scale="utc"), location=site
                )
                factors.append(1 - speed.to_value("m/s") / C)
    finally:
        source.close()
    assert max(factors) - min(factors) > 1e-5
    assert low / (hz.min() - width[0] / 2) == pytest.approx(min(factors), abs=3e-8)
    assert high / (hz.max() + width[0] / 2) == pytest.approx(max(factors), abs=3e-8)


def test_lsrk_data_turn_to_topocentric_channels_at_each_time() -> None:
    """The Earth's rotation is in the factors of every integration (speeds by astropy), not in those of the first alone."""
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=2, nchan=4))
    tb = table()
    tb.open("sim.ms/SPECTRAL_WINDOW", nomodify=False)
    tb.putcell("MEAS_FREQ_REF", 0, 1)
    tb.done()
    source = DataSource("sim.ms", Selection(field="0"), "data")
    try:
        own, site = source.field_direction(0), EarthLocation.from_geocentric(*source.position_m, unit="m")
        times = source.times_s[0] + np.arange(4) * 3600.0
        factors = source.factors(0, "TOPO", times)
    finally:
        source.close()
    speed = SkyCoord(own.lon_rad, own.lat_rad, unit="rad").radial_velocity_correction(
        "barycentric", obstime=Time(times / 86400, format="mjd", scale="utc"), location=site
    )
    expected = 1 + speed.to_value("m/s") / C
    assert np.ptp(expected) > 3e-7
    np.testing.assert_allclose(factors / factors[0], expected / expected[0], rtol=0, atol=3e-8)


def test_times_of_atomic_clocks_are_taken_as_such() -> None:
    """Files of the VLA's first decades count in TAI: what the Earth turns meanwhile is that between the two scales (by astropy)."""
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=4))
    found, speeds = [], []
    for scale in ("UTC", "TAI"):
        tb = table()
        tb.open("sim.ms", nomodify=False)
        tb.putcolkeyword("TIME", "MEASINFO", {"type": "epoch", "Ref": scale})
        tb.done()
        source = DataSource("sim.ms", Selection(field="0"), "data")
        try:
            own, site = source.field_direction(0), EarthLocation.from_geocentric(*source.position_m, unit="m")
            when = Time(source.times_s[0] / 86400, format="mjd", scale=scale.lower())
            found.append(source.factors(0, "BARY", source.times_s[:1])[0])
            toward = SkyCoord(own.lon_rad, own.lat_rad, unit="rad")
            speeds.append(toward.radial_velocity_correction("barycentric", obstime=when, location=site).to_value("m/s"))
        finally:
            source.close()
    assert abs(speeds[1] - speeds[0]) > 0.15
    assert (found[0] - found[1]) * C == pytest.approx(speeds[1] - speeds[0], rel=1e-2)
