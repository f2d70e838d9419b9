"""imhead, imhistory, listfits: what CASA 6.7 answers to the same calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatasks import exportfits, imhead, imhistory, listfits
from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import ObservationInfo, make_image_coordinates
from casatools.tools.imagemetadata import imagemetadata


def make(path: str = "a.im") -> str:
    c = make_image_coordinates((8, 6), (1e-5, 1e-5), (1.0, 0.5), 1e9 + 1e6 * np.arange(4), rest_frequency_hz=1.42e9,
                               observation=ObservationInfo.make("VLA", "me", 55000.25))  # fmt: skip
    with CasaImage.create(path, (4, 1, 6, 8), c, unit="Jy/beam", mask="mask0") as image:
        image.write(np.arange(192).reshape(4, 1, 6, 8))
        image.write_mask(False, (0, 0, 0, 0))
        image.beams = BeamSet.single(Beam(15, 12, 30))
    return path


def get(key: str) -> Any:
    return imhead("a.im", "get", key)


def test_summary_and_list() -> None:
    make()
    summary = imhead("a.im")
    assert summary["shape"].tolist() == [8, 6, 1, 4] and summary["hasmask"] is True and summary["masks"].tolist() == ["mask0"]
    assert summary["restoringbeam"]["major"] == {"value": 15.0, "unit": "arcsec"}
    found = imhead("a.im", "list")
    assert (found["datamin"], found["minpixpos"].tolist()) == (1.0, [1, 0, 0, 0])
    assert (found["datamax"], found["maxpixpos"].tolist()) == (191.0, [7, 5, 0, 3])
    assert found["minpos"].endswith(" I 1e+09Hz")
    assert found["date-obs"] == "2009/06/18/06:00:00.000000" and found["crval3"] == 1.0
    with CasaImage.open("a.im", writable=True) as image:
        image.beams = BeamSet.per_plane([[Beam(1.0 + c, 1, 0)] for c in range(4)])
    assert imhead("a.im", verbose=True)["perplanebeams"]["beams"]["*3"]["*0"]["major"]["value"] == 4.0
    assert "perplanebeams" in imhead("a.im", "list") and imhead("a.im", "history") is None
    with pytest.raises(DataError, match="for each plane"):
        get("beammajor")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("bunit", "K", "K"), ("bmaj", "20arcsec", {"value": 20.0, "unit": "arcsec"}), ("beampa", "10deg", {"value": 10.0, "unit": "deg"}),
        ("crpix1", "5", 5.0), ("ctype1", "GLON", "GLON"), ("cunit4", "GHz", "GHz"), ("crval3", "Q", ["Q"]), ("object", "M31", "M31"),
        ("date-obs", "2010/02/03/04:05:06", "2010/02/03/04:05:06.000000"), ("equinox", "B1950", "B1950"), ("imtype", "beam", "Beam"),
        ("imtype", "nonsense", "Intensity"), ("projection", "TAN", "TAN"), ("reffreqtype", "BARY", "BARY"), ("telescope", "ATCA", "ATCA"),
        ("observer", "you", "you"), ("restfreq", "1.5GHz", {"value": 1.5e9, "unit": "Hz"}), ("mykey", 5, 5), ("mykey", "x", "x"),
        ("crval4", "1.41GHz", {"value": 1.41e9, "unit": "Hz"}), ("cdelt4", "2MHz", {"value": 2e6, "unit": "Hz"}),
    ],
)  # fmt: skip
def test_put(key: str, value: Any, expected: Any) -> None:
    make()
    assert imhead("a.im", "put", key, value) is None
    found = get(key)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bunit", "furlongs"), ("beammajor", 21), ("beamminor", "2arcmin"), ("cdelt1", 3.0), ("crval4", 1.41e9), ("cunit4", "K"),
        ("equinox", "XX"), ("projection", "YYY"), ("reffreqtype", "bad"), ("restfreq", 1.6e9), ("masks", "x"), ("shape", [1, 2]),
        ("datamax", 3.0), ("crval3", 2), ("cdelt3", 2.0), ("crpix3", 1.0), ("crval9", "1deg"), ("crpix1", "x"), ("object", 3),
        ("crval3", "I Q"), ("beammajor", "20Hz"),
    ],
)  # fmt: skip
def test_put_refused(key: str, value: Any) -> None:
    make()
    before = imhead("a.im", "list")
    with pytest.raises(ParameterError):
        imhead("a.im", "put", key, value)
    assert str(imhead("a.im", "list")) == str(before)


def test_add_and_delete() -> None:
    make()
    imhead("a.im", "add", "newk", "v")
    assert get("newk") == "v"
    for key in ("newk", "bunit", "beammajor", "crval1", "masks"):
        with pytest.raises(ParameterError):
            imhead("a.im", "add", key, "1deg")
    with pytest.raises(ParameterError, match="is of another kind"):
        imhead("a.im", "put", "newk", 3)
    for key in ("newk", "bunit", "object", "beammajor", "telescope", "observer", "masks"):
        assert imhead("a.im", "del", key) is None
    assert (get("bunit"), get("telescope"), get("masks").tolist()) == ("", "", [])
    for key in ("newk", "restfreq", "crval1", "imtype"):
        with pytest.raises(ParameterError):
            imhead("a.im", "del", key)
    with pytest.raises(DataError, match="no beam"):
        get("beammajor")
    with pytest.raises(DataError, match="no single beam"):
        imhead("a.im", "put", "beampa", "3deg")
    imhead("a.im", "put", "beammajor", "3arcsec")
    assert get("beamminor") == {"value": 3.0, "unit": "arcsec"} and get("beampa")["value"] == 0
    imhead("a.im", "del", "beammajor")
    imhead("a.im", "add", "beammajor", "30arcsec")
    assert get("beamminor") == {"value": 30.0, "unit": "arcsec"}
    for call in (lambda: get("nokey"), lambda: imhead("a.im", "get"), lambda: imhead("")):
        with pytest.raises(ParameterError):
            call()


def test_image_without_spectral_axis() -> None:
    make()
    with CasaImage.open("a.im") as image:
        flat = image.coordinates.without_pixel_axes([2, 3])
    CasaImage.create("flat.im", (6, 8), flat).close()
    for mode, key in (("get", "restfreq"), ("put", "restfreq"), ("put", "reffreqtype")):
        with pytest.raises(ParameterError, match=r"no spectral axis|no 'restfreq'"):
            imhead("flat.im", mode, key, "1GHz")


def test_tool_needs_an_image() -> None:
    with pytest.raises(NotOpenError):
        imagemetadata().get("bunit")
    tool = imagemetadata()
    tool.open(make())
    with pytest.raises(ParameterError, match="keyword is needed"):
        tool.set("", 1)
    assert tool.done()


def test_imhistory_and_listfits() -> None:
    make()
    assert imhistory("a.im", "append", message="my note", origin="o") is True
    assert imhistory("a.im") == ["my note"]
    exportfits("a.im", "a.fits")
    assert listfits("a.fits") is None
    assert imhistory("a.fits", verbose=False) == ["my note"]
    for call, error in ((lambda: imhistory("a.im", "zz"), ParameterError), (lambda: imhistory(""), ParameterError),
                        (lambda: imhistory("a.im", "append"), ParameterError), (lambda: listfits(""), (ParameterError, PathMissingError)),
                        (lambda: listfits("no.fits"), PathMissingError), (lambda: listfits("a.im/table.dat"), DataError)):  # fmt: skip
        with pytest.raises(error):
            call()
