"""Fixtures of the whole suite: each test runs in a scratch folder, the log goes there, shared inputs are unpacked once."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from support import shared as _shared


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from casatools._base import log

    monkeypatch.chdir(tmp_path)
    log.sink.set_path(str(tmp_path / "casa.log"))
    log.sink.greeting = False
    yield


@pytest.fixture(scope="session")
def _unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("inputs")
    have: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in have:
            have[name] = _shared.unpack(name, folder)
        return have[name]

    return get


@pytest.fixture
def shared_input(_unpacked: Callable[[str], Path], tmp_path: Path) -> Callable[[str], str]:
    """``shared_input("simvla.ms")`` gives the path of a private writable copy of a shared input in the test's folder."""

    def get(name: str) -> str:
        source = _unpacked(name)
        target = tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
        return str(target)

    return get
