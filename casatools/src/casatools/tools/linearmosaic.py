"""The linearmosaic tool: images of neighbouring fields joined with their primary beams as weights."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError
from casatools.analysis.linear_mosaic import MosaicGrid, MosaicInput, make_mosaic, sault_image
from casatools.frames.directions import parse_direction
from casatools.frames.quantities import to_unit

__all__ = ["linearmosaic"]

_TYPES = ("optimal", "pbweight", "sault")
ImageType = Annotated[int, kinds.Int(), "What images were multiplied by: 0 nothing, 1 the primary beam, 2 its square"]
WeightType = Annotated[int, kinds.Int(), "What weight images hold: 1 the primary beam, 2 its square"]
_Any = kinds.Variant()


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


class linearmosaic:
    """Linear mosaics of images."""

    def __init__(self) -> None:
        self._grid: MosaicGrid | None = None
        self._output: MosaicInput | None = None

    @method
    def defineoutputimage(
        self,
        nx: Annotated[int, kinds.Int(min=1), "Pixels along x"] = 128,
        ny: Annotated[int, kinds.Int(), "Pixels along y; -1 is as many as along x"] = -1,
        cellx: Annotated[Any, _Any, "Pixel size along x; [] is that of the first image"] = [],  # noqa: B006 - not changed
        celly: Annotated[Any, _Any, "Pixel size along y; [] is that along x"] = [],  # noqa: B006 - not changed
        imagecenter: Annotated[Any, _Any, "Direction of the centre; [] is that of the first image"] = [],  # noqa: B006 - not changed
        outputimage: Annotated[str, kinds.OutPath(), "Mosaic to write"] = "",
        outputweight: Annotated[str, kinds.OutPath(), "Image of the sum of the squared primary beams to write"] = "",
    ) -> bool:
        """Say what mosaic is to be made; `makemosaic` makes it.

        Raises
        ------
        ParameterError
            An output is not named, a size is not positive, or cell or centre cannot be read.
        """
        if not outputimage or not outputweight:
            raise ParameterError("linearmosaic.defineoutputimage: parameters 'outputimage' and 'outputweight' must be names")
        height = nx if ny == -1 else ny
        if height < 1:
            raise ParameterError(f"linearmosaic.defineoutputimage: parameter 'ny' must be -1 or at least 1; got {ny}")
        cell = None
        if not _missing(cellx) or not _missing(celly):
            given = [celly if _missing(cellx) else cellx, cellx if _missing(celly) else celly]
            cell = (abs(float(to_unit(given[0], "rad"))), abs(float(to_unit(given[1], "rad"))))
        centre = None if _missing(imagecenter) else parse_direction(imagecenter)
        self._grid = MosaicGrid(nx, height, cell, centre)
        self._output = MosaicInput(outputimage, outputweight, 0, 2)
        return True

    @method
    def setoutputimage(
        self,
        outputimage: Annotated[str, kinds.InPath(), "Mosaic that is there"] = "",
        outputweight: Annotated[str, kinds.InPath(), "Its weight image"] = "",
        imageweighttype: ImageType = 1,
        weighttype: WeightType = 1,
    ) -> bool:
        """Say what mosaic is to be added to. One that this tool made has imageweighttype 0 and weighttype 2.

        Raises
        ------
        ParameterError
            An image is not named, or a type is unknown.
        """
        if not outputimage or not outputweight:
            raise ParameterError("linearmosaic.setoutputimage: parameters 'outputimage' and 'outputweight' must be names")
        self._output, self._grid = MosaicInput(outputimage, outputweight, imageweighttype, weighttype), None
        return True

    @method
    def setlinmostype(self, linmostype: Annotated[str, kinds.Text(), "optimal, pbweight or sault"] = "optimal") -> bool:
        """Say how images are joined. As in CASA `makemosaic` does the same for all; `saultweightimage` makes what is different.

        Raises
        ------
        ParameterError
            There is no such way.
        """
        if linmostype.strip().lower() not in _TYPES:
            raise ParameterError(
                f"linearmosaic.setlinmostype: parameter 'linmostype' must be one of {', '.join(_TYPES)}; got {linmostype!r}"
            )
        return True

    def _target(self) -> MosaicInput:
        if self._output is None:
            raise NotOpenError("no mosaic is named; call defineoutputimage or setoutputimage first")
        return self._output

    @method
    def makemosaic(
        self,
        images: Annotated[list[str], kinds.TextList(drop_empty=True), "Images"] = [],  # noqa: B006 - copied
        weightimages: Annotated[list[str], kinds.TextList(drop_empty=True), "Their weight images"] = [],  # noqa: B006 - copied
        imageweighttype: ImageType = 1,
        weighttype: WeightType = 1,
    ) -> bool:
        """Make the mosaic, or add to it.

        Raises
        ------
        ParameterError, NotOpenError, PathMissingError, OutputExistsError, DataError
            There are not as many weights as images, no mosaic is named, an image is missing, a new output exists, or shapes differ.
        """
        if len(images) != len(weightimages):
            raise ParameterError(
                f"linearmosaic.makemosaic: there must be a weight image for each image; got {len(weightimages)} for {len(images)}"
            )
        inputs = [MosaicInput(i, w, imageweighttype, weighttype) for i, w in zip(images, weightimages, strict=True)]
        output = self._target()
        make_mosaic(inputs, self._grid, output)
        # What was made is what further images are added to.
        self._output, self._grid = MosaicInput(output.image, output.weight, 0, 2), None
        return True

    @method
    def saultweightimage(
        self,
        outputimage: Annotated[str, kinds.OutPath(), "Image to write"] = "",
        fracpeak: Annotated[float, kinds.Float(min=0), "Weights below this fraction of the largest are applied"] = 0.1,
    ) -> bool:
        """Write the mosaic multiplied by its weights where these are small, so that noise does not grow at the edge.

        Raises
        ------
        ParameterError, NotOpenError, PathMissingError, OutputExistsError
            The output is not named, no mosaic is, it is not made yet, or the output exists.
        """
        if not outputimage:
            raise ParameterError("linearmosaic.saultweightimage: parameter 'outputimage' must be a name")
        target = self._target()
        sault_image(target.image, target.weight, outputimage, fracpeak)
        return True
