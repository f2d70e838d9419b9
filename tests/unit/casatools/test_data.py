"""Measures data: the summary, the choice between folders, the update from a stand-in server, the one warning of old tables."""

from __future__ import annotations

import datetime
import fcntl
import http.server
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from casatools import data
from casatools._base import config, log
from casatools._base.errors import DataError, ParameterError
from casatools.frames import engine, measures_tables
from casatools.frames.measures_tables import bundled_folder, choose_folder, describe
from casatools.io.tables import open_table

WANTED = ("TAI_UTC", "IERSeop97", "IERSeop2000", "IERSpredict")


def make_archive(folder: Path, name: str, leave_out: str = "", made: str = "2031/01/02/03:04", whole: bool = False) -> None:
    """An archive as ASTRON packs it: python-casacore's data folder is an unpacked one. The big tables are left out unless it is to be `whole`."""
    work = folder / "work"
    tables = [f"geodetic/{table}" for table in WANTED]
    if whole:
        tables = [f"{kind}/{t}" for kind in ("geodetic", "ephemerides") for t in os.listdir(os.path.join(bundled_folder(), kind))]
    for table in tables:
        if table.rpartition("/")[2] != leave_out:
            shutil.copytree(os.path.join(bundled_folder(), table), work / table)
            if table.rpartition("/")[2] in WANTED:
                opened = open_table(str(work / table), writable=True)
                opened.putkeyword("VS_DATE", made)
                opened.close()
    with tarfile.open(folder / "site" / name, "w:gz", compresslevel=1) as packed:
        for kind in sorted(p.name for p in work.iterdir()):
            packed.add(work / kind, kind)
    shutil.rmtree(work)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "site").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"), **more)  # type: ignore[arg-type]

        def send_header(self, keyword: str, value: str) -> None:
            # The archive of this day ends before its length: the connection broke.
            cut = keyword == "Content-Length" and "20310106" in self.path
            super().send_header(keyword, str(int(value) + 100) if cut else value)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main([]) == 0
    told = capsys.readouterr().out
    assert "geodetic/TAI_UTC" in told and "days old, covers days until" in told and engine.data_folder() in told


