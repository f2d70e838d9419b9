"""Electron columns along lines of sight, their tables and what they do to visibilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools import coordsys, image
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.ionosphere import (
    HEIGHT_M,
    column_at,
    faraday_angles,
    ionosphere_delays,
    ionosphere_matrices,
    pierce_points,
)
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.io.caltable import CalTable
from casatools.io.formats.ionex import ElectronMaps
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.tables import open_table
from support.ionosphere import Zenith, ionex

Input = Callable[[str], str]


@pytest.fixture
def maps(tmp_path: Path) -> str:
    path = tmp_path / "codg1210.19i"
    path.write_text(ionex(13))
    return str(path)


@pytest.fixture
def table(shared_input: Input, maps: str, tmp_path: Path) -> tuple[str, str]:
    vis = shared_input("simvla.ms")
    generate_table(vis, str(tmp_path / "f"), TableRequest("tecim", infile=maps))
    return vis, str(tmp_path / "f")


def test_table(table: tuple[str, str]) -> None:
    vis, path = table
    made = CalTable.open(path)
    with MeasurementSet(vis) as ms:
        sky, times, fields = SkyGeometry(ms), ms.read("TIME"), ms.read("FIELD_ID")
    assert (made.vis_cal, made.keywords["IonosphereHeight(km)"]) == ("F Jones", 450.0)
    assert made.nrow == 8 * len(np.unique(times)) and set(made.spw_id) == {0} and set(made.field_id) == set(fields)
    place, _, elevation = pierce_points(sky, made.time_s[::8], made.field_id[::8])
    lat = np.rad2deg(np.arctan2(place[..., 2], np.hypot(place[..., 0], place[..., 1])))
    lon = np.rad2deg(np.arctan2(place[..., 1], place[..., 0]))
    hour = (made.time_s[::8, None] / 86400 - 58604) * 24
    expected = (10 + lat / 10 + lon / 100 + hour) / np.sin(elevation)
    np.testing.assert_allclose(made.param[:, 0, 0].reshape(-1, 8) / 1e16, expected, atol=0.06)


def test_image_of_columns(shared_input: Input, tmp_path: Path) -> None:
    vis, name = shared_input("simvla.ms"), str(tmp_path / "tec.im")
    tool = coordsys()
    made = tool.newcoordsys(direction=True, spectral=True)
    made.setunits(["deg", "deg"], "direction")
    for value, kind in (([20, 20], "direction"), (0, "spectral")):
        made.setreferencepixel(value, kind)
    made.setreferencevalue([-107, 34], "direction")
    made.setincrement([0.5, 0.5], "direction")
    made.setreferencevalue(58604.0 * 86400, "spectral")
    made.setincrement(3600.0, "spectral")
    ia = image()
    ia.fromarray(name, np.full((41, 41, 25), 10.0), csys=made.torecord())
    ia.done()
    generate_table(vis, str(tmp_path / "f"), TableRequest("tecim", infile=name))
    first = CalTable.open(str(tmp_path / "f")).param[:3, 0, 0]
    np.testing.assert_allclose(first, [1.05754078e17, 1.05753863e17, 1.05754284e17], rtol=1e-6)  # of CASA 6.7
    # Columns that rise to the east, the north and with time: places on the sphere and lines between pixels, of CASA 6.7.
    made.setprojection("CAR")
    made.setreferencepixel([20, 20 - 68], "direction")
    made.setreferencevalue([-107, 0], "direction")
    across = 0.5 * (np.arange(41.0) - 20)
    ia.fromarray(
        name, 10 + across[:, None, None] + 0.5 * across[None, :, None] + np.arange(25.0), csys=made.torecord(), overwrite=True
    )
    ia.done()
    generate_table(vis, str(tmp_path / "h"), TableRequest("tecim", infile=name))
    rising = CalTable.open(str(tmp_path / "h")).param[::64, 0, 0] / 1e16
    np.testing.assert_allclose(rising, [16.368086, 15.93198, 15.558396, 15.4747305, 15.729232], rtol=1e-6)
    with pytest.raises(DataError, match="no IONEX file and no image"):
        generate_table(vis, str(tmp_path / "g"), TableRequest("tecim", infile=shared_input("cube.im")))


def test_what_maps_do_not_cover(maps: str) -> None:
    day = 58604 * 86400.0
    grid = ElectronMaps(np.array([day, day + 3600]), np.array([30.0, 40.0]), np.array([-110.0, -100.0]), np.ones((2, 2, 2)))
    over = 6.8e6 * np.array([[[np.cos(0.6) * np.cos(-1.85), np.cos(0.6) * np.sin(-1.85), np.sin(0.6)]]])
    np.testing.assert_allclose(column_at(grid, np.array([day + 100]), over), 1e16)
    with pytest.raises(DataError, match="MJD"):
        column_at(grid, np.array([day + 9000.0]), over)
    with pytest.raises(DataError, match="reach"):
        column_at(grid, np.array([day]), over * np.array([1, 1, -1]))
    grid.tecu[:] = np.nan
    with pytest.raises(DataError, match="no values"):
        column_at(grid, np.array([day]), over)
    with pytest.raises(ParameterError, match="infile"):
        TableRequest("tecim")


def test_delay_and_rotation() -> None:
    column, hz = np.array([1e17]), np.array([1.4e9, 1.5e9])
    np.testing.assert_allclose(
        ionosphere_delays(column, hz)[0], 2 * np.pi * 1.3445 / hz * 1e9 * 10, rtol=1e-3
    )  # 1.3445 GHz turns a TECU
    np.testing.assert_allclose(
        faraday_angles(column, np.array([3e-5]), hz)[0], 2.6312e-13 * 1e17 * 3e-5 * (299792458 / hz) ** 2, rtol=1e-3
    )


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_applying_and_corrupting_is_the_identity(table: tuple[str, str], basis: str) -> None:
    vis, path = table
    if basis == "linear":
        polarization = open_table(f"{vis}/POLARIZATION", writable=True)
        polarization.putcell("CORR_TYPE", 0, np.array([9, 10, 11, 12], dtype=np.int32))
        polarization.close()
    made = CalTable.open(path)
    for group in made.groups:
        group.param[made.antenna1[group.rows] == 1] *= 1.5  # as if its sky were another
    made.write(path)
    with MeasurementSet(vis) as ms:
        prior = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, [path]))
        for chunk in iter_chunks(ms, Selection(field="0").resolve(ms), ["DATA", "FLAG", *prior.columns]):
            data, _, _ = prior.correct(chunk, chunk["DATA"].copy(), chunk["FLAG"].copy())
            np.testing.assert_allclose(prior.corrupt(chunk, data), chunk["DATA"], atol=1e-5)


def test_both_bases_turn_alike(table: tuple[str, str]) -> None:
    """Q and U turn by twice the angle, whatever the feeds."""
    vis, _ = table
    with MeasurementSet(vis) as ms:
        sky = SkyGeometry(ms)
        times, fields = ms.read("TIME")[:1], ms.read("FIELD_ID")[:1]
    column, hz = np.full((1, 8), 3e17), np.array([4e8])
    c = ionosphere_matrices(column, sky, times, fields, hz, True, False)[0, 0, 0]
    m = ionosphere_matrices(column, sky, times, fields, hz, False, False)[0, 0, 0]
    rl = c[0] * np.conj(c[1]) * (0.3 + 0.1j)  # Q + iU
    brightness = np.array([[1.3, 0.1], [0.1, 0.7]])
    seen = m @ brightness @ m.conj().T
    assert (seen[0, 0] - seen[1, 1]).real / 2 == pytest.approx(rl.real, abs=1e-9)
    assert seen[0, 1].real == pytest.approx(rl.imag, abs=1e-9)
    assert abs(np.angle(rl / (0.3 + 0.1j))) > 0.1


def test_height_of_the_shell() -> None:
    place = np.array([-1601185.4, -5041977.5, 3554875.9])
    found, _, _ = pierce_points(Zenith(place), np.zeros(1), np.zeros(1, dtype=int))  # type: ignore[arg-type]
    assert np.linalg.norm(found[0, 0]) - np.linalg.norm(place) == pytest.approx(HEIGHT_M)
