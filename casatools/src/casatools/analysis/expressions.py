"""Evaluation of lattice expressions on images, block by block: the one evaluator of masks, immath and imagecalc.

References
----------
van Diepen, "Lattice Expression Language", AIPS++ Note 223: functions and the rules for masks. The mask of a result is the intersection
of the masks of its operands; reductions use good pixels only; ``image[condition]`` masks off pixels where the condition is false.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import resolve
from casatools.analysis.lattice_syntax import Call, Name, Node, Number, Operation, parse_expression
from casatools.io.image import CasaImage

__all__ = ["Expression", "MaskExpression", "Masked"]

# Functions of one argument applied pixel by pixel.
_PIXELWISE: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "sinh": np.sinh, "asin": np.arcsin, "cos": np.cos, "cosh": np.cosh, "acos": np.arccos, "tan": np.tan,
    "tanh": np.tanh, "atan": np.arctan, "exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "round": np.round,
    "sign": np.sign, "ceil": np.ceil, "floor": np.floor, "abs": np.abs, "amplitude": np.abs, "arg": np.angle, "phase": np.angle,
    "conj": np.conj, "real": np.real, "imag": np.imag, "norm": lambda v: np.square(np.abs(v)), "isnan": np.isnan, "float": lambda v: v,
    "double": lambda v: np.asarray(v, np.float64), "complex": lambda *v: v[0] + 1j * v[1] if len(v) > 1 else np.asarray(v[0], complex),
    "dcomplex": lambda v: np.asarray(v, np.complex128), "boolean": lambda v: np.asarray(v, bool), "atan2": np.arctan2, "pow": np.power,
    "fmod": np.fmod,
}  # fmt: skip
_REDUCTIONS = frozenset(
    {"sum", "mean", "min", "max", "median", "variance", "stddev", "avdev", "nelements", "ntrue", "nfalse", "any", "all"}
)
_CONSTANTS = {"pi": np.pi, "e": np.e, "c": 299792458.0}


@dataclass
class Masked:
    """A value, scalar or block, and the mask of its good pixels (None: all good)."""

    value: Any
    good: np.ndarray | None = None


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
    ) -> None:
        self._names = dict(names or {})
        self.text = text
        self.tree = parse_expression(text)
        self.images: dict[str, CasaImage] = {}
        self.stretch = stretch
        self._reduced: dict[Node, Masked] = {}
        self._folder = folder
        self._open(self.tree)
        first = next(iter(self.images.values()), None)
        self.template = first
        self.shape: tuple[int, ...] = tuple(shape) if shape is not None else (first.shape if first is not None else ())
        for name, image in self.images.items():
            self._check(name, image)

    def close(self) -> None:
        """Close the images."""
        for image in self.images.values():
            image.close()
        self.images = {}

    def _open(self, node: Node) -> None:
        if isinstance(node, Name):
            if node.name in self.images or (not node.quoted and node.name in _CONSTANTS):
                return
            path = self._names.get(node.name, node.name.replace("\\", ""))
            path = path.split(":nomask")[0]
            found = path if os.path.exists(path) else os.path.join(self._folder, path)
            found = found if os.path.exists(found) else resolve(path)
            if not os.path.exists(found):
                raise ParameterError(f"{node.name!r} in the expression {self.text!r} is not an image")
            self.images[node.name] = CasaImage.open(found)
        elif isinstance(node, Call):
            for argument in node.arguments:
                self._open(argument)
        elif isinstance(node, Operation):
            for operand in node.operands:
                self._open(operand)

    def _check(self, name: str, image: CasaImage) -> None:
        if image.shape == self.shape:
            return
        fits = len(image.shape) == len(self.shape) and all(a in (b, 1) for a, b in zip(image.shape, self.shape, strict=True))
        if not fits or not self.stretch:
            hint = "; stretch=True lets axes of length one stand for all planes" if fits else ""
            raise DataError(f"image {name!r} of shape {image.shape[::-1]} does not fit the shape {self.shape[::-1]}{hint}")

    @property
    def may_mask(self) -> bool:
        """True when pixels of the result can be masked: an image has a mask, or the expression makes one."""
        return any(image.has_mask for image in self.images.values()) or _makes_mask(self.tree)

    def read(self, slices: Sequence[slice]) -> Masked:
        """Value and mask of a block in image pixels."""
        return self._evaluate(self.tree, slices)

    def read_all(self) -> Masked:
        """Value and mask of everything."""
        return self.read([slice(0, n) for n in self.shape])

    def _evaluate(self, node: Node, slices: Sequence[slice]) -> Masked:
        if isinstance(node, Number):
            return Masked(node.value)
        if isinstance(node, Name):
            return self._image(node, slices)
        if isinstance(node, Operation):
            return self._operation(node, slices)
        return self._call(node, slices)

    def _image(self, node: Name, slices: Sequence[slice]) -> Masked:
        if node.name not in self.images:
            return Masked(_CONSTANTS[node.name])
        image = self.images[node.name]
        inside = tuple(
            s if n == m or (m == 1 and n == 1) else slice(0, 1) for s, n, m in zip(slices, image.shape, self.shape, strict=True)
        )
        good = image.read_mask(inside) if image.has_mask and not node.name.endswith(":nomask") else None
        return Masked(image.read(inside), good)

    def _operation(self, node: Operation, slices: Sequence[slice]) -> Masked:
        parts = [self._evaluate(n, slices) for n in node.operands]
        good = _both(*(p.good for p in parts))
        a = parts[0].value
        if node.operator == "[]":
            condition = parts[1].value
            return Masked(a, _both(good, np.broadcast_to(np.asarray(condition, bool), np.shape(a))))
        with np.errstate(all="ignore"):
            if node.operator == "unary-":
                return Masked(-a, good)
            if node.operator == "unary!":
                return Masked(np.logical_not(a), good)
            return Masked(_OPERATORS[node.operator](a, parts[1].value), good)

    def _call(self, node: Call, slices: Sequence[slice]) -> Masked:
        name = node.function
        if name in ("min", "max") and len(node.arguments) == 2:
            parts = [self._evaluate(n, slices) for n in node.arguments]
            pick = np.minimum if name == "min" else np.maximum
            return Masked(pick(parts[0].value, parts[1].value), _both(*(p.good for p in parts)))
        if name in _REDUCTIONS or name.startswith("fractile"):
            if node not in self._reduced:
                self._reduced[node] = self._reduce(node)
            return self._reduced[node]
        if name in ("pi", "e", "c") and not node.arguments:
            return Masked(_CONSTANTS[name])
        if name == "iif":
            condition, yes, no = self._arguments(node, slices, 3)
            return Masked(np.where(condition.value, yes.value, no.value), _both(condition.good, yes.good, no.good))
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
        if name in ("indexin", "index1", "index2"):
            raise ParameterError(f"the function {name} of lattice expressions is not there; select with region, box or chans")
        if name not in _PIXELWISE:
            raise ParameterError(f"there is no function {name!r} in lattice expressions (in {self.text!r})")
        parts = [self._evaluate(n, slices) for n in node.arguments]
        with np.errstate(all="ignore"):
            try:
                value = _PIXELWISE[name](*(p.value for p in parts))
            except TypeError:
                raise ParameterError(f"the function {name} does not take {len(parts)} arguments (in {self.text!r})") from None
        return Masked(value, _both(*(p.good for p in parts)))

    def _arguments(self, node: Call, slices: Sequence[slice], count: int) -> list[Masked]:
        if len(node.arguments) != count:
            raise ParameterError(
                f"the function {node.function} takes {count} arguments; got {len(node.arguments)} (in {self.text!r})"
            )
        return [self._evaluate(n, slices) for n in node.arguments]

    def _reduce(self, node: Call) -> Masked:
        """A number from all good pixels of the argument."""
        if not node.arguments:
            raise ParameterError(f"the function {node.function} needs an argument (in {self.text!r})")
        inner = self._evaluate(node.arguments[0], [slice(0, n) for n in self.shape])
        values = np.asarray(inner.value)
        if inner.good is not None:
            values = values[np.broadcast_to(inner.good, values.shape)]
        values = values.ravel()
        name = node.function
        if values.size == 0 and name not in ("nelements", "ntrue", "nfalse", "sum", "any", "all"):
            raise DataError(f"{name} in the expression {self.text!r} has no good pixel to work on")
        wide = values.astype(np.float64) if values.dtype.kind in "fiu" else values
        simple: dict[str, Callable[[], Any]] = {
            "sum": lambda: wide.sum(), "mean": lambda: wide.mean(), "min": lambda: wide.min(), "max": lambda: wide.max(),
            "median": lambda: np.sort(wide)[(wide.size - 1) // 2], "nelements": lambda: float(wide.size),
            "variance": lambda: wide.var(ddof=1) if wide.size > 1 else 0.0, "stddev": lambda: wide.std(ddof=1) if wide.size > 1 else 0.0,
            "avdev": lambda: np.abs(wide - wide.mean()).mean(), "ntrue": lambda: float(np.count_nonzero(values)),
            "nfalse": lambda: float(values.size - np.count_nonzero(values)), "any": lambda: bool(values.any()), "all": lambda: bool(values.all()),
        }  # fmt: skip
        if name in simple:
            return Masked(simple[name]())
        if name in ("fractile", "fractilerange"):
            shares = [float(self._evaluate(a, [slice(0, n) for n in self.shape]).value) for a in node.arguments[1:]]
            ordered = np.sort(wide)
            ends = [ordered[min(int(s * (wide.size - 1) + 0.01), wide.size - 1)] for s in shares]
            if name == "fractile":
                return Masked(ends[0])
            if len(shares) == 1:
                ends.append(ordered[min(int((1 - shares[0]) * (wide.size - 1) + 0.01), wide.size - 1)])
            return Masked(ends[1] - ends[0])
        raise ParameterError(f"there is no function {name!r} in lattice expressions (in {self.text!r})")


def _makes_mask(node: Node) -> bool:
    if isinstance(node, Operation):
        return node.operator == "[]" or any(_makes_mask(n) for n in node.operands)
    return isinstance(node, Call) and any(_makes_mask(n) for n in node.arguments)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.fmod, "^": np.power, "==": np.equal, "!=": np.not_equal,
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "&&": np.logical_and, "||": np.logical_or,
}  # fmt: skip


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

    def read(self, slices: Sequence[slice]) -> np.ndarray:
        """Mask of a block in image pixels."""
        found = self.expression.read(slices)
        shape = tuple(s.stop - s.start for s in slices)
        value = np.asarray(found.value)
        chosen = value if value.dtype == bool else value != 0
        if found.good is not None:
            chosen = chosen & found.good
        return np.broadcast_to(chosen, shape)
