"""Calibration applied to chunks on their way into another MeasurementSet: CORRECTED_DATA, FLAG and weights, written nowhere; and virtual models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casatools.calibration.apply import PriorCalibration, middle_weight
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.correct import start_weight
from casatools.calibration.virtual_models import VirtualColumn

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["ChunkCalibrator", "ChunkModel", "LibraryFile"]


class ChunkCalibrator:
    """Does to chunks what applycal does to a MeasurementSet.

    Attributes
    ----------
    columns : tuple of str
        What a chunk must hold beside FLAG, WEIGHT, SIGMA and the columns of its rows.
    """

    def __init__(self, ms: MeasurementSet, library: CalibrationLibrary) -> None:
        ms.require("DATA")
        self._calibration = PriorCalibration(ms, library)
        self._reweight = self._calibration.scales_weights
        self._spectrum = self._reweight and ms.has("WEIGHT_SPECTRUM")
        more = ("SIGMA_SPECTRUM",) if self._spectrum and ms.has("SIGMA_SPECTRUM") else ()
        self.columns: tuple[str, ...] = ("DATA", *more)

    def correct_chunk(self, chunk: VisChunk) -> None:
        """Add CORRECTED_DATA to a chunk, and set its flags and the weights of that column."""
        columns = chunk.columns
        data, flag = columns["DATA"].copy(), np.ascontiguousarray(columns["FLAG"])
        weight = None
        if self._reweight and self._calibration.calibrates(chunk.spw):
            weight = start_weight(self._calibration, chunk, self._spectrum)
        columns["CORRECTED_DATA"], columns["FLAG"], weight = self._calibration.correct(chunk, data, flag, weight)
        if weight is None:
            return
        if self._spectrum:
            columns["WEIGHT_SPECTRUM"] = weight
            weight = middle_weight(weight)
        columns["WEIGHT"] = weight


class LibraryFile:
    """A calibration library file that is read when the MeasurementSet is known.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, ms: MeasurementSet) -> ChunkCalibrator:
        """What calibrates the chunks of a MeasurementSet; raises as `CalibrationLibrary.from_callib`."""
        return ChunkCalibrator(ms, CalibrationLibrary.from_callib(ms, self.path))


class ChunkModel:
    """Adds MODEL_DATA to chunks, made from the recipes of a virtual model; rows without one get a point of 1 Jy at the phase centre.

    Attributes
    ----------
    columns : tuple of str
        Visibility columns that a chunk must hold; none.
    """

    columns: tuple[str, ...] = ()

    def __init__(self, ms: MeasurementSet) -> None:
        self._recipes = VirtualColumn(ms)

    def correct_chunk(self, chunk: VisChunk) -> None:
        """Add MODEL_DATA to a chunk that holds the columns of its rows."""
        self._recipes.add_model(chunk)
