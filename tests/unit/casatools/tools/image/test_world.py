"""World coordinates, beams, masks and units of the image tool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools import image, regionmanager
from casatools._base.errors import ParameterError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

ARCSEC = np.pi / 648000
CELL = 2 * ARCSEC
SHAPE = (3, 1, 9, 8)
VALUES = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
GOOD = VALUES > -1


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(planes: bool = False, masked: bool = False) -> image:
    coordinates = make_image_coordinates((8, 9), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(3), stokes=["I"])
    with CasaImage.create("a.im", SHAPE, coordinates, unit="Jy/beam", mask="mask0" if masked else "") as made:
        made.write(VALUES)
        if masked:
            made.write_mask(GOOD)
        beams = [Beam.from_rad((3 + 0.1 * k) * CELL, 2 * CELL, 0.0) for k in range(3)]
        made.beams = BeamSet.per_plane([[b] for b in beams]) if planes else BeamSet.single(beams[0])
    ia = image()
    ia.open("a.im")
    return ia


def test_a_pixel_not_named_is_the_reference_pixel() -> None:
    ia = make()
    middle = ia.coordsys().referencepixel()["numeric"].round().astype(int).tolist()
    assert ia.pixelvalue()["pixel"].tolist() == middle and ia.pixelvalue([2])["pixel"].tolist() == [2, *middle[1:]]
    assert ia.pixelvalue([2, 3, 0, 9]) == {}


def test_measures_in_other_frames() -> None:
    ia = make()
    found = ia.coordmeasures([3, 4, 0, 1], "GALACTIC", "native")["measure"]
    assert found["direction"]["refer"] == "GALACTIC"
    assert ia.coordmeasures([3, 4, 0, 1])["measure"]["direction"]["refer"] == "J2000"
    with pytest.raises(ParameterError):
        ia.coordmeasures([3, 4, 0, 1], "NOPE")


def test_measures_are_of_the_exact_place_and_values_of_the_pixel_that_it_is_in() -> None:
    ia = make()
    found = ia.coordmeasures([3.4, 4.6, 0, 1.25])
    assert found["intensity"]["value"] == pytest.approx(VALUES[1, 0, 4, 3])
    assert found["measure"]["spectral"]["frequency"]["m0"]["value"] == pytest.approx(1.40125e9, abs=1.0)


def test_profiles_in_pixels_and_with_beams_of_planes() -> None:
    ia = make(planes=True)
    assert ia.getprofile(3, "mean", unit="pixel")["coords"].tolist() == [0.0, 1.0, 2.0]
    area = ia.beamarea()["pixels"].ravel()
    assert np.allclose(ia.getprofile(3, "flux")["values"], VALUES.sum(axis=(1, 2, 3)) / area, rtol=1e-5)
    flux = ia.collapse("flux", [0, 1])
    assert flux.brightnessunit() == "Jy" and np.allclose(flux.getchunk().ravel(), VALUES.sum(axis=(1, 2, 3)) / area, rtol=1e-5)
    noise = ia.collapse("sqrtsum_npix_beam", [0, 1]).getchunk().ravel()
    expected = np.sqrt(np.maximum(VALUES.astype(float).sum(axis=(1, 2, 3)), 0))
    assert noise.shape == (3,) and np.all((noise > 0) == (expected > 0))
    with pytest.raises(ParameterError, match="one restoring beam"):
        ia.collapse("sqrtsum_npix_beam", [3])


def test_images_have_a_mask_only_where_a_pixel_needs_it() -> None:
    ia = make(masked=True)
    assert ia.collapse("mean", [0, 1]).maskhandler("get") == ["T"]
    assert ia.rebin("", [8, 9, 1, 1]).maskhandler("get") == ["T"]
    assert ia.collapse("mean", [3]).maskhandler("get") == (["T"] if GOOD.any(axis=0).all() else ["mask0"])
    ia.set(pixelmask=0, region="box[[0pix,0pix],[1pix,1pix]]")
    assert ia.collapse("mean", [3]).maskhandler("get") == ["mask0"] and ia.rebin("", [2, 2]).maskhandler("get") == ["mask0"]


def test_beams_as_matrices_and_areas_of_planes() -> None:
    ia = make(planes=True)
    found = ia.restoringbeam(mbret="matrix")
    assert found["major"]["value"].shape == (1, 3) and found["nChannels"] == 3 and found["pa"]["unit"] == "deg"
    assert np.allclose(found["major"]["value"][0], [6.0, 6.2, 6.4])
    assert ia.beamarea(1, 0)["pixels"] == pytest.approx(np.pi / (4 * np.log(2)) * 3.1 * 2)
    with pytest.raises(ParameterError, match="both"):
        ia.beamarea(1)
    with pytest.raises(ParameterError, match="mbret"):
        ia.restoringbeam(mbret="rows")


def test_beams_of_planes_that_are_not_there_and_parts_of_beams_are_refused() -> None:
    ia = make(planes=True)
    before = ia.restoringbeam()
    for given, words in (
        ({"channel": 9}, "has 3"), ({"polarization": 5}, "has 1"), ({"beam": {"major": "9arcsec"}}, "major and minor"), ({"minor": "99arcsec"}, "below"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.setrestoringbeam(**{"major": "9arcsec", "minor": "7arcsec", "pa": "0deg", **given})
    with pytest.raises(ParameterError, match="needs a unit"):
        ia.rotatebeam(20)
    assert ia.restoringbeam() == before


def test_a_source_smaller_than_the_beam_is_a_point() -> None:
    found = make().deconvolvefrombeam(["3arcsec", "2arcsec", "10deg"], ["5arcsec", "4arcsec", "20deg"])
    assert found["return"] is False and found["fit"]["success"] is False and found["fit"]["major"]["value"] == 0.0


def test_masks_that_change_give_t() -> None:
    ia = make(masked=True)
    assert ia.maskhandler("copy", ["mask0", "m5"]) == ["T"] and ia.maskhandler("set", ["m5"]) == ["T"]
    assert ia.maskhandler("default") == ["m5"] and ia.maskhandler("delete", ["m5"]) == ["T"] and ia.maskhandler("default") == [""]


def test_units_are_checked() -> None:
    ia = make()
    assert ia.setbrightnessunit("mJy/beam") and ia.brightnessunit() == "mJy/beam" and ia.setbrightnessunit("")
    with pytest.raises(ParameterError, match="must be a unit"):
        ia.setbrightnessunit("foo")


def test_masked_pixels_of_a_region_are_replaced() -> None:
    ia = make(masked=True)
    ia.replacemaskedpixels(-99.0, region="box[[2pix,2pix],[5pix,6pix]]")
    inside = np.zeros(SHAPE, bool)
    inside[:, :, 2:7, 2:6] = True
    assert np.array_equal(ia.getchunk().T == -99, ~GOOD & inside)


def test_kernels_on_the_sky() -> None:
    ia = make()
    pixels = ia.convolve2d("", major="3pix", minor="2pix", pa="0deg").getchunk()
    assert np.allclose(pixels, ia.convolve2d("", major="6arcsec", minor="4arcsec", pa="0deg").getchunk())
    for given, words in (
        ({"type": "boxcar"}, "sepconvolve"), ({"type": ""}, "must be 'gaussian'"), ({"major": "3arcsec", "minor": "5arcsec"}, "below the minor"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            ia.convolve2d("", **{"major": "6arcsec", "minor": "4arcsec", **given})


def test_statistics_by_an_unknown_method_are_refused() -> None:
    with pytest.raises(ParameterError, match="clmethod"):
        make().statistics(clmethod="slow")
    nothing = make().statistics(axes=[0, 1], mask="'a.im' > 100")
    assert nothing["npts"].size == 0 and nothing["flux"].size == 0


def test_boxes_in_world_coordinates_end_at_the_pixels_their_corners_lie_in() -> None:
    ia, rg = make(), regionmanager()
    record = rg.wbox(["2.4pix", "2.6pix"], ["4.4pix", "4.6pix"], [0, 1], ia.coordsys().torecord())
    found = ia.statistics(region=record)
    assert found["blc"].tolist() == [2, 3, 0, 0] and found["trc"].tolist() == [4, 5, 0, 2]


def test_kinds_of_regions_and_names_of_masks() -> None:
    rg = regionmanager()
    make(masked=True).done()
    assert not rg.ispixelregion(rg.box([1, 1], [3, 3])) and rg.ispixelregion({"isRegion": 1})
    assert rg.namesintable("a.im") == ["mask0"] and rg.absreltype(2) == "relref"


def test_region_text_with_global_keys_and_a_rest_frequency() -> None:
    ia = make()
    text = "global range=[1chan,2chan]\nbox[[2pix,2pix],[4pix,4pix]]\n-box[[3pix,3pix],[3pix,3pix]]"
    assert ia.statistics(region=text)["npts"][0] == 2 * 8
    # 0 to 214 km/s of 1.401 GHz are channels 0 and 1: the image itself has no rest frequency.
    of_line = ia.statistics(region="box[[2pix,2pix],[4pix,4pix]],veltype=RADIO,restfreq=1.401GHz,range=[0km/s,214km/s]")
    assert of_line["blc"].tolist() == [2, 2, 0, 0] and of_line["trc"].tolist() == [4, 4, 0, 1]


def test_the_summary_has_the_image_and_its_coordinates_as_two_messages() -> None:
    messages = make().summary(list=False)["messages"]
    assert len(messages) == 2 and "Image units      : Jy/beam" in messages[0] and "Direction reference : J2000" in messages[1]


def test_disks_have_the_area_of_disks() -> None:
    ia = make()
    ia.setrestoringbeam("6arcsec", "4.5arcsec", "25deg")
    beam = np.pi / (4 * np.log(2)) * 27
    for kind, area in (("Disk", np.pi / 4 * 200), ("Gaussian", np.pi / (4 * np.log(2)) * 200)):
        assert ia.convertflux("3Jy", "20arcsec", "10arcsec", kind)["value"] == pytest.approx(3 * beam / area, rel=1e-6)


def test_velocities_are_those_of_the_converted_frequencies() -> None:
    ia = image()
    ia.fromshape("", [8, 9, 1, 4])
    system = ia.coordsys()
    rest = system.restfrequency()["value"][0]
    spectral = ia.coordmeasures([3, 4, 0, 1], "cl", "BARY")["measure"]["spectral"]
    hz = spectral["frequency"]["m0"]["value"]
    assert spectral["frequency"]["refer"] == "BARY"
    assert spectral["radiovelocity"]["m0"]["value"] == pytest.approx(299792458.0 * (1 - hz / rest), abs=1e-2)


def test_the_middle_of_longitudes_across_zero() -> None:
    ia = image()
    ia.fromshape("", [6, 5])  # from 3 to -2 arcminutes
    assert ia.collapse("max", [0], "").toworld([0, 0], "n")["numeric"][0] == pytest.approx(0.5, abs=1e-6)


def test_profiles_along_the_sky_have_the_coordinates_of_the_pixels_and_lengths_are_wavelengths() -> None:
    ia = make()
    unit = ia.coordsys().units()[0]
    reference = ia.coordsys().referencepixel()["numeric"]
    there = [ia.toworld([k, reference[1], 0, 0], "n")["numeric"][0] for k in range(8)]
    assert np.allclose(ia.getprofile(0, unit=unit)["coords"], there, rtol=1e-12)
    assert np.allclose(ia.getprofile(3, unit="mm")["coords"], 299792458e3 / (1.4e9 + 1e6 * np.arange(3)))
    waves = ia.getprofile(3, spectype="wave", unit="cm")
    assert np.allclose(waves["coords"], 29979245800 / (1.4e9 + 1e6 * np.arange(3))) and waves["xUnit"] == "cm"
    with pytest.raises(ParameterError, match="spectype"):
        ia.getprofile(3, spectype="speed")


def test_means_over_axes_are_those_of_good_pixels() -> None:
    ia = make(masked=True)
    expected = np.ma.MaskedArray(VALUES, ~GOOD).mean(axis=0).filled(0).T[..., None]
    for found in (ia.getchunk(axes=[3]), ia.getregion(axes=[3])):
        assert found.dtype == np.float64 and np.allclose(found, expected, atol=1e-6)
    assert np.array_equal(ia.getchunk(axes=[3], getmask=True), GOOD.any(axis=0).T[..., None])
    for call in (ia.getchunk, ia.getregion):
        with pytest.raises(ParameterError, match="axes"):
            call(axes=[9])


def test_coordinates_of_axes_in_the_order_of_their_names() -> None:
    ia = make()
    assert ia.coordsys([3, 0]).names() == ["Frequency", "Right Ascension"]
    assert ia.coordsys([3, 1, 0]).names() == ["Frequency", "Right Ascension", "Declination"]
    assert ia.coordsys([2, 1, 0, 3]).names() == ["Stokes", "Right Ascension", "Declination", "Frequency"]
    assert ia.coordsys([0, 3]).names() == ["Right Ascension", "Frequency"]
    middle = ia.coordsys([3, 1, 0]).referencevalue()["numeric"]
    assert np.allclose(middle, ia.coordsys().referencevalue()["numeric"][[3, 0, 1]])


def test_one_quantity_is_a_circle_or_a_flux_and_numbers_need_units() -> None:
    ia = make()
    assert ia.deconvolvefrombeam("5arcsec", "3arcsec")["fit"]["minor"]["value"] == pytest.approx(4.0)
    assert ia.convertflux(["3Jy"], "20arcsec", "10arcsec") == ia.convertflux("3Jy", "20arcsec", "10arcsec")
    with pytest.raises(ParameterError, match="one quantity"):
        ia.convertflux(["3Jy", "4Jy"], "20arcsec", "10arcsec")
    with pytest.raises(ParameterError, match="needs a unit"):
        ia.convolve2d("b.im", major=8.0, minor="6arcsec")
    with pytest.raises(ParameterError, match="prec"):
        ia.imagecalc("b.im", "'a.im' * 2", prec="half")
    assert not Path("b.im").exists()


def test_axes_of_a_kernel_on_the_sky_mean_the_same_in_any_order() -> None:
    ia = make()
    one, other = (ia.convolve2d("", axes=axes, major="8arcsec", minor="6arcsec", pa="30deg") for axes in ([0, 1], [1, 0]))
    assert np.array_equal(one.getchunk(), other.getchunk()) and one.restoringbeam() == other.restoringbeam()
