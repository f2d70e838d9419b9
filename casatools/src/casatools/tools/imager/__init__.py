"""The imager tool: the older way to image, step by step; tclean and the synthesis tools are the newer one."""

from __future__ import annotations

from casatools.tools.imager.making import Making
from casatools.tools.imager.masks import Masks
from casatools.tools.imager.models import Models
from casatools.tools.imager.pictures import Pictures
from casatools.tools.imager.planning import Planning
from casatools.tools.imager.products import Products
from casatools.tools.imager.single_dish import SingleDish

__all__ = ["imager"]


class imager(Making, Models, Masks, Planning, Pictures, Products, SingleDish):
    """Images one MeasurementSet: open it, select, define the image, weight, then make images of it.

    The images are those of tclean, which all steps are made of. The steps that CASA offers besides, and that are not here, name what to use instead.
    """
