"""Figure of flux densities found from gains, and of the spectra fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from casatools._base import log
from casatools.plotting.figure import GRID, new_figure, save_figure

__all__ = ["plot_flux_fits"]


def plot_flux_fits(record: Mapping[str, Any], path: str) -> None:
    """Draw the flux densities in a record of fluxscale, with their errors and the fitted spectrum, field by field.

    Parameters
    ----------
    record : mapping
        What `scale_fluxes` returns.
    path : str
        File of the figure; it is replaced when it exists.

    Raises
    ------
    UnsupportedError, DataError
        The figure cannot be written there.
    """
    fields = [e for e in record.values() if isinstance(e, Mapping) and "fieldName" in e]
    hz = np.asarray(record["freq"], dtype=np.float64)
    figure = new_figure(7.0, 3.5 * max(1, len(fields)))
    for k, entry in enumerate(fields):
        axes = figure.add_subplot(max(1, len(fields)), 1, k + 1)
        windows = sorted(int(n) for n, v in entry.items() if n.isdigit() and float(np.ravel(v["fluxd"])[0]) > 0)
        flux = np.array([np.ravel(entry[str(w)]["fluxd"])[0] for w in windows])
        error = np.array([np.ravel(entry[str(w)]["fluxdErr"])[0] for w in windows])
        axes.errorbar(hz[windows] / 1e9, flux, yerr=error, fmt="o", color="#1f6fb4", markersize=4)
        index = np.ravel(np.asarray(entry.get("spidx", ()), dtype=np.float64))
        reference = float(entry.get("fitRefFreq", 0.0))
        if len(index) > 1 and reference > 0 and len(windows) > 1:
            at = np.linspace(hz[windows].min(), hz[windows].max(), 100)
            axes.plot(at / 1e9, 10.0 ** np.polynomial.polynomial.polyval(np.log10(at / reference), index), color="#d1495b")
        axes.set_title(str(entry["fieldName"]), fontsize=9)
        axes.set_xlabel("Frequency [GHz]")
        axes.set_ylabel("Flux density [Jy]")
        axes.grid(True, color=GRID, linewidth=0.5)
    save_figure(figure, path)
    log.post(f"flux densities are drawn in {path}")
