"""The iterbotsink tool: when an imaging loop stops, and how deep each minor cycle goes."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import UnsupportedError
from casatools.imaging.iteration_bot import IterationBot

__all__ = ["iterbotsink"]

Number = Annotated[int, kinds.Int(min=0), "Number of the image field"]


class iterbotsink:
    """Bookkeeping of major and minor cycles for loops made of the imaging tools."""

    def __init__(self) -> None:
        self._bot = IterationBot()

    @method
    def setupiteration(
        self,
        iterpars: Annotated[dict[str, Any], kinds.Record(), "Limits: niter, threshold, ..."] = {},  # noqa: B006 - copied
    ) -> dict[str, Any]:
        """Set the limits; those not named keep their values. Gives the state.

        Raises
        ------
        ParameterError
            A value is wrong, or there is no such limit.
        """
        self._bot.setup(iterpars)
        return self._bot.record()

    @method
    def getiterationdetails(self) -> dict[str, Any]:
        """Limits, what was done and the stop code."""
        return self._bot.record()

    @method
    def getiterationsummary(self) -> dict[str, Any]:
        """As `getiterationdetails`: what tclean returns, with a column of summaryminor for each plane of each minor cycle."""
        return self._bot.record()

    @method
    def getminorcyclecontrols(self) -> dict[str, Any]:
        """What the next minor cycle is to be run with: cycleniter, cyclethreshold [Jy], loopgain, nsigma."""
        return self._bot.controls()

    @method
    def mergeinitrecord(
        self,
        initrecord: Annotated[dict[str, Any], kinds.Record(), "What synthesisdeconvolver.initminorcycle returned"] = {},  # noqa: B006 - copied
        immod: Number = 0,
    ) -> bool:
        """Take what an image says before its minor cycle. Gives False, as in the reference.

        Raises
        ------
        ParameterError
            The record lacks a field.
        """
        self._bot.merge_init(initrecord, immod)
        return False

    @method
    def mergeexecrecord(
        self,
        execrecord: Annotated[dict[str, Any], kinds.Record(), "What synthesisdeconvolver.executeminorcycle returned"] = {},  # noqa: B006 - copied
        immod: Number = 0,
    ) -> bool:
        """Take what a minor cycle did on an image. Gives False, as in the reference.

        Raises
        ------
        ParameterError
            The record lacks a field.
        """
        self._bot.merge_exec(execrecord, immod)
        return False

    @method
    def resetminorcycleinfo(self) -> bool:
        """Forget what was said of the last minor cycle. Gives False, as in the reference."""
        self._bot.reset_cycle()
        return False

    @method
    def endmajorcycle(self) -> bool:
        """Count a major cycle. Gives False, as in the reference."""
        self._bot.end_major()
        return False

    @method
    def cleanComplete(
        self,
        lastcyclecheck: Annotated[bool, kinds.Bool(), "The last check: later ones are not compared with it"] = False,
        reachedMajorLimit: Annotated[bool, kinds.Bool(), "The loop has made all major cycles it may"] = False,
    ) -> int:
        """The stop code: 0 go on, 1 iterations, 2 threshold, 3 asked to, 4 no change, 5 divergence, 7 empty mask, 8 n-sigma, 9 major cycles."""
        return self._bot.complete(reachedMajorLimit, lastcyclecheck)

    @method
    def changestopflag(self, stopflag: Annotated[bool, kinds.Bool(), "Stop at the next check"] = False) -> bool:
        """Ask the loop to stop."""
        self._bot.stop_asked = stopflag
        return True

    @method
    def pauseforinteraction(self) -> dict[str, Any]:
        """Let a person look at the residual; the tool that has the images does.

        Raises
        ------
        UnsupportedError
            Always.
        """
        raise UnsupportedError("iterbotsink.pauseforinteraction has no images to show; synthesisdeconvolver.interactivegui has")

    @method
    def done(self) -> bool:
        """Forget everything. Gives False, as in the reference."""
        self._bot = IterationBot()
        return False
