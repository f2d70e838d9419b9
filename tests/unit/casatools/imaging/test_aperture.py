"""A-projection, pointing tables and conjugate beams: against direct Fourier transforms with the beams, and the adjoint of the prediction."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import table
from casatools._base.errors import DataError
from casatools.frames.baselines import parallactic_angle
from casatools.frames.directions import Direction
from casatools.frames.observatories import observatory_position
from casatools.imaging.antenna_beams import AntennaBeams, antenna_beams
from casatools.imaging.antenna_pointings import bundle_pointings, read_pointings
from casatools.imaging.beam_groups import BeamOptions
from casatools.imaging.mosaic import MosaicField
from casatools.imaging.request import TcleanRequest
from casatools.imaging.stepwise import tclean_request
from casatools.imaging.tclean_data import prepare_data
from casatools.imaging.tclean_images import plan_images
from casatools.imaging.visibilities import open_sources
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

C = 299792458.0
SIZE = 96
CELL = np.deg2rad(5.0 / 3600)
FREQ = np.array([10.0e9])
CENTRE = Direction(1.0, 0.6, "J2000")
# Pixels to the east and north, flux densities in right and left hand [Jy].
SOURCES = [(-14.0, -6.0, 2.0), (9.0, 16.0, 1.0), (22.0, -12.0, 1.5)]
OPTIONS: dict[str, Any] = {
    "vis": "sim.ms", "imsize": SIZE, "cell": "5arcsec", "phasecenter": "J2000 1.0rad 0.6rad", "datacolumn": "data", "pblimit": 0.05,
    "mask": [f"circle[[{SIZE // 2 - e}pix,{SIZE // 2 + n}pix],3pix]" for e, n, _ in SOURCES],
}  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated observation at 10 GHz whose data are still to be put in."""
    path = tmp_path_factory.mktemp("aperture") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=4, cycles=1, nchan=1))
    tb = table()
    tb.open(str(path / "SPECTRAL_WINDOW"), nomodify=False)
    tb.putcol("CHAN_FREQ", FREQ[:, None])
    tb.putcol("CHAN_WIDTH", np.full((1, 1), 1e8))
    tb.done()
    tb.open(str(path / "FIELD"), nomodify=False)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcell(column, 0, np.array([[CENTRE.lon_rad], [CENTRE.lat_rad]]))
    tb.done()
    tb.open(str(path), nomodify=False)
    tb.putcol("FIELD_ID", np.zeros(tb.nrows(), int))
    tb.putcol("UVW", tb.getcol("UVW") / 3.0)
    tb.done()
    return path


