"""The imagepol tool and rmfit on polarized images whose numbers are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import rmfit
from casatools import image, imagepol
from casatools._base.errors import (
    DataError,
    NotOpenError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    UnsupportedError,
)
from casatools.analysis.rotation_measure import fit_angles
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

SHAPE = (5, 4, 6, 8)


def make(
    name: str, values: np.ndarray, stokes: str = "IQUV", *, beams: BeamSet | None = None, nu: np.ndarray | None = None
) -> None:
    """Write pixels (freq, stokes, y, x)."""
    frequencies = 1.4e9 + 1e7 * np.arange(len(values)) if nu is None else nu
    coordinates = make_image_coordinates(
        values.shape[:1:-1], (1e-5, 1e-5), (1.0, 0.5), frequencies, stokes=list(stokes), channel_width_hz=1e7
    )
    with CasaImage.create(name, values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = beams or BeamSet.single(Beam(8, 6, 10))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stokes() -> np.ndarray:
    rng = np.random.default_rng(2)
    values = rng.normal(size=SHAPE) * 0.1 + np.array([4.0, 0.6, 0.5, 0.1])[:, None, None]
    make("a.im", values)
    with CasaImage.open("a.im") as opened:
        return opened.read().astype(float)


@pytest.fixture
def po(stokes: np.ndarray) -> Any:
    tool = imagepol()
    tool.open("a.im")
    yield tool
    tool.done()


def look(tool: Any) -> tuple[np.ndarray, str, str, bool]:
    """Pixels (freq, 1, y, x), Stokes label, unit and whether there is a beam, of an image tool that is then closed."""
    values = tool.getchunk().transpose()
    found = values, tool.coordsys().stokes()[0], tool.brightnessunit(), bool(tool.restoringbeam())
    tool.done()
    return found


def test_images_follow_their_formulas(po: Any, stokes: np.ndarray) -> None:
    i, q, u, v = (stokes[:, k : k + 1] for k in range(4))
    p, t = np.hypot(q, u), np.sqrt(q**2 + u**2 + v**2)
    s = 0.05
    frac = p / i * np.hypot(s / p, s / i)
    expected: dict[str, tuple[Callable[[], Any], np.ndarray, str, str, bool]] = {
        "stokes": (lambda: po.stokes("u"), u, "U", "Jy/beam", True),
        "stokesi": (po.stokesi, i, "I", "Jy/beam", True),
        "stokesq": (po.stokesq, q, "Q", "Jy/beam", True),
        "stokesu": (po.stokesu, u, "U", "Jy/beam", True),
        "stokesv": (po.stokesv, v, "V", "Jy/beam", True),
        "linpolint": (po.linpolint, p, "Plinear", "Jy/beam", True),
        "totpolint": (po.totpolint, t, "Ptotal", "Jy/beam", True),
        "debiased": (lambda: po.pol("lpi", debias=True, sigma=s), np.sqrt(p**2 - s**2), "Plinear", "Jy/beam", True),
        "linpolposang": (lambda: po.pol("lppa"), np.degrees(0.5 * np.arctan2(u, q)), "Pangle", "deg", True),
        "fraclinpol": (po.fraclinpol, p / i, "PFlinear", "", False),
        "fractotpol": (lambda: po.pol("ftp", True, sigma=s), np.sqrt(t**2 - s**2) / i, "PFtotal", "", False),
        "angle error": (lambda: po.sigmalinpolposang(sigma=s), np.degrees(0.5 * s / p), "Pangle", "deg", False),
        "fraction error": (lambda: po.sigmafraclinpol(sigma=s), frac, "PFlinear", "", False),
        "total": (lambda: po.sigmafractotpol(sigma=s), t / i * np.hypot(s / t, s / i), "PFtotal", "", False),
        "ratio": (lambda: po.depolratio("a.im"), np.ones_like(p), "PFlinear", "", False),
        "ratio error": (lambda: po.sigmadepolratio("a.im", True, sigma=1e-4), np.sqrt(2) * 1e-4 * np.hypot(1 / p, 1 / i), "PFlinear", "", False),
    }  # fmt: skip
    for name, (call, values, label, unit, beam) in expected.items():
        found = look(call())
        assert found[0] == pytest.approx(values, rel=2e-5), name
        assert found[1:] == (label, unit, beam), name


def test_error_of_a_debiased_ratio(po: Any, stokes: np.ndarray) -> None:
    other = stokes * np.array([0.7, 0.4, 0.8, 1.0])[:, None, None]
    make("b.im", other)
    with CasaImage.open("b.im") as opened:
        other = opened.read().astype(float)
    s, fractions, relative = 0.05, [], 0.0
    for values in (stokes, other):
        p, i = np.sqrt(values[:, 1:2] ** 2 + values[:, 2:3] ** 2 - s**2), values[:, :1]
        fractions.append(p / i)
        relative = relative + (s / p) ** 2 + (s / i) ** 2
    expected = np.abs(fractions[0] / fractions[1]) * np.sqrt(relative)
    assert look(po.sigmadepolratio("b.im", True, sigma=s))[0] == pytest.approx(expected, rel=2e-5, nan_ok=True)


def test_noise(po: Any, stokes: np.ndarray) -> None:
    v = stokes[:, 3]
    assert po.sigma() == pytest.approx(v.std(ddof=1), rel=1e-5)
    near = v[np.abs(v - v.mean()) <= 1.5 * v.std(ddof=1)]
    assert po.sigma(1.5) == po.sigmastokesv(1.5) == po.sigmatotpolint(1.5) == pytest.approx(near.std(ddof=1), rel=1e-5)
    both = [stokes[:, k].std(ddof=1) for k in (1, 2)]
    assert po.sigmalinpolint(0) == pytest.approx(np.mean(both), rel=1e-5)
    assert [po.sigmastokesq(0), po.sigmastokesu(0)] == pytest.approx(both, rel=1e-5)
    assert po.sigmastokes("i", 0) == po.sigmastokesi(0) == pytest.approx(stokes[:, 0].std(ddof=1), rel=1e-5)
    assert po.sigmalinpolint(sigma=0.2, outfile="s.im") == pytest.approx(0.2)
    with CasaImage.open("s.im") as opened:
        assert opened.read() == pytest.approx(0.2)
    make("qu.im", stokes[:, 1:3], "QU")
    po.open("qu.im")
    assert po.sigma(0) == pytest.approx(np.mean(both), rel=1e-5) and po.summary()
    make("q.im", stokes[:, 1:2], "Q")
    po.open("q.im")
    assert po.sigma(0) == pytest.approx(both[0], rel=1e-5)


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    tool = imagepol()
    tool.open(str(unpack("iquv.im", tmp_path)))
    # CASA 6.7.0.
    assert tool.sigma(3.0) == pytest.approx(0.012911702506244183, rel=1e-6)
    assert tool.sigmalinpolint(3.0) == pytest.approx(0.08768635988235474, rel=1e-6)
    for call, expected in ((lambda: tool.linpolint(True), 0.8392181992530823), (tool.sigmafraclinpol, 0.02951241284608841),
                           (tool.sigmafractotpol, 0.004188998136669397), (tool.linpolposang, 19.2209415435791)):  # fmt: skip
        assert look(call())[0][3, 0, 10, 12] == pytest.approx(expected, rel=1e-5)
    tool.done()
    rmfit(
        str(unpack("rmcube.im", tmp_path)),
        rm="rm",
        rmerr="re",
        pa0="pa",
        pa0err="pe",
        nturns="nt",
        chisq="chi",
        rmmax=800.0,
        sigma=0.005,
    )
    values = {}
    for name in ("rm", "re", "pa", "pe", "nt", "chi"):
        with CasaImage.open(name) as opened:
            values[name] = float(opened.read().ravel()[0])
            assert opened.ndim == (3 if name.startswith("p") else 2)
    assert values == pytest.approx(
        {"rm": 50.500244, "re": 0.253247, "pa": 18.577057, "pe": 0.671941, "nt": 0, "chi": 4.40564}, rel=5e-3
    )


def test_masks_and_regions(stokes: np.ndarray) -> None:
    stokes[0, 1:3, 2, 3] = 0.0
    beams = BeamSet.per_plane([[Beam(8 + c, 6, 10)] * 4 for c in range(5)])
    make("b.im", stokes, beams=beams)
    with CasaImage.open("b.im", writable=True) as opened:
        good = np.ones(SHAPE, bool)
        good[1, 2, 0, 0] = False
        opened.write_mask(good)
    tool = imagepol()
    tool.open("b.im")
    made = tool.linpolint(True, sigma=0.01, region="box[[0pix,0pix],[4pix,3pix]]", mask="")
    mask = made.getchunk(getmask=True).transpose()
    assert mask.shape == (5, 1, 4, 5) and not mask[0, 0, 2, 3] and not mask[1, 0, 0, 0] and mask.sum() == mask.size - 2
    assert made.restoringbeam(channel=2)["major"]["value"] == 10
    made.done()
    tool.done()


def test_complex_images(po: Any, stokes: np.ndarray) -> None:
    po.complexlinpol("c.im")
    po.complexfraclinpol("f.im")
    po.stokesq("q.im").done()
    po.stokesu("u.im").done()
    po.linpolposang("pa.im").done()
    po.linpolint(outfile="p.im").done()
    po.makecomplex("m.im", real="q.im", imag="u.im")
    po.makecomplex("n.im", amp="p.im", phase="pa.im")
    linear = (stokes[:, 1:2] + 1j * stokes[:, 2:3]).astype(np.complex64)
    for name, expected in (("c.im", linear), ("f.im", linear / stokes[:, :1]), ("m.im", linear),
                           ("n.im", np.abs(linear) * np.exp(0.5j * np.angle(linear)))):  # fmt: skip
        with CasaImage.open(name) as opened:
            assert np.allclose(opened.read(), expected, rtol=1e-5, atol=1e-6), name


def test_complex_images_of_a_pair_are_linear_polarization(po: Any, stokes: np.ndarray) -> None:
    """The label of CASA; other pairs keep that of their first image."""
    for name, make in (("q.im", po.stokesq), ("u.im", po.stokesu), ("p.im", po.linpolint), ("pa.im", po.linpolposang)):
        make(outfile=name).done()
    pairs = {
        "m.im": {"real": "q.im", "imag": "u.im"},
        "n.im": {"amp": "p.im", "phase": "pa.im"},
        "o.im": {"real": "u.im", "imag": "q.im"},
    }
    for name, given in pairs.items():
        po.makecomplex(name, **given)
        with CasaImage.open(name) as opened:
            assert opened.coordinates.stokes.labels == ("U" if name == "o.im" else "Plinear",)


def test_the_record_of_an_image_is_opened(po: Any, stokes: np.ndarray) -> None:
    ia = image()
    ia.open("a.im")
    record = ia.torecord()
    ia.done()
    other = imagepol()
    assert other.open(record)
    path = other._source.name()
    ours, theirs = other.linpolint(), po.linpolint()
    assert np.array_equal(ours.getchunk(), theirs.getchunk()) and other.stokesi().coordsys().stokes() == ["I"]
    for tool in (ours, theirs, other):
        tool.done()
    assert not os.path.exists(path)
    with pytest.raises(ParameterError, match="must name an image or be the record"):
        other.open({"shape": [1]})
    ia.fromshape("", [4, 4])
    record = ia.torecord()
    ia.done()
    before = set(os.listdir())
    with pytest.raises(DataError):  # no polarization
        other.open(record)
    assert set(os.listdir()) == before


def test_chi_squared_is_that_of_the_residuals() -> None:
    """Of the weighted line through the angles, over what the fit leaves free; CASA's sums cancel in single precision."""
    x = np.linspace(0.03, 0.06, 12)
    random = np.random.default_rng(4)
    errors = random.uniform(0.005, 0.02, (5, 12))
    angles = 0.3 + 7.0 * x + errors * random.normal(size=errors.shape)
    fit = fit_angles(x, angles, errors)
    for k in range(5):
        line = np.polyfit(x, angles[k], 1, w=1 / errors[k])
        expected = (((angles[k] - np.polyval(line, x)) / errors[k]) ** 2).sum() / 10
        assert fit.chi2[k] == pytest.approx(expected, rel=1e-9) and fit.rm[k] == pytest.approx(line[0], rel=1e-9)


