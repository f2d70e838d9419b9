"""split: selection, renumbering, averages and weights, against plain numpy and CASA 6.7's numbers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.splitting import split


def _column(path, name):
    table = open_table(path)
    try:
        return table.getcol(name)
    finally:
        table.close()


def _rewrite(path, **columns):
    table = open_table(path, writable=True)
    for name, values in columns.items():
        table.putcol(name, values)
    table.close()


@pytest.fixture
def flagged(shared_input):
    """simvla.ms with random flags and weights."""
    path = shared_input("simvla.ms")
    rng = np.random.default_rng(5)
    with MeasurementSet(path) as ms:
        flag, sigma = ms.read("FLAG"), ms.read("SIGMA")
    flag |= rng.random(flag.shape) < 0.2
    flag[rng.random(len(flag)) < 0.1] = True
    weight = rng.uniform(0.5, 2.0, sigma.shape).astype(np.float32)
    _rewrite(path, FLAG=flag, FLAG_ROW=flag.all(axis=(1, 2)), WEIGHT=weight, SIGMA=np.float32(1.1) / np.sqrt(weight))
    return path


def test_selection_cuts_and_renumbers(flagged):
    split(flagged, "o.ms", Selection(field="TARGET", spw="1:2~5", correlation="RR,LL"), "data")
    with MeasurementSet(flagged) as old, MeasurementSet("o.ms") as new:
        rows = np.flatnonzero((old.read("FIELD_ID") == 2) & (old.read("DATA_DESC_ID") == 1))
        np.testing.assert_array_equal(new.read("DATA"), old.read("DATA", rows)[:, 2:6][:, :, [0, 3]])
        np.testing.assert_allclose(new.read("WEIGHT"), old.read("SIGMA", rows)[:, [0, 3]] ** -2.0, rtol=1e-6)
        np.testing.assert_array_equal(new.read("UVW"), old.read("UVW", rows))
        assert set(new.read("FIELD_ID")) == {0} and set(new.read("DATA_DESC_ID")) == {0}
    assert _column("o.ms/FIELD", "NAME") == ["TARGET"]
    assert _column("o.ms/SPECTRAL_WINDOW", "CHAN_FREQ").tolist() == [[1.608e9, 1.612e9, 1.616e9, 1.620e9]]
    assert _column("o.ms/SPECTRAL_WINDOW", "REF_FREQUENCY").tolist() == [1.608e9]
    assert _column("o.ms/DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID").tolist() == [0]


def test_antenna_and_intent_cut_their_tables(flagged):
    split(flagged, "o.ms", Selection(antenna="0&1", intent="*TARGET*"), "data")
    counts = {name: open_table(f"o.ms/{name}").nrows() for name in ("ANTENNA", "FEED", "POINTING", "STATE", "FIELD", "SOURCE")}
    assert counts == {"ANTENNA": 2, "FEED": 2, "POINTING": 144, "STATE": 1, "FIELD": 3, "SOURCE": 3}  # as CASA 6.7
    assert set(_column("o.ms", "STATE_ID")) == {0}


def test_observation_and_time_selection(shared_input):
    path = shared_input("simvla.ms")
    split(path, "o.ms", Selection(timerange="<2019/05/01/04:45:00", observation="0"), "data")
    assert open_table("o.ms").nrows() == 336
    assert open_table("o.ms/POINTING").nrows() == 96  # as CASA 6.7


@pytest.mark.parametrize("width", [4, 3, "8", [2, 4]])
def test_channel_average(flagged, width):
    split(flagged, "o.ms", Selection(), "data", width=width)
    each = [int(width)] * 2 if not isinstance(width, list) else width
    with MeasurementSet(flagged) as old, MeasurementSet("o.ms") as new:
        for ddid, n in enumerate(each):
            rows = np.flatnonzero(old.read("DATA_DESC_ID") == ddid)
            out = np.flatnonzero(new.read("DATA_DESC_ID") == ddid)
            count = 8 // n
            shape = (len(rows), count, n, 4)
            data, flag = (old.read(c, rows)[:, : count * n].reshape(shape) for c in ("DATA", "FLAG"))
            good = np.where(flag.all(axis=2, keepdims=True), 1.0, ~flag)
            np.testing.assert_allclose(new.read("DATA", out), (data * good).sum(axis=2) / good.sum(axis=2), rtol=1e-5, atol=1e-6)
            bad = flag.all(axis=2)
            np.testing.assert_array_equal(new.read("FLAG", out), bad)
            single = old.read("SIGMA", rows)[:, None, :] ** -2.0 * good.sum(axis=2)
            masked = np.ma.array(single, mask=bad & ~bad.all(axis=1, keepdims=True))
            np.testing.assert_allclose(new.read("WEIGHT", out), masked.mean(axis=1), rtol=1e-5)
            np.testing.assert_allclose(new.read("SIGMA", out), (masked**-0.5).mean(axis=1), rtol=1e-5)
    width_hz = _column("o.ms/SPECTRAL_WINDOW", "TOTAL_BANDWIDTH")
    np.testing.assert_allclose(width_hz, [4e6 * (8 // n) * n for n in each])


def test_bins_wider_than_some_windows_and_rests_are_told(shared_input, flagged, capsys):
    """alma_small.ms has windows of 4, 64 and 1 channels."""
    split(shared_input("alma_small.ms"), "a.ms", Selection(scan="1"), "data", width=8)
    assert (
        "2 of 3 spectral windows have fewer channels selected than the 8 of a bin and become one channel each: 0, 2"
        in capsys.readouterr().err
    )
    split(flagged, "o.ms", Selection(), "data", width=[8, 3])
    assert "last 2 channels of spectral window 1 fill no bin of 3" in capsys.readouterr().err
    counts = []
    for path in ("a.ms", "o.ms"):
        with MeasurementSet(path) as ms:
            counts.append([w.nchan for w in ms.metadata.spectral_windows])
    assert counts == [[1, 8, 1], [1, 2]]


@pytest.mark.parametrize(
    ("spw", "width", "message"),
    [
        ("", 9, "a bin of 9 channels does not fit into spectral window 0 with 8 channels selected"),
        ("", [8, 9], "a bin of 9 channels does not fit into spectral window 1"),
        ("1,0:0~3", [4, 5], "a bin of 5 channels does not fit into spectral window 0 with 4 channels selected; give at most 4"),
        ("1:2~5", 5, "fit into spectral window 1 with 4 channels"),
        ("", [2, 2, 2], "3 channel widths were given for 2 spectral windows"),
    ],
)
def test_bins_that_do_not_fit_are_refused(shared_input, spw, width, message):
    path = shared_input("simvla.ms")
    with pytest.raises(ParameterError, match=message):
        split(path, "o.ms", Selection(spw=spw), "data", width=width)
    assert not os.path.exists("o.ms")


def test_windows_come_in_the_order_written(flagged):
    """As in CASA: the output's numbers, and the windows that a list of bins is for, follow spw='1,0'."""
    split(flagged, "o.ms", Selection(spw="1:1~6,0"), "data", width=[2, 4])
    split(flagged, "p.ms", Selection(spw="0,1:1~6"), "data", width=[4, 2])
    with MeasurementSet("o.ms") as new, MeasurementSet("p.ms") as old:
        assert [w.chan_freq_hz[0] for w in new.metadata.spectral_windows] == pytest.approx([1.606e9, 1.406e9], rel=1e-12)
        assert [d.spw for d in new.metadata.data_descriptions] == [0, 1]
        np.testing.assert_array_equal(new.read("DATA_DESC_ID"), 1 - old.read("DATA_DESC_ID"))
        for ddid in (0, 1):
            for name in ("DATA", "FLAG", "UVW", "WEIGHT"):
                one, other = (
                    m.read(name, np.flatnonzero(m.read("DATA_DESC_ID") == d)) for m, d in ((new, ddid), (old, 1 - ddid))
                )
                np.testing.assert_array_equal(one, other)
    assert _column("o.ms/SOURCE", "SPECTRAL_WINDOW_ID").tolist() == (1 - _column("p.ms/SOURCE", "SPECTRAL_WINDOW_ID")).tolist()


