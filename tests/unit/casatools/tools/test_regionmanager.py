"""Region records: made, combined, read from text, kept in tables and files, and what pixels they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import imsubimage
from casatools import image, regionmanager
from casatools._base.errors import OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.io.formats.record_file import write_record
from casatools.io.image import CasaImage

SHAPE = [20, 16, 2, 6]


@pytest.fixture
def csys() -> dict[str, Any]:
    tool = image()
    tool.fromshape("a.im", SHAPE)
    record = tool.coordsys().torecord()
    tool.done()
    return record


@pytest.fixture
def rg(csys: dict[str, Any]) -> regionmanager:
    tool = regionmanager()
    tool.setcoordinates(csys)
    return tool


def chosen(region: Any) -> np.ndarray:
    """The pixels of a region on the image, True inside."""
    tool = image()
    tool.open("a.im")
    try:
        box = tool.boundingbox(region)
        mask = np.zeros(SHAPE, bool)
        mask[tuple(slice(a, b + 1) for a, b in zip(box["blc"], box["trc"], strict=True))] = tool.getregion(region, getmask=True)
    finally:
        tool.done()
    return mask


def plane(region: Any) -> np.ndarray:
    return chosen(region)[:, :, 0, 0]


def box(x: slice, y: slice) -> np.ndarray:
    mask = np.zeros(SHAPE[:2], bool)
    mask[x, y] = True
    return mask


X, Y = np.meshgrid(np.arange(20), np.arange(16), indexing="ij")


def test_boxes_of_pixels(rg: regionmanager) -> None:
    assert np.array_equal(plane(rg.box([2, 3], [5, 9])), box(slice(2, 6), slice(3, 10)))
    assert np.array_equal(plane(rg.box([2, 3])), box(slice(2, None), slice(3, None)))
    # A fraction f of n pixels starts at pixel f n and ends before it, as in the reference.
    assert np.array_equal(plane(rg.box([0.1, 0.25], [0.9, 0.5], frac=True)), box(slice(2, 18), slice(4, 8)))
    assert np.array_equal(plane(rg.box([0, 0], [9, 9], [2, 3])), box(slice(0, 10, 2), slice(0, 10, 3)))
    cube = chosen(rg.box([0, 0, 1, 2], [19, 15, 1, 4]))
    assert cube[:, :, 1, 2:5].all() and cube.sum() == 20 * 16 * 3
    assert not rg.ispixelregion(rg.box([1], [2])) and not rg.isworldregion(rg.box([1], [2]))  # as in CASA: neither


def test_boxes_and_polygons_of_the_sky(rg: regionmanager, csys: dict[str, Any]) -> None:
    region = rg.wbox(["2pix", "3pix"], ["5pix", "9pix"], [0, 1])
    assert np.array_equal(plane(region), box(slice(2, 6), slice(3, 10)))
    assert rg.isworldregion(region)
    # One arcmin a pixel about pixel (10, 8); x grows to the west.
    sky = rg.wbox(["3.01arcmin", "-2.01arcmin"], ["-1.01arcmin", "4.01arcmin"], [0, 1], csys)
    assert np.array_equal(plane(sky), box(slice(7, 12), slice(6, 13)))
    range_ = rg.wbox({"unit": "Hz", "value": [1.415e9 - 1.0e3]}, {"*1": {"unit": "MHz", "value": 1415.001}}, [3])
    assert chosen(range_)[0, 0, 0].tolist() == [False, False, True, True, True, False]
    triangle = rg.wpolygon(["2pix", "12pix", "2pix"], ["2pix", "2pix", "12pix"])
    assert np.array_equal(plane(triangle), (X >= 2) & (Y >= 2) & (X + Y <= 14))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("circle[[9pix,7pix],4pix]", np.hypot(X - 9, Y - 7) <= 4),
        ("box[[3pix,4pix],[8pix,9pix]]", (X >= 3) & (X <= 8) & (Y >= 4) & (Y <= 9)),
        ("annulus[[9pix,7pix],[2.5pix,5pix]]", (np.hypot(X - 9, Y - 7) <= 5) & (np.hypot(X - 9, Y - 7) > 2.5)),
        ("centerbox[[9pix,7pix],[5pix,7pix]]", (np.abs(X - 9) <= 2.5) & (np.abs(Y - 7) <= 3.5)),
        ("poly[[2pix,2pix],[12pix,2pix],[2pix,12pix]]", (X >= 2) & (Y >= 2) & (X + Y <= 14)),
        ("ellipse[[9pix,7pix],[5.5pix,2.5pix],0deg]", ((Y - 7) / 5.5) ** 2 + ((X - 9) / 2.5) ** 2 <= 1),
    ],
)
def test_text_becomes_a_record_of_the_same_pixels(rg: regionmanager, text: str, expected: np.ndarray) -> None:
    record = rg.fromtext(text, SHAPE)
    assert record["isRegion"] == 2
    assert np.array_equal(plane(record), expected)
    with open("r.crtf", "w", encoding="utf-8") as stream:
        stream.write("#CRTFv0\n" + text + "\n")
    assert np.array_equal(plane(rg.fromtextfile("r.crtf", SHAPE)), expected)


def test_channels_and_stokes_of_text(rg: regionmanager) -> None:
    cube = chosen(rg.fromtext("circle[[9pix,7pix],4pix], range=[1chan,3chan], corr=[Q]", SHAPE))
    assert cube.any(axis=(0, 1)).tolist() == [[False] * 6, [False, True, True, True, False, False]]


def test_several_lines_are_united_and_taken_away(rg: regionmanager) -> None:
    record = rg.fromtext("box[[2pix,2pix],[12pix,12pix]]\n-circle[[7pix,7pix],3pix]", SHAPE)
    assert np.array_equal(plane(record), box(slice(2, 13), slice(2, 13)) & (np.hypot(X - 7, Y - 7) > 3))


def test_set_algebra(rg: regionmanager) -> None:
    a, b = (rg.wbox([f"{lo}pix"] * 2, [f"{hi}pix"] * 2, [0, 1]) for lo, hi in ((2, 8), (5, 12)))
    one, two = box(slice(2, 9), slice(2, 9)), box(slice(5, 13), slice(5, 13))
    assert np.array_equal(plane(rg.makeunion({"a": a, "b": b})), one | two)
    assert np.array_equal(plane(rg.intersection({"a": a, "b": b})), one & two)
    assert np.array_equal(plane(rg.difference(a, b)), one & ~two)
    assert np.array_equal(plane(rg.complement(a)), ~one)
    assert rg.makeunion([a, b], "mine")["comment"] == "mine"
    apart = rg.wbox(["14pix", "14pix"], ["15pix", "15pix"], [0, 1])
    with pytest.raises(SelectionError):
        chosen(rg.intersection({"a": a, "b": apart}))
    for call in (
        lambda: rg.makeunion({"a": a}),
        lambda: rg.intersection([]),
        lambda: rg.difference(a, {}),
        lambda: rg.complement({}),
    ):
        with pytest.raises(ParameterError, match="region records"):
            call()
    assert np.array_equal(plane(rg.concatenation(b, [a])), one & two)
    assert np.array_equal(plane(rg.concatenation([b], [a, a])), one & two)
    with pytest.raises(ParameterError):
        rg.concatenation()


def test_box_channel_and_stokes_selections(rg: regionmanager, csys: dict[str, Any]) -> None:
    cube = chosen(rg.frombcs(csys, SHAPE, "2,3,5,9", "1~2;5", "Q"))
    expected = np.zeros(SHAPE, bool)
    expected[2:6, 3:10, 1, [1, 2, 5]] = True
    assert np.array_equal(cube, expected)
    first = chosen(rg.frombcs(csys, SHAPE, stokescontrol="f"))
    assert first[:, :, 0].all() and not first[:, :, 1].any()
    with pytest.raises(ParameterError, match="stokescontrol"):
        rg.frombcs(csys, SHAPE, stokescontrol="x")
    with pytest.raises(ParameterError, match="not both"):
        rg.frombcs(csys, SHAPE, "1,1,2,2", region="circle[[5pix,5pix],2pix]")


def test_channels(rg: regionmanager) -> None:
    assert rg.selectedchannels("0~2,5", SHAPE).tolist() == [0, 1, 2, 5]
    assert rg.selectedchannels(">3", SHAPE).tolist() == [4, 5]
    assert rg.selectedchannels("", SHAPE).tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ParameterError, match="no spectral axis"):
        rg.selectedchannels("1", [4, 4])


def test_regions_in_tables_and_files(rg: regionmanager) -> None:
    region = rg.fromtext("circle[[9pix,7pix],4pix]", SHAPE)
    assert rg.fromrecordtotable("a.im", "mine", region) == "mine"
    assert rg.namesintable("a.im") == ["mine"]
    assert np.array_equal(plane(rg.fromtabletorecord("a.im", "mine")), plane(region))
    with pytest.raises(OutputExistsError, match="mine"):
        rg.fromrecordtotable("a.im", "mine", region)
    assert rg.deletefromtable("a.im", "mine") and rg.namesintable("a.im") == []
    for call in (lambda: rg.deletefromtable("a.im", "mine"), lambda: rg.fromtabletorecord("a.im", ["mine"])):
        with pytest.raises(PathMissingError, match="mine"):
            call()
    with pytest.raises(ParameterError, match="a name"):
        rg.fromrecordtotable("a.im", "", region)
    assert rg.fromrecordtotable("a.im", "m", region, asmask=True) == "m"
    with CasaImage.open("a.im") as kept:
        mask = kept.read_mask(name="m")
        assert np.array_equal(mask[0, 0].T, plane(region))
    with pytest.raises(OutputExistsError, match="mask 'm'"):
        rg.fromrecordtotable("a.im", "m", region, asmask=True)
    assert rg.tofile("r.rgn", region)
    assert np.array_equal(plane(rg.fromfiletorecord("r.rgn")), plane(region))
    with open("text.crtf", "w", encoding="utf-8") as stream:
        stream.write("circle")
    write_record("other.rgn", {"name": "none"})
    for path in ("text.crtf", "other.rgn", "a.im"):
        with pytest.raises(ParameterError):
            rg.fromfiletorecord(path)
    with pytest.raises(ParameterError, match="not a region record"):
        rg.tofile("x.rgn", {})


def test_refusals(rg: regionmanager, csys: dict[str, Any]) -> None:
    fresh = regionmanager()
    with pytest.raises(ParameterError, match="no coordinate system"):
        fresh.fromtext("circle[[5pix,5pix],2pix]", SHAPE)
    rg.done()
    with pytest.raises(ParameterError, match="no coordinate system"):
        rg.selectedchannels("1", SHAPE)
    for match, call in (
        ("holds no region", lambda: rg.fromtext("  ", SHAPE, csys)),
        ("units", lambda: rg.wbox(["2", "3"], ["5", "9"], [0, 1], csys)),
        ("2 axes need", lambda: rg.wbox(["2pix"], ["5pix", "9pix"], [0, 1], csys)),
        ("three vertices", lambda: rg.wpolygon(["2pix", "3pix"], ["2pix", "3pix"], csys=csys)),
        ("one unit", lambda: rg.wpolygon(["2pix", "3pix", "1deg"], ["2pix", "3pix", "5pix"], csys=csys)),
        ("same number", lambda: rg.box([1, 2], [3, 4, 5])),
        ("1, 2 or 3", lambda: rg.absreltype(7)),
    ):
        with pytest.raises(ParameterError, match=match):
            call()
    for call in (
        lambda: rg.box([1], [2], absrel="other"), lambda: rg.wbox(["1pix"], ["2pix"], [0], csys, "other"),
        lambda: rg.wpolygon(["2pix"] * 3, ["2pix"] * 3, [0, 1], csys, "other"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match="absrel"):
            call()
    assert rg.absreltype(1) == "abs"


def test_records_that_cannot_be_used(rg: regionmanager) -> None:
    base = rg.wbox(["2pix", "3pix"], ["5pix", "9pix"], [0, 1])
    circle = rg.fromtext("circle[[9pix,7pix],4pix]", SHAPE)
    for kind, record in (
        (ParameterError, {"isRegion": 2, "name": "WCMystery"}),
        (ParameterError, {"isRegion": 2, "name": "WCUnion", "regions": {"nr": 0}}),
        (ParameterError, {**base, "absrel": np.array([7, 2])}),
        (SelectionError, {**base, "pixelAxes": np.array([1, 9])}),
        (ParameterError, {**circle, "type": 3}),
        (SelectionError, rg.box([5, 5], [2, 2])),
        (SelectionError, rg.box([0] * 6, [1] * 6)),
        (SelectionError, rg.wbox(["170deg", "0deg"], ["171deg", "1deg"], [0, 1])),
    ):
        with pytest.raises(kind):
            chosen(record)


def test_positions_from_the_reference_and_from_the_centre(rg: regionmanager, csys: dict[str, Any]) -> None:
    from casatools.tools.coordsys.structure import coordinates_from_tool_record

    coordinates = coordinates_from_tool_record(csys)
    x0, y0 = (round(float(v)) for v in coordinates.reference_pixel[:2])
    wanted = box(slice(x0 - 2, x0 + 4), slice(y0 - 1, y0 + 3))
    assert np.array_equal(plane(rg.box([-2, -1], [3, 2], absrel="relref")), wanted)
    assert np.array_equal(plane(rg.wbox(["-2pix", "-1pix"], ["3pix", "2pix"], [0, 1], csys, "relref")), wanted)
    step = [abs(v) for v in coordinates.increment[:2]]
    units = coordinates.units[:2]
    low = [f"{2.1 * step[0]}{units[0]}", f"{-1.1 * step[1]}{units[1]}"]
    high = [f"{-3.1 * step[0]}{units[0]}", f"{2.1 * step[1]}{units[1]}"]
    assert np.array_equal(plane(rg.wbox(low, high, [0, 1], csys, "relref")), wanted)
    middle = [n / 2 for n in SHAPE[:2]]  # what CASA calls the centre
    found = plane(rg.wpolygon(["-3pix", "3pix", "3pix", "-3pix"], ["-2pix", "-2pix", "2pix", "2pix"], [0, 1], csys, "relcen"))
    x, y = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij")
    inside = (np.abs(x - middle[0]) <= 3) & (np.abs(y - middle[1]) <= 2)
    assert np.array_equal(found, inside)


def test_ellipses_of_records_are_turned_from_x(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CASA's record of an ellipse at 20 degrees (north through east) says 110 degrees, counted from +x."""
    monkeypatch.chdir(tmp_path)
    ia, rg = image(), regionmanager()
    ia.fromshape("e.im", [22, 18])
    csys, text = ia.coordsys().torecord(), "ellipse[[8pix,8pix],[5pix,2pix],20deg]"
    record = rg.fromtext(text, [22, 18], csys)
    assert record["theta"]["value"] == pytest.approx(np.radians(110))
    chosen = ia.getregion(text, getmask=True)
    assert np.array_equal(ia.getregion(record, getmask=True), chosen) and not np.array_equal(chosen, chosen[::-1])
    other = {**record, "theta": {"unit": "deg", "value": -70.0}}
    assert np.array_equal(ia.getregion(other, getmask=True), chosen)
    assert rg.fromtext("circle[[8pix,8pix],3pix]", [22, 18], csys)["theta"]["value"] == 0
    ia.done()


