"""makemask and imreframe: masks of regions and images, frames of frequencies; numbers of the reference where noted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from casatasks import exportfits, imhead, immoments, imreframe, imval, makemask, specfit, specflux
from casatools import coordsys, image, measures, regionmanager
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.analysis.mask_images import mask_listing
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

CELL = 2 * np.pi / 648000
HZ = 1.4e9 + 1e6 * np.arange(8)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, nchan: int = 8, nx: int = 30, cell: float = CELL, mask: str = "") -> None:
    coordinates = make_image_coordinates((nx, 24), (cell, cell), (1.0, 0.5), HZ[:nchan], stokes=["I"])
    with CasaImage.create(name, (nchan, 1, 24, nx), coordinates, unit="Jy/beam", mask=mask) as made:
        made.write(np.ones(made.shape))


def read(name: str) -> np.ndarray:
    with CasaImage.open(name) as opened:
        return opened.read()[:, 0]


BOX = "box[[5pix,6pix],[9pix,9pix]]"


def test_regions_are_united_and_cut_outs_taken_away() -> None:
    make("a.im")
    makemask(mode="copy", inpimage="a.im", inpmask=[BOX, "box[[20pix,20pix],[21pix,21pix]], range=[2chan,3chan]"], output="m.im")
    expected = np.zeros((8, 24, 30))
    expected[:, 6:10, 5:10] = 1
    expected[2:4, 20:22, 20:22] = 1
    assert np.array_equal(read("m.im"), expected)
    Path("r.crtf").write_text(f"#CRTFv0\n{BOX}\n-box[[6pix,7pix],[7pix,8pix]]\n")
    makemask(mode="copy", inpimage="a.im", inpmask="r.crtf", output="m.im", overwrite=True)
    assert read("m.im").sum() == 8 * (20 - 4)


def test_regions_are_expanded_beside_masks() -> None:
    make("a.im")
    makemask(mode="copy", inpimage="a.im", inpmask="box[[20pix,20pix],[21pix,21pix]]", output="b.im:one")
    makemask(mode="expand", inpimage="a.im", inpmask=["b.im:one", BOX], inpfreqs=[2], outfreqs=[4, 5], output="m.im")
    expected = np.zeros((8, 24, 30))
    expected[4:6, 6:10, 5:10] = 1
    expected[4:6, 20:22, 20:22] = 1
    assert np.array_equal(read("m.im"), expected)


def test_true_false_masks_are_made_listed_chosen_and_deleted() -> None:
    make("a.im")
    makemask(mode="copy", inpimage="a.im", inpmask=BOX, output="b.im:one")
    makemask(mode="copy", inpimage="a.im", inpmask="b.im:one", output="b.im:two")
    assert mask_listing(["a.im", "b.im"]) == ["a.im: no internal masks", "b.im: one, two*"]
    with pytest.raises(OutputExistsError, match="two"):
        makemask(mode="copy", inpimage="a.im", inpmask=BOX, output="b.im:two")
    makemask(mode="setdefaultmask", inpmask="b.im:one")
    assert mask_listing(["b.im"]) == ["b.im: one*, two"]
    makemask(mode="delete", inpmask="b.im:one")
    assert mask_listing(["b.im"]) == ["b.im: two"]
    makemask(mode="list")
    makemask(mode="copy", inpimage="a.im", inpmask="b.im:two", output="m.im")
    assert read("m.im").sum() == 8 * 20 and read("b.im").min() == 1


def test_channels_are_united_and_spread() -> None:
    make("a.im")
    makemask(mode="copy", inpimage="a.im", inpmask=BOX + ", range=[2chan,3chan]", output="c.im")
    makemask(mode="expand", inpimage="a.im", inpmask="c.im", inpfreqs=[1, 2], outfreqs=[5, 7], output="m.im")
    assert np.flatnonzero(read("m.im").any(axis=(1, 2))).tolist() == [5, 7]
    makemask(
        mode="expand", inpimage="a.im", inpmask="c.im", inpfreqs="1.4019GHz~1.4031GHz", outfreqs="1.405GHz~1.4061GHz",
        output="m.im", overwrite=True,
    )  # fmt: skip
    assert np.flatnonzero(read("m.im").any(axis=(1, 2))).tolist() == [5, 6]
    makemask(mode="expand", inpimage="a.im", inpmask="c.im", output="same.im")
    assert np.array_equal(read("same.im"), read("c.im"))
    make("one.im", nchan=1)
    makemask(mode="expand", inpimage="a.im", inpmask="one.im", inpfreqs=[0], outfreqs=[3], output="o.im")
    assert np.flatnonzero(read("o.im").any(axis=(1, 2))).tolist() == [3]
    with pytest.raises(SelectionError, match="outfreqs"):
        makemask(mode="expand", inpimage="a.im", inpmask="c.im", outfreqs=[9], output="n.im")
    makemask(mode="copy", inpimage="a.im", inpmask="one.im", output="all.im")  # one channel is for all, as in CASA
    assert read("all.im").all()
    for name, stokes in (("iv.im", ["I", "V"]), ("iquv.im", ["I", "Q", "U", "V"])):
        coordinates = make_image_coordinates((30, 24), (CELL, CELL), (1.0, 0.5), HZ[:1], stokes=stokes)
        with CasaImage.create(name, (1, len(stokes), 24, 30), coordinates) as made:
            made.write(1.0)
    with pytest.raises(DataError, match="other Stokes"):
        makemask(mode="copy", inpimage="iquv.im", inpmask="iv.im", output="n.im")
    assert not Path("n.im").exists()


def test_a_mask_on_other_pixels_is_moved() -> None:
    make("a.im")
    make("fine.im", nx=60, cell=CELL / 2)
    makemask(mode="copy", inpimage="a.im", inpmask="fine.im", output="m.im")
    found = read("m.im")
    assert 0 < found[0].sum() < 24 * 30 and set(np.unique(found)) == {0.0, 1.0}
    # A mask inside of an image on other pixels is moved too; one that is not there is named.
    makemask(mode="copy", inpimage="fine.im", inpmask="fine.im", output="fine.im:in")
    makemask(mode="copy", inpimage="a.im", inpmask="fine.im:in", output="n.im")
    assert np.array_equal(read("n.im"), found)
    with pytest.raises(ParameterError, match="no mask 'nosuch'; its masks: in"):
        makemask(mode="copy", inpimage="a.im", inpmask="fine.im:nosuch", output="o.im")


@pytest.mark.parametrize(
    ("frame", "other", "kinds"), [("GALACTIC", "galactic", ("GLON", "GLAT")), ("B1950", "fk4", ("RA--", "DEC-"))]
)
def test_a_mask_in_another_frame_lies_where_it_is_on_the_sky(frame: str, other: str, kinds: tuple[str, str]) -> None:
    """Each pixel takes the mask's pixel in which its centre lies, by astropy."""
    middle = SkyCoord(60.3, 40.2, unit="deg", frame="fk5")
    there = middle.transform_to(other)
    pole = (there.spherical.lon.deg, there.spherical.lat.deg)
    bits = (np.random.default_rng(4).uniform(size=(40, 40)) > 0.6).repeat(2, 0)
    for name, code, reference, nchan in (("m.im", frame, pole, 1), ("a.im", "J2000", (60.3, 40.2), 2)):
        system = coordsys().newcoordsys(direction=True, stokes=["I"], spectral=True)
        system.setreferencecode(code, "direction", adjust=False)
        system.setunits(["deg", "deg"], "direction")
        system.setreferencevalue(list(reference), "direction")
        system.setincrement([-0.0043, 0.0043] if name == "m.im" else [-0.003, 0.003], "direction")
        system.setreferencepixel([40, 20], "direction")
        tool = image()
        values = bits.astype(float)[:, :, None, None]
        tool.fromarray(name, values if name == "m.im" else np.ones((80, 40, 1, nchan)), csys=system.torecord())
        tool.done()

    def wcs(reference: tuple[float, float], cell: float, axes: tuple[str, str]) -> WCS:
        made = WCS(naxis=2)
        made.wcs.ctype = [f"{a}-SIN" for a in axes]
        made.wcs.crval, made.wcs.cdelt, made.wcs.crpix = reference, [-cell, cell], [41, 21]
        return made

    x, y = np.indices((80, 40)).reshape(2, -1)
    sky = SkyCoord(*wcs((60.3, 40.2), 0.003, ("RA--", "DEC-")).wcs_pix2world(x, y, 0), unit="deg", frame="fk5")
    moved = sky.transform_to(other).spherical
    places = np.array(wcs(pole, 0.0043, kinds).wcs_world2pix(moved.lon.deg, moved.lat.deg, 0))
    clear = (np.abs(places % 1 - 0.5) > 0.02).all(axis=0).reshape(80, 40).T  # B1950 of the two differs by 0.2 arcsec
    i, j = np.rint(places).astype(int)
    inside = (i >= 0) & (i < 80) & (j >= 0) & (j < 40)
    expected = np.where(inside, bits[np.clip(i, 0, 79), np.clip(j, 0, 39)], False).reshape(80, 40).T
    assert 500 < expected.sum() < 2500 and clear.mean() > 0.9
    makemask(mode="copy", inpimage="a.im", inpmask="m.im", output="c.im")
    makemask(mode="expand", inpimage="a.im", inpmask="m.im", output="e.im")
    for name in ("c.im", "e.im"):
        assert np.array_equal(read(name)[:, clear], [expected[clear]] * 2)
    make("far.im")
    with pytest.raises(DataError, match=r"'inpmask': image 'far\.im' does not overlap"):
        makemask(mode="copy", inpimage="a.im", inpmask="far.im", output="n.im")
    assert not Path("n.im").exists()


