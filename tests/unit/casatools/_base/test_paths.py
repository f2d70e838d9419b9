"""Outputs appear only when complete; paths are refused in one sentence."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from casatools._base import paths
from casatools._base.errors import DataError, OutputExistsError, PathMissingError


def test_staged_output(tmp_path: Path) -> None:
    with paths.staged_output("out.txt") as name:
        Path(name).write_text("new")
        assert not Path("out.txt").exists()
    assert Path("out.txt").read_text() == "new"
    with pytest.raises(OutputExistsError, match="already exists"), paths.staged_output("out.txt"):
        pass
    with pytest.raises(KeyboardInterrupt), paths.staged_output("out.txt", overwrite=True) as name:
        Path(name).write_text("half")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(("out", ".out"))] == ["out.txt"]
    assert Path("out.txt").read_text() == "new"
    with pytest.raises(DataError, match="nothing was written"), paths.staged_output("none"):
        pass
    with pytest.raises(DataError, match="disk is full"), paths.staged_output("big"):
        raise OSError(errno.ENOSPC, "no space")
    with pytest.raises(OSError, match="else"), paths.staged_output("other"):
        raise OSError(errno.EIO, "something else")


def test_require() -> None:
    with pytest.raises(PathMissingError, match="does not exist in"):
        paths.require_present("nothing.ms")
    with pytest.raises(PathMissingError, match="folder"):
        paths.require_writable_parent("no/such/x.ms")
    with pytest.raises(DataError, match="the disk is full"):
        paths.require_space("x/y/z", 1e30)
    Path("here").mkdir()
    assert paths.require_present("here/") == "here"


def test_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_extra", None)
    monkeypatch.setattr(paths, "casadata_folders", lambda: [str(tmp_path)])
    assert paths.data_paths()[-1] == str(tmp_path)
    paths.set_data_paths([])
    assert paths.data_paths() == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table").write_text("")
    paths.set_data_paths([str(tmp_path / "data"), "/nowhere"])
    assert paths.data_paths() == [str(tmp_path / "data")]
    assert paths.resolve("table") == str(tmp_path / "data" / "table")
    assert paths.resolve("absent") == "absent"
