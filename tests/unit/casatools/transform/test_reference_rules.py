"""Rules found by sweeping mstransform and its relatives beside CASA 6.7: numbers are CASA's of the same data."""

from __future__ import annotations

import shutil
from contextlib import closing

import numpy as np
import pytest
from casacore import tables

import casatasks
from casatools import ms as ms_tool
from casatools.io.ms import MeasurementSet
from casatools.io.ms.create_like import read_subtable
from casatools.io.ms.weight_columns import add_weight_spectrum
from casatools.io.tables import open_table


def flag_rows(path):
    """Rows 0, 17, ... are flagged in every visibility, rows 5, 24, ... by FLAG_ROW alone."""
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag = ms.read("FLAG")
        flag[::17] = True
        ms.write("FLAG", flag, rows)
        row_flag = np.zeros(ms.nrow, bool)
        row_flag[5::19] = True
        ms.write("FLAG_ROW", row_flag, rows)
        return row_flag, flag.reshape(len(flag), -1).all(axis=1)


@pytest.mark.parametrize(
    ("timebin", "combine", "rows"), [("20s", "", 230), ("20s", "state", 138), ("30s", "", 184), ("31s", "", 92)]
)
def test_long_bins_cross_the_sub_scans_of_alma(shared_input, timebin, combine, rows):
    path = shared_input("alma_small.ms")
    casatasks.split(path, "o.ms", datacolumn="data", timebin=timebin, combine=combine)
    casatasks.mstransform(path, "p.ms", datacolumn="data", timeaverage=True, timebin=timebin, timespan=combine)
    with MeasurementSet("o.ms") as one, MeasurementSet("p.ms") as other:
        assert one.nrow == other.nrow == rows
        np.testing.assert_array_equal(one.read("STATE_ID"), other.read("STATE_ID"))


def test_row_flags_after_subtraction_and_shift(shared_input):
    path = shared_input("line.ms")
    by_row, whole = flag_rows(path)
    casatasks.uvcontsub(path, "c.ms", fitspec="0")
    casatasks.phaseshift(path, "s.ms", phasecenter="J2000 10h01m 20d00m")
    casatasks.mstransform(path, "m.ms", datacolumn="data")
    for name, expected in (("c.ms", by_row | whole), ("s.ms", by_row | whole), ("m.ms", by_row)):
        with MeasurementSet(name) as ms:
            np.testing.assert_array_equal(ms.read("FLAG_ROW"), expected)


def test_cvel2_leaves_out_what_is_flagged(shared_input):
    path = shared_input("line.ms")
    by_row, whole = flag_rows(path)
    casatasks.cvel2(path, "o.ms", datacolumn="data", outframe="LSRK")
    casatasks.cvel(path, "p.ms", outframe="LSRK")
    with MeasurementSet("o.ms") as new, MeasurementSet("p.ms") as old:
        assert new.nrow == np.count_nonzero(~(by_row | whole)) and old.nrow == len(whole)


def test_the_grid_is_that_of_the_rows_kept(shared_input):
    """Field 0 of the data is flagged throughout: the direction is that of field 1."""
    casatasks.cvel2(shared_input("alma_small.ms"), "o.ms", spw="1", datacolumn="data", outframe="LSRK")
    with MeasurementSet("o.ms") as ms:
        assert ms.nrow == 345
        assert ms.metadata.spectral_windows[0].chan_freq_hz[0] == pytest.approx(8.62968259e10, rel=1e-9)


def test_channels_of_each_new_window(shared_input):
    path = shared_input("simvla.ms")
    casatasks.mstransform(path, "o.ms", datacolumn="data", spw="0", regridms=True, nspw=2, outframe="LSRK", nchan=4)
    with MeasurementSet("o.ms") as ms:
        assert [w.nchan for w in ms.metadata.spectral_windows] == [4, 4]
        assert ms.metadata.spectral_windows[1].chan_freq_hz[0] == pytest.approx(1.41600836e9, rel=5e-9)


def test_optical_velocities_keep_the_number_of_channels(shared_input):
    grid = {"regridms": True, "mode": "velocity", "veltype": "optical", "restfreq": "100GHz"}
    casatasks.mstransform(shared_input("mosaic.ms"), "o.ms", datacolumn="data", **grid)
    with MeasurementSet("o.ms") as ms:
        assert ms.metadata.spectral_windows[0].nchan == 4


