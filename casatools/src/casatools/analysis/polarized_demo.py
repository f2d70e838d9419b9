"""Images of polarized emission with known rotation measures, to try things on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.paths import staged_output
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, SpectralCoordinate, StokesCoordinate

__all__ = ["DemoImage", "write_demo_image"]

_INTENSITY = 2.0
_CIRCULAR = 0.05


@dataclass(frozen=True)
class DemoImage:
    """What the image shows: emission of intensity 2, half of it linearly polarized through each rotation measure in equal shares.

    Attributes
    ----------
    rm : tuple of float [rad/m2]
    angle_deg : float
        Position angle at wavelength zero.
    sigma : float
        Noise of each pixel.
    nx, ny, nchan : int
    frequency_hz, bandwidth_hz : float
        Of the middle channel, and of all.
    """

    rm: tuple[float, ...]
    angle_deg: float
    sigma: float
    nx: int
    ny: int
    nchan: int
    frequency_hz: float
    bandwidth_hz: float


def write_demo_image(outfile: str, demo: DemoImage) -> None:
    """Write the image (x, y, Stokes, frequency); the noise is the same at each call.

    Raises
    ------
    OutputExistsError
        The output exists.
    """
    step = demo.bandwidth_hz / demo.nchan
    spectral = SpectralCoordinate.linear("LSRK", demo.frequency_hz, step, float(demo.nchan // 2), demo.frequency_hz)
    direction = DirectionCoordinate.make(
        "J2000", "SIN", (0.0, 0.0), (float(demo.nx // 2), float(demo.ny // 2)), (-1.0, 1.0), ("'", "'")
    )
    coordinates = Coordinates([direction, StokesCoordinate.make("IQUV"), spectral])
    frequencies = spectral.frequencies_hz(demo.nchan)
    wavelength2 = (SPEED_OF_LIGHT_M_S / frequencies) ** 2
    turned = np.exp(2j * (np.radians(demo.angle_deg) + np.outer(demo.rm, wavelength2)))
    linear = 0.5 * _INTENSITY * turned.mean(axis=0)
    ones = np.ones(demo.nchan)
    stokes = np.stack([_INTENSITY * ones, linear.real, linear.imag, _CIRCULAR * _INTENSITY * ones], axis=1)
    noise = np.random.default_rng(1).normal(size=(demo.nchan, 4, demo.ny, demo.nx)) * demo.sigma
    with staged_output(outfile) as staged, CasaImage.create(staged, noise.shape, coordinates, unit="Jy/beam") as output:
        output.write(stokes[:, :, None, None] + noise)
