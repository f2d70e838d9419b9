"""What importing the suite costs: few modules, no file written, no socket opened."""

from __future__ import annotations

import inspect
import json
import os
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import casatasks
from casatasks._index import REFERENCE, TASKS

# Run in a fresh interpreter: audits what the import opens, then tells the modules that came in.
PROBE = """
import json, os, sys
seen = []

def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags is not None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and not str(path).endswith((".pyc", "/dev/null")) and ".pyc." not in str(path):
            seen.append(f"open {path}")
    elif event.startswith(("socket.", "urllib.", "subprocess.", "os.mkdir", "os.rename")):
        if not (event == "os.rename" and ".pyc" in str(arguments)) and not (event == "os.mkdir" and "__pycache__" in str(arguments)):
            seen.append(event)

sys.addaudithook(hook)
before = set(sys.modules)
import {package}
print(json.dumps([seen, sorted(set(sys.modules) - before)]))
"""


@pytest.mark.parametrize("package", ["casatools", "casatasks", "casampi"])
def test_import_is_light(package: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROBE.replace("{package}", package)],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    seen, modules = json.loads(run.stdout)
    assert seen == []
    assert list(tmp_path.iterdir()) == []
    heavy = ("scipy", "astropy", "matplotlib", "numba", "casacore", "ducc0", "mpi4py")
    assert [m for m in modules if m.split(".")[0] in heavy] == []
    assert run.stderr == ""


def test_tclean_loads_what_it_runs_with_only(tmp_path: Path) -> None:
    """Not the server of the interactive page, nor what single deconvolvers and masks need: it is memory that each run would hold."""
    run = subprocess.run(
        [sys.executable, "-c", "import casatasks, json, sys; casatasks.tclean; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    heavy = (
        "http.server",
        "http.client",
        "webbrowser",
        "astropy",
        "matplotlib",
        "scipy.optimize",
        "scipy.ndimage",
        "scipy.special",
    )
    assert [m for m in json.loads(run.stdout) if m in heavy] == []


def test_import_without_a_home(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import casatasks; casatasks.tclean; print('fine')"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "HOME": "/nonexistent"},
    )  # fmt: skip
    assert run.stdout == "fine\n"


def test_names() -> None:
    assert set(TASKS) - REFERENCE == {"plotms"}  # a separate package of the reference
    assert set(TASKS) <= set(dir(casatasks))
    assert set(TASKS) <= set(casatasks.__all__)
    for name in TASKS:
        assert getattr(casatasks, name).__name__ == name


def test_help_reads_well() -> None:
    signature = inspect.signature(casatasks.gaincal)
    assert str(signature).startswith("(vis='', caltable='', field='', spw='', intent='', selectdata=True,")
    text = pydoc.render_doc(casatasks.gaincal, renderer=pydoc.plaintext)
    assert "Annotated" not in text and "kinds." not in text
    for name in signature.parameters:
        assert f"    {name} : " in text