def test_angles_and_turns() -> None:
    rng = np.random.default_rng(0)
    wavelength2 = (299792458.0 / np.linspace(1.0e9, 2.0e9, 40)) ** 2
    rm = rng.uniform(-700, 700, 50)
    origin = rng.uniform(0, np.pi, 50)
    errors = np.full((50, 40), 0.02)
    true = origin[:, None] + rm[:, None] * wavelength2 + rng.normal(size=(50, 40)) * 0.02
    angles = (true + np.pi / 2) % np.pi - np.pi / 2
    errors[:, 7] = np.nan
    angles[:, 7] = 55.0
    fit = fit_angles(wavelength2, angles, errors, rm_max=800.0)
    assert np.all(np.abs(fit.rm - rm) < 5 * fit.rm_error)
    assert np.all(np.abs(((fit.angle - origin) + np.pi / 2) % np.pi - np.pi / 2) < 5 * fit.angle_error)
    assert fit.chi2.mean() == pytest.approx(1.0, abs=0.1)
    far = fit_angles(wavelength2, angles, errors, rm_max=800.0, foreground=100.0)
    assert far.rm == pytest.approx(fit.rm, abs=1e-6)
    # Without rmmax the least difference of the angles counts, wherever they cross the limit of half a turn and whatever the foreground is.
    near = 1.0 + 0.9 * (wavelength2 - wavelength2[-1]) / np.ptp(wavelength2)
    wrapped = ((near + np.pi / 2) % np.pi - np.pi / 2)[None]
    assert wrapped[0, 0] * wrapped[0, -1] < 0  # on two sides of the limit
    across = fit_angles(wavelength2, wrapped, np.full((1, 40), 0.02))
    assert across.rm == pytest.approx(0.9 / np.ptp(wavelength2), rel=1e-6) and abs(across.turns) == pytest.approx([1.0])
    plain, shifted = (
        fit_angles(wavelength2, np.array([near - 0.4]), np.full((1, 40), 0.02), foreground=f).rm for f in (0.0, -8.0)
    )
    assert shifted == pytest.approx(plain, rel=1e-9) and plain == pytest.approx(0.9 / np.ptp(wavelength2), rel=1e-6)
    assert np.isnan(fit_angles(wavelength2, angles, np.full((50, 40), np.nan), 10.0).rm).all()
    # Measures are found up to rmmax and what half a half turn between the ends makes beyond it, as in CASA.
    step = np.pi / np.ptp(wavelength2)
    mild = 0.3 + 0.4 * step * wavelength2[None]
    wrapped = (mild + np.pi / 2) % np.pi - np.pi / 2
    assert fit_angles(wavelength2, wrapped, np.full((1, 40), 0.02), rm_max=0.3 * step).rm == pytest.approx([0.4 * step])
    for factor, found in ((0.75, True), (0.85, False)):
        wide = (0.3 + factor * step * wavelength2[None] + np.pi / 2) % np.pi - np.pi / 2
        fit = fit_angles(wavelength2, wide, np.full((1, 40), 0.02), rm_max=0.3 * step)
        assert (abs(fit.rm[0] - factor * step) < 1e-6 * step) == found
    small = fit_angles(wavelength2, 0.2 + 1.5 * wavelength2[None], np.full((1, 40), 0.02))
    assert small.rm == pytest.approx([1.5]) and small.turns == pytest.approx([0.0])


