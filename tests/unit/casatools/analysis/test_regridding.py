"""Regridding: places, edges, interpolation along all kinds of axes, frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import imregrid
from casatools import image
from casatools._base.errors import DataError, ParameterError
from casatools.analysis.regrid_places import axis_weights, exact_directions
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.image_frames import convert_directions
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(shape: tuple[int, ...] = (6, 1, 18, 20), **more: object) -> np.ndarray:
    coordinates = make_image_coordinates(shape[:1:-1], (CELL, CELL), (3.1, 0.5), 1.4e9 + 1e6 * np.arange(shape[0]), stokes=["I"])
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    with CasaImage.create("a.im", shape, coordinates, unit="Jy/beam", mask="mask0") as made:
        made.write(values)
        made.write_mask(more.get("good", np.ones(shape, bool)))
    return values


def regridded(
    wanted: Coordinates, shape: tuple[int, ...], axes: tuple[int, ...], **options: object
) -> tuple[np.ndarray, np.ndarray]:
    with CasaImage.open("a.im") as given:
        regrid_image(given, "r.im", wanted, shape, RegridOptions(axes, **options), PixelChoice(), overwrite=True)
    with CasaImage.open("r.im") as found:
        return found.read(), found.read_mask() if found.has_mask else np.ones(found.shape, bool)


def moved(kind: str, pixel: list[float], scale: float = 1.0) -> Coordinates:
    with CasaImage.open("a.im") as given:
        wanted = given.coordinates.copy()
    index = wanted.find(kind)
    member = wanted.members[index]
    wanted.replace(index, member.with_reference(pixel=np.array(pixel), increment=member.increment * scale))
    return wanted


@pytest.mark.parametrize(("method", "count"), [("linear", 20 * 18), ("cubic", 20 * 18), ("nearest", 19 * 17)])
def test_edges_are_the_reference_s(method: str, count: int) -> None:
    """Linear and cubic reach almost a pixel beyond the edge, nearest half a pixel."""
    make()
    values, good = regridded(moved("Direction", [10.7, 9.7]), (20, 18, 1, 6), (0, 1), method=method)
    assert good[0].sum() == count and np.all(values[~good] == 0)


def test_decimate_decides_on_the_very_edge() -> None:
    """Places that fall exactly on the limit: the counts that CASA 6.7 has for the same grids."""
    coordinates = make_image_coordinates((32, 28), (CELL, CELL), (np.pi, np.pi / 6), 1.4e9 + 5e4 * np.arange(2), stokes=["I"])
    with CasaImage.create("a.im", (2, 1, 28, 32), coordinates) as made:
        made.write(1.0)
    wanted = moved("Direction", [10.0, 9.0], 2.0)
    counts = [int(regridded(wanted, (20, 18, 1, 2), (0, 1), decimate=d)[1][0].sum()) for d in (4, 0, 6)]
    assert counts == [230, 236, 241]


def test_cubic_follows_a_cubic_and_falls_back_to_lines_at_the_edge() -> None:
    shape = (1, 1, 18, 20)
    good = np.ones(shape, bool)
    good[0, 0, 8, 8] = False
    make(shape, good=good)
    y, x = np.mgrid[0:18, 0:20].astype(float)
    with CasaImage.open("a.im", writable=True) as image_:
        image_.write((0.02 * x**2 - 0.3 * y)[None, None])
    values, usable = regridded(moved("Direction", [10.5, 9.0]), (20, 18, 1, 1), (0, 1), method="cubic")
    place = x - 0.5
    inner = usable[0, 0] & (x > 2) & (x < 18) & (y > 1) & (y < 15)
    assert np.allclose(values[0, 0][inner], (0.02 * place**2 - 0.3 * y)[inner], atol=1e-4)
    assert not usable[0, 0, 8, 7:11].any() and usable[0, 0, 8, 11]
    assert values[0, 0, 8, 1] == pytest.approx(0.01 - 2.4, abs=1e-4)


def test_the_spectrum_is_a_natural_spline() -> None:
    from scipy.interpolate import CubicSpline

    cube = make((40, 1, 4, 4))
    values, good = regridded(moved("Spectral", [5.2], 0.37), (4, 4, 1, 100), (3,), method="cubic")
    places = (np.arange(100) - 5.2) * 0.37
    inside = (places >= 0) & (places <= 39)
    assert np.array_equal(good[:, 0, 0, 0], inside)
    assert np.allclose(values[inside], CubicSpline(np.arange(40), cube, bc_type="natural")(places[inside]), atol=1e-5)
    assert axis_weights(3.0000000001, 7, "linear") == {3: 1.0} and axis_weights(7.2, 7, "linear") is None
    assert axis_weights(2.5, 7, "nearest") == {3: 1.0} and axis_weights(0.2, 2, "cubic") == {0: 0.8, 1: 0.2}


def test_axes_of_position_velocity_images() -> None:
    """Known issue of imregrid: images of offset and frequency cannot be regridded by CASA."""
    coordinates = make_image_coordinates((4, 4), (CELL, CELL), (0.0, 0.0), 1.4e9 + 1e6 * np.arange(6), stokes=["I"])
    offset = LinearCoordinate.make(["Offset"], ["arcsec"], 0.0, 8.0, 2.0)
    pv = Coordinates([offset, coordinates.spectral], observation=coordinates.observation)
    wave = 0.5 * np.arange(17)[None, :] - 2.0 * np.arange(6)[:, None]
    with CasaImage.create("a.im", (6, 17), pv, mask="mask0") as made:
        made.write(wave)
        made.write_mask(True)
    wanted = moved("Spectral", [1.0], 0.5)
    wanted.replace(0, LinearCoordinate.make(["Offset"], ["arcmin"], 0.0, 4.0, 1 / 60))
    values, good = regridded(wanted, (9, 8), ())
    where = 8.0 + (np.arange(9) - 4.0) / 2.0
    channel = (np.arange(8) - 1.0) * 0.5
    expected = 0.5 * where[None, :] - 2.0 * channel[:, None]
    inside = np.broadcast_to((channel >= 0)[:, None], good.shape)
    assert np.array_equal(good, inside) and np.allclose(values[inside], expected[inside], atol=1e-5)
    with pytest.raises(ParameterError, match="linear axes"):
        regridded(
            Coordinates(
                [LinearCoordinate.make(["a", "b"], ["m", "m"], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]), coordinates.spectral]
            ),
            (9, 8),
            (0,),
        )
    with pytest.raises(DataError, match="overlap"):
        regridded(moved("Spectral", [900.0]), (17, 6), (1,))


def test_frames_by_name_keep_every_pixel_in_place() -> None:
    """Known issue of imregrid: tenths of arcseconds on rotation of the frame; ours is exact, so a source moves by less than a mas."""
    with pytest.raises(ParameterError, match="output"):
        make()
        imregrid("a.im", template="GALACTIC")
    y, x = np.mgrid[0:18, 0:20].astype(float)
    with CasaImage.open("a.im", writable=True) as given:
        given.write((0.1 * x + 0.03 * y)[None, None].astype(np.float32).repeat(6, axis=0))
        own = given.coordinates
    imregrid("a.im", template="galactic", output="g.im")
    with CasaImage.open("g.im") as found:
        assert found.coordinates.direction.frame == "GALACTIC" and found.shape[0] == 6
        values, good = found.read()[0, 0], found.read_mask()[0, 0]
        grid = np.mgrid[0 : found.shape[2], 0 : found.shape[3]].astype(float)
        world = found.coordinates.direction.with_units(("rad", "rad")).to_world(np.array([grid[1].ravel(), grid[0].ravel()]))
    lon, lat = exact_directions(*world, "GALACTIC", "J2000")
    assert np.allclose(
        convert_directions(*world, "GALACTIC", "J2000"), (lon, lat), atol=4e-6
    )  # CASA's own, half an arcsecond off
    px, py = own.direction.with_units(("rad", "rad")).to_pixel(np.array([lon, lat])).reshape(2, *values.shape)
    assert good.sum() >= 20 * 18 and np.allclose(values[good], (0.1 * px + 0.03 * py)[good], atol=1e-5)
    with CasaImage.create("l.im", (5,), Coordinates([LinearCoordinate.make(["x"], ["m"])])):
        pass
    with pytest.raises(DataError, match="sky axes"):
        imregrid("l.im", template="B1950", output="b.im")


def test_replicate_dropdeg_and_doref() -> None:
    values = make()
    ia = image()
    ia.open("a.im")
    cs = ia.coordsys()
    twice = ia.regrid("", shape=[40, 36, 1, 6], csys=cs.torecord(), axes=[0, 1], replicate=True, dropdeg=True)
    assert twice.shape().tolist() == [40, 36, 6]
    small = twice.regrid("", shape=[20, 18, 6], csys=twice.coordsys().torecord(), axes=[0, 1], replicate=True)
    assert np.allclose(small.getchunk()[1:-1, 1:-1].mean(), values[:, 0, 1:-1, 1:-1].mean(), atol=5e-3)
    # Every axis is matched by number, whatever the coordinates wanted say.
    cs.setincrement(7e7, "spectral")
    channels = ia.regrid("", csys=cs.torecord(), axes=[3], replicate=True)
    assert np.allclose(channels.getchunk().T, values, atol=1e-6) and channels.getchunk(getmask=True).all()
    channels.done()
    cs.setreferencecode("GALACTIC", "direction", adjust=False)
    as_is = ia.regrid("", csys=cs.torecord(), axes=[0, 1], doref=False)
    assert np.allclose(as_is.getchunk().T, values, atol=1e-5)
    for tool in (twice, small, as_is, ia):
        tool.done()


def test_frequencies_of_other_frames_are_converted() -> None:
    make()
    wanted = moved("Spectral", [0.0])
    member = wanted.spectral
    wanted.replace(wanted.find("Spectral"), member.with_frame("BARY"))
    assert regridded(wanted, (20, 18, 1, 6), (3,))[1].any()
    with CasaImage.open("r.im") as found:
        assert found.coordinates.spectral.frame == "BARY"


def test_beams_of_channels_follow_them() -> None:
    ia = image()
    ia.fromshape("p.im", [12, 10, 1, 4])
    for channel in range(4):
        ia.setrestoringbeam(f"{9 - channel}arcsec", "4arcsec", "0deg", channel=channel, polarization=0)
    system = ia.coordsys()
    start = float(system.referencepixel()["numeric"][3])
    system.setreferencepixel([start - 1], type="spectral")  # the new channels 0, 1, 2 are 1, 2, 3
    made = ia.regrid("", [12, 10, 1, 3], system.torecord(), axes=[3])
    beams = made.restoringbeam()["beams"]
    assert [beams[f"*{k}"]["*0"]["major"]["value"] for k in range(3)] == [8.0, 7.0, 6.0]
    system.setreferencepixel([start - 0.5], type="spectral")
    with pytest.raises(DataError, match="between channels of different beams"):
        ia.regrid("half.im", [12, 10, 1, 3], system.torecord(), axes=[3])
    assert not Path("half.im").exists()
    system.setreferencepixel([start - 0.9], type="spectral")
    beams = ia.regrid("", [12, 10, 1, 3], system.torecord(), axes=[3], method="nearest").restoringbeam()["beams"]
    assert [beams[f"*{k}"]["*0"]["major"]["value"] for k in range(3)] == [8.0, 7.0, 6.0]
