"""The synthesisnormalizer tool: sums of gridded visibilities made into images."""

from __future__ import annotations

import os
from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError
from casatools.imaging.normalization import Normalization
from casatools.tools.synthesisimstore import synthesisimstore

__all__ = ["synthesisnormalizer"]


class synthesisnormalizer:
    """Divides images that synthesisimager wrote by their sums of weights, and adds up those of runs that were shared out."""

    def __init__(self) -> None:
        self._images: Normalization | None = None

    def _open(self) -> Normalization:
        if self._images is None:
            raise NotOpenError("no images are named; call setupnormalizer first")
        return self._images

    @method
    def setupnormalizer(
        self,
        normpars: Annotated[
            dict[str, Any], kinds.Record(), "imagename, nterms, deconvolver, psfcutoff, partimagenames, normtype, pblimit, ..."
        ] = {},  # noqa: B006 - copied
    ) -> bool:
        """Name the images.

        Raises
        ------
        ParameterError
            No name is given.
        """
        base = str(normpars.get("imagename", ""))
        if not base:
            raise ParameterError("synthesisnormalizer.setupnormalizer: parameter 'normpars' must hold 'imagename'")
        folder = str(normpars.get("workdir", ""))
        terms = int(normpars.get("nterms", 1)) if normpars.get("deconvolver") == "mtmfs" else 0
        parts = [os.path.join(folder, str(p)) for p in normpars.get("partimagenames", []) if str(p)]
        self._images = Normalization(
            base, terms, float(normpars.get("psfcutoff", 0.35)), tuple(parts), str(normpars.get("normtype", "flatnoise")),
            float(normpars.get("pblimit", 0.2)),
        )  # fmt: skip
        return True

    @method
    def setimstore(self, imstore: Annotated[Any, kinds.Instance(synthesisimstore), "From getimstore"] = None) -> bool:
        """Name the images by a tool that stands for them.

        Raises
        ------
        ParameterError
            It is no synthesisimstore with images.
        """
        if imstore is None or not imstore._base:
            raise ParameterError(
                f"synthesisnormalizer.setimstore: parameter 'imstore' must be a synthesisimstore with images; got {imstore!r}"
            )
        self._images = Normalization(imstore._base)
        return True

    @method
    def getimstore(self) -> Any:
        """A tool that stands for the images."""
        return synthesisimstore._of(self._open().base)

    @method
    def gatherpsfweight(self) -> bool:
        """Add up point spread functions and weights of the parts.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        self._open().gather_psf()
        return True

    @method
    def gatherresidual(self) -> bool:
        """Add up residuals of the parts.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        self._open().gather_residual()
        return True

    @method
    def scattermodel(self) -> bool:
        """Give the parts the model."""
        self._open().scatter_model()
        return True

    @method
    def dividepsfbyweight(self) -> bool:
        """Divide point spread functions by the sums of weights."""
        self._open().divide_psf()
        return True

    @method
    def divideresidualbyweight(
        self, singledish: Annotated[bool, kinds.Bool(), "The images are of single-dish data"] = False
    ) -> bool:
        """Divide residuals by the sums of weights; with `singledish` pixel by pixel by the weight image, which masks pixels without weight.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        if singledish:
            self._open().divide_single_dish()
            return True
        self._open().divide_residual()
        return True

    @method
    def makepsfbeamset(self) -> bool:
        """Fit the beams of the point spread functions, which are kept with the image."""
        self._open().fit_beams()
        return True

    @method
    def normalizeprimarybeam(self) -> bool:
        """Write the primary beam of a mosaic from its weight image; that of other images is what makepb wrote."""
        self._open().make_beam()
        return True

    @method
    def dividemodelbyweight(self) -> bool:
        """Make flux densities on the sky of a mosaic's model, before a major cycle; models of other images are that already."""
        self._open().sky_model()
        return True

    @method
    def multiplymodelbyweight(self) -> bool:
        """Undo dividemodelbyweight, after a major cycle."""
        self._open().image_model()
        return True

    @method
    def divideweightbysumwt(self) -> bool:
        """Divide the weight image of a mosaic by the sum of weights, once."""
        self._open().divide_weight()
        return True

    @method
    def gatherweightdensity(self) -> bool:
        """Add up the densities of uv samples (``.gridwt``) of the parts.

        Raises
        ------
        PathMissingError, DataError
            An image is not there or does not fit.
        """
        self._open().gather(["gridwt"])
        return True

    @method
    def scatterweightdensity(self) -> bool:
        """Give the parts the density of uv samples."""
        self._open().scatter(["gridwt"])
        return True

    @method
    def unlockimages(self) -> bool:
        """Let others open the images: none is held open between calls."""
        return True

    @method
    def done(self) -> bool:
        """Let go of the images."""
        self._images = None
        return True
