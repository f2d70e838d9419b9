"""gaincal: append=True to a table that does not exist (CAPTURE-CASA6 issue 10) makes it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import gaincal
from casatools.io.caltable import CalTable


def test_a_missing_table_is_made_and_then_appended_to(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    gaincal(vis, "a.cal", field="0", refant="EA01", solint="inf", append=True)
    gaincal(vis, "b.cal", field="0", refant="EA01", solint="inf")
    first, plain = CalTable.open("a.cal"), CalTable.open("b.cal")
    np.testing.assert_array_equal(first.param, plain.param)
    gaincal(vis, "a.cal", field="1", refant="EA01", solint="inf", append=True)
    both = CalTable.open("a.cal")
    assert both.nrow > first.nrow and set(both.field_id.tolist()) == {0, 1}
