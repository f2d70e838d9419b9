"""specflux: spectra of regions of an image as text."""

from __future__ import annotations

import os
from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools.analysis.region_spectra import SpectrumRequest, region_spectrum, spectrum_text
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.quantities import conforms, is_unit
from casatools.tools.image_access import open_image

__all__ = ["specflux"]

_Quantity = kinds.Variant((kinds.Text(), kinds.Record()))


@task(group="analysis")
def specflux(
    imagename: ImageName = "",
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    stretch: Stretch = False,
    function: Annotated[str, kinds.Text(), "flux density, mean, median, sum or sqrtsum of each channel"] = "flux density",
    unit: Annotated[
        str, kinds.Text(), "Unit of the spectral axis for the total: of velocity, frequency or wavelength, or 'pixel'"
    ] = "km/s",
    major: Annotated[Any, _Quantity, "Major axis of a beam in the place of the image's"] = "",
    minor: Annotated[Any, _Quantity, "Minor axis of that beam"] = "",
    logfile: Annotated[str, kinds.OutPath(), "Text file to write the spectrum to; '' is the log"] = "",
    overwrite: Overwrite = False,
) -> None:
    """Write the spectrum of a region: pixels, frequency, velocity and flux density of each channel, and their total.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        Function or unit are unknown, nothing is selected, the image is missing, the text file exists, or there is no beam.

    Examples
    --------
    >>> specflux("cube.image", region="circle[[15pix,13pix],6pix]", logfile="spectrum.txt")
    """
    if bool(major) != bool(minor):
        raise ParameterError("specflux: parameters 'major' and 'minor' must both be given, or neither")
    if logfile:
        require_absent(logfile, overwrite, "text file")
    request = SpectrumRequest(function, unit, (major, minor) if major else None)
    with open_image(imagename) as image:
        found = region_spectrum(image, PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch), request)
    selection = f"region={region}" if region else f"box={box}, chans={chans}, stokes={stokes}"
    frequency = unit if unit and is_unit(unit) and conforms(unit, "Hz") else "Hz" if not unit else "MHz"
    velocity = unit if unit and is_unit(unit) and conforms(unit, "km/s") else "km/s"
    text = spectrum_text(found, f"{os.path.basename(imagename.rstrip('/'))}, {selection}", frequency, velocity)
    if not logfile:
        log.post(text)
        return
    with staged_output(logfile, overwrite) as staged, open(staged, "w", encoding="utf-8") as stream:
        stream.write(text)
