"""Simulated MeasurementSets: geometry, visibilities against the sum over sources written out, instrument, sub-tables, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from casatools import msmetadata, table
from casatools._base.errors import OutputExistsError, ParameterError
from casatools.frames.directions import Direction
from casatools.frames.epochs import parse_epoch
from casatools.frames.frequencies import doppler_factor
from casatools.imaging.primary_beam import dish_power
from casatools.io.ms import MeasurementSet
from casatools.simulation.arrays import local_to_itrf, y_array
from casatools.simulation.corruption import Corruption
from casatools.simulation.observe import Observation, ObservedField, Scan, SpectralSetup, observe
from casatools.simulation.sky import LineDisk, PointSource, SkyModel

C_M_S = 299792458.0
START_S = parse_epoch("2012/04/15/07:00:00")


def small(corruption: Corruption | None = None, sky: SkyModel | None = None) -> Observation:
    sky = sky or SkyModel((PointSource(1.1e-3, -0.7e-3, 2.0, -0.7), PointSource(-0.4e-3, 0.2e-3, 0.5)))
    fields = (
        ObservedField("CAL", Direction(3.55, 0.55), SkyModel((PointSource(0.0, 0.0, 3.0),)), "A", "CALIBRATE_PHASE#ON_SOURCE"),
        ObservedField("SKY", Direction(3.6, 0.6), sky),
    )
    scans = (Scan(0, START_S, 3), Scan(1, START_S + 200.0, 9))
    return Observation(y_array(2), fields, scans, SpectralSetup(1.412e9, 5e4, 6, 1420405751.786), corruption)


def read(path: str, *columns: str) -> list[np.ndarray]:
    tb = table()
    tb.open(path)
    try:
        return [np.moveaxis(np.asarray(tb.getcol(c)), -1, 0) for c in columns]
    finally:
        tb.close()


def test_visibilities_are_the_sum_over_sources() -> None:
    observation = small()
    assert observe(observation, "a.ms") == observation.nrow == 15 * 12
    data, uvw, field = read("a.ms", "DATA", "UVW", "FIELD_ID")
    freq = observation.spectral.freq_hz
    expected = np.zeros((len(uvw), len(freq)), dtype=complex)
    rows = field == 1
    for source in observation.fields[1].sky.sources:
        # The sky's spectra are in LSRK.
        scan = observation.scans[1]
        middle = scan.start_s + 0.5 * scan.integrations * observation.integration_s
        factor = doppler_factor("TOPO", "LSRK", middle, observation.fields[1].direction, observation.array.centre_m)
        l, m = source.east_rad, source.north_rad
        flux = (
            source.flux_jy
            * (freq * factor / source.reference_hz) ** source.spectral_index
            * dish_power(np.hypot(l, m), 25.0, freq)
        )
        path = uvw @ np.array([l, m, np.sqrt(1 - l * l - m * m) - 1.0])
        expected += flux * np.exp(2j * np.pi * path[:, None] * freq / C_M_S)
    np.testing.assert_allclose(data[rows][:, 0], expected[rows], atol=2e-6)
    np.testing.assert_array_equal(data[:, 0], data[:, 1])
    np.testing.assert_allclose(data[~rows], 3.0, atol=1e-6)


def test_geometry_and_row_order() -> None:
    observation = small()
    observe(observation, "a.ms")
    uvw, time, one, two, scan = read("a.ms", "UVW", "TIME", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER")
    positions = observation.array.positions_m
    np.testing.assert_allclose(np.linalg.norm(uvw, axis=1), np.linalg.norm(positions[one] - positions[two], axis=1), atol=2e-2)
    assert np.all(one < two) and np.all(np.diff(time) >= 0)
    assert np.unique(time).size == 12 and scan.tolist() == [1] * 45 + [2] * 135
    np.testing.assert_allclose(time[0], START_S + 15.0)


def test_instrument_is_what_was_asked_for() -> None:
    corruption = Corruption(noise_jy=0.0, interference_fraction=0.0, bad_start_factor=0.5)
    observation = small(corruption)
    observe(observation, "a.ms")
    data, time, one, two, scan = read("a.ms", "DATA", "TIME", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER")
    times = np.unique(time)
    gains = corruption.gains(times, 6, 2)
    band = corruption.bandpass(6, 6, 2)
    rows = np.flatnonzero(scan == 1)
    index = np.searchsorted(times, time[rows])
    jones = gains[index, one[rows]] * gains[index, two[rows]].conj()
    shape = np.moveaxis(band[:, one[rows]] * band[:, two[rows]].conj(), 0, 2)
    bad = np.where(time[rows] == times[0], 0.5, 1.0)
    np.testing.assert_allclose(data[rows], 3.0 * bad[:, None, None] * jones[:, :, None] * shape, rtol=3e-6)


def test_noise_and_interference() -> None:
    corruption = Corruption(
        gain_amplitude=1.0, gain_scatter=0.0, drift_rad=0.0, ripple=0.0, noise_jy=0.2, interference_jy=500.0, interference_fraction=0.01,
        bad_start_factor=1.0,
    )  # fmt: skip
    observe(small(corruption), "a.ms")
    observe(small(replace(corruption, noise_jy=0.0, interference_fraction=0.0)), "b.ms")
    ours, clean = read("a.ms", "DATA")[0], read("b.ms", "DATA")[0]
    hit = np.abs(ours - clean) > 100.0
    assert 0.003 < hit.mean() < 0.02
    # The first scan's calibrator of 3 Jy tells what the band made of the noise.
    first = slice(0, 45)
    relative = ((ours - clean) / clean)[first][~hit[first]] * 3.0
    # 540 numbers: their spread is known to 3 per cent.
    assert relative.real.std() == pytest.approx(0.2, rel=0.12)
    assert relative.imag.std() == pytest.approx(0.2, rel=0.12)
    observe(small(corruption), "c.ms")
    np.testing.assert_array_equal(read("c.ms", "DATA")[0], ours)


def test_metadata() -> None:
    observe(small(), "a.ms")
    msmd = msmetadata()
    msmd.open("a.ms")
    try:
        assert list(msmd.fieldnames()) == ["CAL", "SKY"]
        assert msmd.nantennas() == 6 and msmd.nspw() == 1 and msmd.nchan(0) == 6
        assert list(msmd.observatorynames()) == ["VLA"]
        assert sorted(msmd.intents()) == ["CALIBRATE_PHASE#ON_SOURCE", "OBSERVE_TARGET#ON_SOURCE"]
        assert list(msmd.fieldsforintent("OBSERVE_TARGET#ON_SOURCE", True)) == ["SKY"]
        assert list(msmd.corrtypesforpol(0)) == [5, 8]
    finally:
        msmd.done()
    assert read("a.ms/SOURCE", "REST_FREQUENCY")[0].ravel().tolist() == [1420405751.786] * 2
    assert len(read("a.ms/HISTORY", "MESSAGE")[0]) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scans": ()}, "at least one scan"),
        ({"scans": (Scan(5, START_S, 1),)}, "a scan is of field 5"),
        ({"scans": (Scan(0, START_S, 9), Scan(1, START_S, 1))}, "without overlap"),
        ({"integration_s": 0.0}, "positive integration time"),
        ({"array": replace(y_array(1), names=("A",))}, "two antennas"),
    ],
)
def test_bad_observations_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        replace(small(), **change)


def test_low_field_is_refused_and_outputs_stay() -> None:
    low = replace(small(), lowest_elevation_rad=np.deg2rad(89.9))
    with pytest.raises(ParameterError, match="below the limit"):
        observe(low, "a.ms")
    observe(small(), "a.ms")
    with pytest.raises(OutputExistsError):
        observe(small(), "a.ms")


def test_antenna_layout_is_at_its_site() -> None:
    array = y_array()
    assert len(array.names) == 27
    # The VLA's centre in ITRF, casacore's Observatories table; the layout's middle is within its arms' length.
    assert np.linalg.norm(array.centre_m - np.array([-1601185.37, -5041977.55, 3554875.87])) < 400.0
    up = local_to_itrf(np.array([[0.0, 0.0, 100.0]]), 0.3, 0.5, 0.0) - local_to_itrf(np.zeros((1, 3)), 0.3, 0.5, 0.0)
    np.testing.assert_allclose(np.linalg.norm(up), 100.0)


def test_line_disk_holds_its_flux() -> None:
    disk = LineDisk(20.0, 2.6e-4, 0.9, 0.6, 1.48e6, 5e4, 7e3)
    freq = disk.rest_hz * (1 - np.arange(1300e3, 1660e3, 2e3) / C_M_S)
    east, north, flux = disk.components(freq)
    assert flux.sum() * 2.0 == pytest.approx(20.0, rel=1e-4)
    profile = flux.sum(axis=0)
    velocity = C_M_S * (1 - freq / disk.rest_hz) / 1e3
    assert (profile * velocity).sum() / profile.sum() == pytest.approx(1480.0, abs=0.01)
    # The receding side of the major axis lies along the position angle.
    _, _, _, speed = disk.points()
    toward = east * np.sin(0.6) + north * np.cos(0.6)
    assert np.corrcoef(toward, speed)[0, 1] > 0.7


def test_crossed_hands_hold_noise_alone() -> None:
    observe(replace(small(), cross_hands=True, corruption=None), "clean.ms")
    observe(replace(small(Corruption()), cross_hands=True), "noisy.ms")
    observe(small(Corruption()), "two.ms")
    with MeasurementSet("clean.ms") as clean, MeasurementSet("noisy.ms") as noisy, MeasurementSet("two.ms") as two:
        assert clean.metadata.polarizations[0].names == ["RR", "RL", "LR", "LL"]
        rows = np.arange(clean.nrow)
        exact, seen = clean.read("DATA", rows), noisy.read("DATA", rows)
        assert not exact[..., 1:3].any() and exact[..., [0, 3]].all()
        np.testing.assert_array_equal(seen[..., [0, 3]], two.read("DATA", rows))
        assert seen[..., 1:3].real.std() == pytest.approx(Corruption().noise_jy, rel=0.1)