@pytest.fixture(autouse=True)
def _here(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")
    monkeypatch.chdir(tmp_path)


def at(east: float, north: float) -> tuple[int, int]:
    return SIZE // 2 - round(east), SIZE // 2 + round(north)


def angles(times: np.ndarray) -> np.ndarray:
    return parallactic_angle(times, CENTRE, observatory_position("VLA").itrf_m)


def fill(offsets: np.ndarray | None = None, squint: bool = False, wide: bool = True) -> None:
    """Put the sources' direct Fourier transform through the voltage patterns of both antennas into DATA.

    `offsets` (antenna, time, 2) is where they point, east and north of the field [rad].
    """
    beams = antenna_beams("VLA", measured=squint)
    tb = table()
    tb.open("sim.ms", nomodify=False)
    uvw, times, one, two = (tb.getcol(c) for c in ("UVW", "TIME", "ANTENNA1", "ANTENNA2"))
    turn = angles(times)
    when = np.unique(times, return_inverse=True)[1].ravel()
    data = np.zeros((2, len(times)), complex)
    for east, north, flux in SOURCES:
        l, m = east * CELL, north * CELL
        phase = uvw[0] * l + uvw[1] * m + (uvw[2] * (np.sqrt(1 - l * l - m * m) - 1) if wide else 0.0)
        for k, hand in enumerate("RL"):
            voltages = []
            for antenna in (one, two):
                moved = np.zeros((len(times), 2)) if offsets is None else offsets[antenna, when]
                shift = np.array([beams.squint_rad(hand, FREQ[0], q) for q in turn])
                radius = np.hypot(l - moved[:, 0] - shift[:, 0], m - moved[:, 1] - shift[:, 1])
                voltages.append(np.sqrt(beams.power((25.0, 25.0), radius, FREQ[0])))
            data[k] += flux * voltages[0] * voltages[1] * np.exp(2j * np.pi * phase * FREQ[0] / C)
    tb.putcol("DATA", data[:, None].astype(np.complex64))
    tb.done()


def request(**given: Any) -> TcleanRequest:
    names = {"vis", "datacolumn"}
    return tclean_request(
        [{"msname": "sim.ms", "datacolumn": "data"}],
        {"imagename": "x", "normtype": "flatsky", **{k: v for k, v in {**OPTIONS, **given}.items() if k not in names}},
    )


def test_gridding_is_the_adjoint_of_prediction_and_agrees_with_direct_transforms() -> None:
    """For squinted beams in steps of the parallactic angle and all Stokes planes of circular feeds."""
    asked = request(gridder="awproject", wprojplanes=-1, stokes="IV", computepastep=0.3, normtype="flatsky")
    sources = open_sources(asked.paths, asked.selections, "data")
    try:
        data = prepare_data(asked, sources)
        field = plan_images(asked, data, data.centre, 0).image
        assert isinstance(field, MosaicField) and data.labels == ["I", "V"]
        object.__setattr__(field.options, "epsilon", 3e-6)
        (block,) = data.blocks()
        assert len(field.windows.groups.groups) > 1
        rng = np.random.default_rng(1)
        view, weight = field.view(block), block.weight
        field.planes.model[...] = 0
        spots = rng.integers(20, SIZE - 20, size=(6, 2))
        for p, (y, x) in enumerate(spots):
            field.planes.model[0, p % 2, y, x] = rng.normal()
        field.begin_residual()
        left, right = 0.0, 0.0
        for pol in range(2):
            vis = (rng.normal(size=weight.shape) + 1j * rng.normal(size=weight.shape)).astype(np.complex64)
            found = field.predict(view, 0, pol, block.freq_hz, weight > 0)
            assert found is not None
            field.add(view, 0, pol, block.freq_hz, vis, weight)
            # The planes of the image are half sums of the correlations, those their whole sums.
            left += 0.5 * float((found.conj() * vis * weight).sum().real)
            if pol == 0:
                direct = _direct(field, block, pol)
                assert np.abs(found - direct).max() < 1e-5 * np.abs(direct).max()
        right = float((field.planes.model.astype(float) * field.planes.residual).sum())
        assert left == pytest.approx(right, rel=1e-5)
    finally:
        for source in sources:
            source.close()


def _direct(field: MosaicField, block: Any, pol: int) -> np.ndarray:
    """Visibilities of the right hand by direct Fourier transform, beams and w included."""
    beams, out = antenna_beams("VLA", measured=True), np.zeros(block.weight.shape, complex)
    group = np.array([field.windows.groups.groups[g].angles_rad[0] for g in block.group])
    for p in range(2):
        for y, x in np.argwhere(field.planes.model[0, p]):
            l, m = (SIZE // 2 - x) * CELL, (y - SIZE // 2) * CELL
            shift = np.array([beams.squint_rad("R", FREQ[0], q) for q in group])
            power = beams.power((25.0, 25.0), np.hypot(l - shift[:, 0], m - shift[:, 1]), FREQ[0])
            path = block.uvw_m @ np.array([l, m, np.sqrt(1 - l * l - m * m) - 1])
            out[:, 0] += field.planes.model[0, p, y, x] * power * np.exp(2j * np.pi * path * FREQ[0] / C)
    return out


def test_squinted_beams_that_turn_are_corrected() -> None:
    fill(squint=True)
    options = {**OPTIONS, "wprojplanes": -1, "niter": 3000, "threshold": "2mJy", "pbcor": True, "normtype": "flatnoise"}
    tclean(
        imagename="a", gridder="awproject", computepastep=1.0, rotatepastep=1.0, stokes="IV", savemodel="modelcolumn", **options
    )
    corrected = pixels("a.image.pbcor")
    for east, north, flux in SOURCES:
        assert corrected[(*at(east, north), 0)] == pytest.approx(flux, rel=3e-3)
        # The sources are not polarized; without the beams of the hands V is a hundredth of them.
        assert abs(corrected[(*at(east, north), 1)]) < 3e-3 * flux
    assert pixels("a.pb").shape == (SIZE, SIZE, 2)
    tb = table()
    tb.open("sim.ms")
    data, model = tb.getcol("DATA"), tb.getcol("MODEL_DATA")
    tb.close()
    assert np.abs(model - data).mean() < 0.01 * np.abs(data).mean()
    tclean(imagename="m", gridder="mosaic", stokes="V", **{**options, "niter": 0})
    assert np.abs(pixels("m.image")).max() > 0.01


@pytest.mark.parametrize("gridder", ["mosaic", "awp2"])
def test_pointing_tables(gridder: str) -> None:
    """Antennas that drift away from the field, each its own way."""
    tb = table()
    tb.open("sim.ms")
    times, nant = np.unique(tb.getcol("TIME")), int(tb.getcol("ANTENNA2").max()) + 1
    tb.close()
    # Every second antenna points another way, and all of them move once.
    drift = np.zeros((nant, len(times), 2))
    drift[::2] = np.deg2rad(np.array([25.0, -15.0]) / 3600)
    drift[:, len(times) // 2 :, 1] += np.deg2rad(20.0 / 3600)
    tb.open("sim.ms/POINTING", nomodify=False)
    tb.removerows(np.arange(tb.nrows()))
    tb.addrows(nant * len(times))
    for row, (a, t) in enumerate(np.ndindex(nant, len(times))):
        tb.putcell("ANTENNA_ID", row, a)
        tb.putcell("TIME", row, times[t])
        there = CENTRE.lon_rad + drift[a, t, 0] / np.cos(CENTRE.lat_rad), CENTRE.lat_rad + drift[a, t, 1]
        tb.putcell("DIRECTION", row, np.array(there)[:, None])
    tb.done()
    fill(drift, squint=gridder == "awp2", wide=False)
    options = {**OPTIONS, "gridder": gridder, "niter": 300, "gain": 0.2, "threshold": "4mJy", "pbcor": True}
    tclean(imagename="p", usepointing=True, pointingoffsetsigdev=[1.0], **options)
    tclean(imagename="n", **options)
    right, wrong = pixels("p.image.pbcor"), pixels("n.image.pbcor")
    errors = np.array([[abs(i[at(e, n)] / f - 1) for e, n, f in SOURCES] for i in (right, wrong)])
    assert errors[0].max() < 5e-3 and errors[1].max() > 3 * errors[0].max()


def test_pointings_in_bundles() -> None:
    lon = np.array([[1.0, 1.0 + 1e-6, 1.01], [1.0, np.nan, 1.0]])
    numbers, found = bundle_pointings(lon, np.full((2, 3), 0.6), CENTRE, 1e-4)
    assert numbers[1, 1] == -1 and numbers[0, 0] == numbers[0, 1] == numbers[1, 0] != numbers[0, 2] and len(found) == 2
    assert bundle_pointings(np.array([np.nan]), np.array([np.nan]), CENTRE, 1e-4)[1] == []
    sources = open_sources(["sim.ms"], request().selections, "data")
    try:
        shutil.rmtree("sim.ms/POINTING")
        with pytest.raises(Exception, match="POINTING"):
            read_pointings(sources[0], "J2000")
    finally:
        sources[0].close()


def test_conjugate_beams_take_the_slope_of_the_beam_away() -> None:
    """Two frequencies, flat spectra on the sky: the second Taylor term shows the beam's slope unless beams are conjugate."""
    beams = AntennaBeams("VLA")
    low, high = 9.0e9, 11.0e9
    radius = np.array([9e-4])
    plain = [beams.power((25.0, 25.0), radius, f)[0] ** 2 for f in (low, high)]
    crossed = [
        beams.power((25.0, 25.0), radius, f)[0] * beams.power((25.0, 25.0), radius, np.sqrt(2 * 10e9**2 - f**2))[0]
        for f in (low, high)
    ]
    assert abs(crossed[1] / crossed[0] - 1) < 0.15 * abs(plain[1] / plain[0] - 1)
    asked = request(gridder="mosaic", conjbeams=True)
    assert asked.beam_use(10e9).conjugate_hz == 10e9 and request(gridder="mosaic").beam_use(10e9).conjugate_hz == 0.0
    assert request(gridder="awproject", wbawp=False).beam_use(10e9).fixed_hz == 10e9
    assert request(gridder="mosaic", conjbeams=True, specmode="cube").beam_use(10e9).conjugate_hz == 0.0


def test_options_and_beams() -> None:
    options = request(
        gridder="awproject", computepastep=10.0, rotatepastep=5.0, pointingoffsetsigdev=[3.0, 2.0], usepointing=True
    )
    assert options.beam_options == BeamOptions(
        "", True, pytest.approx(2 * np.pi / 180 / 3600), True, pytest.approx(np.deg2rad(5.0))
    )
    assert not request(gridder="awproject", aterm=False, psterm=True).is_mosaic
    assert (
        request(gridder="awproject", wprojplanes=16).grid_options.wide_field
        and not request(gridder="awproject").grid_options.wide_field
    )
    beams = antenna_beams("EVLA", measured=True)
    east, north = beams.squint_rad("R", 1.4e9, np.deg2rad(-176.7785))
    # CASA 6.7's weight image of the right hand at this parallactic angle: 50.3 and 2.6 arcsec.
    assert np.rad2deg([east, north]) * 3600 == pytest.approx([50.3, 2.6], abs=1.2)
    assert beams.squint_rad("L", 1.4e9, 0.3) == pytest.approx([-v for v in beams.squint_rad("R", 1.4e9, 0.3)])
    assert beams.squint_rad("R", 3e8, 0.3) == (0.0, 0.0) == antenna_beams("ALMA", measured=True).squint_rad("R", 1e11, 0.3)


def test_observations_with_and_without_squint_are_imaged_apart() -> None:
    shutil.copytree("sim.ms", "other.ms")
    tb = table()
    tb.open("other.ms/OBSERVATION", nomodify=False)
    tb.putcol("TELESCOPE_NAME", ["ATCA"] * tb.nrows())
    tb.done()
    with pytest.raises(DataError, match="squint"):
        tclean(imagename="x", gridder="awproject", niter=0, **{**OPTIONS, "vis": ["sim.ms", "other.ms"]})
    assert not list(Path().glob("x.*"))