def test_associated_windows_are_renumbered(shared_input):
    path = shared_input("alma_small.ms")
    for spw, expected in (("1,2", [[1], [0]]), ("2", [[]])):
        casatasks.split(path, f"o{len(expected)}.ms", spw=spw, datacolumn="data")
        with MeasurementSet(f"o{len(expected)}.ms") as ms:
            found = read_subtable(ms, "SPECTRAL_WINDOW", "ASSOC_SPW_ID", "ASSOC_NATURE")
        assert [np.asarray(cell).tolist() for cell in found["ASSOC_SPW_ID"]] == expected
        assert [len(cell) for cell in found["ASSOC_NATURE"]] == [len(e) for e in expected]


def test_processors_are_joined(shared_input):
    casatasks.concat([shared_input("alma_small.ms"), shared_input("evla_simple.ms")], "o.ms")
    table = open_table("o.ms/PROCESSOR")
    assert table.nrows() == 3
    table.close()
    with MeasurementSet("o.ms") as ms:
        assert np.unique(ms.read("PROCESSOR_ID")[-20:]).tolist() == [2]


@pytest.mark.parametrize("column", ["FLOAT_DATA", "LAG_DATA"])
def test_columns_of_other_kinds(shared_input, column):
    path = shared_input("sd.ms" if column == "FLOAT_DATA" else "line.ms")
    there, new = ("FLOAT_DATA", "DATA") if column == "FLOAT_DATA" else ("DATA", "LAG_DATA")
    table = open_table(path, writable=True)
    description = {
        **table.getcoldesc(there),
        "valueType": "complex",
        "dataManagerGroup": "Other",
        "dataManagerType": "StandardStMan",
    }
    table.addcols({new: description})
    for row in range(table.nrows()):
        table.putcell(new, row, (table.getcell(there, row) * (2 + 1j)).astype(np.complex64))
    table.close()
    casatasks.split(path, "o.ms", datacolumn=f"{column.lower()},data", width=4)
    casatasks.mstransform(path, "h.ms", datacolumn=column.lower(), hanning=True)
    with MeasurementSet("o.ms") as ms, MeasurementSet("h.ms") as smooth:
        one, other = ms.read(there), ms.read(new)
        np.testing.assert_allclose(other, one * (2 + 1j), rtol=1e-5)
        assert smooth.read("WEIGHT").shape == (smooth.nrow, 2) and smooth.has(column) and not smooth.has("DATA")


def test_lags_alone_are_data_too(shared_input) -> None:
    """A MeasurementSet of LAG_DATA without any other data (CASA 6.7 leaves FLAG without cells there, and the weights of averages)."""
    path = shared_input("line.ms")
    flag_rows(path)
    shutil.copytree(path, "lags.ms")
    with closing(open_table("lags.ms", writable=True)) as table:
        table.renamecol("DATA", "LAG_DATA")
    for given in ({}, {"spw": "0:1~2"}, {"chanaverage": True, "chanbin": 2}, {"timeaverage": True, "timebin": "60s"}):
        for name, column in ((path, "data"), ("lags.ms", "lag_data"), ("lags.ms", "all")):
            output = f"{column}.{len(str(given))}"
            casatasks.mstransform(name, output, datacolumn=column, **given)
            with MeasurementSet(output) as ms, MeasurementSet(f"data.{len(str(given))}") as expected:
                assert ms.has("DATA") == (column == "data")
                for of_lags, of_data in (("FLAG", "FLAG"), ("WEIGHT", "WEIGHT"), ("SIGMA", "SIGMA"), ("LAG_DATA", "DATA")):
                    found = ms.read(of_lags if column != "data" else of_data)
                    np.testing.assert_array_equal(found, expected.read(of_data))


def test_half_a_turn_is_positive(shared_input):
    path = shared_input("simvla.ms")
    casatasks.fixplanets(path, field="0", direction="J2000 12h00m00s -10d00m00s")
    with MeasurementSet(path) as ms:
        assert ms.metadata.fields[0].phase_dir[0, 0] == pytest.approx(np.pi, abs=1e-14)


