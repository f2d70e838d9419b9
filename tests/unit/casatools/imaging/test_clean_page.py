"""The page of interactive cleaning over HTTP: masks, limits, decisions, refusals."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from astropy.coordinates import Angle, SkyCoord

from casatools._base.errors import DataError, ParameterError
from casatools.imaging import clean_page
from casatools.imaging.auto_mask import AutoMask, AutoMaskOptions
from casatools.imaging.clean_page import CleanPage, PageImage, channel_text, place_text, reduced, region_text
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.coordinates.make import make_image_coordinates

SHAPE = (2, 1, 24, 20)


@pytest.fixture
def shown() -> PageImage:
    rng = np.random.default_rng(1)
    deconvolver = PlaneDeconvolver()
    residual = rng.normal(size=SHAPE).astype(np.float32)
    deconvolver.planes = Planes(
        residual[:, 0], residual, np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool), np.ones(2), [None, None]
    )
    coordinates = make_image_coordinates((20, 24), (1e-5, 1e-5), (1.0, 0.5), np.array([1e9, 1.001e9]), stokes=["I"])
    allowed = np.ones(SHAPE, bool)
    allowed[..., 0] = False
    return PageImage("main", deconvolver, coordinates, ["I"], allowed)


@pytest.fixture
def page(shown: PageImage) -> Iterator[CleanPage]:
    made = CleanPage([shown])
    yield made
    made.close()


def ask(page: CleanPage, path: str, body: Any = None, raw: bytes | None = None, **query: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
    method = "GET" if sent is None else "POST"
    connection.request(method, f"{path}?{urlencode({'token': page.token} | query)}", body=sent)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if answer.headers["Content-Type"] == "application/json" else data


@pytest.fixture
def waiting(page: CleanPage) -> Iterator[Callable[[], Any]]:
    """A run that waits for a decision; call it for what `steer` gave and the control."""
    control = CycleControl(CycleOptions(niter=100), done=10)
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(page.steer(control, "")))
    thread.start()
    while not ask(page, "/state")[1]["waiting"]:
        pass

    def result() -> tuple[bool, CycleControl]:
        thread.join(10)
        return found[0], control

    yield result
    if thread.is_alive():
        assert ask(page, "/go", {"action": "stop"})[0] == 200
        thread.join(10)


def test_state_and_planes(page: CleanPage, shown: PageImage, waiting: Any) -> None:
    state = ask(page, "/state")[1]
    assert state["images"] == [{"title": "main", "ny": 24, "nx": 20, "channels": 2, "stokes": ["I"], "step": 1}]
    assert state["limits"]["niter"] == 90 and state["masked"] == [0] and state["curve"][0]["iterations"] == 10
    status, data = ask(page, "/plane", image=0, chan=1, pol=0, kind="residual")
    assert status == 200
    np.testing.assert_array_equal(np.frombuffer(data, "<f4").reshape(24, 20), shown.deconvolver.planes.residual[1, 0])
    for wrong in ({"chan": 2}, {"pol": 1}, {"image": 1}, {"kind": "pictures"}, {"chan": "x"}):
        assert ask(page, "/plane", **wrong)[0] == 400


def test_the_direction_of_a_pixel(page: CleanPage) -> None:
    """Also while a cycle is computed; corners by the inverse of the SIN projection."""
    x, y = -0.5, 23.0
    l, m = (10 - x) * 1e-5, (y - 12) * 1e-5
    dec = np.arcsin(m * np.cos(0.5) + np.sin(0.5) * np.sqrt(1 - l * l - m * m))
    ra = 1.0 + np.arctan2(l, np.sqrt(1 - l * l - m * m) * np.cos(0.5) - m * np.sin(0.5))
    status, found = ask(page, "/place", image=0, x=x, y=y)
    want = SkyCoord(ra, dec, unit="rad").to_string("hmsdms", sep=":", precision=3).split()
    frame, lon, lat = found["text"].split()
    assert status == 200 and frame == "J2000" and lon == want[0]
    assert Angle(lat.replace(".", ":", 2), unit="deg").arcsec == pytest.approx(np.rad2deg(dec) * 3600, abs=0.006)
    for wrong in ({"x": 1}, {"x": 1, "y": "up"}, {"image": 1, "x": 1, "y": 1}):
        assert ask(page, "/place", **wrong)[0] == 400
    galactic = make_image_coordinates(
        (20, 24), (1e-2, 1e-2), (1.0, 0.5), np.array([1e9]), stokes=["I"], direction_frame="GALACTIC"
    )
    assert place_text(galactic, [10.0, 12.0]) == "GALACTIC 57.295780 +28.647890 deg"
    assert place_text(galactic, [1000.0, 12.0]) == place_text(galactic, [np.inf, 12.0]) == ""


def test_masks_are_drawn_and_erased(page: CleanPage, shown: PageImage, waiting: Any) -> None:
    mask = shown.deconvolver.planes.mask
    assert ask(page, "/mask", {"chan": 0, "pol": 0, "shape": "box", "points": [[-3, 4], [5, 2]]}) == (200, {"masked": 15})
    want = np.zeros(SHAPE, bool)
    want[0, 0, 2:5, 1:6] = True  # column 0 is beyond the primary beam
    np.testing.assert_array_equal(mask, want)
    assert ask(page, "/mask", {"shape": "everything"})[1]["masked"] == 2 * 24 * 19
    triangle = [[5, 5], [15, 5], [10, 15]]
    before = mask.sum()
    assert ask(page, "/mask", {"chan": 1, "pol": -1, "shape": "polygon", "points": triangle, "erase": True})[0] == 200
    assert 40 < before - mask.sum() < 75 and not mask[1, 0, 8, 10] and mask[0, 0, 8, 10]
    assert ask(page, "/mask", {"shape": "everything", "erase": True})[1]["masked"] == 0
    assert ask(page, "/mask", {"shape": "ellipse", "points": [[4, 4], [14, 12]]})[0] == 200
    y, x = np.mgrid[:24, :20]
    inside = ((x - 9) / 5.0) ** 2 + ((y - 8) / 4.0) ** 2 <= 1.0
    assert np.array_equal(mask[0, 0], mask[1, 0]) and (mask[0, 0] ^ inside).sum() <= 4
    assert ask(page, "/mask", {"shape": "text", "text": "circle[[15pix,20pix],2pix]"})[0] == 200
    assert mask[0, 0, 20, 15] and mask[0, 0, 19, 15]


def test_changes_of_masks_are_taken_back_one_by_one(page: CleanPage, shown: PageImage, waiting: Any) -> None:
    mask = shown.deconvolver.planes.mask
    steps = [
        {"shape": "box", "points": [[5, 5], [8, 8]]},
        {"chan": 1, "pol": 0, "shape": "box", "points": [[7, 7], [12, 9]]},
        {"chan": 0, "shape": "box", "points": [[6, 6], [7, 7]], "erase": True},
    ]
    before = []
    for step in steps:
        before.append(mask.copy())
        assert ask(page, "/mask", step)[0] == 200
        assert not np.array_equal(mask, before[-1])
    for wanted in before[::-1]:
        assert ask(page, "/undo", {}) == (200, {"masked": int(wanted.sum())})
        assert np.array_equal(mask, wanted)
    status, answer = ask(page, "/undo", {})
    assert status == 400 and "nothing was drawn" in answer["error"]


def test_the_frequency_of_a_channel(page: CleanPage) -> None:
    status, found = ask(page, "/channel", chan=1)
    assert status == 200 and found["text"].startswith("1.001000 GHz")
    assert ask(page, "/channel", chan=2)[0] == 400
    assert channel_text(Coordinates([]), 0) == ""
    line = make_image_coordinates((20, 24), (1e-5, 1e-5), (1.0, 0.5), np.array([1e9, 1.001e9]), rest_frequency_hz=1.001e9)
    assert channel_text(line, 0) == f"1.000000 GHz  {299792.458 * 1e-3 / 1.001:.2f} km/s  LSRK"


def test_a_mask_drawn_stays_when_masks_are_automatic(page: CleanPage, shown: PageImage, waiting: Any) -> None:
    shown.deconvolver.auto_mask = AutoMask(AutoMaskOptions(), (1e-5, 1e-5), shown.allowed, shown.allowed)
    ask(page, "/mask", {"shape": "box", "points": [[5, 5], [8, 8]]})
    assert shown.deconvolver.auto_mask.positive.sum() == 32


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mask", {"shape": "star"}),
        ("/mask", {"shape": "box", "points": [[1, 2]]}),
        ("/mask", {"shape": "polygon", "points": [[1, 2], [3, 4]]}),
        ("/mask", {"shape": "box", "points": "everywhere"}),
        ("/mask", {"shape": "box", "points": [[1, 2], ["a", 4]]}),
        ("/mask", {"shape": "text", "text": "circle of nothing"}),
        ("/mask", {"shape": "everything", "chan": 5}),
        ("/mask", {"shape": "everything", "chan": None}),
        ("/mask", [1, 2]),
        ("/go", {"action": "jump"}),
        ("/go", {"action": "cycle"}),  # the mask is empty
        ("/go", {"action": "stop", "niter": "many"}),
        ("/go", {"action": "stop", "niter": -5}),
        ("/go", {"action": "stop", "threshold_jy": "nan"}),
    ],
)
def test_refusals_change_nothing(page: CleanPage, shown: PageImage, waiting: Any, path: str, body: Any) -> None:
    status, answer = ask(page, path, body)
    assert status == 400 and answer["error"]
    assert not shown.deconvolver.planes.mask.any() and ask(page, "/state")[1]["waiting"]


def test_what_is_not_a_record_is_refused(page: CleanPage, waiting: Any) -> None:
    assert ask(page, "/go", raw=b"{")[0] == 400
    assert ask(page, "/go", raw=b"")[0] == 400
    assert ask(page, "/other", {"a": 1})[0] == 404 and ask(page, "/other")[0] == 404
    assert ask(page, "/state", token="guess")[0] == 403 and ask(page, "/go", {"action": "stop"}, token="guess")[0] == 403


def test_limits_are_taken(page: CleanPage, waiting: Any) -> None:
    ask(page, "/mask", {"shape": "everything"})
    limits = {"niter": "50", "cycleniter": 7, "threshold_jy": "0.25", "nsigma": 3, "cyclefactor": 2, "nmajor": -1}
    assert ask(page, "/go", {"action": "cycle"} | limits)[0] == 200
    goes_on, control = waiting()
    assert goes_on and control.options == CycleOptions(60, 7, 0.25, 3.0, 2.0)
    assert ask(page, "/plane")[0] == 400  # a cycle is being computed
    assert ask(page, "/mask", {"shape": "everything"})[0] == 400 and not ask(page, "/state")[1]["waiting"]


def test_to_the_end_asks_no_more(page: CleanPage, waiting: Any) -> None:
    ask(page, "/mask", {"shape": "everything"})
    ask(page, "/go", {"action": "finish"})
    goes_on, control = waiting()
    assert goes_on and page.steer(control, "") and not page.steer(control, "threshold")


def test_stop(page: CleanPage, waiting: Any) -> None:
    ask(page, "/go", {"action": "stop"})
    assert waiting()[0] is False


def test_regions_and_small_pictures() -> None:
    assert region_text("box", [[3, 9], [1, 4]]) == "box[[1pix,4pix],[3pix,9pix]]"
    assert region_text("polygon", [[0, 0], [4, 0], [0, 4]]).startswith("poly[[0pix,0pix],[4pix,0pix]")
    with pytest.raises(ParameterError, match="at least 2 points"):
        region_text("ellipse", [[1, float("inf")], [2, 2]])
    plane = np.zeros((5, 7), np.float32)
    plane[4, 6], plane[1, 1] = -3.0, 2.0
    small = reduced(plane, 3)
    assert small.shape == (2, 3) and small[1, 2] == -3.0 and small[0, 0] == 2.0 and np.count_nonzero(small) == 2
    assert reduced(plane != 0, 3).sum() == 2 and reduced(plane, 1) is plane


def test_no_port(monkeypatch: pytest.MonkeyPatch, shown: PageImage) -> None:
    def refuse(*args: Any) -> None:
        raise OSError(24, "no more files")

    monkeypatch.setattr("http.server.ThreadingHTTPServer", refuse)
    with pytest.raises(DataError, match="cleaning page cannot be served"):
        clean_page.steering([shown])
