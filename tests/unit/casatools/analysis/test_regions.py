"""Region text and pixel selection; counts from CASA 6.7 on the shared image cube.im (32 x 28 x 1 x 24, 3 arcsec pixels)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from casatools._base.errors import ParameterError, SelectionError
from casatools.analysis.regions import ImageSelection, PixelSet, Term, parse_channels, parse_crtf, parse_crtf_file
from casatools.analysis.regions.record_writing import selection_record
from casatools.analysis.regions.records import record_region
from casatools.analysis.regions.shapes import Ellipse, Polygon, Rectangle
from casatools.frames.directions import convert_directions
from casatools.frames.image_frames import conversion_record, layer_factor
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.observation import ObservationInfo
from casatools.io.image.coordinates.system import Coordinates
from casatools.tools.coordsys.structure import tool_record

CIRCLE = "circle[[15pix,14pix],4pix]"


@pytest.fixture
def cube(shared_input: Callable[[str], str]) -> CasaImage:
    return CasaImage.open(shared_input("cube.im"))


def chosen(image: CasaImage, **what: str) -> tuple[int, list[int], list[int]]:
    pixels = ImageSelection(**what).resolve(image.coordinates, image.shape)
    block = pixels.block(pixels.slices)
    count = int(np.prod(pixels.box_shape)) if block is None else int(block.sum())
    return count, pixels.first[::-1], pixels.last[::-1]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("region", "count", "first", "last"),
    [
        ("box[[5pix,5pix],[10.4pix,12.6pix]]", 1152, [5, 5], [10, 12]),
        ("box[[5.6pix,5.5pix],[10.5pix,12.5pix]]", 840, [6, 6], [10, 12]),
        ("centerbox[[15pix,14pix],[5pix,4pix]]", 600, [13, 12], [17, 16]),
        ("rotbox[[15pix,14pix],[8pix,4pix],30deg]", 792, [11, 11], [19, 17]),
        (CIRCLE, 1176, [11, 10], [19, 18]),
        ("annulus[[15pix,14pix],[2pix,5pix]]", 1632, [10, 9], [20, 19]),
        ("ellipse[[15pix,14pix],[6pix,3pix],30deg]", 1320, [9, 8], [21, 20]),
        ("ellipse[[15pix,14pix],[6pix,3pix],0deg]", 1320, [12, 8], [18, 20]),
        ("poly[[5pix,5pix],[20pix,7pix],[12pix,20pix]]", 2592, [5, 5], [20, 20]),
        ("circle[[12h00m00s,30d00m00s],9arcsec]", 696, [13, 11], [19, 17]),
        ("box[[12h00m01s,29d59m45s],[11h59m59s,30d00m10s]]", 1944, [12, 9], [20, 17]),
        ("rotbox[[12h00m00s,30d00m00s],[20arcsec,12arcsec],30deg]", 648, [13, 11], [19, 17]),
        ("circle[[180deg,30deg],9arcsec], coord=J2000", 696, [13, 11], [19, 17]),
        ("box[[5pix,5pix],[50pix,50pix]]", 14904, [5, 5], [31, 27]),
    ],
)
def test_shapes(cube: CasaImage, region: str, count: int, first: list[int], last: list[int]) -> None:
    found = chosen(cube, region=region)
    assert found[0] == count
    assert found[1][:2] == first
    assert found[2][:2] == last


@pytest.mark.shared
@pytest.mark.parametrize(
    ("what", "count", "channels"),
    [
        ({"region": f"{CIRCLE}, range=[3chan,5chan]"}, 147, (3, 5)),
        ({"region": f"{CIRCLE}, range=[1.42010GHz,1.42020GHz]"}, 147, (2, 4)),
        (
            {"region": "circle[[180deg,30deg],9arcsec], range=[-10km/s,20km/s], veltype=RADIO, restfreq=1.42040575GHz"},
            116,
            (6, 9),
        ),
        ({"region": f"{CIRCLE}, corr=[I]"}, 1176, (0, 23)),
        ({"region": f"#CRTFv0\n{CIRCLE}\n-box[[15pix,10pix],[19pix,18pix]]", "chans": "0"}, 20, (0, 0)),
        ({"box": "5,5,20,20", "chans": "3~8"}, 1536, (3, 8)),
        ({"box": "0,0,1,1,4,4,5,5", "chans": "2,4"}, 16, (2, 4)),
        ({"stokes": "I", "chans": "<2"}, 1792, (0, 1)),
        ({"chans": "range=[1.42010GHz,1.42020GHz]"}, 2688, (2, 4)),
        ({}, 21504, (0, 23)),
    ],
)
def test_selection(cube: CasaImage, what: dict[str, str], count: int, channels: tuple[int, int]) -> None:
    found = chosen(cube, **what)
    assert found[0] == count
    assert (found[1][3], found[2][3]) == channels


@pytest.mark.shared
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"box": "1,2,3"}, "four numbers"),
        ({"box": "a,b,c,d"}, "must be numbers"),
        ({"box": "9,9,3,3"}, "must not lie beyond"),
        ({"box": "0,0,99,99"}, "reaches outside"),
        ({"chans": "50"}, "channels 0 to 23"),
        ({"chans": "x"}, "cannot be read"),
        ({"stokes": "Q"}, "the image has I"),
        ({"stokes": "Z"}, "cannot be read"),
        ({"region": "no such file"}, "neither region text nor"),
        ({"region": "circle[[500pix,500pix],3pix]"}, "no pixel"),
        ({"region": "ann symbol[[5pix,5pix],D]"}, "only annotations"),
        ({"region": "circle[[0deg,-80deg],3arcsec]"}, "not on the image's projection"),
        ({"region": "circle[5pix,3pix]"}, "must be a pair"),
        ({"region": f"{CIRCLE}, range=[1GHz]"}, "two limits"),
    ],
)
def test_refusals(cube: CasaImage, what: dict[str, str], message: str) -> None:
    with pytest.raises((SelectionError, ParameterError), match=message):
        chosen(cube, **what)


def test_text_is_read() -> None:
    regions = parse_crtf(
        "#CRTFv0\nglobal coord=B1950, color=blue\n# note\n+circle[[1deg, 2deg], 3arcsec], label='a, b]'\nann text[[1deg,2deg],'hi']\n"
    )
    assert [r.shape for r in regions] == ["circle", "text"]
    assert regions[0].keys == {"coord": "B1950", "color": "blue", "label": "a, b]"}
    assert regions[1].annotation
    assert regions[0].line == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blob[[1pix,1pix],2pix]", "does not begin with a shape"),
        ("circle[[1pix,1pix],2pix", "not closed"),
        ("circle[[1pix,1pix]]", "takes 2 arguments"),
        ("circle[[1pix,1pix],2pix], colour=red", "no region key 'colour'"),
        ("circle[[1pix,1pix],2pix], red", "not of the form key=value"),
    ],
)
def test_bad_text(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_crtf(text)


def test_file_must_say_what_it_is(tmp_path: object) -> None:
    with open("regions.txt", "w") as stream:
        stream.write("circle[[1pix,1pix],2pix]\n")
    with pytest.raises(ParameterError, match="must begin with #CRTF"):
        parse_crtf_file("regions.txt")


def test_channels() -> None:
    np.testing.assert_array_equal(parse_channels("0~6^3;9", 12), [0, 3, 6, 9])
    np.testing.assert_array_equal(parse_channels(">=10,<=1", 12), [0, 1, 10, 11])


def test_edges_count_as_inside() -> None:
    square = Polygon((5.0, 20.0, 20.0, 5.0), (5.0, 5.0, 20.0, 20.0))
    y, x = np.mgrid[0:30, 0:30]
    assert square.contains(x, y).sum() == 256
    assert Rectangle(20.0, 20.0, 5.0, 5.0).contains(x, y).sum() == 256
    assert Ellipse(10.0, 10.0, 2.0, 2.0).contains(np.array([12.0, 12.1]), np.array([10.0, 10.0])).tolist() == [True, False]
    # The edge is as narrow about large circles: 76 and 65 pixels off is 100.005 from the centre, 28 and 96 is 100.
    for scale in (1.0, 3e-5):
        large = Ellipse(0.0, 0.0, 100.0 * scale, 100.0 * scale, 0.0, scale, scale)
        assert large.contains(np.array([76.0, 28.0, 100.0]), np.array([65.0, 96.0, 0.0])).tolist() == [False, True, True]


def test_pixel_sets_of_no_pixel() -> None:
    with pytest.raises(SelectionError, match="holds no pixel"):
        PixelSet((4, 4), [Term(None, {0: np.array([], dtype=int)})])
    assert PixelSet((4, 5), []).is_whole


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("centerbox[[15pix,13pix],[6pix,8pix]]", [7, 7, 7, 7, 7, 7, 6, 6, 6]),
        ("centerbox[[15.5pix,13.5pix],[7pix,9pix]]", [8, 8, 8, 8, 8, 8, 8, 7, 7, 7]),
        ("centerbox[[8pix,8pix],[4pix,6pix]]", [2, 4, 4, 5, 4, 4, 2]),
        ("rotbox[[15pix,13pix],[6pix,8pix],90deg]", [9, 9, 9, 9, 9, 8, 8]),
        ("centerbox[[15pix,13pix],[6.5pix,8.5pix]]", [7] * 9),
    ],
)
def test_rectangles_about_a_centre_lie_along_the_sky(text: str, rows: list[int]) -> None:
    """In records their sides follow the meridian of the centre, and centres on the very edge are inside as CASA 6.7 has it; text is exact to the pixel."""
    cell = np.deg2rad(3 / 3600)
    coordinates = make_image_coordinates((32, 28), (cell, cell), (np.pi, np.pi / 6), np.array([1.4e9]), stokes=["I"])
    member = coordinates.direction.with_reference(pixel=np.array([16.0, 14.0]))
    coordinates.replace(coordinates.find("Direction"), member)
    shape = (1, 1, 28, 32)
    found = []
    for region in (text, selection_record(ImageSelection(text), coordinates, shape, tool_record(coordinates))):
        plane = ImageSelection(region).resolve(coordinates, shape).block([slice(0, n) for n in shape])
        if plane is None:
            box = ImageSelection(region).resolve(coordinates, shape)
            plane = np.zeros(shape, bool)
            plane[box.slices] = True
        inside = plane[0, 0].sum(axis=1)
        found.append(inside[inside > 0].tolist())
    assert found[1] == rows and set(found[0]) == {max(rows)}


def test_boxes_of_polygons_have_no_empty_edges() -> None:
    """As CASA's: the corner at y = 14.19 holds no centre of a pixel, and neither does anything of the last sliver."""
    coordinates = make_image_coordinates((22, 18), (1e-5, 1e-5), (1.0, 0.5), [1e9])
    text = "poly[[5.10pix,2.47pix],[7.80pix,8.33pix],[5.10pix,14.19pix],[2.39pix,8.33pix]]"
    found = ImageSelection(text).resolve(coordinates, (1, 1, 18, 22))
    assert (found.first, found.last) == ([0, 0, 3, 3], [0, 0, 13, 7])
    found = ImageSelection("rotbox[[12.28pix,10.12pix],[5.38pix,6.92pix],49.8deg]").resolve(coordinates, (1, 1, 18, 22))
    assert (found.first, found.last) == ([0, 0, 6, 9], [0, 0, 13, 16])
    with pytest.raises(SelectionError, match="no pixel"):
        ImageSelection("poly[[5.1pix,2.2pix],[5.3pix,2.3pix],[5.2pix,2.8pix]]").resolve(coordinates, (1, 1, 18, 22))


