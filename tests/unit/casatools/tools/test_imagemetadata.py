"""The imagemetadata tool beside what CASA 6.7 was seen to do; tests/unit/casatasks/information/test_imhead.py has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from casatools import image, imagemetadata
from casatools._base.errors import ParameterError


@pytest.fixture
def name(tmp_path: Path) -> str:
    ia = image()
    ia.fromshape(str(tmp_path / "a.im"), [4, 5, 1, 3])
    ia.done()
    return str(tmp_path / "a.im")


def test_quantities_come_back_in_the_unit_they_were_set_in(name: str) -> None:
    md = imagemetadata()
    md.open(name)
    for key, text, value, unit in (
        ("crval4", "1.5GHz", 1.5, "GHz"),
        ("cdelt1", "-2arcsec", -2.0, "arcsec"),
        ("restfreq", "1.42GHz", 1.42, "GHz"),
    ):
        assert md.set(key, text)
        assert md.get(key) == {"value": value, "unit": unit}
    with pytest.raises(ParameterError):
        md.set("crval4", "1km")
    assert md.get("crval4") == {"value": 1.5, "unit": "GHz"}
    md.close()
    md.open(name)
    assert md.get("crval4") == {"value": pytest.approx(1.5e9), "unit": "Hz"}
    md.done()


def test_places_of_extremes_follow_the_coordinates(name: str) -> None:
    md = imagemetadata()
    md.open(name)
    before = md.get("minpos")
    md.set("crval2", "10deg")
    assert md.get("minpos") != before and "+09.57.59" in md.get("minpos")
    md.done()


def test_observation_of_a_new_image(name: str) -> None:
    md = imagemetadata()
    md.open(name)
    assert (md.get("telescope"), md.get("observer"), md.get("date-obs")) == ("ALMA", "Karl Jansky", "2000/01/01/00:00:00.000100")
    md.done()