def test_demo_image_and_its_rotation() -> None:
    tool = imagepol()
    assert tool.imagepoltestimage("t.im", rm=[250.0], pa0=20.0, nx=4, ny=3, nf=16, sigma=1e-3, f0=1.4e9, bw=5e8)
    assert tool.rotationmeasure(rm="rm", pa0="pa", nturns="nt", rmmax=500.0, maxpaerr=10.0)
    with CasaImage.open("rm") as opened:
        assert opened.read() == pytest.approx(250.0, abs=0.2) and opened.unit == "rad/m/m"
    with CasaImage.open("pa") as opened:
        assert opened.read() == pytest.approx(20.0, abs=1.0)
    with CasaImage.open("nt") as opened:
        assert set(opened.read().ravel()) <= {2.0, 3.0}
    names = {k: f"f{k}" for k in ("complex", "amp", "pa", "real", "imag")}
    tool.fourierrotationmeasure(**names)
    with CasaImage.open("fcomplex") as opened:
        spectrum = opened.read()
        axis = opened.coordinates.members[-1]
        # CASA 6.7.0 for this band.
        assert axis.increment[0] == pytest.approx(-92.740559, rel=1e-6)
        assert (np.argmax(np.abs(spectrum[:, 0, 0, 0])) - 8) * axis.increment[0] == pytest.approx(250, abs=50)
    with CasaImage.open("t.im") as opened:
        data = opened.read().astype(float)
    centred = np.arange(16) - 8
    direct = np.exp(-2j * np.pi * np.outer(centred, centred) / 16) @ (data[:, 1, 0, 0] + 1j * data[:, 2, 0, 0])
    assert np.allclose(spectrum[:, 0, 0, 0], direct, rtol=1e-4, atol=1e-4)
    tool.fourierrotationmeasure(amp="z", zerolag0=True)
    with CasaImage.open("z") as opened:
        assert not opened.read()[8].any()
    tool.close()
    with pytest.raises(NotOpenError):
        tool.stokesi()


