"""Model visibilities of an image: its pixels gridded in reverse."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, PathMissingError
from casatools._base.paths import resolve
from casatools._base.threads import thread_count

if TYPE_CHECKING:
    from casatools.io.image.coordinates.direction import DirectionCoordinate

__all__ = ["ModelImage", "image_axes", "open_model_image", "tangent_axes"]

# Relative accuracy of degridding: below single precision.
_EPSILON = 1e-6
# The gridder takes even sizes of at least this, and the phase exp(-2 pi i (ul + vm - w(n - 1))).
_SMALLEST = 32
_GRIDDER_SIGNS = np.array([-1.0, -1.0, 1.0])


def tangent_axes(lon_rad: float, lat_rad: float) -> np.ndarray:
    """Unit vectors east, north and towards a direction, as rows (3, 3)."""
    a, d = lon_rad, lat_rad
    return np.array(
        [
            [-np.sin(a), np.cos(a), 0.0],
            [-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)],
            [np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)],
        ]
    )


@dataclass(frozen=True)
class ModelImage:
    """One plane of a model image.

    Attributes
    ----------
    pixels_jy : ndarray (x, y) float64 [Jy/pixel]
    reference_rad : tuple of float
        Longitude and latitude of the reference point, J2000.
    reference_pixel : tuple of float
        0-based.
    increment_rad : tuple of float
        Pixel sizes, the first negative where longitude grows to the left.
    turn_rad : float
        Position angle of the image's second axis, north through east.
    """

    pixels_jy: np.ndarray
    reference_rad: tuple[float, float]
    reference_pixel: tuple[float, float]
    increment_rad: tuple[float, float]
    turn_rad: float = 0.0

    @property
    def total_flux(self) -> float:
        """Sum of the pixels [Jy]."""
        return float(self.pixels_jy.sum())

    def visibilities(
        self, uvw_m: np.ndarray, frequency_hz: np.ndarray, phase_centre_rad: np.ndarray, curved: bool = True
    ) -> np.ndarray:
        """Visibilities of the plane.

        Parameters
        ----------
        uvw_m : ndarray (row, 3) float64 [m]
        frequency_hz : ndarray (chan,) float64 [Hz]
        phase_centre_rad : ndarray (2,)
            J2000 direction that the uvw are for.
        curved : bool
            Count the w of baselines; without, the image is flat about its reference point.

        Returns
        -------
        ndarray (row, chan) complex64 [Jy]

        Notes
        -----
        The baselines are turned to the image's reference point, and the phase between that and the phase centre is put on, so
        that an image may lie anywhere near the field. ``exp(+2 pi i (ul + vm + w(n - 1)))`` with the uvw of the MeasurementSet.

        References
        ----------
        Arras et al. 2021, A&A 646, A58 (the gridder).
        """
        from ducc0.wgridder import dirty2vis

        here = tangent_axes(float(phase_centre_rad[0]), float(phase_centre_rad[1]))
        there = _turned_axes(self.reference_rad, self.turn_rad)
        turned = uvw_m @ (here @ there.T)
        pixels = self.pixels_jy
        steps, centres = [], []
        for axis in (0, 1):
            n, step, at = pixels.shape[axis], self.increment_rad[axis], self.reference_pixel[axis]
            if step < 0:
                pixels, at, step = np.flip(pixels, axis), n - 1 - at, -step
            more = max(n + n % 2, _SMALLEST) - n
            if more:
                pixels = np.pad(pixels, [(0, more if a == axis else 0) for a in (0, 1)])
                n += more
            steps.append(step)
            centres.append((n // 2 - at) * step)
        visibility = dirty2vis(
            uvw=turned * _GRIDDER_SIGNS, freq=np.asarray(frequency_hz, dtype=np.float64), dirty=np.ascontiguousarray(pixels),
            pixsize_x=steps[0], pixsize_y=steps[1], center_x=centres[0], center_y=centres[1], epsilon=_EPSILON, do_wgridding=curved,
            divide_by_n=False, nthreads=thread_count(),
        )  # fmt: skip
        shift = uvw_m @ (here @ (there[2] - here[2]))
        phase = np.multiply.outer(shift, np.asarray(frequency_hz) * (2 * np.pi / SPEED_OF_LIGHT_M_S))
        return (visibility * np.exp(1j * phase)).astype(np.complex64)


def _turned_axes(reference_rad: tuple[float, float], turn_rad: float) -> np.ndarray:
    """`tangent_axes` turned from north to east."""
    east, north, toward = tangent_axes(*reference_rad)
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return np.array([c * east - s * north, c * north + s * east, toward])


def image_axes(direction: DirectionCoordinate, path: str) -> tuple[tuple[float, float], float]:
    """Where an image's reference point is in J2000, and the position angle of its second axis there.

    Parameters
    ----------
    direction : DirectionCoordinate
        In any frame, possibly turned.
    path : str
        For errors.

    Raises
    ------
    DataError
        The axes are not at right angles, or of different scale.
    """
    from casatools.frames.directions import Direction, convert_direction

    matrix = np.asarray(direction.matrix, dtype=np.float64)
    ratio = direction.increment_rad[0] / direction.increment_rad[1]
    east = np.array([matrix[0, 0], matrix[1, 0] / ratio])
    north = np.array([matrix[0, 1] * ratio, matrix[1, 1]])
    if not np.allclose([east @ east, north @ north, east[0] * north[1] - east[1] * north[0]], 1.0, atol=1e-6):
        raise DataError(f"model image {path!r} has axes that are not at right angles or of different scales; regrid it first")
    lon, lat = direction.reference_rad
    # A step towards the frame's north, or from it beside the pole.
    step = -1e-6 if lat > 1.5 else 1e-6
    here, there = (convert_direction(Direction(lon, at, direction.frame), "J2000") for at in (lat, lat + step))
    a, b = (
        np.array([np.cos(d.lat_rad) * np.cos(d.lon_rad), np.cos(d.lat_rad) * np.sin(d.lon_rad), np.sin(d.lat_rad)])
        for d in (here, there)
    )
    along = (b - a) * np.sign(step)
    axes = tangent_axes(here.lon_rad, here.lat_rad)
    frame = float(np.arctan2(axes[0] @ along, axes[1] @ along))
    return (here.lon_rad, here.lat_rad), frame + float(np.arctan2(north[0], north[1]))


def open_model_image(name: str) -> ModelImage:
    """Read a model image: its first plane of Stokes I.

    Parameters
    ----------
    name : str
        A path, or the name of a calibrator model over the data paths (nrao/VLA/CalModels).

    Raises
    ------
    PathMissingError, DataError
        There is no such image, or it has no direction axes, no Stokes I or no flux.
    """
    from casatools.io.image import CasaImage

    path = next((p for p in (resolve(name), resolve(os.path.join("nrao", "VLA", "CalModels", name))) if os.path.exists(p)), "")
    if not path:
        raise PathMissingError(f"model image {name!r} is neither a path nor a calibrator model over the data paths")
    with CasaImage.open(path) as image:
        direction = image.coordinates.direction
        if direction is None or image.coordinates.direction_axes != (0, 1):
            raise DataError(f"model image {path!r} has no direction as its first two axes")
        first = [0] * (image.ndim - 2)
        stokes, axis = image.coordinates.stokes, image.coordinates.stokes_axis
        if stokes is not None and axis is not None:
            labels = list(stokes.labels)
            if "I" not in labels:
                raise DataError(f"model image {path!r} has the planes {', '.join(labels)}; a model needs Stokes I")
            first[image.ndim - 1 - axis] = labels.index("I")
        plane = image.read((*first, slice(None), slice(None)))
    pixels = np.nan_to_num(np.asarray(plane, dtype=np.float64).T)
    reference, turn = image_axes(direction, path)
    model = ModelImage(pixels, reference, tuple(direction.reference_pixel.tolist()), direction.increment_rad, turn)
    if model.total_flux <= 0:
        raise DataError(f"model image {path!r} has no flux: its pixels add up to {model.total_flux}")
    return model
