"""Beams: units, records, per-plane order."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError
from casatools.io.image import Beam, BeamSet


def test_units_and_area() -> None:
    beam = Beam(1.0, 30.0, 0.5, ("arcmin", "arcsec", "rad"))
    assert beam.major_arcsec == pytest.approx(60.0)
    assert beam.minor_arcsec == pytest.approx(30.0)
    assert beam.position_angle_deg == pytest.approx(np.degrees(0.5))
    assert beam.area_rad2 == pytest.approx(np.pi / (4 * np.log(2)) * beam.major_rad * beam.minor_rad)
    again = Beam.from_rad(beam.major_rad, beam.minor_rad, beam.position_angle_rad)
    assert again.major_arcsec == pytest.approx(60.0)
    assert Beam(0, 0, 0).is_null


def test_channel_runs_fastest_in_the_record() -> None:
    beams = BeamSet.per_plane([[Beam(c + 1, 1, s) for s in range(2)] for c in range(3)])
    planes = beams.to_record()["perplanebeams"]
    assert (planes["nChannels"], planes["nStokes"]) == (3, 2)
    assert planes["*4"]["major"]["value"] == 2 and planes["*4"]["positionangle"]["value"] == 1
    assert BeamSet.from_record(beams.to_record()) == beams
    assert beams.sliced([2], None).at(0, 1) == beams.at(2, 1)
    assert beams.with_beam(Beam(9, 9, 0), -1, 1).at(0, 1).major == 9


def test_refusals() -> None:
    with pytest.raises(ParameterError):
        BeamSet.per_plane([[Beam(1, 1, 0)], []])
    with pytest.raises(DataError, match="no beam"):
        BeamSet().at()
    beams = BeamSet.per_plane([[Beam(1, 1, 0)]] * 3)
    with pytest.raises(DataError, match="no beam for channel"):
        beams.at(3, 0)
    with pytest.raises(DataError, match="lacks"):
        Beam.from_record({"major": {"value": 1, "unit": "deg"}})
    record = beams.to_record()
    del record["perplanebeams"]["*1"]
    with pytest.raises(DataError, match="holds 2"):
        BeamSet.from_record(record)
    assert not BeamSet.from_record({"restoringbeam": Beam(0, 0, 0).to_record()})
