"""Image coordinates: the axes of an image and the conversions between pixels and world values."""

from casatools.io.image.coordinates.direction import DIRECTION_FRAMES, DirectionCoordinate
from casatools.io.image.coordinates.linear import LinearCoordinate
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.spectral import SPECTRAL_FRAMES, SpectralCoordinate
from casatools.io.image.coordinates.stokes import QualityCoordinate, StokesCoordinate
from casatools.io.image.coordinates.system import Coordinate, Coordinates
from casatools.io.image.coordinates.tabular import TabularCoordinate

__all__ = [
    "DIRECTION_FRAMES", "SPECTRAL_FRAMES", "Coordinate", "Coordinates", "DirectionCoordinate", "LinearCoordinate", "ObservationInfo",
    "QualityCoordinate", "SpectralCoordinate", "StokesCoordinate", "TabularCoordinate", "make_image_coordinates",
]  # fmt: skip
