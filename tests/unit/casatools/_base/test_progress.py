"""The progress line: shown in terminals and notebooks only, with the time left."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import types

import pytest

from casatools._base import log
from casatools._base.progress import Progress, duration, someone_looks

PROGRAM = """
import time
from casatools._base.progress import Progress
with Progress(4, "splitting", delay_s=0.0) as progress:
    for _ in range(3):
        time.sleep(0.25)
        progress.advance()
"""


def test_in_a_terminal() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], stderr=theirs, check=True)
    os.close(theirs)
    told = os.read(ours, 100000).decode()
    os.close(ours)
    assert "splitting" in told and " 25 %, 1 s left" in told and "[#####" in told
    assert told.rstrip(" \r").endswith("left") and told.endswith("\r")  # wiped at the end


def test_not_elsewhere() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stderr == done.stdout == ""


def test_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    class OutStream(io.StringIO):
        pass

    monkeypatch.setitem(sys.modules, "ipykernel.iostream", types.SimpleNamespace(OutStream=OutStream))
    monkeypatch.setattr(sys, "stderr", OutStream())
    assert someone_looks()
    with Progress(2, "imaging", delay_s=-1.0) as progress:
        progress._shown -= 1
        progress.advance()
        assert " 50 %" in sys.stderr.getvalue()  # type: ignore[attr-defined]
    monkeypatch.setattr(log.sink, "processor", "@host:MPIServer-1")
    assert not someone_looks()


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 42, 200, 7500)] == ["0 s", "42 s", "3 min 20 s", "2 h 05 min"]