def test_limits_between_channels_belong_to_the_next() -> None:
    """A range of channels 4.33 to 8.5 holds 4 to 9, as CASA's."""
    coordinates = make_image_coordinates(
        (22, 18), (1e-5, 1e-5), (1.0, 0.5), 1.41928e9 + 1.2e5 * np.arange(12), rest_frequency_hz=1.4204e9
    )
    found = ImageSelection("box[[1pix,1pix],[5pix,5pix]], range=[1.4198GHz,1.4203GHz]").resolve(coordinates, (12, 1, 18, 22))
    assert (found.first[0], found.last[0]) == (4, 9)


@pytest.mark.parametrize("text", ["IV", "I,V", "I;V", "VI"])
def test_polarizations_are_named_one_after_another(text: str) -> None:
    coordinates = make_image_coordinates((6, 5), (1e-5, 1e-5), (1.0, 0.5), [1e9], stokes=["I", "Q", "U", "V"])
    found = ImageSelection("", "", "", text).resolve(coordinates, (1, 4, 5, 6))
    assert found.chosen_on(1).tolist() == [0, 3]


def test_a_circle_about_a_place_outside() -> None:
    """Its pixels are those within the radius; CASA's mask holds half as many again."""
    cell = np.pi / 648000
    coordinates = make_image_coordinates((22, 18), (2 * cell, 2 * cell), (0.5, -0.4), [1.4e9], stokes=["I"])
    pixels = ImageSelection("circle[[-6.3423pix,11.5504pix],7.2pix]").resolve(coordinates, (1, 1, 18, 22))
    y, x = np.mgrid[0:18, 0:22]
    expected = (x + 6.3423) ** 2 + (y - 11.5504) ** 2 <= 7.2**2
    inside = np.zeros((18, 22), bool)
    inside[tuple(pixels.slices)[2:]] = pixels.block(pixels.slices)[0, 0]
    assert expected.any() and np.array_equal(inside, expected)