def test_bad_requests_write_nothing() -> None:
    make("a.im")
    make("small.im", nx=20)
    for given, error in (
        ({"inpmask": ""}, ParameterError),
        ({"inpmask": "nosuch"}, PathMissingError),
        ({"inpmask": "a.im:nosuch"}, ParameterError),
        ({"inpmask": BOX, "output": ""}, ParameterError),
        ({"inpmask": BOX, "inpimage": ""}, ParameterError),
        ({"inpmask": BOX, "output": "small.im:x"}, DataError),
        ({"inpmask": "nosuch", "mode": "expand"}, PathMissingError),
        ({"inpmask": "a.im", "mode": "delete"}, ParameterError),
        ({"inpmask": "a.im:x", "mode": "setdefaultmask"}, ParameterError),
        ({"inpmask": ["a.im:x", "a.im:y"], "mode": "setdefaultmask"}, ParameterError),
        ({"inpmask": "a.im", "mode": "expand", "inpfreqs": "three~four"}, ParameterError),
    ):
        with pytest.raises(error):
            makemask(**{"mode": "copy", "inpimage": "a.im", "output": "n.im", **given})
    assert not Path("n.im").exists()


def _world(name: str) -> tuple[str, str, float]:
    tool = image()
    tool.open(name)
    system = tool.coordsys()
    found = (
        system.getconversiontype("spectral"),
        system.referencecode("spectral")[0],
        system.toworld([3, 4, 0, 5], "n")["numeric"][3],
    )
    tool.done()
    return found


