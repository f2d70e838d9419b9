"""Flag versions: saved, merged, restored, renamed, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from casacore.tables import table
from tests.support.shared import unpack

from casatools._base.errors import OutputExistsError, ParameterError, PathMissingError
from casatools.io.ms.flag_versions import (
    delete_version,
    list_versions,
    next_version_name,
    rename_version,
    restore_version,
    save_version,
)


def put(path: Path, value: bool) -> None:
    with table(str(path), readonly=False, ack=False) as t:
        t.putcol("FLAG", (t.getcol("FLAG") & False) | value)


def flagged(path: Path) -> int:
    with table(str(path), ack=False) as t:
        return int(t.getcol("FLAG").sum())


def test_life_of_a_version(tmp_path: Path) -> None:
    path = unpack("simvla.ms", tmp_path)
    before, name = flagged(path), str(path)
    save_version(name, "first", "a comment")
    save_version(name, "second")
    assert (tmp_path / "simvla.ms.flagversions" / "FLAG_VERSION_LIST").read_text() == "first : a comment\nsecond : \n"
    put(path, True)
    restore_version(name, "first", "or")
    assert flagged(path) == 64512
    restore_version(name, "first", "and")
    assert flagged(path) == before
    put(path, False)
    save_version(name, "first", "again", "or")
    restore_version(name, "first")
    assert flagged(path) == before
    rename_version(name, "second", "third", "new")
    delete_version(name, "first")
    assert list_versions(name) == [("third", "new")]
    assert next_version_name(name, "third") == "third_1"
    with pytest.raises(PathMissingError, match="third"):
        restore_version(name, "first")
    with pytest.raises(ParameterError):
        save_version(name, "a/b")
    with pytest.raises(ParameterError):
        restore_version(name, "third", "xor")
    save_version(name, "fourth")
    with pytest.raises(OutputExistsError):
        rename_version(name, "fourth", "third")
    with pytest.raises(OutputExistsError):
        save_version(name, "third", overwrite=False)
