"""What msmetadata refuses: the type of the error and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from casatools import msmetadata, table
from casatools._base.errors import CasaError, DataError, ParameterError

pytestmark = pytest.mark.shared

REFUSED: dict[str, tuple[Callable[[msmetadata], Any], type[CasaError], str]] = {
    "names of windows by name": (lambda m: m.namesforspws("nope"), ParameterError, "'spwids' must be an int or a list of ints"),
    "names of a negative window": (lambda m: m.namesforspws(-1), ParameterError, "-1.*IDs are not negative"),
    "bands of a negative window": (lambda m: m.rxbands([-1]), ParameterError, "-1.*IDs are not negative"),
    "map over all observations": (lambda m: m.fieldsforscans([], asmap=True), ParameterError, "give obsid and arrayid"),
    "scans that are not there": (lambda m: m.fieldsforscans([77, 78]), ParameterError, "78.*scans are 1, "),
    "antennas by records": (lambda m: m.antennanames([{"a": 1}]), ParameterError, "give names or IDs"),
    "direction at no epoch": (lambda m: m.phasecenter(0, {"a": 1}), ParameterError, "is not a measure record"),
    "scans of an observation that is not there": (
        lambda m: m.scansforspws(obsid=5),
        ParameterError,
        "no observation 5; IDs are 0 to 0",
    ),
    "states of an array that is not there": (
        lambda m: m.statesforscan(1, arrayid=1),
        ParameterError,
        "no array 1; IDs are 0 to 0",
    ),
    "schedule of none": (lambda m: m.schedule(0), DataError, "observation 0 has no schedule"),
    "offset at an unknown place": (lambda m: m.antennaoffset(0), DataError, "position of the telescope 'NOWHERE' is unknown"),
    "unknown place": (lambda m: m.observatoryposition(0), DataError, "position of the telescope 'NOWHERE' is unknown"),
    "pointing of an unknown antenna": (lambda m: m.pointingdirection(0), DataError, "holds nothing for antenna 0"),
}


@pytest.fixture
def of_nowhere(shared_input: Callable[[str], str]) -> msmetadata:
    """Of a MeasurementSet whose telescope is unknown, with no schedule and a pointing of the last antenna only."""
    path, tb, found = shared_input("simvla.ms"), table(), msmetadata()
    tb.open(f"{path}/OBSERVATION", nomodify=False)
    tb.putcell("TELESCOPE_NAME", 0, "NOWHERE")
    tb.putcell("SCHEDULE", 0, np.zeros(0, dtype=str))
    tb.close()
    tb.open(f"{path}/POINTING", nomodify=False)
    tb.addrows(max(1 - tb.nrows(), 0))
    tb.putcell("DIRECTION", 0, np.zeros((2, 1)))
    tb.putcol("ANTENNA_ID", np.full(tb.nrows(), 7))
    tb.close()
    found.open(path)
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, of_nowhere: msmetadata) -> None:
    call, kind, said = REFUSED[name]
    with pytest.raises(kind, match=said):
        call(of_nowhere)
    assert of_nowhere.nantennas() == 8
