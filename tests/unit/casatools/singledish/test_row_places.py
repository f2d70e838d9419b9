"""Where antennas pointed at the times of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from casatools._base.errors import DataError, ParameterError
from casatools.frames.directions import convert_directions
from casatools.imaging.tracking import Track
from casatools.io.ms import Selection
from casatools.io.ms.ephemerides import EphemerisTable
from casatools.singledish.row_places import row_places
from casatools.singledish.sky_gridding import SingleDishSource
from support.single_dish_ms import ARCSEC, LAT, LON, START_S, Dishes, directions, make_single_dish

TIMES = np.arange(8.0)


def path_of(t: np.ndarray) -> np.ndarray:
    """A curved way over the sky [arcsec]."""
    return np.stack([-150 + 30 * t + 3 * t**2, 80 * np.sin(t / 3)], axis=1)


def make(tmp_path: Path, times: np.ndarray | None = None, interval: float = 1.0, antenna: int = 0, name: str = "sd.ms") -> str:
    """A MeasurementSet along the way, with entries of POINTING at some times."""
    path = make_single_dish(tmp_path / name, Dishes(path_of(TIMES), np.ones((8, 1, 2, 1)), np.array([1e11])))
    if times is not None:
        with table(f"{path}/POINTING", readonly=False, ack=False) as pointing:
            pointing.removerows(list(range(pointing.nrows())))
            pointing.addrows(len(times))
            for name, cells in (("TIME", START_S + times), ("INTERVAL", np.full(len(times), interval)), ("ANTENNA_ID", np.full(len(times), antenna)),
                                ("DIRECTION", directions(path_of(times))[:, None])):  # fmt: skip
                pointing.putcol(name, cells)
    return path


def places(path: str, column: str = "DIRECTION", track: Track | None = None) -> np.ndarray:
    """Offsets [arcsec] to the east and north at the times of the data."""
    source = SingleDishSource(path, Selection(), "")
    source.track = track
    try:
        found = row_places(source, column, "J2000")
    finally:
        source.close()
    angles = found.of_rows(np.zeros(8, int), START_S + TIMES)
    return (angles - np.array([LON, LAT])) / ARCSEC * np.array([np.cos(LAT), 1.0])


def test_entries_at_the_times_of_the_data(tmp_path: Path) -> None:
    np.testing.assert_allclose(places(make(tmp_path)), path_of(TIMES), atol=0.1)
    np.testing.assert_allclose(places(str(tmp_path / "sd.ms"), "TARGET"), path_of(TIMES) + np.array([0, 10]), atol=0.1)


@pytest.mark.parametrize("shift", [0.033, 0.4])
def test_the_nearest_entry_counts_where_they_are_dense(tmp_path: Path, shift: float) -> None:
    step = 0.1 if shift < 0.1 else 1.0
    times = np.arange(-2, 10, step) + shift
    np.testing.assert_allclose(places(make(tmp_path, times, step)), path_of(TIMES + shift), atol=0.1)


def test_a_spline_goes_through_entries_that_are_apart(tmp_path: Path) -> None:
    # CASA 6.7 comes as near: 0.1 arcsec.
    np.testing.assert_allclose(places(make(tmp_path, np.arange(-6, 14, 2.0) + 0.4, 2.0)), path_of(TIMES), atol=0.15)


def test_data_without_an_entry_near_are_left_out(tmp_path: Path) -> None:
    found = places(make(tmp_path, np.arange(0, 4, 0.5) + 0.1, 0.5))
    # As in CASA 6.7 the last time that is used is 4, whose interval meets that of the entry at 3.6.
    assert np.isfinite(found[:, 0]).tolist() == [True] * 5 + [False] * 3
    np.testing.assert_allclose(found[4], path_of(np.array([3.6]))[0], atol=0.1)


def test_entries_without_an_interval_are_as_long_as_they_are_apart(tmp_path: Path) -> None:
    assert np.isfinite(places(make(tmp_path, np.arange(-6, 14, 2.0) + 0.4, -1.0))).all()


def test_entries_of_all_antennas_and_of_others(tmp_path: Path) -> None:
    assert np.isfinite(places(make(tmp_path, TIMES, antenna=-1))).all()
    assert np.isnan(places(make(tmp_path, TIMES, antenna=3, name="b.ms"))).all()


def test_azimuth_and_elevation_are_those_at_the_antenna(tmp_path: Path) -> None:
    path = make(tmp_path)
    with table(f"{path}/ANTENNA", ack=False) as antennas:
        position = antennas.getcol("POSITION")[0]
    with table(f"{path}/POINTING", readonly=False, ack=False) as pointing:
        lon, lat = pointing.getcol("DIRECTION")[:, 0].T
        moved = convert_directions(lon, lat, "J2000", "AZELGEO", pointing.getcol("TIME"), position)
        pointing.putcol("DIRECTION", np.stack(moved, axis=1)[:, None])
        pointing.putcolkeyword("DIRECTION", "MEASINFO", {**pointing.getcolkeyword("DIRECTION", "MEASINFO"), "Ref": "AZELGEO"})
    np.testing.assert_allclose(places(path), path_of(TIMES), atol=0.1)


def test_an_object_that_moves_stays(tmp_path: Path) -> None:
    days = (START_S + np.array([-3600.0, 0.0, 3600.0])) / 86400.0
    lon = LON + np.array([-3600.0, 0.0, 3600.0]) * ARCSEC
    flat = np.zeros(3)
    moving = EphemerisTable("x", days, lon, np.full(3, LAT), np.full(3, 1.0), flat, "J2000")
    found = places(make(tmp_path), track=Track(table=moving))
    # The object goes an arcsec of longitude a second.
    np.testing.assert_allclose(found, path_of(TIMES) - np.stack([TIMES * np.cos(LAT), 0 * TIMES], axis=1), atol=0.1)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(ParameterError, match="column of POINTING"):
        places(path, "NAME")
    with pytest.raises(DataError, match="no column 'ENCODER'"):
        places(path, "ENCODER")
