"""The container recipe installs the wheels that it builds, by their files: packages of the same names stand in the index."""

from __future__ import annotations

import re
from pathlib import Path

RECIPE = Path(__file__).resolve().parents[3] / "docs" / "container" / "Containerfile"


def test_wheels_are_named_by_file() -> None:
    text = RECIPE.read_text()
    (install,) = [
        line
        for line in text.splitlines()
        if line.startswith("RUN pip install") and "/wheels" in line and "build" not in line.split("&&")[0]
    ]
    for name in ("casatools", "casatasks", "casampi"):
        assert re.search(rf"/wheels/{name}-\*\.whl", install) and f" {name}" not in install
    assert "[mpi,shell]" in install and "for wheel in casatools casatasks casampi" in text