def test_the_centre_is_the_references(rg: regionmanager) -> None:
    # blc of box([-2, -2], [2, 2], absrel="relcen") in CASA 6.7: 2, 3 on 7 x 9 pixels and 9, 7 on 22 x 18
    for shape, first in (((7, 9), [2, 3]), ((22, 18), [9, 7])):
        tool = image()
        tool.fromshape("", [*shape, 1, 3])
        assert tool.boundingbox(rg.box([-2, -2], [2, 2], absrel="relcen"))["blc"].tolist()[:2] == first
        tool.done()


def test_records_of_selections_are_boxes_of_all_axes(rg: regionmanager, csys: dict[str, Any]) -> None:
    record = rg.frombcs(csys, SHAPE, box="2,2,8,8", chans="1~2;4~5")
    assert record["name"] == "WCUnion" and record["regions"]["nr"] == 2
    for k, (first, last) in enumerate(((1, 2), (4, 5))):
        part = record["regions"][f"*{k + 1}"]
        assert part["name"] == "WCBox" and part["pixelAxes"].tolist() == [1, 2, 3, 4]
        expected = np.zeros(SHAPE, bool)
        expected[2:9, 2:9, :, first : last + 1] = True
        assert np.array_equal(chosen(part), expected)
    for text in ("circle[[8pix,8pix],3pix]", "poly[[2pix,2pix],[9pix,3pix],[5pix,9pix]]"):
        record = rg.fromtext(text, SHAPE, csys)
        assert {v["unit"] for v in (record["center"].values() if "center" in record else (record["x"], record["y"]))} == {"rad"}


