"""Images of expressions that are computed where they are read: what `imagecalc` without a name gives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import staged_output
from casatools.analysis.expressions import Expression
from casatools.analysis.image_math import pixel_type, with_template
from casatools.analysis.lattice_syntax import Call, Name, Node, Operation
from casatools.io.image import CasaImage
from casatools.io.image.computed_image import evaluators
from casatools.io.image.tiling import default_tile_shape

__all__ = ["VirtualExpression", "virtual_image"]


class VirtualExpression:
    """The evaluator of an expression whose images are named by absolute paths.

    Parameters
    ----------
    text : str
    images : dict
        Paths of images by the names that the text uses.
    """

    def __init__(self, text: str, images: dict[str, str]) -> None:
        self._expression = Expression(text, names=images)
        self.shape = self._expression.shape
        self._sources = list(images.values())

    @property
    def may_mask(self) -> bool:
        """True when pixels can be masked."""
        return self._expression.may_mask

    @property
    def sources(self) -> Sequence[str]:
        """Paths of the images."""
        return self._sources

    def values_and_mask(self, slices: Sequence[slice]) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels of a block and which of them are good (None: all)."""
        found = self._expression.read(slices)
        return np.asarray(found.value), found.good

    def close(self) -> None:
        """Close the images."""
        self._expression.close()


evaluators.append(lambda note: VirtualExpression(**note))


def _names(node: Node) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node
    elif isinstance(node, (Call, Operation)):
        for part in node.arguments if isinstance(node, Call) else node.operands:
            yield from _names(part)


def virtual_image(text: str, metadata: str, double: bool, path: str) -> list[str]:
    """Make an image of a lattice expression that is computed a block at a time where it is read.

    Parameters
    ----------
    text : str
    metadata : str
        Image whose unit, beams and coordinates are taken; "" is the first of the expression.
    double : bool
        Pixels in double precision.
    path : str
        Folder of the image, which holds its header.

    Returns
    -------
    list of str
        Absolute paths of the images of the expression.

    Raises
    ------
    ParameterError, DataError
        As `compute_expression`: the expression cannot be read, holds no image or none that fits, gives truth values or no finite number.
    """
    with with_template(text, {}, False, metadata) as (expression, template):
        dtype = pixel_type(expression, [slice(0, 1)] * template.ndim, double)
        named = [node for node in _names(expression.tree) if expression.names_image(node)]
        images = {node.name: os.path.abspath(expression.path_of(node)) for node in named}
        _require_number(expression, template)
        tile = default_tile_shape(template.shape) if template.is_fits else template.tile_shape
        note: dict[str, Any] = {"text": text, "images": images}
        with (
            staged_output(path) as staged,
            CasaImage.compute(staged, VirtualExpression(**note), note, dtype, tile, template.coordinates) as made,
        ):
            made.copy_metadata_from(template, beams=True)
            if expression.unit is not None:
                made.unit = expression.unit
    return list(images.values())


def _require_number(expression: Expression, template: CasaImage) -> None:
    """Refuse an expression without any finite number; the first block tells of most that they have one."""
    for block in template.iter_slices():
        if np.isfinite(expression.read(block).value).any():
            return
    raise DataError(f"the expression {expression.text!r} gives no pixel that is a finite number")
