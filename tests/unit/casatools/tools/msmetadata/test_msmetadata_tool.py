"""The msmetadata tool against values that CASA 6.7 returns for the same data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from casatools import ms, msmetadata
from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.io import tables

BIG = {
    "DATA",
    "CORRECTED_DATA",
    "MODEL_DATA",
    "FLAG",
    "WEIGHT",
    "SIGMA",
    "WEIGHT_SPECTRUM",
    "SIGMA_SPECTRUM",
    "UVW",
    "FLAG_CATEGORY",
}


@pytest.fixture
def alma(shared_input: Callable[[str], str]) -> msmetadata:
    found = msmetadata()
    found.open(shared_input("alma_small.ms"))
    return found


def test_nothing_works_before_open() -> None:
    with pytest.raises(NotOpenError):
        msmetadata().nspw()


@pytest.mark.shared
def test_values_equal_the_reference(alma: msmetadata) -> None:
    assert (
        alma.nfields(),
        alma.nspw(),
        alma.nspw(False),
        alma.nscans(),
        alma.nantennas(),
        alma.nbaselines(),
        alma.nstates(),
    ) == (2, 3, 2, 2, 13, 23, 8)
    assert alma.wvrspws().tolist() == [0] and alma.tdmspws().tolist() == [1] and alma.chanavgspws().tolist() == [2]
    assert alma.almaspws(wvr=True, complement=True).tolist() == [1, 2]
    assert alma.scansforintent("*PHASE*").tolist() == [3] and alma.scannumbers().tolist() == [1, 3]
    assert alma.antennastations(["DA41", "DV08"]) == ["S301", "A133"]
    assert alma.antennaoffset("DA41")["longitude offset"]["value"] == pytest.approx(1749.4591897192263, rel=1e-9)
    assert alma.antennaposition(0)["m1"]["value"] == pytest.approx(-0.39994362507856157, rel=1e-12)
    assert alma.nrows(flagged=False) == pytest.approx(689.9921875)
    assert alma.spwsforbaseband()["1"].tolist() == [1, 2] and alma.rxbands().tolist() == [-1, 3, 3]
    assert alma.exposuretime(1, 1)["unit"] == "s"


@pytest.mark.shared
def test_unknown_things_are_refused(alma: msmetadata) -> None:
    for call in (
        lambda: alma.chanfreqs(99), lambda: alma.fieldsforscan(99), lambda: alma.fieldsforname("NOPE"), lambda: alma.antennaids("NOPE"),
        lambda: alma.namesforfields(-1), lambda: alma.scansforstate(99), lambda: alma.chanfreqs(0, "km/s"), lambda: alma.corrbit([]),
        lambda: alma.restfreqs(-1), lambda: alma.restfreqs(7), lambda: alma.timesforscans([]), lambda: alma.exposuretime(1, 0),
        lambda: alma.scansforintent("NOPE"), lambda: alma.statesforscan(-1), lambda: alma.chanres(0, "kHz", asvel=True),
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            call()
    with pytest.raises(DataError):
        alma.pointingdirection(0)


@pytest.mark.shared
def test_data_without_intents_and_basebands(shared_input: Callable[[str], str]) -> None:
    tool = msmetadata()
    tool.open(shared_input("lofar.ms"))
    assert tool.fieldsforintent("*").tolist() == [0]
    with pytest.raises(DataError, match="BBC_NO"):
        tool.spwsforbaseband(1, "only")
    tool.done()


@pytest.mark.shared
def test_summaries_read_no_big_columns(shared_input: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes ten million rows bearable: only columns of single numbers are read, and each once."""
    path = shared_input("simvla.ms")
    read: list[str] = []
    plain = tables._get

    def spied(table: Any, column: str, *rest: Any) -> Any:
        read.append(column)
        return plain(table, column, *rest)

    monkeypatch.setattr(tables, "_get", spied)
    tool = msmetadata()
    tool.open(path)
    (
        tool.timesforscan(1),
        tool.fieldsforscan(2),
        tool.antennasforscan(3),
        tool.spwsforscan(1),
        tool.intentsforscan(1),
        tool.nrows(),
    )
    assert len(read) == len(set(read))
    tool.summary()
    tool.done()
    vis = ms()
    vis.open(path)
    vis.summary()
    vis.msselect({"field": "0", "spw": "0:1~3", "scan": "1", "baseline": "!2", "scanintent": "*"})
    vis.getscansummary()
    vis.close()
    assert not set(read) & BIG
