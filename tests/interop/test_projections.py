"""Every projection of FITS through our reader and writer, beside astropy.wcs and the reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from casatasks import exportfits, importfits
from casatools import image
from support.shared import oracle_python, run_python

pytestmark = pytest.mark.filterwarnings("ignore")

# Name: (projection's code, latitude of the reference, its PVs on the latitude axis). Cylindrical and all-sky ones have it on the equator.
KINDS: dict[str, tuple[str, float, dict[int, float]]] = {
    "TAN": ("TAN", 31.0, {}), "SIN": ("SIN", 31.0, {}), "slant": ("SIN", 31.0, {1: 0.2, 2: -0.3}), "ARC": ("ARC", -70.0, {}),
    "STG": ("STG", 31.0, {}), "ZEA": ("ZEA", 31.0, {}), "ZPN": ("ZPN", 31.0, {1: 1.0, 3: -0.05}), "AIR": ("AIR", 31.0, {1: 60.0}),
    "AZP": ("AZP", 31.0, {1: 2.0, 2: 10.0}), "SZP": ("SZP", 31.0, {1: 2.0, 2: 180.0, 3: 60.0}), "CAR": ("CAR", 0.0, {}),
    "MER": ("MER", 0.0, {}), "CEA": ("CEA", 0.0, {1: 1.0}), "CYP": ("CYP", 0.0, {1: 1.0, 2: 0.8}), "SFL": ("SFL", 0.0, {}),
    "GLS": ("GLS", 0.0, {}), "PAR": ("PAR", 0.0, {}), "MOL": ("MOL", 0.0, {}), "AIT": ("AIT", 0.0, {}), "BON": ("BON", 0.0, {1: 45.0}),
    "PCO": ("PCO", 0.0, {}), "COP": ("COP", 45.0, {1: 45.0, 2: 25.0}), "COE": ("COE", 45.0, {1: 45.0, 2: 25.0}),
    "COD": ("COD", 45.0, {1: 45.0, 2: 25.0}), "COO": ("COO", 45.0, {1: 45.0, 2: 25.0}), "TSC": ("TSC", 0.0, {}), "CSC": ("CSC", 0.0, {}),
    "QSC": ("QSC", 0.0, {}), "NCP": ("NCP", 31.0, {}),
}  # fmt: skip
X, Y = np.array([0.0, 12.25, 39.0, 20.0]), np.array([29.0, 3.5, 0.0, 15.0])


def write(name: str, degrees: float = 0.05) -> WCS:
    code, latitude, parameters = KINDS[name]
    header = fits.Header()
    for axis, (kind, value, step, pixel) in enumerate((("RA", 187.5, -degrees, 20.0), ("DEC", latitude, degrees, 14.0)), 1):
        header[f"CTYPE{axis}"] = f"{kind:-<5}{code}"
        header[f"CRVAL{axis}"], header[f"CDELT{axis}"], header[f"CRPIX{axis}"] = value, step, pixel
        header[f"CUNIT{axis}"] = "deg"
    header["RADESYS"], header["EQUINOX"], header["BUNIT"] = "FK5", 2000.0, "K"
    for k, value in parameters.items():
        header[f"PV2_{k}"] = value
    values = np.random.default_rng(1).normal(size=(30, 40)).astype(np.float32)
    fits.PrimaryHDU(values, header).writeto(f"{name}.fits", overwrite=True)
    return WCS(header)


def world_of(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Sky places [deg] of four pixels, and the pixels that come back."""
    ia = image()
    ia.open(path)
    tool = ia.coordsys()
    tool.setunits(["deg", "deg"], "direction")
    ia.done()
    rest = [np.zeros(4)] * (tool.naxes() - 2)
    there = tool.toworldmany(np.array([X, Y, *rest]))["numeric"]
    back = tool.topixelmany(there)["numeric"]
    return there[:2], back[:2]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", KINDS)
def test_places_are_those_of_astropy(name: str) -> None:
    wcs = write(name)
    importfits(f"{name}.fits", "a.im")
    exportfits("a.im", "again.fits")
    with fits.open("again.fits") as found:
        again = WCS(found[0].header).celestial
    for path, reference in (("a.im", wcs), (f"{name}.fits", wcs), ("again.fits", again)):
        there, back = world_of(path)
        expected = np.array(reference.wcs_pix2world(X, Y, 0))
        assert np.abs((there[0] - expected[0] + 180) % 360 - 180).max() < 1e-9 and np.abs(there[1] - expected[1]).max() < 1e-9
        # CSC is defined by a polynomial each way, which are inverse to a hundredth of a pixel of this size.
        assert np.abs(back - [X, Y]).max() < (0.01 if name == "CSC" else 1e-9)
    assert np.abs(np.array(again.wcs_pix2world(X, Y, 0)) - np.array(wcs.wcs_pix2world(X, Y, 0))).max() < 1e-9


@pytest.mark.oracle
def test_places_are_those_of_the_reference() -> None:
    python = oracle_python()
    for name in KINDS:
        write(name)
    script = f"""
import json
from casatools import image
found = {{}}
for name in {list(KINDS)!r}:
    ia = image()
    try:
        ia.open(name + ".fits")
        cs = ia.coordsys()
        cs.setunits(["deg", "deg"], "direction")
        found[name] = cs.toworldmany([{X.tolist()}, {Y.tolist()}])["numeric"].tolist()
    except Exception as refusal:
        found[name] = str(refusal)[:100]
    ia.done()
json.dump(found, open("found.json", "w"))
"""
    run_python(python, script)
    compared = 0
    for name, theirs in json.loads(Path("found.json").read_text()).items():
        if isinstance(theirs, str):
            continue
        there, _ = world_of(f"{name}.fits")
        assert np.abs((there[0] - theirs[0] + 180) % 360 - 180).max() < 1e-9 and np.abs(there[1] - theirs[1]).max() < 1e-9, name
        compared += 1
    assert compared >= 20