def test_several_images_are_joined() -> None:
    tool = imagepol()
    tool.imagepoltestimage("t.im", rm=[50.0], nx=4, ny=3, nf=16, sigma=1e-4, f0=1.4e9, bw=5e8)
    tool.done()
    whole = image()
    whole.open("t.im")
    for name, box in (("one.im", "0,0"), ("two.im", "8,15")):
        first, last = (0, 7) if name == "one.im" else (8, 15)
        whole.subimage(name, region=f"box[[0pix,0pix],[3pix,2pix]],range=[{first}chan,{last}chan]").done()
        assert box
    whole.done()
    rmfit(["two.im", "one.im"], rm="joined")
    rmfit("t.im", rm="direct")
    with CasaImage.open("joined") as one, CasaImage.open("direct") as two:
        assert one.read() == pytest.approx(two.read(), rel=1e-4)


BAD: dict[str, tuple[type[Exception], Callable[[Any], Any]]] = {
    "must name an image": (ParameterError, lambda t: t.open()),
    "does not exist": (PathMissingError, lambda t: t.open("absent.im")),
    "no Stokes Q, U or V": (DataError, lambda t: t.open("i.im")),
    "I, Q, U or V": (ParameterError, lambda t: t.stokes("X")),
    "must be one of": (ParameterError, lambda t: t.pol("xx")),
    "has the shape": (ParameterError, lambda t: t.depolratio("i.im")),
    "must be named": (ParameterError, lambda t: t.complexlinpol("")),
    "real and imag": (ParameterError, lambda t: t.makecomplex("m.im", real="a.im")),
    "different shapes": (ParameterError, lambda t: t.makecomplex("m.im", real="a.im", imag="i.im")),
    "angular unit": (DataError, lambda t: t.makecomplex("m.im", amp="a.im", phase="a.im")),
    "plotter": (UnsupportedError, lambda t: t.rotationmeasure(rm="m.im", plotter="/xs")),
    "no output is named; give rm": (ParameterError, lambda t: t.rotationmeasure()),
    "no output is named; give complex": (ParameterError, lambda t: t.fourierrotationmeasure()),
    "already exists": (OutputExistsError, lambda t: t.rotationmeasure(rm="a.im")),
}


