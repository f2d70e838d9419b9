"""Properties of images that hold whatever they hold: inverses, round trips, sums."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from casatasks import exportfits, importfits, imregrid, imsmooth
from casatools import image
from casatools.analysis.expressions import Expression
from casatools.frames import image_frames
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(seed: int, size: tuple[int, int] = (40, 36), nchan: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre = (float(rng.uniform(0, 6.2)), float(rng.uniform(-1.3, 1.3)))
    coordinates = make_image_coordinates(
        size, (CELL, CELL), centre, 1.4e9 + 1e6 * np.arange(nchan), projection=str(rng.choice(["SIN", "TAN", "ARC", "STG", "ZEA"])), stokes=["I"],
        rest_frequency_hz=1.42e9,
    )  # fmt: skip
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    smooth = sum(
        rng.uniform(0.5, 3) * np.exp(-((x - rng.uniform(12, 28)) ** 2 + (y - rng.uniform(12, 24)) ** 2) / rng.uniform(20, 40))
        for _ in range(3)
    )
    values = (smooth[None, None] * rng.uniform(0.5, 2, size=(nchan, 1, 1, 1))).astype(np.float32)
    with CasaImage.create("a.im", values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.single(Beam.from_rad(4 * CELL, 3 * CELL, float(rng.uniform(0, 3))))
    return values


@pytest.mark.parametrize("seed", range(6))
def test_world_and_pixel_are_inverse(seed: int) -> None:
    make(seed)
    with CasaImage.open("a.im") as found:
        coordinates = found.coordinates
    pixels = np.random.default_rng(seed).uniform(-20, 60, size=(4, 500))
    pixels[2] = 0.0
    assert np.abs(coordinates.to_pixel(coordinates.to_world(pixels)) - pixels).max() < 1e-9
    direction = coordinates.direction
    assert np.abs(direction.to_pixel(direction.to_world(pixels[:2])) - pixels[:2]).max() < 1e-9
    coordinates.replace(coordinates.members.index(direction), replace(direction, conversion_frame="GALACTIC"))
    there = image_frames.to_world(coordinates, pixels)
    assert np.abs(image_frames.to_pixel(coordinates, there) - pixels).max() < 1e-9
    again = Coordinates.from_record(coordinates.to_record())
    assert np.array_equal(again.to_world(pixels), coordinates.to_world(pixels))


@pytest.mark.parametrize("seed", range(3))
def test_regridding_there_and_back(seed: int) -> None:
    values = make(seed)
    record = imregrid("a.im", template="get")
    imregrid("a.im", template="GALACTIC", output="g.im", interpolation="cubic")
    imregrid("g.im", template=record, output="b.im", interpolation="cubic", axes=[0, 1])
    with CasaImage.open("b.im") as found:
        back, good = found.read(), found.read_mask() if found.has_mask else np.ones(values.shape, bool)
    assert good.mean() > 0.8 and np.abs(back - values)[good].max() < 0.01 * values.max()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [{}, {"velocity": True}, {"stokeslast": False}])
def test_fits_there_and_back(seed: int, options: dict[str, bool]) -> None:
    values = make(seed)
    exportfits("a.im", "a.fits", **options)
    importfits("a.fits", "b.im")
    ia, other = image(), image()
    ia.open("a.im")
    other.open("b.im")
    names = other.coordsys().names()
    order = [names.index(n) for n in ia.coordsys().names()]
    assert np.array_equal(other.getchunk().transpose(order), values.T) and other.brightnessunit() == "Jy/beam"
    place = [7, 5, 0, 2]
    moved = np.empty(4)
    moved[order] = place
    here, there = ia.toworld(place, "n")["numeric"], other.toworld(moved.tolist(), "n")["numeric"][order]
    assert np.allclose(here, there, rtol=1e-10) and other.restoringbeam()["major"]["value"] == pytest.approx(12.0)
    for tool in (ia, other):
        tool.done()


@pytest.mark.parametrize("seed", range(3))
def test_convolution_conserves_the_flux(seed: int) -> None:
    values = make(seed, (80, 76))
    with CasaImage.open("a.im") as given:
        before = values.sum() / given.beams.at(0, 0).area_rad2
    imsmooth("a.im", outfile="s.im", kernel="gauss", major="16arcsec", minor="13arcsec", pa="20deg")
    with CasaImage.open("s.im") as found:
        after = found.read().sum() / found.beams.at(0, 0).area_rad2
    assert after == pytest.approx(before, rel=3e-3)


@pytest.mark.parametrize("seed", range(20))
def test_expressions_are_numpy_s(seed: int) -> None:
    """Random trees of operators and functions, evaluated by both."""
    values = make(seed, (8, 6), 2).astype(np.float64)
    with CasaImage.open("a.im") as given, CasaImage.create("d.im", values.shape, given.coordinates, np.float64) as made:
        made.write(values)
    rng = np.random.default_rng(100 + seed)
    unary = {
        name: getattr(np, name)
        for name in ("sin", "cos", "tan", "tanh", "floor", "ceil", "sign", "abs", "exp", "sqrt", "log", "log10", "sinh", "cosh")
    }
    unary |= {
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "-": np.negative,
        "real": np.real,
        "imag": np.imag,
        "conj": np.conj,
    }
    unary |= {
        "round": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5),
        "norm": np.square,
        "double": np.float64,
        "value": np.asarray,
    }
    pairs = {"pow": np.power, "atan2": np.arctan2, "fmod": np.fmod, "min": np.minimum, "max": np.maximum, "amp": np.hypot}
    signs = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod}
    compared = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal}
    numbers = {
        "sum": np.sum, "mean": np.mean, "median": np.median, "variance": lambda v: np.var(v, ddof=1), "stddev": lambda v: np.std(v, ddof=1),
        "avdev": lambda v: np.mean(np.abs(v - np.mean(v))), "nelements": np.size,
    }  # fmt: skip
    within = {
        "asin": (-1, 1),
        "acos": (-1, 1),
        "exp": (-50, 50),
        "sinh": (-50, 50),
        "cosh": (-50, 50),
        "sqrt": (0, 1e9),
        "log": (1e-3, 1e9),
        "log10": (1e-3, 1e9),
    }

    def tree(depth: int) -> tuple[str, np.ndarray]:
        if depth == 0:
            number = round(float(rng.uniform(0.5, 2)), 3)
            return ("'d.im'", values) if rng.uniform() < 0.6 else (str(number), np.float64(number))
        kind = int(rng.integers(6))
        left, a = tree(depth - 1)
        if kind == 0:
            name = str(rng.choice(list(unary)))
            low, high = within.get(name, (-1e9, 1e9))
            inner = f"min(max({left} + 0 * 'd.im', {low}), {high})"
            return (f"(-({inner}))" if name == "-" else f"{name}({inner})"), unary[name](np.clip(a + 0 * values, low, high))
        if kind == 1:
            name = str(rng.choice(list(numbers)))
            return f"{name}({left} + 0 * 'd.im')", np.float64(numbers[name](a + 0 * values))
        right, b = tree(depth - 1)
        if kind == 2:
            symbol = str(rng.choice(list(signs)))
            b = abs(b) + 1 if symbol in "/%" else b
            return f"({left} {symbol} {f'(abs({right}) + 1)' if symbol in '/%' else right})", signs[symbol](a, b)
        if kind == 3:
            name = str(rng.choice(list(pairs)))
            if name == "pow":
                left, a, right, b = (
                    f"(1 + min(abs({left}), 9))",
                    1 + np.minimum(abs(a), 9),
                    f"max(min({right}, 3), -3)",
                    np.clip(b, -3, 3),
                )
            if name == "fmod":
                right, b = f"(abs({right}) + 1)", abs(b) + 1
            return f"{name}({left} + 0 * 'd.im', {right} + 0 * 'd.im')", pairs[name](a + 0 * values, b + 0 * values)
        symbol = str(rng.choice(list(compared)))
        truth, joined = f"{left} {symbol} {right}", compared[symbol](a, b)
        if kind == 4:
            joiner = str(rng.choice(["&&", "||"]))
            other = float(rng.uniform(-1, 1))
            truth, joined = (
                f"!({truth} {joiner} {left} > {other:.3f})",
                ~(joined & (a > round(other, 3)) if joiner == "&&" else joined | (a > round(other, 3))),
            )
        return f"iif({truth}, {left}, {right})", np.where(joined, a, b)

    text, expected = tree(3)
    expression = Expression(f"({text}) + 0 * 'd.im'")
    found = expression.read_all().value
    expression.close()
    assert np.allclose(found, expected + 0 * values, rtol=1e-12, equal_nan=True), text