def test_testconcat_keeps_the_order_given(shared_input):
    """concat begins with the earliest, testconcat with the first."""
    pair = [shared_input("simvla.ms"), shared_input("mosaic.ms")]
    casatasks.testconcat(pair, "t.ms")
    casatasks.concat(pair, "c.ms")
    with MeasurementSet("t.ms") as given, MeasurementSet("c.ms") as in_time:
        assert [w.nchan for w in given.metadata.spectral_windows] == [8, 8, 4]
        assert [w.nchan for w in in_time.metadata.spectral_windows] == [4, 8, 8]


def test_correlations_cut_data_descriptions_only(shared_input):
    """The first window has total power alone, and so no data description is left of it."""
    casatasks.split(shared_input("alma_small.ms"), "o.ms", correlation="XX,YY", datacolumn="data")
    with MeasurementSet("o.ms") as ms:
        assert len(ms.metadata.spectral_windows) == 3 and [d.spw for d in ms.metadata.data_descriptions] == [1, 2]
        assert set(ms.read("DATA_DESC_ID").tolist()) == {0, 1} and len(ms.metadata.sources) == 6


def _weighted(path, columns):
    """Random weights, sigmas and flags, and further columns as multiples of DATA."""
    rng = np.random.default_rng(11)
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model="MODEL_DATA" in columns, corrected="CORRECTED_DATA" in columns)
        rows = np.arange(ms.nrow)
        data = ms.read("DATA")
        for number, name in enumerate(columns, start=2):
            ms.write(name, data * number * np.exp(1j * rng.random(data.shape)), rows)
        for name in ("WEIGHT", "SIGMA"):
            ms.write(name, rng.uniform(0.5, 2.0, (ms.nrow, data.shape[2])).astype(np.float32), rows)
        ms.write("FLAG", rng.random(data.shape) < 0.2, rows)


def test_one_kind_of_weights_without_corrected_data(shared_input):
    """CASA 6.7: WEIGHT follows SIGMA where CORRECTED_DATA is not written."""
    path = shared_input("simvla.ms")
    _weighted(path, ["MODEL_DATA"])
    casatasks.mstransform(path, "o.ms", datacolumn="all")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        assert new.has("DATA") and new.has("MODEL_DATA")
        np.testing.assert_array_equal(new.read("SIGMA"), old.read("SIGMA"))
        np.testing.assert_allclose(new.read("WEIGHT"), old.read("SIGMA") ** -2.0, rtol=1e-6)


def test_models_are_averaged_as_the_corrected_data_beside_them(shared_input):
    """CASA 6.7: with CORRECTED_DATA the weights of both are WEIGHT, those of DATA SIGMA^-2, so that a residual of means is the mean residual."""
    path = shared_input("simvla.ms")
    _weighted(path, ["MODEL_DATA", "CORRECTED_DATA"])
    casatasks.mstransform(path, "o.ms", datacolumn="all", timeaverage=True, timebin="60s")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        flag, kinds = old.read("FLAG"), {"DATA": old.read("SIGMA") ** -2.0}
        names = ("TIME", "INTERVAL", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "SCAN_NUMBER")
        was, now = ({n: ms.read(n) for n in names} for ms in (old, new))
        for row in range(0, new.nrow, 41):
            inside = np.abs(was["TIME"] - now["TIME"][row]) <= now["INTERVAL"][row] / 2
            for name in names[2:]:
                inside &= was[name] == now[name][row]
            for column in ("DATA", "MODEL_DATA", "CORRECTED_DATA"):
                weight = np.where(flag[inside], 0, kinds.get(column, old.read("WEIGHT"))[inside][:, None, :])
                total = weight.sum(axis=0)
                mean = (weight * old.read(column)[inside]).sum(axis=0) / np.where(total > 0, total, 1)
                good = total > 0
                np.testing.assert_allclose(new.read(column)[row][good], mean[good], rtol=1e-5)


def test_float_data_are_averaged_alike_with_data_beside_them(shared_input):
    path = shared_input("simvla.ms")
    _weighted(path, [])
    table = open_table(path, writable=True)
    data = table.getcol("DATA")
    table.addcols(tables.maketabdesc([tables.makearrcoldesc("FLOAT_DATA", 0.0, ndim=2, valuetype="float")]))
    table.putcol("FLOAT_DATA", np.abs(data) + 1)
    table.close()
    for name in ("float_data", "data", "float_data,data"):
        casatasks.mstransform(path, name + ".ms", datacolumn=name, timeaverage=True, timebin="60s")
    with MeasurementSet("float_data,data.ms") as both:
        for name, column in (("float_data.ms", "FLOAT_DATA"), ("data.ms", "DATA")):
            with MeasurementSet(name) as one:
                for each in (column, "WEIGHT", "SIGMA", "FLAG", "TIME_CENTROID"):
                    np.testing.assert_array_equal(both.read(each), one.read(each))


