"""specfit on profiles whose lines are known, and against numbers that the reference gives for the same pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import specfit
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.analysis import line_fit, profile_fitting, profile_records
from casatools.analysis.profile_models import Gaussian, Lorentzian, Model, Polynomial, PowerLaw
from casatools.analysis.profile_records import component_types
from casatools.analysis.profile_requests import Estimate, LineRequest, Multiplet
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

REST = 1.4e9
WIDTH = 1e5
NCHAN = 60
KM_S = 299792.458 * WIDTH / REST
X = np.arange(NCHAN, dtype=float)


def gaussian(amplitude: float, centre: float, fwhm: float) -> np.ndarray:
    return amplitude * np.exp(-4 * np.log(2) * ((X - centre) / fwhm) ** 2)


def lorentzian(amplitude: float, centre: float, fwhm: float) -> np.ndarray:
    return amplitude / (1 + (2 * (X - centre) / fwhm) ** 2)


def make(
    name: str, profile: np.ndarray, *, noise: float = 0.0, rest: float = REST, stokes: str = "I", dtype: Any = np.float32
) -> None:
    """An image of 4 x 3 pixels of one profile, growing by a tenth from pixel to pixel."""
    coordinates = make_image_coordinates(
        (4, 3), (1e-5, 1e-5), (1.0, 0.5), REST + WIDTH * X, stokes=list(stokes), rest_frequency_hz=rest
    )
    growth = 1 + 0.1 * np.arange(12).reshape(3, 4)
    cube = profile[:, None, None, None] * growth * np.ones((1, len(stokes), 1, 1))
    cube = cube + np.random.default_rng(1).normal(size=cube.shape) * noise
    with CasaImage.create(name, cube.shape, coordinates, dtype, unit="Jy/beam") as made:
        made.write(cube)


def read(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    with CasaImage.open(name) as opened:
        return opened.read(), opened.read_mask(), opened.unit


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_gradients_are_derivatives() -> None:
    rng = np.random.default_rng(0)
    model = Model([Gaussian(), Lorentzian(), Polynomial(2, 59.0), PowerLaw(3, 1 + X / 60)])
    parameters = rng.uniform(1, 2, (3, model.size)) * np.array([1, 20, 5, 1, 30, 4, 1, 1, 1, 1, -0.5, 0.1])
    value, gradient = model.evaluate(parameters, X)
    for k in range(model.size):
        step = 1e-6 * np.eye(model.size)[k]
        numeric = (model.evaluate(parameters + step, X)[0] - model.evaluate(parameters - step, X)[0]) / 2e-6
        assert np.allclose(gradient[..., k], numeric, atol=1e-6), k
    assert value.shape == (3, NCHAN)


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    name = str(unpack("cube.im", tmp_path))
    here = {"box": "15,13,15,13"}
    two = specfit(name, ngauss=2, poly=0, **here)
    # CASA 6.7.0 on the same pixels.
    for key, expected in {
        "amp": [3.030976306949, 1.268163479089], "ampErr": [0.027545627894, 0.030159489803],
        "center": [-19.992691112276, -104.7847613763], "centerErr": [0.202098282433, 0.433923683958],
        "fwhm": [50.114585980259, 40.080008370122], "fwhmErr": [0.559771613549, 1.149116930565],
        "integral": [161.688413034826, 54.104732704371], "integralErr": [2.328299840429, 2.015418673246],
    }.items():  # fmt: skip
        assert two["gs"][key].shape == (1, 1, 1, 1, 2)
        assert two["gs"][key][0, 0, 0, 0] == pytest.approx(expected, rel=1e-5), key
    assert two["type"][0, 0, 0, 0].tolist() == ["GAUSSIAN", "GAUSSIAN", "POLYNOMIAL"]
    assert two["direction"][0, 0, 0, 0] == "J2000 12:00:00.231 +29.59.57.000"
    assert two["xUnit"] == "km/s" and two["yUnit"] == "Jy/beam" and two["ncomps"][0, 0, 0, 0] == 3
    given = {"pampest": [3.0, 1.2], "pcenterest": [10, 18.0], "pfwhmest": [5, 3.5], "poly": 0}
    other = specfit(name, pfunc=["gaussian", "lorentzian"], **given, **here)
    assert other["type"].ravel().tolist() == ["GAUSSIAN", "LORENTZIAN", "POLYNOMIAL"]
    assert other["ls"]["integral"].ravel() == pytest.approx([79.3022418896346], rel=1e-5)
    assert other["ls"]["integralErr"].ravel() == pytest.approx([3.6074904503338314], rel=1e-4)
    multi = {"gmncomps": 2, "gmampest": [3.0, 1.2], "gmcenterest": [10, 18], "gmfwhmest": [5, 4.0], "poly": 0}
    tied = specfit(name, gmampcon=[0.4], gmcentercon=[8.0], gmfwhmcon=[0.8], **multi, **here)
    assert tied["gm0"]["amp"].ravel() == pytest.approx([3.033956116655337, 1.2135824466621348], rel=1e-5)
    assert tied["gm0"]["fwhmErr"].ravel() == pytest.approx([0.5303915503775776, 0.42431324030206213], rel=1e-4)
    assert tied["type"][0, 0, 0, 0].tolist() == ["GAUSSIAN MULTIPLET", "POLYNOMIAL"]
    errors = np.array([0.1] * 12 + [0.2] * 12)
    for sigma in (errors, errors.reshape(1, 1, 1, 24) * 7):
        weighed = specfit(name, ngauss=2, poly=0, sigma=sigma, **here)
        assert weighed["gs"]["ampErr"].ravel() == pytest.approx([0.0187379866, 0.0371346203], rel=1e-4)
    each = specfit(name, region="circle[[15pix,13pix],3pix]", ngauss=2, poly=0, multifit=True)
    assert int(each["converged"].sum()) == 29
    assert each["gs"]["amp"][1, 1:6, 0, 0, 0] == pytest.approx(
        [0.7512211753, 1.3040739746, 1.7443604039, 1.8968097022, 1.6056899436], rel=1e-5
    )


def test_each_pixel_and_its_images() -> None:
    make("a.im", gaussian(2.0, 20.3, 6.0) + lorentzian(0.8, 42.0, 5.0) + 0.3, noise=1e-4)
    columns = {n: n for n in ("amp", "amperr", "center", "centererr", "fwhm", "fwhmerr", "integral", "integralerr")}
    found = specfit(
        "a.im", multifit=True, poly=0, pfunc=["g", "l"], pampest=[1.0, 1.0], pcenterest=[21, 41], pfwhmest=[5, 5], model="m.im",
        residual="r.im", logfile="l.txt", goodamprange=[0.0, 3.9], **columns,
    )  # fmt: skip
    growth = 1 + 0.1 * np.arange(12).reshape(3, 4)
    valid = growth * 2 < 3.9
    assert np.array_equal(found["valid"][:, :, 0, 0].T, valid) and found["converged"].all()
    assert np.allclose(found["gs"]["amp"][:, :, 0, 0, 0].T[valid], 2 * growth[valid], rtol=1e-3)
    amplitudes, mask, unit = read("amp_0")
    assert unit == "Jy/beam" and np.array_equal(mask[0, 0], valid)
    assert np.allclose(amplitudes[0, 0][valid], 2 * growth[valid], rtol=1e-3)
    assert read("center_ls_0")[2] == "km/s" and read("integral_0")[2] == "km/s.Jy/beam"
    assert np.allclose(read("fwhm_0")[0][0, 0][valid], 6 * KM_S, rtol=1e-3)
    assert np.allclose(read("integral_ls_0")[0][0, 0][valid], 0.8 * growth[valid] * 5 * KM_S * np.pi / 2, rtol=1e-2)
    model, inside, _ = read("m.im")
    residual, _, _ = read("r.im")
    data = read("a.im")[0]
    assert np.array_equal(inside[:, 0], np.broadcast_to(valid, (NCHAN, 3, 4)))
    assert np.allclose((model + residual)[:, 0][:, valid], data[:, 0][:, valid], atol=1e-5)
    assert np.std(residual[:, 0][:, valid]) == pytest.approx(1e-4, rel=0.2)
    text = Path("l.txt").read_text(encoding="utf-8")
    assert "Number of profiles       = 12" in text and "LORENTZIAN" in text and "c0" in text and "Valid        : NO" in text


def test_in_pieces_under_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    make("g.im", gaussian(1.0, 25, 6) + 0.1, noise=0.01)

    def fit(name: str, wanted: bool = True) -> Any:
        return specfit(
            "g.im",
            multifit=True,
            ngauss=1,
            poly=0,
            model=f"{name}.im",
            logfile=f"{name}.txt",
            logresults=False,
            wantreturn=wanted,
        )

    whole = fit("whole")
    monkeypatch.setattr(profile_fitting, "_BYTES_PER_VALUE", 1 << 40)  # a row of profiles at a time
    monkeypatch.setattr(profile_records, "_PIECE", 5)
    parts = fit("parts")
    np.testing.assert_array_equal(parts["gs"]["center"], whole["gs"]["center"])
    np.testing.assert_array_equal(read("parts.im")[0], read("whole.im")[0])
    assert Path("parts.txt").read_text() == Path("whole.txt").read_text()
    monkeypatch.setattr(line_fit, "line_record", None)
    assert fit("none", wanted=False) is None


def test_lines_are_found_without_estimates() -> None:
    make("a.im", gaussian(2.0, 15.0, 4.0) + gaussian(-1.5, 30.0, 6.0) + gaussian(1.0, 45.0, 5.0) + 0.2, noise=0.01)
    found = specfit("a.im", ngauss=3, poly=0)["gs"]
    # The mean of the pixels is 1.55 times the profile.
    assert found["amp"].ravel() == pytest.approx(np.array([2.0, -1.5, 1.0]) * 1.55, rel=0.02)
    assert found["fwhm"].ravel() == pytest.approx(np.array([4.0, 6.0, 5.0]) * KM_S, rel=0.02)
    more = specfit("a.im", ngauss=4, poly=1, box="0,0,0,0")
    assert more["valid"].all() and more["ncomps"].ravel() >= 4


def test_nothing_stands_out() -> None:
    make("a.im", 1.0 + 0.001 * X)
    found = specfit("a.im", ngauss=1, logfile="l.txt", logresults=False)
    assert not found["attempted"].any() and np.isnan(found["gs"]["amp"]).all() and found["type"].ravel().tolist() == ["UNDEF"]
    few = specfit("a.im", ngauss=0, poly=2, minpts=NCHAN + 1)
    assert not few["attempted"].any()
    short = specfit("a.im", ngauss=0, poly=3, chans="0~3")
    assert short["attempted"].all() and not short["converged"].any()


def test_polynomials_and_held_parameters() -> None:
    make("a.im", 1.0 + 0.02 * X - 3e-4 * X**2 + gaussian(3.0, 25.0, 8.0))
    found = specfit("a.im", ngauss=1, poly=2, box="0,0,0,0", logfile="l.txt")
    assert found["gs"]["amp"].ravel() == pytest.approx([3.0], rel=1e-4)
    assert "c2 : -0.0003000" in Path("l.txt").read_text(encoding="utf-8")
    held = specfit("a.im", poly=2, box="0,0,0,0", pampest=[2.5], pcenterest=[24.0], pfwhmest=[8.0], pfix=["pc"])["gs"]
    assert held["amp"].ravel() == pytest.approx([2.5]) and held["ampErr"].ravel() == pytest.approx([0.0])
    Path("e.txt").write_text("# a line\n3, 25, 8, pcf\n", encoding="utf-8")
    still = specfit("a.im", estimates="e.txt", poly=2, box="0,0,0,0")
    assert still["gs"]["fwhmErr"].ravel() == pytest.approx([0.0])
    Path("e.txt").write_text("2,24,8\n", encoding="utf-8")
    assert specfit("a.im", estimates="e.txt", poly=2, box="0,0,0,0", wantreturn=False) is None


def test_two_multiplets_with_free_and_held_lines() -> None:
    profile = gaussian(2, 10, 4) + gaussian(1, 18, 4) + gaussian(1.5, 35, 5) + gaussian(0.9, 47, 3)
    make("a.im", profile, noise=1e-4)
    found = specfit(
        "a.im", box="0,0,0,0", gmncomps=[2, 2], gmampcon=[0.5, 0.0], gmcentercon=[8.0, 12.0], gmfwhmcon=[1.0, 0.0],
        gmampest=[1.5, 1, 1, 1], gmcenterest=[11, 18, 34, 46], gmfwhmest=[4, 4, 4, 4], gmfix=["", "", "", "f"],
    )  # fmt: skip
    assert found["gm0"]["amp"].ravel() == pytest.approx([2, 1], rel=1e-2)
    assert found["gm1"]["fwhm"].ravel()[1] == pytest.approx(4 * KM_S)
    assert found["ncomps"].ravel() == [2]


def test_axes_units_and_polarizations() -> None:
    make("a.im", gaussian(2.0, 20.0, 6.0), rest=0.0, stokes="IQ")
    found = specfit("a.im", box="0,0,0,0")
    assert found["xUnit"] == "Hz" and found["gs"]["center"].ravel() == pytest.approx([REST + 20 * WIDTH])
    assert specfit("a.im", multifit=True)["converged"].shape == (4, 3, 1, 1)
    assert specfit("a.im", multifit=True, stokes="IQ")["converged"].shape == (4, 3, 2, 1)
    along_x = specfit("a.im", axis=0, ngauss=0, poly=1, multifit=True, chans="20")
    assert along_x["converged"].shape == (1, 3, 1, 1) and along_x["xUnit"] == "rad"


def test_errors_of_pixels_as_an_image() -> None:
    make("a.im", gaussian(2.0, 20.0, 6.0) + 0.5)
    make("s.im", np.ones(NCHAN) * 0.3)
    found = specfit("a.im", sigma="s.im", outsigma="o.im", poly=0, multifit=True, chans="5~50")
    assert found["converged"].all()
    scaled, _, _ = read("o.im")
    assert scaled.shape == (46, 1, 3, 4) and scaled.max() == pytest.approx(1.0)
    mean = specfit("a.im", sigma="s.im", poly=0)
    assert mean["converged"].all()
    specfit("a.im", sigma=np.ones(NCHAN), outsigma="p.im", poly=0, chans="5~50")
    assert read("p.im")[0] == pytest.approx(1.0)


BAD: dict[str, dict[str, Any]] = {
    "nothing to fit": {"ngauss": 0},
    "must not be negative": {"ngauss": -1},
    "needs estimates": {"pfunc": "l"},
    "as many items": {"pampest": [1.0], "pcenterest": [1.0, 2.0], "pfwhmest": [1.0]},
    "must have 1 items, one for each estimate": {"pampest": [1.0], "pcenterest": [1.0], "pfwhmest": [1.0], "pfunc": ["g", "g"]},
    "'gaussian' or 'lorentzian'": {"pampest": [1.0], "pcenterest": [1.0], "pfwhmest": [1.0], "pfunc": "voigt"},
    "cannot be held": {"pampest": [1.0], "pcenterest": [1.0], "pfwhmest": [1.0], "pfix": "x"},
    "must have 1 items, one for each line": {"pampest": [1.0], "pcenterest": [1.0], "pfwhmest": [1.0], "pfix": ["p", "c"]},
    "must be numbers": {"pampest": "a", "pcenterest": [1.0], "pfwhmest": [1.0]},
    "two lines or more": {"gmncomps": 1},
    "must have 2 items, one for each line of": {"gmncomps": 2},
    "one for each line after": {
        "gmncomps": 2,
        "gmampest": [1, 1],
        "gmcenterest": [1, 2],
        "gmfwhmest": [1, 1],
        "gmampcon": [1, 1],
    },
    "lower one first": {"goodamprange": [3.0, 1.0]},
    "axis 7 is not": {"axis": 7},
    "items along axis": {"sigma": [1.0, 2.0]},
    "does not fit the image": {"sigma": np.ones((2, 2, 2, 2))},
    "positive everywhere": {"sigma": np.zeros(NCHAN)},
}


@pytest.mark.parametrize("words", BAD)
def test_refused_before_anything_is_written(words: str) -> None:
    make("a.im", gaussian(2.0, 20.0, 6.0))
    with pytest.raises(ParameterError, match=words):
        specfit("a.im", model="m.im", logfile="l.txt", **BAD[words])
    assert not os.path.exists("m.im") and not os.path.exists("l.txt")


def test_bad_files_and_images() -> None:
    make("a.im", gaussian(2.0, 20.0, 6.0))
    with pytest.raises(PathMissingError, match=r"absent\.txt"):
        specfit("a.im", estimates="absent.txt")
    for text, words in (
        ("1,2", "cannot be read"),
        ("a,b,c", "cannot be read"),
        ("1,2,3,q", "held fixed"),
        ("# only", "no estimate"),
    ):
        Path("e.txt").write_text(text + "\n", encoding="utf-8")
        with pytest.raises(ParameterError, match=words):
            specfit("a.im", estimates="e.txt")
    os.mkdir("amp_0")
    with pytest.raises(OutputExistsError):
        specfit("a.im", amp="amp")
    with pytest.raises(OutputExistsError):
        specfit("a.im", model="amp_0")
    make("c.im", gaussian(2.0, 20.0, 6.0), dtype=np.complex64)
    with pytest.raises(DataError, match="complex"):
        specfit("c.im")
    with CasaImage.open("a.im") as opened:
        flat = opened.coordinates.without_pixel_axes([3])
        with CasaImage.create("flat.im", (1, 3, 4), flat):
            pass
    with pytest.raises(DataError, match="no spectral axis"):
        specfit("flat.im")


def test_types_are_told_in_the_order_of_the_request() -> None:
    """Of CASA: multiplets, single lines as they were asked for, the polynomial."""
    mixed = LineRequest(("lorentzian", "gaussian", "lorentzian"), order=1)
    assert component_types(mixed, 4) == ["LORENTZIAN", "GAUSSIAN", "LORENTZIAN", "POLYNOMIAL"]
    pair = Multiplet((Estimate(1, 10, 3), Estimate(2, 20, 3)), (2.0,), (10.0,), (1.0,))
    assert component_types(LineRequest(("gaussian",), (), (pair,)), 2) == ["GAUSSIAN MULTIPLET", "GAUSSIAN"]
    assert component_types(LineRequest(("gaussian", "gaussian"), order=0), 2) == ["GAUSSIAN", "POLYNOMIAL", "UNDEF"]