def test_time_average(flagged):
    split(flagged, "o.ms", Selection(spw="0", antenna="2&3"), "data", timebin="90s")
    with MeasurementSet(flagged) as old, MeasurementSet("o.ms") as new:
        rows = np.flatnonzero((old.read("DATA_DESC_ID") == 0) & (old.read("ANTENNA1") == 2) & (old.read("ANTENNA2") == 3))
        assert new.nrow == len(rows) // 3
        for k in range(new.nrow):
            part = rows[3 * k : 3 * k + 3]
            flag, weight = old.read("FLAG", part), old.read("SIGMA", part) ** -2.0
            dead = flag.all(axis=(1, 2))
            use = np.where(dead.all(), True, ~dead)
            share = np.where(use, weight.sum(axis=1) if not dead.all() else 1.0, 0.0)
            w = np.where(flag.all(axis=0), 1.0, ~flag) * weight[:, None, :]
            np.testing.assert_allclose(
                new.read("DATA", [k])[0], (old.read("DATA", part) * w).sum(axis=0) / w.sum(axis=0), rtol=2e-5
            )
            np.testing.assert_allclose(
                new.read("UVW", [k])[0], (old.read("UVW", part) * share[:, None]).sum(axis=0) / share.sum()
            )
            assert new.read("EXPOSURE", [k])[0] == 30.0 * use.sum()
            centroid = ((old.read("TIME", part) - old.read("TIME", part)[0]) * share).sum() / share.sum()
            np.testing.assert_allclose(new.read("TIME_CENTROID", [k])[0] - old.read("TIME", part)[0], centroid, atol=1e-5)


