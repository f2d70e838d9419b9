"""The logsink and ctsys tools: small things that CASA 6.7 was seen to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from casatools import ctsys, logsink
from casatools._base import log


def test_version_is_logged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(log.sink, "listeners", {"test": lambda priority, origin, message: said.append(message)})
    told = logsink().version()
    assert told.startswith("CASA Version 6.7.0-31") and said == [told]


def test_nothing_to_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.dat").write_text("")  # the folder itself must not be taken for the table ''
    assert ctsys.removetable("") is False and ctsys.removetable([]) is True
    assert os.path.isfile("table.dat")
