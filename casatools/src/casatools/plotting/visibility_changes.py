"""What is done to visibilities before they are plotted: models from recipes, calibration on the way, another phase centre."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np

from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.virtual_models import VirtualColumn
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.frames.quantities import to_unit
from casatools.io.ms import MeasurementSet, VisChunk
from casatools.plotting.plot_axes import PlotOptions
from casatools.transform.field_directions import phase_centres
from casatools.transform.phasing import phase_factors, uvw_frame

__all__ = ["VisibilityChanges"]

_OFFSET = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?(arcsec|arcmin|deg|rad|mas)")
_DATA = ("DATA", "CORRECTED_DATA", "MODEL_DATA")


class VisibilityChanges:
    """Changes of the chunks of a MeasurementSet; nothing is written."""

    def __init__(self, ms: MeasurementSet, options: PlotOptions) -> None:
        self._ms = ms
        self._recipes: VirtualColumn | None = None
        self._library: PriorCalibration | None = None
        self._corrects = False
        if options.callib:
            self._library = PriorCalibration(ms, _library(ms, options.callib))
        self._centre = options.phase_centre.strip()

    def needed(self, columns: Sequence[str]) -> list[str]:
        """Columns to read for those wanted."""
        wanted = list(dict.fromkeys(columns))
        if "MODEL_DATA" in wanted:
            self._recipes = VirtualColumn(self._ms) or None
            if self._recipes is not None:
                wanted = [n for n in wanted if n != "MODEL_DATA" or self._ms.has(n)] + list(self._recipes.columns)
        if self._library is not None and "CORRECTED_DATA" in wanted:
            self._corrects = True
            wanted = [*(n for n in wanted if n != "CORRECTED_DATA"), "DATA", *self._library.columns]
        if self._centre:
            wanted += ["UVW", "FIELD_ID", "TIME"]
        return list(dict.fromkeys(wanted))

    def apply(self, chunk: VisChunk) -> None:
        """Change the columns of a chunk."""
        if self._recipes is not None:
            self._recipes.add_model(chunk)
        if self._corrects and self._library is not None:
            data, flag, _ = self._library.correct(chunk, chunk["DATA"].copy(), chunk["FLAG"].copy(), None)
            chunk.columns["CORRECTED_DATA"], chunk.columns["FLAG"] = data, flag
        if self._centre:
            self._turn(chunk)

    def _turn(self, chunk: VisChunk) -> None:
        """Move the phase centre: turn uvw and the phases of the data."""
        uvw = chunk["UVW"].copy()
        fields, times = chunk["FIELD_ID"], chunk["TIME"]
        for number in np.unique(fields):
            found = self._ms.metadata.fields[int(number)]
            here = np.flatnonzero(fields == number)
            # A centre that moves has another turn each time.
            distinct, at = (
                np.unique(times[here], return_inverse=True)
                if found.ephemeris_id >= 0
                else (times[here][:1], np.zeros(len(here), int))
            )
            lon, lat, frame = phase_centres(self._ms, found, distinct)
            for k in range(len(distinct)):
                rows = here[np.ravel(at) == k]
                old = Direction(float(lon[k]), float(lat[k]), frame)
                new = _moved(self._centre, old)
                uvw[rows] = uvw[rows] @ (uvw_frame(new.lon_rad, new.lat_rad) @ uvw_frame(old.lon_rad, old.lat_rad).T).T
        frequency = self._ms.metadata.spectral_windows[chunk.spw].chan_freq_hz[chunk.channels]
        factor = phase_factors(uvw[:, 2] - chunk["UVW"][:, 2], frequency)[:, :, None]
        chunk.columns["UVW"] = uvw
        for name in _DATA:
            if name in chunk.columns:
                chunk.columns[name] = chunk.columns[name] * factor


def _moved(text: str, old: Direction) -> Direction:
    """The direction that a text names, in the frame of the old one: itself, or two offsets from the old one such as ``10arcsec -5arcsec``."""
    words = text.replace(",", " ").strip("[]() ").split()
    # A direction of two words has a frame or a sexagesimal angle for one of them.
    if len(words) == 2 and all(_OFFSET.fullmatch(w) for w in words):
        east, north = (float(to_unit(w, "rad")) for w in words)
        return Direction(old.lon_rad + east / np.cos(old.lat_rad), old.lat_rad + north, old.frame)
    return convert_direction(parse_direction(text), old.frame)


def _library(ms: MeasurementSet, given: Sequence[str]) -> CalibrationLibrary:
    """A calibration library from a file's name, or from its lines."""
    if len(given) == 1 and os.path.isfile(given[0]):
        return CalibrationLibrary.from_callib(ms, given[0])
    return CalibrationLibrary.from_text(ms, "\n".join(given), "parameter 'callib'")
