"""inp, go, default, tget, tput, saveinputs, taskhelp, toolhelp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from casashell.inputs import in_columns
from casashell.session import make_names
from casatools._base.errors import DataError, ParameterError, PathMissingError


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return make_names()


def test_parameters_are_names_of_the_session(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    names["inp"]("split")
    names["vis"], names["width"] = "day.ms", "wide"
    names["keepflags"] = "perhaps"
    names["inp"]()
    told = capsys.readouterr().out.split("# split -- ")[-1].splitlines()
    assert told[1].startswith("*vis ") and "'day.ms'" in told[1]
    at = next(k for k, line in enumerate(told) if line.startswith("*keepflags"))
    assert any(line.startswith("    <-- must be") for line in told[at + 1 : at + 3])
    assert (
        in_columns("a = ", "word " * 40, "# ").splitlines()[1].startswith("  # word")
        and in_columns("a" * 200, "b") == "a" * 200 + "b\n"
    )
    names["default"]()
    assert names["vis"] == "" and names["keepflags"] is True


def test_saved_inputs_come_back(names: dict[str, Any], tmp_path: Path) -> None:
    names["default"](names["flagdata"])
    names["vis"], names["clipminmax"], names["ms"] = "a.ms", [0.0, 5.0], names["ms"]
    names["tput"]()
    names["saveinputs"]("flagdata", "mine.py")
    names["default"]("flagdata")
    names["tget"]()
    assert names["vis"] == "a.ms" and names["clipminmax"] == [0.0, 5.0]
    names["vis"] = "b.ms"
    names["execfile"]("mine.py")
    assert names["vis"] == "a.ms" and names["taskname"] == "flagdata"
    assert (tmp_path / "flagdata.last").read_text() == (tmp_path / "mine.py").read_text()


def test_go_runs_the_task_and_saves(names: dict[str, Any], tmp_path: Path) -> None:
    names["default"]("split")
    names["vis"], names["outputvis"] = "absent.ms", "out.ms"
    with pytest.raises(PathMissingError, match=r"absent\.ms"):
        names["go"]()
    assert "absent.ms" in (tmp_path / "split.last").read_text()


def test_refusals(names: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no current task"):
        names["inp"]()
    with pytest.raises(ParameterError, match="did you mean 'split'"):
        names["inp"]("splitt")
    with pytest.raises(PathMissingError, match="no saved inputs"):
        names["tget"]("split")
    (tmp_path / "split.last").write_text("import os\n")
    with pytest.raises(DataError, match="does not hold saved inputs"):
        names["tget"]("split")
    with pytest.raises(DataError, match="cannot be saved"):
        names["saveinputs"]("split", "/proc/nothing/x")


def test_lists_of_tasks_and_tools(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    names["taskhelp"]()
    names["toolhelp"]()
    told = capsys.readouterr().out
    assert "calibration\n" in told and "  split " in told and "  ia     image" in told
