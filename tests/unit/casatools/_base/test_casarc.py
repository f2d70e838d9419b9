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
    assert memory_budget_bytes() <= 312 * 1024 * 1024


def test_nothing_and_nonsense(home: Path) -> None:
    assert casarc.limit("cores") == 0 and limited_bytes() == 0
    casarc._read.cache_clear()
    (home / ".casarc").write_text("system.resources.cores: many\nsystem.resources.memory: -3\n")
    assert casarc.limit("cores") == 0 and limited_bytes() == 0 and thread_count() >= 1


def test_memory_set_by_casalog(home: Path) -> None:
    """What CASA 6.7 gave: the former value comes back, and an amount wins over a part."""
    sink = logsink()
    total = sink.getMemoryTotal(False)
    try:
        assert (sink.setMemoryTotal(700), sink.setMemoryTotal(600), sink.getMemoryTotal()) == (0, 700 * 1024, 600 * 1024)
        # The interpreter and the libraries are in what is allowed.
        assert memory_budget_bytes() == 400 * 1024 * 1024 and sink.getMemoryTotal(False) == total
        assert (sink.setMemoryFraction(50), sink.getMemoryTotal()) == (0, 600 * 1024)
        assert (sink.setMemoryTotal(0), sink.getMemoryTotal()) == (600 * 1024, total // 2)
        assert sink.setMemoryFraction(0) == 50 and sink.getMemoryTotal() == total
        assert (sink.setNumCPUs(3), sink.getNumCPUs(), sink.setNumCPUs(0)) == (0, 3, 3)
    finally:
        sink.setMemoryTotal(0), sink.setMemoryFraction(0), sink.setNumCPUs(0)
