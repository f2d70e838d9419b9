"""Where images differ from the reference's, those of a sky that is known say which is nearer to it (needs CASA_ORACLE)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import deconvolve, tclean
from casatools import image, table
from support.extended_sky import ARCSEC, EXTENDED, POINTS, SIZE, observe, pixels, truth
from support.mosaic_ms import CELL, FREQ, MOSAIC, C, make_mosaic, offset
from support.shared import oracle_python, run_python


@pytest.mark.parametrize(
    ("name", "sky", "given"),
    [
        ("clark", POINTS, {"niter": 400, "gain": 0.1, "threshold": "20mJy"}),
        ("mem", EXTENDED, {"niter": 60, "threshold": "30mJy"}),
        ("asp", EXTENDED, {"niter": 300, "gain": 0.3, "threshold": "30mJy"}),
        ("multiscale", EXTENDED, {"niter": 400, "gain": 0.2, "threshold": "30mJy", "scales": [0, 4, 10]}),
        ("hogbom", POINTS, {"niter": 400, "gain": 0.1, "threshold": "20mJy"}),
    ],
)
def test_deconvolvers_are_at_least_as_near(
    name: str,
    sky: tuple[tuple[int, int, float, float], ...],
    given: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the same dirty image and beam with the same options: the error of the restored image, by the noise the same, is not greater than the reference's."""
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    observe(sky, 0.02)
    for who in "oc":
        tclean(
            "demo.ms",
            field="2",
            imagename=who,
            imsize=SIZE,
            cell=f"{ARCSEC}arcsec",
            datacolumn="data",
            niter=0,
            pblimit=-0.1,
            restoration=False,
        )
    options = {"deconvolver": name, "mask": "circle[[64pix,64pix],58pix]", **given}
    run_python(python, f"from casatasks import deconvolve\ndeconvolve('c', **{options!r})\n")
    deconvolve("o", **options)
    errors = {}
    for who in "oc":
        tool = image()
        tool.open(f"{who}.image")
        beam = tool.restoringbeam()
        tool.done()
        expected = truth(sky, beam)
        errors[who] = float(np.std((pixels(f"{who}.image") - expected)[10:-10, 10:-10]))
    # Sidelobes beyond what the beam's image shows are most of the errors here; adaptive scales go on to the threshold into them, the reference's stop at
    # twice that: 16.6 and 15.6 mJy/beam (16.6 and 27.1 with a gain of 0.1).
    assert errors["o"] <= (1.12 if name == "asp" else 1.03) * errors["c"]


def test_a_source_in_a_mosaic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of 1 Jy at half power of the beam that CASA documents for ALMA (10.7 m, blocked by 0.75 m): ours has it to 0.3 %, CASA's `.image.pbcor` is off by one or more per cent (0.980 to 1.009, by the size of the image)."""
    from scipy.special import j1

    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    make_mosaic(tmp_path / "sim.ms")
    tb = table()
    for name, column, value in (("ANTENNA", "DISH_DIAMETER", 12.0), ("OBSERVATION", "TELESCOPE_NAME", "ALMA")):
        tb.open(f"sim.ms/{name}", nomodify=False)
        tb.putcol(column, np.full(tb.nrows(), value))
        tb.done()
    tb.open("sim.ms/FIELD", nomodify=False)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcell(column, 0, np.array([[1.0], [0.6]]))
    tb.done()
    reach = 1.55 / (np.pi * 10.7 * 10e9 / C) / CELL
    east, north = round(reach * 0.8), round(reach * 0.6)
    l, m = offset(1.0, 0.6, east, north)
    x = np.pi * np.hypot(l, m) * FREQ / C
    disk = [d * d * 2.0 * j1(d * x) / (d * x) for d in (10.7, 0.75)]
    power = np.square((disk[0] - disk[1]) / (10.7**2 - 0.75**2))
    tb.open("sim.ms", nomodify=False)
    tb.putcol("FIELD_ID", np.zeros(tb.nrows(), int))
    w = np.sqrt(1 - l * l - m * m) - 1
    turn = np.exp(2j * np.pi * np.outer(FREQ, np.array([l, m, w]) @ tb.getcol("UVW")) / C)
    tb.putcol("DATA", np.repeat((power[:, None] * turn)[None], 2, axis=0).astype(np.complex64))
    tb.done()
    ways = {"niter": 0, "pblimit": 0.05, "pbcor": True, **MOSAIC, "imsize": 256}
    run_python(python, f"from casatasks import tclean\ntclean(imagename='c', **{ways!r})\n")
    tclean(imagename="o", **ways)
    found = {who: abs(float(pixels(f"{who}.image.pbcor")[128 - east, 128 + north]) - 1.0) for who in "oc"}
    assert found["o"] < 3e-3 < 5e-3 < found["c"] < 0.05
