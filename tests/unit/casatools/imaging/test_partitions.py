"""Selections shared out: the parts together are the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import synthesisimager, synthesisutils, table
from casatools._base.errors import ParameterError, SelectionError, UnsupportedError
from casatools.imaging.partitions import row_parts, share_out
from casatools.imaging.stepwise import image_parameters
from casatools.io.image.coordinates import Coordinates
from casatools.io.ms import MeasurementSet, Selection
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

NCHAN = 12
CUBE = {"imsize": 32, "cell": "40arcsec", "specmode": "cube", "outframe": "LSRK", "nchan": 6, "start": 3, "width": 1}


@pytest.fixture(scope="module")
def demo_ms(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("sim") / "demo.ms")
    make_demo(path, DemoOptions(antennas_per_arm=2, cycles=1, nchan=NCHAN))
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def step(selections: list[dict[str, Any]], image: dict[str, Any], name: str) -> synthesisimager:
    """Data selected and gridded."""
    tool = synthesisimager()
    for selection in selections:
        tool.selectdata(selection)
    tool.defineimage({**image, "imagename": name}, {"gridder": "standard"})
    tool.setweighting("natural")
    tool.makepsf()
    tool.executemajorcycle()
    return tool


def records(path: str, **more: Any) -> dict[str, dict[str, Any]]:
    return {"ms0": {"msname": path, "field": "0", "datacolumn": "data", **more}}


@pytest.mark.parametrize("more", [{}, {"uvdist": "<400m"}, {"taql": "ANTENNA1 != 1"}])
def test_rows_of_parts_add_to_the_whole(demo_ms: str, more: dict[str, str]) -> None:
    image = {"imsize": 32, "cell": "40arcsec", "specmode": "mfs", "phasecenter": 0}
    whole = records(demo_ms, spw="*:0~3", **more)
    parts = synthesisutils().contdatapartition(whole, 3)
    step(list(whole.values()), image, "all").done()
    sums = []
    for key, part in parts.items():
        step(list(part.values()), image, f"n{key}").done()
        sums.append((pixels(f"n{key}.residual"), pixels(f"n{key}.sumwt")))
    assert len(sums) == 3
    for k, name in enumerate(("residual", "sumwt")):
        expected = pixels(f"all.{name}")
        # The middle of the band moves by parts in 1e7 with the times of a part: samples move by as much.
        np.testing.assert_allclose(sum(s[k] for s in sums), expected, atol=2e-6 * float(np.abs(expected).max()))


def test_row_ranges(demo_ms: str) -> None:
    """As CASA 6.7 cuts them: a row more than a part has, for 126 360 rows in three parts 1 to 42121."""
    with MeasurementSet(demo_ms) as ms:
        total = len(Selection(field="0").resolve(ms).rows)
    parts = synthesisutils().contdatapartition(records(demo_ms), 2)
    half = total // 2 + 1
    assert [p["ms0"]["taql"] for p in parts.values()] == [
        f"ROWNUMBER() >= 1 && ROWNUMBER() <= {half}", f"ROWNUMBER() >= {half + 1} && ROWNUMBER() <= {total}",
    ]  # fmt: skip
    assert parts["0"]["ms0"]["field"] == "0" and list(parts["0"]) == ["ms0"]
    # Without parts that have no rows.
    tiny = row_parts({"a": {"msname": demo_ms, "taql": "ROWNUMBER() > 0"}}, 10**6)
    with MeasurementSet(demo_ms) as ms:
        assert len(tiny) == ms.nrow
    assert tiny[3]["a"]["taql"] == "(ROWNUMBER() > 0) && ROWNUMBER() >= 4 && ROWNUMBER() <= 4"
    assert synthesisutils().contdatapartition({"msname": demo_ms}, 1)["0"]["ms0"]["taql"].startswith("ROWNUMBER() >= 1 ")


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_channels_of_parts_are_those_of_the_whole(demo_ms: str, interpolation: str) -> None:
    image = {**CUBE, "phasecenter": 0, "interpolation": interpolation}
    whole = records(demo_ms, spw="0")
    tool = step(list(whole.values()), image, "all")
    parts = synthesisutils().cubedataimagepartition(whole, tool.getcsys(), 4, 6)
    tool.done()
    expected, shown = pixels("all.residual"), 0
    assert [p["nchan"] for p in parts.values()] == [2, 2, 1, 1]
    for key, part in parts.items():
        own = {"imsize": 32, "specmode": "cube", "interpolation": interpolation, "csys": part["coordsys"], "nchan": part["nchan"]}
        step([part["ms0"]], own, f"n{key}").done()
        found = pixels(f"n{key}.residual").reshape(32, 32, -1)
        np.testing.assert_allclose(found, expected[..., shown : shown + part["nchan"]], atol=1e-6 * float(np.abs(expected).max()))
        shown += part["nchan"]
    first, count = (int(v) for v in parts["0"]["ms0"]["spw"].removeprefix("0:").split("~"))
    assert first <= 3 and 4 <= count < NCHAN - 1, "not all channels are read for a part"


def test_channels_of_bands(demo_ms: str) -> None:
    with MeasurementSet(demo_ms) as ms:
        hz = np.asarray(ms.metadata.spectral_windows[0].chan_freq_hz)
    tool, (low, high) = synthesisutils(), (float(hz.min()), float(hz.max()))
    step_hz = (high - low) / (NCHAN - 1)
    spws = [p["ms0"]["spw"] for p in tool.cubedatapartition(records(demo_ms, spw="0"), 3, frame="TOPO").values()]
    assert spws == ["0:0~3", "0:4~7", "0:8~11"]
    picked = tool.cubedatapartition(records(demo_ms, spw="0:1~2;6~9"), 2, f"{low}Hz", f"{low + 7.4 * step_hz}Hz", "TOPO")
    assert [p["ms0"]["spw"] for p in picked.values()] == ["0:1~2", "0:6~7"]
    beyond = tool.cubedatapartition(records(demo_ms), 2, f"{low - 9 * step_hz}Hz", f"{low + 2.0 * step_hz}Hz", "TOPO")
    assert [p["ms0"]["spw"] for p in beyond.values()] == ["-1", "0:0~2"]


def test_ranges_of_frequencies_are_channels(demo_ms: str) -> None:
    with MeasurementSet(demo_ms) as ms:
        hz = np.asarray(ms.metadata.spectral_windows[0].chan_freq_hz)
    image = {"imsize": 32, "cell": "40arcsec", "specmode": "mfs", "phasecenter": 0}
    band = {"freqbeg": f"{hz[3]}Hz", "freqend": f"{hz[5] / 1e6}MHz", "freqframe": "TOPO"}
    step(list(records(demo_ms, **band).values()), image, "a").done()
    step(list(records(demo_ms, spw="0:3~5").values()), image, "b").done()
    np.testing.assert_allclose(pixels("a.residual"), pixels("b.residual"), atol=1e-6 * float(pixels("b.residual").max()))
    tool = synthesisimager()
    assert tool.setdata(demo_ms, field="0", **band)
    tool.defineimage({**CUBE, "imagename": "c"}, {})
    with pytest.raises(SelectionError, match="no selected channel"):
        step(list(records(demo_ms, freqbeg="1Hz").values()), image, "d")


def test_tuned_selections(demo_ms: str) -> None:
    """The frequencies of the image with one and a half channels more, as CASA 6.7 gives them."""
    tool = step(list(records(demo_ms).values()), {**CUBE, "nchan": 3, "phasecenter": 0}, "a")
    tuned, axis = tool.tuneselectdata()["ms0"], tool.getcsys()["coordsys"]["spectral2"]["wcs"]
    tool.done()
    edges = [float(axis["crval"]) + k * float(axis["cdelt"]) for k in (-1.5, 3.5)]
    assert [float(tuned[k].removesuffix("Hz")) for k in ("freqbeg", "freqend")] == pytest.approx(sorted(edges), abs=1.0)
    assert tuned["freqframe"] == "LSRK" and tuned["timestr"] == "" and tuned["field"] == "0"
    step([tuned], {**CUBE, "nchan": 3, "phasecenter": 0, "interpolation": "nearest"}, "b").done()
    assert pixels("b.residual").shape == (32, 32, 3)


def test_models_are_added(demo_ms: str, tmp_path: Path) -> None:
    import shutil

    path = str(tmp_path / "own.ms")
    shutil.copytree(demo_ms, path)
    image = {"imsize": 32, "cell": "40arcsec", "specmode": "mfs", "phasecenter": 0}
    values = []
    for more in ({}, {"incrmodel": True}):
        tool = step(list(records(path, usescratch=True, **more).values()), image, "m")
        from casatools import image as image_tool

        if not Path("m.model").exists():
            shutil.copytree("m.residual", "m.model")
            ia = image_tool()
            ia.open("m.model")
            ia.set(pixels=0.25)
            ia.done()
        tool.predictmodel()
        tool.done()
        tb = table()
        tb.open(path)
        values.append(tb.getcol("MODEL_DATA", 0, 5))
        tb.close()
    assert np.abs(values[0]).max() > 0.1
    np.testing.assert_allclose(values[1], 2 * values[0], rtol=1e-6)


def test_sharing_out() -> None:
    assert share_out(16, 3) == [(0, 6), (6, 5), (11, 5)]
    assert share_out(2, 5) == [(0, 1), (1, 1)]


REFUSED: list[tuple[Callable[[str], Any], type[Exception]]] = [
    (lambda p: synthesisutils().contdatapartition({}), ParameterError), (lambda p: synthesisutils().contdatapartition({"ms0": {}}), ParameterError),
    (lambda p: synthesisutils().cubedatapartition(records(p), frame="XX"), ParameterError),
    (lambda p: synthesisutils().cubedataimagepartition(records(p)), ParameterError),
    (lambda p: synthesisimager().selectdata({"msname": p, "freqbeg": "1Jy"}), ParameterError),
    (lambda p: synthesisimager().selectdata({"msname": p, "freqframe": "XX"}), ParameterError),
    (lambda p: synthesisimager().setdata(p, freqbeg="1m"), ParameterError),
    (lambda p: synthesisutils().checkgridparams({"imagename": "x", "clipminmax": True}), UnsupportedError),
    (lambda p: image_parameters(Coordinates([])), ParameterError),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error"), REFUSED)
def test_refused(demo_ms: str, call: Callable[[str], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(demo_ms)


def test_checked_parameters_are_taken_back(demo_ms: str) -> None:
    tool = synthesisutils()
    image = tool.checkimageparams({"imagename": "x", "imsize": 32, "cell": "40arcsec"})
    grid = tool.checkgridparams({"imagename": "x", "gridder": "standard"})
    assert image["imsize"].tolist() == [32, 32] and image["cell"].tolist() == ["40arcsec"] * 2 and grid["tracksource"] is False
    imager = synthesisimager()
    imager.selectdata(tool.checkselectionparams({"msname": demo_ms, "datacolumn": "data"}))
    assert imager.defineimage(image, grid) and imager.updatenchan() == 1
