"""Row "model not predicted for flagged-then-unflagged data" (auto_selfcal#5): models are set for flagged rows too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.calibration.set_model import SetModelOptions, set_model
from casatools.io.ms import MeasurementSet


def test_flagged_rows_get_a_model(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("FLAG", np.ones((ms.nrow, 8, 4), dtype=bool), np.arange(ms.nrow))
        ms.write("FLAG_ROW", np.ones(ms.nrow, dtype=bool), np.arange(ms.nrow))
    set_model(vis, {"field": "0"}, SetModelOptions("Perley-Taylor 99"))
    with MeasurementSet(vis) as ms:
        model = ms.read("MODEL_DATA")[ms.read("FIELD_ID") == 0]
    assert (np.abs(model[..., 0]) > 13).all()
