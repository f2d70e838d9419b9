"""Statistics and expressions of the image tool."""

from __future__ import annotations

import shutil
from typing import Annotated, Any, Literal

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import CasaError, ParameterError
from casatools.analysis.image_math import MathOutput, compute_expression
from casatools.analysis.image_statistics import ImageStatisticsOptions, image_statistics
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection
from casatools.analysis.statistics import StatisticsOptions
from casatools.analysis.statistics_text import MOST_LOGGED, statistics_lines, tell_statistics
from casatools.analysis.sub_images import PixelChoice
from casatools.analysis.virtual_expressions import virtual_image
from casatools.tools.image.recording import recorded
from casatools.tools.image.session import SessionMethods

__all__ = ["AnalysisMethods"]

_Region = kinds.Variant((kinds.Text(), kinds.Record()))


class AnalysisMethods(SessionMethods):
    """Statistics, and images computed from expressions."""

    @method
    def statistics(
        self,
        axes: Annotated[list[int], kinds.IntList(), "Axes to compute over; -1 is all"] = [-1],  # noqa: B006 - copied
        region: Annotated[Any, _Region, "Region: text, file or record; '' is all"] = "",
        mask: Annotated[str, kinds.Text(), "Lattice expression, true where pixels are used"] = "",
        includepix: Annotated[list[float], kinds.FloatList(), "Range of intensities to use; -1 is all"] = [-1.0],  # noqa: B006 - copied
        excludepix: Annotated[list[float], kinds.FloatList(), "Range of intensities to leave out; -1 is none"] = [-1.0],  # noqa: B006 - copied
        list: Annotated[bool, kinds.Bool(), "Write the statistics to the log"] = False,
        force: Annotated[bool, kinds.Bool(), "Accepted for compatibility; nothing is kept from earlier calls"] = False,
        disk: Annotated[bool, kinds.Bool(), "Accepted for compatibility; memory is bounded in any case"] = False,
        robust: Annotated[bool, kinds.Bool(), "Median, quartiles and deviation of the median as well"] = False,
        verbose: Annotated[bool, kinds.Bool(), "Write more than the table to the log"] = False,
        stretch: Annotated[bool, kinds.Bool(), "Stretch a mask of fewer planes over the image"] = False,
        logfile: Annotated[str, kinds.OutPath(), "Text file to write the statistics to"] = "",
        append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
        algorithm: Annotated[str, kinds.Text(), "classic, chauvenet, fit-half, hinges-fences or biweight"] = "classic",
        fence: Annotated[float, kinds.Float(), "hinges-fences: quartile distances that are used; negative is all"] = -1.0,
        center: Annotated[str, kinds.Text(), "fit-half: mean, median or zero"] = "mean",
        lside: Annotated[bool, kinds.Bool(), "fit-half: the lower half is real"] = True,
        zscore: Annotated[float, kinds.Float(), "chauvenet: limit in standard deviations; negative is Chauvenet's own"] = -1.0,
        maxiter: Annotated[int, kinds.Int(), "chauvenet: most iterations; negative is no limit"] = -1,
        clmethod: Annotated[str, kinds.Text(), "classic: auto, tiled or framework; the result does not depend on it"] = "auto",
        niter: Annotated[int, kinds.Int(), "biweight: most iterations"] = 3,
    ) -> dict[str, Any]:
        """Statistics of the image or part of it; the record is that of the task imstat.

        Raises
        ------
        ParameterError, SelectionError
            An axis or algorithm is unknown, or nothing is selected.
        """
        if clmethod not in ("auto", "tiled", "framework"):
            raise ParameterError(f"image.statistics: parameter 'clmethod' must be auto, tiled or framework; got {clmethod!r}")
        summed = tuple(a for a in axes if a != -1)
        options = StatisticsOptions(algorithm, fence, center, lside, zscore, maxiter, niter, robust)
        chosen = ImageStatisticsOptions(summed, options, PixelRange.from_parameters(includepix, excludepix))
        record = image_statistics(self._image, ImageSelection(region), mask, stretch, chosen)
        if list or logfile:
            most = None if logfile else MOST_LOGGED
            tell_statistics(
                statistics_lines(self._image, ImageSelection(region), summed, record, algorithm, most),
                list,
                verbose,
                logfile,
                append,
            )
        return record

    @recorded("outfile")
    def imagecalc(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
        pixels: Annotated[str, kinds.Text(), "Lattice expression such as \"'a.im' * 2\""] = "",
        overwrite: Annotated[bool, kinds.Bool(), "Replace an image that exists"] = False,
        imagemd: Annotated[str, kinds.Text(), "Image whose coordinates and other metadata are taken; '' is the first"] = "",
        prec: Annotated[Literal["float", "double"], "Precision of the pixels"] = "float",
    ) -> Any:
        """Make an image from an expression and return it as a new tool.

        Without a name the image is virtual: pixels and mask are computed a block at a time where they are read, until it or an image of the expression
        is changed.

        Raises
        ------
        ParameterError, DataError, OutputExistsError
            The expression cannot be read or holds no image, or the output exists.
        """
        path, temporary = self._place(outfile)
        made = type(self)()
        if outfile:
            compute_expression(pixels, {}, PixelChoice(), MathOutput(path, overwrite, imagemd, prec == "double"))
            made._hold(path)
            return made
        try:
            sources = virtual_image(pixels, imagemd, prec == "double", path)
        except CasaError:
            shutil.rmtree(temporary)
            raise
        made._hold(path, temporary)
        made._borrow(sources)
        return made
