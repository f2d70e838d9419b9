"""Row "fringefit combine='spw' had never worked": phases, multi-band delays and rates put in come back from all windows together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatasks import applycal, fringefit
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.fringes import make_fringes


def test_fringes_of_joined_windows(tmp_path: Path) -> None:
    vis, truth = make_fringes(tmp_path)
    fringefit(vis, "joined", refant="EA01", combine="scan,spw")
    fringefit(vis, "single", refant="EA01", combine="scan", spw="0")
    table, single = CalTable.open("joined"), CalTable.open("single")
    assert set(table.spw_id.tolist()) == {0} and not table.flag.any() and table.nrow == single.nrow
    expected = truth - truth[0]
    errors = []
    for found in (table, single):
        np.testing.assert_allclose(found.param[:, 0, 2], expected[:, 2], atol=6e-14)
        errors.append(np.abs(found.param[:, 0, 1] - expected[:, 1]).max())
    # The whole band is seven times as wide as one window, so delays are known that much better.
    assert errors[0] < 0.01 and errors[0] < 0.3 * errors[1]
    applycal(vis, gaintable=["joined"], spwmap=[[0, 0]], applymode="calonly", flagbackup=False)
    with MeasurementSet(vis) as ms:
        data, flag = ms.read("CORRECTED_DATA")[..., 0], ms.read("FLAG")[..., 0]
    assert abs(np.mean(data[~flag]) - 2.0) < 0.01