def of_sky(frame: str) -> Coordinates:
    """A plane of 90 x 80 pixels of 2e-6 rad and channels in LSRK; the sky in a frame."""
    place = {"type": "position", "refer": "ITRF", "m0": {"value": -1.878, "unit": "rad"}, "m1": {"value": 0.592, "unit": "rad"}}
    return make_image_coordinates(
        (90, 80), (2e-6, 2e-6), (3.6, -0.4), 1.42e9 + 1.2e5 * np.arange(12), direction_frame=frame, channel_width_hz=1.2e5,
        rest_frequency_hz=1.4204e9, observation=ObservationInfo.make("VLA", "me", 58882.0, position={**place, "m2": {"value": 6.37e6, "unit": "m"}}),
    )  # fmt: skip


@pytest.mark.parametrize("frame", ["GALACTIC", "B1950", "ECLIPTIC"])
@pytest.mark.parametrize("shape", ["ellipse", "rotbox", "centerbox", "box", "circle"])
def test_shapes_of_another_frame_lie_along_its_meridians(frame: str, shape: str) -> None:
    """Each pixel's own direction in the frame of the region tells whether it is inside; the reference has the same pixels but for one at an edge."""
    coordinates = of_sky(frame)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(90.0), np.arange(80.0)))
    direction = coordinates.direction
    assert direction is not None
    lon, lat = convert_directions(*(direction.to_world(np.array([x, y])) * direction._to_rad[:, None]), frame, "J2000")
    at = np.hypot(x - 45, y - 40).argmin()
    centre = f"[{lon[at]:.12f}rad,{lat[at]:.12f}rad]"
    east, north = (lon - lon[at]) * np.cos(lat[at]), lat - lat[at]
    turn = np.radians({"ellipse": 35, "rotbox": 35}.get(shape, 0))
    # an ellipse's first axis is along its position angle, a box's across
    along, across = east * np.sin(turn) + north * np.cos(turn), east * np.cos(turn) - north * np.sin(turn)
    second = f"[{lon[at] + 5e-5:.12f}rad,{lat[at] + 4e-5:.12f}rad]"
    text, inside = {
        "ellipse": (f"ellipse[{centre},[6e-5rad,3e-5rad],35deg]", (along / 6e-5) ** 2 + (across / 3e-5) ** 2 <= 1),
        "rotbox": (f"rotbox[{centre},[1e-4rad,4e-5rad],35deg]", (np.abs(across) <= 5e-5) & (np.abs(along) <= 2e-5)),
        "centerbox": (f"centerbox[{centre},[1e-4rad,4e-5rad]]", (np.abs(east) <= 5e-5) & (np.abs(north) <= 2e-5)),
        "box": (f"box[{centre},{second}]", (lon >= lon[at]) & (lon <= lon[at] + 5e-5) & (north >= 0) & (north <= 4e-5)),
        "circle": (f"circle[{centre},5.03e-5rad]", np.hypot(east, north) <= 5.03e-5),
    }[shape]
    pixels = ImageSelection(region=f"{text}, coord=J2000", chans="0").resolve(coordinates, (12, 1, 80, 90))
    found = np.zeros((80, 90), bool)
    block = pixels.block(pixels.slices)
    found[pixels.slices[2], pixels.slices[3]] = True if block is None else np.asarray(block)[0, 0]
    # those on the edge itself (two sides of the box) are in by rounding
    assert np.count_nonzero(found.ravel() != inside) <= (45 if shape == "box" else 8) and found.sum() > 300


