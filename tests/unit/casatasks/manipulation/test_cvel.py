"""cvel, cvel2 and mstransform as tasks."""

from __future__ import annotations

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

GRID = {"mode": "velocity", "start": "350km/s", "width": "40km/s", "nchan": 8, "restfreq": "1.420405752GHz", "outframe": "LSRK"}


def test_cvel_and_cvel2_agree(shared_input):
    path = shared_input("line.ms")
    casatasks.cvel(path, "a.ms", selectdata=False, timerange="nonsense", **GRID)
    casatasks.cvel2(path, "b.ms", datacolumn="data", passall=True, **GRID)  # nothing is left out that could be passed
    with MeasurementSet("a.ms") as one, MeasurementSet("b.ms") as other:
        np.testing.assert_array_equal(one.read("DATA"), other.read("DATA"))
        # CASA 6.7: channels that lie outside of the data are made and flagged.
        assert one.read("FLAG")[0, :, 0].tolist() == [True] * 4 + [False] * 4
        assert one.metadata.spectral_windows[0].chan_freq_hz[0] == pytest.approx(1417.420835e6, rel=1e-9)


def test_smoothed_channels_have_their_weights(shared_input):
    """cvel with hanning: weights as cvel2 and mstransform write them; CASA 6.7's cvel leaves those of the channels before."""
    path = shared_input("line.ms")
    casatasks.cvel(path, "a.ms", hanning=True, mode="channel", nchan=6, start=4)
    casatasks.cvel2(path, "b.ms", datacolumn="data", hanning=True, mode="channel", nchan=6, start=4)
    with MeasurementSet("a.ms") as one, MeasurementSet("b.ms") as other, MeasurementSet(path) as old:
        np.testing.assert_array_equal(one.read("WEIGHT"), other.read("WEIGHT"))
        np.testing.assert_allclose(one.read("WEIGHT"), old.read("WEIGHT") * 8 / 3, rtol=1e-5)
        for name in ("DATA", "FLAG"):
            np.testing.assert_array_equal(one.read(name), other.read(name))


def test_optical_channels_with_any_interpolation(shared_input):
    """CASA 6.7's cvel leaves the 32 channels of the data in TOPO with fftshift."""
    path = shared_input("line.ms")
    grid = GRID | {"start": "500km/s", "width": "-40km/s", "nchan": 6, "veltype": "optical"}
    found = []
    for kind in ("linear", "fftshift"):
        casatasks.cvel(path, f"{kind}.ms", antenna="0&1", interpolation=kind, **grid)
        with MeasurementSet(f"{kind}.ms") as ms:
            window = ms.metadata.spectral_windows[0]
            assert window.frame == "LSRK" and window.nchan == 6
            found.append((ms.read("DATA")[0], window.chan_freq_hz))
    np.testing.assert_array_equal(found[0][1], found[1][1])
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)  # the first time, at which nothing has drifted


def test_passall_appends_what_is_not_selected(shared_input):
    """As the reference's cvel: rows 1008 + 1008; cvel2 only warns there, and so it does here."""
    path = shared_input("simvla.ms")
    casatasks.cvel(path, "o.ms", passall=True, spw="0", outframe="LSRK")
    casatasks.cvel(path, "only.ms", spw="0", outframe="LSRK")
    with MeasurementSet("o.ms") as ms, MeasurementSet(path) as old, MeasurementSet("only.ms") as alone:
        assert [w.nchan for w in ms.metadata.spectral_windows] == [8, 8]
        assert [w.frame for w in ms.metadata.spectral_windows] == ["LSRK", old.metadata.spectral_windows[1].frame]
        for number, there in ((0, alone.read("DATA")), (1, old.read("DATA", np.flatnonzero(old.read("DATA_DESC_ID") == 1)))):
            np.testing.assert_array_equal(ms.read("DATA", np.flatnonzero(ms.read("DATA_DESC_ID") == number)), there)
    casatasks.cvel2(path, "warned.ms", passall=True, spw="0", outframe="LSRK", datacolumn="data")
    with MeasurementSet("warned.ms") as ms, MeasurementSet("only.ms") as alone:
        np.testing.assert_array_equal(ms.read("DATA"), alone.read("DATA"))
    with open("casa.log") as log:
        assert "passall=True has no effect" in log.read()
    casatasks.cvel(path, "whole.ms", passall=True, field="0~2", spw="0~1", mode="channel", nchan=4)
    with MeasurementSet("whole.ms") as ms:
        assert [w.nchan for w in ms.metadata.spectral_windows] == [4]


