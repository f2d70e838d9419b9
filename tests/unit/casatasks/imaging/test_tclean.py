"""tclean against direct Fourier sums and a known sky; its images, masks, restarts and models."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from casatasks import deconvolve, flagdata, imhead, tclean
from casatools import image, table
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0
CELL_ARCSEC, SIZE = 12.0, 64
CELL = np.deg2rad(CELL_ARCSEC / 3600)
FIELD = {"vis": "sim.ms", "field": "0", "imsize": SIZE, "cell": f"{CELL_ARCSEC}arcsec", "specmode": "mfs"}
PLACE, FLUX = (36, 27), 2.5  # pixel (x, y) and flux density [Jy] of the source put in


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A point source off the centre, with noise, in field 0."""
    path = tmp_path_factory.mktemp("tclean") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=5, cycles=1, nchan=5))
    tb = table()
    tb.open(str(path), nomodify=False)
    uvw, weight = tb.getcol("UVW"), tb.getcol("WEIGHT")
    spw = table()
    spw.open(str(path / "SPECTRAL_WINDOW"))
    freq = spw.getcol("CHAN_FREQ")[:, 0]
    spw.close()
    east, north = -(PLACE[0] - SIZE // 2) * CELL, (PLACE[1] - SIZE // 2) * CELL
    turn = np.exp(2j * np.pi * np.outer(freq, uvw[0] * east + uvw[1] * north) / C)
    rng = np.random.default_rng(3)
    noise = rng.normal(scale=0.05, size=(2, *turn.shape, 2))
    tb.putcol("DATA", (FLUX * turn + noise[..., 0] + 1j * noise[..., 1]).astype(np.complex64))
    tb.putcol("WEIGHT", rng.uniform(0.5, 2.0, weight.shape[1]) * np.ones((2, 1)))
    tb.close()
    return path


@pytest.fixture(autouse=True)
def _data(simulated: Path, tmp_path: Path) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")


def pixels(name: str, mask: bool = False) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.squeeze(ia.getchunk(getmask=mask))
    finally:
        ia.close()


def field_data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """uvw (3, row), Stokes I data (chan, row), weights (row,), frequencies of field 0."""
    tb = table()
    tb.open("sim.ms")
    rows = tb.getcol("FIELD_ID") == 0
    data, uvw, weight = tb.getcol("DATA")[..., rows], tb.getcol("UVW")[:, rows], tb.getcol("WEIGHT")[:, rows]
    tb.close()
    tb.open("sim.ms/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, 0]
    tb.close()
    return uvw, data.mean(axis=0), weight.mean(axis=0), freq


def test_sums_of_weights_are_those_that_the_reference_defines() -> None:
    """Of Stokes I alone both hands count, of all other planes each sample once (CASA 6.7: 2628 and 1314 for the same data)."""
    weight = field_data()[2].sum() * 5
    for stokes, planes, hands in (("I", 1, 2), ("V", 1, 1), ("IV", 2, 1), ("RR", 1, 1), ("RRLL", 2, 1)):
        tclean(imagename=f"w{stokes}", niter=0, stokes=stokes, restoration=False, **FIELD)
        assert pixels(f"w{stokes}.sumwt").ravel() == pytest.approx([hands * weight] * planes, rel=1e-5), stokes


def test_dirty_image_is_the_direct_sum() -> None:
    record = tclean(imagename="d", niter=0, weighting="natural", **FIELD)
    assert record["iterdone"] == 0
    uvw, data, weight, freq = field_data()
    found = pixels("d.residual")
    for x, y in [PLACE, (10, 50), (32, 32), (40, 20), (20, 33)]:
        east, north = -(x - SIZE // 2) * CELL, (y - SIZE // 2) * CELL
        turn = np.exp(-2j * np.pi * np.outer(freq, uvw[0] * east + uvw[1] * north) / C)
        expected = (weight * data * turn).real.sum() / (weight.sum() * len(freq))
        assert found[x, y] == pytest.approx(expected, abs=1e-5 * FLUX)
    # Both parallel hands count in the sum of the weights, as the reference writes it.
    assert pixels("d.sumwt") == pytest.approx(2 * weight.sum() * len(freq), rel=1e-5)
    psf = pixels("d.psf")
    assert psf.max() == psf[SIZE // 2, SIZE // 2] == 1.0
    assert not pixels("d.model").any()


def test_clean_recovers_the_source() -> None:
    record = tclean(imagename="c", niter=200, threshold="20mJy", weighting="briggs", robust=0.5, pbcor=True, **FIELD)
    assert record["stopcode"] == 2 and 0 < record["iterdone"] < 200
    restored, model, residual = pixels("c.image"), pixels("c.model"), pixels("c.residual")
    assert np.unravel_index(restored.argmax(), restored.shape) == PLACE
    assert restored.max() == pytest.approx(FLUX, abs=0.02)
    assert model.sum() == pytest.approx(FLUX, abs=0.03)
    assert np.abs(residual).max() <= 0.021
    beam = imhead("c.image", mode="get", hdkey="beammajor")
    assert beam["unit"] == "arcsec" and 30 < beam["value"] < 90
    assert imhead("c.image", mode="get", hdkey="bunit") == "Jy/beam"
    assert imhead("c.model", mode="get", hdkey="bunit") == "Jy/pixel"
    power, corrected, good = pixels("c.pb"), pixels("c.image.pbcor"), pixels("c.image.pbcor", mask=True)
    assert power[SIZE // 2, SIZE // 2] == pytest.approx(1.0, abs=1e-3)
    assert np.allclose(corrected[good], (restored / np.where(power > 0, power, 1))[good], rtol=1e-5)
    # Restored is model convolved with the beam, plus the residual: far from the source just the residual.
    assert np.allclose(restored[:16, :16], residual[:16, :16], atol=1e-4)


@pytest.mark.parametrize("deconvolver", ["hogbom", "clark", "multiscale"])
def test_deconvolvers_agree(deconvolver: str) -> None:
    tclean(imagename="m", niter=300, threshold="25mJy", deconvolver=deconvolver, scales=[0, 4], **FIELD)
    assert pixels("m.image").max() == pytest.approx(FLUX, abs=0.04)


def test_a_mask_confines_the_model() -> None:
    """The circle is away from the source: nothing outside of it is cleaned."""
    tclean(imagename="k", niter=50, mask="circle[[12pix,50pix],5pix]", **FIELD)
    model, mask = pixels("k.model"), pixels("k.mask")
    x, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij")
    inside = np.hypot(x - 12, y - 50) <= 5
    assert np.array_equal(mask != 0, inside)
    assert not model[~inside].any() and model.any()


def test_restart_goes_on_and_restart_false_begins_anew() -> None:
    first = tclean(imagename="r", niter=4, **FIELD)
    before = pixels("r.model").sum()
    second = tclean(imagename="r", niter=4, **FIELD)
    assert first["iterdone"] == second["iterdone"] == 4
    assert pixels("r.model").sum() > before
    again = tclean(imagename="r", niter=4, restart=False, **FIELD)
    assert again["iterdone"] == 4
    assert pixels("r_2.model").sum() == pytest.approx(before, rel=1e-4)
    with pytest.raises(DataError, match="shape"):
        tclean(imagename="r", niter=4, **{**FIELD, "imsize": 80})
    with pytest.raises(DataError, match="other pixels on the sky"):
        tclean(imagename="r", niter=4, **{**FIELD, "cell": "7arcsec"})
    with pytest.raises(DataError, match="other pixels on the sky"):
        tclean(imagename="r", niter=4, phasecenter="J2000 13h33m00s +30d50m00s", **FIELD)


def test_a_cube_of_other_channels_is_not_gone_on_from() -> None:
    cube = {**FIELD, "specmode": "cube", "nchan": 2, "width": 1}
    tclean(imagename="rc", niter=4, start=1, **cube)
    with pytest.raises(DataError, match="other channels than this run makes"):
        tclean(imagename="rc", niter=4, start=4, **cube)
    with pytest.raises(DataError, match="other channels than this run makes"):
        tclean(imagename="rc", niter=4, start=1, outframe="TOPO", **cube)
    with pytest.raises(DataError, match=r"other directions \(J2000\)"):
        tclean(imagename="rc", niter=4, start=1, phasecenter="B1950 13h30m00s +30d50m00s", **cube)


def test_a_mask_that_was_made_is_kept() -> None:
    """A person may have drawn it: another is refused, the same call goes on."""
    given = {**FIELD, "niter": 4, "mask": "circle[[36pix,27pix],5pix]", "imagename": "k"}
    tclean(**given)
    before = pixels("k.model")
    assert tclean(**given)["iterdone"] == 4 and pixels("k.model").sum() > before.sum()
    before = pixels("k.model")
    with pytest.raises(ParameterError, match=r"k\.mask of an earlier run"):
        tclean(**{**given, "mask": "circle[[30pix,27pix],5pix]"})
    assert np.array_equal(pixels("k.model"), before)
    assert tclean(**{**given, "mask": ""})["iterdone"] == 4
    assert pixels("k.mask").sum() == pytest.approx(80, abs=2)


def test_no_residual_that_was_not_computed() -> None:
    tclean(imagename="p", niter=0, calcres=False, **FIELD)
    assert sorted(n for n in os.listdir() if n.startswith("p.")) == ["p.pb", "p.psf", "p.sumwt"]


ODD = {"imsize": [63, 47], "niter": 1, "gain": 1.0}
ODD_PLACE = (31 + PLACE[0] - SIZE // 2, 23 + PLACE[1] - SIZE // 2)


@pytest.mark.parametrize(
    "own",
    [
        {}, {"imsize": [63, 48]}, {"gridder": "mosaic", "pblimit": -0.1}, {"gridder": "awproject", "cfcache": "c.cf", "pblimit": -0.1},
        {"gridder": "widefield", "facets": 3, "wprojplanes": 4}, {"specmode": "cube", "nchan": 2, "deconvolver": "clark"},
        {"deconvolver": "multiscale", "scales": [0, 4]}, {"deconvolver": "asp", "fusedthreshold": 0.0}, {"usemask": "auto-multithresh", "minbeamfrac": 0.0},
    ],
    ids=lambda own: "-".join(str(v) for v in own.values()) or "standard",
)  # fmt: skip
def test_odd_sizes_are_kept(own: dict[str, Any]) -> None:
    """The phase centre is at the pixel ``n // 2``, and restored components stand where the source is."""
    named = {**FIELD, **ODD, **own}
    nx, ny = named["imsize"]
    tclean(imagename="q", **named)
    model, left, psf = pixels("q.model"), pixels("q.residual"), pixels("q.psf")
    image = pixels("q.image") - left
    source = (ODD_PLACE[0], ODD_PLACE[1] + ny // 2 - 23)
    assert image.shape[:2] == (nx, ny)
    for found, place in ((model, source), (image, source), (psf, (nx // 2, ny // 2))):
        for plane in np.moveaxis(np.atleast_3d(found), 2, 0):
            assert np.unravel_index(plane.argmax(), plane.shape) == place


def test_odd_outliers_start_models_and_restarts() -> None:
    """An outlier of its own size holds a source that the main image does not; a model on even pixels starts one on odd ones, and a run goes on."""
    (Path("o.txt")).write_text("imagename=o\nimsize=[31,25]\nphasecenter=J2000 1.0rad 0.6rad\n", encoding="utf-8")
    tclean(imagename="e", niter=100, **FIELD)
    tclean(imagename="q", startmodel="e.model", outlierfile="o.txt", **{**FIELD, **ODD, "niter": 10})
    assert pixels("o.image").shape == (31, 25)
    tclean(imagename="q", calcpsf=False, calcres=False, **{**FIELD, **ODD, "niter": 5})
    image, model = pixels("q.image"), pixels("q.model")
    assert np.unravel_index(image.argmax(), image.shape) == ODD_PLACE
    np.testing.assert_allclose([image.max(), model[33:38, 16:21].sum()], FLUX, rtol=0.05)
    deconvolve(imagename="q", niter=5)
    assert pixels("q.image").shape == (63, 47)


def test_one_channel_has_no_bandwidth_to_taper() -> None:
    cube: dict[str, Any] = {**FIELD, "specmode": "cube", "nchan": 1, "niter": 0, "perchanweightdensity": True, "robust": 0.0}
    tclean(imagename="u", weighting="briggsbwtaper", **cube)
    tclean(imagename="v", weighting="briggs", **cube)
    assert pixels("u.psf") == pytest.approx(pixels("v.psf"), abs=1e-3)


def test_the_plane_along_the_pole_is_a_slant_of_sin() -> None:
    tclean(imagename="n", niter=0, projection="NCP", **FIELD)
    ia = image()
    ia.open("n.image")
    axes = ia.coordsys()
    ia.done()
    found, (_, latitude) = axes.projection(), axes.referencevalue("n")["numeric"][:2]
    assert found["type"] == "SIN" and found["parameters"] == pytest.approx([0.0, 1.0 / np.tan(latitude)])


def test_start_model() -> None:
    tclean(imagename="a", niter=100, threshold="25mJy", **FIELD)
    tclean(imagename="b", niter=0, startmodel="a.model", **FIELD)
    assert np.allclose(pixels("b.residual"), pixels("a.residual"), atol=1e-4)
    # On another grid the model is the same sky.
    tclean(imagename="c", niter=0, startmodel="a.model", **{**FIELD, "imsize": SIZE + 20})
    assert np.abs(pixels("c.residual")).max() < 2.0 * np.abs(pixels("a.residual")).max()
    with pytest.raises(ParameterError, match="startmodel"):
        tclean(imagename="a", niter=0, startmodel="a.model", **FIELD)


def test_the_model_column_is_the_transform_of_the_model() -> None:
    tclean(imagename="s", niter=10, savemodel="modelcolumn", **FIELD)
    uvw, _, _, freq = field_data()
    model = pixels("s.model")
    expected = np.zeros((len(freq), uvw.shape[1]), complex)
    for x, y in zip(*np.nonzero(model), strict=True):
        east, north = -(x - SIZE // 2) * CELL, (y - SIZE // 2) * CELL
        expected += model[x, y] * np.exp(2j * np.pi * np.outer(freq, uvw[0] * east + uvw[1] * north) / C)
    tb = table()
    tb.open("sim.ms")
    column = tb.getcol("MODEL_DATA")[..., tb.getcol("FIELD_ID") == 0]
    tb.close()
    assert np.allclose(column[0], expected, atol=1e-4 * FLUX)
    assert np.array_equal(column[0], column[1])


def test_cube_channels_and_weights() -> None:
    arguments: dict[str, Any] = {**FIELD, "specmode": "cube", "outframe": "TOPO", "interpolation": "nearest"}
    tclean(imagename="q", niter=0, weighting="natural", start=1, nchan=3, **arguments)
    ia = image()
    ia.open("q.residual")
    shape, coordinates = list(ia.shape()), ia.coordsys()
    ia.close()
    assert shape == [SIZE, SIZE, 1, 3]
    _, data, weight, freq = field_data()
    assert coordinates.referencevalue(type="spectral")["numeric"][0] == pytest.approx(freq[1], rel=1e-9)
    assert coordinates.increment(type="spectral")["numeric"][0] == pytest.approx(freq[2] - freq[1], rel=1e-9)
    centre = pixels("q.residual")[SIZE // 2, SIZE // 2]
    expected = [(weight * data[k]).real.sum() / weight.sum() for k in (1, 2, 3)]
    assert np.allclose(centre, expected, atol=1e-5 * FLUX)


def test_a_channel_without_data_is_blank_and_the_others_are_made() -> None:
    flagdata(vis="sim.ms", spw="0:2", flagbackup=False)
    arguments: dict[str, Any] = {**FIELD, "specmode": "cube", "outframe": "TOPO", "interpolation": "nearest"}
    tclean(imagename="e", niter=20, **arguments)
    residual, sums = pixels("e.residual"), pixels("e.sumwt")
    assert sums[2] == 0 and (sums[[0, 1, 3, 4]] > 0).all()
    assert not residual[..., 2].any() and all(residual[..., k].any() for k in (0, 1, 3, 4))


def test_outputs_replace_only_when_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    tclean(imagename="w", niter=5, **FIELD)
    before = pixels("w.image")
    from casatools.imaging.products import ImageWriter

    original = ImageWriter.write

    def fails(self: ImageWriter, suffix: str, *args: Any, **kwargs: Any) -> None:
        if suffix == "model":
            raise KeyboardInterrupt
        original(self, suffix, *args, **kwargs)

    monkeypatch.setattr(ImageWriter, "write", fails)
    with pytest.raises(KeyboardInterrupt):
        tclean(imagename="w", niter=5, **FIELD)
    assert np.array_equal(pixels("w.image"), before)
    assert not [p for p in os.listdir(".") if p.startswith(".w")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interactive", True),
    ],
)  # fmt: skip
def test_documented_but_missing_values_are_refused(name: str, value: Any) -> None:
    before = sorted(os.listdir("."))
    with pytest.raises(UnsupportedError, match=name):
        tclean(imagename="u", niter=1, **{**FIELD, name: value})
    assert [p for p in sorted(os.listdir(".")) if not p.endswith(".log")] == [p for p in before if not p.endswith(".log")]


def test_masks_are_made_from_the_residuals() -> None:
    found = tclean(
        imagename="auto",
        niter=200,
        usemask="auto-multithresh",
        sidelobethreshold=1.5,
        noisethreshold=5.0,
        pbmask=0.3,
        cycleniter=20,
        **FIELD,
    )
    mask = pixels("auto.mask") != 0
    assert mask[PLACE] and 20 < mask.sum() < SIZE**2 // 4
    assert found["iterdone"] > 0 and pixels("auto.model")[~mask].sum() == 0
    assert pixels("auto.model").sum() == pytest.approx(FLUX, rel=0.05)
    # A run that goes on starts from the mask that is there; a threshold that nothing reaches gives none and ends with stop code 7.
    tclean(imagename="auto", niter=20, usemask="auto-multithresh", sidelobethreshold=1.5, noisethreshold=5.0, pbmask=0.3, **FIELD)
    assert (pixels("auto.mask") != 0)[mask].all()
    none = tclean(imagename="none", niter=20, usemask="auto-multithresh", noisethreshold=1e4, **FIELD)
    assert none["stopcode"] == 7 and none["iterdone"] == 0


def test_deconvolve_makes_masks_too() -> None:
    tclean(imagename="d", niter=0, **FIELD)
    deconvolve(imagename="d", niter=50, usemask="auto-multithresh", sidelobethreshold=1.5, noisethreshold=5.0)
    mask = pixels("d.mask") != 0
    assert mask[PLACE] and mask.sum() < SIZE**2 // 4
    assert pixels("d.model")[~mask].sum() == 0 and pixels("d.model").sum() > 0.5 * FLUX


def test_deconvolve_tells_why_it_ends() -> None:
    tclean(imagename="d", niter=0, **FIELD)
    nothing = deconvolve(imagename="d", niter=9, threshold="50Jy", fullsummary=True, restoration=False)
    assert (nothing["stopcode"], nothing["stopDescription"], nothing["iterdone"]) == (3, "Zero iterations performed", 0)
    assert nothing["cyclethreshold"] == 50.0 and nothing["summaryminor"][0][0][0]["stopCode"] == [3.0]
    assert deconvolve(imagename="d", niter=9, nsigma=1e4, restoration=False)["stopcode"] == 3
    assert deconvolve(imagename="d", niter=2, restoration=False)["stopcode"] == 1
    # At the limit of the iterations and at the threshold: the latter, as CASA.
    peak = np.abs(pixels("d.residual")).max()
    assert deconvolve(imagename="d", niter=1, threshold=f"{0.999 * peak}Jy", restoration=False)["stopcode"] == 2


def test_models_are_saved_without_iterations() -> None:
    """What self-calibration scripts do: predict the model of an earlier run."""
    tclean(imagename="s", niter=30, savemodel="modelcolumn", **FIELD)
    first = _model()
    flagdata(vis="sim.ms", mode="unflag", flagbackup=False)
    tb = table()
    tb.open("sim.ms", nomodify=False)
    tb.putcol("MODEL_DATA", np.zeros_like(tb.getcol("MODEL_DATA")))
    tb.close()
    tclean(imagename="s", niter=0, savemodel="modelcolumn", calcres=False, calcpsf=False, restoration=False, **FIELD)
    assert np.abs(first).max() > 0.5 * FLUX
    assert np.allclose(_model(), first, atol=1e-5)
    # A dirty image has no model: that of calibration stays.
    tclean(imagename="dirty", niter=0, savemodel="modelcolumn", restoration=False, **FIELD)
    assert np.allclose(_model(), first, atol=1e-5)


def _model() -> np.ndarray:
    tb = table()
    tb.open("sim.ms")
    try:
        return np.asarray(tb.getcol("MODEL_DATA"))[..., tb.getcol("FIELD_ID") == 0]
    finally:
        tb.close()


def test_other_names_of_the_same() -> None:
    tclean(imagename="a", niter=5, deconvolver="clark", **FIELD)
    tclean(imagename="b", niter=5, deconvolver="clark_exp", **{**FIELD, "specmode": "cont"})
    assert np.allclose(pixels("a.image"), pixels("b.image"), atol=1e-5)
    # The w term is exact over the whole image: facets change nothing.
    tclean(imagename="c", gridder="widefield", facets=3, **FIELD)
    tclean(imagename="d", gridder="widefield", **FIELD)
    assert np.allclose(pixels("c.image"), pixels("d.image"), atol=1e-5)
    with pytest.raises(ParameterError, match="facets"):
        tclean(imagename="e", facets=3, **FIELD)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("outframe", ["TOPO", "LSRK"])
def test_wide_channels_of_a_cube_take_all_of_the_data(interpolation: str, outframe: str) -> None:
    """Two channels of the data for each of the cube: in a frame that moves their width is twice another's only to rounding, and none is lost."""
    ways = {**FIELD, "specmode": "cube", "niter": 0, "weighting": "natural", "outframe": outframe, "interpolation": interpolation}
    tclean(imagename="one", start=1, width=1, nchan=3, **ways)
    tclean(imagename="two", start=1, width=2, nchan=2 if outframe == "TOPO" else 1, **ways)
    single = pixels("one.sumwt").ravel()[1]
    np.testing.assert_allclose(pixels("two.sumwt").ravel(), 2 * single, rtol=1e-3)


def test_the_outermost_channels_of_a_cube_have_all_fields() -> None:
    """A channel of each field differs from the cube's by rounding, and none is left out."""
    ways = {**FIELD, "field": "", "specmode": "cube", "niter": 0, "weighting": "natural", "outframe": "TOPO"}
    for interpolation in ("linear", "nearest"):
        tclean(imagename=interpolation, interpolation=interpolation, **ways)
    tb = table()
    tb.open("sim.ms")
    both_hands, fields = tb.getcol("WEIGHT").sum(), tb.getcol("FIELD_ID")
    tb.close()
    assert len(set(fields.tolist())) > 1
    for interpolation in ("linear", "nearest"):
        np.testing.assert_allclose(pixels(f"{interpolation}.sumwt").ravel(), [both_hands] * 5, rtol=1e-5)


def test_frequencies_are_converted_towards_the_centre_of_the_image() -> None:
    """As in CASA: another phase centre sees the observatory move at another speed (by astropy)."""
    ways = {
        **FIELD,
        "imsize": 2048,
        "cell": "60arcsec",
        "specmode": "cube",
        "outframe": "BARY",
        "niter": 0,
        "nchan": 1,
        "start": 2,
    }
    first = []
    for name, centre in (("here", ""), ("there", "J2000 13h31m00s 40d00m00s")):
        tclean(imagename=name, phasecenter=centre, **ways)
        ia = image()
        ia.open(f"{name}.psf")
        record = ia.coordsys()
        place = record.referencevalue("q", type="direction")["quantity"]
        first.append((record.referencevalue(type="spectral")["numeric"][0], [to_rad(place[k]) for k in ("*1", "*2")]))
        ia.done()
    tb = table()
    tb.open("sim.ms")
    when = Time(float(tb.getcol("TIME")[tb.getcol("FIELD_ID") == 0].min()) / 86400, format="mjd", scale="utc")
    tb.open("sim.ms/ANTENNA")
    site = EarthLocation.from_geocentric(*tb.getcol("POSITION")[:, 0], unit="m")
    tb.done()
    speed = [
        SkyCoord(*p, unit="rad").radial_velocity_correction("barycentric", obstime=when, location=site).to_value("m/s")
        for _, p in first
    ]
    assert abs(speed[1] - speed[0]) > 500
    assert first[1][0] / first[0][0] - 1 == pytest.approx((speed[0] - speed[1]) / C, abs=3e-9)


def to_rad(quantity: dict[str, Any]) -> float:
    return float(np.deg2rad(quantity["value"]) if quantity["unit"] == "deg" else quantity["value"])


def test_the_peak_without_iterations_is_the_greatest_value() -> None:
    """With its sign, and without regard to the mask, as CASA's."""
    tb = table()
    tb.open("sim.ms", nomodify=False)
    tb.putcol("DATA", -tb.getcol("DATA"))
    tb.done()
    record = tclean(imagename="n", niter=0, mask="circle[[10pix,50pix],3pix]", **FIELD)
    residual = pixels("n.residual")
    assert -residual.min() > 1.5 * residual.max() > 0
    assert record["summaryminor"][0][0][0]["peakRes"] == pytest.approx([float(residual.max())], rel=1e-6)


@pytest.mark.parametrize("gridder", ["standard", "mosaic"])
def test_a_limit_of_zero_masks_where_the_beam_is_zero(gridder: str) -> None:
    """Nothing is divided by a beam that is not there; a negative limit masks nothing."""
    wide = {**FIELD, "cell": "40arcsec", "imsize": 96, "uvtaper": ["300arcsec"], "niter": 0, "gridder": gridder}
    tclean(imagename="z", pblimit=0.0, pbcor=True, **wide)
    beam = pixels("z.pb")
    assert 100 < (beam == 0).sum() < beam.size // 2
    for kind in ("residual", "image", "image.pbcor", "pb"):
        np.testing.assert_array_equal(pixels(f"z.{kind}", mask=True), beam > 0, err_msg=kind)
    assert np.isfinite(pixels("z.image.pbcor")).all()
    tclean(imagename="y", pblimit=-0.1, **wide)
    assert pixels("y.residual", mask=True).all()


def test_the_mask_on_disk_is_the_one_given_whatever_the_beam_leaves_of_it() -> None:
    """Cleaned within the limit of the primary beam; another run may see farther."""
    tclean(imagename="q", niter=5, mask="box[[0pix,0pix],[40pix,63pix]]", pblimit=0.9, **FIELD)
    kept, beam = pixels("q.mask"), pixels("q.pb")
    assert kept[:41].all() and not kept[41:].any()
    assert (beam < 0.9)[:41].any()
    assert not pixels("q.model")[beam < 0.9].any()
    tclean(imagename="q", niter=5, mask="box[[0pix,0pix],[40pix,63pix]]", pblimit=0.5, **FIELD)
    assert np.array_equal(pixels("q.mask"), kept)
    tclean(imagename="a", niter=5, pblimit=0.9, **FIELD)
    assert pixels("a.mask").all()


@pytest.mark.parametrize("more", [{}, {"weighting": "briggs"}, {"stokes": "pseudoI"}, {"specmode": "cube", "nchan": 2}])
@pytest.mark.parametrize("column", ["WEIGHT", "UVW"])
def test_samples_whose_weight_or_place_is_no_number_are_left_out(column: str, more: dict[str, Any]) -> None:
    """As if their rows were flagged."""
    tb = table()
    tb.open("sim.ms", nomodify=False)
    values = tb.getcol(column)
    values[:, 3], values[:, 5] = np.nan, np.inf
    tb.putcol(column, values)
    tb.close()
    tclean(imagename="q", niter=0, **{**FIELD, **more})
    tb.open("sim.ms", nomodify=False)
    flags = tb.getcol("FLAG_ROW")
    flags[[3, 5]] = True
    tb.putcol("FLAG_ROW", flags)
    values[:, [3, 5]] = 1.0
    tb.putcol(column, values)
    tb.close()
    tclean(imagename="f", niter=0, **{**FIELD, **more})
    for kind in ("image", "psf", "sumwt"):
        np.testing.assert_allclose(pixels(f"q.{kind}"), pixels(f"f.{kind}"), rtol=0, atol=2e-6 * pixels(f"f.{kind}").max())


def test_parallel_hands_count_where_cross_hands_alone_are_flagged() -> None:
    """A plane is made of the samples whose own correlations are good; CASA leaves out what has any flag in its row of correlations."""
    make_demo("four.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=2, cross_hands=True))
    tb = table()
    tb.open("four.ms", nomodify=False)
    flags = tb.getcol("FLAG")
    flags[1, :, ::2] = True
    tb.putcol("FLAG", flags)
    tb.close()
    sums = {}
    for stokes in ("I", "RR", "IQUV"):
        tclean(imagename=stokes, stokes=stokes, **{**FIELD, "vis": "four.ms"})
        sums[stokes] = float(np.atleast_1d(pixels(f"{stokes}.sumwt")).ravel()[0])
    assert sums["I"] == pytest.approx(2 * sums["RR"])
    assert 0.4 < sums["IQUV"] / sums["RR"] < 0.6