def test_time_bins_across_scans(shared_input):
    # CASA 6.7 on simvla.ms, spw 0, baseline 0&1, 1e6 s: three fields, exposures 180, 540 and 360 s.
    split(shared_input("simvla.ms"), "o.ms", Selection(spw="0", antenna="0&1"), "data", timebin="1e6s", combine="scan")
    assert _column("o.ms", "EXPOSURE").tolist() == [180.0, 540.0, 360.0]
    assert _column("o.ms", "SCAN_NUMBER").tolist() == [1, 2, 3]
    assert _column("o.ms", "INTERVAL").tolist() == [180.0, 7380.0, 3780.0]


def test_flagged_rows_can_be_left_out(flagged):
    split(flagged, "o.ms", Selection(), "data", keepflags=False)
    assert open_table("o.ms").nrows() == int((~_column(flagged, "FLAG_ROW")).sum())
    _rewrite(flagged, FLAG=np.ones((2016, 8, 4), bool))
    with pytest.raises(SelectionError, match="flagged"):
        split(flagged, "p.ms", Selection(), "data", keepflags=False)


def test_refusals(shared_input):
    path = shared_input("simvla.ms")
    with pytest.raises(PathMissingError):
        split("none.ms", "o.ms", Selection())
    with pytest.raises(DataError, match="CORRECTED_DATA"):
        split(path, "o.ms", Selection())
    with pytest.raises(ParameterError, match="datacolumn"):
        split(path, "o.ms", Selection(), "nonsense")
    with pytest.raises(SelectionError):
        split(path, "o.ms", Selection(field="NOBODY"), "data")
    with pytest.raises(ParameterError, match="width"):
        split(path, "o.ms", Selection(), "data", width=0)
    with pytest.raises(ParameterError, match="3 channel widths"):
        split(path, "o.ms", Selection(), "data", width=[2, 2, 2])
    with pytest.raises(ParameterError, match="timebin"):
        split(path, "o.ms", Selection(), "data", timebin="fast")
    with pytest.raises(ParameterError, match="negative"):
        split(path, "o.ms", Selection(), "data", timebin="-5s")
    with pytest.raises(ParameterError, match="combine"):
        split(path, "o.ms", Selection(), "data", timebin="5s", combine="moon")
    os.mkdir("there.ms")
    with pytest.raises(OutputExistsError):
        split(path, "there.ms", Selection(), "data")
    assert not os.path.exists("o.ms")
