"""Jy/K factors from files and from a server of our own."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.calibration import jy_per_kelvin
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.jy_per_kelvin import Factor, ServiceOptions, fetch_factors, jansky_gains, read_factors
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    """With two windows of 26 antennas in all under the science intent, from 10:37 on; the observation began at 10:34:28."""
    path = unpack("alma_small.ms", tmp_path_factory.mktemp("jy"))
    with open_table(f"{path}/STATE", writable=True) as states:
        states.putcell("OBS_MODE", 7, "OBSERVE_TARGET#ON_SOURCE")
    return str(path.rename(path.parent / "uid___A002_X1_X2.ms"))


class Service:
    """A server of our own: what it was asked, and what it answers; it fails as often as `failures` says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.reply: object = {}
        self.failures = 0
        self.address = ""

    def answer(self, path: str) -> tuple[int, bytes]:
        address = urlparse(path)
        self.asked.append((address.path, {k: v[0] for k, v in parse_qs(address.query).items()}))
        if self.failures:
            self.failures -= 1
            return 500, b""
        return 200, json.dumps(self.reply).encode()

    def give(self, data: object) -> None:
        self.asked.clear()
        self.reply = {"success": True, "data": data}


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = state.answer(self.path)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

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


@pytest.fixture
def service(running: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(jy_per_kelvin, "JY_PER_K_SERVICE", running.address)
    return running


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


def gains(vis: str, path: Path, **given: Any) -> np.ndarray:
    """(spw, ant, 2) of a table made by the task."""
    casatasks.gencal(vis, str(path), caltype="jyperk", **given)
    table = CalTable.open(str(path))
    shutil.rmtree(path)
    return np.concatenate([g.param for g in table.groups])[:, 0].real.reshape(3, 13, 2)


def test_factors_of_an_execution(vis: str, service: Service, tmp_path: Path) -> None:
    """The query is CASA 6.7's; of its replies one factor is for both receptors, whatever its polarization."""
    item = {"MS": "uid___A002_X1_X2.ms", "Antenna": "DA41", "Spwid": 1, "Polarization": "Polarization_0", "factor": 40.0}
    service.give({"factors": [item, {**item, "MS": "other.ms", "factor": 1.0}]})
    found = gains(vis, tmp_path / "t")
    assert service.asked == [("/asdm/", {"uid": "uid://A002/X1/X2"})]
    np.testing.assert_allclose(found[1, 0], 40**-0.5, rtol=1e-6)
    assert (found[[0, 2]] == 1).all() and (found[1, 1:] == 1).all()
    pair = [{**item, "Polarization": p, "factor": {"mean": f}} for p, f in (("XX", 40.0), ("YY", 10.0))]
    service.give({"factors": pair})
    np.testing.assert_allclose(gains(vis, tmp_path / "t")[1, 0], [40**-0.5, 10**-0.5], rtol=1e-6)


@pytest.mark.parametrize(("endpoint", "more"), [("model-fit", {}), ("interpolation", {"delta_days": "1000"})])
def test_factors_of_conditions(vis: str, service: Service, tmp_path: Path, endpoint: str, more: dict[str, str]) -> None:
    """Queries are CASA 6.7's but for the elevation, which it takes from POINTING (nan here)."""
    service.give({"factor": {"mean": 20.0}} if more else {"factor": 20.0})
    found = gains(vis, tmp_path / "t", endpoint=endpoint)
    np.testing.assert_allclose(found[1:], 20**-0.5, rtol=1e-6)
    assert (found[0] == 1).all() and len(service.asked) == 26
    path, query = service.asked[0]
    assert path == f"/{endpoint}/" and 15.5 < float(query.pop("elevation")) < 16.5
    assert query == {
        "date": "2014-09-20T10:34:28", "temperature": "264.9191686236669", "antenna": "DA41", "band": "3", "baseband": "1",
        "frequency": "85305929999.90001", **more,
    }  # fmt: skip


def test_tries_and_waits(vis: str, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """retry, retry_wait_time and timeout."""
    waits: list[float] = []
    monkeypatch.setattr(jy_per_kelvin.time, "sleep", waits.append)
    limits: list[float] = []
    plain = jy_per_kelvin.urllib.request.urlopen
    monkeypatch.setattr(
        jy_per_kelvin.urllib.request, "urlopen", lambda a, timeout: limits.append(timeout) or plain(a, timeout=timeout)
    )
    service.give({"factors": [{"Antenna": "DA41", "Spwid": 1, "factor": 40.0}]})
    service.failures = 2
    gains(vis, tmp_path / "t", retry=3, retry_wait_time=7, timeout=11)
    assert waits == [7, 7] and limits == [11, 11, 11]
    service.failures = 2
    with pytest.raises(DataError, match=r"could not be reached.*500.*'infile'"):
        gains(vis, tmp_path / "t", retry=2, retry_wait_time=0)
    assert not (tmp_path / "t").exists()
    for name, value in (("timeout", 0), ("retry", 0), ("retry_wait_time", -1)):
        with pytest.raises(ParameterError, match=f"'{name}' must be at least"):
            gains(vis, tmp_path / "t", **{name: value})


@pytest.mark.parametrize(
    ("endpoint", "reply", "message"),
    [
        ("model-fit", {"success": False, "error": "no such data"}, "no such data"), ("model-fit", {"success": True, "data": {}}, "gave no factor"),
        ("model-fit", {"success": True, "data": {"factor": -3.0}}, "gave no factor"), ("model-fit", [1], r"\[1\]"),
        ("asdm", {"success": True, "data": {"factors": []}}, "has no factors"),
        ("asdm", {"success": True, "data": {"factors": [{"Antenna": "DA41", "Spwid": 1}]}}, "gave no factor"),
        ("asdm", {"success": True, "data": {"factors": [{"Antenna": "DA41", "Spwid": 9, "factor": 2}]}}, "spw 9"),
    ],
)  # fmt: skip
def test_replies_that_are_of_no_use(
    vis: str, service: Service, tmp_path: Path, endpoint: str, reply: object, message: str
) -> None:
    service.reply = reply
    with pytest.raises(DataError, match=message):
        gains(vis, tmp_path / "t", endpoint=endpoint)
    assert not (tmp_path / "t").exists()


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    with MeasurementSet(str(unpack("alma_small.ms", tmp_path))) as ms, pytest.raises(DataError, match="execution block"):
        fetch_factors(ms, ServiceOptions())
    with MeasurementSet(str(unpack("simvla.ms", tmp_path))) as ms, pytest.raises(DataError, match="for ALMA only"):
        fetch_factors(ms, ServiceOptions())
    path = unpack("alma_small.ms", tmp_path / "again")
    with (
        MeasurementSet(str(path)) as ms,
        pytest.raises(DataError, match="asked for the conditions of the intent OBSERVE_TARGET#ON_SOURCE: intent selection"),
    ):
        fetch_factors(ms, ServiceOptions("model-fit"))
