"""What the pipeline asks of calibration that is applied while it reads (the calibration domain lies above, so it is handed in)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["Calibrator", "CalibratorMaker"]


class Calibrator(Protocol):
    """Adds CORRECTED_DATA to chunks that are read, and sets their flags and weights."""

    columns: tuple[str, ...]

    def correct_chunk(self, chunk: VisChunk) -> None:
        """Change the columns of a chunk, which holds `columns` and those of its rows."""


CalibratorMaker = Callable[[MeasurementSet], Calibrator]
