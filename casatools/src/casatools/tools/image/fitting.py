"""Sources and profiles fitted in the open image, components put into it, statistics about each of its pixels."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.analysis.component_fit import FitTexts, fit_components
from casatools.analysis.component_images import add_components
from casatools.analysis.deviation_images import DeviationOptions, write_deviation
from casatools.analysis.line_fit import ProfileFitOptions, ProfileOutputs, fit_profiles
from casatools.analysis.peaks import fit_maximum
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.position_velocity import SliceLine, write_slice
from casatools.analysis.profile_fitting import Ranges
from casatools.analysis.profile_requests import make_request
from casatools.analysis.regions import ImageSelection
from casatools.analysis.source_fitting import FitOptions
from casatools.analysis.spectral_index import SpectralIndexRequest, fit_spectral_indices
from casatools.analysis.sub_images import PixelChoice
from casatools.components.component_list import components_from
from casatools.io.image import CasaImage
from casatools.tools.image.deriving import Box, Chans, DerivingMethods, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatools.tools.image.recording import recorded

__all__ = ["FittingMethods"]

_Out = Annotated[str, kinds.OutPath(), "Image or text to write; '' writes none"]
_Quantity = Annotated[Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record())), "Quantity, or number"]
_Names = Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Text, or a list"]
_Estimates = Annotated[
    Any, kinds.Variant((kinds.Text(), kinds.BoolList(), kinds.FloatList(), kinds.TextList())), "Estimates, one a line"
]
_Floats = Annotated[list[float], kinds.FloatList(), "Numbers; [0.0] is none"]
_Place = Annotated[Any, kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList())), "Pixels, or a sky position"]
_Length = Annotated[
    Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record(), kinds.FloatList())), "Pixels or angle; [] is none"
]
_Range = Annotated[list[float], kinds.FloatList(), "Range of intensities; -1 is none"]


def _given(values: list[float]) -> tuple[float, ...]:
    """A range parameter of profile fits: the default [0.0] stands for none."""
    return () if len(values) < 2 and not any(values) else tuple(values)


def _profile_planes(image: CasaImage, axis: int, planes: list[int], chans: str) -> tuple[str, tuple[int, ...]]:
    """The channel selection of a profile fit and the points of the profiles to use, of which planes along the spectral axis are the former."""
    if planes and not chans and axis in (-1, image.coordinates.spectral_axis):
        return ";".join(str(p) for p in planes), ()
    return chans, tuple(planes)


class FittingMethods(DerivingMethods):
    """Fits of sources and profiles."""

    @method
    def fitcomponents(
        self,
        box: Box = "",
        region: Region = [],
        chans: Annotated[Any, kinds.Variant((kinds.Text(numbers=True), kinds.IntList())), "Channels"] = [],
        stokes: Stokes = "",
        mask: Mask = "",
        includepix: _Range = [-1.0],
        excludepix: _Range = [-1.0],
        residual: _Out = "",
        model: _Out = "",
        estimates: Annotated[str, kinds.InPath(), "File of estimates 'peak, x, y, major, minor, angle[, fixed]'"] = "",
        logfile: _Out = "",
        append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
        newestimates: _Out = "",
        complist: _Out = "",
        overwrite: Overwrite = False,
        dooff: Annotated[bool, kinds.Bool(), "Fit a zero level too"] = False,
        offset: Annotated[float, kinds.Float(), "Estimate of the zero level"] = 0.0,
        fixoffset: Annotated[bool, kinds.Bool(), "Keep the zero level at its estimate"] = False,
        stretch: Stretch = False,
        rms: _Quantity = "",
        noisefwhm: _Quantity = "",
        summary: _Out = "",
    ) -> dict[str, Any]:
        """Fit elliptical Gaussian components; the record is that of the task imfit.

        Raises
        ------
        ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
            As for imfit.
        """
        options = FitOptions(
            PixelRange.from_parameters(includepix, excludepix), estimates, dooff, offset, fixoffset, rms or 0, noisefwhm, model, residual,
            overwrite=True,
        )  # fmt: skip
        channels = chans if isinstance(chans, str) else ",".join(str(c) for c in chans)
        choice = PixelChoice(ImageSelection(region or "", box, channels, stokes), mask, stretch)
        return fit_components(self._image, choice, options, FitTexts(logfile, append, newestimates, complist, overwrite, summary))

    @method
    def fitprofile(
        self,
        box: Box = "",
        region: Region = "",
        chans: Chans = "",
        stokes: Stokes = "",
        axis: Annotated[int, kinds.Int(), "Axis of the profiles; negative is the spectral one"] = -1,
        mask: Mask = "",
        ngauss: Annotated[int, kinds.Int(), "Number of Gaussians, found in the data"] = 1,
        poly: Annotated[int, kinds.Int(), "Order of a polynomial; negative is none"] = -1,
        estimates: Annotated[str, kinds.InPath(), "File of lines 'amplitude, centre, fwhm[, fixed]'"] = "",
        minpts: Annotated[int, kinds.Int(), "Least number of good points of a profile"] = 1,
        multifit: Annotated[bool, kinds.Bool(), "Fit each pixel's profile in place of the mean"] = False,
        model: _Out = "",
        residual: _Out = "",
        amp: _Out = "",
        amperr: _Out = "",
        center: _Out = "",
        centererr: _Out = "",
        fwhm: _Out = "",
        fwhmerr: _Out = "",
        integral: _Out = "",
        integralerr: _Out = "",
        stretch: Stretch = False,
        logresults: Annotated[bool, kinds.Bool(), "Write the results to the log"] = True,
        pampest: _Estimates = [],
        pcenterest: _Estimates = [],
        pfwhmest: _Estimates = [],
        pfix: _Names = "",
        gmncomps: Annotated[
            Any, kinds.Variant((kinds.IntList(), kinds.Text())), "Number of lines of each Gaussian multiplet"
        ] = 0,
        gmampcon: _Estimates = [],
        gmcentercon: _Estimates = [],
        gmfwhmcon: _Estimates = [],
        gmampest: _Floats = [0.0],
        gmcenterest: _Floats = [0.0],
        gmfwhmest: _Floats = [0.0],
        gmfix: _Names = "",
        spxtype: Annotated[str, kinds.Text(), "Power logarithmic or logarithmic transformed polynomial: plp or ltp"] = "",
        spxest: _Estimates = [],
        spxfix: _Estimates = [],
        div: Annotated[Any, kinds.Variant((kinds.Float(), kinds.Text(), kinds.Record())), "Divisor of the abscissa"] = [],
        spxsol: _Out = "",
        spxerr: _Out = "",
        logfile: _Out = "",
        append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
        pfunc: _Names = "",
        goodamprange: _Floats = [0.0],
        goodcenterrange: _Floats = [0.0],
        goodfwhmrange: _Floats = [0.0],
        sigma: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Array())), "Errors of the pixels: image, profile or array"] = "",
        outsigma: _Out = "",
        planes: Annotated[list[int], kinds.IntList(), "Planes of the profiles to use; [] is all"] = [],
    ) -> dict[str, Any]:
        """Fit lines and polynomials to profiles; the record is that of the task specfit.

        Raises
        ------
        ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
            As for specfit.
        """
        channels, points = _profile_planes(self._image, axis, planes, chans)
        selection = ImageSelection(region, box, channels, stokes)
        choice = PixelChoice(selection, mask, stretch)
        ranges = Ranges(_given(goodamprange), _given(goodcenterrange), _given(goodfwhmrange))
        options = ProfileFitOptions(axis, multifit, minpts, ranges, sigma, points)
        if spxtype:
            request = SpectralIndexRequest(
                spxtype, tuple(float(v) for v in np.ravel(spxest)), tuple(bool(v) for v in np.ravel(spxfix)), div, spxsol, spxerr
            )
            texts = ProfileOutputs(model, residual, {}, logfile, append, outsigma, logresults)
            return fit_spectral_indices(self._image, choice, request, options, texts)
        for name, value in {"spxest": spxest, "spxfix": spxfix, "div": div, "spxsol": spxsol, "spxerr": spxerr}.items():
            if value not in ("", [], 0):
                raise ParameterError(f"image.fitprofile: parameter {name!r} = {value!r} needs spxtype='plp' or 'ltp'")
        given = {
            "ngauss": ngauss, "poly": poly, "estimates": estimates, "pfunc": pfunc, "pampest": pampest, "pcenterest": pcenterest,
            "pfwhmest": pfwhmest, "pfix": pfix, "gmncomps": gmncomps, "gmampcon": gmampcon, "gmcentercon": gmcentercon,
            "gmfwhmcon": gmfwhmcon, "gmampest": gmampest, "gmcenterest": gmcenterest, "gmfwhmest": gmfwhmest, "gmfix": gmfix,
        }  # fmt: skip
        columns = {
            "amp": amp, "amperr": amperr, "center": center, "centererr": centererr, "fwhm": fwhm, "fwhmerr": fwhmerr,
            "integral": integral, "integralerr": integralerr,
        }  # fmt: skip
        outputs = ProfileOutputs(model, residual, columns, logfile, append, outsigma, logresults)
        return fit_profiles(self._image, choice, make_request(given), options, outputs)

    @method
    def maxfit(
        self,
        region: Region = {},
        point: Annotated[bool, kinds.Bool(), "A point source; else a Gaussian"] = True,
        width: Annotated[int, kinds.Int(min=1), "Pixels that the square a Gaussian is fitted to reaches to each side"] = 5,
        negfind: Annotated[bool, kinds.Bool(), "Fit the least pixel instead when it is further from zero"] = False,
        list: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
    ) -> dict[str, Any]:
        """Fit the source at the greatest pixel; gives the record of a component list.

        Raises
        ------
        SelectionError, DataError
            No good pixel is selected, or the image has no sky plane.
        """
        choice = PixelChoice(ImageSelection(region or ""))
        found = fit_maximum(self._image, choice, point, width)
        if negfind:
            least = fit_maximum(self._image, choice, point, width, negative=True)
            if abs(least[0].flux.values[0]) > abs(found[0].flux.values[0]):
                found = least
        if list:
            shape, flux = found[0].shape, found[0].flux
            log.post(
                f"image.maxfit: {flux.values[0].real:.6g} {flux.unit} at {shape.lon_rad:.9f} {shape.lat_rad:.9f} rad {shape.frame}"
            )
        return found.to_record()

    @recorded()
    def modify(
        self,
        model: Annotated[dict[str, Any], kinds.Record(), "Record of a component list"],
        region: Region = {},
        mask: Mask = "",
        subtract: Annotated[bool, kinds.Bool(), "Subtract the components; else add them"] = True,
        list: Annotated[bool, kinds.Bool(), "Tell the log"] = True,
        stretch: Stretch = False,
    ) -> bool:
        """Subtract sky components from the pixels, or add them.

        Raises
        ------
        DataError
            The list is empty, the image has no sky plane, or it is per beam and has no beam.
        """
        components = components_from(model)
        add_components(
            self._writable(), components, PixelChoice(ImageSelection(region or ""), mask, stretch), -1.0 if subtract else 1.0
        )
        if list:
            log.post(f"{'Subtracted' if subtract else 'Added'} {len(components)} components in {self._image.path}")
        return True

    @recorded("outfile")
    def deviation(
        self,
        outfile: OutFile = "",
        region: Region = "",
        mask: Mask = "",
        overwrite: Overwrite = False,
        stretch: Stretch = False,
        grid: Annotated[list[int], kinds.IntList(), "Distances of the points of the grid, pixels"] = [1, 1],
        anchor: Annotated[
            Any, kinds.Variant((kinds.Text(), kinds.IntList())), "A pixel of the grid; 'ref' is the reference pixel"
        ] = "ref",
        xlength: _Quantity = "1pix",
        ylength: _Quantity = "1pix",
        interp: Annotated[str, kinds.Text(), "nearest, linear, cubic or lanczos"] = "cubic",
        stattype: Annotated[str, kinds.Text(), "The statistic"] = "sigma",
        statalg: Annotated[str, kinds.Text(), "classic or chauvenet"] = "classic",
        zscore: Annotated[float, kinds.Float(), "chauvenet: limit in standard deviations; negative is Chauvenet's own"] = -1.0,
        maxiter: Annotated[int, kinds.Int(), "chauvenet: most iterations; negative is no limit"] = -1,
    ) -> Any:
        """A statistic of the pixels about each pixel as a new image; see the task imdev."""
        options = DeviationOptions(tuple(grid), anchor, xlength, ylength, interp, stattype, statalg, zscore, maxiter)
        choice = PixelChoice(ImageSelection(region), mask, stretch)
        return self._make(write_deviation, outfile, options, choice, overwrite)

    @recorded("outfile")
    def pv(
        self,
        outfile: OutFile = "",
        start: _Place = [],
        end: _Place = [],
        center: _Place = [],
        length: _Length = [],
        pa: _Length = [],
        width: _Length = 1,
        unit: Annotated[str, kinds.Text(), "Unit of the offsets"] = "arcsec",
        overwrite: Overwrite = False,
        region: Region = {},
        chans: Chans = "",
        stokes: Stokes = "",
        mask: Mask = "",
        stretch: Stretch = False,
        wantreturn: Annotated[bool, kinds.Bool(), "Return the new image as a tool, else None"] = True,
    ) -> Any:
        """A position-velocity image along a line; see the task impv."""
        line = SliceLine(start, end, center, length, pa, width, unit)
        choice = PixelChoice(ImageSelection(region, "", chans, stokes), mask, stretch)
        made = self._make(write_slice, outfile, line, choice, overwrite)
        if wantreturn:
            return made
        made.done()
        return None