def test_frames_are_those_of_the_reference(tmp_path: Path) -> None:
    name = str(unpack("cube.im", tmp_path))
    # The oracle, 6.7.0.31: imreframe("cube.im", "rf.im", outframe=...) and toworld of [3, 4, 0, 5].
    for frame, hz in (("bary", 1420272500.7932153), ("cmb", 1418906085.0665455), ("geo", 1420394187.2204204)):
        imreframe(name, f"{frame}.im", outframe=frame)
        conversion, own, found = _world(f"{frame}.im")
        assert (conversion, own) == (frame.upper(), "LSRK") and found == pytest.approx(hz, rel=1e-12)
    imreframe(name, "dated.im", outframe="geo", epoch="2012/01/01/00:00:00", restfreq="1.5GHz")
    assert _world("dated.im")[:2] == ("GEO", "GEO")
    # One conversion at that date: the Earth's 30 km/s at most, where the reference converts twice.
    assert 5e-5 < _world("dated.im")[2] / 1420250000 - 1 < 1.2e-4
    with CasaImage.open("dated.im") as opened:
        assert opened.coordinates.spectral is not None and opened.coordinates.spectral.rest_frequency_hz == 1.5e9
    imreframe("bary.im", "", outframe="lsrk")
    assert _world("bary.im") == ("LSRK", "LSRK", pytest.approx(1420250000, rel=1e-12))
    for given, error in (
        ({"output": "bary.im"}, OutputExistsError),
        ({"outframe": "bary", "epoch": "2012/01/01"}, ParameterError),
        ({"restfreq": "-1GHz"}, ParameterError),
        ({"imagename": ""}, ParameterError),
    ):
        with pytest.raises(error):
            imreframe(**{"imagename": name, "output": "n.im", **given})
    assert not Path("n.im").exists()


