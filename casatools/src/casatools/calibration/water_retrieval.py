"""How the brightness of the 183 GHz line says the excess path: the column of water and its coefficients, from four channels.

The atmosphere is one thin layer of vapour with three unknowns: its column, temperature and pressure. All layers that the priors
allow are weighted by how well they give the observed brightness, and the coefficients are means over them, so the answer is the
integral that the reference's sampling approximates, and does not depend on random numbers.

References
----------
Nikolic 2009, ALMA Memo 587 (the layer, priors, coefficients); Nikolic, Bolton, Graves, Hills, Richer 2013, A&A 552, A104 (the radiometers).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from casatools.kernels.air_absorption import CMB_K, water_opacity_per_mm

__all__ = ["CHANNEL_NOISE_K", "PATH_PER_WATER", "ThinLayer", "WaterColumn", "retrieve_water"]

# Noise (K) of the four channels in one integration (A&A 552, A104).
CHANNEL_NOISE_K = np.array([0.10, 0.08, 0.08, 0.09])
# Excess path for a column of water as long, at 270 K (Thayer 1974).
PATH_PER_WATER = 6.68
_LINE_GHZ, _PARTS = 183.31, 6


@dataclass(frozen=True)
class ThinLayer:
    """What is assumed of the layer and the radiometers.

    The priors and the model's error were chosen so that coefficients agree with those of CASA 6.7 for columns of 0.25 to 4.5 mm.

    Attributes
    ----------
    temperature_k, pressure_hpa : tuple of float
        Mean and width of the priors.
    error_k : float
        How well the model can give a brightness.
    coupling : float
        Share of the radiometer's beam on the sky; the rest sees the surroundings.
    surroundings_k : float
    continuum : float
        Share of the water continuum of P.676.
    """

    temperature_k: tuple[float, float] = (265.2, 11.9)
    pressure_hpa: tuple[float, float] = (407.0, 55.3)
    error_k: float = 1.27
    coupling: float = 0.989
    surroundings_k: float = 275.0
    continuum: float = 0.28


@dataclass(frozen=True)
class WaterColumn:
    """What one observed brightness says.

    Attributes
    ----------
    evidence : float
        How likely the brightness was under the priors.
    water_mm, water_error_mm : float
        Column of water along the line of sight.
    kelvin_per_mm : ndarray (4,)
        Change of brightness of each channel for each mm of path.
    kelvin_per_mm_error : ndarray (4,)
    """

    evidence: float
    water_mm: float
    water_error_mm: float
    kelvin_per_mm: np.ndarray
    kelvin_per_mm_error: np.ndarray

    @property
    def path_per_kelvin(self) -> np.ndarray:
        """Weights [mm/K] of the channels in the path: each by its noise in path."""
        precision = (self.kelvin_per_mm / CHANNEL_NOISE_K) ** 2
        return np.asarray(precision / precision.sum() / self.kelvin_per_mm)


@lru_cache(maxsize=8)
def _opacities(layer: ThinLayer, offsets_ghz: tuple[float, ...], widths_ghz: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    """Opacity of 1 mm of water over (temperature, pressure, channel, part), with the nodes and weights of the priors."""
    steps = np.linspace(-2.5, 2.5, 11)
    prior = np.exp(-0.5 * steps**2)
    temperature = layer.temperature_k[0] + steps * layer.temperature_k[1]
    pressure = np.maximum(layer.pressure_hpa[0] + steps * layer.pressure_hpa[1], 50.0)
    inside = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    one_side = np.asarray(offsets_ghz)[:, None] + np.asarray(widths_ghz)[:, None] * inside
    frequency = np.concatenate([_LINE_GHZ + one_side, _LINE_GHZ - one_side], axis=1)
    opacity = water_opacity_per_mm(frequency, temperature[:, None, None, None], pressure[None, :, None, None], layer.continuum)
    return opacity, temperature, np.outer(prior, prior) / prior.sum() ** 2


def retrieve_water(
    observed_k: np.ndarray, offsets_ghz: tuple[float, ...], widths_ghz: tuple[float, ...], layer: ThinLayer | None = None
) -> WaterColumn:
    """Find the water that an observed brightness stands for.

    Parameters
    ----------
    observed_k : ndarray (4,)
    offsets_ghz, widths_ghz : tuple of float
        Distance of the channels from the line, and their widths.
    layer : ThinLayer, optional

    Returns
    -------
    WaterColumn
        ``evidence`` is zero where no layer gives this brightness.
    """
    layer = layer or ThinLayer()
    opacity, temperature, prior = _opacities(layer, offsets_ghz, widths_ghz)
    coarse = np.geomspace(0.02, 12.0, 64)
    likely = _posterior(observed_k, coarse, opacity, temperature, prior, layer)[0].sum(axis=(0, 1))
    if not likely.max() > 0.0:
        nothing = np.full(len(offsets_ghz), np.nan)
        return WaterColumn(0.0, float("nan"), float("nan"), nothing, nothing)
    kept = np.flatnonzero(likely > 1e-6 * likely.max())
    low, high = coarse[max(kept[0] - 1, 0)], coarse[min(kept[-1] + 1, len(coarse) - 1)]
    column = np.linspace(low, high, 96)
    weight, slope = _posterior(observed_k, column, opacity, temperature, prior, layer)
    total = weight.sum()
    mean = float((weight * column).sum() / total)
    spread = float((weight * (column - mean) ** 2).sum() / total)
    coefficient = np.einsum("tpc,tpkc->k", weight, slope) / total
    error = np.sqrt(np.maximum(np.einsum("tpc,tpkc->k", weight, slope**2) / total - coefficient**2, 0.0))
    return WaterColumn(float(total * (column[1] - column[0])), mean, float(np.sqrt(spread)), coefficient, error)


def _posterior(
    observed_k: np.ndarray,
    column_mm: np.ndarray,
    opacity: np.ndarray,
    temperature: np.ndarray,
    prior: np.ndarray,
    layer: ThinLayer,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (temperature, pressure, column) of each layer, and its brightness' change with the path, with a channel axis before the last."""
    through = np.exp(-opacity[..., None] * column_mm)
    warm = temperature[:, None, None, None]
    sky = warm - (warm - CMB_K) * through.mean(axis=3)
    model = layer.coupling * sky + (1.0 - layer.coupling) * layer.surroundings_k
    slope = layer.coupling * (warm - CMB_K) * (opacity[..., None] * through).mean(axis=3) / PATH_PER_WATER
    misfit = (((model - observed_k[:, None]) / layer.error_k) ** 2).sum(axis=2)
    scale = (2.0 * np.pi) ** (-0.5 * len(observed_k)) * layer.error_k ** -len(observed_k)
    return scale * np.exp(-0.5 * misfit) * prior[:, :, None], slope
