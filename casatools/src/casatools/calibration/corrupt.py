"""Putting calibration effects into the model column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from casatools.calibration.apply import PriorCalibration
from casatools.calibration.correct import LibraryOptions
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, write_chunks

__all__ = ["corrupt_model"]


def corrupt_model(vis: str, expressions: Mapping[str, Any], library: LibraryOptions, parang: bool = False) -> None:
    """Corrupt MODEL_DATA of the selected data in place.

    Raises
    ------
    DataError, SelectionError
        There is no MODEL_DATA; the selection matches nothing; a table cannot be applied.
    """
    selection = Selection(**expressions)
    with MeasurementSet(vis) as ms:
        ms.require("MODEL_DATA")
        selection.resolve(ms)
        PriorCalibration(ms, library.load(ms), parang)
    with MeasurementSet(vis, writable=True) as ms:
        calibration = PriorCalibration(ms, library.load(ms), parang)
        columns = ["MODEL_DATA", *calibration.columns]

        def corrupted() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
            for chunk in iter_chunks(ms, selection.resolve(ms), columns):
                yield chunk, {"MODEL_DATA": calibration.corrupt(chunk, chunk["MODEL_DATA"])}

        write_chunks(ms, corrupted(), [])
