"""Lattice expressions: syntax, arithmetic, masks and reductions."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError
from casatools.analysis.expressions import Expression, MaskExpression
from casatools.analysis.image_math import MathOutput, compute_expression
from casatools.analysis.lattice_syntax import parse_expression
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.make import make_image_coordinates

A = np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4) - 5


@pytest.fixture
def images() -> np.ndarray:
    coordinates = make_image_coordinates((4, 3), (1e-5, 1e-5), (1.0, 0.5), [1.0e9, 1.1e9])
    good = A != 3
    with CasaImage.create("a.im", A.shape, coordinates, mask="mask0") as image:
        image.write(A)
        image.write_mask(good)
    with CasaImage.create("b.im", A.shape, coordinates) as image:
        image.write(A * 2)
    plane = make_image_coordinates((4, 3), (1e-5, 1e-5), (1.0, 0.5), [1.0e9])
    with CasaImage.create("plane.im", (1, 1, 3, 4), plane) as image:
        image.write(A[:1])
    return good


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'b.im' + 1", A * 2 + 1),
        ("-b.im^2", -((A * 2) ** 2)),
        ("2^3^2 - 1e2", 412.0),
        ("(1 + 2) * 3 % 5", 4.0),
        ("b.im > 3 && b.im <= 9 || b.im == -10", (A * 2 > 3) & (A * 2 <= 9) | (A * 2 == -10)),
        ("!(b.im != 4)", A * 2 == 4),
        ("iif(b.im > 0, b.im, 0)", np.where(A > 0, A * 2, 0)),
        ("max(b.im, 3)", np.maximum(A * 2, 3)),
        ("min('b.im')", -10.0),
        ("mean(b.im)", (A * 2).mean()),
        ("median(b.im)", np.median(A * 2)),  # the mean of the two in the middle; of more than 100 values the lower one
        ("round(b.im / 4)", np.floor(np.abs(A / 2) + 0.5) * np.sign(A)),  # halves go away from zero
        ("stddev(b.im)", (A * 2).std(ddof=1)),
        ("variance(b.im)", (A * 2).astype(float).var(ddof=1)),
        ("avdev(b.im)", np.abs(A * 2 - (A * 2).mean()).mean()),
        ("fractile(b.im, 0.5)", np.median(A * 2)),
        ("fractile(b.im, 0.25)", np.sort(A.ravel() * 2)[5]),
        ("fractilerange(b.im, 0.0, 1.0)", 46.0),
        ("fractilerange(b.im, 0.0)", 46.0),
        ("1.5d1 * b.im", 30.0 * A),
        ("variance(complex(b.im, 2 * b.im))", 5 * (2 * A).var(ddof=1)),
        ("ntrue(b.im > 0) + nfalse(b.im > 0)", 24.0),
        ("sqrt(abs(b.im)) * pi() / pi", np.sqrt(np.abs(A * 2))),
        ("atan2(b.im, 1) + pow(b.im, 2)", np.arctan2(A * 2, 1) + (A * 2) ** 2),
        ("real(complex(b.im, 1))", A * 2),
        ("T && F", False),
        ("iif(indexin(0, [1:2]), b.im, 0)", np.where(np.isin(np.arange(4), [1, 2]), A * 2, 0)),
        ("iif(indexnotin(3, [0, 5:9:2]), b.im, 0)", A * 2 * np.array([0, 1]).reshape(2, 1, 1, 1)),
        ("ndim(b.im) + length(b.im, 1) + length(b.im)", 11.0),
        ("amp(b.im, b.im) - amp(b.im)", np.hypot(A * 2, A * 2) - np.abs(A * 2)),
        ("pa(b.im, 1)", 0.5 * np.degrees(np.arctan2(A * 2, 1))),
        ("spectralindex(b.im, b.im)", 0.0 * A),
        ("any(b.im > 30) && all(b.im > -11)", True),
        ("nelements('a.im')", 23.0),
        ("sum(a.im)", A.sum() - 3),
        ("value(a.im)", A),
    ],
)
def test_values(images: np.ndarray, text: str, expected: object) -> None:
    np.testing.assert_allclose(
        np.asarray(Expression(text).read_all().value, dtype=float), np.asarray(expected, dtype=float), rtol=1e-5
    )


def test_masks(images: np.ndarray) -> None:
    np.testing.assert_array_equal(Expression("a.im + b.im").read_all().good, images)
    np.testing.assert_array_equal(Expression("a.im[b.im > 0]").read_all().good, images & (A > 0))
    np.testing.assert_array_equal(Expression("mask(a.im)").read_all().value, images)
    replaced = Expression("replace(a.im, -1)").read_all().value
    np.testing.assert_array_equal(replaced, np.where(images, A, -1))
    assert Expression("'a.im:nomask'").read_all().good is None
    with CasaImage.open("a.im") as named:
        name = named.default_mask
    assert np.array_equal(Expression(f"'a.im:{name}'").read_all().good, Expression("a.im").read_all().good)
    np.testing.assert_array_equal(Expression("replace(b.im, 1)").read_all().value, A * 2)


def test_blocks_equal_parts_of_the_whole(images: np.ndarray) -> None:
    expression = Expression("b.im * 2 - max(b.im)")
    block = (slice(1, 2), slice(0, 1), slice(1, 3), slice(0, 4))
    np.testing.assert_array_equal(expression.read(block).value, expression.read_all().value[block])
    expression.close()


def test_values_are_put_into_the_arrays_of_operands_of_their_type_only(images: np.ndarray) -> None:
    for text, expected, kind in (
        ("-(b.im * b.im) / 3 + plane.im", -((A * 2) ** 2) / np.float32(3) + A[:1], np.float32),
        ("plane.im + plane.im * b.im", A[:1] + A[:1] * A * 2, np.float32),
        ("double(b.im) + b.im", A * 4, np.float64),
        ("b.im + double(b.im)", A * 4, np.float64),
        ("abs(complex(b.im, 0))", np.abs(A * 2), None),
        (
            "iif(!(b.im > 3) && b.im > 1, b.im^2, min(b.im, 1))",
            np.where((A * 2 <= 3) & (A * 2 > 1), 4 * A**2, np.minimum(2 * A, 1)),
            None,
        ),
    ):
        value = Expression(text, stretch=True, shape=A.shape).read_all().value
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        assert kind is None or value.dtype == kind


def test_numbers_begin_with_a_dot_and_truth_counts(images: np.ndarray) -> None:
    for text, expected in (
        ("b.im*.5", A), ("fmod(b.im,.7)", np.fmod(2 * A, np.float32(0.7))), ("iif(b.im>.25e1,.5,-.5)", np.where(2 * A > 2.5, 0.5, -0.5)),
        ("max(b.im,.3)-.1", np.maximum(2 * A, 0.3) - 0.1), ("2*abs(b.im)^.5", 2 * np.sqrt(np.abs(2 * A))),
        ("(b.im>0)+(b.im>2)", (A > 0) * 1 + (A > 1) * 1), ("-(b.im>0)-(b.im>2)", -1 * (A > 0) - 1 * (A > 1)), ("(b.im>0)*T", (A > 0) * 1),
    ):  # fmt: skip
        found = Expression(text).read_all().value
        assert found.dtype != bool
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=text)


def test_tiles_of_expressions() -> None:
    shape, tile = (5, 1, 12, 20), (2, 1, 8, 8)
    coordinates = make_image_coordinates((20, 12), (1e-5, 1e-5), (1.0, 0.5), 1.0e9 + 1e6 * np.arange(5))
    values = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    for name, pixels, tiles in (("c.im", values[0], tile), ("d.im", values[1], tile), ("e.im", values[1], (5, 1, 4, 4))):
        with CasaImage.create(name, shape, coordinates, tile_shape=tiles) as image:
            image.write(pixels)
    expression = Expression("c.im * 2 + sqrt(abs(d.im)) - mean(c.im)")
    assert expression.tiled_as(tile) and not expression.tiled_as((5, 1, 4, 4))
    whole = expression.read_all().value
    found = expression.read_tiles(0, 2)
    np.testing.assert_array_equal(found[0], whole[:2, :, :8, :8])
    np.testing.assert_array_equal(expression.read_tiles(1, 3)[1][..., :4], whole[:2, :, :8, 16:])
    assert not Expression("c.im + e.im").tiled_as(tile)
    assert not Expression("c.im[c.im > 0]").tiled_as(tile)
    assert not Expression("iif(!indexin(0, [1]), c.im, 0)").tiled_as(tile)


@pytest.mark.parametrize("tile", [(2, 1, 8, 8), (2, 1, 3, 5)])
@pytest.mark.parametrize(
    ("text", "tiled"),
    [
        ("f.im * 2 + sqrt(abs(g.im))", True), ("-f.im - nelements(g.im)", True), ("max(g.im, 0) + h.im + pi()", True), ("amp(f.im, g.im)", True),
        ("f.im + 'g.im:nomask'", True), ("iif(isnan(f.im), 0, g.im)", False), ("f.im[g.im > 0]", False), ("iif(f.im > 0 || g.im > 0, h.im, 1)", False),
        ("value(f.im) + h.im", True), ("value(f.im) + g.im", True), ("iif(mask(f.im), h.im, 1)", False), ("value(replace(f.im, h.im))", False), ("replace(f.im, 0)", False), ("h.im * 2", True),
    ],
)  # fmt: skip
def test_masked_images_by_tiles_and_by_blocks(text: str, tiled: bool, tile: tuple[int, ...]) -> None:
    shape = (5, 1, 12, 20)
    coordinates = make_image_coordinates((20, 12), (1e-5, 1e-5), (1.0, 0.5), 1.0e9 + 1e6 * np.arange(5))
    random = np.random.default_rng(1)
    for name, mask in (("f.im", "mask0"), ("g.im", "other"), ("h.im", "")):
        with CasaImage.create(name, shape, coordinates, tile_shape=tile, mask=mask) as image:
            values = random.normal(size=shape)
            if mask:
                image.write_mask(random.random(shape) > 0.3)
                values[random.random(shape) > 0.8] = np.nan
            image.write(values)
    expression = Expression(text)
    expected = expression.read_all()
    assert expression.tiled_as(tile) == tiled
    compute_expression(text, {}, PixelChoice(), MathOutput("out.im"))
    with CasaImage.open("out.im") as image:
        assert image.tile_shape == tile
        np.testing.assert_array_equal(image.read(), expected.value)
        assert image.default_mask == ("" if expected.good is None else "mask0")
        if expected.good is not None:
            np.testing.assert_array_equal(image.read_mask(), expected.good)
    expression.close()


def test_mask_expression(images: np.ndarray) -> None:
    with CasaImage.open("b.im") as image:
        block = [slice(0, n) for n in image.shape]
        np.testing.assert_array_equal(MaskExpression("'b.im' > 0", image).read(block), A > 0)
        np.testing.assert_array_equal(MaskExpression("b.im", image).read(block), A != 0)
        np.testing.assert_array_equal(MaskExpression("'a.im' > 0", image).read(block), (A > 0) & images)
        stretched = MaskExpression("'plane.im' > 0", image, stretch=True).read(block)
        np.testing.assert_array_equal(stretched, np.broadcast_to(A[:1] > 0, A.shape))
        with pytest.raises(DataError, match="stretch=True lets"):
            MaskExpression("'plane.im' > 0", image)


@pytest.mark.parametrize("text", ["1 +", "(1", "sin(1", "1 2", "[1", "[1:2:x]", "[a]", "#"])
def test_bad_syntax(text: str) -> None:
    with pytest.raises(ParameterError, match="cannot be read"):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'no.im' + 1", "is not an image"),
        ("cheese(b.im)", "no function 'cheese'"),
        ("iif(b.im)", "takes 3 arguments"),
        ("sin(b.im, b.im, b.im)", "does not take 3 arguments"),
        ("sin(b.im, b.im)", "does not take 2 arguments"),
        ("sum()", "needs an argument"),
        ("indexin(b.im)", "number of an axis"),
        ("iif(indexin(7, [1]), b.im, 0)", "not one of the 4"),
        ("length(b.im, 9)", "not one of the 4"),
        ("ndim()", "needs an argument"),
        ("spectralindex(b.im, 2)", "two images"),
        ("fractile(b.im)", "needs a fraction"),
        ("fractile(b.im, 1.5)", "fractions from 0 to 1"),
        ("fractilerange(b.im, 0.9, 0.2)", "smaller one first"),
        ("'a.im:other'", "no mask 'other'"),
        ("b.im * [1, 2]", "stands only in"),
        ("rebin(b.im)", "list of factors"),
        ("rebin(b.im, [0, 1, 1, 1])", "factors must be"),
        ("rebin(b.im, [2, 2])", "each of the 4 axes"),
        ("rebin(2 + 3, [2, 2])", "holds no image"),
        ("sin(b.im, b.im)", "does not take 2 arguments"),
        ("fractiles(b.im)", "no function 'fractiles'"),
        ("mean(b.im, 2)", "does not take 2 arguments"),
        ("max(b.im, 1, 2)", "does not take 3 arguments"),
        ("floor(complex(b.im, 1))", "'floor' does not take complex values"),
        ("pa(complex(b.im, 1), b.im)", "'pa' does not take complex values"),
        ("min(complex(b.im, 1), 2)", "'min' does not take complex values"),
        ("complex(b.im, 1) % 2", "'%' does not take complex values"),
        ("sign(b.im > 0)", "'sign' does not take truth values"),
    ],
)
def test_bad_expressions(images: np.ndarray, text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Expression(text).read_all()
    for reduction in ("mean", "median"):
        with pytest.raises(DataError, match="no good pixel"):
            Expression(f"{reduction}(b.im[b.im > 1000])").read_all()


def test_reductions_go_through_images_in_parts(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casatools.analysis.expressions._REDUCED_PIXELS", 5)
    whole = A[images].astype(float)
    for text, expected in (
        ("mean(a.im)", whole.mean()), ("variance(a.im)", whole.var(ddof=1)), ("avdev(a.im)", np.abs(whole - whole.mean()).mean()),
        ("min(a.im)", whole.min()), ("max(a.im)", whole.max()), ("median(a.im)", np.sort(whole)[11]), ("sum(a.im > 2)", (whole > 2).sum()),
        ("all(a.im > -99)", True), ("mean(3)", 3.0),
    ):  # fmt: skip
        assert Expression(text + " + 0 * plane.im" if text == "mean(3)" else text).read([slice(0, 1)] * 4).value == pytest.approx(
            expected
        ), text


def test_binned_images_are_operands(images: np.ndarray) -> None:
    def binned(values: np.ndarray) -> np.ndarray:
        return values.reshape(2, 3, 2, 2).mean(axis=(1, 3))

    for text, expected in (
        ("rebin(b.im, [2, 3, 1, 1]) + 1", binned(A * 2) + 1),
        ("rebin(b.im * b.im, [2, 3, 1, 1])", binned(4.0 * A * A)),
        ("rebin(rebin(b.im, [2, 1, 1, 1]) - 1, [1, 3, 1, 1])", binned(A * 2) - 1),
    ):
        expression = Expression(text)
        assert expression.shape == (2, 1, 1, 2) and not expression.may_mask
        assert np.allclose(expression.read_all().value[:, 0, 0], expected), text
        expression.close()
    expression = Expression("rebin(a.im + 1, [2, 3, 1, 1])")
    assert expression.may_mask  # also where no pixel of the result needs it
    expression.close()


def test_numbers_have_no_mask_and_known_truth_needs_none(images: np.ndarray) -> None:
    assert not any(
        Expression(t).may_mask for t in ("mean(a.im) * b.im", "value(a.im)", "fractile(a.im, 0.5) + b.im", "mask(a.im)")
    )
    assert Expression("max(a.im, b.im)").may_mask and Expression("b.im[b.im > 0]").may_mask
    masked = ~images  # the operand without a mask decides there
    either = Expression("a.im > 0 || b.im > 0").read_all()
    assert either.good is not None and np.array_equal(either.good, images | (A > 0)) and np.all(either.value[masked & (A > 0)])
    both = Expression("a.im > 0 && b.im > 100").read_all()
    assert both.good is not None and both.good.all() and not both.value.any()


def test_iif_takes_the_mask_of_what_it_takes(images: np.ndarray) -> None:
    taken = Expression("iif(mask(a.im), a.im, 7)").read_all()
    assert (
        taken.good is not None and taken.good.all() and np.count_nonzero(taken.value == 7) == 2
    )  # the pixel of 7 and the masked one
    left = Expression("iif(b.im > 100, 7, a.im)").read_all()
    assert left.good is not None and np.array_equal(left.good, images)
    assert Expression("iif(T, b.im, a.im)").read_all().good is None
    assert Expression("iif(b.im > 0, b.im, 1)").read_all().good is None


def test_units_that_functions_give(images: np.ndarray) -> None:
    assert [Expression(t).unit for t in ("pa(b.im, b.im)", "spectralindex(b.im, b.im)", "b.im * 2", "sin(b.im)")] == [
        "deg",
        "",
        None,
        None,
    ]


PLANE = A[:1]


def _sky(nx: int, ny: int) -> Coordinates:
    return make_image_coordinates((nx, ny), (1e-5, 1e-5), (1.0, 0.5), [1.0e9]).without_pixel_axes([2, 3])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b.im - plane.im", A * 2 - PLANE),
        ("plane.im - b.im", PLANE - A * 2),
        ("b.im - flat.im", A * 2 - PLANE),
        ("b.im + mean(other.im)", A * 2 + 3.0),
        ("mean(other.im) * b.im + sum(plane.im)", 3.0 * A * 2 + PLANE.sum()),
        ("nelements(plane.im) + median(other.im[other.im > 2]) + 0 * b.im", np.full(A.shape, 15.0)),
        ("length(other.im, 0) + ndim(flat.im) + 0 * b.im", np.full(A.shape, 7.0)),
        ("iif(plane.im > 0, b.im, 0)", np.where(PLANE > 0, A * 2, 0)),
    ],
)
def test_planes_go_with_cubes_and_numbers_come_of_any_image(images: np.ndarray, text: str, expected: np.ndarray) -> None:
    """As in the reference; its functions other than operators refuse axes of one pixel."""
    with CasaImage.create("flat.im", (3, 4), _sky(4, 3)) as image:
        image.write(A[0, 0])
    with CasaImage.create("other.im", (3, 5), _sky(5, 3)) as image:
        image.write(np.full((3, 5), 3.0))
    expression = Expression(text)
    assert expression.shape == A.shape and expression.template is not None and expression.template.shape == A.shape
    np.testing.assert_allclose(np.broadcast_to(expression.read_all().value, A.shape), expected, rtol=1e-6)
    expression.close()


def test_conditions_of_a_cube_mask_a_plane_and_other_shapes_are_refused(images: np.ndarray) -> None:
    expression = Expression("plane.im[b.im > 0]")
    found = expression.read_all()
    assert found.good is not None and np.array_equal(found.good, A > 0) and np.shape(found.value) == A.shape
    expression.close()
    with CasaImage.create("wide.im", (3, 5), _sky(5, 3)) as image:
        image.write(np.zeros((3, 5)))
    with pytest.raises(DataError, match="does not fit the shape"):
        Expression("b.im + wide.im")
