"""Flagging by processes that are killed or interrupted at a known place, and by two at once: nothing is lost, and a rerun gives what one run gives."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from casatasks import flagmanager
from support.shared import unpack

# Commands that look at flags, so that a second run over half-flagged data would flag more than one run does.
LINES = [
    "mode='manual' antenna='EA03' spw='0:0~1' scan='1'",
    "mode='antint' antint_ref_antenna='EA03' minchanfrac=0.2",
    "mode='rflag' timedevscale=3.0",
    "mode='tfcrop' freqcutoff=2.0",
    "mode='extend' growtime=30.0",
]
# A process that ends itself by a signal at the stage given: as a kill from outside does, but always at the same place.
RUN = """
import os, signal, sys
from casatasks import flagdata
from casatools.flagging import run
from casatools.io.ms import flag_versions, flag_journal
vis, stage, number, limit, lines = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
if limit:
    run._group_bytes = lambda: limit
noted, copied, count = flag_journal.FlagJournal.note, flag_versions._copy_flags, 0
def note(self, *given):
    global count
    noted(self, *given)
    count += 1
    if stage == "write" and count == (8 if limit else 2):
        os.kill(os.getpid(), number)
def copy(*given):
    if stage == "backup":
        os.kill(os.getpid(), number)
    copied(*given)
flag_journal.FlagJournal.note, flag_versions._copy_flags = note, copy
flagdata(vis, mode="list", inpfile=lines)
print(count)
"""


def flagging(path: Path, stage: str = "", number: int = 0, limit: int = 0, lines: list[str] = LINES) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", RUN, str(path), stage, str(number), str(limit), *lines]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=path.parent)


def finished(process: subprocess.Popen[str]) -> int:
    """How many chunks it has changed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return int(out)


def flags(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with table(str(path), ack=False) as t:
        return t.getcol("FLAG"), t.getcol("FLAG_ROW")


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = unpack("simvla.ms", tmp_path_factory.mktemp("cut"))
    random = np.random.default_rng(11)
    with table(str(path), readonly=False, ack=False) as t:
        data = t.getcol("DATA")
        data[random.random(data.shape) < 0.02] *= 20
        t.putcol("DATA", data)
    return path


@pytest.fixture(scope="module")
def whole(spoiled: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Flags of a run that nothing interrupts."""
    path = Path(shutil.copytree(spoiled, tmp_path_factory.mktemp("whole") / "v.ms"))
    finished(flagging(path))
    return flags(path)


@pytest.mark.parametrize("limit", [0, 30000], ids=["whole", "parts"])
@pytest.mark.parametrize("stage", ["backup", "write"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_rerun_gives_what_one_run_gives(
    number: signal.Signals, stage: str, limit: int, spoiled: Path, whole: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    path = Path(shutil.copytree(spoiled, tmp_path / "v.ms"))
    start = flags(path)
    process = flagging(path, stage, number, limit)
    _, err = process.communicate(timeout=120)
    # Python ends by the signal that it was interrupted by.
    assert process.returncode == -number and (number == signal.SIGKILL or "KeyboardInterrupt" in err), err
    left = flags(path)
    versions = [v["name"] for k, v in flagmanager(str(path)).items() if k != "MS"]
    if stage == "backup":
        assert versions == []
        np.testing.assert_array_equal(left[0], start[0])
    else:
        assert versions == ["flagdata_1"]
        # Of two chunks the first may not be written yet.
        assert (not limit or (left[0] != start[0]).any()) and (left[0] != whole[0]).any()
        for found, wanted in zip(flags(Path(f"{path}.flagversions/flags.flagdata_1")), start, strict=True):
            np.testing.assert_array_equal(found, wanted)
    chunks = finished(flagging(path, limit=limit))
    assert chunks > 8 if limit else chunks == 2
    for found, wanted in zip(flags(path), whole, strict=True):
        np.testing.assert_array_equal(found, wanted)
    # The backup of the rerun is what was there before either run.
    last = max(v["name"] for k, v in flagmanager(str(path)).items() if k != "MS")
    np.testing.assert_array_equal(flags(Path(f"{path}.flagversions/flags.{last}"))[0], start[0])
    assert not (path / "flagging.journal").exists()


def test_two_at_once_lose_nothing(spoiled: Path, tmp_path: Path) -> None:
    """Two processes with backups, each with a detector and in parts: the flags are those of one after the other."""
    first, second = (
        ["mode='tfcrop' spw='0'", "mode='manual' antenna='EA01'"],
        ["mode='rflag' spw='1'", "mode='manual' antenna='EA02'"],
    )
    together, apart = (Path(shutil.copytree(spoiled, tmp_path / name)) for name in ("one.ms", "two.ms"))
    for process in [flagging(together, limit=30000, lines=lines) for lines in (first, second)]:
        finished(process)
    orders = []
    for order in ((first, second), (second, first)):
        for lines in order:
            finished(flagging(apart, lines=lines))
        orders.append(flags(apart))
        flagmanager(str(apart), mode="restore", versionname="flagdata_1")
    assert any(all(np.array_equal(a, b) for a, b in zip(flags(together), wanted, strict=True)) for wanted in orders)
    assert [v["name"] for k, v in flagmanager(str(together)).items() if k != "MS"] == ["flagdata_1", "flagdata_2"]
