"""Refusals of antennas that shadow, of stored commands, and of saving no command: nothing is flagged or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import flagcmd, flagdata
from casatools import table
from casatools._base.errors import ParameterError
from casatools.simulation.demo import DemoOptions, make_demo


@pytest.fixture
def vis() -> str:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    return "sim.ms"


def flags(path: str) -> np.ndarray:
    tb = table()
    tb.open(path)
    try:
        return np.asarray(tb.getcol("FLAG"))
    finally:
        tb.close()


@pytest.mark.parametrize(
    "line",
    [
        "name=A diameter=x position=[1,2,3]",
        "name=A position=[1,2,3]",
        "name=A diameter=25 position=[1,2",
        "name=A diameter=25 position=[1,2]",
        "name=A diameter=25 position=1",
    ],
)
def test_a_file_of_antennas_that_cannot_be_read(vis: str, line: str) -> None:
    Path("antennas.txt").write_text(f"# an antenna a line\n{line}\n")
    before = flags(vis)
    with pytest.raises(ParameterError, match=r"must be name=, diameter=, position=\[x,y,z\]"):
        flagdata(vis, mode="shadow", addantenna="antennas.txt", flagbackup=False)
    np.testing.assert_array_equal(flags(vis), before)


@pytest.mark.parametrize(
    "antenna", [{"diameter": 25.0}, {"diameter": "x", "position": [0.0] * 3}, {"diameter": 25.0, "position": [0.0] * 2}, 25.0]
)
def test_a_record_of_antennas_that_cannot_be_read(vis: str, antenna: Any) -> None:
    before = flags(vis)
    with pytest.raises(ParameterError, match="'addantenna' must hold records of diameter and position"):
        flagdata(vis, mode="shadow", addantenna={"0": antenna}, flagbackup=False)
    np.testing.assert_array_equal(flags(vis), before)


def test_no_command_is_saved(vis: str) -> None:
    with pytest.raises(ParameterError, match="no command to save"):
        flagcmd(vis, action="list", savepars=True, outfile="saved.txt")
    assert not Path("saved.txt").exists()


def store(vis: str) -> None:
    flagcmd(vis, inpmode="list", inpfile=["mode='clip' clipminmax=[0.0,1e9]"], action="list", savepars=True)


def test_what_depended_on_the_data_is_not_taken_back(vis: str) -> None:
    store(vis)
    flagcmd(vis, action="apply", flagbackup=False)
    before = flags(vis)
    with pytest.raises(ParameterError, match="cannot be unapplied; restore a flag version instead"):
        flagcmd(vis, action="unapply", flagbackup=False)
    np.testing.assert_array_equal(flags(vis), before)


@pytest.mark.parametrize(
    ("prepare", "words"), [(store, "must hold rows 0 to 0; got 9"), (lambda vis: None, "FLAG_CMD is empty; got 9")]
)
def test_rows_that_are_not_there_are_not_cleared(vis: str, prepare: Callable[[str], None], words: str) -> None:
    prepare(vis)
    stored = flagcmd(vis, action="extract", useapplied=True)
    with pytest.raises(ParameterError, match=words):
        flagcmd(vis, action="clear", rowlist=[9])
    assert flagcmd(vis, action="extract", useapplied=True) == stored
