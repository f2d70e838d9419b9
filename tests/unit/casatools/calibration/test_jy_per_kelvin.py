"""Jy/K factors from files and from a server of our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.jy_per_kelvin import Factor, ServiceOptions, fetch_factors, jansky_gains, read_factors
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.shared import unpack


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = unpack("alma_small.ms", tmp_path_factory.mktemp("jy"))
    return str(path.rename(path.parent / "uid___A002_X1_X2.ms"))


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    failed = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlparse(self.path)
            asked = parse_qs(address.query)
            if "flaky" in address.path and not failed:
                failed.append(1)
                self.send_response(500)
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            reply: dict[str, object] = {"success": True, "data": {"factor": {"mean": 2.0 * float(asked.get("band", ["1"])[0])}}}
            if "asdm" in address.path:
                good = asked["uid"] == ["uid://A002/X1/X2"] and "empty" not in address.path
                item = {"MS": "x.ms", "Antenna": "DA41", "Spwid": 1, "Polarization": "XX", "factor": {"mean": 40.0}}
                reply["data"] = {"factors": [item] if good else []}
            if "wrong" in address.path:
                reply = {"success": False, "error": "no such data"}
            if "none" in address.path:
                reply["data"] = {}
            self.wfile.write(json.dumps(reply).encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_file(vis: str, tmp_path: Path) -> None:
    file = tmp_path / "jy.csv"
    name = Path(vis).name
    file.write_text(
        f"MS,Antenna,Spwid,Polarization,Factor\n# a remark\n{name},DA41,1,XX,10.1\n{name},DA56,2,I,4\nother.ms,DA41,1,XX,1\n"
    )
    generate_table(vis, str(tmp_path / "j"), TableRequest("jyperk", infile=str(file)))
    table = CalTable.open(str(tmp_path / "j"))
    assert (table.vis_cal, table.nrow, set(table.observation)) == ("G Jones", 39, {-1})  # several factors, as in CASA
    np.testing.assert_allclose(table.param[13, 0].real, [0.31465837, 1.0], rtol=1e-6)
    np.testing.assert_allclose(table.param[27, 0].real, [0.5, 0.5], rtol=1e-6)
    for text, message in (
        (f"{name},DA41,1,XX\n", "expected MS"), (f"{name},DA41,one,XX,1\n", "invalid literal"), (f"{name},DA41,1,ZZ,1\n", "polarization"),
        (f"{name},DA41,1,XX,-1\n", "positive"), ("other.ms,DA41,1,XX,1\n", "no factors for"),
    ):  # fmt: skip
        file.write_text(text)
        with pytest.raises(DataError, match=message):
            read_factors(str(file), vis)
    with pytest.raises(PathMissingError):
        read_factors("absent.csv", vis)
    with MeasurementSet(vis) as ms, pytest.raises(DataError, match="does not have"):
        jansky_gains(ms, [Factor("EA99", 1, "I", 2.0)])


def test_service(vis: str, service: str) -> None:
    with MeasurementSet(vis) as ms:
        assert fetch_factors(ms, ServiceOptions(address=service)) == [Factor("DA41", 1, "XX", 40.0)]
        found = fetch_factors(ms, ServiceOptions("model-fit", address=service))
        assert len(found) == 26 and {f.spw for f in found} == {1, 2} and {f.value for f in found} == {6.0}
        assert len(fetch_factors(ms, ServiceOptions("interpolation", retry=2, wait_s=0, address=f"{service}/flaky"))) == 26
        for options, message in (
            (ServiceOptions("model-fit", address=f"{service}/wrong"), "no such data"),
            (ServiceOptions("model-fit", address=f"{service}/none"), "gave no factor"),
            (ServiceOptions(address=f"{service}/empty"), "has no factors"),
            (ServiceOptions(retry=1, address="http://127.0.0.1:9"), "could not be reached"),
        ):
            with pytest.raises(DataError, match=message):
                fetch_factors(ms, options)


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    with MeasurementSet(str(unpack("alma_small.ms", tmp_path))) as ms, pytest.raises(DataError, match="execution block"):
        fetch_factors(ms, ServiceOptions())
    with MeasurementSet(str(unpack("simvla.ms", tmp_path))) as ms, pytest.raises(DataError, match="for ALMA only"):
        fetch_factors(ms, ServiceOptions())
    for name, value in (("timeout_s", 0), ("retry", 0), ("wait_s", -1)):
        with pytest.raises(ParameterError, match="at least"):
            ServiceOptions(**{name: value})  # type: ignore[arg-type]
