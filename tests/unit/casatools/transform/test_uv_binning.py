"""msuvbin: sums of a plain loop, phase centres, passes in pieces of channels, flags taken back."""

from __future__ import annotations

import os

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError, UnsupportedError
from casatools.frames.frequencies import doppler_factor
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.uv_grid import write_grid_keyword
from casatools.transform import uv_binning
from casatools.transform.uv_binning import UvGrid, bin_visibilities, grid_from_parameters

C = 299792458.0
CENTRE = "J2000 13h36m00s 28d10m00s"
USUAL = {
    "field": "2",
    "imsize": [64, 32],
    "cell": "10arcsec",
    "ncorr": 2,
    "nchan": 2,
    "start": "1.40GHz",
    "width": "16MHz",
    "phasecenter": CENTRE,
}


def loop(path, nx, ny, nchan, start, width, narrow, corr):
    """Sums and weights of field 2, window 0 of simvla.ms, whose weights are 1."""
    cell = np.deg2rad(10 / 3600)
    sums, weights = np.zeros((ny * nx, nchan), complex), np.zeros((ny * nx, nchan))
    with MeasurementSet(path) as ms:
        rows = Selection(field="2", spw="0").resolve(ms).rows
        data, flag, uvw, times = (ms.read(c, rows) for c in ("DATA", "FLAG", "UVW", "TIME"))
        own = ms.metadata.spectral_windows[0].chan_freq_hz
        factor = doppler_factor("TOPO", "LSRK", times, CENTRE, "VLA")
    middle = start + width * (nchan // 2 + 0.5)
    for r in range(len(rows)):
        for k, frequency in enumerate(own * factor[r]):
            chan = int(np.floor((frequency - start) / width))
            scale = (middle if narrow else frequency) / C * cell
            x, y = int(np.rint(uvw[r, 0] * scale * nx)) + nx // 2, int(np.rint(uvw[r, 1] * scale * ny)) + ny // 2
            if 0 <= chan < nchan and not flag[r, k, corr]:
                sums[y * nx + x, chan] += data[r, k, corr]
                weights[y * nx + x, chan] += 1
    return sums, weights


@pytest.mark.parametrize(("width", "narrow"), [(16e6, True), (60e6, False)])
def test_cells_are_weighted_means(shared_input, width, narrow):
    path = shared_input("simvla.ms")
    casatasks.msuvbin(path, outputvis="o.ms", spw="0", **{**USUAL, "width": f"{width}Hz"})
    sums, weights = loop(path, 64, 32, 2, 1.4e9, width, narrow, 3)
    with MeasurementSet("o.ms") as ms:
        np.testing.assert_allclose(ms.read("WEIGHT_SPECTRUM")[:, :, 1], weights)
        np.testing.assert_array_equal(ms.read("FLAG")[:, :, 1], weights == 0)
        good = weights > 0
        np.testing.assert_allclose(ms.read("DATA")[:, :, 1][good], (sums[good] / weights[good]), atol=2e-6)
        assert ms.metadata.polarizations[0].names == ["RR", "LL"] and len(ms.metadata.fields) == 1 and ms.nrow == 2048
        window = ms.metadata.spectral_windows[0]
        assert window.frame == "LSRK" and window.nchan == 2 and window.chan_freq_hz[0] == 1.4e9 + width / 2
        uvw, sigma = ms.read("UVW"), ms.read("SIGMA")
        # Not autocorrelations, which flaggers and imagers leave out.
        filled = weights.any(axis=1)
        assert (ms.read("ANTENNA1")[filled] < ms.read("ANTENNA2")[filled]).all()
        # The mean over the channels with data.
        mean = weights[filled].sum(axis=1) / (weights[filled] > 0).sum(axis=1)
        np.testing.assert_allclose(ms.read("WEIGHT")[filled, 1], mean, rtol=1e-6)
        np.testing.assert_allclose(sigma[filled, 1], mean**-0.5, rtol=1e-6)
        assert not ms.read("WEIGHT")[~filled].any() and (sigma[~filled] == -1).all() and weights[filled].all() == narrow
    np.testing.assert_allclose(np.diff(uvw[:2, 0]), C / (1.4e9 + 1.5 * width) / 64 / np.deg2rad(10 / 3600))


def test_passes_do_not_change_the_sums(shared_input, monkeypatch):
    path = shared_input("simvla.ms")
    arguments = {**USUAL, "spw": "0,1", "nchan": 3, "width": "80MHz", "ncorr": 4}
    casatasks.msuvbin(path, outputvis="one.ms", **arguments)
    monkeypatch.setattr(uv_binning, "available_bytes", lambda: 1)
    casatasks.msuvbin(path, outputvis="three.ms", **arguments)
    with MeasurementSet("one.ms") as one, MeasurementSet("three.ms") as three:
        for column in ("DATA", "WEIGHT_SPECTRUM", "FLAG", "UVW", "TIME"):
            np.testing.assert_allclose(three.read(column), one.read(column), rtol=1e-6)


def test_one_correlation_is_the_mean_and_phases_move(shared_input):
    path = shared_input("simvla.ms")
    casatasks.msuvbin(path, outputvis="two.ms", spw="0", **USUAL)
    casatasks.msuvbin(path, outputvis="one.ms", spw="0", **{**USUAL, "ncorr": 1})
    with MeasurementSet("two.ms") as two, MeasurementSet("one.ms") as one:
        weight, data = two.read("WEIGHT_SPECTRUM"), two.read("DATA")
        good = weight.min(axis=2) > 0
        np.testing.assert_allclose(
            one.read("DATA")[..., 0][good], (weight * data).sum(axis=2)[good] / weight.sum(axis=2)[good], atol=2e-6
        )
        assert one.metadata.polarizations[0].names == ["I"]
    moved = {**USUAL, "phasecenter": "J2000 13h37m00s 28d15m00s", "imsize": [64, 64]}
    casatasks.msuvbin(path, outputvis="moved.ms", spw="0", **moved)
    casatasks.fixvis(path, "fixed.ms", field="2", phasecenter=moved["phasecenter"])
    casatasks.msuvbin("fixed.ms", outputvis="again.ms", spw="0", **moved)
    with MeasurementSet("moved.ms") as ours, MeasurementSet("again.ms") as theirs:
        np.testing.assert_allclose(ours.read("DATA"), theirs.read("DATA"), atol=2e-5)


def test_channels_are_selected(shared_input):
    """CASA 6.7 grids all channels of the windows selected."""
    path = shared_input("simvla.ms")
    casatasks.msuvbin(path, outputvis="all.ms", spw="0", **USUAL)
    casatasks.msuvbin(path, outputvis="some.ms", spw="0:2~3", **USUAL)
    with MeasurementSet("all.ms") as one, MeasurementSet("some.ms") as ms:
        assert 0 < ms.read("WEIGHT_SPECTRUM").sum() < 0.5 * one.read("WEIGHT_SPECTRUM").sum()


def test_flags_go_back(shared_input):
    path = shared_input("simvla.ms")
    casatasks.msuvbin(path, outputvis="o.ms", spw="0", **USUAL)
    with MeasurementSet("o.ms", writable=True) as ms:
        row = int(np.argmax(ms.read("WEIGHT")[:, 0]))
        cell, before = ms.read("UVW")[row, :2], ms.read("WEIGHT_SPECTRUM")[row]
        ms.write("FLAG", np.ones((1, 2, 2), bool), np.array([row]))
    with MeasurementSet(path) as ms:
        old = ms.read("FLAG")
    casatasks.msuvbin(path, field="2", spw="0", outputvis="o.ms", mode="write_flags_back", flagbackup=True)
    assert os.path.isdir(f"{path}.flagversions/flags.msuvbin_1")
    with MeasurementSet(path) as ms:
        new = ms.read("FLAG") & ~old
        assert new[..., [0, 3]].sum() == before.sum() and not new[..., [1, 2]].any()
        rows = np.flatnonzero(new.any(axis=(1, 2)))
        assert np.abs(ms.read("UVW", rows)[:, :2] - cell).max() < 0.51 * 137


def test_defaults_come_from_the_data(shared_input):
    path = shared_input("simvla.ms")
    grid = grid_from_parameters(path, Selection(field="2", spw="0"), 64, "10arcsec", 8, 2, "", "", "")
    # The reference's grid of the same data (CASA 6.7); its position of the array differs a little.
    np.testing.assert_allclose(grid.frequencies_hz[[0, 7]], [1400005398.0, 1428005957.5], rtol=2e-7)
    assert grid.shape == (64, 64) and abs(grid.width_hz - 4000079.9) < 300.0


def test_refusals(shared_input):
    path = shared_input("simvla.ms")
    for error, changes in (
        (UnsupportedError, {"wproject": True}), (ParameterError, {"outputvis": ""}), (ParameterError, {"ncorr": 3}), (ParameterError, {"imsize": [1, 2, 3]}),
        (ParameterError, {"cell": "0arcsec"}), (ParameterError, {"cell": "1GHz"}), (SelectionError, {"field": "NONE"}), (OutputExistsError, {"outputvis": path}),
    ):  # fmt: skip
        with pytest.raises(error):
            casatasks.msuvbin(path, **{**USUAL, "outputvis": "o.ms", **changes})
    grid = grid_from_parameters(path, Selection(field="2", spw="0"), 64, "10arcsec", 1, 4, "", "", "")
    with pytest.raises(DataError, match="'ncorr'"):
        bin_visibilities(shared_input("line.ms"), "o.ms", Selection(), grid)
    with pytest.raises(DataError, match="not a uv grid"):
        casatasks.msuvbin(path, outputvis=path, mode="write_flags_back")
    write_grid_keyword(path, {"nx": 4})
    with pytest.raises(DataError, match="has no 'ny'"):
        casatasks.msuvbin(path, outputvis=path, mode="write_flags_back")
    assert not os.path.exists("o.ms") and UvGrid((4, 4), 1e-4, 1e9, 1e6, 1, 1, grid.centre).is_narrow
