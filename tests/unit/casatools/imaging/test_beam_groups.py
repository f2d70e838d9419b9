"""Beams of each hand, mount and pointing: images and models of tclean beside sums over all visibilities, written out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatasks import tclean, uvsub
from casatools import table
from casatools.frames.baselines import geocentric_latitude, hour_angle_declination, parallactic_angle
from casatools.frames.directions import Direction
from casatools.frames.observatories import observatory_position
from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.beam_groups import BeamGroups, BeamOptions
from casatools.imaging.visibilities import open_sources
from casatools.io.image import CasaImage
from casatools.io.ms import Selection
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

C = 299792458.0
SIZE, CELL = 48, np.deg2rad(80.0 / 3600)
HZ = np.array([1.2e9, 1.5e9])
CENTRE = Direction(1.0, 0.6, "J2000")
CORRELATIONS = ("RR", "RL", "LR", "LL")
# Planes as sums over correlations, and how much the square of each correlation's beam counts.
PLANES = {
    "I": {0: 0.5, 3: 0.5}, "V": {0: 0.5, 3: -0.5}, "Q": {1: 0.5, 2: 0.5}, "U": {1: -0.5j, 2: 0.5j}, "RR": {0: 1.0}, "LL": {3: 1.0},
}  # fmt: skip
MOUNTS = ("ALT-AZ", "EQUATORIAL", "X-Y", "ALT-AZ+NASMYTH-R", "ALT-AZ+NASMYTH-L", "BIZARRE")
OPTIONS: dict[str, Any] = {
    "vis": "sim.ms", "imsize": SIZE, "cell": "80arcsec", "phasecenter": "J2000 1.0rad 0.6rad", "datacolumn": "data", "weighting": "natural", "niter": 0,
    "pblimit": 0.1, "gridder": "awproject", "wprojplanes": -1, "computepastep": 0.001,
}  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise of an EVLA of six antennas at four times of six hours, with weights and lost samples of either hand."""
    folder = tmp_path_factory.mktemp("sums")
    make_demo(str(folder / "all.ms"), DemoOptions(antennas_per_arm=2, cycles=1, nchan=len(HZ), cross_hands=True))
    rng = np.random.default_rng(1)
    with tables.table(str(folder / "all.ms"), ack=False) as whole:
        times = np.unique(whole.getcol("TIME"))[::12][:4]
        whole.selectrows(np.flatnonzero(np.isin(whole.getcol("TIME"), times))).copy(str(folder / "sim.ms"), deep=True).close()
    for name, columns in {
        "SPECTRAL_WINDOW": {"CHAN_FREQ": HZ[None], "CHAN_WIDTH": np.full((1, 2), 1e8)},
        "FIELD": {c: np.full((3, 1, 2), (CENTRE.lon_rad, CENTRE.lat_rad)) for c in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR")},
        "OBSERVATION": {"TELESCOPE_NAME": ["EVLA"]},
    }.items():
        with tables.table(str(folder / "sim.ms" / name), readonly=False, ack=False) as sub:
            for column, values in columns.items():
                sub.putcol(column, values)
    with tables.table(str(folder / "sim.ms"), readonly=False, ack=False) as main:
        nrow = main.nrows()
        main.putcol("TIME", times[0] + 5400.0 * np.searchsorted(times, main.getcol("TIME")))
        main.putcol("FIELD_ID", np.zeros(nrow, np.int32))
        main.putcol("UVW", rng.normal(size=(nrow, 3)) * [50.0, 50.0, 20.0])
        main.putcol("DATA", (rng.normal(size=(nrow, 2, 4)) + 1j * rng.normal(size=(nrow, 2, 4))).astype(np.complex64))
        main.putcol("WEIGHT", np.repeat(rng.uniform(0.5, 2.0, (nrow, 1)), 4, 1).astype(np.float32))
        main.putcol("FLAG", rng.random((nrow, 2, 4)) < 0.1)
    return folder / "sim.ms"


@pytest.fixture(autouse=True)
def _here(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")
    monkeypatch.chdir(tmp_path)


def mount_angle(mount: str, times: np.ndarray) -> np.ndarray:
    """Position angle of a mount's first axis, plus or minus the elevation at the Nasmyth foci."""
    there = observatory_position("VLA").itrf_m
    hour, dec = hour_angle_declination(times, CENTRE, there)
    if mount == "X-Y":
        return np.asarray(np.arctan2(np.cos(hour), np.sin(dec) * np.sin(hour)))
    if not mount.startswith("ALT"):
        return np.zeros(len(times))
    latitude = geocentric_latitude(there)
    elevation = np.arcsin(np.sin(latitude) * np.sin(dec) + np.cos(latitude) * np.cos(dec) * np.cos(hour))
    return np.asarray(
        parallactic_angle(times, CENTRE, there) + {"R": 1, "L": -1}.get(mount[-1], 0) * ("NASMYTH" in mount) * elevation
    )


@dataclass
class Slow:
    """Images and visibilities by sums over pixels and samples."""

    mounts: tuple[str, ...] = ()
    offsets: np.ndarray | None = None
    pseudo: bool = False
    fixed_hz: float = 0.0
    conjugate_hz: float = 0.0
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with tables.table("sim.ms", ack=False) as main:
            self.columns = {c: main.getcol(c) for c in ("UVW", "TIME", "ANTENNA1", "ANTENNA2", "DATA", "FLAG", "WEIGHT")}
        self.times, self.at = np.unique(self.columns["TIME"], return_inverse=True)
        mounts = self.mounts or ("ALT-AZ",) * 6
        self.angles = np.array([mount_angle(m, self.times) for m in mounts])
        self.beams = antenna_beams("EVLA", measured=True)
        line = (SIZE // 2 - np.arange(SIZE)) * CELL
        self.east, self.north = np.broadcast_to(line, (SIZE, SIZE)), np.broadcast_to(-line[:, None], (SIZE, SIZE))
        self.kept: dict[tuple[Any, ...], np.ndarray] = {}

    def voltage(self, antenna: int, at: int, hand: str, hz: float) -> np.ndarray:
        key = (antenna, at, hand, hz)
        if key not in self.kept:
            squint = self.beams.squint_rad(hand, hz, self.angles[antenna, at])
            away = np.zeros(2) if self.offsets is None else self.offsets[antenna, at]
            radius = np.hypot(self.east - away[0] - squint[0], self.north - away[1] - squint[1])
            self.kept[key] = np.sqrt(self.beams.power((25.0, 25.0), radius, hz))
        return self.kept[key]

    def beam(self, row: int, corr: int, hz: float) -> np.ndarray:
        one, two = CORRELATIONS[corr]
        first, second = (int(self.columns[name][row]) for name in ("ANTENNA1", "ANTENNA2"))
        return self.voltage(first, self.at[row], one, hz) * self.voltage(second, self.at[row], two, hz)

    def phase(self, row: int, hz: float) -> np.ndarray:
        u, v, w = self.columns["UVW"][row] * (hz / C)
        return np.asarray(
            np.exp(-2j * np.pi * (u * self.east + v * self.north + w * (np.sqrt(1 - self.east**2 - self.north**2) - 1)))
        )

    def samples(self, labels: list[str]) -> Iterator[tuple[int, int, float, list[tuple[str, int, complex, float]]]]:
        """Rows, channels and weights, with planes, correlations, and their factors for data and squared beams."""
        parts = [(p, c, complex(f), abs(f)) for p in labels for c, f in PLANES[p].items()]
        for row, chan in np.ndindex(self.columns["FLAG"].shape[:2]):
            good = [part for part in parts if not self.columns["FLAG"][row, chan, part[1]]]
            weight = float(self.columns["WEIGHT"][row, [0, 3]].mean())
            if self.pseudo and good:
                yield row, chan, weight, [(p, c, complex(1 / len(good)), 1 / len(good)) for p, c, _, _ in good]
            elif len(good) == len(parts):
                yield row, chan, weight, parts

    def images(self, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Residual of normtype flatsky and weight image, (plane, y, x)."""
        seen, square = np.zeros((2, len(labels), SIZE, SIZE))
        total = 0.0
        for row, chan, weight, parts in self.samples(labels):
            hz, total = float(HZ[chan]), total + weight
            phase = self.phase(row, hz)
            crossed = float(np.sqrt(2 * self.conjugate_hz**2 - hz**2)) if self.conjugate_hz else hz
            for plane, corr, factor, share in parts:
                power, gridded = (self.beam(row, corr, self.fixed_hz or f) for f in (hz, crossed))
                seen[labels.index(plane)] += weight * gridded * (factor * self.columns["DATA"][row, chan, corr] * phase).real
                square[labels.index(plane)] += weight * share * power * gridded
        return seen / np.where(square > 0, square, np.inf), square / total

    def model(self, sky: dict[tuple[int, int], float]) -> np.ndarray:
        """Visibilities (row, chan, corr) of Stokes I in pixels (y, x)."""
        out = np.zeros(self.columns["DATA"].shape, complex)
        for row, chan in np.ndindex(out.shape[:2]):
            hz = float(HZ[chan])
            phase = self.phase(row, hz).conj()
            for corr in (0, 3):
                beam = self.beam(row, corr, hz)
                out[row, chan, corr] = sum(flux * beam[spot] * phase[spot] for spot, flux in sky.items())
        return out


def assert_sums(slow: Slow, labels: list[str], atol: float = 5e-6, **given: Any) -> None:
    """The images of tclean are those sums where the beam is above 0.12."""
    tclean(imagename="x", stokes=given.pop("stokes", "".join(labels)), normtype="flatsky", **{**OPTIONS, **given})
    residual, weight = slow.images(labels)
    found, squares, shown = (pixels(f"x.{name}").reshape(SIZE, SIZE, -1).T for name in ("residual", "weight", "pb"))
    for k, (wanted, square) in enumerate(zip(residual, weight, strict=True)):
        beam = np.sqrt(square / square.max())
        inside = beam > 0.12
        assert inside.sum() > 300
        np.testing.assert_allclose(found[k][inside], wanted[inside], atol=atol * np.abs(wanted[inside]).max())
        np.testing.assert_allclose(squares[k][inside], square[inside], atol=atol * square.max())
        np.testing.assert_allclose(shown[k][inside], beam[inside], atol=atol)


def set_mounts(mounts: tuple[str, ...]) -> None:
    with tables.table("sim.ms/ANTENNA", readonly=False, ack=False) as sub:
        sub.putcol("MOUNT", list(mounts))


@pytest.mark.parametrize("labels", [["I"], ["I", "Q", "U", "V"], ["RR", "LL"]], ids="".join)
@pytest.mark.parametrize("gridder", ["awproject", "awp2"])
def test_hands_have_beams_of_their_own(gridder: str, labels: list[str]) -> None:
    assert_sums(Slow(), labels, gridder=gridder)


def test_samples_of_one_hand_are_seen_through_its_beam() -> None:
    assert_sums(Slow(pseudo=True), ["I"], stokes="pseudoI")
    # Of both hands there are fewer samples.
    both, either = pixels("x.sumwt").sum(), 0.0
    assert_sums(Slow(), ["I"])
    either = pixels("x.sumwt").sum()
    assert both > 1.1 * either


@pytest.mark.parametrize("labels", [["I"], ["I", "Q", "U", "V"]], ids="".join)
def test_antennas_of_other_mounts_turn_their_own_way(labels: list[str]) -> None:
    set_mounts(MOUNTS)
    assert_sums(Slow(MOUNTS), labels)


def test_beams_of_one_frequency_and_conjugate_ones() -> None:
    """The reference is the image's frequency, in its frame."""
    tclean(imagename="f", **OPTIONS)
    with CasaImage.open("f.residual") as image:
        assert image.coordinates.spectral is not None
        middle = float(image.coordinates.spectral.frequencies_hz(1)[0])
    assert_sums(Slow(fixed_hz=middle), ["I"], wbawp=False)
    assert_sums(Slow(conjugate_hz=middle), ["I"], 2e-4, conjbeams=True)


@pytest.mark.parametrize("mounts", [(), MOUNTS], ids=["alike", "mixed"])
def test_antennas_that_point_elsewhere(mounts: tuple[str, ...]) -> None:
    if mounts:
        set_mounts(mounts)
    slow = Slow(mounts)
    slow.offsets = np.random.default_rng(3).normal(size=(6, len(slow.times), 2)) * np.deg2rad(120.0 / 3600)
    tb = table()
    tb.open("sim.ms/POINTING", nomodify=False)
    tb.removerows(np.arange(tb.nrows()))
    tb.addrows(6 * len(slow.times))
    for row, (antenna, at) in enumerate(np.ndindex(6, len(slow.times))):
        l, m = slow.offsets[antenna, at]
        n, sin, cos = np.sqrt(1 - l * l - m * m), np.sin(CENTRE.lat_rad), np.cos(CENTRE.lat_rad)
        there = CENTRE.lon_rad + np.arctan2(l, n * cos - m * sin), np.arcsin(m * cos + n * sin)
        for column, value in (("ANTENNA_ID", antenna), ("TIME", slow.times[at]), ("DIRECTION", np.array(there)[:, None])):
            tb.putcell(column, row, value)
    tb.done()
    assert_sums(slow, ["I"], usepointing=True, pointingoffsetsigdev=[0.01, 3.0])


@pytest.mark.parametrize("stokes", ["I", "pseudoI"])
@pytest.mark.parametrize("kind", ["modelcolumn", "virtual"])
def test_models_are_seen_through_each_hand_s_beam(stokes: str, kind: str) -> None:
    set_mounts(MOUNTS)
    sky = {(15, 30): 1.5, (28, 12): 0.7}
    tclean(imagename="s", **OPTIONS)
    with CasaImage.open("s.residual") as image:
        coordinates, values = image.coordinates, np.zeros(image.shape, np.float32)
    for (y, x), flux in sky.items():
        values[0, 0, y, x] = flux
    with CasaImage.create("start.im", values.shape, coordinates, np.float32, unit="Jy/pixel") as image:
        image.write(values)
    tclean(imagename="m", stokes=stokes, normtype="flatsky", startmodel="start.im", savemodel=kind, **OPTIONS)
    if kind == "virtual":
        uvsub("sim.ms")
    with tables.table("sim.ms", ack=False) as main:
        found = main.getcol("MODEL_DATA") if kind == "modelcolumn" else main.getcol("DATA") - main.getcol("CORRECTED_DATA")
    wanted = Slow(MOUNTS).model(sky)
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())


def test_far_antennas_have_angles_of_their_own() -> None:
    """An antenna 600 km to the east sees the sky turned otherwise, those near the array as the array does."""
    with tables.table("sim.ms/ANTENNA", readonly=False, ack=False) as sub:
        places = sub.getcol("POSITION")
        x, y, z = places[5]
        turn = 0.1
        places[5] = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), z
        sub.putcol("POSITION", places)
    (source,) = open_sources(["sim.ms"], [Selection()], "data")
    try:
        groups = BeamGroups([source], "J2000", BeamOptions(aperture=True, angle_step_rad=1e-5))
        times = source.times_s
        number = groups.rows(0, np.zeros(4, int), np.zeros(4, int), np.full(4, 5), times)
        angles = np.array([groups.groups[k].angles_rad for k in number])
    finally:
        source.close()
    here, there = (parallactic_angle(times, CENTRE, p) for p in (observatory_position("EVLA").itrf_m, places[5]))
    np.testing.assert_allclose(angles, np.stack([here, there], axis=1), atol=1e-5)
    assert np.abs(here - there).max() > 0.03