def test_what_is_measured_is_in_the_frame_that_was_asked_for() -> None:
    """An image given in BARY says the same as one whose own frequencies are those."""
    frequencies = coordsys().newcoordsys(direction=True, stokes=["I"], spectral=True)
    frequencies.settelescope("VLA")
    frequencies.setepoch(measures().epoch("UTC", "2020/02/03/04:05:06"))
    frequencies.setincrement([-1e-5, 1e-5], "direction")
    frequencies.setreferencevalue([0.5, -0.4], "direction")
    frequencies.setreferencepixel([0], "spectral")
    frequencies.setrestfrequency(1.4204e9)
    line = 2 * np.exp(-((np.arange(12) - 5.2) ** 2) / 6) * np.ones((6, 5, 1, 1))
    tool = image()

    def of(name: str, start: float, step: float, frame: str) -> None:
        frequencies.setreferencecode(frame, "spectral", adjust=False)
        frequencies.setreferencevalue([start], "spectral")
        frequencies.setincrement([step], "spectral")
        tool.fromarray(name, line, csys=frequencies.torecord())
        tool.setbrightnessunit("Jy/beam")
        tool.setrestoringbeam("6arcsec", "4arcsec", "20deg")
        tool.done()

    of("asked.im", 1.42e9, 1.2e5, "LSRK")
    imreframe("asked.im", "", "bary")
    tool.open("asked.im")
    first = tool.toworld([0, 0, 0, 0])["numeric"][3]
    tool.done()
    assert abs(first - 1.42e9) > 1000
    of("own.im", first, 1.2e5 * first / 1.42e9, "BARY")

    texts = []
    for name in ("asked.im", "own.im"):
        tool.open(name)
        part = f"box[[1pix,1pix],[4pix,4pix]], range=[{first + 1.9e5:.0f}Hz,{first + 4.3e5:.0f}Hz]"
        csys = tool.coordsys().torecord()
        box = regionmanager().wbox([f"{first + 1.9e5:.0f}Hz"], [f"{first + 4.3e5:.0f}Hz"], [3], csys=csys)
        told = tool.statistics(region=part)
        assert told["blc"][3] == 2 == tool.boundingbox(box)["blc"][3] and told["trc"][3] == 4
        texts.append([told["blcf"], told["maxposf"], tool.boundingbox()["trcf"], imhead(name, "get", "maxpos")])
        tool.done()
    assert texts[0] == texts[1] and texts[0][0].endswith(f"{first + 2.4e5:g}Hz")

    def measured(name: str) -> np.ndarray:
        specflux(name, logfile=f"{name}.log")
        found = [np.loadtxt(f"{name}.log")[:, 2], imval(name)["coords"][:, 3], specfit(name, ngauss=1)["gs"]["center"].ravel()]
        for moment in (1, 9):
            immoments(name, moments=[moment], outfile=f"{name}.{moment}")
            found.append(read(f"{name}.{moment}")[0, :1, 0])
        tool.open(name)
        found += [tool.getprofile(3, unit=unit)["coords"] for unit in ("GHz", "km/s")]
        assert "'BARYCENT'" in tool.fitsheader(retstr=True)
        tool.done()
        for velocity in (False, True):
            exportfits(name, "x.fits", velocity=velocity, overwrite=True)
            header = fits.getheader("x.fits")
            assert header["SPECSYS"] == "BARYCENT"
            found.append(np.array([header["CRVAL3"], header["CDELT3"]]))
        return np.concatenate(found)

    assert measured("asked.im") == pytest.approx(measured("own.im"), rel=1e-6)
