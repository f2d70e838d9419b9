"""Start models on other grids keep flux, places and spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.analysis.regrid_places import exact_directions
from casatools.imaging.start_model import start_model
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.system import Coordinates

ARCSEC = float(np.deg2rad(1 / 3600))


def _grid(
    size: int,
    cell: float,
    stokes: tuple[str, ...] = ("I",),
    hz: tuple[float, ...] = (1.4e9,),
    frame: str = "J2000",
    lon: float = 1.0,
) -> Coordinates:
    return make_image_coordinates(
        (size, size),
        (cell * ARCSEC, cell * ARCSEC),
        (lon, 0.5),
        hz,
        direction_frame=frame,
        stokes=stokes,
        channel_width_hz=1e6 if len(hz) == 1 else None,
    )


def _write(path: Path, coordinates: Coordinates, pixels: np.ndarray) -> str:
    with CasaImage.create(str(path), pixels.shape, coordinates, np.float32, unit="Jy/pixel") as image:
        image.write(pixels.astype(np.float32))
    return str(path)


def _centroid(plane: np.ndarray, cell: float) -> np.ndarray:
    """Arcsec from the reference pixel."""
    y, x = np.indices(plane.shape)
    half = plane.shape[0] // 2
    return np.array([((x - half) * plane).sum(), ((y - half) * plane).sum()]) / plane.sum() * cell


@pytest.mark.parametrize(("size", "cell"), [(48, 4.0), (200, 1.0), (96, 2.5)])
def test_flux_and_places_are_kept(tmp_path: Path, size: int, cell: float) -> None:
    model = np.zeros((1, 1, 96, 96))
    model[0, 0, 40, 61], model[0, 0, 44, 50] = 2.0, -0.5
    path = _write(tmp_path / "m.im", _grid(96, 2.0), model)
    made = start_model(path, _grid(size, cell), (1, 1, size, size))
    assert made.sum() == pytest.approx(1.5, rel=1e-6)
    np.testing.assert_allclose(_centroid(made[0, 0], cell), _centroid(model[0, 0], 2.0), atol=0.02)


def test_the_same_grid_and_one_beyond_the_edge(tmp_path: Path) -> None:
    model = np.random.default_rng(1).random((1, 1, 32, 32))
    path = _write(tmp_path / "m.im", _grid(32, 2.0), model)
    np.testing.assert_array_equal(start_model(path, _grid(32, 2.0), (1, 1, 32, 32)), model.astype(np.float32))
    # A smaller image holds the middle.
    np.testing.assert_allclose(start_model(path, _grid(16, 2.0), (1, 1, 16, 16))[0, 0], model[0, 0, 8:24, 8:24], atol=1e-5)
    with pytest.raises(DataError, match="does not overlap"):
        start_model(path, _grid(16, 2.0, lon=1.2), (1, 1, 16, 16))


def test_another_frame(tmp_path: Path) -> None:
    model = np.zeros((1, 1, 64, 64))
    model[0, 0, 20, 41] = 1.0
    own = _grid(64, 2.0)
    path = _write(tmp_path / "m.im", own, model)
    there = exact_directions(np.array([1.0]), np.array([0.5]), "J2000", "GALACTIC")[:, 0]
    turned = make_image_coordinates((90, 90), (2 * ARCSEC, 2 * ARCSEC), tuple(there), (1.4e9,), direction_frame="GALACTIC")
    made = start_model(path, turned, (1, 1, 90, 90))
    assert made.sum() == pytest.approx(1.0, rel=1e-6)
    assert np.hypot(*_centroid(made[0, 0], 2.0)) == pytest.approx(2.0 * np.hypot(9, 12), rel=1e-3)


def test_channels_and_polarizations(tmp_path: Path) -> None:
    hz = (1.4e9, 1.402e9, 1.404e9)
    model = np.zeros((3, 1, 16, 16))
    model[:, 0, 8, 8] = 1.0, 2.0, 4.0
    path = _write(tmp_path / "cube.im", _grid(16, 2.0, hz=hz), model)
    made = start_model(path, _grid(16, 2.0, ("I", "V"), hz=(1.401e9, 1.404e9, 1.406e9)), (3, 2, 16, 16))
    np.testing.assert_allclose(made[:, 0, 8, 8], [1.5, 4.0, 0.0], atol=1e-4)
    assert not made[:, 1].any()
    one = _write(tmp_path / "one.im", _grid(16, 2.0), model[:1])
    np.testing.assert_allclose(start_model(one, _grid(16, 2.0, hz=hz), (3, 1, 16, 16))[:, 0, 8, 8], 1.0)
    with pytest.raises(DataError, match="frequencies"):
        start_model(path, _grid(16, 2.0, hz=(1.5e9,)), (1, 1, 16, 16))
    with pytest.raises(DataError, match="polarizations I, this run makes V"):
        start_model(path, _grid(16, 2.0, ("V",)), (1, 1, 16, 16))


def test_images_that_are_no_models(tmp_path: Path) -> None:
    flat = _grid(16, 2.0).without_pixel_axes([2, 3])
    path = _write(tmp_path / "flat.im", flat, np.ones((16, 16)))
    with pytest.raises(DataError, match="must have a sky plane"):
        start_model(path, _grid(16, 2.0), (1, 1, 16, 16))
    other = _grid(16, 2.0).transposed([0, 1, 3, 2])
    path = _write(tmp_path / "turned.im", other, np.ones((1, 1, 16, 16)))
    with pytest.raises(DataError, match="in another order"):
        start_model(path, _grid(16, 2.0), (1, 1, 16, 16))
