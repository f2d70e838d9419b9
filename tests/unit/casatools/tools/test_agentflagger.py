"""agentflagger: every method; agents of all modes flag what flagdata flags."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools import agentflagger
from casatools._base.errors import CasaError, NotOpenError, ParameterError, PathMissingError
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands


@pytest.fixture
def ms(shared_input: Any) -> str:
    return str(shared_input("simvla.ms"))


def flags(path: str) -> np.ndarray:
    with table(path, ack=False) as t:
        return np.asarray(t.getcol("FLAG"))


# Each parse method with parameters, and the same as a command.
AGENTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("manual", {"antenna": "1", "spw": "0:0~3"}, {}),
    ("manual", {"autocorr": True, "scan": "1"}, {}),
    ("clip", {"clipminmax": [0.0, 5.0], "datacolumn": "DATA", "correlation": "ABS_ALL"}, {}),
    ("quack", {"quackinterval": 30.0, "quackmode": "endb"}, {}),
    ("elevation", {"lowerlimit": 30.0, "upperlimit": 60.0}, {}),
    ("tfcrop", {"ntime": 0.0, "freqcutoff": 2.0, "extendflags": False}, {"ntime": "scan"}),
    ("tfcrop", {"ntime": 60.0, "freqcutoff": 2.0, "usewindowstats": "std", "extendflags": False}, {}),
    ("extend", {"ntime": 0.0, "growtime": 10.0, "growfreq": 10.0}, {"ntime": "scan"}),
    ("antint", {"antint_ref_antenna": "EA03", "minchanfrac": 0.1}, {}),
]


@pytest.mark.parametrize(("mode", "given", "changed"), AGENTS)
def test_agents_flag_what_commands_flag(
    ms: str, tmp_path: Path, mode: str, given: dict[str, Any], changed: dict[str, Any]
) -> None:
    run_commands(ms, [make_command({"mode": "manual", "antenna": "EA03", "spw": "0:0~3", "scan": "1"})])
    other = str(shutil.copytree(ms, tmp_path / "other.ms"))
    before = flags(ms)
    af = agentflagger()
    assert af.open(ms) and getattr(af, f"parse{mode}parameters")(**given) and af.init()
    assert af.run(writeflags=True, sequential=True) == {"nreport": 0, "type": "list"}
    assert af.done()
    run_commands(other, [make_command({"mode": mode, **given, **changed})])
    np.testing.assert_array_equal(flags(ms), flags(other))
    assert (flags(ms) != before).any() or given.get("autocorr")


def test_records_selections_and_agents_that_only_compute(ms: str) -> None:
    af = agentflagger()
    af.open(ms, 0.0)
    assert af.selectdata(field="0") and af.parsesummaryparameters(name="first", spwchan=True)
    assert af.parseagentparameters({"mode": "manual", "antenna": "1", "apply": False})
    assert af.parseagentparameters({"mode": "summary", "name": "second"}) and af.printflagselection()
    before = flags(ms)
    found = af.run()
    np.testing.assert_array_equal(flags(ms), before)
    assert found["nreport"] == 2 and [found[f"report{k}"]["name"] for k in range(2)] == ["first", "second"]
    assert list(found["report0"]["field"]) == list(found["report1"]["field"]) and len(found["report0"]["field"]) == 1
    af.open(ms)
    af.selectdata({"time": "", "scan": "1"})
    af.parsemanualparameters(antenna="2")
    af.run(writeflags=False)
    np.testing.assert_array_equal(flags(ms), before)
    af.run()
    with table(ms, ack=False) as t:
        changed = np.unique(t.getcol("SCAN_NUMBER")[(flags(ms) != before).any(axis=(1, 2))])
    assert changed.tolist() == [1]
    af.done()


def test_versions(ms: str) -> None:
    af = agentflagger()
    af.open(ms)
    before = flags(ms)
    assert af.saveflagversion("one", "a comment") and af.saveflagversion("two", "another", "or")
    head = [f"\nMS : {ms}\n", "main : working copy in main table"]
    assert af.getflagversionlist() == [*head, "one : a comment", "two : another"] == af.getflagversionlist(False)
    af.parsemanualparameters(antenna="1")
    af.run()
    assert (flags(ms) != before).any()
    assert af.restoreflagversion(["one"], "replace")
    np.testing.assert_array_equal(flags(ms), before)
    assert af.deleteflagversion(["one", "two"]) and af.getflagversionlist(False) == head
    af.done()


def test_refusals(ms: str) -> None:
    af = agentflagger()
    for call in (af.init, af.run, af.getflagversionlist, lambda: af.parsemanualparameters(antenna="1")):
        with pytest.raises(NotOpenError, match="open"):
            call()
    with pytest.raises(PathMissingError):
        af.open("absent.ms")
    af.open(ms)
    before = flags(ms)
    calls: list[tuple[Any, type[CasaError]]] = [
        (lambda: af.parseagentparameters({"mode": "crop"}), ParameterError),
        (lambda: af.parseagentparameters({"mode": "clip", "growtime": 1.0}), ParameterError),
        (lambda: af.parsequackparameters(quackmode="middle"), ParameterError),
        (lambda: af.restoreflagversion("nothing"), PathMissingError),
        (lambda: af.deleteflagversion("nothing"), PathMissingError),
        (lambda: af.saveflagversion("one", "", "xor"), ParameterError),
    ]
    for refused, error in calls:
        with pytest.raises(error):
            refused()
    np.testing.assert_array_equal(flags(ms), before)
