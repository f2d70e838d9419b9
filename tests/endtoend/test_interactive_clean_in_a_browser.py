"""Interactive cleaning as a person does it, in a headless browser; skipped where there is none."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import deconvolve, imsmooth, sdintimaging, tclean
from casatools.imaging import clean_page
from casatools.simulation.demo import DemoOptions, make_demo
from support.browser import Browser, browser, needs_browser
from support.images import pixels

pytestmark = needs_browser
FIELD = {"vis": "sim.ms", "field": "0", "imsize": 64, "cell": "12arcsec", "specmode": "mfs"}
SAID = "return document.getElementById('said').textContent"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where pages are served; nothing is opened or told."""
    found: list[str] = []
    monkeypatch.setattr(clean_page, "someone_looks", lambda: True)
    monkeypatch.setattr(clean_page, "show", lambda page, sentence: found.append(page.url))
    make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=5))
    return found


class Run:
    """A task that waits for a person, in a thread."""

    def __init__(self, call: Any, addresses: list[str]) -> None:
        self.result: Any = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()
        while not addresses and self._thread.is_alive():
            self._thread.join(0.05)
        self.address = addresses[-1]

    def _run(self, call: Any) -> None:
        self.result = call()

    def end(self) -> Any:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.result


def drag(window: Browser, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw with the mouse between two places, as fractions of the picture."""
    script = """
    const view = document.getElementById('view'), box = view.getBoundingClientRect(), side = Math.min(box.width, box.height);
    const left = box.left + (box.width - side) / 2, top = box.top + (box.height - side) / 2;
    const send = (kind, p) => view.dispatchEvent(new MouseEvent(kind, {clientX: left + side * p[0], clientY: top + side * (1 - p[1]), bubbles: true}));
    send('mousedown', arguments[0]); send('mousemove', arguments[1]); send('mouseup', arguments[1]);
    """
    window.run(script, list(start), list(end))


def test_draw_clean_look_change_and_stop(window: Browser, addresses: list[str], tmp_path: Path) -> None:
    run = Run(lambda: tclean(imagename="d", niter=60, cycleniter=20, interactive=True, weighting="natural", **FIELD), addresses)
    window.open(run.address)
    window.until(SAID, lambda text: "Draw a mask" in text)
    window.click("#cycle")
    window.until(SAID, lambda text: "mask is empty" in text)
    drag(window, (0.3, 0.3), (0.7, 0.7))
    window.until(SAID, lambda text: "Ready" in text)
    # Keys: the mask is taken back, and drawn again; those typed into a field are the field's.
    press = "document.querySelector(arguments[1]).dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))"
    window.run(press, "u", "body")
    window.until(SAID, lambda text: "Draw a mask" in text)
    drag(window, (0.3, 0.3), (0.7, 0.7))
    window.until(SAID, lambda text: "Ready" in text)
    window.run(press, "u", "#text")
    window.run(press, "p", "body")
    assert window.run("return [document.getElementById('shape').value, state.masked[0] > 0]") == ["polygon", True]
    window.run(press, "b", "body")
    window.until("return document.getElementById('frequency').textContent", lambda text: "GHz" in text and "LSRK" in text)
    window.picture(tmp_path / "masked.png")
    window.click("#cycle")
    window.until("return [state && state.waiting, state && state.curve.length]", lambda found: found == [True, 2])
    window.until("return document.getElementById('numbers').textContent", lambda text: "20 iterations" in text)
    window.run("document.getElementById('niter').value = ''")
    window.type("#niter", "15")
    window.click("#cycle")
    window.until("return [state && state.waiting, state && state.curve.length]", lambda found: found == [True, 3])
    window.until(SAID, lambda text: "iteration limit" in text)
    window.picture(tmp_path / "cleaned.png")
    # The wheel zooms about the pointer, a drag with shift moves the picture and draws nothing, a button shows all of it again.
    script = """
    const view = document.getElementById('view'), box = view.getBoundingClientRect(), x = box.left + 0.4 * box.width, y = box.top + 0.6 * box.height;
    const at = () => pixel({clientX: x, clientY: y}), before = at();
    view.dispatchEvent(new WheelEvent('wheel', {clientX: x, clientY: y, deltaY: -1000, bubbles: true, cancelable: true}));
    const after = at(), wide = zoom.factor;
    for (const [kind, dx] of [['mousedown', 0], ['mousemove', 30], ['mouseup', 30]]) view.dispatchEvent(new MouseEvent(kind, {clientX: x + dx, clientY: y, shiftKey: true, bubbles: true}));
    const moved = pixel({clientX: x + 30, clientY: y});
    document.getElementById('fit').click();
    return [before, after, moved, wide, zoom.factor, points.length];
    """
    before, after, moved, wide, whole, drawn = window.run(script)
    np.testing.assert_allclose([after, moved], [before, before], atol=0.02)
    assert wide > 2 and whole == 1 and drawn == 0
    # The pointer's direction: the middle of the picture is the phase centre.
    middle = "const b = document.getElementById('view').getBoundingClientRect(); view.dispatchEvent(new MouseEvent('mousemove', {clientX: b.left + b.width / 2, clientY: b.top + b.height / 2, bubbles: true}));"
    window.run(middle)
    window.until("return document.getElementById('place').textContent", lambda text: text.startswith("J2000 "))
    window.picture(tmp_path / "place.png")
    window.click("#stop")
    record = run.end()
    window.until(SAID, lambda text: "ended" in text)
    assert record["iterdone"] == 35 and record["interactivemode"] is True and record["stopcode"] == 1
    mask, model = pixels("d.mask"), pixels("d.model")
    assert 600 < mask.sum() < 720 and mask[32, 32] == 1 and mask[5, 5] == 0
    assert np.count_nonzero(model) and not model[mask == 0].any()
    # The refused decision, and the last look at a page that had gone, are the browser's to mention; errors of the script are not.
    assert not [m for m in window.messages() if not any(known in m for known in ("favicon", "/state?", "/go?"))]


def test_to_the_end_equals_the_run_without_a_person(window: Browser, addresses: list[str]) -> None:
    box = "box[[20pix,20pix],[44pix,44pix]]"
    tclean(imagename="a", niter=60, cycleniter=25, mask=box, weighting="natural", **FIELD)
    run = Run(lambda: tclean(imagename="b", niter=60, cycleniter=25, interactive=True, weighting="natural", **FIELD), addresses)
    window.open(run.address)
    window.until(SAID, lambda text: "Draw a mask" in text)
    window.type("#text", box)
    window.click("#addtext")
    window.until(SAID, lambda text: "Ready" in text)
    window.click("#finish")
    assert run.end()["iterdone"] == 60
    np.testing.assert_allclose(pixels("a.image"), pixels("b.image"), atol=1e-6)


def test_deconvolve_too(window: Browser, addresses: list[str]) -> None:
    tclean(imagename="d", niter=0, weighting="natural", **FIELD)
    run = Run(lambda: deconvolve("d", niter=30, interactive=True), addresses)
    window.open(run.address)
    window.until(SAID, lambda text: "Draw a mask" in text)
    window.click("#everything")
    window.until(SAID, lambda text: "Ready" in text)
    window.click("#cycle")
    window.until("return [state && state.waiting, state && state.curve.length]", lambda found: found == [True, 2])
    window.click("#stop")
    assert run.end()["iterdone"] == 30 and os.path.isdir("d.image")


def test_sdintimaging_too(window: Browser, addresses: list[str]) -> None:
    """The joint cube of a single dish and an interferometer, channel by channel on the same page."""
    ways = FIELD | {"specmode": "cube", "nchan": 3, "outframe": "TOPO", "datacolumn": "data"}
    tclean(imagename="vla", niter=20, **ways)
    imsmooth("vla.image", kernel="gauss", targetres=True, outfile="dish.image", major="180arcsec", minor="180arcsec", pa="0deg")
    run = Run(
        lambda: sdintimaging(sdimage="dish.image", imagename="j", niter=60, cycleniter=10, interactive=True, **ways), addresses
    )
    window.open(run.address)
    window.until(SAID, lambda text: "Draw a mask" in text)
    window.click("#everything")
    window.until(SAID, lambda text: "Ready" in text)
    window.click("#cycle")
    window.until("return [state && state.waiting, state && state.curve.length]", lambda found: found == [True, 2])
    window.click("#stop")
    assert run.end()["iterdone"] > 0 and pixels("j.joint.cube.model").any() and os.path.isdir("j.joint.cube.image")
