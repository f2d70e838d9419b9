"""An image of some sources and noise for trials."""

from __future__ import annotations

import numpy as np

from casatools._base.paths import staged_output
from casatools.analysis.gaussian_sources import PlaneGeometry, Source, source_values
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

__all__ = ["write_test_image"]

_ARCSEC = np.pi / 648000
_CELL, _BEAM = 10.0 * _ARCSEC, 30.0 * _ARCSEC
# Peak [Jy/beam], x, y [pixel], major and minor axis [arcsec], position angle [deg].
_SOURCES = ((4.0, 55.0, 37.0, 90.0, 45.0, 40.0), (2.0, 25.0, 52.0, 30.0, 30.0, 0.0), (1.0, 88.0, 20.0, 60.0, 30.0, 120.0))


def write_test_image(path: str, overwrite: bool = False) -> None:
    """Write an image of 113 x 76 pixels [Jy/beam] with three Gaussians and noise of 0.02; always the same."""
    coordinates = make_image_coordinates(
        (113, 76), (_CELL, _CELL), (1.0, 0.5), np.array([1.4e9]), stokes=["I"]
    ).without_pixel_axes([2, 3])
    geometry = PlaneGeometry(np.diag([-_CELL, _CELL]))
    y, x = np.mgrid[0:76, 0:113].astype(np.float64)
    values = 0.02 * np.random.default_rng(113).normal(size=y.shape)
    for peak, x0, y0, major, minor, angle in _SOURCES:
        values += source_values(Source(peak, x0, y0, major * _ARCSEC, minor * _ARCSEC, np.radians(angle)), geometry, x, y)
    with staged_output(path, overwrite) as staged, CasaImage.create(staged, values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.single(Beam.from_rad(_BEAM, _BEAM, 0.0))
        made.object_name = "trial"
