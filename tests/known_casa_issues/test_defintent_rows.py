"""defintent skipped rows: every row of the scans and fields selected has the intent, and no other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import defintent
from casatools import msmetadata
from casatools.io.ms import MeasurementSet

INTENT = "CALIBRATE_FLUX#ON_SOURCE,CALIBRATE_BANDPASS#ON_SOURCE"


def intents(vis: str) -> np.ndarray:
    with MeasurementSet(vis) as ms:
        modes = np.array([state.obs_mode for state in ms.metadata.states])
        return np.asarray(modes[ms.read("STATE_ID")])


def test_all_rows_of_a_selection(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("alma_small.ms")
    before = intents(vis)
    with MeasurementSet(vis) as ms:
        chosen = ms.read("FIELD_ID") == 0
        scans = ms.read("SCAN_NUMBER")
    one = int(scans[chosen][0])
    defintent(vis, INTENT, "set", scan=str(one), field="0")
    after, hit = intents(vis), chosen & (scans == one)
    assert hit.any() and (after[hit] == INTENT).all()
    np.testing.assert_array_equal(after[~hit], before[~hit])
    defintent(vis, "OBSERVE_TARGET#ON_SOURCE", "append", scan=str(one), field="0")
    added = intents(vis)
    assert (added[hit] == f"{INTENT},OBSERVE_TARGET#ON_SOURCE").all()
    np.testing.assert_array_equal(added[~hit], before[~hit])
    tool = msmetadata()
    tool.open(vis)
    assert "OBSERVE_TARGET#ON_SOURCE" in tool.intentsforscan(one)
    tool.done()


def test_copy_leaves_the_input_as_it_was(shared_input: Callable[[str], str]) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis) as ms:
        before = ms.read("STATE_ID"), [state.obs_mode for state in ms.metadata.states]
    defintent(vis, INTENT, "set", outputvis="copy.ms")
    assert (intents("copy.ms") == INTENT).all()
    with MeasurementSet(vis) as ms:
        np.testing.assert_array_equal(ms.read("STATE_ID"), before[0])
        assert [state.obs_mode for state in ms.metadata.states] == before[1]
