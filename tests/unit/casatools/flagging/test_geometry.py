"""Shadowing: baselines with data by their UVW, others by the antennas' positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from casacore.tables import table

from casatools.flagging.agents import RowColumns
from casatools.flagging.geometry import shadowed_rows
from casatools.io.ms import MeasurementSet


def test_the_uvw_column_counts(copied: str) -> None:
    with table(copied, readonly=False, ack=False) as t:
        uvw = np.tile([1000.0, 0.0, 1.0], (t.nrows(), 1))
        one, two, times = (t.getcol(c) for c in ("ANTENNA1", "ANTENNA2", "TIME"))
        first = times == times.min()
        uvw[first & (one == 0) & (two == 1)] = [10.0, 0.0, 5.0]  # the second is further from the source
        uvw[first & (one == 2) & (two == 3)] = [10.0, 0.0, -5.0]
        t.putcol("UVW", uvw)
    with MeasurementSet(copied) as ms:
        found = shadowed_rows(ms, RowColumns(ms), 0.0)
        none = shadowed_rows(ms, RowColumns(ms), 20.0)
    expected = first & (np.isin(one, [1, 2]) | np.isin(two, [1, 2]))
    np.testing.assert_array_equal(found, expected)
    assert not none.any()


def test_antennas_without_data_shadow(copied: str) -> None:
    with table(copied, readonly=False, ack=False) as t:
        t.putcol("UVW", np.tile([1000.0, 0.0, 1.0], (t.nrows(), 1)))
        one, two = t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
    with MeasurementSet(copied) as ms:
        at = ms.metadata.antennas[4].position_m
        found = shadowed_rows(ms, RowColumns(ms), 0.0, {"0": {"diameter": 25.0, "position": list(at * (1 + 1e-6))}})
    touched = (one == 4) | (two == 4)
    assert not found[~touched].any() and found[touched].all()


def test_a_file_of_antennas(copied: str, tmp_path: Path) -> None:
    """Each on a line, or a value a line as CASA's help has it."""
    with MeasurementSet(copied) as ms:
        at = ms.metadata.antennas[4].position_m.tolist()
        wanted = shadowed_rows(ms, RowColumns(ms), 0.0, {"0": {"diameter": 400.0, "position": at}})
        assert wanted.any()
        for separator in (" ", "\n"):
            path = tmp_path / "antennas.txt"
            path.write_text(
                separator.join(
                    ["# added\nname=x1", "diameter=400.0", f"position={at}", "name=x2", "diameter=1", "position=[0,0,0]"]
                )
            )
            np.testing.assert_array_equal(shadowed_rows(ms, RowColumns(ms), 0.0, str(path)), wanted)
