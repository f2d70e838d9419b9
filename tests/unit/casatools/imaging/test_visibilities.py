"""Visibilities for the imager: Stokes planes, moved phase centres, flags, weights, channels of a cube."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import TETE, EarthLocation, SkyCoord
from astropy.time import Time

from casatools import table
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.frames.directions import Direction
from casatools.imaging.frequency_grid import SpectralAxis, cube_axis
from casatools.imaging.visibilities import DataSource, VisibilityBlock, open_sources, rotate_phase_centre, stokes_planes
from casatools.imaging.weighting import ImagingWeights, WeightingOptions
from casatools.io.ms import Selection
from casatools.simulation.demo import DemoOptions, make_demo

RRLL, ALL_LINEAR = [5, 8], [9, 10, 11, 12]
C = 299792458.0


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vis") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=2, cycles=1, nchan=6))
    return path


@pytest.fixture
def vis(simulated: Path, tmp_path: Path) -> str:
    return str(shutil.copytree(simulated, tmp_path / "sim.ms"))


def edit(path: str, column: str, change) -> None:
    tb = table()
    tb.open(path, nomodify=False)
    values = tb.getcol(column)
    tb.putcol(column, change(values))
    tb.close()


def blocks_of(path: str, selection: Selection, axis=None, planes=None, centre=None, pseudo=False) -> list[VisibilityBlock]:
    source = DataSource(path, selection, "data")
    try:
        wanted = planes or stokes_planes("I", source.correlation_codes(int(source.ddids[0])))
        where = centre or source.field_direction(int(source.field_ids[0]))
        return list(source.iter_blocks(wanted, where, axis, "linear", pseudo))
    finally:
        source.close()


def test_stokes_from_correlations() -> None:
    """A source of I=3 Q=1 U=-0.5 V=0.25 seen by both kinds of feeds (Hamaker & Bregman 1996)."""
    i, q, u, v = 3.0, 1.0, -0.5, 0.25
    circular = {5: i + v, 6: q + 1j * u, 7: q - 1j * u, 8: i - v}
    linear = {9: i + q, 10: u + 1j * v, 11: u - 1j * v, 12: i - q}
    for seen in (circular, linear):
        found = stokes_planes("IQUV", list(seen))
        values = [sum(f * list(seen.values())[k] for k, f in parts.items()) for _, parts in found]
        assert np.allclose(values, [i, q, u, v])
    assert [name for name, _ in stokes_planes("RRLL", RRLL)] == ["RR", "LL"]
    assert stokes_planes("LL", RRLL) == [("LL", {1: 1.0})]
    assert stokes_planes("I", [8]) == [("I", {0: 1.0})]


def test_stokes_that_are_not_there() -> None:
    with pytest.raises(ParameterError, match="linear feeds"):
        stokes_planes("RR", ALL_LINEAR)
    with pytest.raises(ParameterError, match="needs the correlations RL, LR"):
        stokes_planes("Q", RRLL)
    with pytest.raises(ParameterError, match="must be one of"):
        stokes_planes("IX", RRLL)


def test_another_phase_centre() -> None:
    """A source at the new centre has no phase left, and baselines keep their lengths."""
    rng = np.random.default_rng(1)
    uvw = rng.normal(scale=1e3, size=(40, 3))
    old, new = Direction(1.0, 0.4, "J2000"), Direction(1.01, 0.41, "J2000")

    def cosines(d: Direction) -> np.ndarray:
        dl = d.lon_rad - old.lon_rad
        return np.array([
            np.cos(d.lat_rad) * np.sin(dl),
            np.sin(d.lat_rad) * np.cos(old.lat_rad) - np.cos(d.lat_rad) * np.sin(old.lat_rad) * np.cos(dl),
            np.sin(d.lat_rad) * np.sin(old.lat_rad) + np.cos(d.lat_rad) * np.cos(old.lat_rad) * np.cos(dl) - 1.0,
        ])  # fmt: skip

    moved, shift = rotate_phase_centre(uvw, old, new)
    assert np.allclose(np.linalg.norm(moved, axis=1), np.linalg.norm(uvw, axis=1))
    path = uvw @ cosines(new)  # V = exp(2 pi i path / lambda) about the old centre
    assert np.allclose(path, shift, atol=1e-9)


def test_flags_and_weights(vis: str) -> None:
    edit(vis, "WEIGHT", lambda w: np.stack([np.full(w.shape[1], 2.0), np.full(w.shape[1], 4.0)]))

    def one_flag(flag: np.ndarray) -> np.ndarray:
        flag[1, 2, 5] = True
        return flag

    edit(vis, "FLAG", one_flag)
    (block,) = blocks_of(vis, Selection(field="0"))
    assert block.vis.shape[2] == 6 and block.weight.shape == block.vis.shape[1:]
    # The weight of Stokes I is the mean of those of the parallel hands; one flagged hand takes the sample away.
    assert block.weight[5, 2] == 0 and block.vis[0, 5, 2] == 0
    block.weight[5, 2] = 3.0
    assert np.all(block.weight == 3.0)
    # pseudoI takes the hand that is left.
    (pseudo,) = blocks_of(vis, Selection(field="0"), pseudo=True)
    assert pseudo.weight[5, 2] == 3.0
    tb = table()
    tb.open(vis)
    data = tb.getcol("DATA")
    tb.close()
    assert np.isclose(pseudo.vis[0, 5, 2], data[0, 2, 5])
    assert np.isclose(block.vis[0, 4, 1], 0.5 * (data[0, 1, 4] + data[1, 1, 4]))


def test_values_that_are_not_finite_have_no_weight(vis: str) -> None:
    def spoil(data: np.ndarray) -> np.ndarray:
        data[0, 1, 3] = np.nan
        return data

    edit(vis, "DATA", spoil)
    (block,) = blocks_of(vis, Selection(field="0"))
    assert block.weight[3, 1] == 0 and block.vis[0, 3, 1] == 0
    assert np.isfinite(block.vis).all()


def test_autocorrelations_count_in_the_density_only(vis: str) -> None:
    """As CASA 6.7 does: uniform weights change by the autocorrelations' cell, but none is gridded."""
    (plain,) = blocks_of(vis, Selection(field="0"))
    assert plain.cross is None

    def first_to_self(antennas: np.ndarray) -> np.ndarray:
        antennas[0] = 0
        return antennas

    edit(vis, "ANTENNA1", first_to_self)
    edit(vis, "ANTENNA2", first_to_self)
    (block,) = blocks_of(vis, Selection(field="0"))
    assert block.cross is not None and not block.cross[0] and block.cross[1:].all()
    shape, cell = (64, 64), (np.deg2rad(15 / 3600),) * 2
    weights = ImagingWeights(shape, cell, WeightingOptions("uniform"), 1, 0.0)
    weights.gather(block)
    weights.finish()
    found = weights.weights(block)
    assert not found[0].any() and found[1:].any()
    # The autocorrelations' cell is not that of samples of small u and v of one sign, as CASA's sums of weights of NGC 5921 show.
    near = 0.3 / (64 * cell[0])
    uvw = np.array([[0.0, 0.0, 0.0], [near, near, 0.0]]) * (299792458.0 / block.freq_hz[0])
    small = replace(
        block, uvw_m=uvw, freq_hz=block.freq_hz[:1], weight=np.ones((2, 1), np.float32), cross=np.array([False, True])
    )
    weights = ImagingWeights(shape, cell, WeightingOptions("uniform"), 1, 0.0)
    weights.gather(small)
    weights.finish()
    assert weights.weights(small).tolist() == [[0.0], [1.0]]


