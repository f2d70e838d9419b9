"""Maximum entropy and non-negative least squares, mosaics of fields, models of single dishes, drawn masks."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.imaging.classic_fields import EntropyGoal
from casatools.imaging.classic_products import draw_mask, mosaic_of_fields, nonnegative_image, single_dish_model
from casatools.imaging.request import jansky
from casatools.tools.imager.making import ImageIn, ImageOut, Names, several, single
from casatools.tools.imager.setup import Anything, Setup, given

__all__ = ["Products"]


class Products(Setup):
    """Methods that make images of images."""

    @method
    def mem(
        self,
        algorithm: Annotated[str, kinds.Choice(("entropy",)), "Only entropy"] = "entropy",
        niter: Annotated[int, kinds.Int(min=0), "Steps"] = 20,
        sigma: Annotated[Any, Anything, "Noise of the residual image to come down to"] = [],  # noqa: B006 - not changed
        targetflux: Annotated[Any, Anything, "Flux density that is expected, evenly spread where there is no prior"] = [],  # noqa: B006 - not changed
        constrainflux: Annotated[bool, kinds.Bool(), "The model must have the flux density 'targetflux'"] = False,
        displayprogress: Annotated[bool, kinds.Bool(), "Progress is shown in terminals in any case"] = False,
        model: Names = [],  # noqa: B006 - copied
        keepfixed: Annotated[list[bool], kinds.BoolList(), "Models that stay as they are: one value, or one for each"] = [False],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list that is taken away from the data"] = "",
        prior: Annotated[
            list[str],
            kinds.TextList(drop_empty=True),
            "Image [Jy/pixel] that the model is like where the data do not say otherwise",
        ] = [],  # noqa: B006 - copied
        mask: Names = [],  # noqa: B006 - copied
        image: Names = [],  # noqa: B006 - copied
        residual: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Deconvolve the image by maximum entropy, until the peak residual is three times `sigma`.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, DataError
            None is open or defined, a value is wrong, the prior is missing, or the data do not allow it.
        """
        del displayprogress, algorithm
        flux = jansky(targetflux) if given(targetflux) else 0.0
        if constrainflux and flux <= 0:
            raise ParameterError("imager.mem: constrainflux=True needs parameter 'targetflux', a positive flux density")
        fields = several(model, keepfixed, mask, image, residual)
        noise = jansky(sigma) if given(sigma) else 0.0
        goal = EntropyGoal(max(flux, 0.0), constrainflux, single(prior, "prior"))
        self._open().clean("mem", niter, 0.1, 3.0 * noise, fields, components=complist, entropy=goal)
        return True

    @method
    def nnls(
        self,
        model: Names = [],  # noqa: B006 - copied
        keepfixed: Annotated[list[bool], kinds.BoolList(), "Only False: a model is changed"] = [False],  # noqa: B006 - copied
        complist: Annotated[str, kinds.InPath(), "Component list"] = "",
        niter: Annotated[int, kinds.Int(min=0), "Most steps; 0 for as many as it takes"] = 0,
        tolerance: Annotated[float, kinds.Float(min=0.0), "Relative change of the misfit to stop at"] = 1e-06,
        fluxmask: Names = [],  # noqa: B006 - copied
        datamask: Names = [],  # noqa: B006 - copied
        image: Names = [],  # noqa: B006 - copied
        residual: Names = [],  # noqa: B006 - copied
    ) -> bool:
        """Solve for non-negative fluxes of the pixels of a mask by least squares; for small bright sources.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, DataError, UnsupportedError
            None is open or defined, a mask is missing, blank, too large or of another shape, or an option is not there.
        """
        if any(keepfixed):
            raise ParameterError("imager.nnls: keepfixed=True leaves nothing to solve for; use residual and restore")
        masks = single(fluxmask, "fluxmask"), single(datamask, "datamask")
        if not all(masks):
            raise ParameterError("imager.nnls: parameters 'fluxmask' and 'datamask' must name mask images")
        names = {kind: single(value, kind) for kind, value in (("model", model), ("image", image), ("residual", residual))}
        nonnegative_image(self._open(), masks, names, niter, tolerance, complist)
        return True

    @method
    def linearmosaic(
        self,
        images: Annotated[list[str], kinds.TextList(drop_empty=True), "Images of the fields"] = [],  # noqa: B006 - copied
        mosaic: ImageOut = "",
        fluxscale: Annotated[
            str, kinds.OutPath(), "New image of what flux densities are multiplied with: 1, for the sky is flat"
        ] = "",
        sensitivity: Annotated[str, kinds.OutPath(), "New image of the sum of the squared beams, 1 at its peak"] = "",
        fieldids: Annotated[list[int], kinds.IntList(), "Field of each image"] = [0],  # noqa: B006 - copied
        usedefaultvp: Annotated[bool, kinds.Bool(), "Take the telescope's own beam"] = True,
        vptable: Annotated[str, kinds.InPath(), "Table of vpmanager, with usedefaultvp=False"] = "",
    ) -> bool:
        """Join images of fields with their primary beams as weights; see the tool linearmosaic.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, OutputExistsError, DataError
            None is open or defined, a name is missing, or images do not fit.
        """
        if not mosaic:
            raise ParameterError("imager.linearmosaic: parameter 'mosaic' must be given; it names the new image")
        if not usedefaultvp and not vptable:
            raise ParameterError("imager.linearmosaic: usedefaultvp=False needs parameter 'vptable'")
        state = self._open()
        state.blank()
        earlier, state.vptable = state.vptable, "" if usedefaultvp else vptable
        try:
            mosaic_of_fields(state, images, fieldids, mosaic, fluxscale, sensitivity)
        finally:
            state.vptable = earlier
        return True

    @method
    def makemodelfromsd(
        self,
        sdimage: ImageIn = "",
        modelimage: ImageOut = "",
        sdpsf: Annotated[str, kinds.InPath(), "Point spread function of the single dish; the image's beam when empty"] = "",
        maskimage: Annotated[str, kinds.OutPath(), "New mask, 1 where the model is positive"] = "",
    ) -> bool:
        """Make a model image [Jy/pixel] of a single dish image, on the grid of the image that is defined.

        Raises
        ------
        NotOpenError, ParameterError, PathMissingError, OutputExistsError, DataError
            None is open or defined, a name is missing, or the image has no beam or does not overlap.
        """
        if not sdimage or not modelimage:
            raise ParameterError("imager.makemodelfromsd: parameters 'sdimage' and 'modelimage' must be given")
        single_dish_model(self._open(), sdimage, modelimage, sdpsf, maskimage)
        return True

    @method
    def drawmask(
        self,
        image: ImageIn = "",
        mask: ImageOut = "",
        niter: Annotated[int, kinds.Int(), "Shown as the iterations to do"] = 0,
        npercycle: Annotated[int, kinds.Int(), "Shown as the iterations of a cycle"] = 0,
        threshold: Annotated[Any, Anything, "Shown as the flux density to stop at"] = "0 mJy",
    ) -> dict[str, Any]:
        """Draw a mask on an image in the browser.

        Returns
        -------
        dict
            niter, npercycle and threshold [Jy], as they were left.

        Raises
        ------
        ParameterError, UnsupportedError, PathMissingError, DataError
            A name is missing, nobody looks, the image is not there, or image and mask do not fit.
        """
        if not image or not mask:
            raise ParameterError("imager.drawmask: parameters 'image' and 'mask' must be given")
        return draw_mask(image, mask, niter, npercycle, jansky(threshold) if given(threshold) else 0.0)
