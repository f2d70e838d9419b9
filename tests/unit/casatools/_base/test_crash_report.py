"""Crash reports: only when asked for, complete, without names; also after a fatal signal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from casatools._base import crash_report


def run(home: Path, program: str, enabled: bool = True) -> tuple[int, str]:
    environment = {
        **os.environ,
        "HOME": str(home),
        "CASA_CRASHREPORTER_ENABLED": str(int(enabled)),
        "USER": "mstellar",
        "LOGNAME": "mstellar",
    }
    done = subprocess.run([sys.executable, "-c", program], cwd=home, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def reports(home: Path) -> list[Path]:
    return sorted((home / ".casa" / "crash").glob("*.txt"))


TASK = """
import casatasks, casatools.transform.splitting as s
def broken(*args):
    raise RuntimeError("in /home/mstellar/data of mstellar")
s.split = broken
casatasks.split("a.ms", "b.ms")
"""


def test_error_in_a_task(tmp_path: Path) -> None:
    assert run(tmp_path, TASK, enabled=False)[1].count("crash report") == 0 and not reports(tmp_path)
    code, err = run(tmp_path, TASK)
    (path,) = reports(tmp_path)
    assert code == 1 and f"A crash report was written to {path}; nothing was sent" in err
    text = path.read_text()
    for word in (
        "task split",
        "in broken",
        "RuntimeError",
        "MemTotal",
        "Mounted file systems",
        "CPU:",
        "OS:",
        "casatools 0",
        "Begin Task: split",
    ):
        assert word in text, word
    assert "mstellar" not in text and str(tmp_path) not in text


def test_refusals_are_no_crashes(tmp_path: Path) -> None:
    run(tmp_path, "import casatasks\ncasatasks.split('absent.ms', 'b.ms')")
    assert not reports(tmp_path)


def test_fatal_signal(tmp_path: Path) -> None:
    crash = """
import casatasks, ctypes, casatools.transform.splitting as s
s.split = lambda *args: ctypes.string_at(0)
casatasks.split("a.ms", "b.ms")
"""
    code, err = run(tmp_path, crash)
    assert code == -11
    deadline = time.monotonic() + 10
    while "Last log lines" not in "".join(p.read_text() for p in reports(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    (path,) = reports(tmp_path)
    text = path.read_text()
    assert "Segmentation fault" in text and "<lambda>" in text and "Begin Task: split" in text and "MemTotal" in text
    assert str(path) in err
    if sys.version_info < (3, 14):  # then faulthandler writes it
        compiled = text.split("Compiled code")[1].split("Fatal Python error")[0]
        assert "libc.so" in compiled and "ffi_call" in compiled


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".casa").write_text("a file")
    code, err = run(tmp_path, TASK)
    assert code == 1 and "cannot be written" in err


def test_names_are_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/data/people/mstellar")
    monkeypatch.setenv("LOGNAME", "mstellar")
    told = crash_report.blank_names("/data/people/mstellar/x.ms by mstellar; /home/other/y and /Users/third; mstellarium.py")
    assert told == "~/x.ms by <user>; /home/<user>/y and /Users/<user>; mstellarium.py"
