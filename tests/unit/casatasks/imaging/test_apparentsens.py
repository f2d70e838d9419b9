"""Apparent sensitivity of several fields beside each other (the reference's figures are of CASA 6.7.6)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import apparentsens
from casatools.io.tables import open_table

_HOW = {"weighting": "uniform", "cell": "4arcsec", "imsize": 256}


@pytest.mark.shared
def test_densities_of_several_fields_are_those_of_the_image(shared_input: Callable[[str], str], tmp_path: Path) -> None:
    """The reference gives 2.2276 for fields up to 3.6 degrees apart: what it is, exactly, when all are said to be at one place."""
    path = str(tmp_path / "one_place.ms")
    shutil.copytree(shared_input("simvla.ms"), path)
    assert apparentsens(vis=path, field="0", **_HOW)["relToNat"] == pytest.approx(1.8855, abs=1e-4)
    assert apparentsens(vis=path, **_HOW)["relToNat"] == pytest.approx(1.9090, abs=1e-4)
    fields = open_table(path + "/FIELD", writable=True)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        directions = fields.getcol(column)
        fields.putcol(column, np.broadcast_to(directions[:1], directions.shape).copy())
    fields.close()
    assert apparentsens(vis=path, **_HOW)["relToNat"] == pytest.approx(2.2276, abs=1e-4)
