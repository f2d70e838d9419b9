"""How a deconvolution converged: peak residual and model flux against iterations, from the record that tclean returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.plotting.figure import GRID, INK, new_figure, save_figure

__all__ = ["Convergence", "convergence", "plot_convergence"]


@dataclass(frozen=True)
class Convergence:
    """What each minor cycle of one image left, all planes together.

    Attributes
    ----------
    iterations : ndarray (cycle,) int64
        Iterations done on all planes up to the end of the cycle.
    peak_jy : ndarray (cycle,) float64
        Greatest peak residual of the planes [Jy/beam].
    flux_jy : ndarray (cycle,) float64
        Flux of the model, summed over channels and polarizations [Jy].
    threshold_jy : ndarray (cycle,) float64
        Threshold of the cycle [Jy/beam].
    """

    iterations: np.ndarray
    peak_jy: np.ndarray
    flux_jy: np.ndarray
    threshold_jy: np.ndarray


def convergence(record: Mapping[str, Any], image: int = 0) -> Convergence:
    """Take the course of the iterations out of the record that `tclean` or `deconvolve` returns.

    Parameters
    ----------
    record : mapping
        With ``summaryminor``: image, channel, polarization, then lists with an entry for each minor cycle.
    image : int
        0 for the main image, then the outlier fields.

    Returns
    -------
    Convergence

    Raises
    ------
    ParameterError
        There is no such image in the record, or no minor cycle was done on it.
    """
    minor = record.get("summaryminor") if isinstance(record, Mapping) else None
    if not isinstance(minor, Mapping):
        raise ParameterError("the record has no 'summaryminor' by image, channel and polarization; give what tclean returned")
    if image not in minor:
        raise ParameterError(f"the record holds the images {', '.join(str(k) for k in minor)}; got image={image}")
    entries = [entry for planes in minor[image].values() for entry in planes.values() if len(entry.get("iterDone", ()))]
    if not entries:
        raise ParameterError("the record holds no minor cycle: nothing was deconvolved")
    cycles = max(len(entry["iterDone"]) for entry in entries)

    def held(name: str, last: bool) -> np.ndarray:
        """Values (plane, cycle); planes that were done before others keep their last value, or count nothing more."""
        rows = [np.asarray(entry[name], dtype=np.float64) for entry in entries]
        return np.array([np.pad(row, (0, cycles - len(row)), mode="edge" if last else "constant") for row in rows])

    done = np.cumsum(held("iterDone", False).sum(axis=0)).astype(np.int64)
    return Convergence(
        done, held("peakRes", True).max(axis=0), held("modelFlux", True).sum(axis=0), held("cycleThresh", True).max(axis=0)
    )


def plot_convergence(record: Mapping[str, Any], plotfile: str, image: int = 0, title: str = "") -> None:
    """Draw peak residual and model flux against iterations, with a line at each major cycle.

    Parameters
    ----------
    record : mapping
        What `tclean` or `deconvolve` returned.
    plotfile : str
        A PNG, PDF, SVG … file; an existing one is replaced.
    image : int
        0 for the main image, then the outlier fields.
    title : str

    Raises
    ------
    ParameterError
        There is no such image in the record, or no minor cycle was done on it.
    UnsupportedError
        The file format is not known.
    """
    course = convergence(record, image)
    figure = new_figure(8.0, 6.0)
    peaks, fluxes = figure.subplots(2, 1, sharex=True)
    peaks.plot(course.iterations, course.peak_jy, "o-", color="#1f77b4", markersize=4, label="peak residual")
    peaks.plot(course.iterations, course.threshold_jy, "_", color="#d62728", markersize=12, label="threshold of the minor cycle")
    if (course.peak_jy > 0).all():
        peaks.set_yscale("log")
    threshold = float(record.get("threshold", 0.0))
    if threshold > 0:
        peaks.axhline(threshold, color="#2ca02c", linewidth=1, label="threshold asked for")
    fluxes.plot(course.iterations, course.flux_jy, "o-", color="#1f77b4", markersize=4)
    for axes in (peaks, fluxes):
        axes.grid(color=GRID)
        axes.tick_params(colors=INK)
        for k, at in enumerate(np.ravel(record.get("summarymajor", ()))):
            axes.axvline(float(at), color="#7f7f7f", linestyle=":", linewidth=1, label="major cycle" if k == 0 else None)
    peaks.legend(fontsize="small")
    peaks.set_ylabel("peak residual [Jy/beam]")
    fluxes.set_ylabel("flux of the model [Jy]")
    fluxes.set_xlabel("iterations")
    stop = str(record.get("stopDescription", ""))
    peaks.set_title(title or (f"stopped by: {stop}" if stop else ""), color=INK, fontsize="medium")
    save_figure(figure, plotfile)
