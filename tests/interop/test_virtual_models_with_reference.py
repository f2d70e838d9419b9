"""Models kept as recipes, read by the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from casatasks import ft, setjy, uvsub
from casatools import componentlist
from casatools.io.ms import MeasurementSet
from support.shared import oracle_python, run_python

_SCRIPT = """
import casatasks
casatasks.uvsub("theirs.ms")
casatasks.delmod("recipe.ms", otf=True)
"""


@pytest.mark.parametrize("source_table", [True, False])
def test_the_reference_reads_and_removes_them(shared_input: Callable[[str], str], source_table: bool) -> None:
    python = oracle_python()
    vis = shared_input("simvla.ms")
    if not source_table:
        from casacore import tables

        with tables.table(vis, readonly=False, ack=False) as main:
            main.removekeyword("SOURCE")
        shutil.rmtree(f"{vis}/SOURCE")
    tool = componentlist()
    tool.addcomponent(flux=[2.0, 0, 0, 0], dir="J2000 -2.7227136331111543rad 0.4917rad", shape="point", freq="1.5GHz")
    tool.rename("one.cl")
    tool.done()
    setjy(vis, field="0,1", standard="manual", fluxdensity=[5, 0.1, 0.2, 0], spix=-0.7, reffreq="1.5GHz", usescratch=False)
    ft(vis, field="2", complist="one.cl")
    for name in ("ours.ms", "theirs.ms", "recipe.ms"):
        shutil.copytree(vis, name)
    uvsub("ours.ms")
    run_python(python, _SCRIPT)
    found = []
    for name in ("ours.ms", "theirs.ms"):
        with MeasurementSet(name) as ms:
            found.append(
                np.concatenate([ms.read("CORRECTED_DATA", np.flatnonzero(ms.read("DATA_DESC_ID") == d)) for d in (0, 1)])
            )
    np.testing.assert_allclose(*found, atol=2e-5)
    from casatools.io.ms.model_keywords import virtual_model_fields

    with MeasurementSet("recipe.ms") as ms:
        assert virtual_model_fields(ms) == []
