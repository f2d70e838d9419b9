"""Failures that CASA answers with nothing (``{}``, ``[]``, 0, False, "") are errors here, and say what was wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casatools._base.errors import CasaError
from casatools.tools.measures import measures
from casatools.tools.ms import ms
from casatools.tools.msmetadata import msmetadata
from casatools.tools.quanta import quanta
from casatools.tools.table import table

Call = Callable[[], Any]
_me, _qa = measures(), quanta()

NOTHING_NEEDED: dict[str, tuple[Call, str]] = {
    "frequency at rest": (lambda: _me.measure(_me.frequency("REST", "1GHz"), "LSRK"), "cannot be converted"),
    "unknown line": (lambda: _me.spectralline("NOPE"), "line is not possible"),
    "unknown source": (lambda: _me.source("NOPE"), "source is not possible"),
    "unknown observatory": (lambda: _me.observatory("NOPE"), "obslist"),
    "unknown reference": (lambda: _me.measure(_me.direction("J2000", "1rad", "1rad"), "NOPE"), "allowed are"),
    "wrong unit of a value": (lambda: _me.epoch("UTC", "5m"), "cannot have the unit"),
    "offset of another kind": (lambda: _me.frequency("LSRK", "1GHz", off=_me.doppler("RADIO", "1km/s")), "must be a frequency"),
    "missing ephemeris": (lambda: _me.framecomet("missing.tab"), "missing.tab"),
    "unknown format": (lambda: _qa.formxxx("30.25deg", format="foo"), "allowed|must be one of"),
    "sum of metres and seconds": (lambda: _qa.add("1m", "1s"), "1m|1s|add|Quantum|unit"),
    "unknown constant": (lambda: _qa.constants("nope"), "allowed are"),
    "rows of a closed table": (lambda: table().nrows(), "call table.open first"),
    "missing table": (lambda: table().open("missing.tab"), "missing.tab"),
    "rows of a closed ms": (lambda: ms().nrow(), "call open first"),
    "metadata of nothing": (lambda: msmetadata().nrows(), "call open first"),
}


@pytest.mark.parametrize("name", NOTHING_NEEDED)
def test_failures_without_data_are_raised(name: str) -> None:
    call, said = NOTHING_NEEDED[name]
    with pytest.raises(CasaError, match=said):
        call()


@pytest.mark.shared
def test_failures_on_a_measurement_set_are_raised(shared_input: Callable[[str], str], tmp_path: Path) -> None:
    path = shared_input("simvla.ms")
    vis, metadata, tb = ms(), msmetadata(), table()
    vis.open(path)
    metadata.open(path)
    tb.open(path)
    for call, said in (
        (lambda: vis.statistics("CORRECTED_DATA", "amp"), "no CORRECTED_DATA"),
        (lambda: vis.getfielddirmeas("PHASE_DIR", 99), "no field 99"),
        (lambda: vis.msselect({"spw": "99"}), "there are"),
        (lambda: vis.msselect({"scanintent": "*NOPE*"}), "no intent matches"),
        (lambda: metadata.fieldsforname("NOPE"), "fields are"),
        (lambda: metadata.scansforintent("NOPE"), "intents are"),
        (lambda: metadata.timesforscan(99), "scans are"),
        (lambda: tb.putcell("ANTENNA1", 0, 1), "nomodify=False"),
        (lambda: tb.getcol("NOPE"), "it has"),
        (lambda: tb.getcell("ANTENNA1", 10**8), "rows"),
    ):
        with pytest.raises(CasaError, match=said):
            call()
    assert len(metadata.scansforintent("*NOPE*")) == 0  # a pattern that matches nothing is no failure
    for tool in (vis, metadata, tb):
        tool.done()
