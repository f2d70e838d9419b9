"""Flagging of calibration tables, against counts that CASA 6.7 gave for the same table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
from casatools.flagging.session import flag, list_versions, restore_version
from casatools.frames.epochs import format_epoch
from casatools.io.ms.solution_rows import SolutionRows
from support.shared import unpack

# Table and command, and the flags of the two parameters as CASA 6.7.0 counts them after it.
REFERENCE: list[tuple[str, dict[str, Any], float, float]] = [
    ("cal.G", {"mode": "manual", "antenna": "3"}, 8, 8),
    ("cal.G", {"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [0, 1.0], "correlation": "ABS_ALL"}, 56, 56),
    ("cal.G", {"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [-0.1, 0.1], "correlation": "ARG_Sol1"}, 50, 0),
    ("cal.G", {"mode": "clip", "datacolumn": "SNR", "clipminmax": [0, 300], "correlation": "Sol2"}, 0, 64),
    ("cal.B", {"mode": "manual", "antenna": "3"}, 18, 18),
    ("cal.B", {"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [0, 1.0], "correlation": "ABS_ALL"}, 62, 42),
    ("cal.K", {"mode": "manual", "antenna": "1"}, 2, 2),
    ("cal.K", {"mode": "manual", "antenna": "1,2", "spw": "0"}, 2, 2),
    ("cal.D", {"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [0.2, 1.0]}, 128, 83),
    ("hera.Gphs", {"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [0.0, 1.0], "correlation": "ABS_ALL"}, 3, 2),
    ("cal.B", {"mode": "rflag", "datacolumn": "CPARAM", "freqdevscale": 2.0, "extendflags": False}, 31, 7),
]


@pytest.mark.parametrize(("name", "command", "first", "second"), REFERENCE)
def test_counts_as_the_reference(tmp_path: Path, name: str, command: dict[str, Any], first: float, second: float) -> None:
    path = str(unpack(name, tmp_path))
    run_commands(path, [make_command(command)])
    report = run_commands(path, [make_command({"mode": "summary"})])[0]
    assert {k: v["flagged"] for k, v in report["correlation"].items()} == {"Sol1": first, "Sol2": second}
    assert list(report["array"]) == ["-1"]


def test_solutions_without_a_reference_antenna_are_of_their_antenna(tmp_path: Path) -> None:
    path = str(unpack("cal.K", tmp_path))
    with table(path, ack=False) as t:
        assert (t.getcol("ANTENNA2") == -1).all()
    run_commands(path, [make_command({"mode": "manual", "antenna": "1"})])
    report = run_commands(path, [make_command({"mode": "summary", "basecnt": True})])[0]
    with table(path, ack=False) as t:
        np.testing.assert_array_equal(t.getcol("FLAG").all(axis=(1, 2)), t.getcol("ANTENNA1") == 1)
    assert report["antenna"]["EA02"] == report["baseline"]["EA02&&EA02"] == {"flagged": 4.0, "total": 4.0}
    assert report["antenna"]["EA08"] == {"flagged": 0.0, "total": 4.0}


def test_one_parameter_is_flagged(tmp_path: Path) -> None:
    path = str(unpack("cal.G", tmp_path))
    run_commands(path, [make_command({"mode": "manual", "correlation": "Sol2"})])
    with table(path, ack=False) as t:
        flags = t.getcol("FLAG")
    assert flags[..., 1].all() and not flags[..., 0].any()
    with pytest.raises(SelectionError, match="SOL3"):
        run_commands(path, [make_command({"mode": "manual", "correlation": "Sol3"})])


def test_backup_and_restore(tmp_path: Path) -> None:
    path = str(unpack("cal.B", tmp_path))
    t = table(path, ack=False)
    before = t.getcol("FLAG")
    t.close()
    flag(path, [make_command({"mode": "manual", "spw": "0:1~2"})], write=True, backup="flagdata")
    t = table(path, ack=False)
    assert t.getcol("FLAG")[t.getcol("SPECTRAL_WINDOW_ID") == 0][:, 1:3].all()
    t.close()
    assert [n for n, _ in list_versions(path)] == ["flagdata_1"]
    restore_version(path, "flagdata_1")
    t = table(path, ack=False)
    np.testing.assert_array_equal(t.getcol("FLAG"), before)
    t.close()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"mode": "shadow"}, ParameterError),
        ({"mode": "elevation"}, ParameterError),
        ({"mode": "clip", "clipminmax": [0, 1]}, DataError),
        ({"mode": "clip", "datacolumn": "CPARAM", "clipminmax": [0, 1], "correlation": "Sol3"}, SelectionError),
    ],
)
def test_refused(tmp_path: Path, command: dict[str, Any], error: type[Exception]) -> None:
    path = str(unpack("cal.G", tmp_path))
    with pytest.raises(error):
        run_commands(path, [make_command(command)])


def test_only_calibration_tables_are_read_so(tmp_path: Path) -> None:
    path = unpack("cal.G", tmp_path)
    shutil.copytree(path / "ANTENNA", tmp_path / "other")
    with pytest.raises(DataError, match="not a calibration table"):
        SolutionRows(str(tmp_path / "other"))
    with SolutionRows(str(path)) as rows, pytest.raises(DataError, match="CPARAM"):
        rows.require("DATA")


def test_times_of_solutions_can_be_selected(tmp_path: Path) -> None:
    path = str(unpack("cal.G", tmp_path))
    with table(path, ack=False) as t:
        time_s, before = t.getcol("TIME"), t.getcol("FLAG")
    first = np.unique(time_s)[1]
    run_commands(path, [make_command({"mode": "manual", "timerange": f">{format_epoch(float(first) - 1)}"})])
    with table(path, ack=False) as t:
        np.testing.assert_array_equal(t.getcol("FLAG"), before | (time_s >= first)[:, None, None])