@pytest.mark.parametrize("words", BAD)
def test_refused(po: Any, stokes: np.ndarray, words: str) -> None:
    make("i.im", stokes[:, :1, :3], "I")
    kind, call = BAD[words]
    with pytest.raises(kind, match=words):
        call(po)
    assert not os.path.exists("m.im")


def test_axes_that_are_missing(po: Any, stokes: np.ndarray) -> None:
    make("iv.im", stokes[:, [0, 3]], "IV")
    with pytest.raises(DataError, match="no Stokes Q, U"):
        rmfit("iv.im", rm="m.im")
    make("one.im", stokes[:1])
    with pytest.raises(DataError, match="one channel"):
        rmfit("one.im", rm="m.im")
    with CasaImage.open("one.im") as opened:
        flat = opened.coordinates.without_pixel_axes([3])
        with CasaImage.create("flat.im", SHAPE[1:], flat):
            pass
    with pytest.raises(DataError, match="no spectral axis"):
        rmfit("flat.im", rm="m.im")
    make("uneven.im", stokes, nu=1.4e9 + 1e7 * np.arange(5) ** 2)
    po.open("uneven.im")
    with pytest.raises(DataError, match="evenly spaced"):
        po.fourierrotationmeasure(amp="m.im")
    make("below.im", stokes, nu=1e6 * np.arange(-2, 3))
    with pytest.raises(DataError, match="not positive"):
        rmfit("below.im", rm="m.im")
    with pytest.raises(ParameterError, match="must name an image"):
        rmfit("", rm="m.im")
    po.open("iv.im")
    with pytest.raises(DataError, match="no Stokes Q"):
        po.linpolint()
    assert not os.path.exists("m.im")


