"""Mask images."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools._base.paths import require_present
from casatools.imaging.mask_shapes import check_shapes, clip_image, draw_shapes, threshold_mask, write_blank
from casatools.imaging.request import jansky
from casatools.tools.imager.setup import Anything, Setup, given

__all__ = ["Masks"]

MaskOut = Annotated[str, kinds.OutPath(), "Name of the new mask image"]
Value = Annotated[float, kinds.Float(), "Value inside"]
_Shapes = kinds.Variant((kinds.Array(),))


class Masks(Setup):
    """Methods that make masks for cleaning."""

    @method
    def boxmask(
        self,
        mask: MaskOut = "",
        blc: Annotated[list[int], kinds.IntList(), "First corner [pixels]"] = [0, 0, 0, 0],  # noqa: B006 - copied
        trc: Annotated[list[int], kinds.IntList(), "Last corner [pixels]; the image's when empty"] = [],  # noqa: B006 - copied
        value: Value = 1.0,
    ) -> bool:
        """Make a mask image of a box, on all channels and polarizations."""
        coordinates, shape = self._new(mask, "boxmask")
        write_blank(mask, coordinates, shape)
        last = list(trc) or [shape[3] - 1, shape[2] - 1]
        draw_shapes(mask, [[blc[0], blc[1], last[0], last[1]]], [], value)
        return True

    def _new(self, mask: str, what: str) -> tuple[Any, tuple[int, ...]]:
        if not mask:
            raise ParameterError(f"imager.{what}: parameter 'mask' must be given; it names the mask image")
        return self._open().blank()

    @method
    def regionmask(
        self,
        mask: MaskOut = "",
        region: Annotated[dict[str, Any], kinds.Record(), "Region"] = {},  # noqa: B006 - copied
        boxes: Annotated[Any, _Shapes, "Boxes [x0, y0, x1, y1] in pixels"] = [],  # noqa: B006 - copied
        circles: Annotated[Any, _Shapes, "Circles [radius, x, y] in pixels"] = [],  # noqa: B006 - copied
        value: Value = 1.0,
    ) -> bool:
        """Make a mask image of regions, boxes and circles."""
        check_shapes(list(boxes), list(circles))
        coordinates, shape = self._new(mask, "regionmask")
        write_blank(mask, coordinates, shape)
        draw_shapes(mask, list(boxes), list(circles), value, region)
        return True

    @method
    def regiontoimagemask(
        self,
        mask: Annotated[str, kinds.InPath(), "Mask image that is there"] = "",
        region: Annotated[dict[str, Any], kinds.Record(), "Region"] = {},  # noqa: B006 - copied
        boxes: Annotated[Any, _Shapes, "Boxes [x0, y0, x1, y1] in pixels"] = [],  # noqa: B006 - copied
        circles: Annotated[Any, _Shapes, "Circles [radius, x, y] in pixels"] = [],  # noqa: B006 - copied
        value: Value = 1.0,
    ) -> bool:
        """Put regions, boxes and circles into a mask image."""
        draw_shapes(require_present(mask, "mask image"), list(boxes), list(circles), value, region)
        return True

    @method
    def mask(
        self,
        image: Annotated[str, kinds.InPath(), "Image"] = "",
        mask: MaskOut = "",
        threshold: Annotated[Any, Anything, "Intensity [Jy/beam] above which the mask is 1"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Make a mask image of where an image is above a threshold."""
        if not mask:
            raise ParameterError("imager.mask: parameter 'mask' must be given; it names the mask image")
        threshold_mask(require_present(image, "image"), mask, jansky(threshold) if given(threshold) else 0.0)
        return True

    @method
    def exprmask(
        self,
        mask: MaskOut = "",
        expr: Annotated[Any, Anything, "Number, or lattice expression such as '\"a.image\" > 0.1'"] = 1.0,
    ) -> bool:
        """Make a mask image of an expression.

        Raises
        ------
        ParameterError, OutputExistsError
            The expression cannot be read, or the mask is there.
        """
        coordinates, shape = self._new(mask, "exprmask")
        if isinstance(expr, (int, float)):
            write_blank(mask, coordinates, shape)
            draw_shapes(mask, [[0, 0, shape[3], shape[2]]], [], float(expr))
            return True
        from casatools.analysis.image_math import MathOutput, compute_expression
        from casatools.analysis.sub_images import PixelChoice

        compute_expression(f"iif({expr}, 1.0, 0.0)", {}, PixelChoice(), MathOutput(mask, False))
        return True

    @method
    def clipimage(
        self,
        image: Annotated[str, kinds.InPath(), "Image, changed in place"] = "",
        threshold: Annotated[Any, Anything, "Intensity [Jy/beam] below which pixels become zero"] = [],  # noqa: B006 - not changed
    ) -> bool:
        """Set pixels below a threshold to zero."""
        clip_image(require_present(image, "image"), jansky(threshold) if given(threshold) else 0.0)
        return True
