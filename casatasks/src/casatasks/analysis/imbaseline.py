"""imbaseline: baselines taken away from image cubes."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from casatasks._params import ImageName
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.baseline_images import BaselineOptions, parse_baseline_file, subtract_baselines
from casatools.analysis.baselines import BaselineFunction, LineFinder
from casatools.analysis.smoothing import SmoothOptions
from casatools.frames.quantities import to_unit
from casatools.imaging.beam_fit import GaussianBeam
from casatools.tools.image_access import open_image

__all__ = ["imbaseline"]


@task(group="analysis", pictures=("linefile",))
def imbaseline(
    imagename: ImageName = "",
    linefile: Annotated[str, kinds.OutPath(), "Image to write: the cube without its baselines"] = "",
    output_cont: Annotated[bool, kinds.Bool(), "Write the baselines too, as imagename with .cont behind it"] = False,
    bloutput: Annotated[str, kinds.OutPath(), "Text file of the coefficients to write"] = "",
    maskmode: Annotated[Literal["auto", "list"], "Find the lines in each spectrum, or fit the channels of chans"] = "list",
    chans: Annotated[str, kinds.Text(numbers=True), "Channels without lines, such as '0~5;18~23'; '' is all"] = "",
    thresh: Annotated[float, kinds.Float(), "auto: lines stand out of the noise by this factor"] = 5.0,
    avg_limit: Annotated[int, kinds.Int(), "auto: channels are averaged over up to this many"] = 4,
    minwidth: Annotated[int, kinds.Int(), "auto: least channels of a line"] = 4,
    edge: Annotated[list[int], kinds.IntList(), "auto: channels left out at both ends"] = [0, 0],  # noqa: B006 - copied
    blfunc: Annotated[str, kinds.Text(), "poly, chebyshev, cspline, sinusoid, or variable with blparam"] = "poly",
    order: Annotated[int, kinds.Int(), "Of polynomials"] = 5,
    npiece: Annotated[int, kinds.Int(), "Pieces of a spline"] = 3,
    applyfft: Annotated[bool, kinds.Bool(), "sinusoid: fit also the waves that stand out of the Fourier transform"] = True,
    fftthresh: Annotated[float, kinds.Float(), "sinusoid: by this many standard deviations"] = 3.0,
    addwn: Annotated[list[int], kinds.IntList(), "sinusoid: wave numbers that are fitted"] = [0],  # noqa: B006 - copied
    rejwn: Annotated[list[int], kinds.IntList(), "sinusoid: wave numbers that are not"] = [],  # noqa: B006 - copied
    blparam: Annotated[str, kinds.InPath(), "variable: file of the functions of single spectra"] = "",
    clipniter: Annotated[int, kinds.Int(), "Rounds of clipping"] = 0,
    clipthresh: Annotated[float, kinds.Float(), "Standard deviations beyond which channels are left out"] = 3.0,
    dirkernel: Annotated[Literal["none", "gaussian", "boxcar", "image"], "Smooth the planes for the fit"] = "none",
    major: Annotated[Any, kinds.Quantity("rad"), "Major axis of that kernel"] = "",
    minor: Annotated[Any, kinds.Quantity("rad"), "Minor axis"] = "",
    pa: Annotated[Any, kinds.Quantity("rad"), "Position angle"] = "",
    kimage: Annotated[str, kinds.InPath(), "Image of the kernel"] = "",
    scale: Annotated[float, kinds.Float(), "Factor of the kernel image; negative normalizes it"] = -1.0,
    spkernel: Annotated[Literal["none", "gaussian", "boxcar"], "Smooth the spectra for the fit"] = "none",
    kwidth: Annotated[int, kinds.Int(), "Full width of that kernel, channels"] = 5,
) -> None:
    """Fit baselines to the spectra of a cube and take them away.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        A function or kernel is not known, channels are not in the image, a file is missing, an output exists, or the image has no spectra.

    Examples
    --------
    >>> imbaseline("cube.image", linefile="line.image", chans="0~5;18~23", blfunc="poly", order=1)
    """
    if not linefile:
        raise ParameterError("imbaseline: parameter 'linefile' must name the image to write")
    kind = "poly" if blfunc == "variable" else blfunc
    function = BaselineFunction(
        kind, order, npiece, tuple(addwn), tuple(rejwn), applyfft and kind == "sinusoid", fftthresh, clipniter, clipthresh
    )
    if blfunc == "variable" and not blparam:
        raise ParameterError("imbaseline: blfunc='variable' needs the file 'blparam'")
    each = parse_baseline_file(blparam, function) if blfunc == "variable" else None
    finder = None
    if maskmode == "auto":
        ends = [edge[0], edge[0]] if len(edge) == 1 else list(edge)
        if len(ends) != 2:
            raise ParameterError(f"imbaseline: parameter 'edge' must be one or two numbers of channels; got {edge}")
        finder = LineFinder(thresh, avg_limit, minwidth, (ends[0], ends[1]))
    sky = None
    if dirkernel == "image":
        sky = SmoothOptions("image", scale=scale, image=kimage)
    elif dirkernel != "none":
        if not (major and minor):
            raise ParameterError(f"imbaseline: dirkernel={dirkernel!r} needs 'major' and 'minor'")
        beam = GaussianBeam(float(to_unit(major, "rad")), float(to_unit(minor, "rad")), float(to_unit(pa or "0deg", "rad")))
        sky = SmoothOptions(dirkernel, beam)
    options = BaselineOptions(function, chans if maskmode == "list" else "", finder, each, sky, spkernel, kwidth)
    with open_image(imagename) as image:
        continuum = f"{os.path.basename(imagename.rstrip('/'))}.cont" if output_cont else ""
        subtract_baselines(image, linefile, continuum, bloutput, options)
