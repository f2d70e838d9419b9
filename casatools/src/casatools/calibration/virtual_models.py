"""Models kept as recipes (component lists in the SOURCE table, as CASA's setjy and ft write them with usescratch=False) made into visibilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casatools._base.errors import UnsupportedError
from casatools.calibration.source_spectra import stokes_to_correlations
from casatools.components.component_list import ComponentList
from casatools.frames.directions import Direction, convert_direction
from casatools.io.ms.model_keywords import VirtualModel, read_virtual_models

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["VirtualColumn"]


class VirtualColumn:
    """The model visibilities that the recipes of a MeasurementSet stand for.

    Attributes
    ----------
    columns : tuple of str
        What a chunk must hold.

    Raises
    ------
    UnsupportedError
        A recipe is an image.
    """

    columns = ("FIELD_ID", "SCAN_NUMBER", "UVW")

    def __init__(self, ms: MeasurementSet) -> None:
        self._ms = ms
        self._models: list[tuple[VirtualModel, ComponentList]] = []
        for model in read_virtual_models(ms):
            if model.components is None:
                raise UnsupportedError(
                    f"{ms.path!r} has an image as its virtual model, which cannot be read; predict it with ft(..., usescratch=True)"
                )
            self._models.append((model, ComponentList.from_record(model.components)))

    def __bool__(self) -> bool:
        return bool(self._models)

    def fill(self, chunk: VisChunk, model: np.ndarray) -> np.ndarray:
        """Put the models into the rows of an array (row, chan, corr) that have one; the others stay as they are."""
        from casatools.calibration.predict_sky import SkyModel

        metadata = self._ms.metadata
        names = [metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
        frequency = np.asarray(metadata.spectral_windows[chunk.spw].chan_freq_hz)[chunk.channels]
        for number in np.unique(chunk["FIELD_ID"]).tolist():
            for scan in np.unique(chunk["SCAN_NUMBER"][chunk["FIELD_ID"] == number]).tolist():
                own = [c for m, c in self._models if _serves(m, number, chunk.spw, scan)]
                if not own:
                    continue
                rows = (chunk["FIELD_ID"] == number) & (chunk["SCAN_NUMBER"] == scan)
                field = metadata.fields[number]
                lon, lat = (float(v) for v in np.ravel(field.phase_dir[0])[:2])
                centre = convert_direction(Direction(lon, lat, field.phase_frame), "J2000")
                uvw = np.asarray(chunk["UVW"], np.float64)[rows]
                model[rows] = sum(stokes_to_correlations(SkyModel(c).visibilities(uvw, frequency, centre), names) for c in own)
        return model


def _serves(model: VirtualModel, field: int, spw: int, scan: int) -> bool:
    where = model.where
    return bool(np.any((where[:, 0] == field) & (where[:, 1] == spw) & ((where[:, 2] == scan) | (where[:, 2] < 0))))
