"""Angles of feeds: the position angle of the first axis of each mount, from vectors, and the angles that CASA uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools.calibration.stages import ParallacticStage
from casatools.frames.directions import Direction
from casatools.frames.parallactic import feed_angles, mount_angles
from casatools.io.ms import MeasurementSet


def _position_angle(axis: np.ndarray, hour: float, dec: float) -> float:
    """Of a vector (towards the meridian, west and the pole) seen from a source."""
    north = np.array([-np.sin(dec) * np.cos(hour), -np.sin(dec) * np.sin(hour), np.cos(dec)])
    east = np.array([np.sin(hour), -np.cos(hour), 0.0])
    return float(np.arctan2(axis @ east, axis @ north))


@pytest.mark.parametrize(
    "mount", ["ALT-AZ", "", "alt-az+rotator", "X-Y", "ALT-AZ+NASMYTH-R", "ALT-AZ+NASMYTH-L", "EQUATORIAL", "FIXED"]
)
def test_the_first_axis_turns_the_feeds(mount: str) -> None:
    rng = np.random.default_rng(1)
    for hour, dec, latitude in zip(rng.uniform(-1.5, 1.5, 20), rng.uniform(-1, 1, 20), rng.uniform(-1, 1, 20), strict=True):
        zenith, source = (
            np.array([np.cos(b) * np.cos(h), np.cos(b) * np.sin(h), np.sin(b)]) for h, b in ((0.0, latitude), (hour, dec))
        )
        expected = {"X-Y": _position_angle(np.array([0.0, -1.0, 0.0]), hour, dec), "EQUATORIAL": 0.0, "FIXED": 0.0}.get(
            mount, _position_angle(zenith, hour, dec)
        )
        expected += {"R": 1.0, "L": -1.0}.get(mount[-1:] if "NASMYTH" in mount else "", 0.0) * np.arcsin(zenith @ source)
        assert np.angle(np.exp(1j * (mount_angles(mount, hour, dec, latitude) - expected))) == pytest.approx(0, abs=1e-12)


def test_the_angles_are_those_of_casa(shared_input: Callable[[str], str]) -> None:
    """CASA 6.7's corrupt of a polarised model of the first baseline of lofar.ms, with each mount."""
    casa = {"ALT-AZ": 29.663, "X-Y": 79.098, "ALT-AZ+NASMYTH-R": 95.722, "ALT-AZ+NASMYTH-L": -36.397, "ORBITING": 0.0}
    with MeasurementSet(shared_input("lofar.ms")) as ms:
        time, antenna, field = ms.read("TIME")[:1], ms.metadata.antennas[0], ms.metadata.fields[0]
        assert antenna.mount == "X-Y"
        toward = Direction(float(field.phase_dir[0][0]), float(field.phase_dir[0][1]), field.phase_frame)
        for mount, degrees in casa.items():
            found = feed_angles(time, toward, np.array([antenna.position_m]), [mount], np.deg2rad(-45.0))
            assert np.rad2deg(found[0, 0]) + 45 == pytest.approx(degrees, abs=0.01)
        stage = ParallacticStage(ms).angles(time, np.zeros(1, dtype=np.int64))
        assert np.rad2deg(stage[0, 0]) + 45 == pytest.approx(casa["X-Y"], abs=0.01)
