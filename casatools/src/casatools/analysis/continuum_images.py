"""Continuum of image cubes: polynomials fitted along the spectral axis and taken away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES
from casatools._base.paths import require_absent, staged_output
from casatools._base.threads import in_order
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import CasaImage

__all__ = ["subtract_continuum"]


def subtract_continuum(
    image: CasaImage, line: str, continuum: str, channels: Sequence[int], order: int, choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write a cube without its continuum and the continuum itself.

    Parameters
    ----------
    image : CasaImage
    line, continuum : str
        Images to write; "" for one that is not wanted.
    channels : sequence of int
        Channels (of the whole image) without line that the polynomial is fitted to; empty for all.
    order : int
        Of the polynomial.
    choice : PixelChoice
        Part of the image that is worked on.
    overwrite : bool

    Raises
    ------
    ParameterError
        The image has no spectral axis, too few channels are fitted, or no output is named.
    CasaError
        Nothing is selected, or an output exists.

    Notes
    -----
    Unweighted least squares by the normal equations in a scaled channel number; masked pixels do not count, and where too few are left the
    continuum is zero and masked.
    """
    outputs = {name: path for name, path in (("line", line), ("continuum", continuum)) if path}
    if not outputs:
        raise ParameterError("name at least one output: the line cube or the continuum cube")
    for path in outputs.values():
        require_absent(path, overwrite)
    axis = image.coordinates.spectral_axis
    if axis is None:
        raise ParameterError(f"image {image.path!r} has no spectral axis")
    chosen = choice.of(image)
    chosen.require_real("continuum is fitted to")
    chosen.require_good()
    box = chosen.pixels.box_shape
    k = image.ndim - 1 - axis
    first, count = chosen.pixels.first[k], box[k]
    fitted = np.ones(count, bool)
    if len(channels):
        fitted[:] = False
        inside = [c - first for c in channels if 0 <= c - first < count]
        fitted[inside] = True
    if order < 0 or fitted.sum() <= order:
        raise ParameterError(f"a polynomial of order {order} needs more than {order} channels; {int(fitted.sum())} are fitted")
    x = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1)
    basis = np.polynomial.legendre.legvander(x, order)
    coordinates = image.coordinates.sliced([float(v) for v in chosen.pixels.first[::-1]], [1.0] * image.ndim, box[::-1])
    with ExitStack() as stack:
        made: dict[str, CasaImage] = {}
        for name, path in outputs.items():
            staged = stack.enter_context(staged_output(path, overwrite))
            new = stack.enter_context(
                CasaImage.create(staged, box, coordinates, image.dtype, mask="mask0" if chosen.has_mask else "")
            )
            new.copy_metadata_from(image, beams=False)
            new.beams = beams_of_box(image, chosen.pixels)
            made[name] = new

        def compute(block: tuple[slice, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
            values, good = chosen.read(block)
            if good is None:
                return values, np.moveaxis(_fitted_all(np.moveaxis(values, k, 0), basis, fitted), 0, k), None
            fit, defined = _fitted(np.moveaxis(values, k, -1), np.moveaxis(good, k, -1), basis, fitted)
            return values, np.moveaxis(fit, -1, k), good & np.expand_dims(defined, k)

        blocks = chosen.line_blocks([k], IMAGE_BLOCK_BYTES // 2)
        for block, (values, smooth, usable) in zip(blocks, in_order(compute, blocks), strict=True):
            for name, new in made.items():
                new.write(values - smooth if name == "line" else smooth, block)
                if chosen.has_mask:
                    new.write_mask(True if usable is None else usable, block)


def _fitted_all(values: np.ndarray, basis: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """The polynomial (chan, ...) through the fitted channels, all of which are good."""
    solve = np.zeros(basis.T.shape)
    solve[:, fitted] = np.linalg.pinv(basis[fitted])
    lines = values.reshape(len(values), -1)
    # not by matrix products: their library's own threads would wait for each other among ours
    found = np.zeros(lines.shape)
    for term, shares in zip(basis.T, solve, strict=True):
        found += term[:, None] * np.einsum("c,cn->n", shares, lines, dtype=np.float64, casting="same_kind")
    return found.reshape(values.shape)


def _fitted(values: np.ndarray, good: np.ndarray, basis: np.ndarray, fitted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The polynomial (..., chan) through the fitted channels, and where there are enough good ones (...,)."""
    weight = (good & fitted).astype(np.float64)
    normal = np.einsum("...c,ci,cj->...ij", weight, basis, basis, optimize=True)
    right = np.einsum("...c,ci->...i", np.where(weight > 0, values, 0.0).astype(np.float64), basis, optimize=True)
    defined = weight.sum(axis=-1) >= basis.shape[1]
    safe = np.where(defined[..., None, None], normal, np.eye(basis.shape[1]))
    coefficients = np.linalg.solve(safe, np.where(defined[..., None], right, 0.0)[..., None])[..., 0]
    return coefficients @ basis.T, defined
