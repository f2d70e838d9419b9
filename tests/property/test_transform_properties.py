"""Properties of the transformations of MeasurementSets that hold whatever the data are."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.frames.directions import Direction
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.concatenating import ConcatOptions, concatenate
from casatools.transform.phasing import phaseshift
from casatools.transform.splitting import split
from casatools.transform.transforming import MsTransformOptions, mstransform, regrid_request


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


def test_stages_that_commute(noisy):
    """Channel and time averages with weights that do not depend on the channel and no flags; a shift and a time selection."""
    with MeasurementSet(noisy, writable=True) as ms:
        ms.write("FLAG", np.zeros(ms.read("DATA").shape, bool), np.arange(ms.nrow))
    mstransform(noisy, "a.ms", Selection(), MsTransformOptions("data", chanaverage=True, chanbin=4))
    mstransform("a.ms", "ab.ms", Selection(), MsTransformOptions("data", timeaverage=True, timebin="60s"))
    mstransform(noisy, "b.ms", Selection(), MsTransformOptions("data", timeaverage=True, timebin="60s"))
    mstransform("b.ms", "ba.ms", Selection(), MsTransformOptions("data", chanaverage=True, chanbin=4))
    both = MsTransformOptions("data", chanaverage=True, chanbin=4, timeaverage=True, timebin="60s")
    mstransform(noisy, "both.ms", Selection(), both)
    for column in ("DATA", "WEIGHT", "UVW", "TIME"):
        expected = read("both.ms", column)[0]
        for name in ("ab.ms", "ba.ms"):
            np.testing.assert_allclose(read(name, column)[0], expected, rtol=2e-6, atol=2e-6)


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
