"""Images that follow a moving object, and cubes in its frame."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean, uvsub
from casatools import image, synthesisimager, synthesisutils, table
from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction, angular_separation
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.imaging.tracking import Track, track_of
from casatools.imaging.visibilities import DataSource, rotate_phase_centre
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris, read_ephemeris
from casatools.simulation.demo import DemoOptions, make_demo
from support.ephemeris_file import write_ephemeris
from support.images import pixels

C = 299792458.0
AU_D = 149597870700.0 / 86400.0
REST_HZ = 1.42040575e9
NCHAN, WIDTH_HZ = 48, 1e4
RATE = (2e-8, 1e-8)  # rad/s
RADIAL = (0.003, 0.02)  # au/d, and a day
PLACE: dict[str, Any] = {"vis": "mv.ms", "field": "0", "imsize": 48, "cell": "8arcsec", "datacolumn": "data", "pblimit": -1}
CUBE: dict[str, Any] = {"nchan": 13, "start": "1.42034575GHz", "width": "0.00001GHz", "restfreq": "1.42040575GHz"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A point source in the middle of a moving field, with a line of two channels' width at rest; its ephemeris beside it."""
    folder = tmp_path_factory.mktemp("moving")
    path = str(folder / "mv.ms")
    make_demo(path, DemoOptions(antennas_per_arm=4, cycles=3, nchan=NCHAN))
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
        times = np.unique(ms.read("TIME"))
    where = write_ephemeris(str(folder / "e.tab"), float(times[0]), lon, lat, *RATE, radial_au_d=RADIAL)
    attach_ephemeris(path, where, [0], "TEST")
    tb = table()
    tb.open(path + "/FIELD", nomodify=False)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcell(column, 0, np.zeros((2, 1)))
    tb.done()
    position = observatory_position("VLA")
    since = times - times[0]
    beta = (RADIAL[0] + RADIAL[1] * since / 86400.0) * AU_D / C
    to_source = np.array([
        doppler_factor("TOPO", "GEO", float(t), Direction(lon + RATE[0] * s, lat + RATE[1] * s, "J2000"), position)
        for t, s in zip(times, since, strict=True)
    ]) * np.sqrt((1 + beta) / (1 - beta))  # fmt: skip
    freq = REST_HZ / to_source.mean() + (np.arange(NCHAN) - NCHAN / 2) * WIDTH_HZ
    tb.open(path + "/SPECTRAL_WINDOW", nomodify=False)
    tb.putcol("CHAN_FREQ", freq[:, None])
    for column in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
        tb.putcol(column, np.full((NCHAN, 1), WIDTH_HZ))
    tb.putcol("MEAS_FREQ_REF", np.array([5]))
    tb.done()
    tb.open(path, nomodify=False)
    line = REST_HZ / np.interp(tb.getcol("TIME"), times, to_source)
    profile = np.exp(-0.5 * ((freq[:, None] - line[None]) / (2 * WIDTH_HZ)) ** 2)
    tb.putcol("DATA", np.repeat(profile[None], 2, axis=0).astype(np.complex64))
    tb.putcol("FLAG", np.zeros(tb.getcol("FLAG").shape, bool))
    tb.putcol("FLAG_ROW", np.zeros(tb.nrows(), bool))
    tb.done()
    return folder


@pytest.fixture(autouse=True)
def _here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("centre", ["TRACKFIELD", "e.tab"])
def test_cubes_in_the_frame_of_the_source(centre: str) -> None:
    tclean(imagename="s", specmode="cubesource", phasecenter=centre, niter=0, **PLACE, **CUBE)
    cube = pixels("s.residual")
    assert np.unravel_index(cube.argmax(), cube.shape) == (24, 24, 6)
    # The line is where it is at rest; interpolation between channels and the finite width take 2.5 % of its peak.
    assert cube[24, 24] == pytest.approx(np.exp(-0.5 * ((np.arange(13) - 6) / 2) ** 2), abs=0.03)
    ia = image()
    ia.open("s.residual")
    assert ia.coordsys().referencecode("spectral") == ["REST"] and ia.coordsys().restfrequency()["value"][0] == REST_HZ
    ia.close()
    tclean(imagename="r", specmode="cube", outframe="REST", phasecenter=centre, niter=0, **PLACE, **CUBE)
    assert pixels("r.residual") == pytest.approx(cube, abs=1e-6)
    tclean(imagename="l", specmode="cube", phasecenter=centre, niter=0, **PLACE, **CUBE)
    assert pixels("l.residual")[24, 24].argmax() != 6


