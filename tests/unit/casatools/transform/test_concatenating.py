"""concat: rows, sub-tables and identifiers of joined MeasurementSets; numbers of the reference for the same inputs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import clearcal, concat, split, testconcat
from casatools import ms, table
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, UnsupportedError
from casatools.simulation.demo import DemoOptions, make_demo
from casatools.transform.concatenating import ConcatOptions, merge_options
from casatools.transform.merging import MergeOptions
from support.shared import unpack

testconcat.__test__ = False  # a task, not a test


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One simulated observation, its first and its second scan."""
    folder = tmp_path_factory.mktemp("concat")
    make_demo(str(folder / "sim.ms"), DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    tool = ms()
    tool.open(str(folder / "sim.ms"))
    scans = sorted(tool.getscansummary(), key=int)
    tool.close()
    for name, scan in (("a.ms", scans[0]), ("b.ms", scans[1])):
        split(str(folder / "sim.ms"), str(folder / name), scan=scan, datacolumn="data")
    return folder


@pytest.fixture(autouse=True)
def _here(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.ms", "b.ms"):
        shutil.copytree(parts / name, name)


def column(path: str, name: str) -> np.ndarray:
    tb = table()
    tb.open(path)
    values = tb.getcol(name)
    tb.close()
    return values


def edit(path: str, name: str, change: Any) -> None:
    tb = table()
    tb.open(path, nomodify=False)
    tb.putcol(name, change(tb.getcol(name)))
    tb.close()


def rows(path: str) -> int:
    tb = table()
    tb.open(path)
    count = tb.nrows()
    tb.close()
    return int(count)


def test_parts_make_the_whole_again(parts: Path) -> None:
    concat(["a.ms", "b.ms"], "o.ms")
    for name in ("DATA", "UVW", "TIME", "FLAG", "WEIGHT", "ANTENNA2", "SCAN_NUMBER", "FIELD_ID", "STATE_ID"):
        expected = np.concatenate([column(p, name) for p in ("a.ms", "b.ms")], axis=-1)
        assert np.array_equal(column("o.ms", name), expected), name
    for name in ("ANTENNA", "FIELD", "SPECTRAL_WINDOW", "DATA_DESCRIPTION", "OBSERVATION", "SOURCE", "FEED"):
        assert rows(f"o.ms/{name}") == rows(f"a.ms/{name}"), name
    assert any("concat" in m for m in column("o.ms/HISTORY", "MESSAGE").tolist() + column("o.ms/HISTORY", "ORIGIN").tolist())
    before = column("a.ms", "TIME")
    concat("b.ms", "a.ms")  # joined to what is there
    assert np.array_equal(column("a.ms", "TIME"), column("o.ms", "TIME")) and len(before) < rows("a.ms")


def test_rows_by_time_and_weights_scaled() -> None:
    concat(["b.ms", "a.ms"], "o.ms", timesort=True, visweightscale=[2.0, 0.5], copypointing=False)
    time = column("o.ms", "TIME")
    assert (np.diff(time) >= 0).all()
    first = column("o.ms", "SCAN_NUMBER") == column("a.ms", "SCAN_NUMBER")[0]
    assert column("o.ms", "WEIGHT")[:, first] == pytest.approx(0.5 * column("a.ms", "WEIGHT"))
    assert column("o.ms", "SIGMA") == pytest.approx(column("o.ms", "WEIGHT") ** -0.5)
    assert rows("o.ms/POINTING") == 0


def test_what_differs_gets_rows_of_its_own() -> None:
    edit("b.ms/FIELD", "PHASE_DIR", lambda v: v + 1e-4)
    edit("b.ms/SPECTRAL_WINDOW", "CHAN_FREQ", lambda v: v + 3e3)
    edit("b.ms/OBSERVATION", "PROJECT", lambda v: np.array(["other"] * len(v)))
    edit("b.ms/ANTENNA", "POSITION", lambda v: v + np.eye(3, v.shape[1]) * 50)
    edit("b.ms", "SCAN_NUMBER", lambda v: np.full_like(v, column("a.ms", "SCAN_NUMBER")[0]))
    concat(["a.ms", "b.ms"], "o.ms")
    nrow, nfield, nant = rows("a.ms"), rows("a.ms/FIELD"), rows("a.ms/ANTENNA")
    assert rows("o.ms/FIELD") == 2 * nfield and rows("o.ms/SPECTRAL_WINDOW") == 2 and rows("o.ms/OBSERVATION") == 2
    assert rows("o.ms/ANTENNA") == nant + 3 and rows("o.ms/DATA_DESCRIPTION") == 2
    assert set(column("o.ms", "DATA_DESC_ID")[nrow:]) == {1} and set(column("o.ms", "OBSERVATION_ID")[nrow:]) == {1}
    assert (column("o.ms", "FIELD_ID")[nrow:] >= nfield).all() and column("o.ms", "ANTENNA2").max() >= nant
    assert set(column("o.ms", "SCAN_NUMBER")[nrow:]) == {column("a.ms", "SCAN_NUMBER")[0] + 1}
    sources = column("o.ms/FIELD", "SOURCE_ID")
    assert len(set(sources)) == 2 * len(set(sources[:nfield])) and rows("o.ms/SOURCE") == 2 * rows("a.ms/SOURCE")
    assert (column("o.ms/FEED", "ANTENNA_ID") >= nant).sum() >= 3
    concat(["a.ms", "b.ms"], "t.ms", freqtol="10kHz", dirtol="1arcmin")
    assert rows("t.ms/FIELD") == nfield and rows("t.ms/SPECTRAL_WINDOW") == 1
    edit("b.ms/FIELD", "NAME", lambda v: np.array([f"x{k}" for k in range(len(v))]))
    concat(["a.ms", "b.ms"], "n.ms", dirtol="1arcmin", respectname=True)
    assert rows("n.ms/FIELD") == 2 * nfield


def test_columns_that_an_input_lacks_are_made() -> None:
    clearcal("b.ms", addmodel=True)
    concat(["a.ms", "b.ms"], "o.ms")
    nrow = rows("a.ms")
    assert np.array_equal(column("o.ms", "CORRECTED_DATA")[..., :nrow], column("a.ms", "DATA"))
    assert (column("o.ms", "MODEL_DATA")[..., :nrow] == 1.0).all()
    assert np.array_equal(column("o.ms", "MODEL_DATA")[..., nrow:], column("b.ms", "MODEL_DATA"))
    tb = table()
    tb.open("a.ms", nomodify=False)
    tb.removecols([c for c in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM") if c in tb.colnames()])
    has = "WEIGHT_SPECTRUM" in tb.colnames()
    tb.close()
    assert not has
    concat(["b.ms", "a.ms"], "w.ms", visweightscale=[1.0, 3.0])
    assert column("w.ms", "WEIGHT")[:, rows("b.ms") :] == pytest.approx(3 * column("a.ms", "WEIGHT"))
    if "WEIGHT_SPECTRUM" in ms_columns("w.ms"):
        assert column("w.ms", "WEIGHT_SPECTRUM")[:, 0, rows("b.ms") :] == pytest.approx(3 * column("a.ms", "WEIGHT"))


def ms_columns(path: str) -> list[str]:
    tb = table()
    tb.open(path)
    names = list(tb.colnames())
    tb.close()
    return names


def test_sub_tables_alone() -> None:
    testconcat(["a.ms", "b.ms"], "t.ms")
    assert rows("t.ms") == 0 and rows("t.ms/FIELD") == rows("a.ms/FIELD")
    with pytest.raises(OutputExistsError):
        testconcat(["a.ms", "b.ms"], "t.ms")
    with pytest.raises(ParameterError, match="testconcatvis"):
        testconcat(["a.ms", "b.ms"])


def test_refused() -> None:
    before = sorted(os.listdir("."))
    for words, error, given in (
        ("'concatvis' must be given", ParameterError, {"concatvis": ""}), ("at least two", ParameterError, {"vis": ["a.ms"]}),
        ("must not be one of the inputs", ParameterError, {"concatvis": "b.ms"}), ("twice", ParameterError, {"vis": ["a.ms", "./a.ms"]}),
        ("visweightscale", ParameterError, {"visweightscale": [1.0]}), ("numbers above 0", ParameterError, {"visweightscale": [1.0, 0.0]}),
        ("freqtol", ParameterError, {"freqtol": "-1Hz"}), ("forcesingleephemfield", UnsupportedError, {"forcesingleephemfield": "Venus"}),
        ("nothere", PathMissingError, {"vis": ["a.ms", "nothere.ms"]}),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            concat(**{"vis": ["a.ms", "b.ms"], "concatvis": "o.ms", **given})
    tb = table()
    tb.open("b.ms", nomodify=False)
    tb.renamecol("DATA", "FLOAT_DATA")
    tb.close()
    with pytest.raises(DataError, match="cannot be joined"):
        concat(["a.ms", "b.ms"], "o.ms")
    assert [n for n in sorted(os.listdir(".")) if not n.endswith(".log")] == before
    assert merge_options("", "") == MergeOptions() and merge_options("2", "3mas").frequency_hz == 2.0
    assert ConcatOptions().merge == MergeOptions()


def test_fields_that_move() -> None:
    tb = table()
    tb.open("b.ms/FIELD", nomodify=False)
    tb.addcols(
        {
            "EPHEMERIS_ID": {
                "valueType": "int",
                "dataManagerType": "StandardStMan",
                "dataManagerGroup": "e",
                "option": 0,
                "maxlen": 0,
                "comment": "",
            }
        }
    )
    tb.putcol("EPHEMERIS_ID", np.zeros(tb.nrows(), int))
    tb.close()
    with pytest.raises(UnsupportedError, match="ephemeris"):
        concat(["a.ms", "b.ms"], "o.ms")
    assert not os.path.exists("o.ms")


@pytest.mark.shared
def test_rows_that_do_not_fit_and_the_reference_identifiers(tmp_path: Path) -> None:
    """Two spectral windows that share a polarization setup: CASA 6.7.0 makes a third data description."""
    whole = str(unpack("simvla.ms", tmp_path))
    split(whole, "c.ms", scan="1", field="0", datacolumn="data")
    split(whole, "d.ms", scan="3", spw="1", datacolumn="data")
    split(whole, "e.ms", scan="2", antenna="EA01,EA02,EA03&EA01,EA02,EA03", datacolumn="data")
    concat(["c.ms", "d.ms"], "o.ms")
    assert rows("o.ms") == 504 and set(column("o.ms", "DATA_DESC_ID")) == {0, 1} and set(column("o.ms", "STATE_ID")) == {0, 2}
    concat(["c.ms", "e.ms"], "p.ms", visweightscale=[1.0, 2.0])
    assert rows("p.ms") == 372 and rows("p.ms/DATA_DESCRIPTION") == 3 and rows("p.ms/ANTENNA") == 8
    assert set(column("p.ms", "DATA_DESC_ID")) == {0, 1, 2}