def test_update(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "measures"
    (folder / "geodetic" / "old").mkdir(parents=True)
    make_archive(tmp_path, "WSRT_Measures_20301231-160001.ztar")
    make_archive(tmp_path, "WSRT_Measures_20310102-160001.ztar")
    assert data.main(["--update", "--path", str(folder), "--site", site]) == 0
    assert "WSRT_Measures_20310102-160001.ztar" in capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == ["data_update.log", "geodetic", "readme.txt"]
    assert (folder / "geodetic" / "old").is_dir() and describe(str(folder))[0].made == "2031/01/02"
    assert "version : WSRT_Measures_20310102" in (folder / "readme.txt").read_text()
    assert "newest already" in data.update(str(folder), [site])
    assert "are in" in data.update(str(folder), [site], force=True)
    with open(folder / "data_update.log") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another update"):
            data.update(str(folder), [site])


def test_update_of_a_folder_of_casa(site: str, tmp_path: Path) -> None:
    """The whole archive as ASTRON makes it goes over CASA's folders, whose other tables stay."""
    folder = tmp_path / "measures"
    for name in ("ephemerides/JPL-Horizons", "nrao/VLA"):
        (folder / name).mkdir(parents=True)
        (folder / name / "mine").write_text("mine")
    (folder / "ephemerides" / "SplatDefault.tbl").write_text("lines")
    shutil.copytree(os.path.join(bundled_folder(), "geodetic", "Observatories"), folder / "geodetic" / "Observatories")
    table = open_table(str(folder / "geodetic" / "Observatories"), writable=True)
    table.putkeyword("VS_DATE", "2030/01/01/00:00")
    table.close()
    make_archive(tmp_path, "WSRT_Measures_20310102-160001.tar.gz", whole=True)
    (tmp_path / "site" / "WSRT_Measures_20310102-160002.ztar.md5").write_text("")
    assert "WSRT_Measures_20310102-160001.tar.gz" in data.update(str(folder), [site])
    assert (folder / "nrao" / "VLA" / "mine").exists() and (folder / "ephemerides" / "JPL-Horizons" / "mine").exists()
    assert (folder / "ephemerides" / "SplatDefault.tbl").read_text() == "lines" and (folder / "ephemerides" / "DE405").is_dir()
    made = {table.name: table.made for table in describe(str(folder))}
    assert made["geodetic/TAI_UTC"] == "2031/01/02" and made["geodetic/Observatories"] == "2030/01/01"
    engine_tables = {p.name for p in (folder / "geodetic").iterdir()}
    assert engine_tables == set(os.listdir(os.path.join(bundled_folder(), "geodetic")))


def test_addresses_of_sites(site: str, tmp_path: Path) -> None:
    """A site without a list of archives, one without a slash at its end, one that sends us elsewhere."""
    (tmp_path / "site" / "iers").mkdir()
    make_archive(tmp_path, "iers/WSRT_Measures.ztar")
    stamp = datetime.datetime(2031, 1, 3, 1, 2, 3, tzinfo=datetime.UTC).timestamp()
    os.utime(tmp_path / "site" / "iers" / "WSRT_Measures.ztar", (stamp, stamp))
    folder = str(tmp_path / "measures")
    assert "WSRT_Measures_20310103-010203.ztar" in data.update(folder, [site + "iers/"])
    assert "newest already" in data.update(folder, [site + "iers/"])
    with pytest.raises(DataError, match="File not found"):
        data.update(folder, [site + "absent"])
    (tmp_path / "site" / "iers" / "index.html").write_text("<a href='WSRT_Measures.ztar'>the newest</a>")
    assert "20310103" in data.update(str(tmp_path / "other"), [site + "iers"])  # this server redirects to iers/
    make_archive(tmp_path, "iers/WSRT_Measures_20310104-010203.ztar")
    (tmp_path / "site" / "iers" / "index.html").write_text("<a href='WSRT_Measures_20310104-010203.ztar'>the newest</a>")
    assert "20310104" in data.update(folder, [site + "iers"])
    assert data._as_folder("http://x/iers") == "http://x/iers/" and data._as_folder("http://x/a.html") == "http://x/a.html"


def test_failures_leave_the_old_data(site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "measures"
    (folder / "geodetic").mkdir(parents=True)
    (folder / "geodetic" / "old").write_text("old")

    def refused(reason: str, *sites: str) -> None:
        with pytest.raises(DataError, match=reason):
            data.update(str(folder), sites or [site])
        assert (folder / "geodetic" / "old").read_text() == "old"
        assert sorted(p.name for p in folder.iterdir()) == ["data_update.log", "geodetic"]

    refused("lists no measures data")
    make_archive(tmp_path, "WSRT_Measures_20310102-160001.ztar", leave_out="IERSpredict")
    refused("holds no measures data")
    make_archive(tmp_path, "WSRT_Measures_20310103-160001.ztar", made="unknown")
    refused("without a date")
    (tmp_path / "site" / "WSRT_Measures_20310104-160001.ztar").write_bytes(b"not an archive")
    refused("could not be opened")
    with tarfile.open(tmp_path / "site" / "WSRT_Measures_20310105-160001.ztar", "w:gz") as packed:
        packed.add(tmp_path / "site" / "WSRT_Measures_20310104-160001.ztar", "../outside")
    refused("outside")
    make_archive(tmp_path, "WSRT_Measures_20310106-160001.ztar")
    refused("only [0-9]+ of [0-9]+ bytes came")
    refused("refused", "http://127.0.0.1:9/")
    assert data.main(["--update", "--path", str(folder), "--site", "http://127.0.0.1:9/"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ParameterError, match="must be an http address"):
        data.update(str(folder), ["file:///tmp/"])
    with pytest.raises(DataError, match="cannot be written"):
        data.update("/proc/nothing/x", [site])


def test_swap_comes_back_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in (("fresh", "new"), ("data", "old")):
        for kind in ("geodetic", "ephemerides"):
            (tmp_path / place / kind / name).mkdir(parents=True)
    (tmp_path / "work").mkdir()
    real = os.rename

    def failing(source: str, target: str) -> None:
        if source.endswith("fresh/ephemerides"):
            raise OSError("disk trouble")
        real(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="disk trouble"):
        data._swap(str(tmp_path / "fresh"), str(tmp_path / "data"), str(tmp_path / "work"))
    assert (tmp_path / "data" / "geodetic" / "old").is_dir() and (tmp_path / "data" / "ephemerides" / "old").is_dir()


def test_choice_of_the_folder(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_archive(tmp_path, "WSRT_Measures_20310102-160001.ztar")
    folder = tmp_path / "measures"
    data.update(str(folder), [site])
    config.load()
    monkeypatch.setattr(config, "_values", dict(config._values) | {"measurespath": str(folder)})
    monkeypatch.setattr(config, "_sources", dict(config._sources) | {"measurespath": "default"})
    assert choose_folder() == bundled_folder()  # equally new
    table = open_table(str(folder / "geodetic" / "IERSpredict"), writable=True)
    table.putcell("MJD", table.nrows() - 1, 99000.0)
    table.close()
    assert choose_folder() == str(folder)
    (tmp_path / "path" / "casadata").mkdir(parents=True)
    (tmp_path / "path" / "casadata" / "__init__.py").write_text("")
    shutil.copytree(folder, tmp_path / "path" / "casadata" / "__data__")
    monkeypatch.setattr(config, "_values", config._values | {"measurespath": str(tmp_path / "absent")})
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    assert choose_folder() == str(tmp_path / "path" / "casadata" / "__data__")
    monkeypatch.setattr(config, "_values", config._values | {"measurespath": bundled_folder()})
    monkeypatch.setattr(config, "_sources", config._sources | {"measurespath": "config.py"})
    assert choose_folder() == bundled_folder()  # the user's own choice


def test_one_warning_of_tables_that_end_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(log, "post", lambda *words: told.append(words))
    monkeypatch.setattr(measures_tables, "_checked", measures_tables._Checked())
    engine.make_engine(epoch_mjd_s=55000.0 * 86400)
    assert told == []
    engine.make_engine(epoch_mjd_s=80000.0 * 86400)
    engine.require_tables(80001.0)
    assert len(told) == 1 and told[0][1:] == ("WARN", "measures")
    assert "before 2077-11-28" in told[0][0] and "python -m casatools.data --update" in told[0][0]
