"""Row "callib: trouble when a caltable lacks some spws": identity for those windows, and one warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import applycal
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet


@pytest.mark.parametrize("spw", ["1", ""])
def test_identity_and_one_warning(shared_input: Callable[[str], str], tmp_path: Path, spw: str) -> None:
    """Windows that the gains lack get the bandpass alone; the others, in the same call, both."""
    vis, gains, bandpass = shared_input("simvla.ms"), shared_input("cal.G"), shared_input("cal.B")
    lines, corrected = {}, {}
    lines["whole"] = f"caltable='{gains}' calwt=False\ncaltable='{bandpass}' calwt=False\n"
    lines["band"] = f"caltable='{bandpass}' calwt=False\n"
    lines["part"] = f"caltable='{gains}.part' calwt=False\n{lines['band']}"
    table = CalTable.open(gains)
    table.select(table.spw_id == 0).write(f"{gains}.part")
    for name, text in lines.items():
        (tmp_path / name).write_text(text)
        applycal(vis, spw=spw, docallib=True, callib=name, applymode="calonly", flagbackup=False)
        with MeasurementSet(vis) as ms:
            corrected[name], window = ms.read("CORRECTED_DATA"), ms.read("DATA_DESC_ID")
    np.testing.assert_array_equal(corrected["part"][window == 1], corrected["band"][window == 1])
    if not spw:
        np.testing.assert_array_equal(corrected["part"][window == 0], corrected["whole"][window == 0])
        assert (corrected["whole"][window == 0] != corrected["band"][window == 0]).any()
    told = [line for line in (tmp_path / "casa.log").read_text().splitlines() if "WARN" in line and "no solutions" in line]
    assert len(told) == 1 and "no solutions for spectral windows 1" in told[0]
