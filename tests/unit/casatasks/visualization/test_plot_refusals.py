"""What plotms, plotants and the pictures of solutions refuse, and that no picture is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import flagdata, plotants, plotms
from casatools import table
from casatools._base.errors import CasaError, DataError, ParameterError
from casatools.plotting.report_solutions import draw_solutions
from casatools.simulation.demo import DemoOptions, make_demo

Input = Callable[[str], str]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"vis": ""}, ParameterError, "'vis' must name a MeasurementSet or calibration table"),
    ],
)
def test_plotms_refuses_a_bad_parameter(given: dict[str, Any], error: type[CasaError], words: str) -> None:
    with pytest.raises(error, match=words):
        plotms(**{"vis": "sim.ms", "plotfile": "p.png", **given})
    assert not Path("p.png").exists()


def test_plotants_needs_antennas() -> None:
    with pytest.raises(ParameterError, match="'vis' must name a MeasurementSet"):
        plotants("", figfile="p.png")
    make_demo("sim.ms", DemoOptions(antennas_per_arm=1, cycles=1, nchan=3))
    with pytest.raises(ParameterError, match="no antenna is left"):
        plotants("sim.ms", figfile="p.png", exclude="0,1,2")
    assert not Path("p.png").exists()


def test_flagged_data_are_not_plotted() -> None:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=1, cycles=1, nchan=3))
    flagdata("sim.ms", flagbackup=False)
    with pytest.raises(DataError, match=r"all data selected of 'sim\.ms' are flagged"):
        plotms("sim.ms", plotfile="p.png")
    assert not Path("p.png").exists()


def flag_all(path: str) -> None:
    tb = table()
    tb.open(path, nomodify=False)
    tb.putcol("FLAG", np.ones_like(tb.getcol("FLAG")))
    tb.close()


def test_flagged_solutions_are_not_plotted(shared_input: Input) -> None:
    gains = shared_input("cal.G")
    flag_all(gains)
    with pytest.raises(DataError, match=r"all data selected of .* are flagged"):
        plotms(gains, plotfile="p.png")
    with pytest.raises(DataError, match=r"all solutions of .* are flagged"):
        draw_solutions(gains, "p.png", "phase", "time")
    assert not Path("p.png").exists()


def test_delays_have_no_amplitudes(shared_input: Input) -> None:
    with pytest.raises(DataError, match="no complex solutions"):
        draw_solutions(shared_input("cal.K"), "p.png", "amplitude", "time")
    assert not Path("p.png").exists()
