"""Components of calibrators predicted, their files and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import predictcomp
from casatools import componentlist
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.predict_component import read_antenna_places

URANUS = {
    "objname": "Uranus",
    "standard": "Butler-JPL-Horizons 2012",
    "epoch": "2016/06/10",
    "minfreq": "90GHz",
    "maxfreq": "110GHz",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_planet() -> None:
    record = predictcomp(**URANUS, nfreqs=3, prefix="p_")
    assert record["clist"] == "p_Uranus_spw0_90.000GHz_57549.0d.cl" and record["savedfig"] is None
    later = predictcomp(**{**URANUS, "epoch": "2016-06-10T13:12:00"}, nfreqs=3, prefix="q_")
    assert later["clist"] == "q_Uranus_spw0_90.000GHz_57549.6d.cl"
    assert record["freqs (GHz)"].tolist() == [90.0, 100.0, 110.0] and record["epoch"]["m0"]["value"] == 57549.0
    np.testing.assert_allclose(record["spectrum"]["ival"], [7.01, 8.22, 9.50], rtol=0.03)
    tool = componentlist()
    tool.open(record["clist"])
    assert tool.getcomponent(0)["shape"]["type"] == "Disk" and tool.length() == 1
    tool.done()


def test_calibrator() -> None:
    record = predictcomp("3C286", "Perley-Butler 2017", "2016/06/10", "1GHz")
    np.testing.assert_allclose(record["spectrum"]["ival"], [17.70516777], rtol=1e-6)
    assert record["clist"] == "spw0_3C286_1GHz57549d.cl" and record["shape"]["type"] == "Point"
    Path("a.cfg").write_text("0 0 0 25 A\n100 0 0 25 B\n")
    options = {"epoch": "2016/06/10", "minfreq": "1GHz", "antennalist": "a.cfg", "savefig": "p.png"}
    assert predictcomp("3C286", "Perley-Butler 2017", **options)["savedfig"] == "p.png" and Path("p.png").stat().st_size > 1000


def test_figure() -> None:
    Path("a.cfg").write_text("# x y z diameter pad\n0 0 0 12 A\n100 0 0 12 B\n0 500 0 12 C\n")
    record = predictcomp(
        **URANUS, antennalist="a.cfg", showplot=True, include0amp=True, include0bl=True, blunit="klambda", showbl0flux=True
    )
    assert record["antennalist"] == "a.cfg" and Path(record["savedfig"]).stat().st_size > 1000


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"minfreq": ""}, ParameterError, "minfreq"), ({"epoch": ""}, ParameterError, "epoch"), ({"objname": "Nemesis"}, ParameterError, "Nemesis"),
        ({"objname": ""}, ParameterError, "objname"), ({"maxfreq": "80GHz"}, ParameterError, "maxfreq"), ({"objname": "Vesta"}, DataError, "Vesta"),
        ({"standard": "Butler-JPL-Horizons 2010"}, DataError, "2012"), ({"standard": "Baars"}, ParameterError, "Baars"),
        ({"antennalist": "absent.cfg"}, DataError, "absent"),
    ],
)  # fmt: skip
def test_refusals(folder: Path, changed: dict[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        predictcomp(**{**URANUS, **changed})
    assert not list(folder.glob("*.cl"))


def test_configurations() -> None:
    Path("one.cfg").write_text("0 0 0 12 A\n")
    Path("bad.cfg").write_text("a b c 12 A\n")
    with pytest.raises(DataError, match="fewer"):
        read_antenna_places("one.cfg")
    with pytest.raises(DataError, match="no antenna configuration"):
        read_antenna_places("bad.cfg")
