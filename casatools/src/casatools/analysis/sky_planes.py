"""Where the sky, frequency and polarization stand in an image, and its planes one by one."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.analysis.gaussian_sources import PlaneGeometry
from casatools.frames.quantities import convert_value
from casatools.io.image import CasaImage

__all__ = ["SkyPlanes"]


class SkyPlanes:
    """Where the sky, frequency and polarization stand in an image."""

    def __init__(self, image: CasaImage) -> None:
        coordinates = image.coordinates
        direction = coordinates.direction
        axes = coordinates.direction_axes
        if direction is None or len(axes) != 2 or min(axes) < 0:
            raise DataError(f"image {image.path!r} has no sky plane")
        self.direction = direction
        self.image, self.ndim = image, image.ndim
        self.x_axis, self.y_axis = (self.ndim - 1 - a for a in axes)
        self.channel_axis, self.stokes_axis = (
            None if a is None or a < 0 else self.ndim - 1 - a for a in (coordinates.spectral_axis, coordinates.stokes_axis)
        )
        scale = [float(convert_value(1.0, u, "rad")) for u in direction.units]
        self.geometry = PlaneGeometry((np.asarray(direction.increment) * scale)[:, None] * np.asarray(direction.matrix))

    def plane_slices(self, shape: tuple[int, ...], channel: int, stokes: int) -> tuple[slice, ...]:
        at = {self.channel_axis: channel, self.stokes_axis: stokes}
        return tuple(
            slice(0, n) if k in (self.x_axis, self.y_axis) else slice(at.get(k, 0), at.get(k, 0) + 1) for k, n in enumerate(shape)
        )

    def flat(self, block: np.ndarray) -> np.ndarray:
        """A block of one plane as (y, x)."""
        plane = np.squeeze(block, axis=tuple(k for k in range(self.ndim) if k not in (self.x_axis, self.y_axis)))
        return plane if self.y_axis < self.x_axis else plane.T

    def block(self, plane: np.ndarray) -> np.ndarray:
        """The inverse of `flat`."""
        turned = plane if self.y_axis < self.x_axis else plane.T
        return np.expand_dims(turned, tuple(k for k in range(self.ndim) if k not in (self.x_axis, self.y_axis)))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Longitude and latitude [rad] of a pixel."""
        world = np.ravel(self.direction.to_world(np.array([[x], [y]])))
        lon, lat = (float(convert_value(float(w), u, "rad")) for w, u in zip(world, self.direction.units, strict=True))
        return float(np.remainder(lon + np.pi, 2 * np.pi) - np.pi), lat

    def frequency_hz(self, channel: int) -> float | None:
        spectral = self.image.coordinates.spectral
        if spectral is None:
            return None
        return float(np.ravel(spectral.to_world(np.array([[float(channel)]])))[0] * spectral.hz)
