"""Sources that are not infinitely far."""

from __future__ import annotations

import numpy as np
import pytest

import casatasks
from casatools.frames.directions import Direction, convert_directions, unit_vectors
from casatools.frames.epochs import utc_seconds
from casatools.io.ms import MeasurementSet
from casatools.transform.field_directions import array_position, measured_uvw
from casatools.transform.near_field import curvature_m, near_field_path

LIGHT_M_S = 299792458.0


@pytest.mark.parametrize("distance", [1e5, 1e7])
def test_a_near_source_is_brought_to_phase_zero(shared_input, distance):
    """Paths from the place of the source in the Earth's frame, which knows nothing of uvw."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        field, frequency = ms.metadata.fields[0], ms.metadata.spectral_windows[0].chan_freq_hz
        (lon, lat), place = field.phase_dir[0], array_position(ms)
        first, second, times = (ms.read(c) for c in ("ANTENNA1", "ANTENNA2", "TIME"))
        antennas = np.array([a.position_m for a in ms.metadata.antennas])
        seen = [convert_directions(lon, lat, field.phase_frame, "ITRF", float(t), place) for t in times]
        towards = unit_vectors(np.array([float(s[0]) for s in seen]), np.array([float(s[1]) for s in seen]))
        source = place + distance * towards
        near = [np.linalg.norm(source - antennas[k], axis=1) for k in (first, second)]
        flat = ((antennas[second] - antennas[first]) * towards).sum(axis=1)  # L1 - L2 of a plane wave
        # The correlator has taken out the plane wave: what is left is the phase of the other paths; w is -(L1 - L2).
        turns = -((near[0] - near[1]) - flat)[:, None] * frequency / LIGHT_M_S
        data = np.exp(2j * np.pi * turns).astype(np.complex64)
        ms.write("DATA", np.repeat(data[:, :, None], 2, axis=2), np.arange(ms.nrow))
    assert np.abs(np.angle(data)).max() > (0.5 if distance < 1e6 else 0.005)
    casatasks.fixvis(path, "o.ms", distances=f"{distance / 1e3}km", datacolumn="DATA")
    with MeasurementSet("o.ms") as ms:
        np.testing.assert_allclose(ms.read("DATA"), 1.0, rtol=0, atol=2e-3)
        new = ms.read("UVW")
    with MeasurementSet(path) as ms:
        np.testing.assert_allclose(ms.read("UVW"), new, rtol=0, atol=1e-9)
        # The sign of uvw that this rests on.
        uvw = measured_uvw(ms, np.arange(3), [Direction(float(lon), float(lat), field.phase_frame)])
        np.testing.assert_allclose(uvw[:, 2], -flat[:3], atol=0.05)


def test_times_of_atomic_clocks_are_taken_as_such(shared_input):
    """Files of the old VLA count in TAI: an antenna is where the Earth has turned it to, half a minute earlier than the numbers read as UTC."""
    from casacore.tables import table

    path, paths = shared_input("line.ms"), []
    for scale, later in (("UTC", False), ("TAI", True), ("TAI", False)):
        with table(path, readonly=False, ack=False) as main:
            main.putcolkeyword("TIME", "MEASINFO", {"type": "epoch", "Ref": scale})
        with MeasurementSet(path) as ms:
            rows, field = np.arange(ms.nrow), ms.metadata.fields[0]
            first, second, times = (np.asarray(ms.read(c, rows)) for c in ("ANTENNA1", "ANTENNA2", "TIME"))
            toward = Direction(float(field.phase_dir[0][0]), float(field.phase_dir[0][1]), field.phase_frame)
            leap = float(np.round(times[0] - utc_seconds(times[0], "TAI"))) if later else 0.0
            paths += [
                near_field_path(ms, first, second, times + leap, directions, 1e6)
                for directions in ([toward], [toward] * len(times))
            ]
    for k in (1, 2, 3):
        np.testing.assert_allclose(paths[k], paths[0], rtol=0, atol=1e-7)
    assert np.abs(paths[4] - paths[0]).max() > 1e-5


def test_far_sources_have_plane_waves():
    uvw = np.array([[1e3, -2e3, 3e3], [4e4, 0.0, -1e4]])
    # At an astronomical unit the wave is curved by r^2 / 2D across the line of sight.
    across = (uvw[:, :2] ** 2).sum(axis=1)
    np.testing.assert_allclose(curvature_m(uvw, 1.496e11), across / 2 / 1.496e11, rtol=1e-6)
    np.testing.assert_allclose(curvature_m(uvw, 1e30), 0.0, atol=1e-20)
