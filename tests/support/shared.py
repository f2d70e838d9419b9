"""Where the shared data are, and unpacked copies of them for tests."""

from __future__ import annotations

import os
import shutil
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
