"""wvrgcal beside the reference: the same rows, flags and, within a few per cent, phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools.io.caltable import CalTable
from support.radiometer_ms import NANT, make_radiometer_ms
from support.shared import oracle_python, run_python


@pytest.mark.parametrize("options", [{}, {"segsource": False}, {"scale": 1.2, "reversespw": "1", "toffset": -1.0}])
def test_tables_agree(tmp_path: Path, options: dict[str, object]) -> None:
    python = oracle_python()
    vis = make_radiometer_ms(tmp_path, 60, noise_k=0.05)
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    script = f"import casatasks\ncasatasks.wvrgcal(vis={vis!r}, caltable={theirs!r}, refant=['DV11'], **{options!r})\n"
    run_python(python, script, cwd=tmp_path)
    casatasks.wvrgcal(vis=vis, caltable=ours, refant=["DV11"], **options)
    tables = [CalTable.open(path) for path in (ours, theirs)]
    assert tables[0].nrow == tables[1].nrow
    moved = []
    for table in tables:
        order = np.lexsort((table.antenna1, table.time_s, table.spw_id))
        rows = order[table.spw_id[order] == 1]
        gain = table.param[rows, 0, 0].reshape(-1, NANT)
        moved.append(np.diff(np.unwrap(np.angle(gain), axis=0)[:18], axis=0))
        assert not table.flag[rows].any()
    assert np.std(moved[0] - moved[1]) < 0.05 * np.std(moved[1])
    np.testing.assert_allclose(np.sort(tables[0].time_s), np.sort(tables[1].time_s), atol=1e-3)
