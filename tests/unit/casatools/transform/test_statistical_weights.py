"""statwt: weights against a slow transcription, noise of known size and numbers of CASA 6.7."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import erfcinv

from casatasks import statwt
from casatools import ms
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.io.ms import MeasurementSet
from casatools.io.ms.weight_columns import add_weight_spectrum
from casatools.io.tables import open_table
from casatools.kernels.group_variances import CLASSIC, all_variances, chauvenet_limit, group_variances, kept_range
from casatools.simulation.demo import DemoOptions, make_demo
from casatools.transform import statistical_weights
from casatools.transform.statistical_weights import StatisticalWeightOptions
from casatools.transform.weight_bins import _bins_of_times, _run_starts


def put(opened: MeasurementSet, name: str, values: np.ndarray) -> None:
    opened.write(name, values, np.arange(len(values)))


@pytest.fixture
def vis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Noise whose size is another for each correlation and antenna."""
    monkeypatch.chdir(tmp_path)
    make_demo("demo.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=16))
    rng = np.random.default_rng(7)
    with MeasurementSet("demo.ms", writable=True) as opened:
        first, shape = opened.read("ANTENNA1"), opened.read("DATA").shape
        sigma = (1.0 + first)[:, None, None] * np.arange(1, shape[2] + 1)[None, None]
        noise = rng.normal(0, 1, shape) + 1j * rng.normal(0, 1, shape)
        put(opened, "DATA", (5.0 + sigma * noise).astype(np.complex64))
        put(opened, "FLAG", rng.random(shape) < 0.05)
    return "demo.ms"


def read(path: str, *names: str) -> list[np.ndarray]:
    with MeasurementSet(path) as opened:
        return [np.asarray(opened.read(name)) for name in names]


def slow(path: str, seconds: float) -> np.ndarray:
    """Weights (row, corr) of bins of time, a baseline and a correlation, sample by sample."""
    data, flag, time, a1, a2, scan, field, exposure = read(
        path, "DATA", "FLAG", "TIME", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "FIELD_ID", "EXPOSURE"
    )
    out = np.zeros((len(time), data.shape[2]))
    for key in {(s, f) for s, f in zip(scan, field, strict=True)}:
        inside = (scan == key[0]) & (field == key[1])
        times = np.unique(time[inside])
        while len(times):
            span = times[times - times[0] < seconds * (1 - 1e-9)]
            times = times[len(span) :]
            for pair in {(i, j) for i, j in zip(a1[inside], a2[inside], strict=True)}:
                rows = np.flatnonzero(inside & (a1 == pair[0]) & (a2 == pair[1]) & (time >= span[0]) & (time <= span[-1]))
                for corr in range(data.shape[2]):
                    good = ~flag[rows, :, corr]
                    values = data[rows, :, corr][good].astype(np.complex128)
                    weight = np.repeat(exposure[rows, None], data.shape[1], 1)[good]
                    if len(values) > 1:
                        mean = (weight * values).sum() / weight.sum()
                        out[rows, corr] = exposure[rows] * 2 * len(values) / (weight * np.abs(values - mean) ** 2).sum()
    return out


def test_against_a_slow_transcription(vis: str) -> None:
    expected = slow(vis, 60.0)
    with MeasurementSet(vis, writable=True) as opened:
        exposure = opened.read("EXPOSURE")
        put(opened, "EXPOSURE", exposure * np.where(np.arange(len(exposure)) % 4, 1.0, 0.5))
    other = slow(vis, 60.0)
    found = statwt(vis, datacolumn="data", timebin="60s", flagbackup=False)
    weight, sigma = read(vis, "WEIGHT", "SIGMA")
    assert weight == pytest.approx(other, rel=1e-5) and np.abs(other / expected - 1).max() > 0.1
    assert sigma == pytest.approx(weight**-0.5, rel=1e-5)
    assert found["mean"] == pytest.approx(other.mean(), rel=1e-5) and found["variance"] == pytest.approx(
        other.var(ddof=1), rel=1e-4
    )


def test_noise_is_recovered(vis: str) -> None:
    statwt(vis, datacolumn="data", timebin="1h", combine="scan,field,state", flagbackup=False)
    weight, first = read(vis, "WEIGHT", "ANTENNA1")
    for corr in range(weight.shape[1]):
        sigma2 = ((1.0 + first) * (corr + 1)) ** 2
        assert (weight[:, corr] * sigma2) == pytest.approx(np.ones(len(first)), rel=0.25)
        assert (weight[:, corr] * sigma2).mean() == pytest.approx(1.0, rel=0.03)


def test_bins_of_channels_and_integrations(vis: str) -> None:
    statwt(vis, datacolumn="data", timebin=2, chanbin=8, flagbackup=False)
    data, flag, spectrum, weight, sigma = read(vis, "DATA", "FLAG", "WEIGHT_SPECTRUM", "WEIGHT", "SIGMA_SPECTRUM")
    assert (spectrum[:, :8] == spectrum[:, :1]).all() and (spectrum[:, 0] != spectrum[:, 8]).any()
    assert sigma[~flag] == pytest.approx(spectrum[~flag] ** -0.5, rel=1e-5)
    masked = np.where(flag, np.nan, spectrum)
    assert weight == pytest.approx(np.nanmedian(masked, axis=1), rel=1e-5)
    assert data.shape == spectrum.shape


def test_a_last_bin_of_too_few_integrations_takes_those_before_it(vis: str) -> None:
    """The rule of CASA 6.7: what is left over counts with as many integrations before it as make a whole bin."""
    (times,) = read(vis, "TIME")
    scan, first, second = read(vis, "SCAN_NUMBER", "ANTENNA1", "ANTENNA2")
    inside = (scan == scan[0]) & (first == first[0]) & (second == second[0])
    rows = np.flatnonzero(inside)[np.argsort(times[inside])]
    count = len(rows) - 1  # one integration is left over
    statwt(vis, datacolumn="data", timebin=count, flagbackup=False)
    data, flag, exposure, weight = read(vis, "DATA", "FLAG", "EXPOSURE", "WEIGHT")
    for some, used in ((rows[:-1], rows[:-1]), (rows[-1:], rows[1:])):
        good = data[used, :, 0][~flag[used, :, 0]]
        expected = 2.0 / (good.real.var() + good.imag.var())
        assert weight[some, 0] == pytest.approx(np.full(len(some), expected), rel=1e-4), exposure[0]


def test_sliding_bins_count_integrations_that_a_baseline_lacks(vis: str) -> None:
    """The rule of CASA 6.7: the window is made of integrations of the scan; a baseline that lacks one has fewer samples in it."""
    time, scan, first, second, flag = read(vis, "TIME", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "FLAG")
    inside = (scan == scan[0]) & (first == first[0]) & (second == second[0])
    rows = np.flatnonzero(inside)[np.argsort(time[inside])]
    with MeasurementSet(vis, writable=True) as opened:
        put(opened, "FLAG", flag & False)
        put(opened, "SCAN_NUMBER", np.where(np.arange(len(scan)) == rows[1], 99, scan).astype(np.int32))
    statwt(vis, datacolumn="data", timebin=3, slidetimebin=True, flagbackup=False)
    data, weight = read(vis, "DATA", "WEIGHT")
    for row, used in ((rows[0], rows[[0, 2]]), (rows[2], rows[[2, 3]]), (rows[3], rows[[2, 3, 4]])):
        values = data[used, :, 0]
        assert weight[row, 0] == pytest.approx(2.0 / (values.real.var() + values.imag.var()), rel=1e-4)


def test_fully_flagged_rows_have_no_sigma_beside_spectra(vis: str) -> None:
    """CASA 6.7 writes -1 there where the data have spectra of weights, whether WEIGHT is written or not."""
    with MeasurementSet(vis, writable=True) as opened:
        opened.add_scratch_columns(model=True, corrected=True)
        add_weight_spectrum(opened)
        flag = opened.read("FLAG")
        flag[::7] = True
        put(opened, "FLAG", flag)
        put(opened, "WEIGHT_SPECTRUM", np.ones(flag.shape, np.float32))
    statwt(vis, datacolumn="data", timebin=3, flagbackup=False)
    (sigma,) = read(vis, "SIGMA")
    assert (sigma[::7] == -1.0).all() and (np.delete(sigma, np.s_[::7], axis=0) > 0).all()


def test_integer_bins_with_changing_integration_times(vis: str) -> None:
    # Known to fail in CASA: integration times that change, with an integer timebin, needed two runs.
    with MeasurementSet(vis, writable=True) as opened:
        time, interval = opened.read("TIME"), opened.read("INTERVAL")
        later = time > np.median(time)
        for name in ("INTERVAL", "EXPOSURE"):
            put(opened, name, np.where(later, 3.0, 1.0) * interval)
    statwt(vis, datacolumn="data", timebin=3, flagbackup=False)
    (once,) = read(vis, "WEIGHT")
    assert (once > 0).all()
    statwt(vis, datacolumn="data", timebin=3, flagbackup=False)
    assert read(vis, "WEIGHT")[0].tolist() == once.tolist()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Weights of the first six rows of baseline EA01&EA02, spectral window 0, RR: CASA 6.7 on the shared data set.
        ({"timebin": "90s"}, [0.114194, 0.114194, 0.114194, 0.111990, 0.111990, 0.111990]),
        ({"timebin": 3, "slidetimebin": True}, [0.1142, 0.1142, 0.1125, 0.1117, 0.1120, 0.1120]),
        ({"timebin": 2, "slidetimebin": True}, [0.1153, 0.1140, 0.1110, 0.1115, 0.1131, 0.1131]),
        ({"timebin": "60s", "slidetimebin": True}, [0.1153, 0.1142, 0.1125, 0.1117, 0.1120, 0.1131]),
        ({"timebin": "90s", "statalg": "chauvenet"}, [0.11563, 0.11563, 0.11563, 0.11407]),
        ({"timebin": "90s", "statalg": "chauvenet", "zscore": 1.5, "maxiter": 2}, [0.24006, 0.24006, 0.24006, 0.22082]),
        ({"timebin": "90s", "statalg": "hinges-fences", "fence": 1.0}, [0.11465, 0.11465, 0.11465, 0.11248]),
        ({"timebin": "90s", "statalg": "fit-half"}, [0.11508, 0.11508, 0.11508, 0.11286]),
        ({"timebin": "90s", "statalg": "fit-half", "center": "median", "lside": False}, [0.1086, 0.1086, 0.1086, 0.10312]),
        ({"timebin": "90s", "combine": "corr"}, [0.02487, 0.02487, 0.02487, 0.02473]),
        ({"timebin": "90s", "fitspw": "0:1~6"}, [0.20252, 0.20252, 0.20252, 0.20103]),
        ({"timebin": "90s", "fitspw": "0:1~6", "excludechans": True}, [0.05008, 0.05008, 0.05008, 0.04862]),
        ({"timebin": "90s", "chanbin": 4}, [0.48989, 0.48989, 0.48989, 0.47902]),
        ({"timebin": "90s", "chanbin": "8MHz"}, [1.12419, 1.12419, 1.12419, 1.03335]),
    ],
)  # fmt: skip
def test_numbers_of_the_reference(shared_input: Any, given: dict[str, Any], expected: list[float]) -> None:
    path = shared_input("simvla.ms")
    statwt(path, datacolumn="data", flagbackup=False, **given)
    weight, a1, a2, ddid = read(path, "WEIGHT", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID")
    rows = np.flatnonzero((a1 == 0) & (a2 == 1) & (ddid == 0))[: len(expected)]
    assert weight[rows, 0] == pytest.approx(expected, rel=1e-3)


def test_which_columns_are_written(vis: str) -> None:
    with MeasurementSet(vis, writable=True) as opened:
        opened.add_scratch_columns(model=True, corrected=True)
        data = opened.read("DATA")
        put(opened, "CORRECTED_DATA", data)
        put(opened, "MODEL_DATA", np.full_like(data, 3.0))
    before = read(vis, "WEIGHT", "SIGMA")
    statwt(vis, datacolumn="data", flagbackup=False)
    weight, sigma = read(vis, "WEIGHT", "SIGMA")
    assert (weight == before[0]).all() and (sigma != before[1]).all()
    statwt(vis, datacolumn="residual", flagbackup=False)
    again, same = read(vis, "WEIGHT", "SIGMA")
    assert again == pytest.approx(sigma**-2.0, rel=1e-3) and (same == sigma).all()
    preview = statwt(vis, timebin="10h", preview=True)
    assert read(vis, "WEIGHT")[0].tolist() == again.tolist() and preview["mean"] > 0
    assert not os.path.exists(vis + ".flagversions")


def test_few_samples_are_flagged(vis: str) -> None:
    table = open_table(vis, writable=True)
    flags = np.asarray(table.getcell("FLAG", 3))
    flags[:, 0], flags[1:, 1], flags[0, 1] = True, True, False
    table.putcell("FLAG", 3, flags)
    table.close()
    statwt(vis, datacolumn="data", timebin=1)
    weight, sigma, flag = read(vis, "WEIGHT", "SIGMA", "FLAG")
    assert (weight[3, :2] == 0).all() and (sigma[3, :2] == -1).all() and flag[3].all()
    assert os.path.exists(vis + ".flagversions")
    # As the reference writes it: bins of seconds over whole windows without spectra have the weight 1 / 0.
    statwt(vis, datacolumn="data", timebin="1s", minsamp=1000, preview=False, flagbackup=False)
    assert np.isinf(read(vis, "WEIGHT")[0]).all() and (read(vis, "SIGMA")[0] == 0).all() and read(vis, "FLAG")[0].all()


def test_ranges_are_flagged(vis: str) -> None:
    statwt(vis, datacolumn="data", timebin=1, flagbackup=False)
    (weight,) = read(vis, "WEIGHT")
    low, high = np.quantile(weight[weight > 0], [0.2, 0.8])
    statwt(vis, datacolumn="data", timebin=1, wtrange=[high, low], flagbackup=False)
    after, limited = read(vis, "WEIGHT", "FLAG")
    outside = (after < low) | (after > high)
    assert limited.all(axis=1)[outside].all() and not limited.all(axis=1)[~outside].any()


def test_a_run_that_was_cut_short_can_be_repeated(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first run has flagged for its weight counts again in the next."""
    given: dict[str, Any] = {
        "datacolumn": "data", "timebin": "60s", "slidetimebin": True, "wtrange": [0.01, 0.1], "flagbackup": False,
    }  # fmt: skip
    shutil.copytree(vis, "whole.ms")
    expected = statwt("whole.ms", **given)
    names = ("FLAG", "FLAG_ROW", "WEIGHT", "SIGMA")
    write = statistical_weights.write_chunks

    def cut_short(opened: MeasurementSet, changes: Iterator[Any], columns: list[str]) -> None:
        write(opened, itertools.islice(changes, 1), columns)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(statistical_weights, "write_chunks", cut_short)
        statwt(vis, **given)
    assert any(name.endswith(".journal") for name in os.listdir(vis))
    assert statwt(vis, **given) == pytest.approx(expected, rel=1e-6)
    for name, ours, whole in zip(names, read(vis, *names), read("whole.ms", *names), strict=True):
        assert np.array_equal(ours, whole), name
    assert not any(name.endswith(".journal") for name in os.listdir(vis))


def test_tool_takes_its_selection(vis: str) -> None:
    (before,) = read(vis, "WEIGHT")
    tool = ms()
    tool.open(vis)
    tool.msselect({"field": "0"})
    found = tool.statwt(datacolumn="data", timebin="1h")
    tool.close()
    weight, field = read(vis, "WEIGHT", "FIELD_ID")
    assert (weight[field != 0] == before[field != 0]).all() and (weight[field == 0] != before[field == 0]).all()
    assert found["mean"] == pytest.approx(weight[field == 0].mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"combine": "time"}, ParameterError, "combine"), ({"timebin": 0}, ParameterError, "timebin"), ({"timebin": "-3s"}, ParameterError, "timebin"),
        ({"timebin": "3m"}, ParameterError, "timebin"), ({"chanbin": 0}, ParameterError, "chanbin"), ({"chanbin": "3s"}, ParameterError, "chanbin"),
        ({"chanbin": "-1MHz"}, ParameterError, "chanbin"), ({"minsamp": 1}, ParameterError, "minsamp"), ({"wtrange": [1.0]}, ParameterError, "wtrange"),
        ({"statalg": "biweight"}, ParameterError, "statalg"), ({"datacolumn": "corrected"}, DataError, "CORRECTED_DATA"),
        ({"spw": "0:1~3"}, ParameterError, "fitspw"), ({"field": "NOPE"}, SelectionError, "NOPE"),
    ],
)  # fmt: skip
def test_refused(vis: str, given: dict[str, Any], error: type[Exception], words: str) -> None:
    before = read(vis, "WEIGHT", "FLAG")
    with pytest.raises(error, match=words):
        statwt(vis, **{"datacolumn": "data", **given})
    assert all((a == b).all() for a, b in zip(before, read(vis, "WEIGHT", "FLAG"), strict=True))


def test_empty_selection_of_a_tool(vis: str) -> None:
    from casatools.transform.statistical_weights import set_statistical_weights

    with pytest.raises(DataError, match="no rows"):
        set_statistical_weights(vis, {}, StatisticalWeightOptions(datacolumn="data"), rows=np.zeros(0, np.int64))


def test_kernel_as_written() -> None:
    rng = np.random.default_rng(3)
    data = (rng.normal(size=(6, 4, 2)) + 1j * rng.normal(size=(6, 4, 2))).astype(np.complex64)
    bad, exposure, order = rng.random((6, 4, 2)) < 0.2, rng.uniform(1, 3, 6), rng.permutation(6)
    windows, bins = np.array([[0, 3], [3, 6]]), np.array([0, 0, -1, 1])
    for algorithm in range(4):
        for joined in (False, True):
            out, slow_out = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
            arguments = (data, bad, exposure, order, windows, bins, 2, joined, 2, algorithm, 1.2, 3, 1, True)
            group_variances(*arguments, out)
            group_variances.py_func(*arguments, slow_out)
            assert out == pytest.approx(slow_out, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("joined", [False, True])
def test_one_pass_gives_the_variances_of_two(joined: bool) -> None:
    """A source 1e6 times the noise leaves six digits of the variance; what is no number, flagged rows and channels without a bin do not count."""
    rng = np.random.default_rng(4)
    shape = (12, 6, 2)
    data = (1e3 * np.array([1.0, 2.0j]) + 1e-3 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))).astype(np.complex64)
    data[3, 2, 0] = np.nan
    data[4, 1, 1] = complex(1.0, np.inf)
    flag, flag_row = rng.random(shape) < 0.2, np.arange(12) == 7
    flag[5, :, 1] = True
    bad = flag | flag_row[:, None, None] | ~np.isfinite(data)
    exposure, order = rng.uniform(1.0, 3.0, 12), rng.permutation(12)
    windows, bins = np.array([[0, 5], [5, 12], [2, 9], [3, 4]]), np.array([0, 0, -1, 1, 1, 1])
    slow = np.zeros((4, 2, 2))
    group_variances(data, bad, exposure, order, windows, bins, 2, joined, 3, CLASSIC, -1.0, -1, 0, True, slow)
    for function in (all_variances, all_variances.py_func):
        out, throughout = np.zeros((4, 2, 2)), np.zeros((12, 2), bool)
        function(data, flag, flag_row, exposure, order, windows, bins, 2, joined, 3, throughout, out)
        np.testing.assert_allclose(out, slow, rtol=1e-6)
        np.testing.assert_array_equal(throughout, bad.all(axis=1))


def test_limits() -> None:
    for count in (2, 5, 6, 8, 24, 1000):
        exact = np.sqrt(2.0) * erfcinv(0.5 / count)
        assert exact <= chauvenet_limit(count) * (1 + 1e-9) and chauvenet_limit(count) < exact * 1.12
        assert chauvenet_limit.py_func(count) == chauvenet_limit(count)
    assert chauvenet_limit(5) == 1.6875 and chauvenet_limit(8) == 1.875
    values, weight = np.array([0.0, 1.0, 2.0, 3.0, 50.0]), np.ones(5)
    assert kept_range(values, weight, 2, 1.5, -1) == (1.0 - 3.0, 3.0 + 3.0)
    assert kept_range(values, weight, 0, 1.5, -1) == (-np.inf, np.inf)
    # CASA 6.7 on 7 and 8 channels: the second and the sixth value.
    for count in (7, 8):
        assert kept_range(np.arange(float(count)), np.ones(count), 2, 1.0, -1) == (-3.0, 9.0)


def test_integrations_on_the_edge_of_a_bin_are_of_the_next() -> None:
    """CASA 6.7 on NGC 5921, whose times are uneven by milliseconds: pairs for 120 s, three for 90.005 s and four for 90.01 s."""
    uneven = np.array([0.0, 59.9957, 120.0016, 179.9973, 239.9981, 299.9989])
    assert _bins_of_times(uneven, (0, 120)).tolist() == [0, 0, 1, 1, 2, 2]
    even = np.array([0.0, 30.003, 60.0008, 89.9986, 120.0016, 149.9994])
    assert _bins_of_times(even, (0, 90.005)).tolist() == [0, 0, 0, 1, 1, 1]
    assert _bins_of_times(even, (0, 90.01)).tolist() == [0, 0, 0, 0, 1, 1]


def test_combined_scans_stay_apart_where_another_field_lies_between() -> None:
    """Two windows; the first has target, calibrator, target, the second one field throughout, but for a time without rows."""
    groups = [(0, 0), (0, 1), (1, 0)]
    times = [np.array([0.0, 10.0, 40.0, 50.0]), np.array([20.0, 30.0]), np.array([10.0, 20.0, 50.0])]
    assert [starts.tolist() for starts in _run_starts(groups, times, 1)] == [[0, 2], [0], [0]]
    assert [starts.tolist() for starts in _run_starts(groups, times, 2)] == [[0], [0], [0]]


def test_what_counts_in_the_mean(shared_input: Callable[[str], str]) -> None:
    """Numbers of CASA 6.7: once a row where correlations share their weight; zeros of good data with a single channel."""
    found = statwt(shared_input("evla_simple.ms"), datacolumn="data", timebin="120s", combine="corr", flagbackup=False)
    assert (found["mean"], found["variance"]) == (pytest.approx(137.8827433), pytest.approx(35838.09249594987))
    found = statwt(shared_input("alma_small.ms"), datacolumn="data", flagbackup=False)
    assert (found["mean"], found["variance"]) == (pytest.approx(13608863.91), pytest.approx(1728678457371325.5))


def test_joined_correlations_have_one_median(vis: str) -> None:
    """CASA 6.7: WEIGHT is the median over the unflagged channels of all correlations that are combined."""
    statwt(vis, datacolumn="data", timebin=2, chanbin=8, combine="corr", flagbackup=False)
    weight, spectrum, flag = read(vis, "WEIGHT", "WEIGHT_SPECTRUM", "FLAG")
    assert (weight == weight[:, :1]).all()
    for row in np.flatnonzero(~flag.all(axis=(1, 2)))[:20]:
        assert weight[row, 0] == pytest.approx(np.median(spectrum[row][~flag[row]]), rel=1e-6)


@pytest.mark.parametrize("combine", ["", "corr"])
def test_weights_of_channels_out_of_range_are_none(vis: str, combine: str) -> None:
    """As in CASA 6.7: those of channels become 0, WEIGHT is the median of the others; the means returned are of all of them."""
    with MeasurementSet(vis, writable=True) as opened:
        flag = opened.read("FLAG")
        flag[:, :, 1] = True  # a correlation without data
        put(opened, "FLAG", flag)
    given: dict[str, Any] = {"datacolumn": "data", "timebin": "60s", "chanbin": 4, "combine": combine, "flagbackup": False}
    free = statwt(vis, preview=True, **given)
    statwt(vis, **given)
    every = read(vis, "WEIGHT_SPECTRUM")[0]
    with MeasurementSet(vis, writable=True) as opened:
        put(opened, "FLAG", flag)
    low, high = np.quantile(every[every > 0], [0.2, 0.8])
    found = statwt(vis, wtrange=[high, low], **given)
    weight, spectrum, after = read(vis, "WEIGHT", "WEIGHT_SPECTRUM", "FLAG")
    inside = (every >= low) & (every <= high)
    np.testing.assert_array_equal(spectrum, np.where(inside, every, 0))
    np.testing.assert_array_equal(after, flag | ~inside | (every <= 0))
    good = inside & ~flag
    for row in range(0, len(weight), 7):
        for corr in range(weight.shape[1]):
            values = spectrum[row][good[row]] if combine else spectrum[row, good[row, :, corr], corr]
            assert weight[row, corr] == pytest.approx(float(np.median(values)) if len(values) else 0.0, rel=1e-6)
    assert found == pytest.approx(free, rel=1e-12)


def test_weights_of_rows_out_of_range_stay(vis: str) -> None:
    """Whole spectral windows without spectra: the data are flagged, the weights stay, as in CASA 6.7."""
    statwt(vis, datacolumn="data", timebin=1, flagbackup=False)
    before = read(vis, "WEIGHT")[0]
    statwt(vis, datacolumn="data", timebin=1, flagbackup=False, wtrange=[0.0, float(np.median(before))])
    weight, flag = read(vis, "WEIGHT", "FLAG")
    np.testing.assert_array_equal(weight, before)
    assert flag.all(axis=1)[before > np.median(before)].all()


def test_bins_without_samples_count_in_the_mean(vis: str) -> None:
    """Good data of bins of which no channel counts have the weight 0, and zeros count in what is returned."""
    with MeasurementSet(vis, writable=True) as opened:
        flag = np.zeros_like(opened.read("FLAG"))
        flag[::2, :4] = True  # the channels that count, of half the rows
        put(opened, "FLAG", flag)
    found = statwt(vis, datacolumn="data", timebin="0.001s", chanbin=8, fitspw="*:0~3;8~11", flagbackup=False)
    values = read(vis, "WEIGHT_SPECTRUM")[0][~flag].astype(np.float64)
    assert (values == 0).any()
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-5) and found["variance"] == pytest.approx(
        values.var(ddof=1), rel=1e-4
    )


def test_spectra_are_made_for_a_selection(vis: str) -> None:
    before = read(vis, "WEIGHT")[0]
    statwt(vis, datacolumn="data", timebin="60s", chanbin=4, scan="1", flagbackup=False)
    scan, spectrum = read(vis, "SCAN_NUMBER", "WEIGHT_SPECTRUM")
    assert (scan != 1).any()
    np.testing.assert_array_equal(spectrum[scan != 1], np.broadcast_to(before[scan != 1][:, None], spectrum[scan != 1].shape))
    assert (spectrum[scan == 1] != before[scan == 1][:, None]).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timebin": "x"}, "'timebin' must be a number of integrations or a time; got 'x'"),
        ({"chanbin": "foo"}, "'chanbin' must be 'spw', a number"),
    ],
)
def test_bins_that_are_no_quantities_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        StatisticalWeightOptions(**given)
