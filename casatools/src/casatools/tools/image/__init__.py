"""The image tool."""

from __future__ import annotations

from casatools.tools.image.analysis import AnalysisMethods
from casatools.tools.image.editing import EditingMethods
from casatools.tools.image.finding import FindingMethods
from casatools.tools.image.fitting import FittingMethods
from casatools.tools.image.making import MakingMethods
from casatools.tools.image.metadata import MetadataMethods
from casatools.tools.image.pixels import PixelMethods
from casatools.tools.image.world import WorldMethods

__all__ = ["image"]


class image(
    PixelMethods, EditingMethods, MetadataMethods, WorldMethods, AnalysisMethods, FittingMethods, FindingMethods, MakingMethods
):
    """Images: pixels, masks, coordinates, beams, statistics."""
