"""What the pipeline asks of calibration and models that are applied while it reads (the calibration domain lies above, so it is handed in)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["Calibrator", "CalibratorMaker"]


class Calibrator(Protocol):
    """Adds a visibility column to chunks that are read: CORRECTED_DATA, with flags and weights set, or a model."""

    columns: tuple[str, ...]

    def correct_chunk(self, chunk: VisChunk) -> None:
        """Change the columns of a chunk, which holds `columns` and those of its rows."""


CalibratorMaker = Callable[[MeasurementSet], Calibrator]
