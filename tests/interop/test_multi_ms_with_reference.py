"""Multi-MSs and UVFITS files that we make are read and written by the reference, and the other way round (needs CASA_ORACLE)."""

from __future__ import annotations

import os

import numpy as np

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.ms.parts import is_multi_ms
from support.shared import oracle_python, run_python

_SCRIPT = """
import casatasks as k
k.partition("simvla.ms", "theirs.mms", separationaxis="scan", numsubms=4, datacolumn="data", flagbackup=False)
k.flagdata("ours.mms", mode="manual", scan="3", flagbackup=False)
k.setjy("ours.mms", field="0", standard="manual", fluxdensity=[3, 0, 0, 0], usescratch=True)
k.split("ours.mms", "from_ours.mms", datacolumn="data", field="1")
k.split("simvla.ms", "a.ms", scan="1", datacolumn="data")
k.split("simvla.ms", "b.ms", scan="3", spw="1", datacolumn="data")
k.virtualconcat(["a.ms", "b.ms"], "virtual.mms", keepcopy=True)
k.importuvfits("ours.fits", "from_ours.ms")
k.exportuvfits("simvla.ms", "theirs.fits", datacolumn="data")
print("DONE", len(k.listpartition("ours.mms", createdict=True)))
"""


def columns(path, *names):
    with MeasurementSet(path) as ms:
        order = np.lexsort([ms.read(c) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1")] + [np.round(ms.read("TIME"), 1)])
        return [np.asarray(ms.read(n))[order] for n in names]


def test_there_and_back(shared_input):
    python = oracle_python()
    path = shared_input("simvla.ms")
    casatasks.partition(path, "ours.mms", separationaxis="scan", numsubms=4, datacolumn="data", flagbackup=False)
    casatasks.exportuvfits(path, "ours.fits", datacolumn="data")
    assert "DONE 4" in run_python(python, _SCRIPT)
    names = ("DATA", "FIELD_ID", "SCAN_NUMBER", "UVW", "WEIGHT")
    for ours, theirs in zip(columns("ours.mms", *names), columns("theirs.mms", *names), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # What the reference wrote to our multi-MS, and what we write to its.
    with MeasurementSet("ours.mms") as ms:
        assert ms.read("FLAG")[ms.read("SCAN_NUMBER") == 3].all() and ms.has("MODEL_DATA")
        assert np.allclose(ms.read("MODEL_DATA")[ms.read("FIELD_ID") == 0][..., 0], 3.0)
    casatasks.flagdata("theirs.mms", mode="manual", scan="3", flagbackup=False)
    casatasks.split("theirs.mms", "from_theirs.mms", datacolumn="data", field="1")
    assert is_multi_ms("from_ours.mms") and is_multi_ms("from_theirs.mms")
    for ours, theirs in zip(columns("from_theirs.mms", *names), columns("from_ours.mms", *names), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    casatasks.split(path, "c.ms", scan="1", datacolumn="data")
    casatasks.split(path, "d.ms", scan="3", spw="1", datacolumn="data")
    casatasks.virtualconcat(["c.ms", "d.ms"], "own.mms")
    for ours, theirs in zip(
        columns("own.mms", *names, "DATA_DESC_ID"), columns("virtual.mms", *names, "DATA_DESC_ID"), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    casatasks.importuvfits("theirs.fits", "from_theirs.ms")
    for ours, theirs in zip(
        columns("from_ours.ms", "DATA", "FLAG", "UVW"), columns("from_theirs.ms", "DATA", "FLAG", "UVW"), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


_MOVED = """
import casatasks as k
k.split("elsewhere/moved.mms", "theirs.mms", datacolumn="data", field="1")
k.mstransform("elsewhere/moved.mms", "theirs.ms", datacolumn="data", field="1", chanaverage=True, chanbin=2, keepflags=False)
print("ROWS", k.listobs("elsewhere/moved.mms")["numrecords"])
"""


def test_a_moved_one_is_read(shared_input):
    python = oracle_python()
    path = shared_input("simvla.ms")
    casatasks.partition(path, "ours.mms", separationaxis="baseline", numsubms=3, datacolumn="data", flagbackup=False)
    os.mkdir("elsewhere")
    os.rename("ours.mms", "elsewhere/moved.mms")
    assert "ROWS 2016" in run_python(python, _MOVED)
    casatasks.split(path, "ours.ms", datacolumn="data", field="1")
    names = ("DATA", "FLAG", "UVW", "SCAN_NUMBER")
    for ours, theirs in zip(columns("ours.ms", *names), columns("theirs.mms", *names), strict=True):
        np.testing.assert_array_equal(ours, theirs)