def test_wide_channels_in_the_frame_of_the_source_take_all_of_the_data() -> None:
    """Two channels of the data for each of the cube: twice the weight, and what is in one of them is in the cube, whichever it is and however the frame moves."""
    ways = {
        **PLACE,
        "specmode": "cubesource",
        "phasecenter": "TRACKFIELD",
        "niter": 0,
        "restfreq": CUBE["restfreq"],
        "start": 16,
        "nchan": 8,
    }
    tclean(imagename="one", width=1, **ways)
    tclean(imagename="two", width=2, **ways)
    assert pixels("two.sumwt") == pytest.approx(2 * pixels("one.sumwt").ravel()[0], rel=1e-6)
    for chan in (20, 21, 24):
        tb = table()
        tb.open("mv.ms", nomodify=False)
        data = np.zeros(tb.getcol("DATA").shape, np.complex64)
        data[:, chan] = 1.0
        tb.putcol("DATA", data)
        tb.done()
        tclean(imagename=f"c{chan}", width=2, **ways)
        assert pixels(f"c{chan}.residual")[24, 24].sum() == pytest.approx(0.5, abs=1e-4)


def test_the_object_stays_and_the_model_moves_with_it() -> None:
    tclean(imagename="t", phasecenter="TRACKFIELD", niter=100, savemodel="modelcolumn", **PLACE)
    tclean(imagename="f", phasecenter="", niter=0, **PLACE)
    assert np.unravel_index(pixels("t.image").argmax(), (48, 48)) == (24, 24)
    assert pixels("t.image").max() > 1.05 * pixels("f.image").max()  # at rest it is smeared over 60 arcsec
    tb = table()
    tb.open("mv.ms")
    mine = np.flatnonzero((tb.getcol("FIELD_ID") == 0) & (tb.getcol("ANTENNA1") != tb.getcol("ANTENNA2")))
    model, uvw = tb.getcol("MODEL_DATA")[0][:, mine], tb.getcol("UVW")[:, mine]
    tb.done()
    # A component in the middle has no phase at any time.
    assert np.abs(np.angle(model.sum(axis=0))).max() < 0.2 and np.hypot(*uvw[:2]).max() > 1000


def test_other_fields_are_moved_to_where_the_object_is() -> None:
    source = DataSource("mv.ms", Selection(field="1"), "data")
    try:
        source.track = track_of("e.tab", 1)
        first, last = float(source.times_s[0]), float(source.times_s[-1])
        centre = source.track.direction(source.ms, first, source.position_m)
        there = source.centre_at(last, centre)
        moved = (there.lon_rad - centre.lon_rad, there.lat_rad - centre.lat_rad)
        assert moved == pytest.approx((RATE[0] * (last - first), RATE[1] * (last - first)), rel=0.02)
        uvw = np.array([[1000.0, 200.0, 30.0]])
        vis = np.ones((1, 1, 1), np.complex64)
        found = source._recentre(uvw.copy(), vis, np.array([1]), np.array([last]), np.array([1.4e9]), centre)
        wanted, shift = rotate_phase_centre(uvw, source.field_direction(1), there)
        assert found == pytest.approx(wanted, abs=1e-9)
        assert vis[0, 0, 0] == pytest.approx(complex(np.exp(-2j * np.pi * shift[0] * 1.4e9 / C)), abs=1e-4)
    finally:
        source.close()


def test_what_is_followed() -> None:
    assert track_of(3, 0) is None and track_of("J2000 1h 2deg", 0) is None
    assert track_of("trackfield", 4) == Track(4)
    planet = track_of("jupiter", 0)
    assert planet is not None and planet.planet is not None and planet.planet.frame == "JUPITER"
    with MeasurementSet("mv.ms") as ms:
        position = observatory_position("VLA").itrf_m
        time = float(ms.read("TIME")[0])
        a, b = (planet.direction(ms, time + k * 86400.0, position) for k in (0, 1))
        # Jupiter moves by less than 15 arcmin in a day.
        assert a.frame == "J2000" and 0.0 < angular_separation(a.lon_rad, a.lat_rad, b.lon_rad, b.lat_rad) < np.deg2rad(0.25)
        table_frame = Track(table=read_ephemeris("e.tab")).direction(ms, time, position, "B1950")
        assert table_frame.frame == "B1950"


