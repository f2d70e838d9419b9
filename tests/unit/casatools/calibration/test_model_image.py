"""Model images: degridding against a direct Fourier sum."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.calibration.model_image import ModelImage, image_axes, open_model_image, tangent_axes
from casatools.frames.directions import Direction, convert_direction
from casatools.io.image.coordinates.direction import DirectionCoordinate


def test_against_direct_sum() -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((33, 40))
    pixels[3, 5], pixels[20, 31], pixels[32, 39] = 1.0, 2.5, 0.7
    step = 2e-5
    image = ModelImage(pixels, (1.0, 0.5), (15.0, 21.0), (-step, step))
    uvw, frequency, centre = rng.normal(0, 3000, (50, 3)), np.array([1.4e9, 1.5e9]), np.array([1.0003, 0.4999])
    here, there = tangent_axes(*centre), tangent_axes(1.0, 0.5)
    want = np.zeros((50, 2), dtype=complex)
    for i, j in zip(*np.nonzero(pixels), strict=True):
        l, m = (i - 15) * -step, (j - 21) * step
        toward = l * there[0] + m * there[1] + np.sqrt(1 - l * l - m * m) * there[2]
        path = uvw @ (here @ toward - np.array([0.0, 0.0, 1.0]))
        want += pixels[i, j] * np.exp(2j * np.pi * np.outer(path, frequency) / 299792458.0)
    assert np.abs(image.visibilities(uvw, frequency, centre) - want).max() < 1e-5
    assert np.isclose(image.total_flux, 4.2)


def test_missing_image() -> None:
    with pytest.raises(PathMissingError, match="neither a path nor a calibrator model"):
        open_model_image("no such image.im")


@pytest.mark.parametrize("frame", ["J2000", "ICRS", "GALACTIC", "B1950"])
@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_images_in_any_frame_and_turned(frame: str, turn: float) -> None:
    """The places of pixels that the image's own coordinates give, summed directly."""
    c, s = np.cos(turn), np.sin(turn)
    step = 2e-5
    coordinate = DirectionCoordinate.make(frame, "SIN", (1.2, 0.6), (15.0, 21.0), (-step, step), matrix=[[c, -s], [s, c]])
    pixels = np.zeros((33, 40))
    pixels[3, 5], pixels[20, 31] = 1.0, 2.5
    reference, angle = image_axes(coordinate, "x.im")
    image = ModelImage(pixels, reference, (15.0, 21.0), (-step, step), angle)
    centre = np.array(reference)
    uvw, frequency = np.random.default_rng(1).normal(0, 2000, (30, 3)), np.array([1.4e9])
    here = tangent_axes(*centre)
    want = np.zeros((30, 1), dtype=complex)
    for i, j in zip(*np.nonzero(pixels), strict=True):
        lon, lat = (float(v) for v in np.ravel(coordinate.to_world(np.array([[float(i)], [float(j)]]))))
        place = convert_direction(Direction(lon, lat, frame), "J2000")
        toward = tangent_axes(place.lon_rad, place.lat_rad)[2]
        want += pixels[i, j] * np.exp(
            2j * np.pi * np.outer(uvw @ (here @ toward - np.array([0.0, 0.0, 1.0])), frequency) / 299792458.0
        )
    assert np.abs(image.visibilities(uvw, frequency, centre) - want).max() < 2e-3


def test_skew_axes_are_refused() -> None:
    for increment, matrix in (((-2e-5, 2e-5), [[1.0, 0.3], [0.0, 1.0]]), ((-2e-5, 4e-5), [[0.8, -0.6], [0.6, 0.8]])):
        coordinate = DirectionCoordinate.make("J2000", "SIN", (1.2, 0.6), (15.0, 21.0), increment, matrix=matrix)
        with pytest.raises(DataError, match="right angles"):
            image_axes(coordinate, "x.im")
    beside_the_pole = DirectionCoordinate.make("J2000", "SIN", (1.2, 1.55), (15.0, 21.0), (-2e-5, 2e-5))
    assert image_axes(beside_the_pole, "x.im")[1] == pytest.approx(0.0, abs=1e-6)
