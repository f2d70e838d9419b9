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


@pytest.mark.shared
@pytest.mark.parametrize("stokes", ["I", "V", "IQUV", "RRLL", "RR", "LL"])
def test_one_hand_has_the_noise_of_its_own_weights(shared_input: Callable[[str], str], stokes: str) -> None:
    """CASA gives the figure of both hands for one, too: that is sqrt(2) below the noise of an image of RR."""
    path = shared_input("simvla.ms")
    with open_table(path, writable=True) as main:
        weight = np.random.default_rng(3).uniform(1, 9, main.getcol("WEIGHT").shape).astype(np.float32)
        main.putcol("WEIGHT", weight)
        used = (
            ~main.getcol("FLAG").any(axis=2)
            & (main.getcol("FIELD_ID") == 0)[:, None]
            & (main.getcol("DATA_DESC_ID") == 0)[:, None]
        )
    hands = {"RR": [0], "LL": [3]}.get(stokes, [0, 3])
    best = float(np.sqrt(1.0 / (weight[:, hands].astype(np.float64).sum(axis=1) @ used.sum(axis=1))))
    found = apparentsens(vis=path, field="0", spw="0", cell="4arcsec", imsize=64, stokes=stokes)
    if len(hands) == 2:
        assert found["effSens"] == pytest.approx(best, rel=1e-5) and found["relToNat"] == pytest.approx(1.0)
    else:  # its samples are weighed by the mean of the hands, as tclean does, which is not the best for one
        mean = weight[:, [0, 3]].astype(np.float64).mean(axis=1)
        noise = float(np.sqrt((mean**2 / weight[:, hands[0]]) @ used.sum(axis=1)) / (mean @ used.sum(axis=1)))
        assert found["effSens"] == pytest.approx(noise, rel=1e-5) and found["relToNat"] == pytest.approx(noise / best, rel=1e-5)
        assert best < noise < 1.2 * best


@pytest.mark.shared
def test_equal_hands_differ_by_the_root_of_two(shared_input: Callable[[str], str]) -> None:
    path = shared_input("simvla.ms")
    figures = {s: apparentsens(vis=path, field="0", spw="0", stokes=s, **_HOW)["effSens"] for s in ("I", "RR", "LL")}
    assert figures["RR"] == pytest.approx(figures["LL"]) and figures["RR"] / figures["I"] == pytest.approx(2**0.5, rel=1e-6)
