"""Sources found in the open image, lines through it, histograms, its FITS header; images of components and for tests."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.analysis.component_images import deconvolve_components, write_component_image
from casatools.analysis.image_profiles import image_histograms, line_values
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection
from casatools.analysis.source_finding import DecomposeOptions, decompose_plane, find_sources
from casatools.analysis.sub_images import PixelChoice
from casatools.analysis.trial_images import write_test_image
from casatools.components.component_list import components_from
from casatools.frames.image_frames import as_asked
from casatools.io.formats.fits_export import fits_header
from casatools.tools.coordsys.structure import coordinates_from_tool_record
from casatools.tools.image.deriving import Mask, OutFile, Overwrite, Region, Stretch
from casatools.tools.image.making import default_coordinates
from casatools.tools.image.recording import recorded
from casatools.tools.image.reshaping import ReshapingMethods

__all__ = ["FindingMethods"]

_Components = Annotated[Any, kinds.Variant((kinds.Text(), kinds.Record())), "Component list: record, or name on disk"]


class FindingMethods(ReshapingMethods):
    """Sources, lines, histograms."""

    @method
    def findsources(
        self,
        nmax: Annotated[int, kinds.Int(), "Most sources"] = 20,
        cutoff: Annotated[float, kinds.Float(), "Least part of the strongest that counts"] = 0.1,
        region: Region = {},
        mask: Mask = "",
        point: Annotated[bool, kinds.Bool(), "Points; else Gaussians"] = True,
        width: Annotated[int, kinds.Int(min=1), "Pixels that the square a Gaussian is fitted to reaches to each side"] = 5,
        negfind: Annotated[bool, kinds.Bool(), "Look for negative sources too"] = False,
    ) -> dict[str, Any]:
        """The strongest sources of a plane; gives the record of a component list."""
        choice = PixelChoice(ImageSelection(region), mask)
        found = find_sources(self._image, choice, nmax, cutoff, point, width, negfind)
        log.post(f"image.findsources: {len(found)} sources")
        return found.to_record()

    @method
    def decompose(
        self,
        region: Region = {},
        mask: Mask = "",
        simple: Annotated[bool, kinds.Bool(), "Islands above the threshold only, not split by contours"] = False,
        threshold: Annotated[float, kinds.Float(), "Level of the islands; negative is five times the noise"] = -1.0,
        ncontour: Annotated[int, kinds.Int(), "Contours that split islands"] = 11,
        minrange: Annotated[int, kinds.Int(), "Contours that both parts of a split must reach above it"] = 1,
        naxis: Annotated[
            int, kinds.Int(min=1, max=3), "Steps along axes between neighbours; from 2 on pixels that touch by a corner are"
        ] = 2,
        fit: Annotated[bool, kinds.Bool(), "Fit Gaussians; else estimate them"] = True,
        maxrms: Annotated[float, kinds.Float(), "Fits with a greater rms of residuals are left out; negative is no limit"] = -1.0,
        maxretry: Annotated[int, kinds.Int(), "Accepted for compatibility: fits do not fail for want of trials"] = -1,
        maxiter: Annotated[int, kinds.Int(), "Accepted for compatibility: fits go on until they converge"] = 256,
        convcriteria: Annotated[float, kinds.Float(), "Accepted for compatibility: they converge to rounding"] = 0.0001,
        stretch: Stretch = False,
    ) -> dict[str, Any]:
        """Islands of a plane above a level and the Gaussians in them.

        Returns
        -------
        dict
            ``blc`` and ``trc``, pixels (island, 2); ``components`` (source, 6): peak; x, y and full major axis in the units of the
            axes; ratio of the axes; position angle [rad].
        """
        options = DecomposeOptions(simple, threshold, ncontour, minrange, naxis >= 2, fit, maxrms)
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return decompose_plane(self._image, choice, options).record()

    @method
    def deconvolvecomponentlist(
        self,
        complist: _Components,
        channel: Annotated[int, kinds.Int(), "Channel of the beam; -1 where all are alike"] = -1,
        polarization: Annotated[int, kinds.Int(), "Polarization of the beam"] = -1,
    ) -> dict[str, Any]:
        """A component list with the image's beam taken out of the shapes; those no larger than the beam become points."""
        return deconvolve_components(self._image, components_from(complist), channel, polarization).to_record()

    @recorded()
    def fromcomplist(
        self,
        outfile: OutFile = "",
        shape: Annotated[list[int], kinds.IntList(), "Shape of the image"] = [],
        cl: _Components = "",
        csys: Annotated[dict, kinds.Record(), "Record of its coordinates; {} makes some"] = {},
        overwrite: Overwrite = False,
        log: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
        cache: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
    ) -> bool:
        """Make an image [Jy/pixel] of sky components and open it."""
        from casatools._base.log import post

        if not shape or min(shape) < 1:
            raise ParameterError(
                f"image.fromcomplist: parameter 'shape' must be one pixel or more along each axis; got {list(shape)}"
            )
        components = components_from(cl)
        coordinates = coordinates_from_tool_record(csys) if csys else default_coordinates(tuple(shape), False)
        path, temporary = self._place(outfile)
        write_component_image(path, tuple(shape)[::-1], coordinates, components, overwrite)
        self._hold(path, temporary)
        if log:
            post(f"image.fromcomplist: {len(components)} components in {path}")
        return True

    @method
    def getslice(
        self,
        x: Annotated[list[float], kinds.FloatList(), "x of the corners of the line, pixels"],
        y: Annotated[list[float], kinds.FloatList(), "y of the corners"],
        axes: Annotated[list[int], kinds.IntList(), "The two axes"] = [0, 1],
        coord: Annotated[list[float], kinds.FloatList(), "Pixel of the plane on all axes; -1 is the first"] = [-1],
        npts: Annotated[int, kinds.Int(), "Points; 0 is about one a pixel"] = 0,
        method: Annotated[str, kinds.Text(), "nearest, linear or cubic"] = "linear",
    ) -> dict[str, Any]:
        """Values along a line in a plane: ``pixel mask xpos ypos distance axes``."""
        return line_values(self._image, x, y, axes, coord, npts, method.lower())

    @method
    def histograms(
        self,
        axes: Annotated[list[int], kinds.IntList(), "Axes that pixels are taken over; -1 is all"] = [-1],
        region: Region = {},
        mask: Mask = "",
        nbins: Annotated[int, kinds.Int(), "Bins"] = 25,
        includepix: Annotated[list[float], kinds.FloatList(), "Range of values; -1 is all"] = [-1.0],
        cumu: Annotated[bool, kinds.Bool(), "Sum the counts up"] = False,
        log: Annotated[bool, kinds.Bool(), "Logarithm of the counts"] = False,
        stretch: Stretch = False,
    ) -> dict[str, Any]:
        """Histograms of pixels: ``values counts mean sigma``."""
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        pixels = PixelRange.from_parameters(includepix, None)
        return image_histograms(self._image, [a for a in axes if a >= 0], nbins, choice, pixels, cumu, log)

    @method
    def fitsheader(
        self,
        retstr: Annotated[bool, kinds.Bool(), "Return the cards as one text"] = False,
        exclude: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Keywords to leave out"] = [],
    ) -> Any:
        """The header that `tofits` would write, as a record (numbered keywords as arrays) or as text of 80 characters a card."""
        gone = {k.strip().upper() for k in ([exclude] if isinstance(exclude, str) else exclude)}
        cards = [
            c
            for c in fits_header(self._image, coordinates=as_asked(self._image.coordinates))
            if c[:8].strip().upper() not in gone
        ]
        return "".join(cards) if retstr else _header_record(cards)

    @method
    def dohistory(self, enable: Annotated[bool, kinds.Bool(), "Write a line into the history of new images"] = True) -> bool:
        """Whether images that this tool makes tell in their history what they were made of."""
        self._tells_history = enable
        return True

    @recorded()
    def maketestimage(self, outfile: OutFile = "", overwrite: Overwrite = False) -> bool:
        """Make an image of some sources and noise for trials, and open it."""
        path, temporary = self._place(outfile)
        write_test_image(path, overwrite)
        self._hold(path, temporary)
        return True


