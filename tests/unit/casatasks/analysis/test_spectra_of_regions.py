"""specflux and specsmooth against numpy and numbers of the reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import specflux, specsmooth
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from support.shared import unpack

NCHAN = 9
CELL = 2 * np.pi / 648000
HZ = 1.42e9 + 5e4 * np.arange(NCHAN)
_BEAM = BeamSet.single(Beam(8, 6, 10))


def make(name: str, *, unit: str = "Jy/beam", beams: BeamSet | None = _BEAM, stokes: str = "I") -> np.ndarray:
    coordinates = make_image_coordinates(
        (7, 5), (CELL, CELL), (1.0, 0.5), HZ, stokes=list(stokes), rest_frequency_hz=1.420405752e9
    )
    values = np.random.default_rng(4).normal(size=(NCHAN, len(stokes), 5, 7)) + 3
    with CasaImage.create(name, values.shape, coordinates, unit=unit) as made:
        made.write(values)
        if beams:
            made.beams = beams
        return made.read().astype(float)


def read(name: str) -> tuple[np.ndarray, np.ndarray, Any]:
    with CasaImage.open(name) as opened:
        return opened.read(), opened.read_mask(), opened.coordinates.spectral


def table(name: str) -> tuple[np.ndarray, str]:
    return np.loadtxt(name), Path(name).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


PIXELS = np.pi / (4 * np.log(2)) * 48 / 4


def test_flux_densities() -> None:
    values = make("a.im")
    specflux("a.im", box="1,1,4,3", logfile="l.txt")
    rows, text = table("l.txt")
    part = values[:, 0, 1:4, 1:5]
    assert rows[:, 0].tolist() == list(range(NCHAN)) and set(rows[:, 1]) == {12}
    assert rows[:, 2] == pytest.approx(HZ / 1e6) and rows[:, 4] == pytest.approx(part.sum((1, 2)) / PIXELS, rel=1e-6)
    ratio2 = (HZ / 1.420405752e9) ** 2
    assert rows[:, 3] == pytest.approx(299792.458 * (1 - ratio2) / (1 + ratio2), abs=1e-5)
    widths = np.abs(np.diff(rows[:, 3]))
    total = (rows[:, 4] * np.append(widths, widths[-1])).sum()
    assert f"Total flux: {total:.5g}"[:18] in text and "Jy.km/s" in text
    assert "# beam size: 54.388" in text and "Flux_density_(Jy)" in text


@pytest.mark.parametrize(
    ("how", "expected", "words"),
    [
        ({"function": "mean"}, lambda v: v.mean((1, 2)), "Mean_(Jy/beam)"),
        ({"function": "med"}, lambda v: np.median(v, (1, 2)), "Median_(Jy/beam)"),
        ({"function": "sum", "unit": "GHz"}, lambda v: v.sum((1, 2)), "frequency_(GHz)"),
        ({"function": "sqrtsum", "unit": ""}, lambda v: np.sqrt(v.sum((1, 2))), "Jy.Hz"),
        ({"unit": "mm"}, lambda v: v.sum((1, 2)) / PIXELS, "Jy.mm"),
        ({"unit": "m/s"}, lambda v: v.sum((1, 2)) / PIXELS, "Velocity_(m/s)"),
        ({"unit": "pixel", "major": "12arcsec", "minor": "8arcsec"}, lambda v: v.sum((1, 2)) / PIXELS / 2, "Jy.pixel"),
    ],
)
def test_functions_and_units(how: dict[str, Any], expected: Any, words: str) -> None:
    values = make("a.im")
    specflux("a.im", logfile="l.txt", **how)
    rows, text = table("l.txt")
    assert rows[:, 4] == pytest.approx(expected(values[:, 0]), rel=1e-6) and words in text


def test_beams_of_each_channel_and_other_units() -> None:
    values = make("b.im", beams=BeamSet.per_plane([[Beam(8 + c, 6, 10)] for c in range(NCHAN)]))
    specflux("b.im", logfile="b.txt", mask="'b.im'>3", chans="2~4")
    rows, text = table("b.txt")
    part = [v[v > 3] for v in values[2:5, 0]]
    assert rows[:, 1].tolist() == [len(p) for p in part] and "multiple beams" in text
    assert rows[:, 4] == pytest.approx([p.sum() / (PIXELS * (8 + c) / 8) for c, p in zip((2, 3, 4), part, strict=True)], rel=1e-6)
    for name, unit, beams, scale, flux_unit in (
        ("k.im", "K", BeamSet.single(Beam(8, 6, 10)), 4.0, "K.arcsec2"), ("p.im", "Jy/pixel", None, 1.0, "Jy"),
    ):  # fmt: skip
        values = make(name, unit=unit, beams=beams)
        specflux(name, logfile=name + ".txt")
        rows, text = table(name + ".txt")
        assert rows[:, 4] == pytest.approx(values.sum((1, 2, 3)) * scale, rel=1e-6) and f"({flux_unit})" in text
    make("u.im", unit="", beams=None)
    specflux("u.im", function="mean", logfile="u.txt")
    assert "no beam" in table("u.txt")[1]
    specflux("u.im", major="8arcsec", minor="6arcsec")
    specflux("u.im", function="mean", mask="'u.im'>1e9", logfile="n.txt")
    assert np.isnan(table("n.txt")[0][:, 4]).all()
    with CasaImage.open("u.im", writable=True) as opened:
        opened.write(-opened.read())
    specflux("u.im", function="sqrtsum", logfile="s.txt", chans="0")
    assert np.isnan(table("s.txt")[0][4])


@pytest.mark.shared
def test_the_reference_numbers(tmp_path: Path) -> None:
    name = str(unpack("cube.im", tmp_path))
    specflux(name, region="box[[8pix,8pix],[22pix,20pix]]", logfile="l.txt")
    rows, text = table("l.txt")
    # CASA 6.7.0: 436.888738374 Jy.km/s.
    assert "# Total flux: 436.8887" in text
    assert rows[7] == pytest.approx([7, 195, 1420.35, 11.767312, 1.857057], rel=1e-6)
    expected = {
        ("hanning", 2, ""): ([0.51349, 0.50094, 0.47701], 24), ("hanning", 2, "copy"): ([0.50094, 0.47828, 0.69584], 11),
        ("hanning", 2, "mean"): ([0.48898, 0.5095, 0.85116], 11), ("boxcar", 3, ""): ([0.49885, 0.4795, 0.48381], 22),
        ("boxcar", 3, "copy"): ([0.49885, 0.54759, 1.59931], 8), ("boxcar", 3, "mean"): ([0.48738, 0.76108, 2.33031], 7),
        ("boxcar", 4, "copy"): ([0.48956, 0.90116, 3.07609], 6), ("boxcar", 1, "copy"): ([0.51977, 0.50721, 0.46956], 24),
    }  # fmt: skip
    for k, ((function, width, method), (values, count)) in enumerate(expected.items()):
        specsmooth(name, f"o{k}", function=function, width=width, dmethod=method)
        pixels, mask, axis = read(f"o{k}")
        assert pixels.shape[0] == count and mask.all(), (function, width, method)
        assert pixels[:3, 0, 13, 15] == pytest.approx(values, abs=1e-5), (function, width, method)
        if method == "copy" and function == "boxcar" and width == 3:
            assert axis.reference_value[0] == pytest.approx(1420049999.9999998) and axis.reference_pixel[0] == 0


def test_places_of_smoothed_pixels() -> None:
    """A line of frequencies stays on its frequencies, whatever is smoothed and left out."""
    make("a.im")
    with CasaImage.open("a.im", writable=True) as opened:
        opened.write(HZ[:, None, None, None] * 1e-9 * np.ones((1, 1, 5, 7)))
    for k, (function, width, method) in enumerate(
        (("hanning", 2, "copy"), ("h", 2, "mean"), ("boxcar", 2, ""), ("b", 3, "m"), ("b", 4, "c"))
    ):
        specsmooth("a.im", f"o{k}", function=function, width=width, dmethod=method)
        pixels, _, axis = read(f"o{k}")
        found, expected = pixels[:, 0, 0, 0] * 1e9, axis.frequencies_hz(len(pixels))
        if function == "h":
            # The last mean holds the last channel, which counts as much as its one neighbour.
            assert found[-1] == pytest.approx(HZ[-3:] @ [0.125, 0.5, 0.375], rel=1e-7)
            found, expected = found[:-1], expected[:-1]
        assert found == pytest.approx(expected, rel=1e-7)


def test_masked_pixels_count_nothing() -> None:
    values = make("a.im")
    with CasaImage.open("a.im", writable=True) as opened:
        good = np.ones(values.shape, bool)
        good[4, 0, 2, 3] = False
        good[2:5, 0, 0, 0] = False
        opened.write_mask(good)
    specsmooth("a.im", "h.im", dmethod="")
    pixels, mask, _ = read("h.im")
    assert np.array_equal(mask, good)
    assert pixels[3, 0, 2, 3] == pytest.approx((0.25 * values[2, 0, 2, 3] + 0.5 * values[3, 0, 2, 3]) / 0.75, rel=1e-6)
    specsmooth("a.im", "b.im", function="boxcar", width=3, dmethod="")
    pixels, mask, _ = read("b.im")
    assert mask.sum() == mask.size - 1 and not mask[2, 0, 0, 0]
    assert pixels[2, 0, 2, 3] == pytest.approx(values[2:4, 0, 2, 3].mean(), rel=1e-6)
    specsmooth("a.im", "x.im", axis=0, dmethod="", box="1,1,5,3", chans="1~3")
    assert read("x.im")[0].shape == (3, 1, 3, 5)


def test_refused() -> None:
    make("a.im", stokes="IQ")
    make("b.im", beams=BeamSet.per_plane([[Beam(8 + c, 6, 10)] for c in range(NCHAN)]))
    make("u.im", unit="", beams=None)
    with CasaImage.open("b.im") as opened, CasaImage.create("flat.im", (1, 5, 7), opened.coordinates.without_pixel_axes([3])):
        pass
    os.mkdir("here")
    for words, how in {
        "'function' must": {"function": "max", "stokes": "I"}, "'unit' must": {"unit": "Jy"}, "one polarization": {},
        "both be given": {"major": "5arcsec"}, "positive angles": {"major": "5arcsec", "minor": "6arcsec", "stokes": "I"},
    }.items():  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            specflux("a.im", **how)
    with pytest.raises(OutputExistsError):
        specflux("a.im", stokes="I", logfile="here")
    with pytest.raises(DataError, match="no beam"):
        specflux("u.im")
    with pytest.raises(DataError, match="a spectral axis"):
        specflux("flat.im")
    for words, how in {
        "'outfile'": {"outfile": ""}, "'function' must": {"function": "gauss"}, "'dmethod' must": {"dmethod": "every"},
        "'width' must": {"function": "boxcar", "width": 0}, "needs 30": {"function": "boxcar", "width": 30}, "axis 4": {"axis": 4},
    }.items():  # fmt: skip
        with pytest.raises(ParameterError, match=words):
            specsmooth("u.im", **{"outfile": "o.im", **how})
    with pytest.raises(DataError, match="common beam"):
        specsmooth("b.im", "o.im")
    with pytest.raises(DataError, match="no spectral axis"):
        specsmooth("flat.im", "o.im")
    with pytest.raises(OutputExistsError):
        specsmooth("u.im", "here")
    assert not os.path.exists("o.im")
