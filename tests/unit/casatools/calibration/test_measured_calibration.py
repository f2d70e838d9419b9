"""Tables of what the telescope measured; the numbers are those of tables that CASA 6.7 wrote from the same MeasurementSets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.measured_calibration import write_switched_power, write_system_temperatures
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack


@pytest.fixture(scope="module")
def evla(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(unpack("evla_simple.ms", tmp_path_factory.mktemp("evla")))


@pytest.fixture(scope="module")
def alma(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(unpack("alma_small.ms", tmp_path_factory.mktemp("alma")))


@pytest.mark.parametrize(
    ("caltype", "first", "flagged"),
    [
        ("swpow", [0.21386778, 92.777145, 0.5830305, 52.52548], 1589), ("evlagain", [0.21386778, 92.777145, 0.5830305, 52.52548], 1589),
        ("rq", [1.6358055e-02, 4096.0, 1.6358055e-02, 4096.0], 290), ("swp/rq", [13.687538, 92.777145, 37.313953, 52.52548], 1589),
        ("swpwts", [1.6358055e-02, 1.5858729e04, 1.6358055e-02, 6.6725109e04], 290),
    ],
)  # fmt: skip
def test_switched_power(evla: str, tmp_path: Path, caltype: str, first: list[float], flagged: int) -> None:
    write_switched_power(evla, str(tmp_path / "s"), caltype)
    table = CalTable.open(str(tmp_path / "s"))
    assert (table.vis_cal, table.nrow, set(table.observation)) == ("G EVLASWPOW", 11912, {-1})
    np.testing.assert_allclose(table.param[0, 0], first, rtol=1e-6)
    assert (table.flag.sum(axis=0) == flagged).all() and (table.param[table.flag] == 1).all()
    assert table.field_id[[0, 5955]].tolist() == [1, 0] and set(table.scan) == {0, 5}


def test_switched_power_is_applied(evla: str, tmp_path: Path) -> None:
    write_switched_power(evla, str(tmp_path / "s"), "rq")
    with MeasurementSet(evla, writable=True) as ms:
        rows = np.arange(ms.nrow)
        for ddid in (0, 1):
            own = rows[ms.read("DATA_DESC_ID") == ddid]
            ms.write("DATA", np.ones(ms.read("DATA", own).shape, np.complex64), own)
            ms.write("SIGMA", np.ones((len(own), 2), np.float32), own)
    correct_visibilities(evla, {}, LibraryOptions((str(tmp_path / "s"),)), ApplyOptions())
    table = CalTable.open(str(tmp_path / "s"))
    with MeasurementSet(evla) as ms:
        row = 0
        time, one, two, spw = (ms.read(c)[row] for c in ("TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID"))
        corrected, weight = ms.read("CORRECTED_DATA", np.array([row]))[0, 0], ms.read("WEIGHT", np.array([row]))[0]
    par = [
        table.param[(np.abs(table.time_s - time) < 0.6) & (table.antenna1 == a) & (table.spw_id == spw)][0, 0] for a in (one, two)
    ]
    np.testing.assert_allclose(corrected, 1 / (par[0][::2] * par[1][::2]), rtol=1e-5)
    np.testing.assert_allclose(weight, 0.932**2 / (par[0][1::2] * par[1][1::2]), rtol=1e-5)


def test_system_temperatures(alma: str, tmp_path: Path) -> None:
    write_system_temperatures(alma, str(tmp_path / "t"))
    table = CalTable.open(str(tmp_path / "t"))
    assert (table.vis_cal, table.nrow, set(table.spw_id), set(table.scan)) == ("B TSYS", 13, {1}, {1})
    np.testing.assert_allclose(table.time_s, 4917926153.913, atol=1e-3)
    np.testing.assert_allclose(table.param[0, :3, 0], [145.23300, 97.34261, 87.21290], rtol=1e-6)
    library = LibraryOptions((str(tmp_path / "t"),), spwmap=(1, 1, 1))
    with MeasurementSet(alma) as ms:
        sigma, one, two = (ms.read(c) for c in ("SIGMA", "ANTENNA1", "ANTENNA2"))
        own = np.flatnonzero(ms.read("DATA_DESC_ID") == np.unique(ms.read("DATA_DESC_ID"))[0])
        data = ms.read("DATA", own)
    correct_visibilities(alma, {}, library, ApplyOptions())
    with MeasurementSet(alma) as ms:
        weight, corrected, flag = (ms.read(c, own) for c in ("WEIGHT", "CORRECTED_DATA", "FLAG"))
    temperature = table.param[:, :, [0, 0, 1, 1]]
    first, second = table.param[one[own]][..., [0, 0, 1, 1]], table.param[two[own]][..., [0, 1, 0, 1]]
    assert temperature.shape[1] == corrected.shape[1]
    np.testing.assert_allclose(corrected[~flag], (data * np.sqrt(first * second))[~flag], rtol=1e-4)
    # The weight of a row is that of its middle channel, the lower one of two.
    middle = np.sort(sigma[own][:, None, :] ** -2.0 / (first * second), axis=1)[:, 31]
    np.testing.assert_allclose(weight, middle, rtol=1e-4)


def test_antennas_with_times_of_their_own(tmp_path: Path) -> None:
    """Seven seconds later for every third antenna, and a third time for five of them that a scan follows."""
    vis = str(unpack("alma_small.ms", tmp_path))
    with open_table(f"{vis}/SYSCAL", writable=True) as table:
        count = table.nrows()
        table.copyrows(table, startrowout=count)
        table.copyrows(table, startrowin=0, startrowout=2 * count, nrow=5)
        times, antennas = table.getcol("TIME"), table.getcol("ANTENNA_ID")
        times[count : 2 * count] += np.where(antennas[:count] % 3 == 0, 7.0, 20.0)
        times[2 * count :] += 40.0
        table.putcol("TIME", times)
    for uniform, nrow in ((True, 52), (False, 31)):
        write_system_temperatures(vis, str(tmp_path / "t"), uniform)
        table = CalTable.open(str(tmp_path / "t"))
        assert table.nrow == nrow and (np.diff(table.time_s) >= 0).all()
        assert set(table.scan[table.time_s < table.time_s[0] + 30]) == {1} and set(
            table.scan[table.time_s > table.time_s[0] + 30]
        ) == {3}
        late = np.abs(table.time_s - table.time_s[0] - 7) < 1
        assert table.antenna1[late & ~table.flag[:, 0, 0]].tolist() == [0, 3, 6, 9, 12]
        assert late.sum() == (13 if uniform else 5)


def test_nothing_measured(evla: str, alma: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        write_system_temperatures(evla, str(tmp_path / "t"))
    with pytest.raises(DataError, match="is empty"):
        write_switched_power(alma, str(tmp_path / "s"), "swpow")
    assert not any(tmp_path.iterdir())


def test_missing_pieces(tmp_path: Path, shared_input: object) -> None:
    vis = str(unpack("simvla.ms", tmp_path))
    with pytest.raises(DataError, match="SYSCAL"):
        write_system_temperatures(vis, str(tmp_path / "t"))
    with pytest.raises(DataError, match="SYSPOWER"):
        write_switched_power(vis, str(tmp_path / "s"), "rq")


def test_no_temperatures_and_no_rows(tmp_path: Path, evla: str, alma: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vis = str(unpack("alma_small.ms", tmp_path))
    table = open_table(f"{vis}/SYSCAL", writable=True)
    table.removecols(["TSYS_SPECTRUM"])
    table.close()
    with pytest.raises(DataError, match="no system temperatures"):
        write_system_temperatures(vis, str(tmp_path / "t"))
    monkeypatch.setattr(MeasurementSet, "nrow", property(lambda _: 0))
    with pytest.raises(DataError, match="no rows"):
        write_switched_power(evla, str(tmp_path / "s"), "rq")
    with pytest.raises(DataError, match="no rows"):
        write_system_temperatures(alma, str(tmp_path / "t"))
