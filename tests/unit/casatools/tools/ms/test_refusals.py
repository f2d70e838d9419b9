"""What the ms tool refuses: the type of the error, what it says, and that nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import ms, table
from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError

pytestmark = pytest.mark.shared
Refused = tuple[Callable[[ms], Any], type[CasaError], str]


def _put_averaged(tool: ms) -> None:
    tool.selectinit(0)
    tool.selectchannel(2, 1, 3, 3)
    tool.putdata({"data": tool.getdata(["data"])["data"] * 2})


def _put_converted(tool: ms) -> None:
    tool.selectinit(0)
    tool.selectpolarization(["I", "V"])
    tool.putdata({"data": tool.getdata(["data"])["data"] * 2})


REFUSED: dict[str, Refused] = {
    "averages written back": (_put_averaged, ParameterError, "averaged channels and converted polarizations"),
    "Stokes parameters written back": (_put_converted, ParameterError, "cannot be written back"),
    "column of no direction": (lambda t: t.getfielddirmeas("POINTING"), ParameterError, "'dircolname' must be one of PHASE_DIR"),
    "form of no direction": (lambda t: t.getfielddirmeas(format="x"), ParameterError, "'format' must be measure or string"),
    "range of texts": (lambda t: t.select({"uvdist": ["a", "b"]}), ParameterError, "'uvdist' is selected by numbers"),
    "range of one number": (
        lambda t: t.select({"uvdist": [100.0]}),
        ParameterError,
        r"'uvdist' must be \[low, high\]; got \[100.0\]",
    ),
    "no data column": (lambda t: t.split("new.ms", whichcol="WEIGHT"), ParameterError, "'whichcol' must be DATA, CORRECTED_DATA"),
    "antennas out of range": (lambda t: t.msselect({"baseline": "98,99"}), SelectionError, "matches no antenna"),
    "antenna of a negative number": (
        lambda t: t.msselect({"baseline": "-3"}),
        SelectionError,
        "'-3' is not an antenna; ranges are",
    ),
    "wrong pattern": (lambda t: t.msselect({"baseline": "EA[9-0]"}), SelectionError, r"pattern 'EA\[9-0\]' is wrong"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_write_nothing(name: str, shared_input: Callable[[str], str]) -> None:
    call, kind, said = REFUSED[name]
    path, tool, tb = shared_input("simvla.ms"), ms(), table()
    tb.open(path)
    before = tb.getcol("DATA")
    tb.close()
    tool.open(path, nomodify=False)
    with pytest.raises(kind, match=said):
        call(tool)
    tool.close()
    tb.open(path)
    np.testing.assert_array_equal(tb.getcol("DATA"), before)
    tb.close()
    assert not Path("new.ms").exists()


def test_rows_of_several_shapes(shared_input: Callable[[str], str]) -> None:
    tool = ms()
    tool.open(shared_input("evla_simple.ms"))
    with pytest.raises(ParameterError, match=r"data of the shapes .*; select one with selectinit"):
        tool.getdata(["data"])
    assert len(tool.getdata(["time"])["time"]) == tool.nrow(True) == 20
    tool.selectinit(0)
    assert len(tool.getdata(["time"])["time"]) == tool.nrow(True) == 10


def test_axes_of_no_rows(shared_input: Callable[[str], str]) -> None:
    path, tb, tool = shared_input("simvla.ms"), table(), ms()
    tb.open(path)
    tb.copy("empty.ms", deep=True, norows=True)
    tb.close()
    tool.open("empty.ms")
    with pytest.raises(DataError, match="no rows are selected"):
        tool.getdata(["axis_info"])
