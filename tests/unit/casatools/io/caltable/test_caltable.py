"""Calibration tables: tables of CASA 6.7 read, written and read again; appending; refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, OutputExistsError, PathMissingError, SelectionError
from casatools.io.caltable import CalTable, is_caltable
from casatools.io.caltable.subtables import subtables_from_ms
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [("cal.G", "G Jones", (64, 1, 2)), ("cal.K", "K Jones", (16, 1, 2)), ("cal.B", "B Jones", (16, 8, 2))],
)
def test_round_trip(tmp_path: Path, name: str, kind: str, shape: tuple[int, ...]) -> None:
    table = CalTable.open(str(unpack(name, tmp_path)))
    assert (table.vis_cal, table.param.shape) == (kind, shape)
    table.write(str(tmp_path / "copy"))
    again = CalTable.open(str(tmp_path / "copy"))
    for attribute in ("time_s", "field_id", "spw_id", "antenna1", "antenna2", "scan", "param", "flag", "snr", "paramerr"):
        np.testing.assert_array_equal(getattr(again, attribute), getattr(table, attribute))
    assert again.antenna_names == table.antenna_names
    assert again.ms_name == table.ms_name
    with open_table(str(tmp_path / "copy")) as raw, open_table(str(tmp_path / name)) as reference:
        assert raw.colnames() == reference.colnames()
        assert set(raw.keywordnames()) == set(reference.keywordnames())
        for column in raw.colnames():
            mine, theirs = raw.getcoldesc(column), reference.getcoldesc(column)
            assert {k: mine[k] for k in ("valueType", "keywords", "option")} == {
                k: theirs[k] for k in ("valueType", "keywords", "option")
            }


def test_rows_selected_and_appended(tmp_path: Path) -> None:
    path = str(unpack("cal.G", tmp_path))
    table = CalTable.open(path)
    part = table.select(table.spw_id == 1)
    assert part.nrow == 32
    np.testing.assert_array_equal(part.param, table.param[table.spw_id == 1])
    np.testing.assert_array_equal(table.query(path, "SPECTRAL_WINDOW_ID==1"), np.flatnonzero(table.spw_id == 1))
    with pytest.raises(SelectionError, match="NOSUCH"):
        table.query(path, "NOSUCH==1")
    part.append_to(path)
    assert CalTable.open(path).nrow == 96
    part.append_to(str(tmp_path / "new"))
    assert CalTable.open(str(tmp_path / "new")).nrow == 32
    part.append_to(path, ordered=True)
    every = CalTable.open(path)
    twice = np.repeat(np.flatnonzero(table.spw_id == 1).reshape(-1, 8), 3, axis=0).ravel()
    order = np.concatenate([np.flatnonzero(table.spw_id == 0), twice])
    for column in ("time_s", "spw_id", "antenna1", "antenna2", "field_id", "scan", "param", "flag"):
        np.testing.assert_array_equal(getattr(every, column), getattr(table, column)[order])


def test_another_kind_is_not_appended(tmp_path: Path) -> None:
    path = str(unpack("cal.G", tmp_path))
    other = CalTable.open(str(unpack("cal.B", tmp_path)))
    with pytest.raises(DataError, match="B Jones"):
        other.append_to(path)
    strange = CalTable.open(path)
    strange.subtables["ANTENNA"].columns["NAME"][0] = "XX99"
    with pytest.raises(DataError, match="antennas"):
        strange.append_to(path)
    assert CalTable.open(path).nrow == 64


def test_what_is_no_table_is_refused_and_kept(tmp_path: Path) -> None:
    with pytest.raises(PathMissingError):
        CalTable.open(str(tmp_path / "missing"))
    ms = unpack("simvla.ms", tmp_path)
    with pytest.raises(DataError, match="calibration table"):
        CalTable.open(str(ms))
    table = CalTable.open(str(unpack("cal.T", tmp_path)))
    with pytest.raises(DataError, match="not replaced"):
        table.write(str(ms))
    assert not is_caltable(str(ms))
    with pytest.raises(OutputExistsError):
        table.write(str(tmp_path / "cal.T"), overwrite=False)


def test_differing_shapes_are_read_by_group(tmp_path: Path) -> None:
    one, two = (CalTable.open(str(unpack(n, tmp_path))) for n in ("cal.G", "cal.B"))
    one.add_rows(two.groups[0], time_s=1.0, spw_id=0)
    with pytest.raises(DataError, match="differ in shape"):
        _ = one.param
    one.write(str(tmp_path / "ragged"))
    again = CalTable.open(str(tmp_path / "ragged"))
    assert sorted({g.param.shape[1] for g in again.groups}) == [1, 8]
    assert sum(len(g.rows) for g in again.groups) == one.nrow
    with pytest.raises(TypeError, match="colour"):
        one.add_rows(two.groups[0], colour=3)


def test_damaged_subtables(tmp_path: Path) -> None:
    path = unpack("cal.G", tmp_path)
    shutil.rmtree(path / "FIELD")
    with pytest.raises(DataError, match=r"calibration table .* has no sub-table FIELD"):
        CalTable.open(str(path))
    vis = unpack("simvla.ms", tmp_path)
    with open_table(str(vis / "FIELD"), writable=True) as field:
        field.removecols(["CODE"])
    with MeasurementSet(str(vis)) as ms, pytest.raises(DataError, match=r"sub-table FIELD of .* has no column CODE"):
        subtables_from_ms(ms)


def test_widths_of_falling_frequencies(tmp_path: Path) -> None:
    """Negative as CASA 6.7 writes them; resolutions and bandwidths are not."""
    with MeasurementSet(str(unpack("alma_small.ms", tmp_path))) as ms:
        table = CalTable.for_ms(ms, "G Jones", "Complex")
        table.set_single_channel(ms)
    columns = table.subtables["SPECTRAL_WINDOW"].columns
    assert columns["CHAN_WIDTH"][1] == [-2e9]
    assert columns["RESOLUTION"][1] == columns["EFFECTIVE_BW"][1] == [2e9] and columns["TOTAL_BANDWIDTH"][1] == 2e9
