"""bandpass: bad solutions if any correlation is fully flagged. Here the remaining correlation is solved as if alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatools.calibration.solve import solve
from casatools.calibration.solve_options import SolveOptions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from support.shared import unpack


def _bandpass(path: str) -> CalTable:
    with MeasurementSet(path) as ms:
        return solve(ms, Selection(field="0").resolve(ms), SolveOptions(kind="B", refant="EA01")).table


def test_bandpass_solves_the_remaining_correlation(tmp_path: Path) -> None:
    path = str(unpack("simvla.ms", tmp_path))
    whole = _bandpass(path)
    with MeasurementSet(path, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[:, :, 3] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    half = _bandpass(path)
    good = ~whole.flag[..., 0]
    np.testing.assert_array_equal(half.flag[..., 0], whole.flag[..., 0])
    np.testing.assert_allclose(half.param[..., 0][good], whole.param[..., 0][good], rtol=1e-5, atol=1e-6)
    assert half.flag[..., 1].all()
