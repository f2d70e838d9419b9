"""Where the shared data are, and unpacked copies of them for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def shared_folder() -> Path:
    """The shared folder: CASA_SHARED, or ``../shared`` beside the checkout; skips the test where it is absent."""
    folder = Path(os.environ.get("CASA_SHARED", CHECKOUT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared data folder is absent (set CASA_SHARED)")
    return folder


def unpack(name: str, into: Path) -> Path:
    """Unpack a conformance input (such as ``simvla.ms``) or a data archive into a folder; returns the path of what came out."""
    root = shared_folder()
    for archive in (root / "conformance" / "inputs" / f"{name}.tar.gz", root / "data" / f"{name}.tar.gz"):
        if archive.is_file():
            with tarfile.open(archive) as packed:
                packed.extractall(into, filter="data")
            return into / name
    plain = root / "data" / name
    if plain.is_file():
        return Path(shutil.copy2(plain, into))
    pytest.skip(f"{name} is not in the shared data folder")


def oracle_python() -> str:
    """The reference's interpreter named by CASA_ORACLE; skips the test where it is not given."""
    python = os.environ.get("CASA_ORACLE", "")
    if not python or not Path(python).is_file():
        pytest.skip("no oracle: set CASA_ORACLE to the interpreter of a reference CASA")
    return python


def run_python(python: str, script: str, *arguments: str, cwd: Path | None = None, timeout: float = 900) -> str:
    """Run a script under an interpreter, of ours or of the reference; what it prints.

    The reference must not find our packages by the path of this run, and keeps its data in a home folder of its own (CASA_ORACLE_HOME).
    """
    environment = dict(os.environ)
    if python != sys.executable:
        environment.pop("PYTHONPATH", None)
        environment["HOME"] = os.environ.get("CASA_ORACLE_HOME", environment.get("HOME", ""))
    done = subprocess.run(
        [python, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=cwd, timeout=timeout, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
