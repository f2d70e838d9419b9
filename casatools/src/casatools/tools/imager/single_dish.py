"""Images of single dishes: their options, and what `makeimage` makes of them."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.imaging.classic_imager import ClassicImager
from casatools.singledish.gridding_functions import FunctionOptions, width_in_pixels
from casatools.singledish.row_places import POINTING_COLUMNS
from casatools.singledish.sky_gridding import SkyOptions, make_sky_image
from casatools.tools.imager.setup import Anything, Fixed, Setup

__all__ = ["SINGLE_DISH", "SingleDish", "sky_image"]

# Types of images that are of single dishes alone.
SINGLE_DISH = ("singledish", "singledish-observed", "coverage", "holography")


class SingleDish(Setup):
    """Methods about single dishes."""

    @method
    def setsdoptions(
        self,
        scale: Annotated[float, kinds.Float(), "Factor of the data"] = 1.0,
        weight: Annotated[float, kinds.Float(), "Factor of the weights"] = 1.0,
        convsupport: Annotated[
            int, kinds.Int(), "Pixels on each side that BOX and SF reach; 0 of BOX and 3 of SF when negative"
        ] = -1,
        pointingcolumntouse: Annotated[str, kinds.Choice(POINTING_COLUMNS), "Column of POINTING"] = "DIRECTION",
        truncate: Annotated[Any, Anything, "Of GAUSS and GJINC: radius [pixel, or with a unit] beyond which they are zero"] = [],  # noqa: B006 - not changed
        gwidth: Annotated[
            Any, Anything, "Of GAUSS and GJINC: radius [pixel, or with a unit] at half of the Gaussian's maximum"
        ] = [],  # noqa: B006 - not changed
        jwidth: Annotated[Any, Anything, "Of GJINC: width c [pixel, or with a unit] of J1(pi r / c) / (pi r / c)"] = [],  # noqa: B006 - not changed
        minweight: Annotated[float, kinds.Float(min=0.0), "Pixels with no more weight than this are zero"] = 0.0,
        clipminmax: Annotated[
            bool, kinds.Bool(), "Leave the least and the greatest of three or more values out of each pixel"
        ] = False,
        enablecache: Annotated[bool, kinds.Bool(), Fixed] = False,
        convertfirst: Annotated[str, kinds.Choice(("NEVER", "ALWAYS", "AUTO", "never", "always", "auto")), Fixed] = "NEVER",
    ) -> bool:
        """Choose how images of single dishes are gridded, with the function that `setoptions` names as 'gridfunction'.

        Notes
        -----
        Widths that are empty or negative are the best ones for pixels of a third of the beam: of GAUSS a Gaussian that falls to 1/e at a pixel, up to three
        times its half width; of GJINC ``gwidth`` 2.52 sqrt(ln 2) and ``jwidth`` 1.55 pixels, up to the first null.

        References
        ----------
        Mangum, Emerson & Greisen 2007, A&A 474, 679: gridding of on-the-fly maps.

        Raises
        ------
        NotOpenError, ParameterError
            None is open, or a value is wrong.
        """
        del enablecache, convertfirst
        if weight <= 0:
            raise ParameterError(f"imager.setsdoptions: parameter 'weight' must be above 0; got {weight}")
        for name, value in (("truncate", truncate), ("gwidth", gwidth), ("jwidth", jwidth)):
            width_in_pixels(value, 1.0, name)
        self._open().sky = {
            "scale": scale, "weight": weight, "support": convsupport, "pointing": pointingcolumntouse, "truncate": truncate, "gauss_width": gwidth,
            "jinc_width": jwidth, "least_weight": minweight, "clips": clipminmax,
        }  # fmt: skip
        return True


def sky_image(state: ClassicImager, kind: str, image: str, complex_image: str) -> None:
    """Make an image of single dishes.

    Raises
    ------
    ParameterError, CasaError
        See `make_sky_image`.
    """
    if not image:
        raise ParameterError("imager.makeimage: parameter 'image' must be given; it names the new image")
    run = state.run()
    request = run.requests[0]
    asked = dict(state.sky)
    cell = float(request.grid_options.cell_rad[0])
    widths = {name: width_in_pixels(asked.pop(name, None), cell, name) for name in ("truncate", "gauss_width", "jinc_width")}
    function = FunctionOptions(state.sky_function, asked.pop("support", -1), **widths)
    options = SkyOptions(function, patterns=state.vptable, **asked)
    # Holography is of complex numbers: they are kept beside the image where no other name is given.
    made = complex_image or (f"{image}.compleximage" if kind == "holography" else "")
    make_sky_image(kind, request, run.chosen(), image, options, made)
