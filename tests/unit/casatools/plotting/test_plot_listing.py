"""The points of plots as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import OutputExistsError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]


def written(name: str) -> tuple[list[str], list[list[str]]]:
    """The lines of the head, and the words of the others."""
    lines = Path(name).read_text(encoding="utf-8").splitlines()
    return [t for t in lines if t.startswith("#")], [t.split() for t in lines if not t.startswith("#")]


def test_points_of_data(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    given = {"showgui": False, "xaxis": "uvdist", "scan": "1", "spw": "0:3", "antenna": "EA01&EA02", "correlation": "LL"}
    casatasks.plotms(vis, plotfile="points.txt", **given)
    head, rows = written("points.txt")
    assert head[0] == "# vis: simvla.ms" and head[-1].startswith("# Uvdist Amp")
    assert head[-2] == "# x y chan scan field ant1 ant2 ant1name ant2name time freq spw corr obs"
    with MeasurementSet(vis) as ms:
        scan, spw, one, two = (np.asarray(ms.read(c)) for c in ("SCAN_NUMBER", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2"))
        mine = np.flatnonzero((scan == 1) & (spw == 0) & (one == 0) & (two == 1))
        good = ~np.asarray(ms.read("FLAG", mine))[:, 3, 3]
        values, times = np.abs(np.asarray(ms.read("DATA", mine))[good, 3, 3]), np.asarray(ms.read("TIME", mine))[good]
    assert len(rows) == good.sum() > 0
    assert all(row[2:9] == ["3", "1", "0", "0", "1", "EA01", "EA02"] and row[11:] == ["0", "LL", "0"] for row in rows)
    np.testing.assert_allclose([float(row[1]) for row in rows], values, rtol=1e-6)
    np.testing.assert_allclose([float(row[9]) for row in rows], times, rtol=0, atol=1e-3)
    with pytest.raises(OutputExistsError):
        casatasks.plotms(vis, plotfile="points.txt", **given)
    casatasks.plotms(vis, plotfile="points", expformat="txt", verbose=False, **given)
    assert {len(row) for row in written("points")[1]} == {2}


def test_what_is_averaged_has_no_number(shared_input: Input) -> None:
    casatasks.plotms(
        shared_input("simvla.ms"), plotfile="points.txt", showgui=False, avgbaseline=True, avgscan=True, avgtime="1e9", avgchannel="4"
    )  # fmt: skip
    head, rows = written("points.txt")
    assert "# channel average: 4" in head and "# time average: 1000000000.0" in head
    assert all(row[3] == row[5] == row[6] == row[7] == row[8] == "*" for row in rows)
    assert {row[2] for row in rows} == {"1.5", "5.5"}


def test_points_of_solutions(shared_input: Input) -> None:
    path = shared_input("cal.K")
    given = {"plotfile": "points.txt", "showgui": False, "overwrite": True}
    casatasks.plotms(path, **given)
    table = CalTable.open(path)
    head, rows = written("points.txt")
    assert head[-1].startswith("# Antenna1 Delay") and len(rows) == (~table.flag).sum()
    found = {(row[5], row[11], row[12], round(float(row[9]))): float(row[1]) for row in rows}
    for row in range(table.nrow):
        for hand, name in enumerate("RL"):
            if not table.flag[row, 0, hand]:
                key = (str(table.antenna1[row]), str(table.spw_id[row]), name, round(table.time_s[row]))
                assert found[key] == pytest.approx(table.param[row, 0, hand], rel=1e-6)
    casatasks.plotms(path, customflaggedsymbol=True, flaggedsymbolshape="circle", **given)
    assert len(written("points.txt")[1]) == table.flag.size
