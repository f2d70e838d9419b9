"""Cubes summed to Taylor terms and back: the sums that CASA 6.7 was measured to make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import coordsys, image, synthesisutils
from casatools._base.errors import DataError, ParameterError, PathMissingError

SHAPE, HZ0 = (12, 10, 1, 4), 1.25e9
FREQ = 1.0e9 + 0.15e9 * np.arange(4)
X = (FREQ - HZ0) / HZ0
LIMIT = 0.3


def write(name: str, values: np.ndarray) -> np.ndarray:
    system = coordsys().newcoordsys(direction=True, stokes=["I"], spectral=True)
    system.setreferencevalue(FREQ[0], "spectral")
    system.setincrement("0.15GHz", "spectral")
    tool = image()
    tool.fromarray(name, values, csys=system.torecord())
    tool.done()
    return np.asarray(values, np.float32)


def pixels(name: str) -> np.ndarray:
    tool = image()
    tool.open(name)
    try:
        return np.asarray(tool.getchunk())
    finally:
        tool.done()


@pytest.fixture(autouse=True)
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Images of a cube, and the beam of the whole band."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    made = {kind: write(f"c.{kind}", rng.normal(size=SHAPE)) for kind in ("psf", "residual", "model")}
    made["pb"] = write("c.pb", rng.uniform(0.1, 1.0, SHAPE))
    made["sumwt"] = write("c.sumwt", np.array([10.0, 40.0, 30.0, 20.0]).reshape(1, 1, 1, 4))
    made["whole"] = write("m.pb.tt0", rng.uniform(0.2, 1.0, (12, 10, 1, 1)))
    return made


def tool(name: str, **more: Any) -> bool:
    return bool(getattr(synthesisutils(), name)(**{"cubename": "c", "mtname": "m", "reffreq": "1.25GHz", **more}))


@pytest.mark.parametrize(("kind", "number"), [("psf", 0), ("residual", 1)])
def test_sums_are_weighted_with_beams(cube: dict[str, np.ndarray], kind: str, number: int) -> None:
    for _ in range(2):  # made, then replaced
        assert tool("cube_to_taylor_sum", imtype=number, nterms=2)
    weight = cube["sumwt"] / cube["sumwt"].sum()
    for term in range(3 if kind == "psf" else 2):
        expected = (weight * cube["pb"] * X**term * cube[kind]).sum(axis=3, keepdims=True) / cube["whole"]
        assert pixels(f"m.{kind}.tt{term}") == pytest.approx(expected, rel=1e-4, abs=1e-5)
    opened = image()
    opened.open(f"m.{kind}.tt0")
    assert opened.coordsys().referencevalue("n", "spectral")["numeric"][0] == pytest.approx(HZ0)
    opened.done()


def test_beams_and_sums_of_weights(cube: dict[str, np.ndarray]) -> None:
    tool("cube_to_taylor_sum", imtype=2)
    tool("cube_to_taylor_sum", imtype=3)
    weight = cube["sumwt"] / cube["sumwt"].sum()
    assert pixels("m.pb.tt0") == pytest.approx((weight * cube["pb"]).sum(axis=3, keepdims=True), rel=1e-5)
    for term in range(3):
        assert pixels(f"m.sumwt.tt{term}").ravel()[0] == pytest.approx((weight * cube["sumwt"] * X**term).sum(), rel=1e-5)


def test_terms_are_evaluated_and_beams_put_on_and_off(cube: dict[str, np.ndarray]) -> None:
    terms = [write(f"m.model.tt{k}", np.random.default_rng(k).normal(size=(12, 10, 1, 1))) for k in range(2)]
    tool("taylor_coeffs_to_cube", nterms=2)
    sky = terms[0] + terms[1] * X
    assert pixels("c.model") == pytest.approx(sky, rel=1e-4, abs=1e-5)
    synthesisutils().apply_freq_dep_pb("c", "m", LIMIT)
    seen = (cube["pb"] > LIMIT) & (cube["whole"] > LIMIT)
    assert pixels("c.model") == pytest.approx(np.where(seen, sky * cube["pb"] / cube["whole"], 0), rel=1e-4, abs=1e-5)
    synthesisutils().remove_freq_dep_pb("c", "m", LIMIT)
    expected = np.where(cube["pb"] > LIMIT, cube["residual"] * cube["whole"] / cube["pb"], 0)
    assert pixels("c.residual") == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: tool("cube_to_taylor_sum", cubename=""), ParameterError, "cubename"),
        (lambda: tool("cube_to_taylor_sum", reffreq=""), ParameterError, "reffreq"),
        (lambda: tool("cube_to_taylor_sum", imtype=4), ParameterError, "imtype"),
        (lambda: tool("cube_to_taylor_sum", cubename="no"), PathMissingError, "no.psf"),
        (lambda: tool("taylor_coeffs_to_cube"), PathMissingError, "m.model.tt0"),
        (lambda: (shutil.rmtree("c.sumwt"), write("c.sumwt", np.ones((1, 1, 1, 3))), tool("cube_to_taylor_sum")), DataError, "channels"),
        (lambda: (shutil.rmtree("c.sumwt"), write("c.sumwt", np.zeros((1, 1, 1, 4))), tool("cube_to_taylor_sum")), DataError, "zero"),
        (lambda: (shutil.rmtree("c.pb"), write("c.pb", np.ones((3, 3, 1, 4))), tool("cube_to_taylor_sum")), DataError, "shape"),
        (lambda: (write("m.psf.tt0", np.ones((3, 3, 1, 1))), tool("cube_to_taylor_sum")), DataError, "shape"),
        (lambda: (write("m.model.tt0", np.ones((3, 3, 1, 1))), tool("taylor_coeffs_to_cube", nterms=1)), DataError, "shape"),
        (lambda: (shutil.rmtree("c.psf"), _flat("c.psf"), tool("cube_to_taylor_sum")), DataError, "spectral"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def _flat(name: str) -> None:
    """An image without a spectral axis."""
    made = image()
    made.fromarray(name, np.ones(SHAPE), csys=coordsys().newcoordsys(linear=4).torecord())
    made.done()
