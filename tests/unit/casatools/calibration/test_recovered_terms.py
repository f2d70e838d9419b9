"""Each term that can be solved has a test that puts a known one into data and finds it again; here is which."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools.calibration.solve_options import SOLVE_KINDS

_LEAKAGES = "test_polarised_solves.py::test_leakages"
# Kind of term, the test that recovers it, and how the test calls it.
_TESTS = {
    **dict.fromkeys(("G", "T"), "test_recovered_gains.py::test_gains"),
    "GSPLINE": "test_solve_curves.py::test_splines",
    "B": "test_every_term.py::test_bandpasses_come_back",
    "BPOLY": "test_solve_curves.py::test_polynomials",
    "K": "test_every_term.py::test_delays_come_back",
    "KCROSS": "test_recovered_gains.py::test_delays_between_receptors",
    "FRINGE": "test_every_term.py::test_fringes_come_back",
    **dict.fromkeys(("D", "DF", "DLLS", "DFLLS", "D+QU", "DF+QU", "DGEN", "DFGEN", "DGEN+QU", "DFGEN+QU"), _LEAKAGES),
    **dict.fromkeys(("D+X", "DF+X", "DGEN+X", "DFGEN+X"), "test_polarised_solves.py::test_leakages_and_phase"),
    **dict.fromkeys(("X", "XF", "XJ"), "test_polarised_solves.py::test_phase_after_leakages"),
    **dict.fromkeys(("XY+QU", "XYF+QU", "XPARANG+QU", "XFPARANG+QU"), "test_polarised_solves.py::test_phase_and_source"),
    "POSANG": "test_polarised_solves.py::test_position_angle",
    **dict.fromkeys(("M", "MF"), "test_recovered_gains.py::test_factors_of_baselines"),
    "A": "test_solve_averages.py::test_offsets_are_solved_and_taken_off",
    "ACCOR": "test_solve_averages.py::test_gains_of_autocorrelations_come_back",
}


def test_every_term_has_one() -> None:
    assert sorted(_TESTS) == sorted([*SOLVE_KINDS, "GSPLINE", "BPOLY"])


@pytest.mark.parametrize("kind", sorted(_TESTS))
def test_the_test_is_there_and_solves_it(kind: str) -> None:
    name, function = _TESTS[kind].split("::")
    text = (Path(__file__).parent / name).read_text()
    assert f"def {function}(" in text
    assert kind in text.upper()
