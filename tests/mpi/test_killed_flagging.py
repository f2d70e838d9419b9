"""A flagging run over three ranks that is killed in the middle: the MeasurementSet is readable, the backup is there, a rerun gives what one run gives."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
from casacore.tables import table

from casatasks import flagdata, flagmanager
from support.mpi_launcher import needs_mpirun, run, start
from support.shared import unpack

pytestmark = needs_mpirun
# Commands that look at flags, so that a second run over half-flagged data would flag more than one run does.
LINES = ["mode='rflag' timedevscale=3.0 freqdevscale=3.0", "mode='tfcrop' freqcutoff=2.0", "mode='extend' growtime=30.0"]
SCRIPT = """
import os, signal
from casatasks import flagdata
from casatools._base.executor import executor
from casatools.flagging import run
from casatools.io.ms import chunks, flag_journal
write = chunks._write_chunk
def write_through(ms, *given):  # as when the buffers are full
    write(ms, *given)
    ms.flush()
chunks._write_chunk = write_through
run._group_bytes = lambda: 30000
noted, count, most = flag_journal.FlagJournal.note, 0, {most}
def note(self, *given):
    global count
    noted(self, *given)
    count += 1
    if most and count == most:
        os.kill(os.getpid(), signal.SIGKILL)
flag_journal.FlagJournal.note = note
assert executor().workers == 3
flagdata({vis!r}, mode="list", inpfile={lines!r})
print("changed", count)
"""


def flags(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with table(str(path), ack=False) as t:
        return t.getcol("FLAG"), t.getcol("FLAG_ROW")


def same(found: Path, wanted: Path) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(flags(found), flags(wanted), strict=True))


def test_a_rerun_gives_what_one_run_gives(tmp_path: Path) -> None:
    source = unpack("simvla.ms", tmp_path)
    random = np.random.default_rng(11)
    with table(str(source), readonly=False, ack=False) as t:
        data = t.getcol("DATA")
        data[random.random(data.shape) < 0.02] *= 20
        t.putcol("DATA", data)
    whole, path = (Path(shutil.copytree(source, tmp_path / name)) for name in ("whole.ms", "killed.ms"))
    flagdata(str(whole), mode="list", inpfile=LINES)
    job = start(3, SCRIPT.format(most=14, vis=str(path), lines=LINES), tmp_path)
    try:
        out, err = job.communicate(timeout=300)
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    assert job.returncode != 0 and "changed" not in out, out + err
    # Some of the flags are set, none of the others; those before are in the backup.
    left, start_flags, wanted = flags(path)[0], flags(source)[0], flags(whole)[0]
    assert (path / "flagging.journal").exists(), out + err
    assert (left != start_flags).any() and (left != wanted).any()
    assert ((left == start_flags) | (left == wanted)).all()
    assert [v["name"] for k, v in flagmanager(str(path)).items() if k != "MS"] == ["flagdata_1"]
    assert same(Path(f"{path}.flagversions/flags.flagdata_1"), source)
    code, out, err = run(3, SCRIPT.format(most=0, vis=str(path), lines=LINES), tmp_path)
    assert code == 0 and int(out.split("changed")[1]) > 8, out + err
    assert same(path, whole) and same(Path(f"{path}.flagversions/flags.flagdata_2"), source)
    assert not (path / "flagging.journal").exists()