def test_corners_in_one_text(rg: regionmanager) -> None:
    assert np.array_equal(
        chosen(rg.wbox("2pix 3pix", "8pix 9pix", [0, 1])), chosen(rg.wbox(["2pix", "3pix"], ["8pix", "9pix"], [0, 1]))
    )
    polygon = rg.wpolygon("2pix 12pix 8pix", "3pix 4pix 14pix", [0, 1])
    assert polygon["x"]["unit"] != "pix"  # kept in world values, as CASA keeps them
    there = rg.fromtext("poly[[2pix,3pix],[12pix,4pix],[8pix,14pix]]", SHAPE)
    assert np.array_equal(chosen(polygon), chosen(there))
    mixed = rg.wpolygon(["2pix", "12pix", "8pix"], ["3'", "4'", "9'"], [0, 1])
    assert mixed["x"]["unit"] == "pix" and mixed["y"]["unit"] == "'"


def test_channels_by_frequency(rg: regionmanager, csys: dict[str, Any]) -> None:
    tool = image()
    tool.open("a.im")
    hertz = [float(tool.toworld([0, 0, 0, c])["numeric"][3]) for c in (2, 4)]
    tool.done()
    assert rg.selectedchannels(f"range=[{hertz[0]!r}Hz,{hertz[1]!r}Hz]", SHAPE).tolist() == [2, 3, 4]
    assert rg.selectedchannels("range=[1chan,2chan]", SHAPE).tolist() == [1, 2]


