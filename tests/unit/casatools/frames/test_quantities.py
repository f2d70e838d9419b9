"""Reading, converting and writing quantities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.frames import quantities as q


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("10arcsec", 10.0, "arcsec"),
        ("1.4GHz", 1.4, "GHz"),
        ("5 km", 5.0, "km"),
        ("12h30m", 187.5, "deg"),
        ("12:30:00", 187.5, "deg"),
        ("-30.15.10.5", -(30 + 15 / 60 + 10.5 / 3600), "deg"),
        ("30d10m32.96s", 30 + 10 / 60 + 32.96 / 3600, "deg"),
        ("2010/01/02/10:11:12", 55198 + (10 + 11 / 60 + 12 / 3600) / 24, "d"),
        ("5pix", 5.0, "pix"),
    ],
)
def test_texts(text: str, value: float, unit: str) -> None:
    got, found = q.parse_quantity(text)
    assert got == pytest.approx(value, rel=1e-14) and found == unit


def test_lists_and_records() -> None:
    value, unit = q.parse_quantity(["1m", "2cm"])
    assert unit == "m" and np.allclose(value, [1.0, 0.02])
    assert q.parse_quantity({"value": [1, 2], "unit": "Hz"})[0].tolist() == [1.0, 2.0]
    assert q.parse_quantity(3, "K") == (3.0, "K")


@pytest.mark.parametrize("bad", ["what", "5foo", "inf", "J2000", {"unit": "m"}, {"value": 1, "unit": "nope"}, [1, "x"], None])
def test_refused(bad: object) -> None:
    with pytest.raises(ParameterError):
        q.parse_quantity(bad)


def test_conversion() -> None:
    assert q.to_unit("1km", "m") == 1000.0
    assert q.to_unit("12h", "deg") == pytest.approx(180.0)
    assert q.to_unit("20d", "deg") == 20.0
    assert q.to_unit(7, "deg") == 7.0
    with pytest.raises(ParameterError, match="cannot be converted"):
        q.to_unit("1m", "s")
    assert q.conforms("Jy", "mJy") and not q.conforms("Jy", "K")


def test_sexagesimal_never_shows_sixty() -> None:
    assert q.format_hms(math.radians(15 * (13 + 59.9999999 / 3600)), 2) == "13:01:00.00"
    assert q.format_hms(math.radians(15 * 23.99999999999), 2) == "00:00:00.00"
    assert q.format_dms(math.radians(-0.5), 2) == "-00.30.00.00"
    assert q.format_quantity(10.0, "arcsec") == "10arcsec"