def test_ranges_are_in_the_frame_that_is_named_or_asked_for() -> None:
    coordinates = of_sky("J2000")
    spectral = coordinates.spectral
    assert spectral is not None

    def channels(keys: str, of: Coordinates = coordinates) -> list[int]:
        pixels = ImageSelection(region=f"{CIRCLE}, range=[{keys}").resolve(of, (12, 1, 80, 90))
        return [pixels.first[0], pixels.last[0]]

    asked = coordinates.copy()
    index = asked.find("Spectral")
    assert index is not None
    asked.replace(index, replace(spectral, conversion=conversion_record(coordinates, "GALACTO")))
    factor = layer_factor(asked.members[index])
    low, high = (v * factor for v in (1.42024e9, 1.42048e9))
    assert abs(low - 1.42024e9) > 1.5e5
    text = f"{low:.1f}Hz,{high:.1f}Hz]"
    assert channels(text, asked) == channels(f"{text}, frame=GALACTO") == [2, 4]
    assert channels(text) != [2, 4] == channels("1.42024GHz,1.42048GHz], frame=LSRK", asked)
    speeds = spectral.velocity(np.array([high, low]), "OPTICAL", "km/s")
    assert channels(f"{speeds[0]:.6f}km/s,{speeds[1]:.6f}km/s], veltype=OPTICAL, frame=GALACTO") == [2, 4]
    for key in ("frame=NONSUCH", "veltype=NONSUCH"):
        with pytest.raises(ParameterError, match="NONSUCH"):
            channels(f"1.42024GHz,1.42048GHz], {key}")