def _spectra_apart(path: str, name: str) -> None:
    """Weights of rows that are not the means of those of channels."""
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        for ddid in np.unique(ms.read("DATA_DESC_ID")):
            mine = rows[ms.read("DATA_DESC_ID") == ddid]
            ms.write(name, np.full(ms.read(name, mine).shape, 4.0 if name == "WEIGHT" else 0.5, np.float32), mine)


@pytest.mark.parametrize("how", [{"chanaverage": True, "chanbin": 4}, {"hanning": True}])
def test_row_weights_of_windows_of_one_channel(shared_input, how):
    """They become those of their channel, as means do in other windows."""
    path = shared_input("alma_small.ms")
    _spectra_apart(path, "WEIGHT")
    _spectra_apart(path, "SIGMA")
    casatasks.mstransform(path, "o.ms", datacolumn="data", usewtspectrum=True, **how)
    with MeasurementSet("o.ms") as ms:
        ddid = ms.read("DATA_DESC_ID")
        seen = False
        for d in np.unique(ddid):
            rows = np.flatnonzero(ddid == d)
            if ms.read("DATA", rows).shape[1] == 1:
                seen = True
                np.testing.assert_allclose(ms.read("SIGMA", rows), ms.read("SIGMA_SPECTRUM", rows)[:, 0], rtol=1e-6)
                np.testing.assert_allclose(ms.read("WEIGHT", rows), ms.read("WEIGHT_SPECTRUM", rows)[:, 0], rtol=1e-6)
        assert seen


def test_auto_correlations_alone_leave_all_antennas(shared_input):
    path = shared_input("sd.ms")
    casatasks.split(path, "o.ms", datacolumn="float_data", antenna="1&&&")
    with MeasurementSet("o.ms") as ms:
        assert ms.nrow == 81 and len(ms.metadata.antennas) == 2
        assert set(ms.read("ANTENNA1").tolist()) == {1}
        assert len(read_subtable(ms, "FEED", "ANTENNA_ID")["ANTENNA_ID"]) == 2


@pytest.mark.parametrize("frame", ["TOPO", "LSRK"])
def test_averaged_channels_are_weighed_once_in_another_frame(shared_input, frame):
    """CASA multiplies weights with the number of averaged channels a second time where the frame changes."""
    path = shared_input("line.ms")
    casatasks.mstransform(path, "a.ms", datacolumn="data", chanaverage=True, chanbin=4)
    casatasks.mstransform(path, "r.ms", datacolumn="data", chanaverage=True, chanbin=4, regridms=True, outframe=frame)
    with MeasurementSet("a.ms") as one, MeasurementSet("r.ms") as other:
        np.testing.assert_allclose(other.read("WEIGHT"), one.read("WEIGHT"), rtol=1e-3)


@pytest.mark.parametrize("options", [{}, {"step": [2]}, {"timebin": "60s"}])
def test_the_split_of_the_tool_is_that_of_the_task(shared_input, options):
    """Also where CASA's own way differs: samples that are flagged, states, bins of flagged rows, what is left over of channels."""
    path = shared_input("meerkat.ms")
    flag_rows(path)
    tool = ms_tool()
    tool.open(path)
    tool.split("o.ms", whichcol="DATA", **options)
    tool.done()
    more = {"width": options["step"][0]} if "step" in options else options
    casatasks.split(path, "p.ms", datacolumn="data", **more)
    with MeasurementSet("o.ms") as one, MeasurementSet("p.ms") as other:
        assert one.nrow == other.nrow and len(one.metadata.states) == len(other.metadata.states) == 4
        for name in ("DATA", "FLAG", "WEIGHT_SPECTRUM", "SIGMA", "TIME"):
            np.testing.assert_array_equal(one.read(name), other.read(name))


