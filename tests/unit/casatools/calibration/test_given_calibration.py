"""Tables of given values; numbers of CASA 6.7's gencal on simvla.ms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError
from casatools.calibration.gain_curves import gain_curves, vla_efficiency
from casatools.calibration.given_calibration import GivenCalibration, write_given_calibration
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.shared import unpack


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(unpack("simvla.ms", tmp_path_factory.mktemp("given")))


def _write(vis: str, path: Path, caltype: str, **given: object) -> CalTable:
    write_given_calibration(vis, str(path), GivenCalibration(caltype, **given))  # type: ignore[arg-type]
    return CalTable.open(str(path))


def test_order_of_values_and_joining(vis: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cal"
    table = _write(vis, path, "amp", spw="0,1", antenna="EA02,EA03", pol="R,L", parameter=tuple(map(float, range(1, 9))))
    assert (table.vis_cal, table.nrow, set(table.field_id), set(table.scan)) == ("G Jones", 16, {-1}, {-1})
    np.testing.assert_allclose(table.param[[1, 2, 9, 10], 0], [[1, 2], [3, 4], [5, 6], [7, 8]])
    assert (table.param[[0, 3, 8]] == 1).all() and not table.flag.any()
    table = _write(vis, path, "ph", spw="0", antenna="EA02", parameter=(90.0,))
    np.testing.assert_allclose(table.param[[1, 2], 0], [[1j, 2j], [3, 4]], atol=1e-6)
    with pytest.raises(DataError, match="G Jones"):
        _write(vis, path, "sbd", parameter=(1.0,))


@pytest.mark.parametrize(("antenna", "chosen"), [("1~2", [1, 2]), ("EA03,0", [2, 0]), ("!EA01;!6~7", [1, 2, 3, 4, 5])])
def test_antennas_are_selected_as_everywhere(vis: str, tmp_path: Path, antenna: str, chosen: list[int]) -> None:
    """Ranges and negations too, in the order given; rows are of observation 0, joined ones of none, as CASA 6.7 writes them."""
    values = tuple(2.0 + k for k in range(len(chosen)))
    table = _write(vis, tmp_path / "a.cal", "amp", antenna=antenna, parameter=values)
    expected = np.ones(8)
    expected[chosen] = values
    np.testing.assert_allclose(table.param[:8, 0, 0], expected)
    assert set(table.observation) == {0}
    assert set(_write(vis, tmp_path / "a.cal", "amp", parameter=(2.0,)).observation) == {-1}


def test_delays_and_opacities_add_up(vis: str, tmp_path: Path) -> None:
    _write(vis, tmp_path / "k", "sbd", spw="1", antenna="EA02", parameter=(3.0,))
    table = _write(vis, tmp_path / "k", "mbd", antenna="EA02", parameter=(4.0,))
    np.testing.assert_allclose(table.param[[1, 9], 0], [[4, 4], [7, 7]])
    table = _write(vis, tmp_path / "o", "opac", spw="0,1", parameter=(0.1, 0.2))
    np.testing.assert_allclose(table.param[:, 0, 0], np.repeat([0.1, 0.2], 8), rtol=1e-6)
    assert table.vis_cal == "TOpac"


def test_positions(vis: str, tmp_path: Path) -> None:
    table = _write(vis, tmp_path / "p", "antpos", antenna="EA05,EA02", parameter=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert (table.vis_cal, table.nrow) == ("KAntPos Jones", 8)
    np.testing.assert_allclose(table.param[[1, 4], 0], [[0.4, 0.5, 0.6], [0.1, 0.2, 0.3]], rtol=1e-6)
    table = _write(vis, tmp_path / "v", "antposvla", antenna="EA05", parameter=(0.1, 0.2, 0.3))
    np.testing.assert_allclose(table.param[4, 0], [0.16035129, -0.15584436, 0.3], atol=2e-6)


def test_one_offset_for_several_antennas_is_turned_once(vis: str, tmp_path: Path) -> None:
    """CASA 6.7 turns the offset of the second antenna twice."""
    one = _write(vis, tmp_path / "one", "antposvla", antenna="EA08", parameter=(0.089, 0.0616, 0.096))
    both = _write(vis, tmp_path / "both", "antposvla", antenna="EA08,EA03", parameter=(0.089, 0.0616, 0.096))
    np.testing.assert_allclose(one.param[7, 0], [0.0317725, -0.10347, 0.096], rtol=1e-5)
    np.testing.assert_array_equal(both.param[[7, 2]], one.param[[7, 7]])


def test_gain_curves(vis: str, tmp_path: Path) -> None:
    table = _write(vis, tmp_path / "e", "gceff")
    np.testing.assert_allclose(table.param[0, 0], [0.2855442, 0, 0, 0, 0.2855442, 0, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(_write(vis, tmp_path / "g", "gc").param[0, 0], [1, 0, 0, 0, 1, 0, 0, 0])
    assert vla_efficiency(45e9) == pytest.approx(0.21992141, rel=2e-5)
    with MeasurementSet(str(unpack("hera.ms", tmp_path))) as ms, pytest.raises(DataError, match="VLA only"):
        gain_curves(ms, "gc")


@pytest.mark.parametrize(
    ("caltype", "given", "error"),
    [
        ("nonsense", {}, ParameterError), ("tsys", {}, ParameterError),
        ("amp", {"pol": "Q", "parameter": (1.0,)}, ParameterError), ("amp", {"parameter": (np.nan,)}, ParameterError),
        ("antpos", {"parameter": (1.0,) * 3}, ParameterError), ("antpos", {"antenna": "EA02"}, ParameterError),
        ("amp", {}, ParameterError), ("amp", {"antenna": "EA02,EA03", "parameter": (1.0,) * 3}, ParameterError),
        ("amp", {"antenna": "NOPE", "parameter": (1.0,)}, SelectionError), ("amp", {"spw": "7", "parameter": (1.0,)}, SelectionError),
        ("gc", {"infile": "missing.tab"}, CasaError), ("gc", {"infile": __file__}, DataError), ("gceff", {"infile": "{vis}"}, DataError),
    ],
)  # fmt: skip
def test_refused_without_writing(
    vis: str, tmp_path: Path, caltype: str, given: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _write(vis, tmp_path / "bad.cal", caltype, **{k: vis if v == "{vis}" else v for k, v in given.items()})
    assert not (tmp_path / "bad.cal").exists()


def test_a_table_of_other_windows(vis: str, tmp_path: Path) -> None:
    other = str(unpack("cal.G", tmp_path))
    table = CalTable.open(other)
    table.spw_id += 1
    table.write(str(tmp_path / "later.G"))
    with pytest.raises(DataError, match="other spectral windows than the MeasurementSet"):
        _write(vis, tmp_path / "later.G", "amp", parameter=(2.0,))


def test_antennas_are_those_of_their_names(vis: str, tmp_path: Path) -> None:
    """A table of the same antennas in another order gets each value where it belongs."""
    table = CalTable.open(str(unpack("cal.G", tmp_path)))
    names = table.subtables["ANTENNA"].columns
    table.subtables["ANTENNA"].columns = {k: v[::-1] for k, v in names.items()}
    table.write(str(tmp_path / "turned.G"))
    _write(vis, tmp_path / "turned.G", "amp", antenna="EA01", parameter=(2.0,))
    joined = CalTable.open(str(tmp_path / "turned.G"))
    ratio = np.abs(joined.param / table.param)[:, 0]
    np.testing.assert_allclose(ratio[joined.antenna1 == 7], 2.0, rtol=1e-6)
    np.testing.assert_allclose(ratio[joined.antenna1 != 7], 1.0, rtol=1e-6)


def test_table_of_another_array(vis: str, tmp_path: Path) -> None:
    other = str(unpack("cal.G", tmp_path))
    table = CalTable.open(other).select(np.arange(8))
    table.subtables["ANTENNA"].columns = {k: v[:7] for k, v in table.subtables["ANTENNA"].columns.items()}
    table.write(str(tmp_path / "seven.G"))
    with pytest.raises(
        DataError, match=r"no solutions of spectral windows 0, 1, antennas EA01.* EA08 that these values could be joined"
    ):
        _write(vis, tmp_path / "seven.G", "amp", parameter=(2.0,))