def test_steps_mask_the_pixels_between_and_corners_in_a_row_add_nothing(rg: regionmanager) -> None:
    steps = chosen(rg.box([1, 2, 0, 1], [8, 9, 0, 5], [2, 3, 1, 1]))
    expected = np.zeros(SHAPE, bool)
    expected[1:9:2, 2:10:3, 0, 1:6] = True
    assert np.array_equal(steps, expected)
    corners = np.array([[5.56, 4.0], [15.53, 5.0], [11.0, 14.0]])
    polygon = chosen(rg.wpolygon(*([f"{v}pix" for v in corners[:, k]] for k in (0, 1)), [0, 1]))[..., 0, 0]
    x, y = np.indices(polygon.shape)
    sides = [
        (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= -1e-9
        for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)
    ]
    assert np.array_equal(polygon, np.logical_and.reduce(sides)) and polygon.sum() == 50


def test_coordinates_that_are_none_are_refused(rg: regionmanager) -> None:
    with pytest.raises(ParameterError, match="no coordinates"):
        rg.setcoordinates({})


def test_kept_regions_are_named(rg: regionmanager) -> None:
    """A region of an image by ``image:name`` or, on that image, by its name; one of a file by the file; as in CASA."""
    region = rg.fromtext("circle[[8pix,8pix],3pix]", SHAPE)
    rg.fromrecordtotable("a.im", "mine", asmask=False, regionrec=region)
    rg.tofile("mine.rgn", region)
    for name in ("a.im:mine", "mine", "mine.rgn"):
        assert np.array_equal(chosen(name), chosen(region)), name
    imsubimage("a.im", "b.im", region="a.im:mine", chans="1~2")
    with CasaImage.open("b.im") as made:
        assert made.shape == (2, 2, 7, 7)
    with pytest.raises(SelectionError, match=r"image 'a.im' keeps no region 'yours'; its regions: mine"):
        chosen("a.im:yours")
    with pytest.raises(SelectionError, match="neither region text nor a region file"):
        chosen("yours")
    Path("plain.txt").write_text("circle", encoding="utf-8")
    with pytest.raises(ParameterError, match="first line must begin with #CRTF"):
        chosen("plain.txt")
    rg.fromrecordtotable("a.im", "m", asmask=True, regionrec=region)
    with CasaImage.open("a.im") as made:
        assert np.array_equal(made.read_mask(name="m").transpose(), chosen(region))