def test_combined_channels_take_flags_of_what_overlaps(shared_input):
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        ddid = ms.read("DATA_DESC_ID")
        for d, chan in ((0, 7), (1, 2)):
            rows = np.flatnonzero(ddid == d)
            flag = np.zeros(ms.read("FLAG", rows).shape, bool)
            flag[:, chan] = True
            ms.write("FLAG", flag, rows)
        ms.write("FLAG_ROW", np.zeros(ms.nrow, bool), np.arange(ms.nrow))
    casatasks.mstransform(path, "o.ms", datacolumn="data", combinespws=True)
    with MeasurementSet("o.ms") as ms:
        flag = ms.read("FLAG")
        assert flag.shape[1] == 58
        assert np.all(flag[:, 7:50]) and np.all(flag[:, 52])  # the last of the first window, the gap, and channel 2 of the second
        assert not flag[:, :7].any() and not flag[:, 50:52].any() and not flag[:, 53:].any()


def test_weights_of_flagged_rows_after_smoothing_and_regridding(shared_input) -> None:
    """CASA 6.7: such a row has the mean weight of the channels that are left, of which none is an edge here: 8/3 of the weight before."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        flag, weight, rows = ms.read("FLAG"), ms.read("WEIGHT"), np.arange(ms.nrow)
        flag[5] = True
        flag[6] = False
        ms.write("FLAG", flag, rows)
    for name, more in (("part.ms", {"start": 2, "nchan": 3}), ("whole.ms", {})):
        casatasks.mstransform(path, name, datacolumn="data", hanning=True, regridms=True, mode="channel", **more)
    with MeasurementSet("part.ms") as ms:
        assert ms.read("WEIGHT")[5:7] == pytest.approx(weight[5:7] * 8 / 3, rel=1e-6)
    with MeasurementSet("whole.ms") as ms:
        assert ms.read("WEIGHT")[5] == pytest.approx(weight[5] * (30 * 8 / 3 + 2) / 32, rel=1e-6)
        assert ms.read("WEIGHT")[6] == pytest.approx(weight[6] * 8 / 3, rel=1e-6)


@pytest.mark.parametrize("kind", ["linear", "cubic", "spline"])
def test_weights_per_channel_are_interpolated_as_the_data(shared_input, kind: str) -> None:
    """CASA 6.7's rule (equal to 2e-7 there); weights below zero, which it leaves, are zero."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(corrected=True)
        add_weight_spectrum(ms)
        rows, shape = np.arange(ms.nrow), ms.read("DATA").shape
        weight = np.random.default_rng(4).uniform(0.05, 2.0, shape).astype(np.float32)
        ms.write("WEIGHT_SPECTRUM", weight, rows)
        ms.write("CORRECTED_DATA", weight.astype(np.complex64), rows)
        middle = ms.metadata.spectral_windows[0].chan_freq_hz
    casatasks.mstransform(
        path, "o.ms", datacolumn="corrected", regridms=True, mode="frequency", interpolation=kind, nchan=12,
        start=f"{middle[4] + 0.3 * (middle[5] - middle[4])}Hz", width=f"{abs(middle[1] - middle[0])}Hz",
    )  # fmt: skip
    with MeasurementSet("o.ms") as ms:
        data, found = ms.read("DATA").real, ms.read("WEIGHT_SPECTRUM")
    assert found == pytest.approx(np.maximum(data, 0.0), abs=1e-6) and (found >= 0).all()
    assert (data < 0).any() == (kind != "linear")


def test_a_model_alone_is_averaged_without_weights(shared_input) -> None:
    """CASA 6.7's rule in channel as in time: a model has no noise; its weights are summed as those of data."""
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model=True)
        rows, shape = np.arange(ms.nrow), ms.read("DATA").shape
        rng = np.random.default_rng(9)
        model = rng.normal(size=shape).astype(np.complex64)
        flag = rng.random(shape) < 0.1
        ms.write("MODEL_DATA", model, rows)
        ms.write("FLAG", flag, rows)
        table = open_table(path, writable=True)
        table.addcols(tables.maketabdesc([tables.makearrcoldesc("SIGMA_SPECTRUM", 0.0, ndim=2, valuetype="float")]))
        table.putcol("SIGMA_SPECTRUM", rng.uniform(0.5, 2.0, shape).astype(np.float32))
        table.close()
    casatasks.mstransform(path, "o.ms", datacolumn="model", chanaverage=True, chanbin=4)
    good = ~flag.reshape(len(flag), -1, 4, shape[2])
    sums = (model.reshape(good.shape) * good).sum(axis=2)
    with MeasurementSet("o.ms") as ms:
        seen = good.any(axis=2)
        assert ms.read("DATA")[seen] == pytest.approx((sums / np.maximum(good.sum(axis=2), 1))[seen], abs=1e-6)