def test_channels_of_a_cube(vis: str) -> None:
    source = DataSource(vis, Selection(field="2"), "data")
    hz, width, frame = source.channels(0)
    factors = source.factors(0, "LSRK", source.times_s[:1])
    source.close()
    assert frame == "TOPO" and abs(factors[0] - 1.0) < 1.2e-4 and factors[0] != 1.0
    axis = cube_axis(hz * factors[0], width * factors[0], -1, "", "", "LSRK", 1.42e9, "radio")
    blocks = blocks_of(vis, Selection(field="2"), axis)
    assert all(np.array_equal(b.freq_hz, axis.frequencies_hz) for b in blocks)
    assert sum(b.weight.shape[0] for b in blocks) > 0


def test_moved_phase_centre_turns_the_data(vis: str) -> None:
    """A point at the field's own centre shows the phase of its place about the new one."""
    edit(vis, "DATA", lambda d: np.ones_like(d))
    (block,) = blocks_of(vis, Selection(field="0"))
    source = DataSource(vis, Selection(field="0"), "data")
    own = source.field_direction(0)
    source.close()
    away = Direction(own.lon_rad, own.lat_rad + 1e-3, own.frame)
    (moved,) = blocks_of(vis, Selection(field="0"), centre=away)
    east, north = 0.0, -np.sin(1e-3)
    n = np.cos(1e-3)
    phase = moved.uvw_m @ np.array([east, north, n - 1.0])
    expected = np.exp(2j * np.pi * phase[:, None] * block.freq_hz / C)
    assert np.allclose(moved.vis[0], expected, atol=2e-5)


