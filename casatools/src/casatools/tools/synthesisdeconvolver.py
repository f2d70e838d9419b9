"""The synthesisdeconvolver tool: the minor-cycle half of imaging, step by step."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError
from casatools.imaging.stepwise_deconvolver import StepwiseDeconvolver, deconvolve_request

__all__ = ["synthesisdeconvolver"]


class synthesisdeconvolver:
    """Deconvolves images that are on disk. Methods that give False do so in the reference too."""

    def __init__(self) -> None:
        self._deconvolver: StepwiseDeconvolver | None = None

    def _open(self) -> StepwiseDeconvolver:
        if self._deconvolver is None:
            raise NotOpenError("no deconvolution is set up; call setupdeconvolution first")
        return self._deconvolver

    @method
    def setupdeconvolution(
        self,
        decpars: Annotated[dict[str, Any], kinds.Record(), "imagename, deconvolver, scales, mask, ... as tclean has them"] = {},  # noqa: B006 - copied
    ) -> bool:
        """Say which images are deconvolved and how. Gives False.

        Raises
        ------
        ParameterError, UnsupportedError
            A parameter is wrong or not there yet.
        """
        self._deconvolver = StepwiseDeconvolver(deconvolve_request(decpars))
        return False

    @method
    def setupmask(self) -> bool:
        """Write the mask.

        Raises
        ------
        CasaError
            It cannot be read or does not fit; nothing is written then.
        """
        self._open().set_up_mask()
        return True

    @method
    def initminorcycle(self) -> dict[str, Any]:
        """Peak, sidelobe and mask before a minor cycle, for iterbotsink.mergeinitrecord.

        Raises
        ------
        CasaError
            Images are not there or do not fit.
        """
        return self._open().begin()

    @method
    def executeminorcycle(
        self,
        iterbotrecord: Annotated[dict[str, Any], kinds.Record(), "From iterbotsink.getminorcyclecontrols"] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Run a minor cycle; gives what it did, for iterbotsink.mergeexecrecord.

        Raises
        ------
        CasaError
            A control is missing, or images are not there or do not fit; nothing is written then.
        """
        return self._open().run(iterbotrecord)

    @method
    def restore(self) -> bool:
        """Write the restored image. Gives False.

        Raises
        ------
        CasaError
            Images are not there or do not fit; nothing is written then.
        """
        self._open().restore()
        return False

    @method
    def pbcor(self) -> bool:
        """Write the restored image over the primary beam. Gives False.

        Raises
        ------
        PathMissingError
            One of them is not there.
        """
        self._open().correct_beam()
        return False

    @method
    def checkrestoringbeam(self) -> bool:
        """Nothing is left to check: setupdeconvolution refuses beams that cannot be used. Gives False."""
        self._open()
        return False

    @method
    def estimatememory(self, imsize: Annotated[list[int], kinds.IntList(), "Pixels along x and y"] = []) -> int:  # noqa: B006 - copied
        """Memory that a plane of an image of this size takes in a minor cycle [kB]: point spread function, residual, model and mask."""
        return int(np.prod(imsize or [0])) * 16 // 1024

    @method
    def interactivegui(
        self,
        iterbotrecord: Annotated[dict[str, Any], kinds.Record(), "From iterbotsink.getiterationdetails"] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Let a person draw the mask in the browser, and say how to go on.

        Returns
        -------
        dict
            actioncode: 1 for a minor cycle, 2 for going on to the end without asking, 3 to stop; and niter, cycleniter, threshold [Jy], nsigma, cyclefactor, nmajor
            for iterbotsink.setupiteration.

        Raises
        ------
        UnsupportedError
            Nobody looks.
        CasaError
            Images are not there or do not fit; nothing is written then.
        """
        return self._open().interact(iterbotrecord)

    @method
    def done(self) -> bool:
        """Let go of everything."""
        self._deconvolver = None
        return True
