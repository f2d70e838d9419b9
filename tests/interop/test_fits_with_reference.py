"""FITS images of every kind of pixel and of spectral axis: astropy's pixels, the reference's frequencies, and tables of beams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from casatasks import exportfits, importfits
from casatools import image
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import oracle_python, run_python

pytestmark = pytest.mark.filterwarnings("ignore")
CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("bitpix", [8, 16, 32, 64, -32, -64])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_pixels_are_those_of_astropy(bitpix: int, scaled: bool, compressed: bool) -> None:
    if compressed and (bitpix == 64 or scaled):
        return  # not defined by the standard, or done by the compression itself
    dtype = {8: np.uint8, 16: np.int16, 32: np.int32, 64: np.int64, -32: np.float32, -64: np.float64}[bitpix]
    raw = (np.random.default_rng(bitpix % 7).uniform(0, 100, size=(6, 7))).astype(dtype)
    header = fits.Header(
        {
            "CTYPE1": "RA---SIN",
            "CRVAL1": 10.0,
            "CDELT1": -0.01,
            "CRPIX1": 3.0,
            "CTYPE2": "DEC--SIN",
            "CRVAL2": 5.0,
            "CDELT2": 0.01,
        }
    )
    if bitpix > 0:
        raw[2, 3] = 77
        header["BLANK"] = 77
    else:
        raw[2, 3] = np.nan
    if scaled:
        header["BSCALE"], header["BZERO"] = 0.5, -3.0
    unit: Any = fits.CompImageHDU(raw, header) if compressed else fits.PrimaryHDU(raw, header, do_not_scale_image_data=True)
    if scaled:
        unit.header["BSCALE"], unit.header["BZERO"] = 0.5, -3.0
    fits.HDUList([fits.PrimaryHDU(), unit] if compressed else [unit]).writeto("a.fits")
    with fits.open("a.fits") as found:
        theirs = np.asarray(found[-1].data, dtype=float)
    if bitpix > 0:
        theirs[2, 3] = np.nan
    importfits("a.fits", "a.im")
    for name in ("a.fits", "a.im"):
        with CasaImage.open(name) as ours:
            values, good = ours.read().astype(float), ours.read_mask()
        assert np.allclose(values[good], theirs[good], rtol=1e-6) and np.array_equal(good, np.isfinite(theirs)), name


SPECTRA: dict[str, dict[str, Any]] = {
    "FREQ": {"CTYPE3": "FREQ", "CRVAL3": 1.41e9, "CDELT3": -2e5, "CUNIT3": "Hz"},
    "VRAD": {"CTYPE3": "VRAD", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s"},
    "VOPT": {"CTYPE3": "VOPT", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s"},
    "VOPT-F2W": {"CTYPE3": "VOPT-F2W", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s"},
    "FELO-HEL": {"CTYPE3": "FELO-HEL", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s", "VELREF": 2},
    "FELO-LSR": {"CTYPE3": "FELO-LSR", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s", "VELREF": 1},
    "VELO-LSR": {"CTYPE3": "VELO-LSR", "CRVAL3": 2.1e6, "CDELT3": 5e4, "CUNIT3": "m/s", "VELREF": 257},
    "FREQ-LSR": {
        "CTYPE3": "FREQ",
        "CRVAL3": 1.41e9,
        "CDELT3": -2e5,
        "CUNIT3": "Hz",
        "VELREF": 257,
        "ALTRVAL": 2.1e6,
        "ALTRPIX": 3.0,
    },
    "WAVE-F2W": {"CTYPE3": "WAVE-F2W", "CRVAL3": 0.2126, "CDELT3": 3e-5, "CUNIT3": "m"},
    "WAVE": {"CTYPE3": "WAVE", "CRVAL3": 0.2126, "CDELT3": 3e-5, "CUNIT3": "m"},
    "GHz": {"CTYPE3": "FREQ", "CRVAL3": 1.41, "CDELT3": -2e-4, "CUNIT3": "GHz", "SPECSYS": "BARYCENT"},
}


def write_spectrum(name: str) -> None:
    header = fits.Header(
        {
            "CTYPE1": "RA---SIN",
            "CRVAL1": 10.0,
            "CDELT1": -0.01,
            "CRPIX1": 3.0,
            "CTYPE2": "DEC--SIN",
            "CRVAL2": 5.0,
            "CDELT2": 0.01,
        }
    )
    header.update(
        {
            "RESTFRQ": 1.420405752e9,
            "CRPIX3": 3.0,
            **({"SPECSYS": "LSRK"} if "VELREF" not in SPECTRA[name] else {}),
            **SPECTRA[name],
        }
    )
    fits.PrimaryHDU(np.zeros((8, 5, 6), np.float32), header).writeto(f"{name}.fits")


def frequencies(name: str) -> list[float]:
    ia = image()
    ia.open(f"{name}.fits")
    found = [float(ia.toworld([2, 2, k], "m")["measure"]["spectral"]["frequency"]["m0"]["value"]) for k in range(8)]
    ia.done()
    return found


@pytest.mark.oracle
def test_frequencies_are_those_of_the_reference() -> None:
    python = oracle_python()
    for name in SPECTRA:
        write_spectrum(name)
    script = f"""
