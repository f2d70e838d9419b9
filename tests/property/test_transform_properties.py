"""Properties of the transformations of MeasurementSets that hold whatever the data are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from casatools.frames.directions import Direction
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.concatenating import ConcatOptions, concatenate
from casatools.transform.phasing import phaseshift
from casatools.transform.planning import TimeAverage, make_plan
from casatools.transform.splitting import split
from casatools.transform.transforming import MsTransformOptions, mstransform, regrid_request
from casatools.transform.weight_bins import plan_weight_bins
from support.shared import unpack

Stage = Callable[[str, str], int]


@pytest.fixture
def noisy(shared_input):
    """simvla.ms, one field and spectral window, with random data, flags and weights."""
    path = shared_input("simvla.ms")
    split(path, "in.ms", Selection(field="2", spw="0"), "data")
    rng = np.random.default_rng(8)
    with MeasurementSet("in.ms", writable=True) as ms:
        shape, rows = ms.read("DATA").shape, np.arange(ms.nrow)
        ms.write("DATA", (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64), rows)
        ms.write("FLAG", rng.random(shape) < 0.2, rows)
        weight = rng.uniform(0.5, 2.0, size=(shape[0], shape[2])).astype(np.float32)
        ms.write("WEIGHT", weight, rows)
        ms.write("SIGMA", weight**-0.5, rows)
        ms.write("FLAG_ROW", np.zeros(len(rows), bool), rows)
    return "in.ms"


def read(path, *columns):
    with MeasurementSet(path) as ms:
        return [np.asarray(ms.read(c)) for c in columns]


def weighted_sum(path: str, spectrum: bool) -> complex:
    data, flag, weight = read(path, "DATA", "FLAG", "WEIGHT_SPECTRUM" if spectrum else "WEIGHT")
    weight = weight.astype(np.float64) if spectrum else np.broadcast_to(weight[:, None, :].astype(np.float64), data.shape)
    return complex((weight * np.where(flag, 0, data.astype(np.complex128))).sum())


@pytest.mark.parametrize(
    "how",
    [
        {"chanaverage": True, "chanbin": 4},
        {"timeaverage": True, "timebin": "90s"},
        {"timeaverage": True, "timebin": "3000s", "maxuvwdistance": 15.0},
        {"chanaverage": True, "chanbin": 2, "timeaverage": True, "timebin": "60s"},
    ],
)
def test_averages_conserve_weighted_sums(noisy, how):
    mstransform(noisy, "o.ms", Selection(), MsTransformOptions("data", usewtspectrum=True, **how))
    before, after = weighted_sum(noisy, False), weighted_sum("o.ms", True)
    assert abs(after - before) < 1e-4 * abs(before) + 1e-3


@pytest.mark.parametrize("kind", ["linear", "cubic", "spline"])
def test_a_linear_spectrum_is_regridded_exactly(noisy, kind):
    with MeasurementSet(noisy, writable=True) as ms:
        shape = ms.read("DATA").shape
        line = np.broadcast_to((3 + (0.5 - 2j) * np.arange(8)).astype(np.complex64)[None, :, None], shape)
        ms.write("DATA", line, np.arange(shape[0]))
        frequency = ms.metadata.spectral_windows[0].chan_freq_hz
    grid = regrid_request("frequency", 4, "1.406GHz", "5MHz", kind, "", "", "", "radio")
    mstransform(noisy, "o.ms", Selection(), MsTransformOptions("data", regrid=grid))
    at = (1.406e9 + 5e6 * np.arange(4) - frequency[0]) / 4e6
    np.testing.assert_allclose(
        read("o.ms", "DATA")[0], np.broadcast_to((3 + (0.5 - 2j) * at)[None, :, None], (shape[0], 4, 4)), rtol=1e-6
    )


def test_a_shift_there_and_back_is_the_identity(noisy):
    with MeasurementSet(noisy) as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
    there = Direction(float(lon) + 0.3, float(lat) - 0.2, "J2000")
    phaseshift(noisy, "there.ms", Selection(), "data", there)
    phaseshift("there.ms", "back.ms", Selection(), "data", Direction(float(lon), float(lat), "J2000"))
    (old, uvw), (new, new_uvw) = read(noisy, "DATA", "UVW"), read("back.ms", "DATA", "UVW")
    np.testing.assert_allclose(new_uvw, uvw, atol=1e-9 * np.abs(uvw).max())
    assert np.abs(new - old).max() < 1e-6 * np.abs(old).max()
    assert np.abs(read("there.ms", "DATA")[0] - old).max() > 0.1


def test_parts_of_a_concatenation_come_back(noisy):
    with MeasurementSet(noisy) as ms:
        scans = np.unique(ms.read("SCAN_NUMBER"))
    for scan in scans:
        split(noisy, f"s{scan}.ms", Selection(scan=str(scan)), "data")
    concatenate([f"s{scan}.ms" for scan in scans], "all.ms", ConcatOptions())
    for scan in scans:
        split("all.ms", f"again{scan}.ms", Selection(scan=str(scan)), "data")
        for one, other in zip(
            read(f"s{scan}.ms", "DATA", "FLAG", "UVW", "TIME"),
            read(f"again{scan}.ms", "DATA", "FLAG", "UVW", "TIME"),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)


def _transforms(selection: Selection | None = None, **given: Any) -> Stage:
    return lambda path, out: mstransform(path, out, selection or Selection(), MsTransformOptions("data", **given))


def _moved(path: str, out: str) -> int:
    return phaseshift(path, out, Selection(), "data", Direction(3.55, 0.52, "J2000"))


# The pairs of docs/transforming.md: two stages, the spectral windows they act on, and where flags are: anywhere, alike in all times, or nowhere.
_TIME = {"timeaverage": True, "timebin": "90s"}
_GRID = regrid_request("channel", 3, 1, 2, "linear", "", "", "", "radio")
PAIRS: dict[str, tuple[Stage, Stage, str, str]] = {
    "time average, channel average": (
        _transforms(usewtspectrum=True, **_TIME), _transforms(usewtspectrum=True, chanaverage=True, chanbin=3), "0", "anywhere",
    ),
    "time average, continuum subtraction": (
        _transforms(**_TIME), _transforms(douvcontsub=True, fitspw="*:0~1;5~7", fitorder=1), "0", "alike",
    ),
    "time average, Hanning smoothing": (_transforms(**_TIME), _transforms(hanning=True), "0", "alike"),
    "time average, new channels in the frame of the data": (_transforms(**_TIME), _transforms(regrid=_GRID), "0", "alike"),
    "time average, combined windows": (_transforms(**_TIME), _transforms(combinespws=True), "0,1", "alike"),
    "time average, band cut into windows": (_transforms(**_TIME), _transforms(regrid=_GRID, nspw=2), "0", "alike"),
    "phase shift, selection of correlations": (_moved, _transforms(Selection(correlation="LL,RR")), "0", "anywhere"),
    "phase shift, selection of channels": (_moved, _transforms(Selection(spw="0:2~5")), "0", "anywhere"),
    "selection of scans, time average": (_transforms(Selection(scan="2~4")), _transforms(**_TIME), "0", "anywhere"),
}  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> str:
    """simvla.ms, three antennas."""
    folder = tmp_path_factory.mktemp("few")
    path = unpack("simvla.ms", folder)
    split(str(path), str(folder / "few.ms"), Selection(antenna="0~2&"), "data")
    return str(folder / "few.ms")


def _fill(path: str, seed: int, where: str) -> None:
    """Random data and weights of rows; flags anywhere, or alike in all integrations of a baseline and window."""
    rng = np.random.default_rng(seed)
    with MeasurementSet(path, writable=True) as ms:
        shape, rows = ms.read("DATA").shape, np.arange(ms.nrow)
        ms.write("DATA", (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64), rows)
        kind = (100 * ms.read("DATA_DESC_ID") + 10 * ms.read("ANTENNA1") + ms.read("ANTENNA2")) if where == "alike" else rows
        _, kind = np.unique(kind, return_inverse=True)
        ms.write("FLAG", rng.random((kind.max() + 1, *shape[1:]))[kind] < 0.15, rows)
        # Weights are those of the time and baseline, in all windows.
        when = np.stack([ms.read(c) for c in ("TIME", "ANTENNA1", "ANTENNA2")])
        distinct, place = np.unique(when, axis=1, return_inverse=True)
        weight = rng.uniform(0.5, 2.0, size=(distinct.shape[1], shape[2])).astype(np.float32)[np.ravel(place)]
        ms.write("WEIGHT", weight, rows)
        ms.write("SIGMA", weight**-0.5, rows)
        ms.write("FLAG_ROW", np.zeros(len(rows), bool), rows)


def _sorted_rows(path: str) -> dict[str, np.ndarray]:
    """Columns by time, window and baseline; values of flagged samples are zero."""
    with MeasurementSet(path) as ms:
        order = np.lexsort([np.round(ms.read(c), 2) for c in ("ANTENNA2", "ANTENNA1", "DATA_DESC_ID", "TIME")])
        names = ["DATA", "FLAG", "WEIGHT", "TIME", *(["WEIGHT_SPECTRUM"] if ms.has("WEIGHT_SPECTRUM") else [])]
        found = {name: np.asarray(ms.read(name))[order] for name in names}
    dead = found["FLAG"].all(axis=1)
    found["DATA"] = np.where(found["FLAG"], 0, found["DATA"])
    found["WEIGHT"] = np.where(dead, 0, found["WEIGHT"])
    if "WEIGHT_SPECTRUM" in found:
        found["WEIGHT_SPECTRUM"] = np.where(found["FLAG"], 0, found["WEIGHT_SPECTRUM"])
    return found


def test_every_documented_pair_is_tested() -> None:
    text = (Path(__file__).parents[2] / "docs" / "transforming.md").read_text()
    table = text[text.index("| stages | commute |") :].split("\n\n")[0].splitlines()[2:]
    assert [line.split("|")[1].strip() for line in table] == list(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(seed=st.integers(0, 2**32 - 1))
def test_stages_that_commute(few: str, tmp_path: Path, name: str, seed: int) -> None:
    first, second, spw, where = PAIRS[name]
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        paths = {k: str(Path(folder) / f"{k}.ms") for k in ("in", "a", "ab", "b", "ba")}
        split(few, paths["in"], Selection(spw=spw), "data")
        _fill(paths["in"], seed, where)
        first(paths["in"], paths["a"]), second(paths["a"], paths["ab"])
        second(paths["in"], paths["b"]), first(paths["b"], paths["ba"])
        one, other = _sorted_rows(paths["ab"]), _sorted_rows(paths["ba"])
    assert list(one) == list(other) and not one["FLAG"].all()
    for column, values in one.items():
        if values.dtype == bool:
            np.testing.assert_array_equal(values, other[column])
        else:
            np.testing.assert_allclose(values, other[column], rtol=3e-6, atol=3e-6, err_msg=column)


def test_averages_that_depend_on_the_baseline_smear_all_alike(shared_input):
    """With maxuvwdistance every baseline loses less of a source off the centre than its largest movement allows; long ones keep more rows."""
    path = shared_input("simvla.ms")
    split(path, "in.ms", Selection(field="2", spw="0"), "data")
    l, m, limit_m = 2e-2, -1e-2, 1.5
    with MeasurementSet("in.ms", writable=True) as ms:
        uvw, frequency = np.asarray(ms.read("UVW")), ms.metadata.spectral_windows[0].chan_freq_hz
        turns = (uvw[:, 0] * l + uvw[:, 1] * m + uvw[:, 2] * (np.sqrt(1 - l * l - m * m) - 1))[:, None] * frequency / 299792458.0
        data = np.exp(2j * np.pi * turns).astype(np.complex64)
        shape, rows = ms.read("DATA").shape, np.arange(ms.nrow)
        ms.write("DATA", np.broadcast_to(data[:, :, None], shape), rows)
        ms.write("FLAG", np.zeros(shape, bool), rows)
    how = {"timeaverage": True, "timebin": "3600s", "timespan": "scan,state"}
    mstransform("in.ms", "bda.ms", Selection(), MsTransformOptions("data", maxuvwdistance=limit_m, **how))
    mstransform("in.ms", "fixed.ms", Selection(), MsTransformOptions("data", **how))
    amplitude = np.abs(read("bda.ms", "DATA")[0]).min()
    # Phases within a bin differ by this at most; the mean of unit vectors within half of it on either side is at least its cosine.
    spread = 2 * np.pi * limit_m * np.sqrt(l * l + m * m) * frequency.max() / 299792458.0
    assert np.cos(spread / 2) < amplitude < 1
    assert 1 - np.abs(read("fixed.ms", "DATA")[0]).min() > 3 * (1 - amplitude)
    first, second, moved = read("bda.ms", "ANTENNA1", "ANTENNA2", "UVW")
    old_first, old_second, old = read("in.ms", "ANTENNA1", "ANTENNA2", "UVW")
    kept, length = [], []
    for a, b in sorted(set(zip(first.tolist(), second.tolist(), strict=True))):
        here, before = (first == a) & (second == b), (old_first == a) & (old_second == b)
        kept.append(np.count_nonzero(here) / np.count_nonzero(before))
        length.append(np.linalg.norm(old[before], axis=1).mean())
    assert len(moved) < len(old) and np.corrcoef(kept, length)[0, 1] > 0.5


@pytest.mark.parametrize("span, limit_s, limit_m", [("", 60.0, 4.0), ("", 600.0, 1.5), ("scan,state", 3600.0, 3.0)])
def test_averages_that_depend_on_the_baseline_are_those_of_a_plain_loop(
    span: str, limit_s: float, limit_m: float, noisy: str
) -> None:
    """A bin ends before a time or a movement since its first row would be reached; its mean is that of unflagged samples by SIGMA⁻²."""
    options = MsTransformOptions("data", timeaverage=True, timebin=f"{limit_s}s", timespan=span, maxuvwdistance=limit_m)
    mstransform(noisy, "bda.ms", Selection(), options)
    keys = ("ANTENNA1", "ANTENNA2", *(() if span else ("SCAN_NUMBER", "STATE_ID")))
    time, uvw, data, flag, sigma = read(noisy, "TIME", "UVW", "DATA", "FLAG", "SIGMA")
    bins: dict[tuple[int, ...], list[list[int]]] = {}
    identity = np.stack(read(noisy, *keys), axis=1).tolist()
    for row in np.argsort(time, kind="stable").tolist():
        own = bins.setdefault(tuple(identity[row]), [])
        first = own[-1][0] if own else row
        if own and time[row] - time[first] < limit_s and np.linalg.norm(uvw[row] - uvw[first]) < limit_m:
            own[-1].append(row)
        else:
            own.append([row])
    wanted = [(key, rows) for key in sorted(bins) for rows in bins[key]]
    lengths = {len(rows) for _, rows in wanted}
    assert len(lengths) > 1 or limit_s == 60.0
    found = np.stack(read("bda.ms", *keys), axis=1)
    new_time, new, bad = read("bda.ms", "TIME", "DATA", "FLAG")
    order = np.lexsort([new_time, *found.T[::-1]])
    assert [tuple(k) for k in found[order].tolist()] == [key for key, _ in wanted]
    for place, (_, rows) in zip(order, wanted, strict=True):
        good = ~flag[rows]
        weight = good * sigma[rows][:, None, :].astype(np.float64) ** -2
        np.testing.assert_array_equal(bad[place], ~good.any(axis=0))
        mean = (weight * data[rows]).sum(axis=0) / np.where(bad[place], 1, weight.sum(axis=0))
        np.testing.assert_allclose(new[place][~bad[place]], mean[~bad[place]], rtol=2e-6, atol=2e-6)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(data=st.data())
def test_bins_of_averages_and_of_weights_are_the_same_where_no_baseline_misses_a_time(few: str, data: st.DataObject) -> None:
    """mstransform bins each baseline, statwt (`combine` as it is by default) all of them together; scans, states and fields end both."""
    steps = data.draw(st.lists(st.integers(1, 40), min_size=84, max_size=84))
    ends = data.draw(st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 4]), min_size=84, max_size=84))
    bin_s = data.draw(st.sampled_from([1.0, 2.5, 10.0, 30.0, 61.5, 300.0]))
    names = ["DATA_DESC_ID", "OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "STATE_ID", "FIELD_ID"]
    with MeasurementSet(few, writable=True) as ms:
        rows, place = np.arange(ms.nrow), np.unique(ms.read("TIME"), return_inverse=True)[1]
        count = int(place.max()) + 1
        time_s = 58604 * 86400.0 + np.cumsum(np.resize(steps, count))
        turns = np.resize(ends, count)
        ms.write("TIME", time_s[place], rows)
        # A field that comes again does so in another scan; statwt keeps its visits apart in any case.
        for bits, name, most in ((5, "SCAN_NUMBER", 1000), (2, "STATE_ID", 1000), (4, "FIELD_ID", 3)):
            ms.write(name, (np.cumsum(turns & bits > 0) % most)[place].astype(np.int32), rows)
    with MeasurementSet(few) as ms:
        average = make_plan(ms, rows, dict.fromkeys(range(2), 100), TimeAverage(bin_s), combine=False, flat=False, keys=None)
        weights = plan_weight_bins(ms, rows, (names[:1], names[1:]), (0, bin_s), dict.fromkeys(range(2), 100.0))
        baseline = 10 * ms.read("ANTENNA1") + ms.read("ANTENNA2")
    of_average, of_weights = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    assert average.bins is not None
    for chunk in average.chunks:
        of_average[chunk.rows] = average.bins.of_block[int(chunk.index[0])]
    for chunk in weights.chunks:
        of_weights[chunk.rows] = weights.key[chunk.index]
    # Two numbers of the same rows: one stands for a bin and a baseline, the other for a bin.
    pairs = {(int(k), int(b)) for k, b in zip(of_weights, baseline, strict=True)}
    assert len({(int(a), int(k), int(b)) for a, k, b in zip(of_average, of_weights, baseline, strict=True)}) == len(pairs)
    assert len(np.unique(of_average)) == len(pairs) == average.nrow
