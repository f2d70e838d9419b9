"""concat: rows, sub-tables and identifiers of joined MeasurementSets; numbers of the reference for the same inputs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import clearcal, concat, fixplanets, split, testconcat
from casatools import ms, table
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.ms.ephemerides import extend_ephemeris
from casatools.io.ms.row_files import RowWriter
from casatools.io.tables import open_table
from casatools.simulation.demo import DemoOptions, make_demo
from casatools.transform.concatenating import ConcatOptions, merge_options
from casatools.transform.merging import MergeOptions
from support.ephemeris_file import write_ephemeris
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


@pytest.mark.parametrize("empty", ["a.ms", "b.ms"])
def test_pointings_stay_where_an_input_has_none(empty: str) -> None:
    """CASA drops those after an input without any, or all where that is the first one."""
    for name in ("a.ms", "b.ms"):
        with open_table(f"{name}/POINTING", writable=True) as pointing:
            pointing.removerows(range(pointing.nrows()))
            if name != empty:
                pointing.addrows(5)
    concat(["a.ms", "b.ms"], "o.ms")
    assert rows("o.ms/POINTING") == 5


def test_scaled_sigmas_are_those_of_the_input() -> None:
    """Numbers of CASA 6.7: SIGMA need not be WEIGHT^-1/2."""
    edit("a.ms", "SIGMA", lambda v: np.full_like(v, 3.0))
    edit("b.ms", "SIGMA", lambda v: np.full_like(v, -1.0))
    concat(["a.ms", "b.ms"], "o.ms", visweightscale=[0.25, 4.0])
    sigma, count = column("o.ms", "SIGMA"), column("a.ms", "SIGMA").shape[-1]
    assert np.all(sigma[:, :count] == 6.0) and np.all(sigma[:, count:] == -1.0)


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


def test_columns_that_an_input_lacks_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    clearcal("b.ms", addmodel=True)
    concat(["a.ms", "b.ms"], "o.ms")
    told = capsys.readouterr().err
    assert "a.ms without CORRECTED_DATA: it is DATA there" in told and "a.ms without MODEL_DATA" in told
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
    # Inputs are taken in the order of time, factors with them.
    assert (np.diff(column("w.ms", "TIME")) >= 0).all()
    assert column("w.ms", "WEIGHT")[:, : rows("a.ms")] == pytest.approx(3 * column("a.ms", "WEIGHT"))
    if "WEIGHT_SPECTRUM" in ms_columns("w.ms"):
        assert column("w.ms", "WEIGHT_SPECTRUM")[:, 0, : rows("a.ms")] == pytest.approx(3 * column("a.ms", "WEIGHT"))


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
        ("freqtol", ParameterError, {"freqtol": "-1Hz"}),
        ("parameter 'freqtol' must be a frequency such as '1MHz'; got '5km'", ParameterError, {"freqtol": "5km"}),
        ("parameter 'dirtol' must be an angle such as '1arcsec'; got '5MHz'", ParameterError, {"dirtol": "5MHz"}),
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


def moving(
    path: str, lon_rate: float = 1e-9, start: float | None = None, days: int = 6, shift: float = 0.0, name: str = "MOVER"
) -> None:
    """Give field 0 an ephemeris about the time of the MeasurementSet."""
    when = float(column(path, "TIME").min())
    table_path = write_ephemeris(f"{path}.tab", when if start is None else start, 1.0 + shift, 0.3, lon_rate, 0.0, days, name)
    edit(f"{path}/FIELD", "NAME", lambda v: np.array(["MOVER", *v[1:]]))
    fixplanets(path, field="0", direction=table_path)


def ephemerides(path: str) -> list[str]:
    return sorted(n for n in os.listdir(f"{path}/FIELD") if n.startswith("EPHEM"))


def test_fields_that_move_are_the_same_where_the_first_ephemeris_covers_the_second() -> None:
    edit("a.ms", "FIELD_ID", np.zeros_like)
    edit("b.ms", "FIELD_ID", np.zeros_like)
    count = rows("a.ms/FIELD")
    start = float(column("a.ms", "TIME").min())
    for path in ("a.ms", "b.ms"):
        moving(path, start=start)
    concat(["a.ms", "b.ms"], "same.ms")
    assert rows("same.ms/FIELD") == count and ephemerides("same.ms") == ["EPHEM0_MOVER.tab"]
    # Another object, one that stands still, and one whose ephemeris ends before.
    shutil.rmtree("b.ms")
    shutil.copytree("a.ms", "b.ms")
    edit("b.ms", "TIME", lambda v: v + 86400.0)
    shutil.rmtree("b.ms/FIELD/EPHEM0_MOVER.tab")
    shutil.copytree(write_ephemeris("other.tab", start, 1.001, 0.3, 1e-9, 0.0), "b.ms/FIELD/EPHEM0_MOVER.tab")
    concat(["a.ms", "b.ms"], "other.ms")
    assert rows("other.ms/FIELD") == count + 1 and ephemerides("other.ms") == ["EPHEM0_MOVER.tab", "EPHEM1_MOVER.tab"]
    assert column("other.ms/FIELD", "EPHEMERIS_ID").tolist() == [0, *[-1] * (count - 1), 1]
    assert set(column("other.ms", "FIELD_ID")) == {0, count}


def test_ephemerides_are_united_for_fields_that_are_named() -> None:
    edit("a.ms", "FIELD_ID", np.zeros_like)
    edit("b.ms", "FIELD_ID", np.zeros_like)
    edit("b.ms", "TIME", lambda v: v + 5 * 86400.0)
    start = float(column("a.ms", "TIME").min())
    moving("a.ms", start=start)
    moving("b.ms", start=start, days=16)
    count = rows("a.ms/FIELD")
    concat(["a.ms", "b.ms"], "apart.ms")
    assert rows("apart.ms/FIELD") == count + 1
    concat(["a.ms", "b.ms"], "one.ms", forcesingleephemfield=["MOVER"])
    assert rows("one.ms/FIELD") == count and set(column("one.ms", "FIELD_ID")) == {0}
    mjd = column("one.ms/FIELD/EPHEM0_MOVER.tab", "MJD")
    assert np.array_equal(mjd, column("b.ms/FIELD/EPHEM0_MOVER.tab", "MJD")) and len(mjd) == 16
    concat(["a.ms", "one.ms"], "again.ms", forcesingleephemfield="0")
    with pytest.raises(DataError, match="is missing"):
        extend_ephemeris("a.ms", 3, "b.ms", 0)
    # Parts that never overlap: the name decides.
    shutil.rmtree("b.ms/FIELD/EPHEM0_MOVER.tab")
    shutil.copytree(write_ephemeris("late.tab", start + 40 * 86400.0, 1.0, 0.3, 1e-9, 0.0), "b.ms/FIELD/EPHEM0_MOVER.tab")
    concat(["a.ms", "b.ms"], "late.ms", forcesingleephemfield="MOVER")
    assert len(column("late.ms/FIELD/EPHEM0_MOVER.tab", "MJD")) == 12


def test_a_moving_field_and_one_that_stands_still() -> None:
    edit("b.ms", "FIELD_ID", np.zeros_like)
    moving("b.ms")
    count = rows("a.ms/FIELD")
    concat(["a.ms", "b.ms"], "o.ms")
    assert rows("o.ms/FIELD") == count + 1
    assert column("o.ms/FIELD", "EPHEMERIS_ID").tolist() == [-1] * count + [0]
    shutil.rmtree("b.ms/FIELD/EPHEM0_MOVER.tab")
    with pytest.raises(DataError, match="EPHEM0"):
        concat(["a.ms", "b.ms"], "p.ms")
    assert not os.path.exists("p.ms")


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


def test_tiled_columns_go_from_file_to_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as through casacore; weights that are scaled do not."""
    taken: list[frozenset[str]] = []
    extending = RowWriter.extending

    def watched(*given: Any) -> RowWriter:
        writer = extending(*given)
        taken.append(writer.columns)
        return writer

    monkeypatch.setattr(RowWriter, "extending", watched)
    concat(["a.ms", "b.ms"], "files.ms")
    concat(["a.ms", "b.ms"], "scaled.ms", visweightscale=[1.0, 4.0])
    assert taken[0] >= {"DATA", "WEIGHT", "SIGMA"} and "DATA" in taken[1] and "WEIGHT" not in taken[1]
    monkeypatch.setattr("casatools.io.ms.appending.row_file", lambda *given: None)
    concat(["a.ms", "b.ms"], "casacore.ms")
    assert not taken[2]
    for name in ("DATA", "FLAG", "WEIGHT", "SIGMA", "UVW", "TIME", "ANTENNA2", "SCAN_NUMBER"):
        np.testing.assert_array_equal(column("files.ms", name), column("casacore.ms", name))
    count = column("a.ms", "WEIGHT").shape[-1]
    np.testing.assert_allclose(column("scaled.ms", "WEIGHT")[:, count:], 4 * column("files.ms", "WEIGHT")[:, count:])
    again = column("files.ms", "DATA")
    concat(["files.ms", "b.ms"], "three.ms")
    np.testing.assert_array_equal(column("three.ms", "DATA")[..., : again.shape[-1]], again)
