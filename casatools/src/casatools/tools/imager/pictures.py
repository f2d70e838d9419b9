"""Pictures of what is selected; CASA 6.7 has the methods, draws nothing and returns False."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.classic_samples import KINDS, read_samples
from casatools.io.ms import MeasurementSet, Selection
from casatools.tools.imager.setup import Setup

__all__ = ["Pictures"]

Increment = Annotated[int, kinds.Int(min=1), "Every how many rows"]


class Pictures(Setup):
    """Methods that draw; the pictures stand beside the MeasurementSet."""

    @method
    def plotuv(self, rotate: Annotated[bool, kinds.Bool(), "Turn the coordinates to the centre of the image"] = False) -> bool:
        """Draw the coverage of the uv plane into ``<MeasurementSet>.plotuv.png``.

        Raises
        ------
        NotOpenError, DataError
            None is open, no image is defined to turn to, or all is flagged.
        """
        from casatools.plotting.imager_figures import coverage_figure

        state = self._open()
        found = read_samples(state, rotate=rotate)
        return _keep(state, "plotuv", coverage_figure(found.u, found.v, "uv coverage"))

    @method
    def plotvis(
        self,
        type: Annotated[str, kinds.Text(), "'all', or some of observed, corrected, model, residual"] = "all",
        increment: Increment = 1,
    ) -> bool:
        """Draw amplitudes over the uv distance into ``<MeasurementSet>.plotvis.png``: means of the good correlations.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open, there is no such type, its column is missing, or all is flagged.
        """
        from casatools.plotting.imager_figures import amplitude_figure

        state = self._open()
        found = read_samples(state, increment, _kinds(state, type))
        return _keep(state, "plotvis", amplitude_figure(np.hypot(found.u, found.v), found.amplitude, "visibilities"))

    @method
    def plotweights(
        self,
        gridded: Annotated[
            bool, kinds.Bool(), "The density of uv samples that uniform and robust weights are made of; else the data's weights"
        ] = False,
        increment: Increment = 1,
    ) -> bool:
        """Draw weights over the uv distance, or on the uv plane, into ``<MeasurementSet>.plotweights.png``.

        Raises
        ------
        NotOpenError, ParameterError, DataError
            None is open or defined, natural weights are to be drawn gridded, or all is flagged.
        """
        from casatools.plotting.imager_figures import density_figure, weight_figure

        state = self._open()
        if gridded:
            run = state.run()
            try:
                density = run.density()
            finally:
                run.close()
            if not density.size:
                raise ParameterError("imager.plotweights: gridded=True needs uniform or robust weights; call weight before")
            return _keep(state, "plotweights", density_figure(density[0], "density of uv samples"))
        found = read_samples(state, increment)
        return _keep(state, "plotweights", weight_figure(np.hypot(found.u, found.v), found.weight, "weights"))

    @method
    def plotsummary(self) -> bool:
        """Draw fields, spectral windows and when fields were observed into ``<MeasurementSet>.plotsummary.png``."""
        from casatools.plotting.imager_figures import observed_figure

        state = self._open()
        with MeasurementSet(state.path) as ms:
            chosen = Selection(**state.field_selection()).resolve(ms)
            times, numbers = ms.read("TIME", chosen.rows), ms.read("FIELD_ID", chosen.rows)
            pairs = np.unique(np.stack([times, numbers], axis=1), axis=0)
            order = np.unique(numbers).tolist()
            rows = [ms.metadata.fields[int(n)] for n in order]
            places = [np.rad2deg(np.ravel(f.phase_dir[0])[:2]) for f in rows]
            fields = [(f.name, float(at[0]), float(at[1])) for f, at in zip(rows, places, strict=True)]
            windows = [(n, ms.metadata.spectral_windows[int(n)]) for n in chosen.spws]
        bands = []
        for number, w in windows:
            half, hz = 0.5 * np.abs(w.chan_width_hz), np.asarray(w.chan_freq_hz)
            bands.append((f"{number} {w.name}".strip(), float((hz - half).min()) / 1e9, float((hz + half).max()) / 1e9))
        scans = [(float(t - times.min()) / 3600.0, order.index(int(n))) for t, n in pairs]
        return _keep(state, "plotsummary", observed_figure(fields, bands, scans, "what is selected"))


def _kinds(state: ClassicImager, text: str) -> tuple[str, ...]:
    """The kinds of data that are asked for; "all" are those that there are."""
    if text.strip().lower() != "all":
        return tuple(part.strip().lower() for part in text.split(","))
    with MeasurementSet(state.path) as ms:
        there = {"observed": ms.has("DATA"), "corrected": ms.has("CORRECTED_DATA"), "model": ms.has("MODEL_DATA")}
    there["residual"] = there["corrected"] and there["model"]
    return tuple(k for k in KINDS if there[k])


def _keep(state: ClassicImager, name: str, figure: Any) -> bool:
    """Write a figure beside the MeasurementSet, in the place of an earlier one."""
    from casatools.plotting.figure import save_figure, show_in_notebook

    path = f"{state.path.rstrip('/')}.{name}.png"
    save_figure(figure, path)
    show_in_notebook(path)
    log.post(f"imager.{name}: drawn into {path}")
    return True
