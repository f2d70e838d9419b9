"""Coordinates of a new image, as an imager makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.spectral import SpectralCoordinate
from casatools.io.image.coordinates.stokes import StokesCoordinate
from casatools.io.image.coordinates.system import Coordinate, Coordinates

__all__ = ["make_image_coordinates"]


def make_image_coordinates(
    imsize: Sequence[int],
    cell_rad: Sequence[float],
    phase_centre_rad: Sequence[float],
    frequencies_hz: np.ndarray | Sequence[float],
    *,
    direction_frame: str = "J2000",
    projection: str = "SIN",
    projection_parameters: Sequence[float] | None = None,
    stokes: Sequence[str] = ("I",),
    spectral_frame: str = "LSRK",
    channel_width_hz: float | None = None,
    rest_frequency_hz: float = 0.0,
    observation: ObservationInfo | None = None,
) -> Coordinates:
    """Direction, Stokes and spectral coordinates with the phase centre at pixel ``imsize // 2``.

    Parameters
    ----------
    imsize : (nx, ny)
        Pixels.
    cell_rad : (dx, dy)
        Pixel sizes [rad], both positive; the longitude increment becomes negative.
    phase_centre_rad : (longitude, latitude)
        [rad] in `direction_frame`.
    frequencies_hz : array-like (chan,)
        Channel centres [Hz] in `spectral_frame`. Evenly spaced ones (to 1e-6 of a channel) make a linear axis, others a table.
    channel_width_hz : float, optional
        Increment of a one-channel axis [Hz].
    rest_frequency_hz : float
        0 means none.
    observation : ObservationInfo, optional

    Returns
    -------
    Coordinates
        Pixel axes (x, y, stokes, freq).
    """
    direction = DirectionCoordinate.make(
        direction_frame,
        projection,
        (float(phase_centre_rad[0]), float(phase_centre_rad[1])),
        (float(imsize[0] // 2), float(imsize[1] // 2)),
        (-abs(float(cell_rad[0])), abs(float(cell_rad[1]))),
        parameters=projection_parameters,
    )
    spectral = _spectral(
        np.asarray(frequencies_hz, dtype=np.float64).ravel(), channel_width_hz, spectral_frame, rest_frequency_hz
    )
    members: list[Coordinate] = [direction, StokesCoordinate.make(stokes), spectral]
    out = Coordinates(members, observation=observation)
    out.world_replacement = [m.to_world(np.zeros((m.naxes, 1)))[:, 0] for m in members]
    return out


def _spectral(frequencies: np.ndarray, width: float | None, frame: str, rest: float) -> SpectralCoordinate:
    if len(frequencies) == 1:
        step = width if width else float(frequencies[0]) * 1e-6
        return SpectralCoordinate.linear(frame, float(frequencies[0]), step, 0.0, rest)
    step = (frequencies[-1] - frequencies[0]) / (len(frequencies) - 1)
    even = frequencies[0] + step * np.arange(len(frequencies))
    if np.max(np.abs(frequencies - even)) <= 1e-6 * abs(step):
        return SpectralCoordinate.linear(frame, float(frequencies[0]), float(width if width else step), 0.0, rest)
    return SpectralCoordinate.tabulated(frame, frequencies, rest)