def test_records_of_another_frame_are_refused() -> None:
    shape = (12, 1, 80, 90)
    sky, other = of_sky("J2000"), of_sky("ICRS")
    region = selection_record(ImageSelection(region=CIRCLE), sky, shape, tool_record(sky))
    record_region(region, sky, shape)
    with pytest.raises(SelectionError, match="the region's direction values are in J2000, the image's in ICRS"):
        record_region(region, other, shape)
    asked = sky.copy()
    index, spectral = asked.find("Spectral"), sky.spectral
    assert index is not None and spectral is not None
    asked.replace(index, replace(spectral, conversion={**spectral.conversion, "system": "BARY"}))
    region = selection_record(ImageSelection(chans="2~4"), sky, shape, tool_record(sky))
    with pytest.raises(SelectionError, match="the region's spectral values are in LSRK, the image's in BARY"):
        record_region(region, asked, shape)


def test_circles_of_oblong_pixels() -> None:
    """The number of pixels is the area on the sky over that of a pixel."""
    coordinates = make_image_coordinates((90, 80), (2e-6, 3e-6), (3.6, -0.4), [1.42e9])
    pixels = ImageSelection(region="circle[[44pix,39pix],6.3e-5rad]").resolve(coordinates, (1, 1, 80, 90))
    block = pixels.block(pixels.slices)
    assert block is not None and block.sum() == pytest.approx(np.pi * 6.3e-5**2 / 6e-12, abs=6)
    assert np.ptp(np.nonzero(np.asarray(block)[0, 0])[1]) > 1.4 * np.ptp(np.nonzero(np.asarray(block)[0, 0])[0])
