"""The log page as a person uses it, in a headless browser; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casatools._base import log, log_page
from support.browser import Browser, browser, needs_browser

pytestmark = needs_browser
ENTER, BACKSPACE, HOME, END, UP, DOWN = "\ue007", "\ue003", "\ue011", "\ue010", "\ue013", "\ue015"
ROWS = "return [...document.querySelectorAll('#rows tr')].map(row => row.cells[3].textContent)"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[log_page.LogPage]:
    sink = log.LogSink()
    sink.set_path(str(tmp_path / "casa-now.log"))
    monkeypatch.setattr(log, "sink", sink)
    (tmp_path / "casa-old.log").write_text("2020-01-01 00:00:00\tSEVERE\tgaincal::::casa\tlong ago\n")
    sink.post("found 3 antennas\nand more", "INFO", "listobs::::casa")
    sink.post("low signal on <b>antenna 5</b>", "WARN", "gaincal::::casa")
    sink.post("it broke", "SEVERE", "gaincal::::casa")
    made = log_page.LogPage()
    yield made
    made.close()
    sink.set_path(str(tmp_path / "closed.log"))


def shows(window: Browser, *messages: str) -> None:
    window.until(ROWS, lambda found: found == list(messages))


def complaints(page: log_page.LogPage, window: Browser) -> list[str]:
    """What the browser objects to on this page: errors of the script, what the content policy forbids."""
    return [message for message in window.messages() if f":{page.port}/" in message]


ALL = ("found 3 antennas\nand more", "low signal on <b>antenna 5</b>", "it broke")


def test_reading_searching_filtering(page: log_page.LogPage, window: Browser) -> None:
    window.open(page.url)
    shows(window, *ALL)
    assert window.run("return [...document.querySelectorAll('th')].map(h => h.textContent)") == [
        "Time",
        "Priority",
        "Origin",
        "Message",
    ]
    colours = "return [...document.querySelectorAll('#rows tr')].map(r => getComputedStyle(r.cells[0]).backgroundColor)"
    assert len(set(window.run(colours))) == 3
    window.type("#search", "ANTENNA")
    shows(window, ALL[0], ALL[1])
    assert window.run("return [...document.querySelectorAll('mark')].map(m => m.textContent)") == ["antenna", "antenna"]
    window.type("#search", BACKSPACE * 7)
    window.type("#origin", "gaincal")
    shows(window, *ALL[1:])
    window.type("#priority", HOME)
    shows(window, "it broke")
    window.type("#priority", END)
    window.type("#origin", BACKSPACE * 7)
    window.type("#time", "1999")
    shows(window)
    window.type("#time", BACKSPACE * 4)
    window.type("#message", "more")
    shows(window, ALL[0])
    assert complaints(page, window) == []


def test_following_noting_and_old_logs(page: log_page.LogPage, window: Browser) -> None:
    window.open(page.url)
    shows(window, *ALL)
    log.sink.post("and now this", "INFO", "split::::casa")
    shows(window, *ALL, "and now this")
    window.type("#note", "flag antenna 5" + ENTER)
    shows(window, *ALL, "and now this", "flag antenna 5")
    assert Path(log.sink.path).read_text().splitlines()[-1].split("\t")[1:] == ["INFO", "note", "flag antenna 5"]
    window.click("#follow")
    log.sink.post("later", "INFO", "split::::casa")
    window.type("#file", DOWN)
    shows(window, "long ago")
    window.type("#file", UP)
    shows(window, *ALL, "and now this", "flag antenna 5", "later")
    # Nothing of the page is hidden behind another part of it.
    overlap = """const box = id => document.getElementById(id).getBoundingClientRect();
        return box('note').bottom <= box('view').top && box('view').bottom <= innerHeight + 1"""
    assert window.run(overlap) and complaints(page, window) == []


def test_without_the_token(page: log_page.LogPage, window: Browser) -> None:
    window.open(f"http://127.0.0.1:{page.port}/")
    assert window.run("return document.body.textContent") == '{"error": "the token is missing or wrong"}'
    window.open(page.url.replace("token=", "token=x"))
    assert "antennas" not in window.run("return document.documentElement.textContent")
