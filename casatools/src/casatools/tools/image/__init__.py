"""The image tool."""

from __future__ import annotations

from casatools.tools.image.analysis import AnalysisMethods
from casatools.tools.image.making import MakingMethods
from casatools.tools.image.metadata import MetadataMethods
from casatools.tools.image.pixels import PixelMethods

__all__ = ["image"]


class image(PixelMethods, MetadataMethods, AnalysisMethods, MakingMethods):
    """Images: pixels, masks, coordinates, beams, statistics."""
