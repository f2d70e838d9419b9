"""imsmooth: images at a lower resolution."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.regions import ImageSelection
from casatools.analysis.smoothing import SmoothOptions, smooth_image
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.imaging.beam_fit import GaussianBeam
from casatools.tools.image_access import open_image

__all__ = ["imsmooth"]

_Quantity = kinds.Variant((kinds.Text(), kinds.Record(), kinds.Float()))


@task(group="analysis", pictures=("outfile",))
def imsmooth(
    imagename: ImageName = "",
    kernel: Annotated[
        Literal["g", "gauss", "gaussian", "b", "box", "boxcar", "commonbeam", "common", "c", "image", "i"], "Kind of kernel"
    ] = "gauss",
    major: Annotated[Any, _Quantity, "Full width along the major axis; for boxcar along y. A number is in arcsec"] = "",
    minor: Annotated[Any, _Quantity, "Full width along the minor axis; for boxcar along x. A number is in arcsec"] = "",
    pa: Annotated[Any, _Quantity, "Position angle, north through east"] = "",
    targetres: Annotated[bool, kinds.Bool(), "The Gaussian is the resolution of the result, not the kernel"] = False,
    kimage: Annotated[str, kinds.InPath(), "Image of the kernel, with kernel='image'"] = "",
    scale: Annotated[float, kinds.Float(), "With kernel='image': factor of its values; negative divides by their sum"] = -1.0,
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    outfile: OutFile = "",
    stretch: Stretch = False,
    overwrite: Overwrite = False,
    beam: Annotated[
        Any, kinds.Variant((kinds.Record(), kinds.Text())), "Record of major, minor and pa in place of the three parameters"
    ] = "",
) -> None:
    """Convolve the sky planes of an image.

    Raises
    ------
    ParameterError
        A width or a beam is missing, or the target resolution is finer than the image's.
    SelectionError, PathMissingError, OutputExistsError, DataError
        Nothing is selected, there is no such image, the output exists, or the image has no sky plane.

    Examples
    --------
    >>> imsmooth("sharp.image", major="20arcsec", minor="20arcsec", pa="0deg", targetres=True, outfile="smooth.image")
    """
    if not outfile:
        raise ParameterError("imsmooth: parameter 'outfile' must be given; it names the new image")
    with open_image(imagename) as image:
        shape = None
        if kernel[0] in "gb":
            direction = image.coordinates.direction
            shape = _shape(major, minor, pa, beam, kernel, 0.0 if direction is None else abs(float(direction.increment_rad[0])))
        # The factor belongs to kernels that are images; CASA leaves it aside with the others.
        factor = scale if kernel[0] == "i" else -1.0
        options = SmoothOptions(kernel, shape, targetres and kernel[0] == "g", factor, kimage)
        smooth_image(image, outfile, options, PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch), overwrite)


def _sky_width(width: Any, cell_rad: float) -> float:
    """A width [rad], given as an angle, in pixels of `cell_rad` or as a number of arcsec."""
    number, unit = parse_quantity(width)
    if unit in ("pix", "pixel"):
        return float(number) * cell_rad
    return float(to_unit({"value": number, "unit": unit or "arcsec"}, "rad"))


def _shape(major: Any, minor: Any, pa: Any, beam: Any, kernel: str, cell_rad: float) -> GaussianBeam:
    if beam:
        if not isinstance(beam, dict) or major or minor or pa:
            raise ParameterError("imsmooth: parameter 'beam' must be a record, and major, minor and pa are then left empty")
        major, minor = (beam.get(k, "") for k in ("major", "minor"))
        pa = beam.get("pa", beam.get("positionangle", "0deg"))
    if not major or not minor:
        raise ParameterError(f"imsmooth: parameters 'major' and 'minor' must be given with kernel={kernel!r}")
    if kernel[0] == "g" and pa == "":
        raise ParameterError("imsmooth: parameter 'pa' must be given with a Gaussian kernel")
    widths = [_sky_width(v, cell_rad) for v in (major, minor)]
    if min(widths) <= 0 or (kernel[0] == "g" and widths[0] < widths[1]):
        raise ParameterError(
            f"imsmooth: the major axis must not be below the minor axis, both positive; got {major!r} and {minor!r}"
        )
    angle, unit = parse_quantity(pa) if pa != "" else (0.0, "deg")
    return GaussianBeam(widths[0], widths[1], float(to_unit({"value": angle, "unit": unit or "deg"}, "rad")))
