"""immath: images computed from images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Box, Chans, Mask, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import require_present
from casatools.analysis.image_math import (
    MathOutput,
    compute_expression,
    image_variables,
    polarization_image,
    spectral_index_image,
)
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice

__all__ = ["immath"]

_Names = kinds.Variant((kinds.TextList(drop_empty=True),))


@task(group="analysis", pictures=("outfile",))
def immath(
    imagename: Annotated[Any, kinds.InPathList(), "Input image or images"] = "",
    mode: Annotated[Literal["evalexpr", "spix", "pola", "poli", "lpoli", "tpoli"], "What is computed"] = "evalexpr",
    outfile: Annotated[str, kinds.OutPath(), "Name of the new image"] = "immath_results.im",
    expr: Annotated[str, kinds.Text(), "Lattice expression; IM0, IM1, ... are the input images"] = "IM0",
    varnames: Annotated[Any, _Names, "Names for the input images in the expression, in place of IM0, IM1, ..."] = "",
    sigma: Annotated[str, kinds.Text(numbers=True), "Noise that polarized intensities are corrected for"] = "0.0mJy/beam",
    polithresh: Annotated[str, kinds.Text(numbers=True), "Position angles of pixels of less linear polarization are masked"] = "",
    mask: Mask = "",
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    stretch: Stretch = False,
    imagemd: Annotated[
        str, kinds.InPath(), "Image whose unit, beams and coordinates are taken; '' is the first of the expression"
    ] = "",
    prec: Annotated[Literal["float", "double"], "Precision of the new image"] = "float",
) -> bool:
    """Compute an image from images: an expression, polarized intensity, position angle or spectral index.

    Raises
    ------
    ParameterError
        The expression cannot be read, or a Stokes parameter that is needed is not there.
    SelectionError, DataError, PathMissingError, OutputExistsError
        Nothing is selected, images do not fit each other, one is missing, or the output exists. Nothing is written then.

    Examples
    --------
    >>> immath(["a.image", "b.image"], expr="IM0 - 2*IM1", outfile="difference.image")
    """
    names = [imagename] if isinstance(imagename, str) else list(imagename)
    paths = [require_present(n, "image") for n in names if n]
    if not outfile:
        raise ParameterError("immath: parameter 'outfile' must be given; it names the new image")
    output = MathOutput(outfile, metadata=imagemd, double=prec == "double")
    if mode in ("poli", "lpoli", "tpoli", "pola"):
        if stokes:
            raise ParameterError(f"immath: parameter 'stokes' has no meaning with mode={mode!r}; got {stokes!r}")
        polarization_image(
            _given(paths, mode), mode, sigma, polithresh, PixelChoice(ImageSelection(region, box, chans), mask, stretch), output
        )
        return True
    choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
    if mode == "spix":
        spectral_index_image(_given(paths, mode), choice, output)
        return True
    given = [varnames] if isinstance(varnames, str) and varnames else list(varnames or [])
    compute_expression(expr, image_variables(paths, given), choice, output)
    return True


def _given(paths: list[str], mode: str) -> list[str]:
    if not paths:
        raise ParameterError(f"immath: parameter 'imagename' must name the images with mode={mode!r}")
    return paths
