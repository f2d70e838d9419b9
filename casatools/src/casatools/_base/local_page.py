"""A page served to the person at this machine: a server on the loopback address whose every request must carry a token.

The log page and the page of interactive cleaning are made of it. Nothing is opened before a page is asked for.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from casatools._base import config
from casatools._base.errors import CasaError, DataError

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

__all__ = ["Answer", "LocalPage", "Routes", "has_screen", "show"]

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'"

Answer = Mapping[str, Any] | bytes
"""What a request is answered with: a record sent as JSON, or bytes."""


@dataclass(frozen=True)
class Routes:
    """What a page answers.

    Attributes
    ----------
    page : (str, str)
        Package and file name of the HTML text at ``/``.
    get : mapping of path to function of the query
    post : mapping of path to (most bytes, what is wanted, function of the body)
    """

    page: tuple[str, str]
    get: Mapping[str, Callable[[dict[str, str]], Answer]]
    post: Mapping[str, tuple[int, str, Callable[[bytes], Answer]]]


class LocalPage:
    """The server of a page; `url` is its address, with the token.

    Raises
    ------
    DataError
        No port can be opened.
    """

    name = "page"

    def __init__(self) -> None:
        # Runs that could be interactive load this module; the server's are loaded when there is a page.
        from http.server import ThreadingHTTPServer

        self.token = secrets.token_urlsafe(24)
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, self.routes()))
        except OSError as error:
            raise DataError(f"the {self.name} cannot be served: {error.strerror}") from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=f"casa-{self.name}", daemon=True)
        self._thread.start()

    def routes(self) -> Routes:
        """What is answered."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def has_screen() -> bool:
    """True where a browser can be opened."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def show(page: LocalPage, sentence: str) -> None:
    """Tell a page's address on the terminal, and open it in a browser where there is a screen and the configuration does not say nogui."""
    import webbrowser

    sys.stderr.write(f"{sentence} {page.url}\n")
    if os.environ.get("SSH_CONNECTION"):
        sys.stderr.write(
            f"From the machine you sit at: ssh -L {page.port}:127.0.0.1:{page.port} this host, then open that address there\n"
        )
    # Without a screen Python would start a browser for terminals, in this one.
    if has_screen() and not config.value("nogui"):
        webbrowser.open(page.url)


def _handler(owner: LocalPage, routes: Routes) -> type[BaseHTTPRequestHandler]:
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        """Answers only requests with the token, asked of the loopback address."""

        def _allowed(self, query: dict[str, str]) -> bool:
            host = self.headers.get("Host", "")
            local = host in (f"127.0.0.1:{owner.port}", f"localhost:{owner.port}")  # a page elsewhere may point its name here
            given = query.get("token", "").encode("utf-8", "replace")
            return local and hmac.compare_digest(given, owner.token.encode())

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Content-Security-Policy", _POLICY),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _json(self, value: object, status: int = 200) -> None:
            self._send(status, json.dumps(value).encode(), "application/json")

        def _answer(self, answer: Callable[[], Answer]) -> None:
            try:
                found = answer()
            except (CasaError, OSError) as error:
                self._json({"error": str(error)}, 400)
                return
            if isinstance(found, bytes):
                self._send(200, found, "application/octet-stream")
            else:
                self._json(found)

        def _query(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def do_GET(self) -> None:
            path, query = self._query()
            if not self._allowed(query):
                self._json({"error": "the token is missing or wrong"}, 403)
            elif path == "/":
                package, name = routes.page
                self._send(200, resources.files(package).joinpath(name).read_bytes(), "text/html; charset=utf-8")
            elif path in routes.get:
                self._answer(lambda: routes.get[path](query))
            else:
                self._json({"error": "there is no such page"}, 404)

        def do_POST(self) -> None:
            path, query = self._query()
            if not self._allowed(query):
                self._json({"error": "the token is missing or wrong"}, 403)
                return
            if path not in routes.post:
                self._json({"error": "there is no such page"}, 404)
                return
            most, what, answer = routes.post[path]
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or not 0 < int(length) <= most:
                self._json({"error": f"{what} of 1 to {most} bytes"}, 400)
                return
            body = self.rfile.read(int(length))
            self._answer(lambda: answer(body))

        def log_message(self, format: str, *args: Any) -> None:
            """The requests of the page are not logged."""

    return Handler
