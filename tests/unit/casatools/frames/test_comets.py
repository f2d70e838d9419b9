"""Ephemeris tables in the frame of the measures tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import measures, table
from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.io.ephemeris_tables import write_ephemeris

DAYS = np.array([59215.0, 59216.0, 59217.0])
COLUMNS = {
    "MJD": DAYS,
    "RA": np.array([24.0, 25.0, 26.0]),
    "DEC": np.array([11.0, 11.2, 11.4]),
    "Rho": np.array([0.5, 0.51, 0.52]),
}


def made(path: Path, **about: Any) -> str:
    write_ephemeris(str(path), COLUMNS, 1.0, "Mars", {"meanrad": {"value": 3390.0, "unit": "km"}} | about)
    return str(path)


def framed(path: str, epoch: str = "2021/01/02/12:00:00") -> measures:
    me = measures()
    assert me.framecomet(path)
    me.doframe(me.epoch("UTC", epoch))
    return me


def test_the_object_is_where_the_table_says(tmp_path: Path) -> None:
    me = framed(made(tmp_path / "mars.tab"))
    assert (me.cometname(), me.comettype(), me.comettopo()["unit"]) == ("Mars", "APP", "")
    place = me.measure(me.direction("COMET"), "ICRS")
    assert np.degrees([place["m0"]["value"], place["m1"]["value"]]) == pytest.approx([25.5, 11.3], abs=6e-3)
    assert me.cometdist()["value"] == pytest.approx(0.515, rel=1e-4)
    assert me.cometangdiam()["value"] == pytest.approx(2 * 3390e3 / (0.515 * 149597870700.0), rel=1e-4)
    assert me.separation(me.direction("COMET"), place)["value"] == pytest.approx(0.0, abs=1e-4)


def test_the_table_is_read_at_utc(tmp_path: Path) -> None:
    """At the very time of a row the object is where the row says; CASA takes the row for the time 69 s later (TDB), which this object shows."""
    columns = {"MJD": DAYS, "RA": np.array([10.0, 100.0, 190.0]), "DEC": np.zeros(3), "Rho": np.array([1e6, 1e6, 1e6])}
    path = str(tmp_path / "fast.tab")
    write_ephemeris(path, columns, 1.0, "Fast", {"posrefsys": "ICRF/ICRS"})
    me = framed(path, "2021/01/02/00:00:00")
    place = np.degrees(me.measure(me.direction("COMET"), "ICRS")["m0"]["value"])
    a_second_deg = 90.0 / 86400.0
    assert abs(place - 100.0) < 0.1 * a_second_deg
    soon = framed(path, "2021/01/02/00:01:09.184")
    moved = np.degrees(soon.measure(soon.direction("COMET"), "ICRS")["m0"]["value"]) - place
    assert moved > 40 * a_second_deg  # so that one scale for the other would be seen; places are interpolated along the chord


def test_an_observer_on_the_ground_sees_the_parallax(tmp_path: Path) -> None:
    me = framed(made(tmp_path / "mars.tab"))
    me.doframe(me.observatory("VLA"))
    here = me.measure(me.direction("COMET"), "AZEL")
    far = me.measure(me.measure(me.direction("COMET"), "J2000"), "AZEL")
    elevation = far["m1"]["value"]
    # Earth's radius over the distance, as seen at this elevation; the object appears lower.
    expected = 6.3738e6 / (0.515 * 149597870700.0) * np.cos(elevation)
    # The position's zenith is geocentric, that of AZEL geodetic: they differ by 3 mrad.
    assert far["m1"]["value"] - here["m1"]["value"] == pytest.approx(expected, rel=0.02)
    assert set(me.riseset(me.direction("COMET"), "5deg")) == {"rise", "set"}
    assert me.doframe(me.direction("COMET"))


def test_tables_of_a_place_and_of_other_frames(tmp_path: Path) -> None:
    me = framed(made(tmp_path / "topo.tab", GeoDist=6373.0, GeoLong=-107.6, GeoLat=34.0, posrefsys="ICRF/J2000.0"))
    assert me.comettype() == "TOPO" and np.linalg.norm(me.comettopo()["value"]) == pytest.approx(6.373e6)
    me.doframe(me.observatory("VLA"))
    far = me.measure(me.measure(me.direction("COMET"), "J2000"), "AZEL")
    assert me.measure(me.direction("COMET"), "AZEL")["m1"]["value"] == pytest.approx(far["m1"]["value"], abs=1e-12)
    apparent = framed(made(tmp_path / "old.tab", posrefsys=""))
    assert np.degrees(apparent.measure(apparent.direction("COMET"), "APP")["m0"]["value"]) == pytest.approx(25.5, abs=6e-3)


def test_refusals(tmp_path: Path) -> None:
    me = measures()
    with pytest.raises(PathMissingError, match="nosuch"):
        me.framecomet("nosuch")
    with pytest.raises(ParameterError, match="framecomet"):
        me.measure(me.direction("COMET"), "J2000")
    assert (me.comettype(), me.cometdist()["value"], me.cometangdiam()["value"], me.cometname()) == ("none", -1.0, -1.0, "")
    me.framecomet(made(tmp_path / "mars.tab"))
    with pytest.raises(ParameterError, match="no epoch"):
        me.cometdist()
    late = framed(str(tmp_path / "mars.tab"), "2022/01/01")
    with pytest.raises(DataError, match="is for MJD 59215"):
        late.measure(late.direction("COMET"), "J2000")
    tb = table()
    tb.create(str(tmp_path / "other.tab"), {"A": {"valueType": "int"}}, nrow=3)
    tb.close()
    with pytest.raises(DataError, match="no MJD column"):
        me.framecomet(str(tmp_path / "other.tab"))
    write_ephemeris(str(tmp_path / "one.tab"), {k: v[:1] for k, v in COLUMNS.items()}, 1.0, "X", {})
    with pytest.raises(DataError, match="fewer than two rows"):
        me.framecomet(str(tmp_path / "one.tab"))
    me.framecomet(str(tmp_path / "mars.tab"))
    write_ephemeris(str(tmp_path / "bare.tab"), COLUMNS, 1.0, "X", {})
    assert framed(str(tmp_path / "bare.tab")).cometangdiam()["value"] == -1.0
