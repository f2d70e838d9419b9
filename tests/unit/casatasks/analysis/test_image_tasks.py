"""imstat, imval and immoments against sums written out, on a cube with a known line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatasks import immoments, imstat, imval
from casatools import image, regionmanager
from casatools._base.errors import OutputExistsError, ParameterError, SelectionError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.images import pixels

NX, NY, NCHAN = 12, 10, 20
REST_HZ, FIRST_HZ, STEP_HZ = 1.42e9, 1.4195e9, 50e3
C_KM_S = 299792.458


@pytest.fixture
def cube() -> np.ndarray:
    """``line.im``: (x, y, stokes, chan), a Gaussian line whose centre moves with x, and noise."""
    rng = np.random.default_rng(5)
    chan = np.arange(NCHAN)
    centre = 8.0 + 0.3 * np.arange(NX)
    line = 2.0 * np.exp(-0.5 * ((chan - centre[:, None]) / 2.0) ** 2)
    values = np.broadcast_to(line[:, None, None, :], (NX, NY, 1, NCHAN)) + rng.normal(scale=0.01, size=(NX, NY, 1, NCHAN))
    values = values.astype(np.float32)
    ia = image()
    ia.fromshape("line.im", [NX, NY, 1, NCHAN])
    cs = ia.coordsys()
    cs.setreferencevalue([FIRST_HZ], type="spectral")
    cs.setreferencepixel([0.0], type="spectral")
    cs.setincrement([STEP_HZ], type="spectral")
    cs.setrestfrequency(REST_HZ)
    ia.setcoordsys(cs.torecord())
    ia.putchunk(values)
    ia.setbrightnessunit("Jy/beam")
    ia.setrestoringbeam("3arcmin", "2arcmin", "10deg")
    ia.close()
    return values


def velocity_km_s() -> np.ndarray:
    return C_KM_S * (1.0 - (FIRST_HZ + STEP_HZ * np.arange(NCHAN)) / REST_HZ)


def test_statistics(cube: np.ndarray) -> None:
    found = imstat("line.im")
    assert found["npts"][0] == cube.size
    for name, value in {
        "sum": cube.sum(dtype=float), "sumsq": np.square(cube, dtype=float).sum(), "min": cube.min(), "max": cube.max(),
        "mean": cube.mean(dtype=float), "sigma": cube.astype(float).std(ddof=1), "rms": np.sqrt(np.square(cube, dtype=float).mean()),
        "medabsdevmed": np.median(np.abs(cube - np.median(cube))),
    }.items():  # fmt: skip
        assert found[name][0] == pytest.approx(float(value), rel=2e-4), name
    assert tuple(found["maxpos"]) == np.unravel_index(cube.argmax(), cube.shape)
    assert list(found["blc"]) == [0, 0, 0, 0] and list(found["trc"]) == [NX - 1, NY - 1, 0, NCHAN - 1]


def test_statistics_of_planes_boxes_and_masks(cube: np.ndarray) -> None:
    found = imstat("line.im", axes=[0, 1], chans="3~6")
    assert np.allclose(found["max"], cube[:, :, 0, 3:7].max(axis=(0, 1)))
    part = imstat("line.im", box="2,3,5,7", chans="8")
    assert part["npts"][0] == 20
    assert part["sum"][0] == pytest.approx(cube[2:6, 3:8, 0, 8].sum(), rel=1e-5)
    ia, rg = image(), regionmanager()
    ia.open("line.im")
    record = rg.frombcs(ia.coordsys().torecord(), ia.shape(), box="2,3,5,7", chans="8")
    ia.done()
    assert imstat("line.im", region=record)["sum"] == part["sum"]  # scripts pass records of the region manager
    Path("r.crtf").write_text("#CRTFv0\nglobal range=[8chan,8chan]\nbox[[2pix,3pix],[5pix,7pix]]\n")
    assert imstat("line.im", region="r.crtf")["npts"] == part["npts"]  # a range of all regions of a file
    bright = imstat("line.im", mask='"line.im" > 1')
    assert bright["npts"][0] == np.count_nonzero(cube > 1)
    assert bright["min"][0] > 1


def test_flux_is_the_sum_over_beam_areas(cube: np.ndarray) -> None:
    found = imstat("line.im", chans="8")
    area = np.pi / (4 * np.log(2)) * 3.0 * 2.0  # arcmin^2; pixels are one arcmin
    assert found["flux"][0] == pytest.approx(cube[..., 8].sum() / area, rel=1e-5)


def test_statistics_in_a_file(cube: np.ndarray) -> None:
    imstat("line.im", logfile="stat.txt")
    imstat("line.im", logfile="stat.txt", append=True)
    with open("stat.txt", encoding="utf-8") as stream:
        assert stream.read().count("Statistics calculated using Classic algorithm") == 2
    imstat("line.im", logfile="stat.txt", append=False)
    with open("stat.txt", encoding="utf-8") as stream:
        assert stream.read().count("Statistics calculated using Classic algorithm") == 1


def test_values(cube: np.ndarray) -> None:
    found = imval("line.im", box="2,3,4,6", chans="7")
    assert found["unit"] == "Jy/beam" and found["data"].shape == (3, 4)
    assert np.array_equal(found["data"], cube[2:5, 3:7, 0, 7])
    assert found["mask"].all()
    spectrum = imval("line.im", box="4,5,4,5")
    assert np.array_equal(spectrum["data"], cube[4, 5, 0])
    assert np.allclose(spectrum["coords"][:, 3], FIRST_HZ + STEP_HZ * np.arange(NCHAN))
    beside = imval("line.im", region="circle[[1pix,1pix],2pix]", box="4,5,4,5")
    assert np.array_equal(beside["data"], spectrum["data"]) and beside["blc"] == spectrum["blc"]


def test_moments_are_the_sums(cube: np.ndarray) -> None:
    immoments("line.im", moments=[0, 1, 2, 8], outfile="m", includepix=[0.5, 100])
    values = np.where(cube[:, :, 0] >= 0.5, cube[:, :, 0], 0).astype(float)
    velocity = velocity_km_s()
    width = abs(velocity[1] - velocity[0])
    total = values.sum(axis=2)
    first = (values * velocity).sum(axis=2) / total
    second = np.sqrt((values * (velocity - first[..., None]) ** 2).sum(axis=2) / total)
    assert np.allclose(pixels("m.integrated"), total * width, rtol=1e-5)
    assert np.allclose(pixels("m.weighted_coord"), first, rtol=1e-6)
    assert np.allclose(pixels("m.weighted_dispersion_coord"), second, rtol=1e-3)
    assert np.allclose(pixels("m.maximum"), values.max(axis=2))
    # The line's centre moves by 0.3 channels a pixel: so does the velocity field.
    assert np.allclose(np.diff(first.mean(axis=1)), -0.3 * width, atol=0.12 * width)


def test_one_moment_takes_the_name_itself(cube: np.ndarray) -> None:
    immoments("line.im", moments=[0], chans="5~9", outfile="five")
    width = abs(np.diff(velocity_km_s()[:2])[0])
    assert np.allclose(pixels("five"), cube[:, :, 0, 5:10].sum(axis=2) * width, rtol=1e-5)
    ia = image()
    ia.open("five")
    assert ia.brightnessunit() == "Jy/beam.km/s"
    ia.close()


def test_refusals(cube: np.ndarray) -> None:
    immoments("line.im", moments=[0], outfile="there")
    with pytest.raises(OutputExistsError, match="there"):
        immoments("line.im", moments=[0], outfile="there")
    with pytest.raises(ParameterError, match="outfile"):
        immoments("line.im", moments=[0])
    with pytest.raises(ParameterError, match="clmethod"):
        imstat("line.im", clmethod="magic")
    with pytest.raises(ParameterError, match="algorithm"):
        imstat("line.im", algorithm="magic")
    with pytest.raises(SelectionError, match="box"):
        imval("line.im", box="1,2,3")
    with pytest.raises(SelectionError):
        imstat("line.im", box="100,100,120,120")
    with pytest.raises(SelectionError):
        imstat("line.im", chans="50~60")
    assert not os.path.exists("m.integrated")


def test_fluxes_over_channels_are_integrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other axes are summed over, a sum over channels is times their width, as in CASA; of several polarizations there is no flux."""
    monkeypatch.chdir(tmp_path)
    arcsec = np.pi / 648000
    hz = 1.42e9 + 1.2e5 * np.arange(5)
    coordinates = make_image_coordinates((6, 4), (2 * arcsec,) * 2, (1.0, 0.5), hz, stokes=["I", "Q"], rest_frequency_hz=1.4204e9)
    values = np.random.default_rng(2).normal(size=(5, 2, 4, 6))
    with CasaImage.create("f.im", values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.single(Beam.from_rad(6 * arcsec, 4 * arcsec, 0.0))
    area, width = np.pi * 6 * 4 / (4 * np.log(2)) / 4, 1.2e5 / 1.4204e9 * 299792.458
    values = values.astype(np.float32).astype(np.float64)
    assert np.allclose(imstat("f.im", axes=[0, 1])["flux"], values.sum(axis=(2, 3)).T / area, rtol=1e-5)
    assert np.allclose(imstat("f.im", axes=[0, 1, 3])["flux"], values.sum(axis=(0, 2, 3)) / area * width, rtol=1e-5)
    assert np.allclose(imstat("f.im", axes=[1, 3])["flux"], values.sum(axis=(0, 2)).T / area * width, rtol=1e-5)
    assert np.allclose(imstat("f.im", axes=[1, 3], chans="2")["flux"], values[2].sum(axis=1).T / area, rtol=1e-5)
    assert "flux" not in imstat("f.im", axes=[0, 2])
    with CasaImage.open("f.im", writable=True) as opened:
        opened.beams = BeamSet.per_plane([[Beam.from_rad(6 * arcsec, 4 * arcsec, 0.0)] * 2] * 5)
    assert "flux" not in imstat("f.im", axes=[0, 1, 3]) and "flux" in imstat("f.im", axes=[0, 1])


def test_moments_along_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coordinates are those of the sky, as in CASA, without a jump at right ascension 0."""
    monkeypatch.chdir(tmp_path)
    coordinates = make_image_coordinates((9, 5), (1e-5, 1e-5), (0.0, 1.0), 1.4e9 + 1e5 * np.arange(3), stokes=["I"])
    values = np.ones((3, 1, 5, 9), np.float32)
    values[..., 2] = 5.0
    with CasaImage.create("d.im", values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        x = coordinates.to_world(
            np.array([np.arange(9.0), np.full(9, coordinates.reference_pixel[1]), np.zeros(9), np.zeros(9)])
        )[0]
    x = (x + np.pi) % (2 * np.pi) - np.pi
    immoments("d.im", [0, 1, 9], axis=0, outfile="m")
    for suffix, expected, unit in (
        ("integrated", 13e-5, "Jy/beam.rad"), ("weighted_coord", (x.sum() + 4 * x[2]) / 13, "rad"), ("maximum_coord", x[2], "rad"),
    ):  # fmt: skip
        with CasaImage.open(f"m.{suffix}") as found:
            assert np.allclose(found.read(), expected, rtol=1e-5, atol=1e-9), suffix
            assert found.unit == unit


def test_moments_of_chosen_channels_have_the_beam_of_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes that are left out have no say in the beam that the others are smoothed to."""
    monkeypatch.chdir(tmp_path)
    cell = np.pi / 648000
    coordinates = make_image_coordinates(
        (16, 12), (cell, cell), (1.0, 0.5), 1.4e9 + 1e5 * np.arange(4), stokes=["I"], rest_frequency_hz=1.4e9
    )
    values = np.random.default_rng(2).normal(size=(4, 1, 12, 16)).astype(np.float32)
    with CasaImage.create("b.im", values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.per_plane([[Beam(9.0, 8.0, 10.0)], *[[Beam(5.0, 4.0, 20.0)]] * 3])
    immoments("b.im", [0], chans="1~3", outfile="m")
    width = 1e5 / 1.4e9 * C_KM_S
    with CasaImage.open("m") as found:
        assert found.beams.at().major_arcsec == pytest.approx(5.0) and found.beams.at().minor_arcsec == pytest.approx(4.0)
        assert np.allclose(np.squeeze(found.read()), values[1:, 0].sum(axis=0) * width, rtol=1e-4, atol=1e-4)
    immoments("b.im", [0], outfile="all")
    with CasaImage.open("all") as found:
        assert found.beams.at().major_arcsec == pytest.approx(9.0)


def test_statistics_are_listed_as_by_the_reference(cube: np.ndarray) -> None:
    """Columns of CASA's file: units, places of planes, numbers; without `listit` the table alone."""
    imstat("line.im", axes=[0, 1], chans="1~2;5", logfile="planes.txt")
    lines = Path("planes.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Statistics calculated using Classic algorithm" and lines[2].endswith("[blc]:  [0, 0, 0, 1]")
    head = next(k for k, line in enumerate(lines) if "Npts" in line and line.startswith("# "))
    assert lines[head].split()[-7:] == ["Npts", "Sum", "Mean", "Rms", "Std_dev", "Minimum", "Maximum"]
    rows = [line.split() for line in lines[head + 1 :] if line]
    found = imstat("line.im", axes=[0, 1], chans="1~2;5")
    assert [row[1] for row in rows] == ["1", "2", "5"] and np.allclose([float(r[3]) for r in rows], found["sum"], rtol=1e-6)
    imstat("line.im", logfile="table.txt", listit=False, verbose=False)
    table = Path("table.txt").read_text().splitlines()
    assert table[0] == "#Sum column unit = Jy/beam" and float(table[-2].split()[1]) == pytest.approx(
        cube.sum(dtype=float), rel=1e-6
    )
    imstat("line.im", mask="line.im > 1e9", logfile="none.txt")
    assert "# No pixels are usable" in Path("none.txt").read_text()


def test_minus_one_is_the_whole_plane_and_moments_along_polarization_are_numbers(cube: np.ndarray) -> None:
    assert np.array_equal(imval("line.im", box="-1,-1")["data"].reshape(cube.shape), cube)
    immoments("line.im", moments=[0], axis="stokes", outfile="sum.im")
    assert np.allclose(pixels("sum.im"), cube[:, :, 0], rtol=1e-5)
