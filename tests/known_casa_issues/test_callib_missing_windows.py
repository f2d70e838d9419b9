"""Row "callib: trouble when a caltable lacks some spws": identity for those windows, and one warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet


def test_identity_and_one_warning(shared_input: Callable[[str], str], tmp_path: Path) -> None:
    vis, gains, bandpass = shared_input("simvla.ms"), shared_input("cal.G"), shared_input("cal.B")
    table = CalTable.open(gains)
    table.select(table.spw_id == 0).write(gains)
    (tmp_path / "lib.txt").write_text(f"caltable='{gains}' calwt=False\ncaltable='{bandpass}' calwt=False\n")
    correct_visibilities(vis, {"spw": "1"}, LibraryOptions(callib="lib.txt"), ApplyOptions("calonly"))
    with MeasurementSet(vis) as ms:
        both = ms.read("CORRECTED_DATA")
    correct_visibilities(vis, {"spw": "1"}, LibraryOptions(gaintable=(bandpass,), calwt=(False,)), ApplyOptions("calonly"))
    with MeasurementSet(vis) as ms:
        assert np.array_equal(both, ms.read("CORRECTED_DATA"))
    warnings = [
        line for line in (tmp_path / "casa.log").read_text().splitlines() if "no solutions for spectral windows 1" in line
    ]
    assert warnings
