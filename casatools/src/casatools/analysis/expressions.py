"""Evaluation of lattice expressions on images, block by block: the one evaluator of masks, immath and imagecalc.

References
----------
van Diepen, "Lattice Expression Language", AIPS++ Note 223: functions and the rules for masks. The mask of a result is the intersection
of the masks of its operands; reductions use good pixels only; ``image[condition]`` masks off pixels where the condition is false.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import CasaError, DataError, ParameterError
from casatools._base.paths import resolve
from casatools.analysis.lattice_syntax import Call, Indices, Name, Node, Number, Operation, parse_expression
from casatools.analysis.value_stream import ValueStream, ranked
from casatools.io.image import CasaImage
from casatools.io.image.tile_file import TileFile

__all__ = ["Expression", "MaskExpression", "Masked"]


def _nearest(values: Any) -> Any:
    """The nearest whole numbers, halves away from zero, as in C."""
    whole = np.trunc(values)
    return whole + np.sign(values) * (np.abs(values - whole) >= 0.5)


# Functions of one argument applied pixel by pixel.
_PIXELWISE: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "sinh": np.sinh, "asin": np.arcsin, "cos": np.cos, "cosh": np.cosh, "acos": np.arccos, "tan": np.tan,
    "tanh": np.tanh, "atan": np.arctan, "exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "round": _nearest,
    "sign": np.sign, "ceil": np.ceil, "floor": np.floor, "abs": np.abs, "amplitude": np.abs, "arg": np.angle, "phase": np.angle,
    "conj": np.conj, "real": np.real, "imag": np.imag, "norm": lambda v: np.square(np.abs(v)), "isnan": np.isnan, "float": lambda v: v,
    "double": lambda v: np.asarray(v, np.float64), "complex": lambda *v: v[0] + 1j * v[1] if len(v) > 1 else np.asarray(v[0], complex),
    "dcomplex": lambda v: np.asarray(v, np.complex128), "boolean": lambda v: np.asarray(v, bool), "atan2": np.arctan2, "pow": np.power,
    "fmod": np.fmod, "amp": lambda *v: np.hypot(*v) if len(v) > 1 else np.abs(v[0]),
    "pa": lambda a, b: 0.5 * np.degrees(np.arctan2(a, b)),
}  # fmt: skip
# Arguments of functions that do not take one.
_ARGUMENTS = {"atan2": (2,), "pow": (2,), "fmod": (2,), "pa": (2,), "complex": (1, 2), "amp": (1, 2)}
_REDUCTIONS = frozenset(
    {"sum", "mean", "min", "max", "median", "variance", "stddev", "avdev", "nelements", "ntrue", "nfalse", "any", "all"}
)
# Other functions that give one number for all of an image.
_OTHER_NUMBERS = frozenset({"fractile", "fractilerange", "ndim", "length"})
# Functions whose results have no mask.
_UNMASKED = frozenset({"fractile", "fractilerange", "ndim", "length", "mask", "value", "indexin", "indexnotin"})
# Functions whose values depend on the places of pixels or on masks, which tiles in the order of the file do not tell.
_NOT_BY_TILES = frozenset({"indexin", "indexnotin", "mask", "replace"})
# Pixels that reductions work on at once.
_REDUCED_PIXELS = 1 << 23
# Numbers of values of which the median is the mean of the two in the middle.
_AVERAGED_MEDIAN = 100
_CONSTANTS = {"pi": np.pi, "e": np.e, "c": SPEED_OF_LIGHT_M_S}


@dataclass
class Masked:
    """A value, scalar or block, and the mask of its good pixels (None: all good); `own` where nothing else holds the array of the value."""

    value: Any
    good: np.ndarray | None = None
    own: bool = False


@dataclass(frozen=True)
class _Tiles:
    """Storage tiles by their numbers, where a part of the image is meant."""

    first: int
    stop: int


def _applied(function: Callable[..., Any], parts: Sequence[Masked]) -> Masked:
    """A function of values, pixel by pixel, and the common mask; put into the array of an operand that fits, for new ones cost more than the sums."""
    values, good = [p.value for p in parts], _both(*(p.good for p in parts))
    if isinstance(function, np.ufunc):
        shape = np.broadcast_shapes(*(np.shape(v) for v in values))
        for part in parts:
            if part.own and part.value.shape == shape:
                try:
                    return Masked(function(*values, out=part.value, casting="equiv"), good, True)
                except TypeError:
                    continue  # the result is of another type
    return Masked(function(*values), good, isinstance(function, np.ufunc) and any(np.ndim(v) for v in values))


def _decided(found: Masked, parts: Sequence[Masked], truth: bool) -> Masked:
    """The result of ``||`` (`truth` True) or ``&&``: good also where one operand that is good decides it whatever the other is."""
    if found.good is None:
        return found
    good = found.good
    for part in parts:
        decides = np.asarray(part.value, bool) == truth
        good = good | (decides if part.good is None else decides & part.good)
    return Masked(found.value, good, found.own)


def _both(*masks: np.ndarray | None) -> np.ndarray | None:
    found = [m for m in masks if m is not None]
    if not found:
        return None
    result = found[0]
    for m in found[1:]:
        result = result & m
    return result


class Expression:
    """A lattice expression bound to its images.

    Parameters
    ----------
    text : str
    folder : str
        Where relative image names are looked up.
    shape : sequence of int, optional
        Shape (internal order) that images must have or broadcast to; that of the first image when absent.
    stretch : bool
        Axes of length one stand for all planes.
    names : mapping, optional
        Paths of images by the names that the text uses for them.
    tree : Node, optional
        The part of the text that is meant; all of it when absent.

    Raises
    ------
    ParameterError, DataError
        The text cannot be read, a name is no image, or shapes do not fit.
    """

    def __init__(
        self,
        text: str,
        folder: str = "",
        shape: Sequence[int] | None = None,
        stretch: bool = False,
        names: Mapping[str, str] | None = None,
        tree: Node | None = None,
    ) -> None:
        self._names = dict(names or {})
        self.text = text
        self.tree = parse_expression(text) if tree is None else tree
        self._masks_bins = False
        self._masks: dict[str, str] = {}
        self._mask_files: list[TileFile] = []
        self.images: dict[str, CasaImage] = {}
        self._scratch = ExitStack()
        self.stretch = stretch
        self._reduced: dict[Node, Masked] = {}
        self._folder = folder
        try:
            self._open(self.tree)
        except CasaError:
            self.close()
            raise
        try:
            own = self._own_shape(self.tree)
            self.shape: tuple[int, ...] = own if shape is None else tuple(shape)
            if shape is not None:
                self._require_fit(own)
        except DataError:
            self.close()
            raise
        named = [*self._deciding(self.tree), *self.images]
        self.template = next((self.images[n] for n in named if self.images[n].shape == self.shape), None)
        if self.template is None and named:
            self.template = self.images[named[0]]

    def close(self) -> None:
        """Close the images."""
        for image in self.images.values():
            image.close()
        self.images = {}
        self._scratch.close()

    def _open(self, node: Node) -> None:
        if isinstance(node, Name):
            if node.name in self.images or not self.names_image(node):
                return
            self.images[node.name] = CasaImage.open(self.path_of(node))
        elif isinstance(node, Call) and node.function == "rebin":
            self._bin(node)
        elif isinstance(node, Call):
            for argument in node.arguments:
                self._open(argument)
        elif isinstance(node, Operation):
            for operand in node.operands:
                self._open(operand)

    def names_image(self, node: Name) -> bool:
        """True for the name of an image; a bare one may be that of a constant."""
        return node.quoted or node.name not in _CONSTANTS

    def _named(self, name: str) -> tuple[str, str | None]:
        """Path and mask of a name: ``im:mask0`` is an image with that mask, ``im:nomask`` without, ``im`` with the one in force (None)."""
        path = self._names.get(name, name.replace("\\", ""))
        stem, colon, mask = path.rpartition(":")
        if not colon or "/" in mask or os.path.exists(path):
            return path, None
        return self._names.get(stem, stem), mask

    def path_of(self, node: Name) -> str:
        """Where the image of a name is."""
        path, _ = self._named(node.name)
        found = path if os.path.exists(path) else os.path.join(self._folder, path)
        found = found if os.path.exists(found) else resolve(path)
        if not os.path.exists(found):
            raise ParameterError(f"{node.name!r} in the expression {self.text!r} is not an image")
        return found

    def _bin(self, node: Call) -> None:
        """Make the image that a call of rebin stands for; it is gone when the expression is closed."""
        from casatools.analysis.image_math import MathOutput, write_expression
        from casatools.analysis.sub_images import PixelChoice, rebin_image

        first, second = (*node.arguments, None, None)[:2]
        if len(node.arguments) != 2 or first is None or not isinstance(second, Indices):
            raise ParameterError(f"rebin takes an expression and a list of factors such as [2, 2, 1, 1] (in {self.text!r})")
        folder = self._scratch.enter_context(tempfile.TemporaryDirectory(prefix="casa-rebin-"))
        path = os.path.join(folder, "binned.im")
        inner = Expression(self.text, self._folder, None, self.stretch, self._names, first)
        try:
            if inner.template is None:
                raise ParameterError(f"rebin holds no image whose shape could be taken (in {self.text!r})")
            if len(second.values) != len(inner.shape):
                raise ParameterError(
                    f"rebin takes a factor for each of the {len(inner.shape)} axes; got {list(second.values)} (in {self.text!r})"
                )
            source, masked = inner.template, inner.may_mask
            if not isinstance(first, Name):
                write_expression(inner, source, PixelChoice(), MathOutput(os.path.join(folder, "whole.im")))
                source = CasaImage.open(os.path.join(folder, "whole.im"))
            try:
                rebin_image(source, path, second.values, PixelChoice(), False, False, False)
            finally:
                source.close()
        finally:
            inner.close()
        found = self.images[repr(node)] = CasaImage.open(path)
        self._masks_bins |= masked and not found.has_mask

    @property
    def unit(self) -> str | None:
        """The unit of the result; None where it is that of the image that gives the metadata."""
        return {"pa": "deg", "spectralindex": ""}.get(self.tree.function) if isinstance(self.tree, Call) else None

    def _deciding(self, node: Node) -> list[str]:
        """Names of the images that decide the shape of a part of the expression: those beside calls that make a number of an image."""
        if isinstance(node, Name):
            return [node.name] if node.name in self.images else []
        if isinstance(node, Operation):
            return [name for n in node.operands for name in self._deciding(n)]
        if not isinstance(node, Call):
            return []
        if node.function == "rebin":
            return [repr(node)]
        pair = node.function in ("min", "max") and len(node.arguments) == 2
        if not pair and (node.function in _REDUCTIONS or node.function in _OTHER_NUMBERS):
            return []
        return [name for n in node.arguments for name in self._deciding(n)]

    def _own_shape(self, node: Node) -> tuple[int, ...]:
        """The shape of a part of the expression: axes of one pixel, and those that an image lacks, stand for all of others.

        A number has that of the first image, and () where there is none.
        """
        found: tuple[int, ...] = ()
        names = self._deciding(node) or ([next(iter(self.images))] if self.images and node is self.tree else [])
        for name in names:
            shape = self.images[name].shape
            try:
                found = np.broadcast_shapes(found, shape)
            except ValueError:
                raise DataError(f"image {name!r} of shape {shape[::-1]} does not fit the shape {found[::-1]}") from None
        return found

    def _require_fit(self, own: tuple[int, ...]) -> None:
        """Refuse a condition of other shape than the image it is for; axes of one pixel are stretched where that is asked for."""
        if own in (self.shape, ()):
            return
        names = self._deciding(self.tree) or list(self.images)
        name = next((n for n in names if self.images[n].shape != self.shape), names[0])
        fits = len(own) == len(self.shape) and all(a in (b, 1) for a, b in zip(own, self.shape, strict=True))
        if not fits or not self.stretch:
            hint = "; stretch=True lets axes of length one stand for all planes" if fits else ""
            shape = self.images[name].shape
            raise DataError(f"image {name!r} of shape {shape[::-1]} does not fit the shape {self.shape[::-1]}{hint}")

    @property
    def may_mask(self) -> bool:
        """True when pixels of the result can be masked: an image has a mask, or the expression makes one."""
        return self._may_mask(self.tree)

    def _may_mask(self, node: Node) -> bool:
        if isinstance(node, Name):
            return node.name in self.images and bool(self._mask_of(node.name))
        if isinstance(node, Operation):
            return node.operator == "[]" or any(self._may_mask(n) for n in node.operands)
        if not isinstance(node, Call):
            return False
        if node.function == "rebin":
            return self._masks_bins or self.images[repr(node)].has_mask
        single = node.function in _REDUCTIONS and len(node.arguments) == 1
        if single or node.function in _UNMASKED:
            return False  # one number for all of the image, or truth about its mask
        return any(self._may_mask(n) for n in node.arguments)

    def read(self, slices: Sequence[slice]) -> Masked:
        """Value and mask of a block in image pixels."""
        return self._evaluate(self.tree, slices)

    def read_all(self) -> Masked:
        """Value and mask of everything."""
        return self.read([slice(0, n) for n in self.shape])

    def tiled_as(self, tile: Sequence[int]) -> bool:
        """True when `read_tiles` and `read_mask_tiles` give the result in tiles of this shape.

        All images and their masks are stored so, no place of a pixel matters, and what is masked in an operand is masked in the result, whatever the values.
        """
        masks = self._common_masks(self.tree)
        if masks is None or _calls(self.tree, _NOT_BY_TILES):
            return False
        if not all(
            image.shape == self.shape and image.tile_shape == tuple(tile) and image.tiles() is not None
            for image in self.images.values()
        ):
            return False
        found = [self.images[name].mask_tiles() for name in sorted(masks)]
        self._mask_files = [f for f in found if f is not None]
        return len(self._mask_files) == len(found) and all(f.tile == tuple(tile) for f in self._mask_files)

    def _common_masks(self, node: Node) -> frozenset[str] | None:
        """Names of the images of whose masks that of a part of the expression is the intersection; None where it is something else."""
        if isinstance(node, Name):
            return frozenset([node.name]) if self._may_mask(node) else frozenset()
        if not self._may_mask(node):
            return frozenset()
        if isinstance(node, Operation):
            operands: Sequence[Node] = () if node.operator in ("[]", "||", "&&") else node.operands
        elif isinstance(node, Call):
            pair = node.function in ("min", "max") and len(node.arguments) == 2
            operands = node.arguments if pair or node.function in _PIXELWISE else ()
        else:
            operands = ()
        found = [self._common_masks(n) for n in operands]
        return frozenset().union(*(f for f in found if f is not None)) if operands and None not in found else None

    def read_tiles(self, first: int, stop: int) -> np.ndarray:
        """Values of storage tiles ``(tile, *tile shape)`` in the order of the file; undefined beyond the edges of the images."""
        return np.asarray(self._evaluate(self.tree, _Tiles(first, stop)).value)

    def read_mask_tiles(self, first: int, stop: int) -> np.ndarray:
        """The mask of `read_tiles` as the files hold it, eight pixels to a byte; only after `tiled_as` and with a mask."""
        found = self._mask_files[0].read_stored(first, stop)
        for other in self._mask_files[1:]:
            np.bitwise_and(found, other.read_stored(first, stop), out=found)
        return found

    def read_condition_tiles(self, first: int, stop: int, tile: Sequence[int]) -> np.ndarray:
        """Where `read_tiles` is true, or not zero, and not masked, as files hold masks; only after `tiled_as` this shape."""
        found = self.read_tiles(first, stop)
        chosen = np.broadcast_to(found if found.dtype == bool else found != 0, (stop - first, *tile))
        packed = np.packbits(chosen.reshape(stop - first, -1), axis=1, bitorder="little")
        return np.bitwise_and(packed, self.read_mask_tiles(first, stop), out=packed) if self._mask_files else packed

    def release_tiles(self, first: int, stop: int) -> None:
        """Say that the values of `read_tiles` are no more looked at."""
        for image in self.images.values():
            tiles = image.tiles()
            if tiles is not None:
                tiles.release_tiles(first, stop)

    def _evaluate(self, node: Node, slices: Sequence[slice] | _Tiles) -> Masked:
        if isinstance(node, Number):
            return Masked(node.value)
        if isinstance(node, Name):
            return self._image(node, slices)
        if isinstance(node, Indices):
            raise ParameterError(f"a list of pixels stands only in indexin and indexnotin (in {self.text!r})")
        if isinstance(node, Operation):
            return self._operation(node, slices)
        return self._call(node, slices)

    def _image(self, node: Name, slices: Sequence[slice] | _Tiles) -> Masked:
        if node.name not in self.images:
            return Masked(_CONSTANTS[node.name])
        image = self.images[node.name]
        if isinstance(slices, _Tiles):
            tiles = image.tiles()
            assert tiles is not None  # as `tiled_as` found
            seen = tiles.mapped_tiles(slices.first, slices.stop)
            return Masked(tiles.read_tiles(slices.first, slices.stop), own=True) if seen is None else Masked(seen)
        lacking = len(self.shape) - image.ndim
        inside = tuple(
            s if n == m else slice(0, 1) for s, n, m in zip(slices[lacking:], image.shape, self.shape[lacking:], strict=True)
        )
        mask = self._mask_of(node.name)
        good = image.read_mask(inside, mask) if mask else None
        return Masked(image.read(inside), good, own=True)

    def _mask_of(self, name: str) -> str:
        """Mask of an image that a name means, "" for none; it is looked up in the header only once."""
        if name not in self._masks:
            image, (_, mask) = self.images[name], self._named(name)
            if mask not in (None, "nomask", *image.mask_names):
                raise ParameterError(f"image {image.path!r} has no mask {mask!r} (in {self.text!r})")
            self._masks[name] = image.default_mask if mask is None else "" if mask == "nomask" else mask
        return self._masks[name]

    def _operation(self, node: Operation, slices: Sequence[slice] | _Tiles) -> Masked:
        parts = [self._evaluate(n, slices) for n in node.operands]
        if node.operator == "[]":
            value, condition = parts[0].value, np.asarray(parts[1].value, bool)
            shape = np.broadcast_shapes(np.shape(value), condition.shape)
            good = _both(parts[0].good, parts[1].good, np.broadcast_to(condition, shape))
            return Masked(value if np.shape(value) == shape else np.broadcast_to(value, shape), good, parts[0].own)
        if node.operator in _ARITHMETIC:  # truth counts as 1 and 0; numpy's sum of two truths is a truth
            parts = [Masked(np.multiply(p.value, np.float32(1)), p.good) if _is_truth(p.value) else p for p in parts]
        with np.errstate(all="ignore"):
            if node.operator == "^" and isinstance(parts[1].value, float) and parts[1].value == 2:
                return self._apply("^", np.square, parts[:1])
            found = self._apply(node.operator.removeprefix("unary"), _OPERATORS[node.operator], parts)
        return _decided(found, parts, node.operator == "||") if node.operator in ("||", "&&") else found

    def _call(self, node: Call, slices: Sequence[slice] | _Tiles) -> Masked:
        name = node.function
        if name in ("min", "max") and len(node.arguments) == 2:
            parts = [self._evaluate(n, slices) for n in node.arguments]
            if any(np.iscomplexobj(p.value) for p in parts):
                raise ParameterError(f"{name!r} does not take complex values (in {self.text!r})")
            return self._apply(name, np.minimum if name == "min" else np.maximum, parts)
        if name in _REDUCTIONS or name in ("fractile", "fractilerange"):
            if node not in self._reduced:
                self._reduced[node] = self._reduce(node)
            return self._reduced[node]
        if name in ("pi", "e", "c") and not node.arguments:
            return Masked(_CONSTANTS[name])
        if name == "iif":
            condition, yes, no = self._arguments(node, slices, 3)
            return Masked(np.where(condition.value, yes.value, no.value), _both(condition.good, _chosen_mask(condition, yes, no)))
        if name == "replace":
            image, other = self._arguments(node, slices, 2)
            if image.good is None:
                return image
            return Masked(np.where(image.good, image.value, other.value), image.good)
        if name in ("mask", "value"):
            (image,) = self._arguments(node, slices, 1)
            if name == "value":
                return Masked(image.value)
            return Masked(np.ones(np.shape(image.value), bool) if image.good is None else image.good)
        if name in ("indexin", "indexnotin"):
            assert not isinstance(slices, _Tiles)  # as `tiled_as` found
            return Masked(self._index(node, slices))
        if name in ("ndim", "length"):
            return Masked(self._extent(node))
        if name == "spectralindex":
            return self._spectral_index(node, slices)
        if name == "rebin":
            return self._image(Name(repr(node)), slices)
        if name not in _PIXELWISE:
            raise ParameterError(f"there is no function {name!r} in lattice expressions (in {self.text!r})")
        if len(node.arguments) not in _ARGUMENTS.get(name, (1,)):
            raise ParameterError(f"the function {name} does not take {len(node.arguments)} arguments (in {self.text!r})")
        parts = [self._evaluate(n, slices) for n in node.arguments]
        with np.errstate(all="ignore"):
            return self._apply(name, _PIXELWISE[name], parts)

    def _apply(self, name: str, function: Callable[..., Any], parts: Sequence[Masked]) -> Masked:
        """A function or an operator of values; raises ParameterError where they are of a type that it does not take."""
        try:
            return _applied(function, parts)
        except TypeError as error:
            found = "complex" if any(np.iscomplexobj(p.value) for p in parts) else "truth"
            raise ParameterError(f"{name!r} does not take {found} values (in {self.text!r})") from error

    def _index(self, node: Call, slices: Sequence[slice]) -> np.ndarray:
        """True for pixels whose number on an axis (0 is x) is in a list, or is not."""
        if len(node.arguments) != 2 or not isinstance(node.arguments[0], Number) or not isinstance(node.arguments[1], Indices):
            raise ParameterError(f"{node.function} takes the number of an axis and a list such as [3:10, 15] (in {self.text!r})")
        axis = len(self.shape) - 1 - int(float(np.real(node.arguments[0].value)))  # type: ignore[arg-type]
        if not 0 <= axis < len(self.shape):
            raise ParameterError(f"{node.function} names an axis that is not one of the {len(self.shape)} (in {self.text!r})")
        inside = np.isin(np.arange(slices[axis].start, slices[axis].stop), node.arguments[1].values)
        inside = inside if node.function == "indexin" else ~inside
        along = inside.reshape([-1 if k == axis else 1 for k in range(len(self.shape))])
        return np.broadcast_to(along, [s.stop - s.start for s in slices])

    def _extent(self, node: Call) -> float:
        """The number of axes, or of pixels of an axis (0 is x), of an image."""
        if not node.arguments:
            raise ParameterError(f"the function {node.function} needs an argument (in {self.text!r})")
        shape = self._own_shape(node.arguments[0]) or self.shape
        if node.function == "ndim":
            return float(len(shape))
        axis = self._evaluate(node.arguments[1], []).value if len(node.arguments) > 1 else 0
        if not 0 <= int(axis) < len(shape):
            raise ParameterError(f"length names an axis that is not one of the {len(shape)} (in {self.text!r})")
        return float(shape[len(shape) - 1 - int(axis)])

    def _spectral_index(self, node: Call, slices: Sequence[slice] | _Tiles) -> Masked:
        """``log(I1 / I2) / log(f1 / f2)`` at the reference frequencies of two images; 0 where they are the same."""
        one, two = self._arguments(node, slices, 2)
        hz = []
        for argument in node.arguments:
            image = self.images.get(argument.name) if isinstance(argument, Name) else None
            spectral = None if image is None else image.coordinates.spectral
            if spectral is None:
                raise ParameterError(f"spectralindex takes two images with spectral axes (in {self.text!r})")
            hz.append(float(spectral.reference_value[0]) * float(spectral.hz))
        with np.errstate(all="ignore"):
            steepness = np.log(hz[0] / hz[1])
            ratio = np.log(np.divide(one.value, two.value, dtype=np.float64))
            value = ratio / steepness if steepness else np.zeros(np.shape(ratio))
        fine = np.isfinite(value)
        return Masked(np.where(fine, value, 0.0), _both(one.good, two.good, None if fine.all() else fine))

    def _arguments(self, node: Call, slices: Sequence[slice] | _Tiles, count: int) -> list[Masked]:
        if len(node.arguments) != count:
            raise ParameterError(
                f"the function {node.function} takes {count} arguments; got {len(node.arguments)} (in {self.text!r})"
            )
        return [self._evaluate(n, slices) for n in node.arguments]

    def _reduce(self, node: Call) -> Masked:
        """A number from all good pixels of the argument."""
        if not node.arguments:
            raise ParameterError(f"the function {node.function} needs an argument (in {self.text!r})")
        name = node.function
        if len(node.arguments) > 1 and name in _REDUCTIONS:
            raise ParameterError(f"the function {name} does not take {len(node.arguments)} arguments (in {self.text!r})")
        if name in ("median", "fractile", "fractilerange"):
            return self._rank(node)
        count = sum(v.size for v in self._good_values(node.arguments[0]))
        if count == 0 and name not in ("nelements", "ntrue", "nfalse", "sum", "any", "all"):
            raise DataError(f"{name} in the expression {self.text!r} has no good pixel to work on")

        def over(function: Callable[[np.ndarray], Any], start: Any) -> Any:
            for values in self._good_values(node.arguments[0]):
                start = start + function(values)
            return start

        def total(function: Callable[[np.ndarray], np.ndarray] = lambda v: v) -> Any:
            return over(lambda v: function(_wide(v)).sum(), 0.0)

        def spread() -> float:
            centre = total() / count
            return float(total(lambda v: np.abs(v - centre) ** 2)) / (count - 1) if count > 1 else 0.0

        parts = {"min": np.min, "max": np.max}
        simple: dict[str, Callable[[], Any]] = {
            "sum": total, "mean": lambda: total() / count, "nelements": lambda: float(count), "variance": spread,
            "stddev": lambda: float(np.sqrt(spread())), "avdev": lambda: self._deviation(node, total() / count, count),
            "ntrue": lambda: float(over(np.count_nonzero, 0)), "nfalse": lambda: float(count - over(np.count_nonzero, 0)),
            "any": lambda: over(np.count_nonzero, 0) > 0, "all": lambda: over(np.count_nonzero, 0) == count,
        }  # fmt: skip
        if name in parts:
            return Masked(parts[name]([parts[name](_wide(v)) for v in self._good_values(node.arguments[0]) if v.size]))
        return Masked(simple[name]())

    def _good_values(self, argument: Node) -> Iterator[np.ndarray]:
        """The good values of an operand, a bounded part at a time."""
        if self._deciding(argument) and self._own_shape(argument) != self.shape:
            inner = Expression(self.text, self._folder, None, self.stretch, self._names, argument)
            try:
                yield from inner._good_values(argument)
            finally:
                inner.close()
            return
        each = int(np.prod(self.shape[1:])) if self.shape else 1
        step = max(1, _REDUCED_PIXELS // max(each, 1))
        blocks = [slice(s, min(s + step, self.shape[0])) for s in range(0, self.shape[0], step)] if self.shape else [None]
        for first in blocks:
            found = self._evaluate(argument, [] if first is None else [first, *(slice(0, n) for n in self.shape[1:])])
            values = np.asarray(found.value)
            yield (values[np.broadcast_to(found.good, values.shape)] if found.good is not None else values).ravel()
            if values.ndim == 0:  # a number does not depend on the block
                return

    def _deviation(self, node: Call, centre: Any, count: int) -> float:
        return float(sum(np.abs(_wide(v) - centre).sum() for v in self._good_values(node.arguments[0]))) / count

    def _rank(self, node: Call) -> Masked:
        """Medians and fractiles, by the numbers that stand at a place of the order."""
        argument = node.arguments[0]
        values = ValueStream.of_arrays(lambda: (_wide(v) for v in self._good_values(argument)))
        count = sum(v.size for v in values.arrays())
        if count == 0:
            raise DataError(f"{node.function} in the expression {self.text!r} has no good pixel to work on")
        if node.function == "median":
            return Masked(_middle(values, count))
        shares = [float(self._evaluate(a, [slice(0, n) for n in self.shape]).value) for a in node.arguments[1:]]
        if not shares:
            raise ParameterError(f"the function {node.function} needs a fraction (in {self.text!r})")
        if node.function == "fractilerange" and len(shares) == 1:
            shares.append(1.0 - shares[0])
        if not all(0 <= s <= 1 for s in shares) or sorted(shares) != shares:
            raise ParameterError(
                f"{node.function} takes fractions from 0 to 1, the smaller one first; got {shares} (in {self.text!r})"
            )
        found = [
            _middle(values, count) if s == 0.5 else ranked(values, count, [min(int(s * (count - 1) + 0.01), count - 1)])[0]
            for s in shares
        ]
        return Masked(found[0] if node.function == "fractile" else found[1] - found[0])


def _middle(values: ValueStream, count: int) -> float:
    """The median: of an even number the lower of the two in the middle, their mean where there are at most 100, as in CASA."""
    places = [(count - 1) // 2] if count > _AVERAGED_MEDIAN else [(count - 1) // 2, count // 2]
    return float(np.mean(ranked(values, count, places)))


def _chosen_mask(condition: Masked, yes: Masked, no: Masked) -> np.ndarray | None:
    """The mask of ``iif``: at each pixel that of the operand that is taken there."""
    if np.ndim(condition.value) == 0:
        return yes.good if condition.value else no.good
    if yes.good is None and no.good is None:
        return None
    return np.where(condition.value, True if yes.good is None else yes.good, True if no.good is None else no.good)


def _wide(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64) if values.dtype.kind in "fiub" else values


def _calls(node: Node, functions: frozenset[str]) -> bool:
    """True when a function of some is called anywhere in a part of an expression."""
    if isinstance(node, Operation):
        return any(_calls(n, functions) for n in node.operands)
    return isinstance(node, Call) and (node.function in functions or any(_calls(n, functions) for n in node.arguments))


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "^": np.power, "==": np.equal, "!=": np.not_equal,
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "&&": np.logical_and, "||": np.logical_or,
    "unary-": np.negative, "unary!": np.logical_not,
}  # fmt: skip


_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "unary-"})


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_


class MaskExpression:
    """A lattice expression that says which pixels of an image are used.

    Parameters
    ----------
    text : str
        A condition such as ``'im' > 0.5``, or the name of a mask image (non-zero is used).
    image : CasaImage
        The image it is to fit.
    stretch : bool
        Axes of length one stand for all planes.
    """

    def __init__(self, text: str, image: CasaImage, stretch: bool = False) -> None:
        given = text.strip()
        bare = given.strip("'\"")
        if os.path.exists(bare) and not given.startswith(("'", '"')):
            given = f"'{given}'"
        self.expression = Expression(given, os.path.dirname(os.path.abspath(image.path)), image.shape, stretch)

    def read(self, slices: Sequence[slice], masked: bool = True) -> np.ndarray:
        """Mask of a block in image pixels; what is masked in the expression is not good, unless `masked` is False."""
        found = self.expression.read(slices)
        shape = tuple(s.stop - s.start for s in slices)
        value = np.asarray(found.value)
        chosen = value if value.dtype == bool else value != 0
        if masked and found.good is not None:
            chosen = chosen & found.good
        return np.broadcast_to(chosen, shape)