@pytest.mark.parametrize("task", ["uvcontsub", "phaseshift"])
def test_windows_of_one_channel_after_a_subtraction_or_a_shift(shared_input, task) -> None:
    """Row weights are those of the one channel where there are weights per channel, as in CASA 6.7."""
    path = shared_input("alma_small.ms")
    table = open_table(path, writable=True)
    rng = np.random.default_rng(2)
    for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        if name not in table.colnames():
            table.addcols(tables.maketabdesc([tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float")]))
        for row in range(table.nrows()):
            table.putcell(name, row, rng.uniform(0.5, 2.0, table.getcell("DATA", row).shape).astype(np.float32))
    table.close()
    more = {"phasecenter": "J2000 19h20m00s -23d00m00s"} if task == "phaseshift" else {}
    getattr(casatasks, task)(path, "o.ms", datacolumn="data", **more)
    with MeasurementSet("o.ms") as ms:
        ddid = np.asarray(ms.read("DATA_DESC_ID"))
        narrow = [r for d in np.unique(ddid) if ms.read("DATA", (r := np.flatnonzero(ddid == d))).shape[1] == 1]
        assert narrow
        for rows in narrow:
            np.testing.assert_allclose(ms.read("SIGMA", rows), ms.read("SIGMA_SPECTRUM", rows)[:, 0], rtol=1e-6)
            np.testing.assert_allclose(ms.read("WEIGHT", rows), ms.read("SIGMA", rows) ** -2.0, rtol=1e-5)


def test_windows_are_combined_bin_by_bin_of_time(shared_input) -> None:
    """Where flags of one window shift the mean times of its bins, its rows still join those of the other (in CASA 6.7 each has rows of its own)."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        rows, ddid, time = np.arange(ms.nrow), np.asarray(ms.read("DATA_DESC_ID")), np.asarray(ms.read("TIME"))
        flag = np.zeros(ms.read("FLAG").shape, bool)
        flag[(ddid == 1) & np.isin(time, np.unique(time)[[2, 5, 8]])] = True
        ms.write("FLAG", flag, rows)
        ms.write("FLAG_ROW", np.zeros(ms.nrow, bool), rows)
    how = {"datacolumn": "data", "timeaverage": True, "timebin": "100s"}
    casatasks.mstransform(path, "apart.ms", **how)
    casatasks.mstransform(path, "one.ms", combinespws=True, **how)
    with MeasurementSet("apart.ms") as apart, MeasurementSet("one.ms") as one:
        assert one.nrow * 2 == apart.nrow and len(one.metadata.spectral_windows) == 1


def test_whole_channels_of_windows_with_a_gap(shared_input) -> None:
    """The gap has interpolated channels as with mode='channel' (CASA 6.7 leaves it out, and where it makes it some channels are 0 without a flag)."""
    path = shared_input("simvla.ms")
    for mode in ("channel", "channel_b"):
        grid = {"mode": mode, "width": 3, "start": 1}
        casatasks.mstransform(path, f"{mode}.ms", datacolumn="data", combinespws=True, regridms=True, field="0", **grid)
        with MeasurementSet(f"{mode}.ms") as ms:
            np.testing.assert_allclose(ms.metadata.spectral_windows[0].chan_freq_hz, 1.408e9 + 1.2e7 * np.arange(19), rtol=1e-12)
            flag, data = np.asarray(ms.read("FLAG")), np.asarray(ms.read("DATA"))
        assert (np.abs(data[~flag]) > 0).all()


def test_the_bandwidth_is_that_of_the_channels(shared_input) -> None:
    """Of 64 channels 63 fill bins of three; CASA 6.7 writes the width of 65."""
    casatasks.split(shared_input("alma_small.ms"), "o.ms", datacolumn="data", spw="1", width=3)
    with MeasurementSet("o.ms") as ms:
        table = read_subtable(ms, "SPECTRAL_WINDOW", "TOTAL_BANDWIDTH", "CHAN_WIDTH")
    assert table["TOTAL_BANDWIDTH"][0] == pytest.approx(np.abs(table["CHAN_WIDTH"][0]).sum(), rel=1e-12)


def test_models_alone_have_the_weights_of_the_data(shared_input) -> None:
    """Averages and smoothing of MODEL_DATA alone leave sums of the data's weights (CASA 6.7 begins from 1), and its continuum counts channels alike."""
    path = shared_input("line.ms")
    rng = np.random.default_rng(4)
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model=True)
        rows, shape = np.arange(ms.nrow), ms.read("DATA").shape
        ms.write("MODEL_DATA", rng.normal(size=shape).astype(np.complex64), rows)
        sigma = rng.uniform(0.5, 2.0, (shape[0], shape[2])).astype(np.float32)
        ms.write("SIGMA", sigma, rows)
        model = np.asarray(ms.read("MODEL_DATA"))
    casatasks.mstransform(path, "o.ms", datacolumn="model", chanaverage=True, chanbin=4)
    casatasks.hanningsmooth(path, "h.ms", datacolumn="model")
    casatasks.uvcontsub(path, "u.ms", datacolumn="model", fitorder=0)
    with MeasurementSet("o.ms") as averaged, MeasurementSet("h.ms") as smooth, MeasurementSet("u.ms") as line:
        np.testing.assert_allclose(averaged.read("WEIGHT"), 4 * sigma**-2.0, rtol=1e-5)
        np.testing.assert_allclose(smooth.read("WEIGHT"), 8 / 3 * sigma**-2.0, rtol=1e-5)
        np.testing.assert_allclose(line.read("DATA"), model - model.mean(axis=1, keepdims=True), atol=1e-5)


def test_pointings_that_overlap_the_times_selected_stay(shared_input) -> None:
    """Rows of POINTING whose interval overlaps; CASA 6.7 keeps those whose TIME lies within."""
    path = shared_input("simvla.ms")
    casatasks.split(path, "o.ms", datacolumn="data", timerange=">2019/05/01/04:39:30")
    with closing(open_table(f"{path}/POINTING")) as old, closing(open_table("o.ms/POINTING")) as new:
        times, kept = np.unique(old.getcol("TIME")), np.unique(new.getcol("TIME"))
    low = 58604 * 86400.0 + 4 * 3600 + 39 * 60 + 30
    np.testing.assert_array_equal(kept, times[times + 15 >= low])
    assert (kept < low).any()


def test_fields_without_rows_keep_their_directions(shared_input) -> None:
    """phaseshift writes the new direction for the fields that it shifts (CASA 6.7 for all, and it fails for a list of fields)."""
    path = shared_input("simvla.ms")
    casatasks.phaseshift(path, "o.ms", datacolumn="data", scan="2", phasecenter="J2000 13h33m00s 30d50m00s")
    casatasks.phaseshift(path, "two.ms", datacolumn="data", field="1,2", phasecenter="J2000 13h33m00s 30d50m00s")
    for name in ("o.ms", "two.ms"):
        with MeasurementSet(path) as old, MeasurementSet(name) as new:
            moved = set(np.unique(new.read("FIELD_ID")).tolist())
            assert 0 < len(moved) < len(old.metadata.fields)
            for number, (one, other) in enumerate(zip(old.metadata.fields, new.metadata.fields, strict=True)):
                assert np.array_equal(one.phase_dir, other.phase_dir) == (number not in moved)


def test_windows_without_rows_stay_in_multi_ms(shared_input) -> None:
    """partition keeps all windows along every axis; CASA 6.7 drops those without rows along 'spw' only."""
    path = shared_input("alma_small.ms")
    for axis in ("scan", "spw"):
        casatasks.partition(path, f"{axis}.mms", separationaxis=axis, numsubms=2, datacolumn="data", flagbackup=False)
        with MeasurementSet(path) as old, MeasurementSet(f"{axis}.mms") as new:
            assert len(new.metadata.spectral_windows) == len(old.metadata.spectral_windows)
            assert set(np.unique(new.read("DATA_DESC_ID")).tolist()) == set(np.unique(old.read("DATA_DESC_ID")).tolist())
