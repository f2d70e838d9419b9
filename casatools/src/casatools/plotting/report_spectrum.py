"""Figures of spectra for reports."""

from __future__ import annotations

import numpy as np

from casatools.plotting.figure import GRID, INK, new_figure, save_figure

__all__ = ["draw_spectrum"]


def draw_spectrum(
    figfile: str, velocity_km_s: np.ndarray, flux_jy: np.ndarray, is_line: np.ndarray, noise_jy: float,
    edges_km_s: tuple[float, float] | None = None, title: str = "",
) -> None:  # fmt: skip
    """Plot a spectrum as steps, the channels that were summed filled, the noise as a band.

    Parameters
    ----------
    figfile : str
        An existing file is replaced.
    velocity_km_s, flux_jy : ndarray (chan,)
        Velocities ascending, evenly spaced.
    is_line : ndarray of bool (chan,)
    noise_jy : float
        Standard deviation of a channel.
    edges_km_s : (float, float), optional
        Where the line is at half of its peak.
    title : str
    """
    step = float(np.median(np.diff(velocity_km_s)))
    flux = flux_jy * 1e3
    figure = new_figure(8.0, 4.2)
    axes = figure.add_subplot()
    edges = np.append(velocity_km_s - 0.5 * step, velocity_km_s[-1] + 0.5 * step)
    axes.stairs(np.where(is_line, flux, 0.0), edges, fill=True, color="#1f6fb4", alpha=0.25, label="summed")
    axes.stairs(flux, edges, baseline=None, color="#1f6fb4", linewidth=1.4)
    axes.axhspan(-noise_jy * 1e3, noise_jy * 1e3, color="#999999", alpha=0.25, linewidth=0, label="noise (1σ)")
    axes.axhline(0.0, color=INK, linewidth=0.7)
    if edges_km_s is not None:
        for k, edge in enumerate(edges_km_s):
            axes.axvline(edge, color="#d1495b", linewidth=1.0, linestyle="--", label="half of the peak" if k == 0 else None)
        axes.axvline(0.5 * sum(edges_km_s), color="#d1495b", linewidth=1.0, linestyle=":", label="systemic")
    axes.set_xlim(edges[0], edges[-1])
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("Radio velocity, LSRK [km/s]")
    axes.set_ylabel("Flux density [mJy]")
    axes.legend(fontsize=8, framealpha=0.9)
    axes.set_title(title or "Spectrum", fontsize=11)
    save_figure(figure, figfile)
