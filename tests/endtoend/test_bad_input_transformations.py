"""Bad input to the tasks that write MeasurementSets: a typed error with a clear sentence, nothing written, the input untouched."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import casatasks
from casatools._base import errors
from casatools.simulation.demo import DemoOptions, make_demo
from support.refusals import refused_call

P, D, S = errors.ParameterError, errors.DataError, errors.SelectionError
MISSING, EXISTS = errors.PathMissingError, errors.OutputExistsError
CENTRE = "J2000 13h31m00 30d00m00"
# Tasks that make one MeasurementSet of another, and what each needs.
MAKERS: dict[str, dict[str, Any]] = {
    "mstransform": {"datacolumn": "data"},
    "split": {"datacolumn": "data"},
    "partition": {"datacolumn": "data"},
    "cvel": {},
    "cvel2": {"datacolumn": "data"},
    "hanningsmooth": {"datacolumn": "data"},
    "phaseshift": {"datacolumn": "data", "phasecenter": CENTRE},
    "fixvis": {"datacolumn": "DATA", "phasecenter": CENTRE},
    "uvcontsub": {},
    "conjugatevis": {},
    "msuvbin": {"nchan": 2, "start": "1GHz", "width": "1GHz", "imsize": 64, "cell": "10arcsec"},
}
JOINERS = {"concat": "concatvis", "virtualconcat": "concatvis", "testconcat": "testconcatvis"}
# Tasks that change a MeasurementSet.
CHANGERS: dict[str, dict[str, Any]] = {
    "fixplanets": {"field": "0", "direction": CENTRE},
    "uvcontsub_old": {"fitspw": "0:0~5"},
    "uvsub": {},
    "statwt": {"datacolumn": "data"},
    "initweights": {},
    "clearcal": {},
    "delmod": {},
}
EMPTY = {
    "field": "nosuch",
    "spw": "99",
    "scan": "99",
    "antenna": "nosuch",
    "uvrange": ">1e9m",
    "intent": "NO*",
    "observation": "9",
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    here = os.getcwd()
    os.chdir(folder)
    try:
        make_demo("in.ms", DemoOptions(antennas_per_arm=1, cycles=1))
        make_demo("other.ms", DemoOptions(antennas_per_arm=1, cycles=1))
        Path("plain.txt").write_text("not what you think\n")
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def refused(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls a task among the inputs; gives the error's sentence after looking that no file changed, came or went."""
    monkeypatch.chdir(inputs)
    return partial(refused_call, inputs)


@pytest.mark.parametrize("task", [*MAKERS, *CHANGERS])
def test_inputs_and_selections(refused: Callable[..., str], task: str) -> None:
    """Nothing there, not a MeasurementSet, nothing selected, no such column."""
    needs = {**MAKERS.get(task, CHANGERS.get(task, {})), **({"outputvis": "o.ms"} if task in MAKERS else {})}
    assert "nowhere.ms" in refused(task, MISSING, vis="nowhere.ms", **needs)
    assert "plain.txt" in refused(task, D, vis="plain.txt", **needs)
    known = inspect.signature(getattr(casatasks, task)).parameters
    for name, value in EMPTY.items():
        if name in known:
            refused(task, (S, P), vis="in.ms", **{**needs, name: value})
    if "datacolumn" in known:
        column = "CORRECTED" if task == "fixvis" else "corrected"
        assert "CORRECTED_DATA" in refused(task, D, vis="in.ms", **{**needs, "datacolumn": column})


@pytest.mark.parametrize("task", MAKERS)
def test_outputs(refused: Callable[..., str], task: str) -> None:
    """An output that exists, lies inside the input, is to lie in no folder, or has no name."""
    needs = {"vis": "in.ms", **MAKERS[task]}
    assert "other.ms" in refused(task, EXISTS, outputvis="other.ms", **needs)
    assert "inside" in refused(task, P, outputvis="in.ms/o.ms", **needs)
    assert "nofolder" in refused(task, MISSING, outputvis="nofolder/o.ms", **needs)
    if task != "fixvis":  # it then changes its input
        refused(task, EXISTS, outputvis="in.ms", **needs)
        if task != "conjugatevis":  # which has a name of its own then
            refused(task, P, outputvis="", **needs)
    if task == "conjugatevis":
        assert "inside" in refused(task, P, outputvis="in.ms", overwrite=True, **needs)


@pytest.mark.parametrize("task", JOINERS)
def test_joining(refused: Callable[..., str], task: str) -> None:
    both, name = ["in.ms", "other.ms"], JOINERS[task]
    assert "inside" in refused(task, P, vis=both, **{name: "in.ms/o.ms"})
    assert "nofolder" in refused(task, MISSING, vis=both, **{name: "nofolder/o.ms"})
    assert "plain.txt" in refused(task, (D, EXISTS), vis=both, **{name: "plain.txt"})
    assert "plain.txt" in refused(task, D, vis=["in.ms", "plain.txt"], **{name: "o.ms"})
    assert "twice" in refused(task, P, vis=["in.ms", "in.ms"], **{name: "o.ms"})
    refused(task, (P, EXISTS), vis=both, **{name: "in.ms"})
    refused(task, P, vis=both, **{name: ""})


@pytest.mark.parametrize(
    ("task", "arguments", "words"),
    [
        ("split", {"width": [2, 3, 4]}, "3 channel widths"),
        ("split", {"timebin": "1Jy"}, "timebin"),
        ("mstransform", {"timeaverage": True, "timebin": "0s"}, "timebin"),
        ("mstransform", {"regridms": True, "outframe": "NOWHERE"}, "NOWHERE"),
        ("mstransform", {"regridms": True, "outframe": "SOURCE"}, "ephemeris"),
        ("mstransform", {"regridms": True, "mode": "velocity"}, "restfreq"),
        ("mstransform", {"regridms": True, "mode": "frequency", "width": "1Hz"}, "width"),
        ("mstransform", {"regridms": True, "nspw": 10000}, "nspw"),
        ("cvel", {"mode": "frequency", "start": "900GHz"}, "start"),
        ("conjugatevis", {"spwlist": [99]}, "99"),
    ],
)
def test_bins_and_frames(refused: Callable[..., str], task: str, arguments: dict[str, Any], words: str) -> None:
    assert words in refused(task, P, vis="in.ms", outputvis="o.ms", **{**MAKERS[task], **arguments})


def test_uvfits_does_not_go_into_its_input(refused: Callable[..., str]) -> None:
    assert "inside" in refused("exportuvfits", P, vis="in.ms", fitsfile="in.ms/o.uvfits", datacolumn="data")
    assert "nofolder" in refused("exportuvfits", MISSING, vis="in.ms", fitsfile="nofolder/o.uvfits", datacolumn="data")
