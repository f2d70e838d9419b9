"""Sub-tables are read into rows; absent optional ones are empty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.io.ms.metadata import MsMetadata, correlation_codes, correlation_names


def test_correlation_codes_and_names() -> None:
    assert correlation_names([5, 8, 9, 99]) == ["RR", "LL", "XX", "Undefined"]
    assert correlation_codes(["rr", "YY"]) == [5, 12]
    with pytest.raises(DataError, match="NOPE"):
        correlation_codes(["NOPE"])


@pytest.mark.shared
def test_rows_of_the_subtables(shared_input: Callable[[str], str]) -> None:
    found = MsMetadata(shared_input("alma_small.ms"))
    assert [a.name for a in found.antennas[:2]] == ["DA41", "DA56"] and found.antennas[0].position_m.shape == (3,)
    assert [f.name for f in found.fields] == ["J1617-7717", "J1423-7829"] and found.fields[0].phase_frame == "J2000"
    assert [w.nchan for w in found.spectral_windows] == [4, 64, 1] and found.spectral_windows[1].frame == "TOPO"
    assert found.polarizations[0].names == ["XX", "XY", "YX", "YY"]
    assert [(d.spw, d.pol) for d in found.data_descriptions] == [(0, 1), (1, 0), (2, 0)]
    assert found.observations[0].telescope_name == "ALMA" and len(found.observations[0].schedule) == 2
    assert found.states[7].intents == ("CALIBRATE_DELAY#ON_SOURCE", "CALIBRATE_PHASE#ON_SOURCE")
    assert found.ddids_of_spw(2) == [2] and found.antenna_frame == "ITRF" and found.source_frame == "J2000"
    assert len(found.sources) == 6 and np.all([f.num_receptors > 0 for f in found.feeds])
    assert found.antennas is found.antennas


@pytest.mark.shared
def test_missing_subtables(shared_input: Callable[[str], str]) -> None:
    found = MsMetadata(shared_input("lofar.ms"))
    assert found.sources == () and found.source_frame == "J2000"
    with pytest.raises(DataError, match="NOSUCH"):
        found._open("NOSUCH")
