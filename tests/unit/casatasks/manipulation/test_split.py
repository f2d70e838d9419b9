"""The transformation tasks: parameters reach the domain, refusals come before anything is written."""

from __future__ import annotations

import os

import numpy as np
import pytest

import casatasks
from casatools._base.errors import ParameterError
from casatools.io.tables import open_table


def test_split_and_history(shared_input):
    casatasks.split(shared_input("simvla.ms"), "o.ms", field="TARGET", spw="1:2~5", correlation="RR,LL", datacolumn="data")
    table = open_table("o.ms")
    assert table.getcol("DATA").shape == (336, 4, 2)
    table.close()
    assert any("split" in m for m in open_table("o.ms/HISTORY").getcol("MESSAGE"))


def test_bad_values(shared_input):
    path = shared_input("simvla.ms")
    with pytest.raises(ParameterError, match="datacolumn"):
        casatasks.split(path, "o.ms", datacolumn="nonsense")
    with pytest.raises(ParameterError, match="niter"):
        casatasks.mstransform(path, "o.ms", datacolumn="data", niter=0)
    assert not os.path.exists("o.ms")


def test_other_tasks_run(shared_input):
    path = shared_input("line.ms")
    record = casatasks.uvcontsub(path, "c.ms", fitspec="0:0~6;24~31", fitorder=1)
    assert set(record) == {"description", "goodness_of_fit"}
    casatasks.hanningsmooth("c.ms", "h.ms", datacolumn="data")
    casatasks.mstransform("h.ms", "m.ms", datacolumn="data", chanaverage=True, chanbin=8)
    casatasks.partition("m.ms", "p.ms", createmms=False)
    casatasks.phaseshift("p.ms", "s.ms", phasecenter="J2000 10h01m 20d00m")
    casatasks.conjugatevis("s.ms", outputvis="", spwlist=[0])
    one, other = (open_table(n).getcol("DATA") for n in ("s.ms", "conjugated_s.ms"))
    np.testing.assert_array_equal(one.conj(), other)


def test_importuvfits(shared_input):
    casatasks.importuvfits(shared_input("ngc_small.uvfits"), "n.ms", antnamescheme="new")
    assert open_table("n.ms/ANTENNA").getcol("NAME")[0] == "VA01"
