"""Models kept as recipes, read by the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import numpy as np
import pytest
from casacore import tables

from casatasks import ft, gaincal, setjy, tclean, uvsub
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


_READ = """
import casatasks
for name in ("jy", "terms"):
    casatasks.uvsub(f"their_{name}.ms")
casatasks.gaincal("clean.ms", "their.cal", field="0", refant="EA01", minsnr=0)
casatasks.delmod("jy.ms", otf=True)
"""
_WRITE = """
import shutil, casatasks
KEYS = dict(field="0", imsize=64, cell="2arcsec", niter=20, gain=0.2, savemodel="virtual")
casatasks.setjy("w_jy.ms", field="0", standard="Perley-Butler 2017", model="shape.im", usescratch=False)
casatasks.uvsub("w_jy.ms")
for name, more in dict(terms=dict(deconvolver="mtmfs", nterms=2), planes=dict(stokes="IQUV"), wide=dict(gridder="wproject", wprojplanes=8)).items():
    casatasks.tclean(f"w_{name}.ms", imagename=f"i_{name}", specmode="mfs", **more, **KEYS)
"""


def _model_of(path: str) -> np.ndarray:
    """What was subtracted of field 0, flagged cells as zero."""
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero(ms.read("FIELD_ID") == 0)
        return np.asarray(np.where(ms.read("FLAG", rows), 0, ms.read("DATA", rows) - ms.read("CORRECTED_DATA", rows)))


def test_the_reference_predicts_from_our_images(shared_input: Callable[[str], str]) -> None:
    python = oracle_python()
    vis, image = shared_input("simvla.ms"), shared_input("3c286_C.model")
    for name in ("jy.ms", "terms.ms", "clean.ms"):
        shutil.copytree(vis, name)
    setjy("jy.ms", field="0", standard="manual", fluxdensity=[5, 0.1, 0.2, 0], spix=-0.7, model=image, usescratch=False)
    ft("terms.ms", field="0", model=[image, image], nterms=2, reffreq="1.3GHz")
    tclean("clean.ms", imagename="c", field="0", imsize=64, cell="2arcsec", niter=20, savemodel="virtual")
    for name in ("jy", "terms"):
        shutil.copytree(f"{name}.ms", f"their_{name}.ms")
        uvsub(f"{name}.ms")
    run_python(python, _READ)
    for name in ("jy", "terms"):
        ours, theirs = _model_of(f"{name}.ms"), _model_of(f"their_{name}.ms")
        assert np.abs(theirs).max() > 3
        np.testing.assert_allclose(ours, theirs, atol=3e-4 * np.abs(ours).max())
    assert not [n for n in os.listdir("jy.ms/SOURCE") if n.startswith("FT_MODEL")]
    gaincal("clean.ms", "our.cal", field="0", refant="EA01", minsnr=0)
    with tables.table("our.cal", ack=False) as a, tables.table("their.cal", ack=False) as b:
        good = ~(a.getcol("FLAG") | b.getcol("FLAG"))
        np.testing.assert_allclose(
            a.getcol("CPARAM")[good], b.getcol("CPARAM")[good], atol=5e-3 * np.abs(b.getcol("CPARAM")).max()
        )


def test_we_predict_from_images_of_the_reference(shared_input: Callable[[str], str]) -> None:
    python = oracle_python()
    vis = shared_input("simvla.ms")
    shutil.move(shared_input("3c286_C.model"), "shape.im")
    for name in ("jy", "terms", "planes", "wide"):
        shutil.copytree(vis, f"w_{name}.ms")
    run_python(python, _WRITE)
    theirs = _model_of("w_jy.ms")
    uvsub("w_jy.ms", reverse=True)
    back = _model_of("w_jy.ms")
    np.testing.assert_allclose(back, np.zeros_like(back), atol=3e-4 * np.abs(theirs).max())
    for name, images in {
        "terms": ["i_terms.model.tt0", "i_terms.model.tt1"], "planes": ["i_planes.model"], "wide": ["i_wide.model"],
    }.items():  # fmt: skip
        uvsub(f"w_{name}.ms")
        shutil.copytree(vis, f"f_{name}.ms")
        ft(f"f_{name}.ms", field="0", model=images, nterms=len(images), usescratch=True)
        uvsub(f"f_{name}.ms")
        kept, made = _model_of(f"w_{name}.ms"), _model_of(f"f_{name}.ms")
        np.testing.assert_allclose(kept, made, atol=2e-4 * np.abs(made).max())
