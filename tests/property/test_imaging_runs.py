"""Imaging with any number of threads, size of chunks and memory gives the same images: seeded random runs of tclean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image
from casatools._base.threads import set_thread_count
from casatools.imaging import imager, plane_store, visibilities
from support.mosaic_ms import make_mosaic

RELATIVE = 1e-6
# Images that are compared where a run writes them.
KINDS = ("psf", "residual", "model", "image", "pb", "mask", "weight", "sumwt")


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Parameters of a run that cleans a few components."""

    def one(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    given: dict[str, Any] = {
        "specmode": one("mfs", "mfs", "cube", "cubedata"),
        "gridder": one("standard", "wproject", "mosaic"),
        "weighting": one("natural", "uniform", "briggs"),
        "niter": one(0, 15, 30),
        "cycleniter": 10,
        "stokes": one("I", "I", "RRLL"),
        "uvtaper": one([], ["2klambda"]),
    }
    if given["gridder"] == "mosaic":
        given |= {"field": "", "pblimit": 0.1}
    if given["specmode"] == "mfs":
        given["deconvolver"] = one("hogbom", "multiscale", "mtmfs")
        given |= {"nterms": 2} if given["deconvolver"] == "mtmfs" else {}
    else:
        given |= {
            "deconvolver": one("hogbom", "clark"),
            "perchanweightdensity": one(True, False),
            "interpolation": one("linear", "nearest"),
        }
    given |= (
        one({}, {"usemask": "pb", "pbmask": 0.3}, {"usemask": "auto-multithresh", "sidelobethreshold": 1.0})
        if given["niter"]
        else {}
    )
    return given


def pixels(base: str) -> dict[str, np.ndarray]:
    """Pixels of all images of a run."""
    ia = image()
    found = {}
    for name in sorted(os.listdir()):
        kind = name[len(base) + 1 :]
        if name.startswith(base + ".") and kind.split(".")[0] in KINDS:
            ia.open(name)
            found[kind] = ia.getchunk()
            ia.close()
    return found


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sky") / "sim.ms"
    make_mosaic(path)
    return str(path)


@pytest.mark.parametrize("seed", range(8))
def test_threads_chunks_and_memory_change_nothing(seed: int, sky: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    given = {"vis": sky, "field": "0", "imsize": 64, "cell": "8arcsec", "datacolumn": "data", "phasecenter": 0} | draw(rng)
    first = tclean(imagename="whole", **given)
    wanted = pixels("whole")
    scale = float(np.nanmax(np.abs(wanted[next(k for k in wanted if k.startswith("image"))])))
    set_thread_count(int(rng.integers(1, 4)))
    monkeypatch.setattr(visibilities, "_CHUNK_BYTES", int(10 ** rng.uniform(3.5, 6)))
    budget = int(10 ** rng.uniform(3, 7))
    monkeypatch.setattr(imager, "memory_budget_bytes", lambda: budget)
    if rng.random() < 0.5:
        monkeypatch.setattr(plane_store, "memory_budget_bytes", lambda: 1000)  # planes of cubes are in files
    try:
        again = tclean(imagename="other", **given)
    finally:
        set_thread_count(None)
    found = pixels("other")
    assert again["iterdone"] == first["iterdone"] and again["nmajordone"] == first["nmajordone"], given
    assert found.keys() == wanted.keys() and "psf" in "".join(found)
    for kind, values in wanted.items():
        size = scale if kind.startswith(("residual", "model", "image")) else float(np.abs(values).max())
        np.testing.assert_allclose(found[kind], values, rtol=0, atol=RELATIVE * size, err_msg=f"{kind} {given}")
