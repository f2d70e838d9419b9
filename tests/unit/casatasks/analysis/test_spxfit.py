"""spxfit against power laws made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import imsubimage, spxfit
from casatools import coordsys, image
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate
from casatools.io.image.coordinates.make import make_image_coordinates

HZ = 1.2e9 + 1e8 * np.arange(8)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(curve: float = 0.0, noise: float = 0.0) -> np.ndarray:
    coordinates = make_image_coordinates((6, 5), (1e-5, 1e-5), (1.0, 0.5), HZ, stokes=["I"])
    level = 1.0 + np.arange(30.0).reshape(5, 6)
    ratio = (HZ / 1e9)[:, None, None]
    values = level * ratio ** (-0.7 + curve * np.log(ratio))
    values = values + noise * np.random.default_rng(5).normal(size=values.shape)
    with CasaImage.create("a.im", (8, 1, 5, 6), coordinates, np.float64, unit="Jy/beam") as made:
        made.write(values[:, None])
    return level


def test_power_laws_are_found_at_each_pixel() -> None:
    level = make()
    found = spxfit(
        "a.im", multifit=True, spxest=[2.0, 0.0], spxsol="sol", spxerr="err", model="mod", residual="res", logfile="fit.txt",
        sigma=[1.0] * 8, outsigma="sigma",
    )  # fmt: skip
    assert found["plp"]["solution"].shape == (6, 5, 1, 1, 2) and found["converged"].all() and found["xUnit"] == "Hz"
    assert np.allclose(found["plp"]["solution"][:, :, 0, 0, 0].T, level) and np.allclose(found["plp"]["solution"][..., 1], -0.7)
    with CasaImage.open("sol_0") as solution, CasaImage.open("mod") as model, CasaImage.open("res") as rest:
        assert np.allclose(solution.read()[0, 0], level) and model.shape == (8, 1, 5, 6) and np.abs(rest.read()).max() < 1e-5
    assert "c0*(x/D)**(c1)" in Path("fit.txt").read_text() and Path("err_1").is_dir() and Path("sigma").is_dir()
    with pytest.raises(OutputExistsError):
        spxfit("a.im", multifit=True, spxest=[2.0, 0.0], spxsol="sol")


def test_curved_laws_logarithms_divisors_and_held_coefficients() -> None:
    make(curve=0.3)
    one = {"box": "2,1,2,1"}
    level = 1.0 + 8.0
    assert np.allclose(spxfit("a.im", spxest=[2.0, 0.0, 0.0], **one)["plp"]["solution"].ravel(), [level, -0.7, 0.3])
    logs = spxfit("a.im", spxtype="ltp", spxest=[0.0, 0.0, 0.0], **one)
    assert np.allclose(logs["ltp"]["solution"].ravel(), [np.log(level), -0.7, 0.3])
    assert logs["type"].ravel()[0] == "LOGARITHMIC TRANSFORMED POLYNOMIAL"
    moved = spxfit("a.im", spxest=[2.0, 0.0, 0.0], div="2GHz", **one)["plp"]["solution"].ravel()
    assert np.allclose(moved, [level * 2 ** (-0.7 + 0.3 * np.log(2)), -0.7 + 0.6 * np.log(2), 0.3])
    held = spxfit("a.im", spxest=[2.0, -0.7, 0.3], spxfix=[False, True, True], div=1e9, **one)["plp"]
    assert np.allclose(held["solution"].ravel(), [level, -0.7, 0.3]) and held["error"].ravel()[1] == 0
    assert spxfit("a.im", spxest=[2.0, 0.0], wantreturn=False, **one) is None


def test_images_are_joined_in_their_order() -> None:
    make()
    for k in range(8):
        imsubimage("a.im", f"c{k}.im", chans=str(k))
    found = spxfit(["c4.im", *(f"c{k}.im" for k in (0, 1, 2, 3, 5, 6, 7))], box="2,1,2,1", spxest=[2.0, 0.0])
    assert np.allclose(found["plp"]["solution"].ravel(), [9.0, -0.7])
    ia = image()
    ia.open("a.im")
    part = ia.fitprofile(box="2,1,2,1", spxtype="plp", spxest=[2.0, 0.0], planes=[0, 3, 7])
    assert np.allclose(part["plp"]["solution"].ravel(), [9.0, -0.7])
    ia.done()


def test_refused() -> None:
    make()
    for given in (
        {"spxtype": "xx"}, {"spxest": []}, {"spxfix": [True]}, {"spxest": [0.0, 1.0]}, {"div": -1.0},
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            spxfit("a.im", **{"spxest": [1.0, -0.7], **given})
    with pytest.raises(PathMissingError):
        spxfit(["a.im", "none.im"], spxest=[1.0, -0.7])
    with CasaImage.create("l.im", (5,), Coordinates([LinearCoordinate.make(["x"], ["m"])])) as made:
        made.write(1.0)
    with pytest.raises(DataError, match="not positive"):
        spxfit("l.im", axis=0, spxest=[1.0, -0.7])


def test_as_many_points_as_parameters_are_fitted() -> None:
    ia = image()
    system = coordsys().newcoordsys(direction=True, stokes=["I"], spectral=True)
    system.setreferencevalue([1.0e9], type="spectral")
    system.setincrement([1e8], type="spectral")
    system.setreferencepixel([0], type="spectral")
    x = 1 + 0.1 * np.arange(5)
    values = np.broadcast_to(3 * x**-0.7, (2, 1, 1, 5)).copy()
    ia.fromarray("two.im", values, csys=system.torecord())
    good = np.ones(values.shape, bool)
    good[1, ..., 2:] = False  # two channels, two parameters
    ia.putregion(pixelmask=good)
    ia.done()
    found = spxfit("two.im", spxtype="plp", spxest=[3.0, -0.5], multifit=True, wantreturn=True, div="1GHz")
    assert found["converged"].all()
    np.testing.assert_allclose(found["plp"]["solution"].reshape(2, 2), [[3, -0.7]] * 2, rtol=1e-5)


def test_models_of_logarithms_are_in_the_unit_of_the_image() -> None:
    make()
    spxfit("a.im", spxtype="ltp", spxest=[0.0, 0.0], multifit=True, model="mod", residual="res")
    with CasaImage.open("a.im") as given, CasaImage.open("mod") as model, CasaImage.open("res") as rest:
        np.testing.assert_allclose(model.read(), given.read(), rtol=1e-5)
        assert np.abs(rest.read()).max() < 1e-4 and model.unit == "Jy/beam"
