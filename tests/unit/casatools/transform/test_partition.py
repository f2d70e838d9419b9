"""partition and split of multi-MSs: how rows are shared out, that nothing is lost, and that one MeasurementSet comes of it."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

import casatasks
from casatools._base import executor as _executor
from casatools._base import paths
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError
from casatools._base.paths import folder_bytes
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.parts import is_multi_ms, part_paths
from casatools.io.tables import open_table
from casatools.transform.multi_ms import cut_rows, parse_part_count


def columns(path: str, *names: str) -> list[np.ndarray]:
    """Columns in one order, whatever that of the rows."""
    with MeasurementSet(path) as ms:
        keys = [np.asarray(ms.read(c)) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1", "TIME")]
        order = np.lexsort(keys)
        return [np.asarray(ms.read(n))[order] for n in names]


ALL = ("DATA", "FLAG", "UVW", "WEIGHT", "FIELD_ID", "SCAN_NUMBER", "STATE_ID", "DATA_DESC_ID")


@pytest.mark.parametrize(
    ("axis", "count", "parts"),
    [
        ("scan", 4, [[1, 2], [3], [4], [5, 6]]), ("scan", 1, [[1, 2, 3, 4, 5, 6]]), ("spw", 3, [[0], [1]]),
        ("baseline", 5, [6, 5, 6, 5, 6]), ("baseline", 3, [9, 10, 9]),
    ],
)  # fmt: skip
def test_runs_end_at_rounded_fractions(shared_input, axis, count, parts):
    """As the reference cuts simvla.ms: 6 scans, 2 windows, 28 baselines."""
    path = shared_input("simvla.ms")
    shares = cut_rows(path, Selection(), axis, count)
    with MeasurementSet(path) as ms:
        assert sum(len(s) for s in shares) == ms.nrow and len(np.unique(np.concatenate(shares))) == ms.nrow
        if axis == "baseline":
            pairs = ms.read("ANTENNA1") * 100 + ms.read("ANTENNA2")
            assert [len(np.unique(pairs[s])) for s in shares] == parts
        else:
            keys = ms.read("SCAN_NUMBER" if axis == "scan" else "DATA_DESC_ID")
            assert [np.unique(keys[s]).tolist() for s in shares] == parts


def test_auto_balances_and_counts_are_checked(shared_input):
    path = shared_input("simvla.ms")
    assert [len(s) for s in cut_rows(path, Selection(), "auto", 4)] == [504] * 4
    assert len(cut_rows(path, Selection(scan="2"), "auto", 8)) == 2
    assert parse_part_count("auto") == parse_part_count("") == 8 and parse_part_count("3") == parse_part_count(3) == 3
    for bad in (0, "many", -2):
        with pytest.raises(ParameterError, match="numsubms"):
            parse_part_count(bad)
    with pytest.raises(ParameterError, match="separationaxis"):
        cut_rows(path, Selection(), "field", 2)


def test_auto_makes_a_part_for_each_rank(monkeypatch):
    class Ranks(_executor.SerialExecutor):
        workers = 3

    monkeypatch.setattr(_executor, "_current", Ranks())
    assert parse_part_count("auto") == 3


@pytest.mark.parametrize("axis", ["auto", "scan", "spw", "baseline"])
def test_the_whole_reads_as_the_original(shared_input, axis):
    path = shared_input("simvla.ms")
    casatasks.partition(path, "o.mms", separationaxis=axis, numsubms=3, datacolumn="data", disableparallel=axis == "spw")
    assert is_multi_ms("o.mms")
    for ours, theirs in zip(columns("o.mms", *ALL), columns(path, *ALL), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with MeasurementSet("o.mms") as new, MeasurementSet(path) as old:
        assert len(new.metadata.spectral_windows) == 2 and len(new.metadata.feeds) == len(old.metadata.feeds)
    assert os.path.isdir("o.mms.flagversions/flags.partition_1")
    with pytest.raises(OutputExistsError):
        casatasks.partition(path, "o.mms", datacolumn="data")


def test_one_plain_measurement_set_of_a_multi_ms(shared_input):
    """monolithic_processing takes the parts together, also bins that cross them; without it the output has parts."""
    path = shared_input("simvla.ms")
    how = {"datacolumn": "data", "timeaverage": True, "timebin": "60s", "spw": "0"}
    casatasks.mstransform(path, "plain.ms", **how)
    casatasks.mstransform(
        path, "o.mms", datacolumn="data", createmms=True, separationaxis="scan", numsubms=2, disableparallel=True
    )
    assert is_multi_ms("o.mms")
    casatasks.mstransform("o.mms", "one.ms", monolithic_processing=True, **how)
    casatasks.mstransform("o.mms", "parts.mms", **how)
    assert not is_multi_ms("one.ms") and is_multi_ms("parts.mms")
    for ours, parts, theirs in zip(columns("one.ms", *ALL), columns("parts.mms", *ALL), columns("plain.ms", *ALL), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(parts, theirs)


def test_parts_have_the_identifiers_of_the_selection(shared_input):
    path = shared_input("simvla.ms")
    casatasks.partition(
        path, "o.mms", field="1,2", spw="1:2~5", separationaxis="scan", numsubms=2, datacolumn="data", flagbackup=False
    )
    casatasks.split(path, "o.ms", field="1,2", spw="1:2~5", datacolumn="data")
    assert len(part_paths("o.mms")) == 2 and not os.path.exists("o.mms.flagversions")
    for ours, theirs in zip(columns("o.mms", *ALL), columns("o.ms", *ALL), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(SelectionError):
        casatasks.partition(path, "p.mms", field="NONE")
    assert not os.path.exists("p.mms")


def test_split_keeps_a_multi_ms(shared_input):
    path = shared_input("simvla.ms")
    casatasks.partition(path, "i.mms", separationaxis="scan", numsubms=2, datacolumn="data", flagbackup=False)
    casatasks.split("i.mms", "o.mms", datacolumn="data", field="1", width=2, timebin="60s")
    casatasks.split("i.mms", "o.ms", datacolumn="data", field="1", width=2, timebin="60s", keepmms=False)
    assert is_multi_ms("o.mms") and not is_multi_ms("o.ms") and len(part_paths("o.mms")) == 2
    for ours, theirs in zip(columns("o.mms", *ALL), columns("o.ms", *ALL), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ParameterError, match="keepmms=False"):
        casatasks.split("i.mms", "x.mms", datacolumn="data", timebin="3600s", combine="scan")


def test_parts_without_rows_are_left_out(shared_input):
    path = shared_input("simvla.ms")
    table = open_table(path, writable=True)
    flag = np.asarray(table.getcol("FLAG"))
    flag[np.asarray(table.getcol("SCAN_NUMBER")) < 3] = True
    table.putcol("FLAG", flag)
    table.close()
    casatasks.partition(path, "i.mms", separationaxis="scan", numsubms=3, datacolumn="data", flagbackup=False)
    casatasks.split("i.mms", "o.mms", datacolumn="data", keepflags=False)
    assert len(part_paths("o.mms")) == 2
    with pytest.raises(SelectionError, match="flagged"):
        casatasks.split("i.mms", "p.mms", datacolumn="data", scan="1,2", keepflags=False)
    assert not os.path.exists("p.mms") and not [n for n in os.listdir(".") if n.startswith(".p.mms")]


_FITTED = {"fitspw": "0:0~1,1:0~1", "want_cont": True}
_GRID = {"imsize": 32, "cell": "5arcsec", "nchan": 2, "start": "44GHz", "width": "500MHz"}


@pytest.mark.parametrize(
    ("task", "arguments", "made"),
    [
        ("split", {"datacolumn": "data"}, ("o.ms",)),
        ("partition", {"datacolumn": "data", "numsubms": 3, "flagbackup": False}, ("o.ms",)),
        ("mstransform", {"datacolumn": "data", "createmms": True, "numsubms": 3}, ("o.ms",)),
        ("cvel", {"passall": True, "field": "0"}, ("o.ms",)),
        ("uvcontsub_old", _FITTED, ("simvla.ms.contsub", "simvla.ms.cont")),
        ("msuvbin", _GRID, ("o.ms",)),
    ],
)
def test_what_the_whole_output_needs_is_told_before_any_of_it_is_written(shared_input, monkeypatch, task, arguments, made):
    """On a disk that would have room for nearly all of it."""
    vis = os.path.basename(shared_input("simvla.ms"))
    arguments = {"vis": vis, **arguments, **({"outputvis": "o.ms"} if "o.ms" in made else {})}
    getattr(casatasks, task)(**arguments)
    size = sum(folder_bytes(name) for name in made)
    for name in made:
        shutil.rmtree(name)
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=int(0.95 * size)))
    monkeypatch.setattr(paths, "working_folder", None)  # the first step of all that write
    with pytest.raises(DataError, match=rf"the disk is full: '{made[0]}' needs \d+\.\d MB, but") as told:
        getattr(casatasks, task)(**arguments)
    assert size <= 1e6 * float(str(told.value).split(" needs ")[1].split(" MB")[0]) <= 6 * size + 4e6
