"""Positions looked up: a server of our own hands out a list in the form of the VLA's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.calibration import antenna_positions
from casatools.calibration.antenna_positions import find_vla_offsets, parse_corrections, read_alma_offsets
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack

LIST = """<html><pre>
;     2019 BASELINE CORRECTIONS IN METERS
;ANT
;MOVED OBSDATE  Put_In_ MC(IAT)  ANT  PAD    Bx      By      Bz
;
 MAR05 MAR08   MAR10   17:27     2   W02    9.0000  9.0000  9.0000
       MAY08   MAY10   17:27     2   W02    0.0010 -0.0020  0.0030
       JUN08   JUN10   17:27     2   W02    0.0001  0.0000  0.0000
 MAY20 JUN08   JUN10   17:27     5   W05    0.5000  0.0000  0.0000
       JUN08   JUN10   17:27     6   E99    0.5000  0.0000  0.0000
       JUN08   JUN10   17:27     7   W07    0.00001 0.0000  0.0000
</pre></html>"""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(LIST.encode() if "2019" in self.path else b"<pre></pre>")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/list?Year={{year}}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def vis(tmp_path: Path) -> str:
    path = str(unpack("simvla.ms", tmp_path))
    table = open_table(f"{path}/ANTENNA", writable=True)
    table.putcol("STATION", [f"W{n + 1:02d}" for n in range(table.nrows())])
    table.close()
    return path


def test_lines_are_read() -> None:
    found = parse_corrections(LIST, 2019)
    assert len(found) == 6 and found[0].pad == "W02" and found[1].moved is None
    assert found[0].moved is not None and found[0].put_in - found[0].moved == pytest.approx(5 + 17.45 / 24)
    assert parse_corrections(" DEC30 JAN03 JAN05 10:00 3 E01 0.001 0.0 0.0", 2020)[0].moved == 58847
    with pytest.raises(DataError, match="ABC12"):
        parse_corrections(" ABC12 ABC12 10:00 3 E01 0.001 0.0 0.0", 2020)


def test_corrections_after_the_observation_count(vis: str, service: str) -> None:
    with MeasurementSet(vis) as ms:  # of 2019 May 1
        found = find_vla_offsets(ms, 0, service)
        near = find_vla_offsets(ms, 30, service)
    # The first line came before, antenna 5 moved since, antenna 6 is on another pad, antenna 7's offset is none.
    assert set(found) == set(near) == {"EA02"}
    np.testing.assert_allclose(found["EA02"], [0.0011, -0.002, 0.003])
    np.testing.assert_allclose(near["EA02"], [0.001, -0.002, 0.003])


def test_table_of_looked_up_offsets(vis: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offsets are written as the list has them, which is what CASA 6.7 does with the answers of a server of our own."""
    monkeypatch.setattr(antenna_positions, "VLA_SERVICE", service)
    for name, limit, expected in (("p", 0, [0.0011, -0.002, 0.003]), ("near", 30, [0.001, -0.002, 0.003])):
        casatasks.gencal(vis, str(tmp_path / name), caltype="antpos", ant_pos_time_limit=limit)
        table = CalTable.open(str(tmp_path / name))
        assert table.vis_cal == "KAntPos Jones"
        np.testing.assert_allclose(table.param[1, 0], expected, rtol=1e-6)
        assert not table.param[[0, 2, 3, 4, 5, 6, 7]].any()
    casatasks.gencal(vis, str(tmp_path / "none"), caltype="antpos", ant_pos_time_limit=1)
    assert not (tmp_path / "none").exists()


def test_no_offsets_of_the_old_array(vis: str, service: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("TIME", ms.read("TIME") - 12 * 365.25 * 86400.0, np.arange(ms.nrow))
        assert find_vla_offsets(ms, 0, service.replace("list", "absent")) == {}


def test_no_service_and_no_vla(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with MeasurementSet(vis) as ms, pytest.raises(DataError, match="could not be fetched"):
        find_vla_offsets(ms, 0, "http://127.0.0.1:9/{year}")
    table = open_table(f"{vis}/OBSERVATION", writable=True)
    table.putcell("TELESCOPE_NAME", 0, "ALMA")
    table.close()
    with MeasurementSet(vis) as ms, pytest.raises(DataError, match="is of ALMA"):
        find_vla_offsets(ms)
    monkeypatch.setattr(MeasurementSet, "nrow", property(lambda _: 0))
    table = open_table(f"{vis}/OBSERVATION", writable=True)
    table.putcell("TELESCOPE_NAME", 0, "VLA")
    table.close()
    with MeasurementSet(vis) as ms, pytest.raises(DataError, match="no rows"):
        find_vla_offsets(ms)


def test_file_of_alma(vis: str, tmp_path: Path) -> None:
    with MeasurementSet(vis) as ms:
        place = ms.metadata.antennas[2].position_m
    file = tmp_path / "pos.json"

    def put(data: object, code: str = "antposalma") -> None:
        file.write_text(json.dumps({"data": data, "metadata": {"product_code": code}}))

    put({"EA03": (place + [0.01, 0.02, -0.03]).tolist(), "DV99": [1, 2, 3]})
    generate_table(vis, str(tmp_path / "p"), TableRequest("antpos", infile=str(file)))
    np.testing.assert_allclose(CalTable.open(str(tmp_path / "p")).param[2, 0], [0.01, 0.02, -0.03], atol=1e-7)
    with MeasurementSet(vis) as ms:
        put({"DV99": [1, 2, 3]})
        with pytest.raises(DataError, match="none of the antennas"):
            read_alma_offsets(ms, str(file))
        put({"EA03": [1, 2]})
        with pytest.raises(DataError, match="three numbers"):
            read_alma_offsets(ms, str(file))
        put({}, "vla")
        with pytest.raises(ParameterError, match="antposalma"):
            read_alma_offsets(ms, str(file))
        file.write_text("{}")
        with pytest.raises(DataError, match="no file of antenna positions"):
            read_alma_offsets(ms, str(file))
        with pytest.raises(PathMissingError):
            read_alma_offsets(ms, str(tmp_path / "absent"))
