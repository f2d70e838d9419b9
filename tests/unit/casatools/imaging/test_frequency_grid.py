"""Spectral axes against the numbers that CASA 6.7 gave for the shared data set line.ms (TOPO, 32 channels of 0.1 MHz from 1.418 GHz)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError, SelectionError
from casatools.imaging.frequency_grid import continuum_axis, cube_axis

FACTOR = 1419190211.2594368 / 1.4192e9  # TOPO to LSRK at the first time stamp
DATA = (1.418e9 + 1e5 * np.arange(32)) * FACTOR
WIDTH = np.full(32, 1e5) * FACTOR
HI = 1.420405752e9


@pytest.mark.parametrize(
    ("nchan", "start", "width", "rest", "first_hz", "step_hz", "count"),
    [
        (4, 12, "", HI, 1419190211.2594368, 99999.31026315689, 4),
        (-1, "", "", HI, 1417990219.5362756, 99999.31026315689, 32),
        (3, 12, 2, HI, 1419240210.9145684, 199998.62052631378, 3),
        (-1, "", "0.3MHz", HI, 1418090219.881144, 300000.0, 10),
        (3, "1.4192GHz", "", HI, 1419200000.0, 99999.31026315689, 3),
        (3, 20, -1, HI, 1419990205.741545, -99999.31026315689, 3),
        (3, "1.4192GHz", "-0.1MHz", HI, 1419200000.0, -100000.0, 3),
        (3, "350km/s", "40km/s", HI, 1418747464.7418194, -189518.54379224777, 3),
    ],
)
def test_cube_axes(nchan: int, start: object, width: object, rest: float, first_hz: float, step_hz: float, count: int) -> None:
    axis = cube_axis(DATA, WIDTH, nchan, start, width, "LSRK", rest)
    assert axis.nchan == count
    assert axis.frequencies_hz[0] == pytest.approx(first_hz, rel=1e-12)
    assert axis.width_hz == pytest.approx(step_hz, rel=1e-9)


@pytest.mark.parametrize(
    ("nchan", "width", "first_hz", "count"),
    [
        (4, "10km/s", 1413062836.0878344, 4),
        (4, "-10km/s", 1412920697.1801906, 4),
        (-1, "10km/s", 1413584012.0825286, 15),
        (-1, "-10km/s", 1412920697.1801906, 15),
        (4, "50kHz", 1412922007.3622499, 4),
        (4, "-50kHz", 1413072007.3622499, 4),
        (-1, {"value": -50.0, "unit": "kHz"}, 1413622007.3622499, 15),
    ],
)
def test_channels_without_a_start_are_counted_from_the_lowest_frequency(
    nchan: int, width: object, first_hz: float, count: int
) -> None:
    """CASA 6.7's for channels 10 to 40 of NGC 5921, whose frequencies are LSRK."""
    width_hz = np.full(31, 24414.0625)
    data = 1412897007.3622499 + width_hz * (0.5 + np.arange(31))
    axis = cube_axis(data, width_hz, nchan, "", width, "LSRK", 1.42040575e9)
    assert axis.nchan == count
    assert axis.frequencies_hz[0] == pytest.approx(first_hz, rel=1e-10)


def test_continuum_axis() -> None:
    axis = continuum_axis([(1417940219.881144, 1421140731.2588573)], "LSRK", HI)
    assert axis.frequencies_hz[0] == pytest.approx(1419540475.57, rel=1e-12)
    assert axis.width_hz == pytest.approx(3200511.3777, rel=1e-9)
    assert continuum_axis([(1e9, 2e9)], "LSRK", HI, "1.4GHz").frequencies_hz[0] == 1.4e9


def test_optical_velocities_make_a_table() -> None:
    axis = cube_axis(DATA, WIDTH, 3, "400km/s", "-40km/s", "LSRK", HI, "optical")
    assert axis.tabular
    np.testing.assert_allclose(axis.frequencies_hz, HI / (1 + np.array([400e3, 360e3, 320e3]) / 299792458.0), rtol=1e-12)
    assert cube_axis(DATA, WIDTH, -1, "", "20km/s", "LSRK", HI).nchan > 10


def test_refusals() -> None:
    with pytest.raises(SelectionError, match="outside the 32 selected channels"):
        cube_axis(DATA, WIDTH, 3, 40, "", "LSRK", HI)
    for width in (0, "0MHz", "0km/s"):
        with pytest.raises(ParameterError, match="'width' must not be 0"):
            cube_axis(DATA, WIDTH, 3, "", width, "LSRK", HI)
    with pytest.raises(SelectionError, match="no channel within the data"):
        cube_axis(DATA, WIDTH, -1, "1.5GHz", "", "LSRK", HI)
    with pytest.raises(ParameterError, match="need a rest frequency"):
        cube_axis(DATA, WIDTH, 3, "350km/s", "40km/s", "LSRK", 0.0)
    with pytest.raises(SelectionError, match="no channel within"):
        cube_axis(DATA, WIDTH, -1, "90000km/s", "40km/s", "LSRK", HI)
