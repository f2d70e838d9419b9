"""Multi-MSs: parts are moved, joined, still there when something goes wrong, and the whole can be moved."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from casatools import ms, table
from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, PathMissingError, UnsupportedError
from casatools.io import table_access
from casatools.simulation.demo import DemoOptions, make_demo
from casatools.transform.multi_ms import make_multi_ms


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    make_demo(str(folder / "sim.ms"), DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    tool = ms()
    tool.open(str(folder / "sim.ms"))
    scans = sorted(tool.getscansummary(), key=int)
    for name, scan in (("a.ms", scans[0]), ("b.ms", scans[1])):
        tool.split(outputms=str(folder / name), scan=[scan], whichcol="DATA")
    tool.close()
    return folder


@pytest.fixture(autouse=True)
def _here(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.ms", "b.ms"):
        shutil.copytree(parts / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)


def column(path: str, name: str = "DATA") -> np.ndarray:
    tb = table()
    tb.open(path)
    values = tb.getcol(name)
    tb.close()
    return values


def test_the_parts_are_moved_and_joined() -> None:
    expected = np.concatenate([column("a.ms"), column("b.ms")], axis=-1)
    tool = ms()
    assert tool.createmultims("mm.ms", ["a.ms", "b.ms"], [])
    assert tool.ismultims() and tool.nrow() == expected.shape[-1]
    tool.close()
    assert sorted(os.listdir(".")) == ["mm.ms"] and sorted(os.listdir("mm.ms/SUBMSS")) == ["a.ms", "b.ms"]
    assert np.array_equal(column("mm.ms"), expected)
    assert "SubType = CONCATENATED" in Path("mm.ms/table.info").read_text()
    os.rename("mm.ms", "moved.ms")
    assert np.array_equal(column("moved.ms"), expected)


def test_subtables_joined_or_copied() -> None:
    tb = table()
    tb.open("b.ms/FIELD", nomodify=False)
    tb.putcell("NAME", 0, "changed")
    tb.close()
    make_multi_ms("mm.ms", ["a.ms", "b.ms"], ["ANTENNA"], copy_subtables=True, omit=["SOURCE"])
    assert column("mm.ms/SUBMSS/b.ms/FIELD", "NAME")[0] != "changed"
    # casacore joins the sub-table anew at each opening; the table holds its name.
    assert b"ANTENNA" in Path("mm.ms/table.dat").read_bytes()


def test_nothing_is_moved_when_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, arguments in (
        (ParameterError, ("mm.ms", [])), (PathMissingError, ("mm.ms", ["a.ms", "c.ms"])), (OutputExistsError, ("a.ms", ["b.ms"])),
        (ParameterError, ("mm.ms", ["a.ms", "b.ms"], ["NOTHING"])), (ParameterError, ("mm.ms", ["a.ms", "a.ms"])),
    ):  # fmt: skip
        with pytest.raises(error):
            make_multi_ms(*arguments)
    tb = table()
    tb.open("b.ms", nomodify=False)
    tb.removecols(["WEIGHT_SPECTRUM"])
    tb.close()
    with pytest.raises(DataError, match=r"other columns.*WEIGHT_SPECTRUM"):
        make_multi_ms("mm.ms", ["a.ms", "b.ms"])
    with pytest.raises(UnsupportedError, match="lock"):
        ms().createmultims("mm.ms", ["a.ms"], [], lock=True)
    shutil.rmtree("b.ms")
    shutil.copytree("a.ms", "b.ms")

    whole = table_access._tables.table

    def fails(name: object, *args: object, **kwargs: object) -> object:
        if isinstance(name, list):
            raise RuntimeError("no")
        return whole(name, *args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(table_access._tables, "table", fails)
        with pytest.raises(CasaError, match="joined"):
            make_multi_ms("mm.ms", ["a.ms", "b.ms"])
    assert sorted(os.listdir(".")) == ["a.ms", "b.ms"] and column("a.ms").size


def test_multi_tables_keep_their_parts() -> None:
    tb = table()
    assert tb.createmultitable("t.tab", ["a.ms", "b.ms"], "PARTS")
    assert sorted(os.listdir("t.tab/PARTS")) == ["a.ms", "b.ms"]
    assert column("t.tab").shape[-1] == column("t.tab/PARTS/a.ms").shape[-1] + column("t.tab/PARTS/b.ms").shape[-1]
