"""Antenna positions of ALMA and ephemerides of JPL, asked of a stand-in on this computer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from casatasks import getantposalma, getephemtable
from casatools import table
from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.information import horizons

POSITIONS = {"DA41": [2225000.1, -5440000.2, -2481000.3], "DV01": [2225001.1, -5440001.2, -2481001.3]}
HEADING = (
    " Date_________JDUT, , ,R.A._(ICRF), DEC_(ICRF),ObsSub-LON,ObsSub-LAT,SunSub-LON,SunSub-LAT,   NP.ang,  NP.dist,"
    "               r,       rdot,             delta,     deldot,    S-T-O,"
)
ROWS = [
    " 2459215.500000000, , ,  24.39887000,  11.06570000,173.26, -23.01, 136.02,  -8.40, 323.0804, -4.8170,  1.508042137269,  2.2616149, "
    " 0.88954323865796, 15.5932063,  38.5295,",
    " 2459216.500000000, , ,  24.83000000,  11.26000000,163.00, -22.90, 126.00,  -8.20, 323.1000, -4.8000,  1.509350000000,  2.2600000, "
    " 0.89850000000000, 15.6000000,  38.6000,",
]


class Stand:
    """A service that answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[dict[str, list[str]]] = []
        stand = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand.asked.append(parse_qs(urlsplit(self.path).query))
                self.send_response(stand.status)
                self.end_headers()
                self.wfile.write(stand.body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/x/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.chdir(tmp_path)
    found = Stand()
    monkeypatch.setattr(horizons, "ADDRESS", found.address)
    yield found
    found.close()


def test_alma_positions_are_written(stand: Stand) -> None:
    stand.body = json.dumps(POSITIONS).encode()
    window = "2023-03-14T00:40:20,2023-03-20T17:58:20"
    getantposalma(
        "p.json",
        asdm="uid://A002/X10ac6bc/Xc408",
        tw=window,
        snr=5.0,
        search="both_closest",
        hosts=["http://127.0.0.1:1/", stand.address],
    )
    assert stand.asked == [{"asdm": ["uid://A002/X10ac6bc/Xc408"], "tw": [window], "snr": ["5.0"], "search": ["both_closest"]}]
    found = json.loads(Path("p.json").read_text())
    assert found["data"] == POSITIONS and found["metadata"]["successful_url"].startswith(stand.address)
    with pytest.raises(OutputExistsError):
        getantposalma("p.json", asdm="uid://A002/X1/X2", hosts=[stand.address])
    getantposalma("p.json", overwrite=True, asdm="uid://A002/X1/X2", hosts=[stand.address])
    assert "tw" not in json.loads(Path("p.json").read_text())["metadata"]


def test_alma_positions_that_do_not_come(stand: Stand) -> None:
    for body in (b"<html>", b'{"DA41": [1, 2]}', b"[1]", b'{"DA41": 3}'):
        stand.body = body
        with pytest.raises(DataError, match="not a list of antenna positions"):
            getantposalma("p.json", asdm="uid://A002/X1/X2", hosts=[stand.address])
    stand.status, stand.body = 500, b"broken"
    with pytest.raises(DataError, match=r"500 .*broken"):
        getantposalma("p.json", asdm="uid://A002/X1/X2", hosts=[stand.address])
    with pytest.raises(DataError, match="network connection"):
        getantposalma("p.json", asdm="uid://A002/X1/X2", hosts=["http://127.0.0.1:1/"])
    with pytest.raises(DataError, match="not an http address"):
        getantposalma("p.json", asdm="uid://A002/X1/X2", hosts=["ftp://x/"])
    assert not Path("p.json").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"asdm": ""}, "asdm"), ({"hosts": []}, "hosts"), ({"snr": -1.0}, "snr"), ({"search": "foo"}, "both_latest"), ({"tw": "2023"}, "comma"),
        ({"tw": "2023/03/14,2022/03/14"}, "ends before"), ({"outfile": ""}, "outfile"),
    ],
)  # fmt: skip
def test_bad_requests_for_positions(given: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        getantposalma(**({"outfile": "p.json", "asdm": "uid://A002/X1/X2"} | given))


def test_an_ephemeris_becomes_a_table(stand: Stand) -> None:
    text = "\n".join(
        [
            "Target radii    : 3396.2 x 3396.2 x 3376.2 km",
            " Sid. rot. period = 24.622962 h",
            HEADING,
            "*" * 9,
            "$$SOE",
            *ROWS,
            "$$EOE",
        ]
    )
    stand.body = json.dumps({"signature": {}, "result": text}).encode()
    getephemtable("Mars", timerange="2021/01/01~2021/01/02", interval="1d", outfile="mars.tab", rawdatafile="raw.txt")
    asked = stand.asked[0]
    assert asked["COMMAND"] == ["'499'"] and asked["START_TIME"] == ["'JD2459215.500000000'"] and asked["STEP_SIZE"] == ["'1d'"]
    assert Path("raw.txt").read_text() == text
    tb = table()
    tb.open("mars.tab")
    assert tb.getcol("MJD").tolist() == [59215.0, 59216.0] and tb.getcol("RA")[0] == 24.39887
    assert tb.getcell("RadVel", 0) == pytest.approx(0.009005781, rel=1e-5) and tb.getcolkeyword("RadVel", "QuantumUnits") == [
        "AU/d"
    ]
    assert (tb.getkeyword("MJD0"), tb.getkeyword("dMJD"), tb.getkeyword("NAME")) == (59214.0, 1.0, "Mars")
    assert tb.getkeyword("meanrad")["value"] == pytest.approx(3389.52, rel=1e-4) and tb.getkeyword("rot_per")["unit"] == "h"
    tb.close()
    with pytest.raises(OutputExistsError):
        getephemtable("Mars", timerange="59215~59216", outfile="mars.tab")
    getephemtable("Mars", asis=True, timerange="2459215.5~2459216.5", interval="24", outfile="mars.tab", overwrite=True)
    assert stand.asked[1]["COMMAND"] == ["'Mars'"] and stand.asked[1]["STEP_SIZE"] == ["'24'"]
    getephemtable("Ceres", timerange="59215~59216", interval="1h", outfile="ceres.tab")
    assert stand.asked[2]["COMMAND"] == ["'Ceres;'"]


def test_an_ephemeris_that_does_not_come(stand: Stand) -> None:
    def ask() -> None:
        getephemtable("Nobody", timerange="59215~59216", outfile="x.tab")

    for body, says in (
        (json.dumps({"result": "No matches found."}).encode(), "No matches found"), (json.dumps({"error": "bad date"}).encode(), "bad date"),
        (b"[]", "no ephemeris"), ("\n".join(["Date,RA", "$$SOE", "1,2", "$$EOE"]).encode(), "heading is 'Date,RA'"),
    ):  # fmt: skip
        stand.body = body
        with pytest.raises(DataError, match=says):
            ask()
    assert not Path("x.tab").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"objectname": ""}, "objectname"), ({"timerange": "x"}, "start~end"), ({"timerange": "59216~59215"}, "ends before"),
        ({"interval": "5 weeks"}, "interval"), ({"interval": "0d"}, "interval"), ({"outfile": ""}, "outfile"),
    ],
)  # fmt: skip
def test_bad_requests_for_an_ephemeris(given: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        getephemtable(**({"objectname": "Mars", "timerange": "59215~59216", "outfile": "x.tab"} | given))