def test_headers_go_along(stokes: np.ndarray) -> None:
    make("h.im", stokes)
    with CasaImage.open("h.im", writable=True) as image:
        image.misc_info = {"hello": "world"}
        image.beams = BeamSet.single(Beam(6, 4.5, 25))
        good = np.ones(image.shape, bool)
        good[2, :, 1, 1] = False
        image.write_mask(good)
    tool = imagepol()
    tool.open("h.im")
    tool.rotationmeasure(rm="h.rm", sigma=0.1)
    tool.fourierrotationmeasure(complex="h.c", pa="h.pa")
    for name in ("h.rm", "h.c", "h.pa"):
        with CasaImage.open(name) as image:
            assert image.misc_info == {"hello": "world"}
            if name != "h.rm":
                assert not image.read_mask()[2, 0, 1, 1] and image.read_mask().sum() == image.read_mask().size - 1
                assert image.beams == BeamSet.single(Beam(6, 4.5, 25))
                assert image.coordinates.stokes is not None
                assert image.coordinates.stokes.labels == (("Pangle",) if name == "h.pa" else ("Plinear",))
    tool.imagepoltestimage("h.t", nx=3, ny=3, nf=4)
    with CasaImage.open("h.t") as image:
        assert image.coordinates.units[:2] == ["'", "'"] and image.coordinates.increment[:2].tolist() == [-1, 1]
        assert image.coordinates.spectral is not None and image.coordinates.spectral.rest_frequency_hz == 1.4e9