def test_advice_for_channels_of_the_source() -> None:
    """The band at rest, as CASA 6.7 tells it to 1 Hz; the line is at rest in the middle of it."""
    tool = synthesisutils()
    bands = [
        [
            tool.advisechansel(msname="mv.ms", getfreqrange=True, spwselection="0", **more)[k]["value"]
            for k in ("freqstart", "freqend")
        ]
        for more in ({"freqframe": "SOURCE"}, {"ephemtable": "e.tab"}, {"freqframe": "LSRK"})
    ]
    assert bands[0] == pytest.approx(bands[1], abs=0.01) and np.mean(bands[0]) == pytest.approx(REST_HZ, abs=WIDTH_HZ)
    assert bands[2] != pytest.approx(bands[0], abs=WIDTH_HZ)
    found = tool.advisechansel(REST_HZ - WIDTH_HZ, REST_HZ + WIDTH_HZ, WIDTH_HZ, ephemtable="e.tab", msname="mv.ms")
    assert found["start"][0] <= NCHAN // 2 - 1 and found["nchan"][0] < 8


def test_the_step_by_step_imager_follows() -> None:
    tclean(imagename="t", phasecenter="TRACKFIELD", niter=0, **PLACE)
    tool = synthesisimager()
    tool.selectdata({"msname": "mv.ms", "field": "0", "datacolumn": "data"})
    tool.defineimage({"imagename": "d", "imsize": 48, "cell": "8arcsec"}, {"tracksource": True})
    tool.makepsf()
    tool.executemajorcycle()
    tool.done()
    other = synthesisimager()
    other.setdata("mv.ms", field="0")
    other.setimage("s", 48, cellx="8arcsec", tracksource=True, trackdir="e.tab")
    assert other.getcsys()["coordsys"]["direction0"]["crval"] == pytest.approx(synthesis_centre("t.residual"), abs=1e-9)
    ours, wanted = pixels("d.residual"), pixels("t.residual")
    np.testing.assert_allclose(ours / ours.max(), wanted / wanted.max(), atol=1e-5)


def synthesis_centre(name: str) -> list[float]:
    ia = image()
    ia.open(name)
    try:
        return [float(v) for v in ia.coordsys().torecord()["direction0"]["crval"]]
    finally:
        ia.close()


def test_refused() -> None:
    with pytest.raises(ParameterError, match="radial velocity"):
        tclean(imagename="x", specmode="cubesource", niter=0, **{**PLACE, "field": "1"}, **CUBE)
    tb = table()
    tb.open("e.tab", nomodify=False)
    tb.removecols("RadVel")
    tb.done()
    with pytest.raises(ParameterError, match="no radial velocities"):
        tclean(imagename="x", specmode="cubesource", phasecenter="e.tab", niter=0, **PLACE, **CUBE)
    assert not list(Path().glob("x.*"))


def test_virtual_models_follow_the_source() -> None:
    """A model that is kept as a recipe moves with the field, as that in the column does."""
    shutil.copytree("mv.ms", "column.ms")
    found = []
    for path, kind in (("mv.ms", "virtual"), ("column.ms", "modelcolumn")):
        tclean(**{**PLACE, "vis": path}, imagename=kind, phasecenter="TRACKFIELD", niter=10, gain=0.3, savemodel=kind)
        with MeasurementSet(path) as ms:
            assert ms.has("MODEL_DATA") == (kind == "modelcolumn")
        uvsub(path)
        with MeasurementSet(path) as ms:
            rows = np.flatnonzero(ms.read("FIELD_ID") == 0)
            found.append(ms.read("DATA", rows) - ms.read("CORRECTED_DATA", rows))
    assert np.abs(found[1]).max() > 0
    np.testing.assert_allclose(*found, atol=1e-5 * np.abs(found[1]).max())
