"""Tasks that change a MeasurementSet do the same to a multi-MS, and to every part of it; parts joined and cut again are the parts."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.ms.parts import is_multi_ms, part_paths


def columns(path, *names):
    """Columns ordered by time, baseline and spectral window."""
    with MeasurementSet(path) as ms:
        windows = np.array([d.spw for d in ms.metadata.data_descriptions])[ms.read("DATA_DESC_ID")]
        order = np.lexsort([windows, *(ms.read(c) for c in ("ANTENNA2", "ANTENNA1", "TIME"))])
        return [np.asarray(ms.read(n))[order] for n in names]


@pytest.fixture
def both(shared_input):
    """A MeasurementSet, and the same as a multi-MS."""
    path = shared_input("simvla.ms")
    casatasks.partition(path, "x.mms", separationaxis="scan", numsubms=2, datacolumn="data", flagbackup=False)
    return path, "x.mms"


def same(both, *names):
    for ours, theirs in zip(columns(both[1], *names), columns(both[0], *names), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with MeasurementSet(both[1]) as whole:
        present = set(whole.column_names)
    for part in part_paths(both[1]):
        with MeasurementSet(part) as ms:
            assert set(ms.column_names) == present


def test_columns_come_and_go(both):
    for path in both:
        casatasks.setjy(path, field="0", standard="manual", fluxdensity=[3, 0, 0, 0], usescratch=True)
        casatasks.uvsub(path)
    same(both, "MODEL_DATA", "CORRECTED_DATA")
    for path in both:
        casatasks.clearcal(path, addmodel=True)
        casatasks.initweights(path, wtmode="nyq", dowtsp=True)
    same(both, "MODEL_DATA", "CORRECTED_DATA", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM")
    for path in both:
        casatasks.delmod(path, otf=True, scr=True)
        casatasks.initweights(path, wtmode="delwtsp")
    same(both, "WEIGHT")
    with MeasurementSet(both[1]) as ms:
        assert not {"MODEL_DATA", "WEIGHT_SPECTRUM"} & set(ms.column_names)


def test_conjugatevis_keeps_the_parts(both):
    casatasks.conjugatevis(both[1], [1], "c.mms")
    casatasks.conjugatevis(both[0], [1], "c.ms")
    assert is_multi_ms("c.mms")
    same(("c.ms", "c.mms"), "DATA")


def test_joined_and_cut_again(both):
    """concat then split gives the parts back, identifiers included (but for data descriptions, of which CASA's concat makes one more here)."""
    for name, scans in (("a.ms", "1,2"), ("b.ms", "3,6")):
        casatasks.split(both[0], name, scan=scans, datacolumn="data")
    casatasks.concat(["a.ms", "b.ms"], "o.ms")
    for name, scans in (("a.ms", "1,2"), ("b.ms", "3,6")):
        casatasks.split("o.ms", f"again_{name}", scan=scans, datacolumn="data")
        names = ("DATA", "FLAG", "UVW", "WEIGHT", "TIME", "FIELD_ID", "STATE_ID", "SCAN_NUMBER")
        for ours, theirs in zip(columns(f"again_{name}", *names), columns(name, *names), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        with MeasurementSet(name) as old, MeasurementSet(f"again_{name}") as new:
            for table in ("antennas", "fields", "spectral_windows", "states", "sources", "feeds"):
                assert len(getattr(new.metadata, table)) == len(getattr(old.metadata, table)), table
    shutil.rmtree("o.ms")


@pytest.mark.parametrize("axis", ["scan", "spw", "baseline", "auto"])
def test_flagged_rows_are_left_out_along_every_axis(shared_input, axis):
    path = shared_input("simvla.ms")
    rng = np.random.default_rng(2)
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag = ms.read("FLAG")
        flag[rng.random(ms.nrow) < 0.2] = True
        by_row = rng.random(ms.nrow) < 0.1
        ms.write("FLAG", flag, rows)
        ms.write("FLAG_ROW", by_row, rows)
        kept = np.count_nonzero(~(flag.all(axis=(1, 2)) | by_row))
    casatasks.mstransform(path, "o.mms", createmms=True, separationaxis=axis, numsubms=3, datacolumn="data", keepflags=False)
    casatasks.mstransform(path, "o.ms", datacolumn="data", keepflags=False)
    with MeasurementSet("o.mms") as ms:
        assert len(part_paths("o.mms")) > 1 and ms.nrow == kept
    for ours, theirs in zip(columns("o.mms", "DATA", "FLAG", "UVW"), columns("o.ms", "DATA", "FLAG", "UVW"), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("axis", ["auto", "scan"])
def test_parts_are_regridded_to_one_grid(shared_input, axis) -> None:
    """In CASA 6.7 each part is put onto the channels of its own first time, and the frequencies written are those of the first part, of whatever scan."""
    path = shared_input("line.ms")
    casatasks.partition(path, "in.mms", separationaxis=axis, numsubms=2, datacolumn="data", flagbackup=False)
    for name, output in ((path, "plain.ms"), ("in.mms", "out.mms")):
        casatasks.cvel2(name, output, datacolumn="data", mode="channel", outframe="LSRK")
    with MeasurementSet("plain.ms") as plain, MeasurementSet("out.mms") as parts:
        np.testing.assert_array_equal(
            parts.metadata.spectral_windows[0].chan_freq_hz, plain.metadata.spectral_windows[0].chan_freq_hz
        )
        order, wanted = (np.lexsort([m.read(c) for c in ("ANTENNA2", "ANTENNA1", "TIME")]) for m in (parts, plain))
        np.testing.assert_array_equal(parts.read("DATA")[order], plain.read("DATA")[wanted])
