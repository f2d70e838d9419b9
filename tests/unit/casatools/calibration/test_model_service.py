"""Models of the VLA's calibrators from a server of our own, whose answers CASA 6.7 understands."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

import casatasks
from casatools import componentlist
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.calibration.model_service import ModelRequest, fetch_model
from casatools.components.component_list import ComponentList
from casatools.io.components import read_component_keywords
from casatools.io.ms import MeasurementSet

PLACE = {
    "type": "direction", "refer": "J2000", "m0": {"unit": "rad", "value": -2.7439}, "m1": {"unit": "rad", "value": 0.5325},
    "error": {"latitude": {"unit": "rad", "value": 0.0}, "longitude": {"unit": "rad", "value": 0.0}},
}  # fmt: skip
COMPONENT = {
    "flux": {"error": [0.0] * 4, "polarisation": "Stokes", "unit": "Jy", "value": [14.0, 0.5, 0.0, 0.0]}, "label": "",
    "shape": {"direction": PLACE, "type": "Point"},
    "spectrum": {
        "error": 0.0, "frequency": {"m0": {"unit": "GHz", "value": 1.5}, "refer": "LSRK", "type": "frequency"}, "index": -0.5,
        "stokesindex": [-0.5], "type": "Spectral Index",
    },
}  # fmt: skip
MODEL = {"component0": COMPONENT, "nelements": 1}


class Service:
    """What was asked, and what is answered for a path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.reply: Any = MODEL
        self.address = ""


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlparse(self.path)
            state.asked.append((address.path, {k: v[0] for k, v in parse_qs(address.query).items()}))
            self.send_response(500 if "gone" in address.path else 200)
            self.end_headers()
            self.wfile.write(json.dumps(state.reply).encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"source": "3c286"}, {"source": "3C286", "obsdate": "0"}),
        ({"direction": "J2000 13h31m08 30d30m33"}, {"position": "J2000 13h31m08 30d30m33", "obsdate": "0"}),
        ({"source": "3C286", "obsdate": "2020-01-01"}, {"source": "3C286", "obsdate": "58849"}),
        ({"source": "3C286", "obsdate": 58849.7}, {"source": "3C286", "obsdate": "58849"}),
        ({"source": "3C286", "refdate": 59216}, {"source": "3C286", "obsdate": "0", "refdate": "59216"}),
        ({"source": "3C286", "obsdate": "2020-01-01", "refdate": "2021/01/02"}, {"source": "3C286", "obsdate": "58849", "refdate": "59216"}),
        ({"source": "3C286", "obsdate": ""}, {"source": "3C286", "obsdate": "0"}),
    ],
)  # fmt: skip
def test_what_is_asked(service: Service, tmp_path: Path, given: dict[str, Any], asked: dict[str, str]) -> None:
    """The queries of CASA 6.7, which takes one date at a time."""
    out = str(tmp_path / "m.cl")
    casatasks.getcalmodvla(out, band="x", hosts=[f"{service.address}/models"], **given)
    assert service.asked == [("/models", {"type": "setjy", "band": "X", **asked})]
    about = read_component_keywords(out)["web_service"]
    assert {k: about[k] for k in given if given[k]} == {k: v for k, v in given.items() if v}
    assert about["response"]["component0"]["label"] == "" and about["url"].startswith(service.address)


def test_the_list_is_a_model(service: Service, shared_input: Any, tmp_path: Path) -> None:
    """What ft makes of it is the component: 14 Jy at 1.5 GHz with a spectral index of -0.5."""
    out = str(tmp_path / "m.cl")
    hosts = [f"{service.address}/gone", f"{service.address}/models"]
    casatasks.getcalmodvla(out, source="3C286", band="L", hosts=hosts)
    assert [path for path, _ in service.asked] == ["/gone", "/models"]
    with pytest.raises(OutputExistsError):
        casatasks.getcalmodvla(out, source="3C286", band="L", hosts=hosts)
    service.reply = {"component0": COMPONENT, "component1": COMPONENT, "nelements": 2}
    casatasks.getcalmodvla(out, overwrite=True, source="3C286", band="L", hosts=hosts)
    cl = componentlist()
    cl.open(out)
    assert cl.length() == 2
    cl.done()
    casatasks.getcalmodvla(str(tmp_path / "one.cl"), direction="x", band="L", hosts=[f"{service.address}/again"])
    vis = shared_input("simvla.ms")
    ComponentList.read(out).write(str(tmp_path / "two.cl"))
    casatasks.ft(vis, field="0", complist=out, usescratch=True)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        model = ms.read("MODEL_DATA", rows)
        hz = ms.metadata.spectral_windows[0].chan_freq_hz
    total = (model[..., 0] + model[..., 3]) / 2
    np.testing.assert_allclose(np.abs(total[0]), 2 * 14.0 * (hz / 1.5e9) ** -0.5, rtol=2e-3)


@pytest.mark.parametrize(
    "reply", [{"name": "m"}, [MODEL], "text", {}, {"nelements": 2, "component0": COMPONENT}, {"nelements": 1, "component0": {"flux": 1}}]
)  # fmt: skip
def test_answers_that_are_no_models(service: Service, tmp_path: Path, reply: Any) -> None:
    """CASA 6.7 writes an empty list for some of these."""
    service.reply = reply
    out = tmp_path / "m.cl"
    with pytest.raises(DataError, match=r"no calibrator model could be fetched .the answer of.*give a model image"):
        casatasks.getcalmodvla(str(out), source="3C286", band="L", hosts=[service.address])
    assert not out.exists()


def test_refused(tmp_path: Path) -> None:
    request = ModelRequest("3C286", "", "L", "2020-01-01")
    for wrong, message in (
        (("", "", "L"), "either 'source' or"), (("a", "b", "L"), "either 'source' or"), (("a", "", "Z"), "'band'"),
        (("a", "", "L", "tomorrow"), "'obsdate'"), (("a", "", "L", 0, "1-Jan"), "'refdate'"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            ModelRequest(*wrong)
    out = str(tmp_path / "m.cl")
    with pytest.raises(ParameterError, match="outfile"):
        fetch_model("", request, ["https://x"])
    with pytest.raises(ParameterError, match="hosts"):
        fetch_model(out, request, ["localhost"])
    with pytest.raises(DataError, match="cannot be reached"):
        fetch_model(out, request, ["http://127.0.0.1:9"])
