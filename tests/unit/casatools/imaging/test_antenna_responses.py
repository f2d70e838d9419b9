"""Tables of antenna responses: which image holds where, and imaging with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import image, table, vpmanager
from casatools._base.errors import DataError, ParameterError, PathMissingError, UnsupportedError
from casatools.imaging.antenna_beams import antenna_beams, responses_table
from casatools.imaging.antenna_responses import AntennaResponses, Band, SkyPlace, make_responses, open_responses
from casatools.imaging.beam_groups import BeamGroups, BeamOptions
from casatools.imaging.visibilities import DataSource
from casatools.io.ms import Selection
from casatools.io.response_table import read_responses, write_responses
from support.wide_band import make_wide_band

SIZE = 65
START = "2000/01/01/00:00:00"
BANDS = (Band("L", 1e9, 2e9), Band("S", 2e9, 4e9))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    tool = vpmanager()
    tool.reset()
    yield
    tool.reset()


def name(elevations: str = "0_45_90", freqs: str = "1_1.2_2_GHz", kind: str = "VP", antenna: str = "", receiver: str = "") -> str:
    return f"EVLA_0_{antenna}_{receiver}_-180_0_180_{elevations}_{freqs}_made_{kind}.im"


def write(path: str, width_arcmin: float = 20.0, hz: float = 1.2e9) -> str:
    """A round Gaussian voltage pattern of a width (1 / e)."""
    offset = (np.arange(SIZE) - SIZE // 2) * 2.0 / width_arcmin
    line = np.exp(-np.square(offset))
    ia = image()
    ia.fromarray(path, np.outer(line, line)[:, :, None, None])
    system = ia.coordsys()
    system.setincrement(["-2arcmin", "2arcmin"], "direction")
    system.setreferencepixel([SIZE // 2, SIZE // 2], "direction")
    system.setreferencevalue(hz, "spectral")
    system.setreferencepixel(0, "spectral")
    ia.setcoordsys(system.torecord())
    ia.close()
    return path


def folder(*names: str, widths: tuple[float, ...] = (20.0, 30.0, 40.0)) -> str:
    Path("r").mkdir()
    for own, width in zip(names, widths, strict=False):
        write(f"r/{own}", width, 2.5e9 if "S-band" in own or "_2.5_" in own else 1.2e9)
    return "r"


def place(elevation_deg: float, time_s: float = 5.1e9, azimuth_deg: float = 0.0) -> SkyPlace:
    return SkyPlace(time_s, np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))


def test_tables_hold_what_the_names_say() -> None:
    folder(name("0_20_40"), name("40_60_90", antenna="ea"), name(freqs="2_2.5_4_GHz"))
    Path("r/README").write_text("about")
    path, rows = make_responses("r", 4453401600.0, BANDS)
    assert path == "r/AntennaResponses" and rows == 3
    tb = table()
    tb.open(path)
    found = {column: [tb.getcell(column, row) for row in range(3)] for column in tb.colnames()}
    tb.close()
    assert found["NAME"] == ["EVLA"] * 3 and found["ANTENNA_TYPE"] == ["", "", "ea"] and found["BEAM_ID"] == [0, 1, 2]
    assert [list(v) for v in found["BAND_NAME"]] == [["L"], ["S"], ["L"]] and found["START_TIME"] == [4453401600.0] * 3
    assert [float(v[0]) for v in found["SUBBAND_MAX_FREQ"]] == [2e9, 4e9, 2e9] and [
        int(v[0]) for v in found["FUNCTION_TYPE"]
    ] == [3] * 3
    assert [np.rad2deg(v[1]) for v in found["VALID_CENTER_MIN"]] == pytest.approx([0.0, 0.0, 40.0]) and found["CENTER_REF"] == [
        10
    ] * 3
    again = read_responses(path)
    assert [r.name for r in again] == [name("0_20_40"), name(freqs="2_2.5_4_GHz"), name("40_60_90", antenna="ea")]
    assert write_responses("copy.tab", again) == 3 and read_responses("copy.tab") == again


def test_sub_bands_share_a_row() -> None:
    folder(name(freqs="1_1.2_1.5_GHz"), name(freqs="1500_1700_2000_MHz"))
    path, rows = make_responses("r", 0.0, BANDS)
    assert rows == 1 and [r.band_hz for r in read_responses(path)] == [(1e9, 1.5e9), (1.5e9, 2e9)]


def test_which_response_holds() -> None:
    folder(name("0_20_40"), name("40_60_90"))
    path, _ = make_responses("r", 4.5e9, BANDS)
    responses = open_responses(path, "EVLA")
    assert responses.find(place(30.0), 1.5e9).name == name("0_20_40")
    assert responses.find(place(50.0, azimuth_deg=200.0), 1.5e9, "VP", receiver="").name == name("40_60_90")
    assert responses.types() == [""] and responses.types(place(30.0), 3e9) == []
    for wrong in (place(-5.0), place(30.0, 4.4e9)):
        with pytest.raises(DataError, match="no antenna response of EVLA"):
            responses.find(wrong, 1.5e9)
    with pytest.raises(DataError, match=r"beam 1, 1\.5 GHz"):
        responses.find(place(30.0), 1.5e9, beam=1)
    # Of two that differ in the time from which they hold, the later one does.
    items = read_responses(path)
    write_responses("r/later", [*items, replace(items[0], start_s=5e9, name="new.im")])
    later = AntennaResponses("r/later", "EVLA")
    assert later.find(place(30.0, 5.1e9), 1.5e9).name == "new.im" and later.find(place(30.0, 4.9e9), 1.5e9).name == items[0].name


def use(path: str) -> str:
    patterns = vpmanager()
    patterns.reset()
    patterns.setpbantresptable("EVLA", antresppath=path)
    patterns.saveastable("p.vp")
    return "p.vp"


def test_the_tool_finds_images() -> None:
    folder(name("0_20_40"), name("40_60_90"), name("0_45_90", "2_2.5_4_GHz", antenna="ea"))
    vp = vpmanager()
    assert vp.createantresp("r", START, ["L", "S"], ["1GHz", "2GHz"], ["2GHz", "4GHz"])
    use("r/AntennaResponses")
    at: dict[str, Any] = {"obstime": "2020/01/01/00:00:00", "freq": "TOPO 1.4GHz", "obsdirection": "AZEL 10deg 50deg"}
    assert vp.getanttypes("EVLA") == ["", "ea"] and vp.getanttypes("EVLA", **at) == [""] and vp.numvps("EVLA", **at) == 1
    record = vp.getvp("EVLA", "", **at)
    assert record["name"] == "IMAGE" and record["realimage"].endswith(name("40_60_90"))
    assert vp.getvp("EVLA", "", **(at | {"obsdirection": "J2000 0deg 85deg"}))["realimage"].endswith(name("0_20_40"))
    assert vp.getrespimagename("EVLA", at["obstime"], "1.4GHz", elevation="20deg") == str(Path("r").absolute() / name("0_20_40"))
    with pytest.raises(ParameterError, match="'obstime' and 'freq'"):
        vp.getvp("EVLA")
    with pytest.raises(ParameterError, match="azimuth"):
        vp.getrespimagename("EVLA", at["obstime"], "1.4GHz", azimuth="3Jy")
    with pytest.raises(DataError, match="no table of antenna responses"):
        vp.getrespimagename("ALMA", at["obstime"], "1.4GHz")


def test_patterns_of_several_antennas() -> None:
    folder(name(), name(antenna="ea"))
    make_responses("r", 0.0, BANDS)
    use("r/AntennaResponses")
    when = "2020/01/01/00:00:00"
    beams = vpmanager().getvps("EVLA", ["ea01", "pt", "ea02"], when, when, "1GHz", "2GHz", "AZEL 0deg 50deg")
    assert beams["beamindex"].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert [Path(beams[f"uniquebeam_{k}"]["realimage"]).name for k in (0, 1)] == [name(antenna="ea"), name()]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v: v.createantresp("", START, ["L"], ["1GHz"], ["2GHz"]), ParameterError, "imdir"),
        (lambda v: v.createantresp("r", "", ["L"], ["1GHz"], ["2GHz"]), ParameterError, "starttime"),
        (lambda v: v.createantresp("r", START, ["L", "S"], ["1GHz"], ["2GHz"]), ParameterError, "as many"),
        (lambda v: v.createantresp("r", START, ["L"], ["1m"], ["2GHz"]), ParameterError, "bandminfreq"),
        (lambda v: v.createantresp("none", START, ["L"], ["1GHz"], ["2GHz"]), PathMissingError, "none"),
        (lambda v: v.createantresp("r", START, ["X"], ["8GHz"], ["9GHz"]), DataError, "none of the bands"),
        (lambda v: v.createantresp("empty", START, ["L"], ["1GHz"], ["2GHz"]), DataError, "no image"),
        (lambda v: v.createantresp("a.txt", START, ["L"], ["1GHz"], ["2GHz"]), DataError, "no folder"),
        (lambda v: v.createantresp("r", START, ["L"], ["2GHz"], ["1GHz"]), ParameterError, "below its highest"),
        (lambda v: v.getrespimagename("EVLA", START, "1GHz"), DataError, "no table of antenna responses"),
        (lambda v: v.setpbantresptable("EVLA"), ParameterError, "antresppath"),
        (lambda v: v.setpbantresptable("EVLA", antresppath="none"), PathMissingError, "none"),
        (lambda v: v.setpbantresptable("EVLA", antresppath="plain.tab"), DataError, "no table of antenna responses"),
        (lambda v: v.getrespimagename("EVLA"), ParameterError, "starttime"),
        (lambda v: v.getrespimagename("EVLA", START), ParameterError, "frequency"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    folder(name())
    Path("empty").mkdir()
    Path("a.txt").write_text("A\nI\n1\n")
    tb = table()
    tb.fromascii("plain.tab", "a.txt")
    tb.close()
    with pytest.raises(error, match=words):
        call(vpmanager())
    assert not Path("r/AntennaResponses").exists() and vpmanager().getuserdefault("EVLA") == -1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("EVLA_x___-180_0_180_0_45_90_1_1.2_2_GHz_c_VP.im", "no numbers"), ("EVLA_0___-180_0_180_90_45_0_1_1.2_2_GHz_c_VP.im", "do not rise")],
)  # fmt: skip
def test_names_that_cannot_be_understood(wrong: str, words: str) -> None:
    folder(wrong)
    with pytest.raises(DataError, match=words):
        make_responses("r", 0.0, BANDS)


def test_responses_that_imaging_cannot_use() -> None:
    folder(name(kind="AIF"), name(kind="XX", antenna="pt"))
    path, _ = make_responses("r", 0.0, BANDS)
    with pytest.raises(UnsupportedError, match="of the kind AIF"):
        open_responses(path, "EVLA").record(read_responses(path)[0], "EVLA")
    with pytest.raises(DataError, match="must be an image of two linear axes"):
        antenna_beams("EVLA", use(path), place=place(50.0))
    with pytest.raises(DataError, match="has none of 'VLA'"):
        open_responses(path, "VLA")
    one = read_responses(path)[0]
    write_responses("r/turned", [replace(one, kind="VP", offset_deg=10.0)])
    with pytest.raises(DataError, match="rotation offset of 10"):
        antenna_beams("EVLA", use("r/turned"))
    write_responses("r/two", [replace(one, kind="VP"), replace(one, kind="VP", receiver="b")])
    with pytest.raises(DataError, match="several receivers"):
        antenna_beams("EVLA", use("r/two"))
    write_responses("r/bands", [replace(one, kind="VP"), replace(one, kind="VP", receiver="b", band_hz=(2e9, 4e9))])
    assert antenna_beams("EVLA", use("r/bands")).image() is not None
    write_responses("r/channel", [replace(one, kind="VP", channel=3)])
    with pytest.raises(DataError, match="no channel 3"):
        antenna_beams("EVLA", use("r/channel"))
    tb = table()
    tb.open("r/two", nomodify=False)
    tb.putcell("CENTER_REF", 0, 0)
    tb.close()
    with pytest.raises(DataError, match="not in azimuth and elevation"):
        read_responses("r/two")


def test_imaging_takes_the_beam_of_the_frequency_and_refuses_others() -> None:
    folder(name(freqs="1_1.2_1.5_GHz"), name(freqs="1.5_1.7_2_GHz"))
    path, _ = make_responses("r", 0.0, BANDS)
    beams = antenna_beams("EVLA", use(path), place=place(50.0))
    pattern = beams.image()
    assert pattern is not None and not pattern.turns and responses_table("EVLA", "p.vp") == path
    line, zero = np.array([np.deg2rad(10.0 / 60)]), np.zeros(1)
    for hz, width in ((1.2e9, 20.0), (1.6e9, 30.0 * 1.2 / 1.6)):
        assert pattern.values(line, zero, hz)[0, 0] == pytest.approx(np.exp(-2 * (10.0 / width) ** 2), abs=2e-3)
    assert pattern.reach_rad(1.2e9) > 0
    with pytest.raises(DataError, match=r"at 3 GHz; there are those of 1 to 1\.5, 1\.5 to 2 GHz"):
        pattern.values(line, zero, 3e9)
    with pytest.raises(DataError, match=r"azimuth 0\.0 deg and elevation -5\.0 deg"):
        antenna_beams("EVLA", use(path), place=place(-5.0))
    assert responses_table("EVLA", "") == ""


def test_images_with_responses_are_those_with_their_images() -> None:
    folder(name())
    path, _ = make_responses("r", 0.0, BANDS)
    make_wide_band(Path("w.ms"), np.array([1.2e9, 1.201e9]), 10 * np.deg2rad(20.0 / 3600))
    use(path)
    patterns = vpmanager()
    patterns.reset()
    patterns.setpbimage(telescope="EVLA", realimage=f"r/{name()}")
    patterns.saveastable("one.vp")
    for gridder in ("standard", "mosaic"):
        found = []
        for vptable in ("p.vp", "one.vp"):
            tclean(
                vis="w.ms", imagename=f"{gridder}-{vptable}", gridder=gridder, imsize=48, cell="40arcsec", niter=0, datacolumn="data", pblimit=0.1,
                vptable=vptable,
            )  # fmt: skip
            ia = image()
            ia.open(f"{gridder}-{vptable}.pb")
            found.append(np.squeeze(ia.getchunk()))
            ia.close()
        assert np.array_equal(found[0], found[1]) and found[0].max() == pytest.approx(1.0, abs=1e-3)


def test_elevations_choose_beams_row_by_row() -> None:
    make_wide_band(Path("w.ms"), np.array([1.2e9, 1.201e9]), 10 * np.deg2rad(20.0 / 3600))
    source = DataSource("w.ms", Selection(), "data")
    try:
        there = source.field_direction(0)
        first, last = (np.rad2deg(source.sky_place(there, float(t)).elevation_rad) for t in source.times_s[[0, -1]])
        middle = 0.5 * (first + last)
        low, high = name(f"-90_0_{middle:.6f}"), name(f"{middle:.6f}_{middle + 1:.6f}_90")
        folder(low, high)
        path, _ = make_responses("r", 0.0, BANDS)
        groups = BeamGroups([source], there.frame, BeamOptions(use(path)))
        zero = np.zeros(2, np.int64)
        rows = groups.rows(0, zero, zero, zero + 1, source.times_s[[0, -1]])
        line, none = np.array([np.deg2rad(10.0 / 60)]), np.zeros(1)
        found = [groups.groups[row].values([line] * 2, [none] * 2, 1.2e9)[0, 0] for row in rows]
        widths = [20.0, 30.0] if first < last else [30.0, 20.0]
        assert found == pytest.approx([np.exp(-2 * (10.0 / w) ** 2) for w in widths], abs=2e-3)
    finally:
        source.close()
