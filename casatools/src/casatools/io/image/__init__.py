"""Images on disk: one class over casacore image tables and FITS files, and their coordinates."""

from casatools.io.image.beams import Beam, BeamSet
from casatools.io.image.history import HistoryEntry
from casatools.io.image.image import CasaImage, casa_order, is_fits_file

__all__ = ["Beam", "BeamSet", "CasaImage", "HistoryEntry", "casa_order", "is_fits_file"]
