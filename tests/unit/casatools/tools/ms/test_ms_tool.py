"""The ms tool: selection, reading, writing and iterating keep CASA's records and array order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools import ms
from casatools._base.errors import DataError, NotOpenError, ParameterError, UnsupportedError


@pytest.fixture
def tool(shared_input: Callable[[str], str]) -> ms:
    found = ms()
    found.open(shared_input("simvla.ms"), nomodify=False)
    return found


def test_nothing_works_before_open() -> None:
    with pytest.raises(NotOpenError):
        ms().nrow()
    assert ms().close() is False


@pytest.mark.shared
def test_items_have_correlation_first_and_row_last(tool: ms) -> None:
    assert tool.selectinit(0) and tool.nrow(True) == 1008 and not tool.selectinit(7)
    found = tool.getdata(["data", "amplitude", "uvw", "weight", "ifr_number", "nosuch"])
    assert found["data"].shape == (4, 8, 1008) and found["uvw"].shape == (3, 1008) and "nosuch" not in found
    np.testing.assert_allclose(found["amplitude"], np.abs(found["data"]), rtol=1e-6)
    grid = tool.getdata(["data", "flag", "axis_info"], ifraxis=True)
    assert grid["data"].shape == (4, 8, 28, 36)
    assert grid["axis_info"]["ifr_axis"]["ifr_name"][0] == "EA01-EA02"
    assert grid["data"][1, 2, 0, 0] == found["data"][1, 2, 0]
    with pytest.raises(UnsupportedError):
        tool.getdata(["data"], ifraxisgap=1)


@pytest.mark.shared
def test_flags_are_written_back(tool: ms) -> None:
    tool.selectinit(1)
    before = tool.getdata(["flag"])["flag"]
    tool.putdata({"flag": ~before})
    assert np.array_equal(tool.getdata(["flag"])["flag"], ~before)
    with pytest.raises(ParameterError, match="shape"):
        tool.putdata({"flag": before[:2]})
    with pytest.raises(ParameterError, match="no item"):
        tool.putdata({"nosuch": before})


@pytest.mark.shared
def test_read_only_is_not_written(shared_input: Callable[[str], str]) -> None:
    found = ms()
    found.open(shared_input("simvla.ms"))
    found.selectinit(0)
    with pytest.raises(DataError, match="read-only"):
        found.putdata({"flag": np.zeros((4, 8, 1008), bool)})


@pytest.mark.shared
def test_channels_and_polarizations_are_converted(tool: ms) -> None:
    tool.selectinit(0)
    full = tool.getdata(["data"])["data"]
    assert tool.selectchannel(2, 1, 3, 3) and not tool.selectchannel(9, 0, 1, 1)
    assert tool.getdata(["data"])["data"].shape == (4, 2, 1008)
    tool.selectinit(0)
    tool.selectpolarization(["I", "V"])
    stokes = tool.getdata(["data"])["data"]
    np.testing.assert_allclose(stokes[0], (full[0] + full[3]) / 2, rtol=1e-5)
    np.testing.assert_allclose(stokes[1], (full[0] - full[3]) / 2, rtol=1e-5, atol=1e-7)
    with pytest.raises(ParameterError, match="XX"):
        tool.selectpolarization(["XX"])


@pytest.mark.shared
def test_iteration_covers_every_row_once(tool: ms) -> None:
    with pytest.raises(ParameterError, match="iterinit"):
        tool.iterorigin()
    tool.selectinit(0)
    tool.iterinit(["SCAN_NUMBER"], maxrows=100)
    rows, more = [], tool.iterorigin()
    while more:
        rows += tool.range(["rows"])["rows"].tolist()
        more = tool.iternext()
    assert sorted(rows) == sorted(tool._selected.tolist()) and len(set(rows)) == 1008
    assert tool.niterend() and tool.iterend()


@pytest.mark.shared
def test_selection_by_items_and_expressions(tool: ms) -> None:
    tool.selectinit(0)
    assert tool.select({"u": [0.0, 200.0], "scan_number": [1, 2], "ifr_number": [1002]}) and tool.nrow(True) == 12
    tool.reset()
    assert tool.msselect({"field": "1331*", "spw": "0:2~5"}) and tool.nrow(True) == 168
    assert tool.msselectedindices()["channel"].tolist() == [[0, 2, 5, 1]]
    assert not tool.msselect({"field": "TARGET"}) and not tool.msselect({})