def test_first_data_description(shared_input):
    """As in the reference, rows count on while the sub-tables stay; a multi-MS made whole is not touched."""
    path = shared_input("simvla.ms")
    casatasks.mstransform(path, "a.ms", datacolumn="data", spw="1", ddistart=3)
    casatasks.partition(path, "b.ms", datacolumn="data", createmms=False, ddistart=3)
    casatasks.partition(path, "c.ms", datacolumn="data", separationaxis="spw", flagbackup=False, ddistart=3)
    for name, ids, descriptions in (("a.ms", {3}, 1), ("b.ms", {3, 4}, 2), ("c.ms", {0, 1}, 2)):
        with MeasurementSet(name) as ms:
            assert set(ms.read("DATA_DESC_ID").tolist()) == ids
            assert len(ms.metadata.data_descriptions) == descriptions


def test_tiles_as_asked_for(shared_input):
    path = shared_input("line.ms")
    for asked, rows in (([1], 28), ([2, 8, 50], 50)):
        casatasks.mstransform(path, f"o{rows}.ms", datacolumn="data", tileshape=asked)
        table = open_table(f"o{rows}.ms")
        tile = next(m["SPEC"]["DEFAULTTILESHAPE"] for m in table.getdminfo().values() if m["COLUMNS"] == ["DATA"])
        table.close()
        assert tile.tolist() == [2, 32 if rows == 28 else 8, rows]


def test_joined_windows_have_the_mean_weight(shared_input):
    """As CASA's mstransform and cvel2; its cvel keeps the first window's, 2."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        weight = np.where(ms.read("DATA_DESC_ID") == 0, 2.0, 6.0)[:, None] * np.ones((1, 4))
        rows = np.arange(ms.nrow)
        ms.write("WEIGHT", weight.astype(np.float32), rows)
        ms.write("SIGMA", (weight**-0.5).astype(np.float32), rows)
        for name in ("FLAG", "FLAG_ROW"):
            ms.write(name, np.zeros_like(ms.read(name)), rows)
    casatasks.cvel(path, "a.ms")
    casatasks.cvel2(path, "b.ms", datacolumn="data")
    for name in ("a.ms", "b.ms"):
        with MeasurementSet(name) as ms:
            assert ms.nrow == 1008 and ms.read("WEIGHT") == pytest.approx(np.full((1008, 4), 4.0))


def test_weights_and_sigmas_stay_apart(shared_input) -> None:
    """All columns are written: weights are those of CORRECTED_DATA, sigmas those of DATA, as cvel2 and mstransform leave them in CASA too."""
    path = shared_input("line.ms")
    casatasks.clearcal(path)
    rng = np.random.default_rng(4)
    with MeasurementSet(path, writable=True) as ms:
        rows, shape = np.arange(ms.nrow), ms.read("WEIGHT").shape
        for name in ("WEIGHT", "SIGMA"):
            ms.write(name, rng.uniform(0.5, 2.0, shape).astype(np.float32), rows)
    casatasks.cvel(path, "o.ms", mode="channel", nchan=3, start=1, width=1)
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        assert new.nrow == old.nrow and new.has("CORRECTED_DATA")
        for name in ("WEIGHT", "SIGMA"):
            found, expected = (
                ms.read(name)[np.lexsort([ms.read(c) for c in ("ANTENNA2", "ANTENNA1", "TIME")])] for ms in (new, old)
            )
            np.testing.assert_allclose(found, expected, rtol=1e-6)