def _header_record(cards: list[str]) -> dict[str, Any]:
    """FITS cards as CASA's record: NAXISn, CTYPEn, CRVALn, CRPIXn and CDELTn as arrays, repeated ones as lists."""
    from astropy.io import fits

    header = fits.Header.fromstring("".join(cards), sep="")
    out: dict[str, Any] = {}
    count = int(header.get("NAXIS", 0))
    for key in ("CTYPE", "CRVAL", "CRPIX", "CDELT"):
        found = [header[f"{key}{k}"] for k in range(1, count + 1) if f"{key}{k}" in header]
        if found:
            out[key] = np.array([v.ljust(8) for v in found] if key == "CTYPE" else found)
    if count:
        out["NAXIS"] = np.array([count, *(header[f"NAXIS{k}"] for k in range(1, count + 1))], dtype=np.int64)
    numbered = {f"{key}{k}" for key in ("CTYPE", "CRVAL", "CRPIX", "CDELT", "NAXIS") for k in range(1, count + 1)} | {"NAXIS"}
    for key in dict.fromkeys(header):
        if key in numbered or not key:
            continue
        value = header[key]
        if key in ("HISTORY", "COMMENT"):
            lines = [str(v) for v in value]
            out[key] = lines[0] if len(lines) == 1 else np.array(lines)
        else:
            out[key] = value.ljust(8) if isinstance(value, str) else value
    return dict(sorted(out.items()))
