"""What values of axes are called."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import casatasks
from casatools.io.caltable import CalTable
from casatools.plotting.axis_labels import receptor_names

Input = Callable[[str], str]


def test_receptors_are_those_of_the_data_or_of_the_array(shared_input: Input) -> None:
    vis = shared_input("alma_small.ms")
    casatasks.gencal(vis, "t.tsys", caltype="tsys")
    table = CalTable.open("t.tsys")
    assert receptor_names("t.tsys", table) == ("X", "Y")
    shutil.move(vis, "elsewhere.ms")
    assert receptor_names("t.tsys", table) == ("X", "Y")
    table.pol_basis = "circular"
    assert receptor_names("t.tsys", table) == ("R", "L")
    path = shared_input("cal.G")
    assert receptor_names(path, CalTable.open(path)) == ("R", "L")