def test_what_cannot_be_imaged(vis: str) -> None:
    with pytest.raises(ParameterError, match="datacolumn"):
        DataSource(vis, Selection(), "residual")
    with pytest.raises(DataError, match="MODEL_DATA"):
        DataSource(vis, Selection(), "model")
    with pytest.raises(DataError, match="no MeasurementSet"):
        open_sources([], [], "data")
    edit(vis, "ANTENNA2", lambda a: 0 * a)
    edit(vis, "ANTENNA1", lambda a: 0 * a)
    with pytest.raises(SelectionError, match="no cross-correlations"):
        open_sources([vis], [Selection()], "data")


@pytest.mark.parametrize("name", ["", "corrected", "CORRECTED"])
def test_names_of_columns(vis: str, name: str) -> None:
    (source,) = open_sources([vis], [Selection()], name)
    assert source.column == ("CORRECTED_DATA" if source.ms.has("CORRECTED_DATA") else "DATA")
    source.ms.close()
    with pytest.raises(ParameterError, match="datacolumn"):
        open_sources([vis], [Selection()], "corrected_data")


@pytest.mark.parametrize("field", [0, 1])
def test_rows_are_put_on_the_axis_towards_their_own_field(vis: str, field: int) -> None:
    """A ramp over the channels shows where rows are put: towards the field of each, wherever the image's centre is (speed by astropy)."""
    edit(vis + "/FIELD", "PHASE_DIR", lambda d: d + 0.3 * np.arange(d.shape[2]))
    edit(vis, "DATA", lambda d: np.broadcast_to(np.arange(6.0)[None, :, None], d.shape).astype(d.dtype))
    source = DataSource(vis, Selection(field=str(field)), "data")
    try:
        source.toward = source.field_direction(2)
        own, hz = source.field_direction(field), source.channels(0)[0]
        axis = SpectralAxis(np.array([0.5 * (hz[2] + hz[3])]), float(hz[1] - hz[0]), "BARY", 0.0)
        block = next(source.iter_blocks(stokes_planes("RR", source.correlation_codes(0)), own, axis, "linear", False))
        when = Time(source.times_s[0] / 86400, format="mjd", scale="utc")
        site = EarthLocation.from_geocentric(*source.position_m, unit="m")
        speed = SkyCoord(own.lon_rad, own.lat_rad, unit="rad").radial_velocity_correction(
            "barycentric", obstime=when, location=site
        )
    finally:
        source.close()
    expected = (axis.frequencies_hz[0] * (1 + speed.to_value("m/s") / C) - hz[0]) / (hz[1] - hz[0])
    # Astropy takes in the redshift by the Sun's gravity and of moving clocks, 1.5e-8: a thousandth of these channels.
    assert abs(block.vis[0, 0, 0]) == pytest.approx(expected, abs=1.2e-3)


@pytest.mark.parametrize("mount", ["ALT-AZ", "EQUATORIAL", "X-Y", "ALT-AZ+NASMYTH-R"])
def test_beams_turn_with_their_mounts(vis: str, mount: str) -> None:
    """Against astropy's altitude and azimuth."""
    antennas = table()
    antennas.open(f"{vis}/ANTENNA", nomodify=False)
    antennas.putcol("MOUNT", np.array(["EQUATORIAL" if mount == "X-Y" else "X-Y"] + [mount] * (antennas.nrows() - 1)))
    antennas.close()
    source = DataSource(vis, Selection(), "data")
    where = source.field_direction(int(source.field_ids[0]))
    times = source.times_s[[0, -1]] + np.array([0.0, 7200.0])
    mounts = source.mounts()
    assert [name for name, _ in mounts[1:]] == [mount] * (len(mounts) - 1) and mounts[0][0] != mount
    found = source.beam_angle(where, where.frame, times, mounts[1])
    place = EarthLocation.from_geocentric(*source.position_m, unit="m")
    source.close()
    latitude = np.arctan2(place.z.value, np.hypot(place.x.value, place.y.value))
    sky = SkyCoord(where.lon_rad, where.lat_rad, unit="rad")
    moments = Time(times / 86400.0, format="mjd", scale="utc")
    hour = moments.sidereal_time("apparent", place.lon).rad - sky.transform_to(TETE(obstime=moments)).ra.rad
    dec = sky.transform_to(TETE(obstime=moments)).dec.rad
    zenith = np.arctan2(
        np.cos(latitude) * np.sin(hour), np.sin(latitude) * np.cos(dec) - np.cos(latitude) * np.sin(dec) * np.cos(hour)
    )
    elevation = np.arcsin(np.sin(latitude) * np.sin(dec) + np.cos(latitude) * np.cos(dec) * np.cos(hour))
    expected = {
        "ALT-AZ": zenith,
        "EQUATORIAL": np.zeros(2),
        "X-Y": np.arctan2(np.cos(hour), np.sin(dec) * np.sin(hour)),
        "ALT-AZ+NASMYTH-R": zenith + elevation,
    }[mount]
    np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * expected), atol=1e-3)
