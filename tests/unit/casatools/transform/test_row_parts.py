"""Rows planned some at a time, with what belongs to them in files: the output is that of all rows together."""

from __future__ import annotations

import shutil
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools._base import row_arrays
from casatools._base.errors import SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform import row_parts as row_parts_module
from casatools.transform import weight_bins
from casatools.transform.pipeline import TimeAverage, TransformOptions, transform
from casatools.transform.row_parts import row_parts
from casatools.transform.statistical_weights import StatisticalWeightOptions, set_statistical_weights
from casatools.transform.transforming import MsTransformOptions, mstransform
from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits


def few_at_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Look at so many rows together, and keep what is larger than some bytes in files."""
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(row_arrays, name, rows)
    monkeypatch.setattr(row_arrays, "_IN_MEMORY", 100)
    monkeypatch.setattr(row_arrays, "chunk_bytes", lambda: 0)


@pytest.fixture
def mixed(shared_input: Any) -> str:
    """The baselines of five antennas of simvla.ms, its rows in another order and some flagged as a whole."""
    path = shared_input("simvla.ms")
    rng = np.random.default_rng(8)
    with tables.table(path, ack=False) as table:
        few = np.flatnonzero(np.maximum(table.getcol("ANTENNA1"), table.getcol("ANTENNA2")) < 5)
        table.selectrows(rng.permutation(few)).copy("mixed.ms", deep=True).close()
    with tables.table("mixed.ms", readonly=False, ack=False) as table:
        flag = table.getcol("FLAG")
        flag[rng.random(len(flag)) < 0.2] = True
        table.putcol("FLAG", flag)
        table.putcol("STATE_ID", rng.integers(0, 2, len(flag)).astype(np.int32))
    return "mixed.ms"


def _columns(path: str) -> dict[str, list[tuple[tuple[int, ...], bytes]]]:
    """The cells of all columns with their shapes; bytes, since many small arrays are compared much faster so."""
    with tables.table(path, ack=False) as table:
        columns = {}
        for name in (c for c in table.colnames() if table.iscelldefined(c, 0)):
            cells = table.getcol(name) if table.isscalarcol(name) else table.getvarcol(name).values()
            columns[name] = [(np.shape(cell), np.asarray(cell).tobytes()) for cell in cells]
    return columns


def _same(one: str, two: str) -> None:
    first, second = _columns(one), _columns(two)
    assert first.keys() == second.keys()
    assert [name for name, cells in first.items() if cells != second[name]] == []


_ALL = frozenset({"scan", "state", "field"})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"keepflags": False},
        {"selection": Selection(antenna="0~4&", uvrange=">30m", spw="0:1~3")},
        {"selection": Selection(taql="ANTENNA1 > 1 && abs(UVW[1]) > 20"), "rows": np.arange(0, 2000, 3)},
        {"time_average": TimeAverage(40.0), "keepflags": False},
        {"time_average": TimeAverage(40.0, _ALL)},
        {"time_average": TimeAverage(600.0, _ALL, 20.0), "selection": Selection(correlation="RR")},
    ],
)  # fmt: skip
def test_output_is_that_of_all_rows_together(mixed: str, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    options = {"datacolumn": "data", **options}
    count = transform(mixed, "whole.ms", TransformOptions(**options))
    few_at_once(monkeypatch, 70)
    assert transform(mixed, "few.ms", TransformOptions(**options)) == count
    _same("whole.ms", "few.ms")


@pytest.mark.parametrize(("bin_s", "span"), [(0.0, ""), (40.0, ""), (40.0, "scan,state,field")])
def test_spectral_windows_are_combined_as_all_rows_together(
    mixed: str, monkeypatch: pytest.MonkeyPatch, bin_s: float, span: str
) -> None:
    options = MsTransformOptions("data", combinespws=True, timeaverage=bin_s > 0, timebin=f"{bin_s}s", timespan=span)
    mstransform(mixed, "whole.ms", Selection(antenna="0~3&"), options)
    few_at_once(monkeypatch, 70)
    mstransform(mixed, "few.ms", Selection(antenna="0~3&"), options)
    _same("whole.ms", "few.ms")


def test_parts_of_too_many_rows_are_cut_between_times(mixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with MeasurementSet(mixed) as ms:
        rows, times = np.arange(ms.nrow), ms.read("TIME")
        (every,) = list(row_parts(ms, rows, ["ARRAY_ID"]))
        assert every[0] is rows and not every[1]
        few_at_once(monkeypatch, 100)
        found = list(row_parts(ms, rows, ["ARRAY_ID"]))
        assert [unfinished for _, unfinished in found] == [True] * (len(found) - 1) + [False]
        assert max(len(part) for part, _ in found) <= 200  # an integration of both windows, beyond those that fit
        for (one, _), (two, _) in pairwise(found):
            assert times[one].max() < times[two].min() and np.all(np.diff(one) > 0)
        np.testing.assert_array_equal(np.sort(np.concatenate([part for part, _ in found])), rows)
        along = rows[::-1] // 40
        parts = [along[part] for part, _ in row_parts(ms, rows, [], along)]
        assert len(parts) > 5 and all(one.max() < two.min() for one, two in pairwise(parts))


@pytest.mark.parametrize(
    "options",
    [
        {"timebin": 1},
        {"timebin": 4, "combine": "scan,field,state"},
        {"timebin": "50s", "slidetimebin": True, "chanbin": 2, "combine": "corr"},
        {"timebin": 3, "slidetimebin": True, "combine": "scan,field,state", "statalg": "chauvenet"},
    ],
)
def test_weights_are_those_of_all_rows_together(mixed: str, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    shutil.copytree(mixed, "few.ms")
    given = StatisticalWeightOptions(datacolumn="data", **options)
    found = set_statistical_weights(mixed, {}, given)
    few_at_once(monkeypatch, 70)
    monkeypatch.setattr(weight_bins, "chunk_bytes", lambda: 40_000)  # groups are cut between baselines
    again = set_statistical_weights("few.ms", {}, given)
    _same(mixed, "few.ms")
    assert again == pytest.approx(found, rel=1e-6)


def test_an_empty_selection_of_many_rows(mixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few_at_once(monkeypatch, 70)
    with MeasurementSet(mixed) as ms:
        with pytest.raises(SelectionError, match="matches no row"):
            Selection(uvrange=">1000000m").resolve(ms)
        assert Selection(uvrange=">1000000m").resolve(ms, allow_empty=True).nrow == 0
        with pytest.raises(SelectionError, match="casacore cannot evaluate"):
            Selection(taql="NOSUCH == 1").resolve(ms)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scan": "1", "antenna": "0,3&"},
        {"feed": "0&0"},
        {"timerange": ">10:30:00", "uvrange": "1~5klambda", "field": "0~1"},
        {"taql": "ROWNUMBER() % 3 == 0"},
        {"taql": "rowid() > 150 && rownr( ) < 333 && 'rownr()' != \"it's rowid()\""},
        {"taql": "ANTENNA1 == 2", "taql_of_selected": "ROWNUMBER() > 4"},
        {"taql": "sumsqr(UVW[1:2]) > 2500", "spw": "1"},
    ],
)
def test_selections_of_many_rows(mixed: str, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with MeasurementSet(mixed) as ms:
        whole = Selection(**given).resolve(ms, allow_empty=True)
        few_at_once(monkeypatch, 70)
        few = Selection(**given).resolve(ms, allow_empty=True)
        np.testing.assert_array_equal(few.rows, whole.rows)
        for name in ("fields_present", "antennas", "scans", "spws", "baselines"):
            assert repr(getattr(few, name)) == repr(getattr(whole, name))


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"spw": "0"}, {}),
        ({}, {"combine_spw": False}),
        ({}, {}),
        ({"taql": "DATA_DESC_ID == 0 || ANTENNA1 > 0"}, {"pad_with_flags": True}),
    ],
)
def test_groups_of_a_fits_file_are_those_of_all_rows_together(
    mixed: str, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], options: dict[str, bool]
) -> None:
    selection, options = Selection(**given), UvfitsOptions("data", **options)
    count = export_uvfits(mixed, "whole.fits", selection, options)
    few_at_once(monkeypatch, 70)
    assert export_uvfits(mixed, "few.fits", selection, options) == count
    assert Path("few.fits").read_bytes() == Path("whole.fits").read_bytes()


def test_what_counts_the_rows_of_many_large_parts_is_bounded(mixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each large part had intervals of its own, a megabyte: 84 MB for 80 scans of 10 million rows."""
    few_at_once(monkeypatch, 10)
    with MeasurementSet(mixed) as ms:
        rows = np.arange(ms.nrow)
        names = ["SCAN_NUMBER", "DATA_DESC_ID"]
        count = len(list(row_parts(ms, rows, names)))
        monkeypatch.setattr(row_parts_module, "_ALL_INTERVALS", 1 << 10)
        tracemalloc.start()
        found = list(row_parts(ms, rows, names))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(found) == count > 12
    np.testing.assert_array_equal(np.sort(np.concatenate([part for part, _ in found])), rows)
    assert peak < 1 << 20  # 32 MB and more before
