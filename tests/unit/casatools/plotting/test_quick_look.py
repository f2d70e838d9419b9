"""A quick look at images: what is drawn, on which axes, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.plotting.quick_look import QuickLookStyle, quick_look
from casatools.plotting.sky_axes import axis_labels, beam_patch, sky_wcs

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str = "a.im", frame: str = "J2000", size: tuple[int, int] = (24, 20), dtype: type = np.float32) -> None:
    coordinates = make_image_coordinates(size, (CELL, CELL), (1.0, 0.5), 1.42e9 + 1e6 * np.arange(3), stokes=["I", "Q"])
    index = coordinates.find("Direction")
    coordinates.replace(
        index, type(coordinates.direction).make(frame, "SIN", (1.0, 0.5), (12, 10), (-CELL, CELL), parameters=[0.0, 0.1])
    )
    values = 0.1 * np.random.default_rng(5).normal(size=(3, 2, size[1], size[0]))
    values[1, 0, 8:12, 9:13] += 5.0
    with CasaImage.create(name, values.shape, coordinates, dtype, unit="Jy/beam") as made:
        made.write(values.astype(dtype))
        made.beams = BeamSet.single(Beam.from_rad(4 * CELL, 3 * CELL, 0.3))


def test_the_brightest_channel_is_drawn_with_all_that_belongs_to_it() -> None:
    make()
    figure = quick_look("a.im", "a.png")
    axes, bar = figure.axes
    assert Path("a.png").stat().st_size > 5000
    assert "channel 1" in axes.get_title() and "Stokes I" in axes.get_title() and bar.get_ylabel() == "Jy/beam"
    assert axes.coords[0].get_axislabel() == "Right ascension (J2000)" and len(axes.patches) == 1
    assert axes.images[0].get_array().max() > 4.5 and axes.collections
    with pytest.raises(OutputExistsError):
        quick_look("a.im", "a.png", overwrite=False)


@pytest.mark.parametrize("size", [(24, 20), (120, 20), (20, 60)])
def test_the_colour_bar_stands_beside_the_image(size: tuple[int, int]) -> None:
    make(size=size)
    figure = quick_look("a.im")
    axes, bar = figure.axes
    figure.canvas.draw()
    sheet = figure.get_window_extent()
    image, side = axes.get_window_extent(), bar.get_window_extent()
    assert abs(side.height - image.height) < 0.02 * image.height and 0 < side.x0 - image.x1 < 0.05 * sheet.width
    assert all(0 < box.x0 < box.x1 < sheet.width for box in (image, side))


def test_meridians_are_drawn_about_a_pole(monkeypatch: pytest.MonkeyPatch) -> None:
    from astropy.visualization.wcsaxes.coordinate_helpers import CoordinateHelper

    drawn: list[str] = []
    monkeypatch.setattr(CoordinateHelper, "grid", lambda self, **how: drawn.append(how["color"]))
    coordinates = make_image_coordinates((40, 40), (60 * CELL, 60 * CELL), (1.0, np.pi / 2 - 1e-3), [1.4e9], stokes=["I"])
    with CasaImage.create("p.im", (1, 1, 40, 40), coordinates) as made:
        made.write(np.random.default_rng(1).normal(size=(1, 1, 40, 40)))
    make()

    quick_look("a.im")
    assert not drawn
    figure = quick_look("p.im")
    assert len(drawn) == 2
    figure.canvas.draw()
    for coordinate, side in zip(figure.axes[0].coords, "bl", strict=True):  # below and left: not in the colour bar or the title
        assert list(coordinate.get_axislabel_position()) == list(coordinate.get_ticklabel_position()) == [side]


@pytest.mark.parametrize(("turn", "flip", "angle"), [(0.0, -1.0, 30.0), (0.0, 1.0, -30.0), (np.pi / 2, -1.0, 120.0)])
def test_the_beam_lies_as_north_and_east_do(turn: float, flip: float, angle: float) -> None:
    make()
    with CasaImage.open("a.im", writable=True) as opened:
        opened.beams = BeamSet.single(Beam(20.0, 8.0, 30.0))
        coordinates = opened.coordinates
        direction = coordinates.direction
        step = np.array([flip, 1.0]) * np.abs(direction.increment)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        turned = replace(direction, increment=step, matrix=matrix)
        found = beam_patch(
            SimpleNamespace(beams=opened.beams, coordinates=SimpleNamespace(direction=turned)), 0, 0, (0, 0, 9, 9), "k"
        )
    # The matplotlib angle is counterclockwise of the y axis; the turned one has north to the left or right.
    assert abs(np.sin(np.radians(found.angle - angle))) < 1e-9


@pytest.mark.parametrize("stretch", ["sqrt", "log", "asinh"])
def test_regions_stretches_and_contours_of_others(stretch: str) -> None:
    make()
    make("b.im")
    style = QuickLookStyle("viridis", stretch=stretch, low=0.1, levels=(1.0, 2.0), title="T")
    figure = quick_look("a.im", channel=1, stokes="i", region="circle[[11pix,10pix],6pix]", style=style, contours_of="b.im")
    axes = figure.axes[0]
    assert axes.get_title() == "T" and np.isnan(np.ma.filled(axes.images[0].get_array(), np.nan)).any()
    flat = quick_look("a.im", channel=0, style=QuickLookStyle(low=3.0, high=3.0, contours=False))
    assert not flat.axes[0].collections


@pytest.mark.parametrize("stretch", ["sqrt", "log", "asinh"])
def test_numbers_of_a_stretched_colour_bar_keep_apart(stretch: str) -> None:
    make()
    with CasaImage.open("a.im", writable=True) as image:
        image.write(np.random.default_rng(1).normal(0, 0.02, image.shape) + 4.0 * (np.indices(image.shape).sum(axis=0) % 17 == 0))
    figure = quick_look("a.im", style=QuickLookStyle(stretch=stretch))
    figure.canvas.draw()
    axes, bar = figure.axes
    assert not np.ma.getmaskarray(axes.images[0].get_array()).any()  # what has no logarithm is the darkest, not blank
    shown = [label for label in bar.get_yticklabels() if label.get_text()]
    assert len(shown) >= 5 and ("0" in [label.get_text() for label in shown]) == (stretch != "log")
    ends = [label.get_window_extent() for label in shown]
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(ends))


def test_ratios_of_noise_do_not_set_the_colours_of_a_spectral_index() -> None:
    make("t.image.alpha")
    with CasaImage.open("t.image.alpha", writable=True) as image:
        image.write(np.random.default_rng(1).standard_cauchy(image.shape) * 1e4 - 0.7)
    assert quick_look("t.image.alpha").axes[0].images[0].get_clim() == (-5.0, 5.0)


@pytest.mark.parametrize(
    ("frame", "label"), [("GALACTIC", "Galactic longitude"), ("ICRS", "(ICRS)"), ("B1950", "(B1950)"), ("SUPERGAL", "(SUPERGAL)")]
)
def test_axes_are_the_image_s(frame: str, label: str) -> None:
    make(frame=frame, dtype=np.complex64)
    with CasaImage.open("a.im") as image:
        wcs = sky_wcs(image)
        here = image.coordinates.direction.with_units(("deg", "deg")).to_world(np.array([[3.0], [4.0]])).ravel()
        assert np.allclose(wcs.wcs_pix2world([[3.0, 4.0]], 0)[0], here, atol=1e-9)
        assert label in axis_labels(image)[0]
    assert quick_look("a.im").axes[0].images


def test_values_with_a_sign_have_colours_about_zero() -> None:
    make()
    with CasaImage.open("a.im", writable=True) as image:
        values = image.read()
        values[1, 1, 3, 3] = -2.0
        image.write(values)
    drawn = quick_look("a.im", channel=1, stokes="Q").axes[0].images[0]
    assert drawn.get_cmap().name == "RdBu_r" and drawn.norm.vmin == -2.0 and drawn.norm.vmax == 2.0
    assert (
        quick_look("a.im", channel=1, stokes="Q", style=QuickLookStyle(cmap="gray", low=-1, high=3)).axes[0].images[0].norm.vmax
        == 3
    )
    with CasaImage.open("a.im", writable=True) as image:
        image.write(-image.read())
    total = quick_look("a.im", channel=1).axes[0].images[0]  # absorption is not cut off
    assert total.get_cmap().name == "inferno" and total.norm.vmin < -4.5 and total.norm.vmax < 1.0
    with CasaImage.open("a.im", writable=True) as image:
        image.write(np.full_like(values, 2.0))
    assert quick_look("a.im", channel=0).axes[0].images[0].norm.vmin == 1.0


def test_angles_go_round_and_fits_that_ran_away_do_not_hide_the_others() -> None:
    from casatools.io.image.coordinates.stokes import StokesCoordinate

    make()
    with CasaImage.open("a.im", writable=True) as image:
        values, coordinates = image.read(), image.coordinates
        values[0, 0, 0, :3] = -3e38, 2e20, 4.0
        image.write(values)
    drawn = quick_look("a.im", channel=0).axes[0]
    assert -20 < drawn.images[0].norm.vmin < 0 < drawn.images[0].norm.vmax < 20 and not drawn.collections
    coordinates.replace(coordinates.find("Stokes"), StokesCoordinate.make(["Pangle", "Q"]))
    with CasaImage.create("p.im", values.shape, coordinates, np.float32, unit="deg") as made:
        made.write(np.random.default_rng(1).uniform(0.0, 180.0, values.shape).astype("f4"))
    angles = quick_look("p.im", channel=0).axes[0].images[0]
    assert angles.get_cmap().name == "twilight" and (angles.norm.vmin, angles.norm.vmax) == (0.0, 180.0)


@pytest.mark.parametrize(("frame", "projection", "names"), [
    ("J2000", "CAR", {"4$^h$", "20$^h$", "+60°", "-30°"}), ("GALACTIC", "AIT", {"60°", "300°", "+30°"}), ("J2000", "SIN", {"0$^h$", "+30°"}),
])  # fmt: skip
def test_fields_as_wide_as_the_sky_are_named_inside(frame: str, projection: str, names: set[str]) -> None:
    coordinates = make_image_coordinates((120, 60), (CELL, CELL), (0.0, 0.0), [1.42e9], stokes=["I"])
    cell = np.radians(3.0)
    index = coordinates.find("Direction")
    coordinates.replace(index, type(coordinates.direction).make(frame, projection, (0.0, 0.0), (59.5, 29.5), (-cell, cell)))
    with CasaImage.create("w.im", (1, 1, 60, 120), coordinates, np.float32) as made:
        made.write(np.random.default_rng(1).normal(size=(1, 1, 60, 120)).astype("f4"))
    figure = quick_look("w.im", "w.png")
    axes = figure.axes[0]
    assert names <= {text.get_text() for text in axes.texts}
    figure.canvas.draw()
    for text in axes.texts:  # each within the axes
        assert axes.bbox.x0 <= text.get_window_extent().x0 <= axes.bbox.x1


def test_refused() -> None:
    make()
    make("small.im", size=(10, 10))
    for kind, arguments in (
        (ParameterError, {"channel": 7}), (ParameterError, {"stokes": "V"}), (ParameterError, {"contours_of": "small.im"}),
    ):  # fmt: skip
        with pytest.raises(kind):
            quick_look("a.im", "x.png", **arguments)
    for style in ({"stretch": "x"}, {"cmap": "x"}):
        with pytest.raises(ParameterError):
            QuickLookStyle(**style)
    with CasaImage.create("l.im", (4, 4), Coordinates([LinearCoordinate.make(["x", "y"], ["m", "m"])])):
        pass
    with pytest.raises(DataError, match="sky axes"):
        quick_look("l.im", "x.png", contours_of="a.im")
    with CasaImage.open("a.im", writable=True) as image:
        image.write(np.nan)
    with pytest.raises(DataError, match="no good pixel"):
        quick_look("a.im", "x.png", channel=0)
    assert not Path("x.png").exists()


def test_an_image_without_sky_is_drawn_along_its_first_axes() -> None:
    """A slice of position against frequency: values at the places that its axes name, velocities where there is a rest frequency."""
    for rest in (1.42e9, 0.0):
        spectral = make_image_coordinates(
            (4, 4), (CELL, CELL), (1.0, 0.5), 1.42e9 + 1e6 * np.arange(5), rest_frequency_hz=rest
        ).spectral
        coordinates = Coordinates([LinearCoordinate.make(["Offset"], ["arcsec"], [0.0], [3.0], [2.0]), spectral])
        name = f"pv{rest:.0f}.im"
        values = 0.1 * np.random.default_rng(1).normal(size=(5, 7))
        values[3, 2] = 6.0
        with CasaImage.create(name, values.shape, coordinates, unit="Jy/beam", mask="mask0") as made:
            made.write(values)
            made.write_mask(values > -0.15)
        figure = quick_look(name, "pv.png", overwrite=True)
        axes = figure.axes[0]
        drawn = axes.images[0]
        left, right, low, high = drawn.get_extent()
        assert (left, right, axes.get_xlabel()) == (-7.0, 7.0, "Offset [arcsec]") and axes.get_title() == name
        expected = (-0.5e-3, 4.5e-3) if not rest else (0.5e6 / 1.42e9 * 299792.458, -4.5e6 / 1.42e9 * 299792.458)
        assert (low, high) == pytest.approx([1.42 + e for e in expected] if not rest else expected, rel=1e-6)
        assert axes.get_ylabel() == ("Radio velocity [km/s]" if rest else "Frequency [GHz]")
        shown = np.ma.filled(np.ma.masked_invalid(drawn.get_array()), np.nan)
        assert shown[3, 2] == pytest.approx(6.0) and np.isnan(shown).sum() == (values <= -0.15).sum()
        assert len(figure.axes) == 2 and figure.axes[1].get_ylabel() == "Jy/beam"
    with CasaImage.open(name, writable=True) as made:
        made.write_mask(False)
    with pytest.raises(DataError, match="no good pixel"):
        quick_look(name)


def test_a_spectrum_is_drawn_as_a_line_and_velocities_without_contours() -> None:
    make()
    with CasaImage.open("a.im") as cube:
        values = cube.read()
    coordinates = make_image_coordinates((1, 1), (CELL, CELL), (1.0, 0.5), 1.42e9 + 1e6 * np.arange(3), stokes=["I"])
    with CasaImage.create("s.im", (3, 1, 1, 1), coordinates, unit="Jy") as made:
        made.write(values.max(axis=(1, 2, 3), keepdims=True))
    figure = quick_look("s.im", "s.png")
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [1.42, 1.421, 1.422], rtol=1e-12)
    np.testing.assert_allclose(line.get_ydata(), values.max(axis=(1, 2, 3)), rtol=1e-6)
    assert figure.axes[0].get_ylabel() == "Jy" and Path("s.png").exists()
    with pytest.raises(DataError, match="one pixel"):
        quick_look("s.im", region="box[[0pix,0pix],[0pix,0pix]], range=[1chan,1chan]")
    assert any(c for c in quick_look("a.im").axes[0].collections)
    with CasaImage.open("a.im", writable=True) as cube:
        cube.unit = "km/s"
    assert not list(quick_look("a.im").axes[0].collections)
    assert list(quick_look("a.im", style=QuickLookStyle(levels=(1.0,))).axes[0].collections)
