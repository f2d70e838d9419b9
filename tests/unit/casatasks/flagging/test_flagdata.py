"""flagdata as a task: its records, what `action` and `savepars` do, and refusals that change no flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagcmd, flagdata, flagmanager
from casatools._base.errors import CasaError, DataError, ParameterError, PathMissingError, SelectionError


@pytest.fixture
def ms(shared_input: Any) -> str:
    return str(shared_input("simvla.ms"))


def flags(path: str) -> tuple[np.ndarray, np.ndarray]:
    with table(path, ack=False) as t:
        return t.getcol("FLAG"), t.getcol("FLAG_ROW")


def test_records(ms: str) -> None:
    assert flagdata(ms, antenna="1", flagbackup=False) == {}
    one = flagdata(ms, mode="summary", name="counted")
    assert one["type"] == "summary" and one["name"] == "counted" and 0 < one["flagged"] < one["total"]
    lines = ["mode='summary'", "antenna='2'", "mode='summary' name='after'"]
    two = flagdata(ms, mode="list", inpfile=lines, flagbackup=False)
    assert sorted(two) == ["report0", "report1"]
    assert two["report0"]["flagged"] == one["flagged"] < two["report1"]["flagged"] and two["report1"]["name"] == "after"
    found = flagdata(ms, mode="rflag", action="calculate", flagbackup=False)
    assert found["nreport"] == 1 and np.asarray(found["report0"]["timedev"]).shape[1] == 3


@pytest.mark.parametrize("given", [{"action": "calculate"}, {"action": ""}, {"action": "none"}, {"writeflags": False}])
def test_nothing_is_written_unless_asked(ms: str, given: dict[str, Any]) -> None:
    before = flags(ms)
    flagdata(ms, antenna="1", **given)
    for a, b in zip(flags(ms), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(flagmanager(ms)) == ["MS"]


def test_commands_are_saved(ms: str, tmp_path: Path) -> None:
    flagdata(ms, mode="quack", quackinterval=30.0, savepars=True, cmdreason="settling", flagbackup=False)
    held = flagcmd(ms, action="extract", useapplied=True)[0]
    assert held["reason"] == "settling" and held["applied"] and "quackinterval=30" in held["command"]
    file = tmp_path / "kept.txt"
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, mode="quack", quackinterval=30.0, savepars=True, outfile=str(file), flagbackup=False)
    wanted = flags(ms)
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, mode="list", inpfile=str(file), flagbackup=False)
    assert wanted[0].any()
    np.testing.assert_array_equal(flags(ms)[0], wanted[0])


def test_thresholds_written_are_read_back(ms: str, tmp_path: Path) -> None:
    """The files of timedev and freqdev that calculate writes flag what the thresholds of the run itself flag."""
    names = {"timedev": str(tmp_path / "t.txt"), "freqdev": str(tmp_path / "f.txt")}
    scales = {"timedevscale": 2.0, "freqdevscale": 2.0, "extendflags": False, "flagbackup": False, "field": "0", "spw": "0"}
    flagdata(ms, mode="unflag", flagbackup=False)
    found = flagdata(ms, mode="rflag", action="calculate", **names, **scales)
    assert not any(Path(n).read_text() == "" for n in names.values())
    flagdata(ms, mode="rflag", **names, **scales)
    from_files = flags(ms)[0]
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, mode="rflag", **{k: found["report0"][k] for k in names}, **scales)
    np.testing.assert_array_equal(flags(ms)[0], from_files)
    assert from_files.any()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"mode": "crop"}, ParameterError, "mode"),
        ({"quackmode": "middle", "mode": "quack"}, ParameterError, "quackmode"),
        ({"tbuff": 1.0}, ParameterError, "tbuff"),
        ({"vis": ""}, ParameterError, "vis"),
        ({"vis": "absent.ms"}, PathMissingError, "absent.ms"),
        ({"mode": "list", "inpfile": "absent.txt"}, PathMissingError, "absent.txt"),
        ({"mode": "list", "inpfile": ["antenna='1'", "mode='clip' growtime=3.0"]}, ParameterError, "growtime"),
        ({"mode": "list", "inpfile": ["antenna='1'", "mode='crop'"]}, ParameterError, "crop"),
        ({"mode": "list", "inpfile": ["antenna='1' reason='a'"], "reason": "b"}, ParameterError, "no command"),
        ({"mode": "clip", "clipminmax": [0.0, 1.0], "datacolumn": "MODEL_DATA"}, DataError, "MODEL_DATA"),
        ({"mode": "clip", "clipminmax": [0.0, 1.0], "datacolumn": "RESIDUAL"}, DataError, "_DATA"),
        ({"antenna": "NOBODY"}, SelectionError, "NOBODY"),
        ({"mode": "list", "inpfile": ["antenna='1'", "mode='tfcrop' datacolumn='corrected'"]}, DataError, "CORRECTED_DATA"),
    ],
)  # fmt: skip
def test_refusals_change_no_flag(ms: str, given: dict[str, Any], error: type[CasaError], message: str) -> None:
    before = flags(ms)
    with pytest.raises(error, match=message):
        flagdata(**{"vis": ms, **given})
    for a, b in zip(flags(ms), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(flagmanager(ms)) == ["MS"]


def test_a_bad_line_is_named_with_its_file_and_number(ms: str, tmp_path: Path) -> None:
    file, before = tmp_path / "commands.txt", flags(ms)[0]
    for line in ("mode='clip' clipminmax=[0.0", "mode='quack' quackintervall=3.0", "scan 1"):
        file.write_text(f"# one good\nantenna='1'\n\n{line}\n")
        with pytest.raises(ParameterError, match=r"commands\.txt, line 4"):
            flagdata(ms, mode="list", inpfile=str(file))
        np.testing.assert_array_equal(flags(ms)[0], before)
