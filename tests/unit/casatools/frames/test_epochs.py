"""Dates, times and time scales."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.frames import epochs

EXPECTED_S = (55198 * 24 + 10) * 3600 + 11 * 60 + 12.0


@pytest.mark.parametrize(
    "text", ["2010/01/02/10:11:12", "2010-01-02T10:11:12", "2-Jan-2010/10:11:12", "2010/01/02/10:11:12.0", EXPECTED_S]
)
def test_spellings(text: object) -> None:
    assert epochs.parse_epoch(text) == pytest.approx(EXPECTED_S, abs=1e-6)


def test_default_day_and_quantity() -> None:
    assert epochs.parse_epoch("10:11:12", default_day_mjd=55198.7) == pytest.approx(EXPECTED_S)
    assert epochs.parse_epoch("55198.5d") == 55198.5 * 86400


@pytest.mark.parametrize("bad", ["2010/13/02", "2010/01/02/99:00:00", "yesterday", "2010/01/02/x"])
def test_refused(bad: str) -> None:
    with pytest.raises(ParameterError, match="is not a time"):
        epochs.parse_epoch(bad)


def test_format() -> None:
    assert epochs.format_epoch(EXPECTED_S + 0.3) == "2010/01/02/10:11:12.3"
    assert epochs.format_epoch(EXPECTED_S, "dmy", 0) == "02-Jan-2010/10:11:12"
    assert epochs.format_epoch(86399.99, "ymd", 1) == "1858/11/18/00:00:00.0"
    with pytest.raises(ParameterError, match="unknown"):
        epochs.format_epoch(0.0, "bogus")


def test_scales() -> None:
    times = np.array([58604.0, 58604.5]) * 86400
    assert np.allclose(epochs.convert_epochs(times, "UTC", "TAI") - times, 37.0, atol=1e-5)
    # CASA 6.7: UTC 2019/05/01/04:00:00 at the VLA is LAST 65336.47549756479 d.
    last = epochs.convert_epochs(epochs.parse_epoch("2019/05/01/04:00:00"), "UTC", "LAST", "VLA")
    assert float(last) / 86400 == pytest.approx(65336.47549756479, abs=1e-9)
    with pytest.raises(ParameterError, match="position"):
        epochs.convert_epochs(times, "UTC", "LAST")
    with pytest.raises(ParameterError, match="unknown"):
        epochs.convert_epochs(times, "UTC", "XYZ")
