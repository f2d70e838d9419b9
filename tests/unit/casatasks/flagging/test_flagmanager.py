"""flagmanager: the versions' life through the task, how flags combine, and refusals that change nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagdata, flagmanager
from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, PathMissingError


@pytest.fixture
def ms(shared_input: Any) -> str:
    return str(shared_input("simvla.ms"))


def flags(path: str) -> np.ndarray:
    with table(path, ack=False) as t:
        return np.asarray(t.getcol("FLAG"))


def names(path: str) -> list[str]:
    return [v["name"] for k, v in flagmanager(path).items() if k != "MS"]


def test_life_of_a_version(ms: str) -> None:
    start = flags(ms)
    assert flagmanager(ms) == {"MS": os.path.abspath(ms)}
    assert flagmanager(ms, mode="save", versionname="start", comment="as it came") is None
    assert flagmanager(ms)[0] == {"name": "start", "comment": "as it came"}
    flagdata(ms, antenna="1", flagbackup=False)
    flagmanager(ms, mode="rename", oldname="start", versionname="first", comment="renamed")
    assert flagmanager(ms)[0] == {"name": "first", "comment": "renamed"}
    flagmanager(ms, mode="restore", versionname="first")
    np.testing.assert_array_equal(flags(ms), start)
    flagmanager(ms, mode="save", versionname="second")
    flagmanager(ms, mode="delete", versionname=["first", "second"])
    assert names(ms) == []


@pytest.mark.parametrize("merge", ["replace", "and", "or"])
def test_flags_combine(ms: str, merge: str) -> None:
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, antenna="1", flagbackup=False)
    saved = flags(ms)
    flagmanager(ms, mode="save", versionname="one")
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, antenna="2", flagbackup=False)
    current = flags(ms)
    wanted = {"replace": saved, "and": saved & current, "or": saved | current}[merge]
    assert wanted.any() and (current != saved).any()
    flagmanager(ms, mode="restore", versionname="one", merge=merge)
    np.testing.assert_array_equal(flags(ms), wanted)
    # Saving under the name again combines the other way round.
    flagdata(ms, mode="unflag", flagbackup=False)
    flagdata(ms, antenna="2", flagbackup=False)
    flagmanager(ms, mode="save", versionname="one", merge=merge)
    expected = {"replace": current, "and": saved & current, "or": saved | current}[merge]
    np.testing.assert_array_equal(flags(f"{ms}.flagversions/flags.one"), expected)
    older = [n for n in names(ms) if n.startswith("one.old.")]
    assert names(ms) == [*older, "one"] and len(older) == (merge == "replace")
    if older:  # what was there is kept, as by the reference
        np.testing.assert_array_equal(flags(f"{ms}.flagversions/flags.{older[0]}"), saved)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"mode": "restore", "versionname": "nothing"}, PathMissingError, "nothing"),
        ({"mode": "delete", "versionname": "nothing"}, PathMissingError, "nothing"),
        ({"mode": "delete", "versionname": ["nothing", "kept"]}, PathMissingError, "nothing"),
        ({"mode": "rename", "oldname": "nothing", "versionname": "new"}, PathMissingError, "nothing"),
        ({"mode": "rename", "oldname": "kept", "versionname": "other"}, OutputExistsError, "other"),
        ({"mode": "restore"}, ParameterError, "versionname"),
        ({"mode": "restore", "versionname": ["kept", "other"]}, ParameterError, "one name"),
        ({"mode": "save", "versionname": "a/b"}, ParameterError, "a/b"),
        ({"mode": "restore", "versionname": "kept", "merge": "xor"}, ParameterError, "merge"),
        ({"mode": "undo", "versionname": "kept"}, ParameterError, "mode"),
        ({"vis": ""}, ParameterError, "vis"),
        ({"vis": "absent.ms"}, PathMissingError, "absent.ms"),
    ],
)
def test_refusals_change_nothing(ms: str, given: dict[str, Any], error: type[CasaError], message: str) -> None:
    for name in ("kept", "other"):
        flagmanager(ms, mode="save", versionname=name)
    flagdata(ms, antenna="1", flagbackup=False)
    before = flags(ms)
    with pytest.raises(error, match=message):
        flagmanager(**{"vis": ms, **given})
    np.testing.assert_array_equal(flags(ms), before)
    assert names(ms) == ["kept", "other"]


def test_versions_of_another_measurement_set_are_refused(ms: str, tmp_path: Path) -> None:
    smaller = str(tmp_path / "smaller.ms")
    with table(ms, ack=False) as t:
        t.selectrows(list(range(100))).copy(smaller, deep=True).close()
    flagmanager(smaller, mode="save", versionname="theirs")
    flagmanager(ms, mode="save", versionname="theirs")
    shutil.rmtree(f"{ms}.flagversions/flags.theirs")
    shutil.copytree(f"{smaller}.flagversions/flags.theirs", f"{ms}.flagversions/flags.theirs")
    before = flags(ms)
    with pytest.raises(DataError, match="100 rows"):
        flagmanager(ms, mode="restore", versionname="theirs")
    np.testing.assert_array_equal(flags(ms), before)
