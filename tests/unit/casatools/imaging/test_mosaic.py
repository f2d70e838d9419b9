"""Mosaics: skies seen through primary beams are recovered, predictions are the adjoint of gridding, beams and groups are right."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import j1

from casatasks import tclean
from casatools import image, table
from casatools._base.errors import DataError, ParameterError
from casatools.imaging.beam_weights import residual_divisor
from casatools.imaging.gridding import GridOptions, degrid, grid
from casatools.imaging.mosaic_windows import _span
from casatools.imaging.primary_beam import airy_power, antenna_power, beam_radius_rad, blocked_power
from support.mosaic_ms import CELL, FREQ, MOSAIC, POINTINGS, SIZE, SOURCES, C, make_mosaic, offset


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of a simulated observation spread over three pointings, with sources seen through the beams of 25 m dishes."""
    return make_mosaic(tmp_path_factory.mktemp("mosaic") / "sim.ms")


@pytest.fixture(autouse=True)
def _here(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")
    monkeypatch.chdir(tmp_path)


def pixels(name: str, mask: bool = False) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.squeeze(ia.getchunk(getmask=mask))
    finally:
        ia.close()


def at(east: float, north: float) -> tuple[int, int]:
    return SIZE // 2 - round(east), SIZE // 2 + round(north)


def test_flux_densities_are_recovered() -> None:
    record = tclean(imagename="m", niter=3000, gain=0.1, threshold="5mJy", pbcor=True, savemodel="modelcolumn", **MOSAIC)
    assert record["stopcode"] == 2
    corrected, power = pixels("m.image.pbcor"), pixels("m.pb")
    for east, north, flux in SOURCES:
        assert corrected[at(east, north)] == pytest.approx(flux, rel=1e-3)
        # Flat noise: what is in the image and the model are flux densities times the mosaic's beam.
        assert pixels("m.image")[at(east, north)] == pytest.approx(flux * power[at(east, north)], rel=0.03)
    assert pixels("m.pb").max() == pytest.approx(1.0) and not pixels("m.pb", mask=True).all()
    tb = table()
    tb.open("sim.ms")
    data, model = tb.getcol("DATA")[0], tb.getcol("MODEL_DATA")[0]
    tb.close()
    assert np.abs(model - data).mean() < 0.03 * np.abs(data).mean()


def test_spectra_of_mosaics() -> None:
    """The first term is the mosaic without terms; a slope put into the data comes back as the second."""
    slope = 1.5
    tb = table()
    tb.open("sim.ms", nomodify=False)
    data = tb.getcol("DATA") * (FREQ / 10.0e9)[None, :, None] ** slope
    tb.putcol("DATA", data.astype(np.complex64))
    tb.close()
    options: dict[str, Any] = {**MOSAIC, "weighting": "natural", "threshold": "5mJy", "savemodel": "modelcolumn"}
    record = tclean(imagename="t", deconvolver="mtmfs", nterms=2, niter=2000, pbcor=True, **options)
    assert record["iterdone"] > 50
    corrected, alpha = pixels("t.image.tt0.pbcor"), pixels("t.alpha")
    for east, north, flux in SOURCES:
        assert corrected[at(east, north)] == pytest.approx(flux, rel=0.01)
        # The beams narrow with frequency: their slope stays in the image, and is less than 0.7 at a pointing's half power.
        assert slope - 1.2 < alpha[at(east, north)] < slope + 0.1
    tb.open("sim.ms")
    model = tb.getcol("MODEL_DATA")[0]
    tb.close()
    assert np.abs(model - data[0]).mean() < 0.05 * np.abs(data).mean()
    tclean(imagename="t0", deconvolver="mtmfs", nterms=2, niter=0, **MOSAIC)
    tclean(imagename="h", niter=0, **MOSAIC)
    assert np.allclose(pixels("t0.residual.tt0"), pixels("h.residual"), atol=1e-4 * pixels("h.residual").max())
    assert np.allclose(pixels("t0.pb.tt0"), pixels("h.pb"), atol=1e-5)
    assert np.allclose(pixels("t0.weight.tt0"), pixels("h.weight"), atol=1e-5) and pixels("t0.weight.tt2").max() < 1e-3


def test_weight_image_and_normalizations() -> None:
    for name in ("flatnoise", "flatsky", "pbsquare"):
        tclean(imagename=name, niter=0, normtype=name, pblimit=0.1, **MOSAIC)
    weight, power, mask = pixels("flatnoise.weight"), pixels("flatnoise.pb"), pixels("flatnoise.pb", mask=True)
    assert power[mask] == pytest.approx(np.sqrt(weight / weight.max())[mask], rel=1e-5) and mask.sum() < mask.size
    noise, sky, square = (pixels(f"{n}.residual") for n in ("flatnoise", "flatsky", "pbsquare"))
    assert noise[mask] == pytest.approx((sky * power)[mask], abs=1e-5) and square[mask] == pytest.approx(
        (sky * power**2)[mask], abs=1e-5
    )
    assert not noise[~mask].any()
    tb = table()
    tb.open("sim.ms")
    share = np.bincount(tb.getcol("FIELD_ID"), weights=tb.getcol("WEIGHT").mean(axis=0))[:3]
    tb.close()
    x, y = at(*POINTINGS[1])
    beams = [
        antenna_power("VLA", (25.0, 25.0), np.array([np.hypot(POINTINGS[1][0] - e, POINTINGS[1][1] - n) * CELL]), 10e9)[0]
        for e, n in POINTINGS
    ]
    assert weight[x, y] == pytest.approx((share * np.square(beams)).sum() / share.sum(), rel=5e-3)
    psf = pixels("flatnoise.psf")
    assert psf[SIZE // 2, SIZE // 2] == psf.max() == 1.0


@pytest.mark.parametrize(
    ("telescope", "diameter", "outer", "inner"), [("ALMA", 12.0, 10.7, 0.75), ("ACA", 7.0, 6.25, 0.75), ("SOME", 25.0, 25.0, 0.0)]
)
def test_weights_are_the_sum_of_squared_beams_whatever_the_size(
    telescope: str, diameter: float, outer: float, inner: float
) -> None:
    """The documented annulus of each pointing, summed here; a source at half power is recovered, by images of any size (CASA: 0.96 to 0.98 of it)."""
    tb = table()
    for name, column, value in (("ANTENNA", "DISH_DIAMETER", diameter), ("OBSERVATION", "TELESCOPE_NAME", telescope)):
        tb.open(f"sim.ms/{name}", nomodify=False)
        tb.putcol(column, np.full(tb.nrows(), value))
        tb.close()

    def beam(east: float, north: float, hz: float) -> float:
        x = np.pi * np.hypot(*offset(1.0, 0.6, east, north)) * hz / C
        disk = [d * d * 2.0 * j1(d * x) / (d * x) if x and d else d * d for d in (outer, inner)]
        return float(np.square((disk[0] - disk[1]) / (outer**2 - inner**2)))

    tb.open("sim.ms/FIELD", nomodify=False)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcell(column, 0, np.array([[1.0], [0.6]]))
    tb.close()
    # Half power is at 1.616 of pi D sin(r) / lambda.
    east, north = round(1.55 / (np.pi * outer * 10e9 / C) / CELL * 0.8), round(1.55 / (np.pi * outer * 10e9 / C) / CELL * 0.6)
    power = np.array([beam(east, north, f) for f in FREQ])
    tb.open("sim.ms", nomodify=False)
    tb.putcol("FIELD_ID", np.zeros(tb.nrows(), int))
    l, m = offset(1.0, 0.6, east, north)
    w = np.sqrt(1 - l * l - m * m) - 1
    turn = np.exp(2j * np.pi * np.outer(FREQ, np.array([l, m, w]) @ tb.getcol("UVW")) / C)
    tb.putcol("DATA", np.repeat((power[:, None] * turn)[None], 2, axis=0).astype(np.complex64))
    tb.close()
    found = []
    for size in (2 * (east + 12), 256):
        tclean(imagename=f"w{size}", niter=0, pblimit=0.05, pbcor=True, **{**MOSAIC, "imsize": size})
        x, y = size // 2 - east, size // 2 + north
        weight = pixels(f"w{size}.weight")
        assert weight[x, y] == pytest.approx(np.square(power).mean(), rel=1e-3) and weight.max() == pytest.approx(1.0, abs=1e-5)
        assert pixels(f"w{size}.image.pbcor")[x, y] == pytest.approx(1.0, abs=2e-3)
        found.append(weight[size // 2 - east : size // 2 + east, size // 2 - east : size // 2 + east])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_cubes_and_weights_of_each_pointing() -> None:
    tclean(
        imagename="c",
        specmode="cube",
        outframe="TOPO",
        interpolation="nearest",
        niter=600,
        threshold="10mJy",
        pbcor=True,
        **MOSAIC,
    )
    assert pixels("c.weight").shape == (SIZE, SIZE, 3)
    for east, north, flux in SOURCES[:2]:
        assert pixels("c.image.pbcor")[at(east, north)] == pytest.approx(np.full(3, flux), rel=0.08)
    for apart in (True, False):
        tclean(imagename=f"b{apart}", niter=0, weighting="briggs", robust=-1, mosweight=apart, **MOSAIC)
    natural = tclean(imagename="n", niter=0, **MOSAIC)
    assert natural["iterdone"] == 0
    sums = [float(pixels(f"{n}.sumwt")) for n in ("bTrue", "bFalse", "n")]
    assert len(set(np.round(sums, 3))) == 3 and sums[2] > sums[0]


def uniform_sum(apart: bool) -> float:
    """The sum of uniform weights from the definition: both hands, by the weights of one, and of the conjugates, in the cell of a sample."""
    tb = table()
    tb.open("sim.ms")
    uvw, field, weight = tb.getcol("UVW"), tb.getcol("FIELD_ID"), tb.getcol("WEIGHT").sum(axis=0)
    tb.done()
    places = uvw[:2, :, None] * (FREQ / C) * SIZE * CELL
    cells = [np.floor(sign * places * np.array([-1, 1])[:, None, None]).astype(int).reshape(2, -1) for sign in (1, -1)]
    group, each = np.repeat(field * apart, len(FREQ)), np.repeat(weight, len(FREQ))
    keys = np.concatenate([np.stack([group, *c]) for c in cells], axis=1)
    number = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
    return float((each / np.bincount(number, np.tile(each / 2, 2))[number[: len(each)]]).sum())


@pytest.mark.parametrize("gridder", ["mosaic", "mosaicft", "ftmosaic"])
def test_all_names_of_the_gridder_weight_fields_apart(gridder: str) -> None:
    for apart in (True, False):
        tclean(imagename=f"u{apart}", niter=0, weighting="uniform", mosweight=apart, **MOSAIC | {"gridder": gridder})
    sums = [float(pixels(f"u{apart}.sumwt")) for apart in (True, False)]
    assert sums == pytest.approx([uniform_sum(True), uniform_sum(False)], rel=0.03)
    assert sums[0] > 1.3 * sums[1]


def test_flat_skies_are_divided_as_far_as_the_beam_is_above_the_limit() -> None:
    gain = np.linspace(0.0, 1.0, 201, dtype=np.float32)[None]
    divisor = residual_divisor(4 * gain**2, "flatsky", 0.1)
    np.testing.assert_array_equal(np.isfinite(divisor)[np.abs(gain - 0.1) > 1e-3], (gain > 0.1)[np.abs(gain - 0.1) > 1e-3])
    np.testing.assert_allclose(divisor[gain > 0.11], (4 * gain**2)[gain > 0.11], rtol=1e-6)


def test_the_same_call_gives_the_same_bits() -> None:
    """Windows that are gridded in threads are added in the order of the pointings."""
    for name in ("s0", "s1", "s2"):
        tclean(imagename=name, specmode="mfs", niter=60, gain=0.2, cycleniter=20, **MOSAIC)
    for kind in ("residual", "model"):
        assert len({pixels(f"{name}.{kind}").tobytes() for name in ("s0", "s1", "s2")}) == 1


def test_conjugate_beams_of_a_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("casatools.imaging.tclean_data.log.post", lambda text, *_: said.append(text))
    for name, conjugate in (("k0", False), ("k1", True)):
        tclean(imagename=name, specmode="cube", conjbeams=conjugate, niter=0, **MOSAIC)
    assert pixels("k0.residual") == pytest.approx(pixels("k1.residual"), abs=1e-6)
    assert len([text for text in said if "conjbeams=True changes nothing" in text]) == 1


def test_going_on_and_an_outlier() -> None:
    tclean(imagename="r", niter=20, **MOSAIC)
    first = pixels("r.model").sum()
    tclean(imagename="r", niter=20, calcpsf=False, **MOSAIC)
    tclean(imagename="w", niter=40, nmajor=5, **MOSAIC)
    assert pixels("r.model").sum() > first
    Path("o.txt").write_text("imagename=o\nimsize=[48,48]\nphasecenter=J2000 1.0rad 0.6rad\ngridder=standard\n")
    tclean(imagename="v", niter=5, outlierfile="o.txt", **{**MOSAIC, "phasecenter": "J2000 1.01rad 0.6rad"})
    assert pixels("o.model").any()


def test_windows_are_parts_of_the_whole() -> None:
    rng = np.random.default_rng(1)
    uvw, freq = rng.normal(size=(200, 3)) * 150, np.array([1e9, 1.1e9])
    vis = (rng.normal(size=(200, 2)) + 1j * rng.normal(size=(200, 2))).astype(np.complex64)
    weight = rng.uniform(0.5, 1, (200, 2)).astype(np.float32)
    whole = grid(uvw, freq, vis, weight, GridOptions((128, 96), (3e-5, 3e-5), epsilon=1e-6))
    options = GridOptions((64, 48), (3e-5, 3e-5), epsilon=1e-6, offset=(20 + 32 - 64, 40 + 24 - 48))
    part = grid(uvw, freq, vis, weight, options)
    assert np.abs(part - whole[40:88, 20:84]).max() < 2e-5 * np.abs(whole).max()
    model = rng.normal(size=(48, 64)).astype(np.float32)
    predicted = degrid(uvw, freq, model, None, options)
    left, right = (predicted.conj() * vis * weight).sum().real, (model * part).sum()
    assert left == pytest.approx(right, rel=1e-4)
    assert _span(10.0, 30.0, 128) == (0, 48) and _span(120.0, 5.0, 128) == (80, 128) and _span(300.0, 5.0, 128) == (0, 0)
    low, high = _span(64.0, 30.5, 128)
    assert (high - low) % 2 == 0 and low <= 33 and high >= 95


def test_beams_of_antennas() -> None:
    radius = np.linspace(0, 3e-4, 50)
    assert antenna_power("ALMA", (12.0, 12.0), radius, 1e11)[0] == 1.0
    x = np.pi * 10.7 * radius * 1e11 / C
    assert antenna_power("ALMA", (12.0, 12.0), radius, 1e11) == pytest.approx(blocked_power(x, 0.75 / 10.7))
    assert blocked_power(x, 1e-6) == pytest.approx(airy_power(x), abs=1e-6)
    small, large = (antenna_power("ALMA", (d, d), radius, 1e11) for d in (7.0, 12.0))
    assert antenna_power("ALMA", (7.0, 12.0), radius, 1e11) == pytest.approx(np.sqrt(small * large))
    narrow = np.linspace(0, 1e-3, 20)
    assert antenna_power("VLA", (25.0, 25.0), narrow, 1e10) == pytest.approx(airy_power(np.pi * 25.0 * narrow * 1e10 / C))
    for telescope, diameters in (("ALMA", (7.0, 12.0)), ("VLA", (25.0, 25.0))):
        reach = beam_radius_rad(telescope, diameters, 1e11)
        assert antenna_power(telescope, diameters, np.array([1.01 * reach]), 1e11)[0] == 0.0
        assert antenna_power(telescope, diameters, np.array([0.9 * reach]), 1e11)[0] > 0.0


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"normtype": "flat"}, ParameterError, "normtype"),
        ({"conjbeams": True, "gridder": "standard"}, ParameterError, "conjbeams"),
        ({"usepointing": True, "gridder": "standard"}, ParameterError, "usepointing"), ({"usepointing": True}, DataError, "POINTING"),
        ({"usepointing": True, "pointingoffsetsigdev": [1.0, -2.0]}, ParameterError, "pointingoffsetsigdev"),
        ({"gridder": "awproject", "aterm": False}, ParameterError, "aterm"), ({"gridder": "awp2", "computepastep": 0.0}, ParameterError, "computepastep"),
    ],
)  # fmt: skip
def test_refused(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        tclean(imagename="x", niter=0, **{**MOSAIC, **given})
    assert not list(Path().glob("x.*"))


def test_one_hand_alone_counts_where_both_have_one_beam() -> None:
    """pseudoI of A-projection takes samples of which one hand is flagged; I does not."""
    tb = table()
    tb.open("sim.ms/OBSERVATION", nomodify=False)
    tb.putcol("TELESCOPE_NAME", np.array(["ALMA"]))
    tb.done()
    tb.open("sim.ms", nomodify=False)
    flags = tb.getcol("FLAG")
    flags[0, :, ::3] = True
    tb.putcol("FLAG", flags)
    tb.done()
    sums = {}
    for gridder in ("awproject", "mosaic"):
        for stokes in ("I", "pseudoI"):
            name = f"{gridder}-{stokes}"
            tclean(imagename=name, niter=0, **{**MOSAIC, "gridder": gridder, "stokes": stokes})
            sums[name] = (pixels(f"{name}.sumwt").sum(), pixels(f"{name}.residual"))
    assert sums["awproject-pseudoI"][0] == pytest.approx(1.5 * sums["awproject-I"][0], rel=1e-2)
    assert sums["awproject-pseudoI"][0] == pytest.approx(sums["mosaic-pseudoI"][0], rel=1e-6)
    # A-projection has the beam of each channel, of a peak of 2.
    np.testing.assert_allclose(sums["awproject-pseudoI"][1], sums["mosaic-pseudoI"][1], atol=4e-3)
