"""Flag versions: saved, merged, restored, renamed, removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table

from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.ms.flag_versions import (
    delete_version,
    list_versions,
    next_version_name,
    rename_version,
    restore_version,
    save_version,
)
from support.shared import unpack


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


def test_versions_of_other_data_are_refused(tmp_path: Path) -> None:
    """Rows, then cells of another shape; the flags stay."""
    path = unpack("simvla.ms", tmp_path)
    save_version(str(path), "v")
    before = flagged(path)
    version = str(tmp_path / "simvla.ms.flagversions" / "flags.v")
    description = maketabdesc([makearrcoldesc("FLAG", False, ndim=2), makescacoldesc("FLAG_ROW", False)])
    with table(version, description, nrow=2016, ack=False) as t:
        t.putcol("FLAG", np.ones((2016, 3, 4), bool))
    for work in (lambda: restore_version(str(path), "v"), lambda: save_version(str(path), "v", merge="or")):
        with pytest.raises(DataError, match="shape"):
            work()
    with table(version, readonly=False, ack=False) as t:
        t.removerows([0])
    with pytest.raises(DataError, match="2015 rows"):
        restore_version(str(path), "v")
    assert flagged(path) == before


def test_a_file_where_the_versions_should_be(tmp_path: Path) -> None:
    path = unpack("simvla.ms", tmp_path)
    Path(f"{path}.flagversions").write_text("mine")
    with pytest.raises(DataError, match=r"flag versions folder .* cannot be made"):
        save_version(str(path), "one", "")
    assert Path(f"{path}.flagversions").read_text() == "mine"
