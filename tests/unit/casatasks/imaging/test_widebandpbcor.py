"""widebandpbcor: terms of the beam, their division, spectral indices that the beam had changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean, widebandpbcor
from casatools._base.errors import CasaError, DataError, ParameterError, PathMissingError
from casatools.imaging.wideband_beam import divide_taylor_terms, fit_taylor_terms
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels


def test_polynomials_are_fitted_and_divided_as_power_series() -> None:
    x = np.array([-0.2, -0.1, 0.05, 0.2])
    beam = np.array([[0.9, 0.5], [-0.3, 0.1], [0.2, 0.0]])
    values = sum(b[None] * x[:, None] ** k for k, b in enumerate(beam))
    found = fit_taylor_terms(values, np.array([1.0, 2.0, 1.0, 0.5]), x, 3)
    assert np.allclose(found, beam, atol=1e-10)
    sky = np.array([[2.0, 1.0], [-1.4, 0.7], [0.3, 0.4]])
    seen = np.array([sum(sky[j] * beam[k - j] for j in range(k + 1)) for k in range(3)])
    assert np.allclose(divide_taylor_terms(seen[:, None, None], beam[:, None]), sky[:, None, None])
    with pytest.raises(DataError, match="frequencies"):
        fit_taylor_terms(values, np.ones(4), np.zeros(4), 2)


@pytest.fixture(scope="module")
def imaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Continuum images with terms, in another folder than the MeasurementSet."""
    place = tmp_path_factory.mktemp("wide")
    here = os.getcwd()
    os.chdir(place)
    try:
        make_demo("sim.ms", DemoOptions(antennas_per_arm=4, cycles=1, nchan=8))
        os.mkdir("images")
        tclean(
            "sim.ms",
            imagename="images/t",
            field="0",
            imsize=48,
            cell="30arcsec",
            deconvolver="mtmfs",
            nterms=2,
            niter=20,
            datacolumn="data",
        )
    finally:
        os.chdir(here)
    return place


LISTS: dict[str, Any] = {"spwlist": [0, 0, 0], "chanlist": [0, 3, 7], "weightlist": [1.0, 1.0, 1.0]}


def test_images_in_another_folder_are_corrected(imaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(imaged)
    widebandpbcor("sim.ms", "images/t", nterms=2, threshold="0.5Jy", field="0", **LISTS)
    beam = [pixels(f"images/t.pbcor.workdirectory/t.pb.tt{k}") for k in (0, 1)]
    before, after = ([pixels(f"images/t.{kind}.tt{k}") for k in (0, 1)] for kind in ("image", "pbcor.image"))
    assert beam[0][24, 24] == pytest.approx(1.0, abs=1e-6) and beam[1][5, 24] < 0 and 0.2 < beam[0][5, 24] < 1.0
    assert after[0][5, 24] == pytest.approx(before[0][5, 24] / beam[0][5, 24], rel=1e-5)
    assert after[1][5, 24] == pytest.approx((before[1] - after[0] * beam[1])[5, 24] / beam[0][5, 24], rel=1e-4)
    assert os.path.isdir("images/t.pbcor.image.alpha") and os.path.isdir("images/t.pbcor.image.alpha.error")
    # Indices alone, of another threshold: fewer pixels have one.
    was = np.count_nonzero(pixels("images/t.alpha"))
    widebandpbcor(imagename="images/t", nterms=2, threshold=0.9 * float(before[0].max()), action="calcalpha")
    assert 0 < np.count_nonzero(pixels("images/t.image.alpha")) < was and os.path.isdir("images/t.image.alpha.error")
    assert np.count_nonzero(pixels("images/t.alpha")) == was  # tclean's stays


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        ({"imagename": ""}, ParameterError, "imagename"), ({"vis": ""}, ParameterError, "vis"), ({"nterms": 0}, ParameterError, "nterms"),
        ({"weightlist": [1.0]}, ParameterError, "same length"), ({"weightlist": [0.0, 0.0, 0.0]}, ParameterError, "positive weights"),
        ({"spwlist": [0, 0, 5]}, ParameterError, "spwlist"), ({"chanlist": [0, 3, 99]}, ParameterError, "chanlist"),
        ({"imagename": "images/u"}, PathMissingError, "images/u"), ({"action": "calcalpha", "nterms": 1}, ParameterError, "at least 2"),
        ({"chanlist": [3, 3, 3]}, DataError, "frequencies"),
    ],
)  # fmt: skip
def test_refusals(
    imaged: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], kind: type[CasaError], text: str
) -> None:
    monkeypatch.chdir(imaged)
    before = sorted(os.listdir("images"))
    with pytest.raises(kind, match=text):
        widebandpbcor(**{"vis": "sim.ms", "imagename": "images/t", "nterms": 2, "field": "0", **LISTS, **changed})
    assert sorted(os.listdir("images")) == before
