"""virtualconcat and the ms tool's methods of joining: the same as concat, inputs moved or kept, failures that leave all as it was."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

import casatasks
from casatools import ms as ms_tool
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, UnsupportedError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.parts import is_multi_ms, part_paths
from casatools.io.tables import open_table
from casatools.transform import virtual_concat

COLUMNS = ("DATA", "FLAG", "WEIGHT", "FIELD_ID", "SCAN_NUMBER", "DATA_DESC_ID", "STATE_ID", "OBSERVATION_ID")


def columns(path, *names):
    with MeasurementSet(path) as ms:
        order = np.lexsort([ms.read(c) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1", "TIME")])
        return [np.asarray(ms.read(n))[order] for n in names]


def same(one, other, names=COLUMNS):
    for ours, theirs in zip(columns(one, *names), columns(other, *names), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def pair(shared_input):
    """Parts of simvla.ms that differ in fields and spectral windows."""
    path = shared_input("simvla.ms")
    casatasks.split(path, "a.ms", scan="1", spw="0", field="0", datacolumn="data")
    casatasks.split(path, "b.ms", scan="3", spw="1", field="2", datacolumn="data")
    return ["b.ms", "a.ms"]


def test_the_same_as_concat(pair):
    casatasks.concat(pair, "o.ms", respectname=True, visweightscale=[2.0, 3.0])
    casatasks.virtualconcat(pair, "kept.mms", keepcopy=True, visweightscale=[2.0, 3.0], copypointing=False)
    same("kept.mms", "o.ms")
    assert os.path.isdir("a.ms") and [os.path.basename(p) for p in part_paths("kept.mms")] == ["a.ms", "b.ms"]
    with MeasurementSet("kept.mms") as ms:
        assert len(ms.metadata.fields) == 2 and len(ms.metadata.spectral_windows) == 2 and ms.subtable("POINTING").nrows() == 0
    casatasks.concat(pair, "plain.ms")
    casatasks.virtualconcat(pair, "moved.mms")
    assert not os.path.exists("a.ms") and not os.path.exists("b.ms")
    same("moved.mms", "plain.ms")
    # Flags written through the whole; and a multi-MS joined again, its parts becoming parts.
    casatasks.flagdata("moved.mms", mode="manual", scan="3", flagbackup=False)
    os.rename("moved.mms", "elsewhere.mms")
    casatasks.split("plain.ms", "c.ms", scan="1", datacolumn="data", spw="0")
    casatasks.virtualconcat(["elsewhere.mms", "c.ms"], "three.mms", keepcopy=True)
    assert len(part_paths("three.mms")) == 3
    with MeasurementSet("three.mms") as ms:
        assert ms.nrow == 504 and ms.read("FLAG")[ms.read("SCAN_NUMBER") == 3].all()


def test_failures_leave_the_inputs(pair, monkeypatch):
    for error, arguments in (
        (ParameterError, (pair, "")), (ParameterError, (pair[:1], "o.mms")), (ParameterError, (["a.ms", "./a.ms"], "o.mms")), (OutputExistsError, (pair, "a.ms")),
        (PathMissingError, (["a.ms", "no.ms"], "o.mms")),
    ):  # fmt: skip
        with pytest.raises(error):
            casatasks.virtualconcat(*arguments)
    with pytest.raises(ParameterError, match="visweightscale"):
        casatasks.virtualconcat(pair, "o.mms", visweightscale=[1.0])
    os.mkdir("other")
    shutil.copytree("b.ms", "other/a.ms")
    with pytest.raises(ParameterError, match="equal names"):
        casatasks.virtualconcat(["a.ms", "other/a.ms"], "o.mms")
    before = columns("b.ms", *COLUMNS)

    def fails(*_args):
        raise OSError("no")

    with monkeypatch.context() as broken:
        broken.setattr(virtual_concat, "join_parts", fails)
        with pytest.raises(OSError, match="no"):
            casatasks.virtualconcat(pair, "o.mms")
    for ours, theirs in zip(columns("b.ms", *COLUMNS), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with MeasurementSet("a.ms", writable=True) as ms:
        ms.add_scratch_columns(corrected=True)
    with pytest.raises(DataError, match=r"other columns.*CORRECTED_DATA"):
        casatasks.virtualconcat(pair, "o.mms")
    assert not os.path.exists("o.mms")


def test_the_tool_joins(pair):
    casatasks.concat(pair, "o.ms")
    shutil.copytree("a.ms", "c.ms")
    shutil.copytree("b.ms", "v.ms")
    tool = ms_tool()
    tool.open("a.ms")
    with pytest.raises(DataError, match="read-only"):
        tool.concatenate("b.ms")
    tool.open("a.ms", nomodify=False)
    with pytest.raises(ParameterError, match="destmsfile"):
        tool.concatenate("b.ms", destmsfile="x", handling=1)
    with pytest.raises(OutputExistsError):
        tool.concatenate("b.ms", destmsfile="b.ms")
    assert tool.concatenate("b.ms", freqtol="1Hz", dirtol="1arcsec") and tool.nrow() == 336
    same("a.ms", "o.ms")
    tool.open("c.ms", nomodify=False)
    with pytest.raises(ParameterError, match="itself"):
        tool.testconcatenate("c.ms")
    assert tool.testconcatenate("b.ms") and tool.nrow() == 168
    with MeasurementSet("c.ms") as ms:
        assert len(ms.metadata.fields) == 2
    shutil.rmtree("c.ms")
    casatasks.split("o.ms", "c.ms", scan="1", spw="0", field="0", datacolumn="data")
    tool.open("c.ms", nomodify=False)
    assert tool.virtconcatenate("v.ms")
    tool.close()
    table = open_table("v.ms")
    assert set(table.getcol("FIELD_ID")) == {1} and set(table.getcol("DATA_DESC_ID")) == {1}
    table.close()
    assert tool.createmultims("m.mms", ["c.ms", "v.ms"], [])
    tool.close()
    assert is_multi_ms("m.mms")
    same("m.mms", "o.ms")
    with pytest.raises(UnsupportedError, match="FITS-IDI"):
        tool.fromfitsidi("x.ms", "y.idi")


def test_rows_to_another_place(pair):
    """As in the reference: the open MeasurementSet gets sub-tables only, the rows go to the other, renumbered; the input stays."""
    before = columns("b.ms", *COLUMNS)
    casatasks.concat(pair, "o.ms")
    tool = ms_tool()
    tool.open("a.ms", nomodify=False)
    assert tool.concatenate("b.ms", destmsfile="d.ms") and tool.nrow() == 168
    tool.close()
    for old, new in zip(before, columns("b.ms", *COLUMNS), strict=True):
        np.testing.assert_array_equal(old, new)
    with MeasurementSet("d.ms") as ms, MeasurementSet("a.ms") as opened:
        assert set(ms.read("FIELD_ID").tolist()) == {1} and len(ms.metadata.fields) == len(opened.metadata.fields) == 2
    for name in ("POINTING", "FEED", "SPECTRAL_WINDOW"):
        a, b = open_table(f"d.ms/{name}"), open_table(f"a.ms/{name}")
        assert a.nrows() == b.nrows()
        a.close()
        b.close()


def test_scans_of_several_calls_are_kept_apart(pair):
    """The file is the reference's: number of observations, each with its first and last scan, and the last scan of all."""
    for name, observer in (("b.ms", "second"), ("c.ms", "third")):
        if name == "c.ms":
            shutil.copytree("b.ms", name)
        table = open_table(f"{name}/OBSERVATION", writable=True)
        table.putcol("OBSERVER", [observer])
        table.close()
    tool = ms_tool()
    tool.open("a.ms", nomodify=False)
    first = sorted(set(columns("a.ms", "SCAN_NUMBER")[0].tolist()))
    assert tool.virtconcatenate("b.ms", "scans.txt") and tool.virtconcatenate("c.ms", "scans.txt")
    tool.close()
    second, third = (sorted(set(columns(n, "SCAN_NUMBER")[0].tolist())) for n in ("b.ms", "c.ms"))
    assert first[-1] < second[0] <= second[-1] < third[0]
    with open("scans.txt") as file:
        numbers = [int(line) for line in file]
    assert numbers == [3, 0, first[0], first[-1], 1, second[0], second[-1], 2, third[0], third[-1], third[-1]]
    with open("scans.txt", "w") as file:
        file.write("nonsense")
    tool.open("a.ms", nomodify=False)
    with pytest.raises(DataError, match="file of scans"):
        tool.virtconcatenate("c.ms", "scans.txt")
    tool.close()


def test_scaled_weights_and_sigmas_agree_with_concat(pair):
    casatasks.concat(pair, "o.ms", visweightscale=[2.0, 3.0])
    casatasks.virtualconcat(pair, "o.mms", keepcopy=True, visweightscale=[2.0, 3.0])
    same("o.mms", "o.ms", ("WEIGHT", "SIGMA"))
    with MeasurementSet("o.mms") as ms:
        weight = ms.read("WEIGHT")
        assert set(np.unique(weight)) == {2.0, 3.0}
        np.testing.assert_allclose(ms.read("SIGMA"), weight**-0.5, rtol=1e-6)
