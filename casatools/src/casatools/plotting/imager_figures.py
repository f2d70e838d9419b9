"""Pictures of the imager tool: coverage of the uv plane, amplitudes, weights, and what is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from casatools.plotting.figure import GRID, new_figure

__all__ = ["amplitude_figure", "coverage_figure", "density_figure", "observed_figure", "weight_figure"]

_POINTS: dict[str, Any] = {"marker": ".", "markersize": 1.5, "linestyle": "none", "rasterized": True}


def _axes(figure: Any, place: tuple[int, int, int], x: str, y: str, title: str) -> Any:
    axes = figure.add_subplot(*place)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=10)
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.ticklabel_format(useOffset=False)
    return axes


def coverage_figure(u: np.ndarray, v: np.ndarray, title: str) -> Any:
    """The uv plane [kilo-wavelengths]; each sample also at its conjugate place."""
    figure = new_figure(6.0, 6.0)
    axes = _axes(figure, (1, 1, 1), "u [kλ]", "v [kλ]", title)
    axes.plot(u / 1e3, v / 1e3, color="#1f5fa8", label="samples", **_POINTS)
    axes.plot(-u / 1e3, -v / 1e3, color="#d1495b", label="conjugates", **_POINTS)
    reach = 1.05 * max(float(np.hypot(u, v).max()), 1e-9) / 1e3
    axes.set(xlim=(reach, -reach), ylim=(-reach, reach), aspect="equal")  # u to the east, which is to the left of images
    axes.legend(markerscale=6, fontsize=8, loc="upper right")
    return figure


def amplitude_figure(distance: np.ndarray, amplitudes: Mapping[str, np.ndarray], title: str) -> Any:
    """Amplitudes over the uv distance [wavelengths], a panel for each kind of data."""
    count = len(amplitudes)
    figure = new_figure(7.0, 2.6 * count + 0.6)
    figure.suptitle(title, fontsize=10)
    for k, (kind, values) in enumerate(amplitudes.items(), 1):
        axes = _axes(figure, (count, 1, k), "uv distance [kλ]", "amplitude", kind)
        axes.plot(distance / 1e3, values, color="#1f5fa8", **_POINTS)
        axes.set_ylim(bottom=0.0)
    return figure


def weight_figure(distance: np.ndarray, weights: np.ndarray, title: str) -> Any:
    """Weights over the uv distance [wavelengths]."""
    figure = new_figure(7.0, 4.0)
    axes = _axes(figure, (1, 1, 1), "uv distance [kλ]", "weight", title)
    axes.plot(distance / 1e3, weights, color="#1f5fa8", **_POINTS)
    axes.set_ylim(bottom=0.0)
    return figure


def density_figure(density: np.ndarray, title: str) -> Any:
    """A density of uv samples (u, v), logarithmic; cells are counted from the middle."""
    figure = new_figure(6.5, 5.5)
    axes = _axes(figure, (1, 1, 1), "u [cells]", "v [cells]", title)
    with np.errstate(divide="ignore"):
        shown = np.ma.masked_invalid(np.log10(density.T))
    nu, nv = density.shape
    drawn = axes.imshow(shown, origin="lower", extent=(-nu // 2, nu - nu // 2, -nv // 2, nv - nv // 2), cmap="viridis")
    axes.invert_xaxis()
    figure.colorbar(drawn, ax=axes, label="log10 of the sum of weights")
    return figure


def observed_figure(
    fields: Sequence[tuple[str, float, float]],
    bands: Sequence[tuple[str, float, float]],
    scans: Sequence[tuple[float, int]],
    title: str,
) -> Any:
    """Fields on the sky (name, longitude, latitude [deg]), spectral windows (name, edges [GHz]), and fields over time ([h], number)."""
    figure = new_figure(8.0, 9.0)
    figure.suptitle(title, fontsize=10)
    axes = _axes(figure, (3, 1, 1), "right ascension [deg]", "declination [deg]", "fields")
    for name, lon, lat in fields:
        axes.plot(lon, lat, marker="o", linestyle="none", color="#1f5fa8")
        axes.annotate(name, (lon, lat), xytext=(5, 5), textcoords="offset points", fontsize=8)
    axes.margins(0.25)
    axes.invert_xaxis()
    axes = _axes(figure, (3, 1, 2), "frequency [GHz]", "", "spectral windows")
    for k, (_, low, high) in enumerate(bands):
        axes.barh(k, high - low, left=low, height=0.6, color="#2e8b57")
    low, high = min(b[1] for b in bands), max(b[2] for b in bands)
    axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))  # bars stick to the edges otherwise
    axes.set_yticks(range(len(bands)), [name for name, *_ in bands], fontsize=8)
    axes.set_ylim(-0.6, len(bands) - 0.4)
    axes = _axes(figure, (3, 1, 3), "time since the first sample [h]", "", "fields over time")
    when = np.asarray(scans, dtype=np.float64).reshape(-1, 2)
    axes.plot(when[:, 0], when[:, 1], color="#d1495b", marker="|", linestyle="none")
    axes.set_yticks(range(len(fields)), [name for name, *_ in fields], fontsize=8)
    axes.set_ylim(-0.6, len(fields) - 0.4)
    return figure
