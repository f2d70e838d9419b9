"""ms.hanningsmooth, uvsub, cvel and regridspw: numbers of CASA 6.7 on a made-up spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from casatools import ms, table
from casatools._base.errors import DataError, ParameterError
from casatools.io.ms import MeasurementSet
from casatools.transform.in_place import WindowPart


@pytest.fixture
def opened(shared_input):
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as data:
        chan = np.arange(32)
        data.write(
            "DATA",
            np.broadcast_to((chan + 1j * np.sin(0.7 * chan)).astype(np.complex64)[None, :, None], (224, 32, 2)),
            np.arange(224),
        )
    tool = ms()
    tool.open(path, nomodify=False)
    return path, tool


def cell(path, column):
    tb = table()
    tb.open(path)
    value = tb.getcell(column, 0)
    tb.close()
    return value


def test_hanningsmooth(opened):
    path, tool = opened
    tool.hanningsmooth()
    tool.close()
    np.testing.assert_allclose(cell(path, "CORRECTED_DATA")[0, :3], [0.5 + 0.32211j, 1 + 0.56847j, 2 + 0.86958j], atol=1e-5)
    assert cell(path, "DATA")[0, 1] == pytest.approx(1 + 0.64422j, abs=1e-5)
    assert cell(path, "FLAG")[0].tolist() == [True] + [False] * 30 + [True] and cell(path, "WEIGHT")[0] == pytest.approx(8 / 3)
    tool.open(path, nomodify=False)
    tool.hanningsmooth("all")
    with pytest.raises(ParameterError, match="datacolumn"):
        tool.hanningsmooth("moon")
    with pytest.raises(DataError, match="MODEL_DATA"):
        tool.uvsub()
    tool.open(path)
    with pytest.raises(DataError, match="read-only"):
        tool.hanningsmooth()


def test_uvsub(opened):
    path, tool = opened
    with MeasurementSet(path, writable=True) as data:
        data.add_scratch_columns(model=True)
        data.write("MODEL_DATA", np.ones((224, 32, 2), np.complex64), np.arange(224))
    tool.open(path, nomodify=False)
    assert tool.uvsub() and tool.nrow() == 224
    np.testing.assert_allclose(cell(path, "CORRECTED_DATA")[0, :2], [-1, 0.64422j], atol=1e-5)


def test_cvel_replaces(opened):
    path, tool = opened
    tool.cvel(mode="frequency", nchan=8, start="1.4185GHz", width="0.15MHz", outframe="LSRK", hanning=False)
    np.testing.assert_allclose(cell(path, "DATA")[0, :2], [5.09784 - 0.40174j, 6.59785 - 0.93786j], atol=2e-5)
    assert cell(path, "WEIGHT")[0] == pytest.approx(1.50001, rel=1e-5) and tool.iswritable()


@pytest.mark.parametrize(
    ("given", "count", "first", "width"),
    [
        ({}, 32, 1417.990220e6, 99999.3103), ({"start": 4, "bandwidth": 12, "chanwidth": 3}, 4, 1418.490216e6, 299997.9308),
        ({"mode": "freq", "center": 1.4195e9, "bandwidth": 2e6, "chanwidth": 2e5}, 10, 1.4186e9, 2e5),
        ({"mode": "freq", "bandwidth": 1e6}, 10, 1419.090212e6, 99999.3103),
        ({"mode": "vrad", "center": 2e5, "bandwidth": 4e5, "chanwidth": 4e4}, 10, 1418.6053e6, 189518.54),
        ({"mode": "vopt", "center": 2e5, "bandwidth": 4e5, "chanwidth": 4e4}, 10, 1418.6077e6, 189029.0),
    ],
)  # fmt: skip
def test_regridspw(opened, given, count, first, width):
    path, tool = opened
    tool.regridspw(hanning=False, restfreq=1.420405752e9, **given)
    window = MeasurementSet(path).metadata.spectral_windows[0]
    assert window.nchan == count and window.frame == "LSRK"
    assert window.chan_freq_hz[0] == pytest.approx(first, rel=1e-6) and window.chan_width_hz[0] == pytest.approx(width, rel=1e-4)


def test_parts_of_windows(opened):
    _, tool = opened
    assert WindowPart(center=10.0).edges(0, 32, 1) == (0, 1, 20) and WindowPart(start=4.0).edges(0, 32, 1) == (4, 1, 28)
    with pytest.raises(ParameterError, match="no room"):
        WindowPart(start=30.0, chanwidth=5.0).edges(0, 32, 1)
    with pytest.raises(ParameterError, match="'mode'"):
        tool.regridspw(mode="moon")