import json
from casatools import image
found = {{}}
for name in {list(SPECTRA)!r}:
    ia = image()
    try:
        ia.open(name + ".fits")
        records = [ia.toworld([2, 2, k], "m")["measure"]["spectral"]["frequency"] for k in range(8)]
        found[name] = [[r["m0"]["value"] for r in records], records[0]["refer"]]
    except Exception as refusal:
        found[name] = str(refusal)[:200]
    ia.done()
json.dump(found, open("found.json", "w"))
"""
    run_python(python, script)
    compared = 0
    for name, theirs in json.loads(Path("found.json").read_text()).items():
        if isinstance(theirs, str):
            continue
        # FELO and -F2W are even in frequency (Greisen et al. 2006, A&A 446, 747, as wcslib has it); the reference takes them as even in velocity.
        even = name.startswith("FELO") or name.endswith("F2W")
        assert frequencies(name) == pytest.approx(theirs[0], rel=1e-6 if even else 1e-9), name
        ia = image()
        ia.open(f"{name}.fits")
        assert ia.toworld([2, 2, 0], "m")["measure"]["spectral"]["frequency"]["refer"] == theirs[1], name
        ia.done()
        compared += 1
    assert compared >= 8


@pytest.mark.parametrize("name", ["FELO-HEL", "FELO-LSR", "VOPT-F2W", "WAVE-F2W", "WAVE", "VOPT", "VRAD"])
def test_frequencies_are_those_of_wcslib(name: str) -> None:
    write_spectrum(name)
    with fits.open(f"{name}.fits") as found:
        wcs = WCS(found[0].header).spectral
    world = wcs.wcs_pix2world(np.arange(8.0)[:, None], 0)[:, 0]
    ratio = world / 299792458.0
    expected = 1 / ratio if name.startswith("WAVE") else 1.420405752e9 * (1 - ratio if name == "VRAD" else 1 / (1 + ratio))
    assert frequencies(name) == pytest.approx(expected, rel=1e-10)


def test_tables_of_beams_are_read_by_others() -> None:
    coordinates = make_image_coordinates((8, 6), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(4), stokes=["I"])
    beams = [[Beam.from_rad((5 + k) * CELL, 4 * CELL, 0.1 * k)] for k in range(4)]
    with CasaImage.create("a.im", (4, 1, 6, 8), coordinates, unit="Jy/beam") as made:
        made.write(np.random.default_rng(1).normal(size=(4, 1, 6, 8)))
        made.beams = BeamSet.per_plane(beams)
    exportfits("a.im", "a.fits")
    with fits.open("a.fits") as found:
        assert found[0].header["CASAMBM"]
        table = found["BEAMS"].data
        assert table["BMAJ"] == pytest.approx([3.0 * (5 + k) for k in range(4)], rel=1e-6)
        assert table["BPA"] == pytest.approx(np.degrees(0.1 * np.arange(4)), rel=1e-5, abs=1e-6)
    spectral_cube = pytest.importorskip("spectral_cube", reason="spectral-cube is not installed")
    cube = spectral_cube.SpectralCube.read("a.fits")
    assert [b.major.to_value("arcsec") for b in cube.beams] == pytest.approx([3.0 * (5 + k) for k in range(4)], rel=1e-6)
