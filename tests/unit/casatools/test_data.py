"""Measures data: the summary, the choice between folders, the update from a stand-in server, the one warning of old tables."""

from __future__ import annotations

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


def make_archive(folder: Path, name: str, leave_out: str = "", made: str = "2031/01/02/03:04") -> None:
    work = folder / "work"
    for table in WANTED:
        if table != leave_out:
            shutil.copytree(os.path.join(bundled_folder(), "geodetic", table), work / "geodetic" / table)
            opened = open_table(str(work / "geodetic" / table), writable=True)
            opened.putkeyword("VS_DATE", made)
            opened.close()
    with tarfile.open(folder / "site" / name, "w:gz") as packed:
        packed.add(work / "geodetic", "geodetic")
    shutil.rmtree(work)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "site").mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"), **more)  # type: ignore[arg-type]

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
    assert not (folder / "geodetic" / "old").exists() and describe(str(folder))[0].made == "2031/01/02"
    assert "version : WSRT_Measures_20310102" in (folder / "readme.txt").read_text()
    assert "newest already" in data.update(str(folder), [site])
    assert "are in" in data.update(str(folder), [site], force=True)
    with open(folder / "data_update.log") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another update"):
            data.update(str(folder), [site])


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
