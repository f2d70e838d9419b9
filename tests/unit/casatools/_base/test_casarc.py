"""``~/.casarc`` and ``~/.casa/rc``: precedence as CASA 6.7 has it (asked by running it), limits of memory and cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casatools._base import casarc
from casatools._base.memory import limited_bytes, memory_budget_bytes
from casatools._base.threads import thread_count
from casatools.tools.logsink import logsink
from casatools.tools.system import ctsys


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (tmp_path / ".casa").mkdir()
    casarc._read.cache_clear()
    yield tmp_path
    casarc._read.cache_clear()


def test_files(home: Path) -> None:
    (home / ".casa" / "rc").write_text("system.resources.cores: 1\nsystem.resources.memfrac: 50\nno colon\n# a: b\n")
    assert ctsys.getrc("system.resources.cores") == "1" and ctsys.getrc("nothing.such") == "Unknown value"
    assert ctsys.getrc() == str(home) and ctsys.getrc("agg") == "False"
    assert logsink().getNumCPUs() == 1 and thread_count() == 1
    total = logsink().getMemoryTotal(False)
    assert logsink().getMemoryTotal() == total // 2
    casarc._read.cache_clear()
    (home / ".casarc").write_text("system.resources.cores: 77\nsystem.resources.memory: 512\n")
    assert ctsys.getrc("system.resources.cores") == "77" and logsink().getNumCPUs() == 77
    assert logsink().getMemoryTotal() == 512 * 1024 and limited_bytes() == 512 * 1024 * 1024
    assert memory_budget_bytes() <= 512 * 1024 * 1024


def test_nothing_and_nonsense(home: Path) -> None:
    assert casarc.limit("cores") == 0 and limited_bytes() == 0
    casarc._read.cache_clear()
    (home / ".casarc").write_text("system.resources.cores: many\nsystem.resources.memory: -3\n")
    assert casarc.limit("cores") == 0 and limited_bytes() == 0 and thread_count() >= 1
