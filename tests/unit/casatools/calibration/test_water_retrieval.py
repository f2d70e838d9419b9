"""The column of water and its coefficients from brightness that a known layer gives."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.water_retrieval import PATH_PER_WATER, ThinLayer, retrieve_water
from casatools.kernels.air_absorption import CMB_K, water_opacity_per_mm

OFFSETS, WIDTHS = (1.24, 3.24, 5.49, 7.24), (1.5, 2.5, 2.0, 1.5)
# What CASA 6.7 wrote for clear skies of 260 K and 450 hPa: brightness (K) and its coefficients (K/mm), two of them.
BRIGHTNESS = {
    0.25: ((73.4, 28.7, 13.6, 9.7), (35.70, 13.10, 5.25, 3.25)),
    0.459: ((116.6, 48.1, 22.3, 15.5), (26.86, 12.46, 5.41, 3.40)),
}


def seen(column_mm: float, temperature_k: float, pressure_hpa: float, layer: ThinLayer) -> np.ndarray:
    parts = (np.arange(6) + 0.5) / 6 - 0.5
    out = []
    for offset, width in zip(OFFSETS, WIDTHS, strict=True):
        sides = np.concatenate([183.31 + offset + parts * width, 183.31 - offset + parts * width])
        through = np.exp(
            -column_mm * water_opacity_per_mm(sides, np.array(temperature_k), np.array(pressure_hpa), layer.continuum)
        ).mean()
        out.append(
            layer.coupling * (temperature_k - (temperature_k - CMB_K) * through) + (1 - layer.coupling) * layer.surroundings_k
        )
    return np.array(out)


@pytest.mark.parametrize("column", [0.4, 1.0, 2.5])
def test_recovers_the_column_and_its_coefficients(column: float) -> None:
    layer = ThinLayer()
    found = retrieve_water(seen(column, 265.2, 407.0, layer), OFFSETS, WIDTHS)
    step = 0.01
    slope = (seen(column + step, 265.2, 407.0, layer) - seen(column - step, 265.2, 407.0, layer)) / (2 * step * PATH_PER_WATER)
    assert found.water_mm == pytest.approx(column, abs=max(2 * found.water_error_mm, 0.02))
    np.testing.assert_allclose(found.kelvin_per_mm, slope, rtol=0.04)
    assert np.all(found.kelvin_per_mm_error >= 0)
    # The path of a small change of water, seen by all channels, is that of the change.
    change = seen(column + step, 265.2, 407.0, layer) - seen(column, 265.2, 407.0, layer)
    assert change @ found.path_per_kelvin == pytest.approx(step * PATH_PER_WATER, rel=0.03)


@pytest.mark.parametrize("column", sorted(BRIGHTNESS))
def test_coefficients_are_those_of_the_reference(column: float) -> None:
    brightness, coefficients = BRIGHTNESS[column]
    found = retrieve_water(np.array(brightness), OFFSETS, WIDTHS)
    np.testing.assert_allclose(found.kelvin_per_mm, coefficients, rtol=0.03)


def test_brightness_that_no_layer_gives() -> None:
    found = retrieve_water(np.array([10.0, 250.0, 10.0, 250.0]), OFFSETS, WIDTHS)
    assert found.evidence == 0.0
    assert np.isnan(found.water_mm)
