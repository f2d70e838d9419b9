"""A headless browser for tests, driven over the WebDriver protocol (W3C) by the standard library; nothing is installed for it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="no headless browser here (apt-get install chromium chromium-driver)"
)
_WAIT_S = 20.0


class Browser:
    """One window of a browser."""

    def __init__(self, address: str) -> None:
        self._address = address
        options = {
            "binary": BROWSER,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1300,700"],
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["value"]

    def open(self, address: str) -> None:
        self._ask("POST", self._session + "/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that JavaScript returns."""
        return self._ask("POST", self._session + "/execute/sync", {"script": script, "args": list(arguments)})

    def type(self, selector: str, text: str) -> None:
        """Type into a field as a person would; ``\\ue007`` is the enter key, ``\\ue003`` the backspace key."""
        found = self._ask("POST", self._session + "/element", {"using": "css selector", "value": selector})
        (element,) = found.values()
        self._ask("POST", f"{self._session}/element/{element}/value", {"text": text})

    def click(self, selector: str) -> None:
        (element,) = self._ask("POST", self._session + "/element", {"using": "css selector", "value": selector}).values()
        self._ask("POST", f"{self._session}/element/{element}/click", {})

    def until(self, script: str, right: Callable[[Any], bool], *arguments: Any) -> Any:
        """Wait for a script's value to be right; gives it."""
        end = time.monotonic() + _WAIT_S
        while not right(found := self.run(script, *arguments)):
            assert time.monotonic() < end, f"still {found!r}"
            time.sleep(0.05)
        return found

    def messages(self) -> list[str]:
        """What the page has written to the browser's console."""
        return [entry["message"] for entry in self._ask("POST", self._session + "/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("GET", self._session + "/screenshot")))

    def close(self) -> None:
        self._ask("DELETE", self._session)


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with `folder` as its home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    driver = subprocess.Popen(
        [str(DRIVER), f"--port={port}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        window = Browser(f"http://127.0.0.1:{port}")
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the browser's driver does not start"
            time.sleep(0.05)
