"""Outputs appear only when complete; paths are refused in one sentence."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from casatools._base import paths
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError


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
    with pytest.raises(DataError, match=r"disk is full.*it needs 1\.5 MB"), paths.staged_output("big", nbytes=1.5e6):
        raise OSError(errno.ENOSPC, "no space")
    with pytest.raises(DataError, match=r"needs 1000000000000\.0 MB, but"), paths.staged_output("big", nbytes=1e18):
        pass
    with pytest.raises(DataError, match=r"has become full.*needs 2000000000000\.0 MB, of which 1000000000000\.0 MB are still"):
        paths.require_space("big", 1e18, 2e18)
    with pytest.raises(OSError, match="else"), paths.staged_output("other"):
        raise OSError(errno.EIO, "something else")


_HELD = """
import sys
from casatools._base import paths
with paths.staged_output(sys.argv[1]) as name:
    open(name, "w").write("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


def _working(name: str) -> subprocess.Popen[str]:
    """A process that is making an output."""
    process = subprocess.Popen([sys.executable, "-c", _HELD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def _folders() -> list[str]:
    return sorted(n for n in os.listdir() if ".part-" in n)


def test_what_killed_runs_have_left_is_removed_by_the_next() -> None:
    killed, other, alive = _working("out"), _working("other"), _working("out")
    try:
        for process in (killed, other):
            process.kill()
            process.communicate()
        assert len(_folders()) == 3
        with paths.staged_output("out") as name:
            # Of the killed run nothing is left; those of another output and of a run that goes on stay.
            assert [n.startswith(".out") for n in _folders()] == [False, True, True]
            with paths.staged_output("out"):  # within one process too
                assert len(_folders()) == 4
                Path(name).write_text("new")
                Path("keep").write_text("x")
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert len(_folders()) == 2
    finally:
        alive.communicate("")
    assert Path("out").read_text() == "half"
    assert [n.startswith(".other") for n in _folders()] == [True]


def _without_locks(*_: int) -> None:
    raise OSError(errno.ENOLCK, "no locks")


def _without_list(*_: str) -> list[str]:
    raise PermissionError


@pytest.mark.parametrize(
    ("place", "attribute", "instead"),
    [(socket, "gethostname", lambda: "elsewhere"), (fcntl, "flock", _without_locks), (os, "listdir", _without_list)],
)
def test_folders_that_cannot_be_judged_stay(
    monkeypatch: pytest.MonkeyPatch, place: object, attribute: str, instead: object
) -> None:
    """Of other hosts, on file systems without locks, in folders that cannot be listed."""
    killed = _working("out")
    killed.kill()
    killed.communicate()
    Path(".out.part-" + _folders()[0][10:16] + "file").write_text("no folder")
    left = _folders()
    with monkeypatch.context() as patched:
        patched.setattr(place, attribute, instead)
        with paths.staged_output("out") as name:
            Path(name).write_text("new")
    assert _folders() == left and Path("out").read_text() == "new"
    with paths.staged_output("out", overwrite=True) as name:
        Path(name).write_text("newer")
    assert [n for n in _folders() if os.path.isdir(n)] == []


def test_a_folder_that_is_removed_while_it_is_made_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may take a new folder for one that was left, before its lock is taken."""
    made: list[str] = []
    mkdir = os.mkdir

    def taken(path: str) -> None:
        mkdir(path)
        made.append(path)
        if len(made) == 1:
            os.rmdir(path)
        elif len(made) == 2:
            held.append(os.open(path, os.O_RDONLY))
            fcntl.flock(held[0], fcntl.LOCK_EX)

    held: list[int] = []
    monkeypatch.setattr(os, "mkdir", taken)
    with paths.working_folder(".", "out") as folder:
        assert len(made) == 3 and os.path.samefile(folder, made[2])
    os.close(held[0])


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


def test_folder_of_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    for nameless in ("", "/"):
        with pytest.raises(ParameterError, match="must have a name"):
            paths.require_writable_parent(nameless)
    with pytest.raises(PathMissingError, match="nowhere"):
        paths.require_writable_parent("nowhere/out.txt")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # tests may run as a user who may write anything
    with pytest.raises(DataError, match=r"no permission to write the output 'out\.txt' into the folder"):
        paths.require_writable_parent("out.txt")
