"""Regions of images: region text, shapes, pixel sets and the selection that all image tasks share."""

from casatools.analysis.regions.crtf import CrtfRegion, parse_crtf, parse_crtf_file
from casatools.analysis.regions.image_selection import ImageSelection, parse_channels
from casatools.analysis.regions.pixels import PixelSet, Term

__all__ = ["CrtfRegion", "ImageSelection", "PixelSet", "Term", "parse_channels", "parse_crtf", "parse_crtf_file"]
