"""vishead: what it refuses, and that nothing is written then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from casatasks import vishead, visstat
from casatools import table
from casatools._base.errors import CasaError, DataError, ParameterError, UnsupportedError

pytestmark = pytest.mark.shared


@pytest.fixture
def vis(shared_input: Callable[[str], str]) -> str:
    return shared_input("simvla.ms")


def _change(path: str, call: Callable[[table], Any]) -> None:
    tb = table()
    tb.open(path, nomodify=False)
    call(tb)
    tb.close()


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"mode": "get", "hdkey": "nope"}, ParameterError, "'hdkey' must be one of cal_grp, .*; got 'nope'"),
        ({"mode": "put", "hdkey": "nope", "hdvalue": "x"}, ParameterError, "'hdkey' must be one of cal_grp"),
        ({"mode": "put", "hdkey": "release_date", "hdvalue": "soon"}, ParameterError, "value of type double; got 'soon'"),
        ({"mode": "put", "hdkey": "ptcs", "hdindex": "0", "hdvalue": ["a", "b"]}, ParameterError, "cannot be put into .* 'ptcs'"),
        ({"mode": "put", "hdkey": "field", "hdvalue": ["a"] * 9}, ParameterError, "rows; got 9 values"),
    ],
)
def test_refusals_write_nothing(vis: str, options: dict[str, Any], kind: type[CasaError], said: str) -> None:
    def items() -> list[str]:
        return [repr(vishead(vis, "get", hdkey=key)) for key in ("field", "release_date", "ptcs")]

    before = items()
    with pytest.raises(kind, match=said):
        vishead(vis, **options)
    assert items() == before


def test_items_that_are_not_there(vis: str) -> None:
    _change(f"{vis}/FIELD", lambda t: t.removecols(["CODE"]))
    for mode in ("get", "put"):
        with pytest.raises(DataError, match="has no column CODE, where 'fld_code' is kept"):
            vishead(vis, mode, hdkey="fld_code", hdvalue="x")

    def empty_schedule(tb: table) -> None:
        tb.addrows(1)
        assert not tb.iscelldefined("SCHEDULE", 1)

    _change(f"{vis}/OBSERVATION", empty_schedule)
    with pytest.raises(DataError, match=r"row 1 of SCHEDULE .* holds nothing"):
        vishead(vis, "get", hdkey="schedule", hdindex="1")
    shutil.rmtree(f"{vis}/SOURCE", ignore_errors=True)
    _change(vis, lambda t: t.removekeyword("SOURCE") if "SOURCE" in t.keywordnames() else None)
    for mode in ("get", "put"):
        with pytest.raises(DataError, match="no sub-table SOURCE"):
            vishead(vis, mode, hdkey="source_name", hdvalue="x")


def test_a_wrong_value_of_a_later_row_leaves_the_first_ones(vis: str) -> None:
    _change(f"{vis}/OBSERVATION", lambda t: t.addrows(1))
    before = vishead(vis, "get", hdkey="release_date")[0].tolist()
    with pytest.raises(ParameterError, match="value of type double; got 'soon'"):
        vishead(vis, "put", hdkey="release_date", hdvalue=[5.0e9, "soon"])
    assert vishead(vis, "get", hdkey="release_date")[0].tolist() == before


def test_visstat_refusals(vis: str) -> None:
    with pytest.raises(UnsupportedError, match="ddistart=3 is not supported"):
        visstat(vis, ddistart=3)
    with pytest.raises(ParameterError, match="'vis' must name a MeasurementSet"):
        visstat("")
    assert np.isfinite(visstat(vis)["DATA_DESC_ID=0"]["mean"])
