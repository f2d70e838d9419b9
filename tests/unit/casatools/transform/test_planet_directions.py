"""fixplanets: directions given, from the pointing table, of planets; uvw with them."""

from __future__ import annotations

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from casatools.transform.field_directions import measured_uvw
from support.ephemeris_file import write_ephemeris

PLACE = "J2000 13h36m10s 28d12m00s"


def field(path, number=2):
    with MeasurementSet(path) as ms:
        return ms.metadata.fields[number]


def test_a_direction_is_set_everywhere(shared_input):
    path = shared_input("simvla.ms")
    casatasks.fixplanets(path, field="TARGET", direction=PLACE, fixuvw=True)
    expected = parse_direction(PLACE)
    with MeasurementSet(path) as ms:
        found = ms.metadata.fields[2]
        for value in (found.phase_dir, found.delay_dir, found.reference_dir):
            np.testing.assert_allclose(value[0], [expected.lon_rad - 2 * np.pi, expected.lat_rad], atol=1e-12)
        source = next(s for s in ms.metadata.sources if s.source_id == 2)
        np.testing.assert_allclose(source.direction, found.phase_dir[0], atol=1e-12)
        rows = np.flatnonzero(ms.read("FIELD_ID") == 2)
        np.testing.assert_allclose(ms.read("UVW", rows), measured_uvw(ms, rows, [expected]), atol=1e-9)


def test_pointings_are_taken_in_their_frame(shared_input):
    path = shared_input("simvla.ms")
    casatasks.fixplanets(path, field=2, direction=PLACE)
    casatasks.fixplanets(path, field="2", refant="EA03", reftime="first")
    wanted = field(shared_input("mosaic.ms"), 0)
    assert wanted is not None
    np.testing.assert_allclose(field(path).phase_dir[0], [-2.72271363, 0.49160107], atol=1e-8)
    # The same pointing told in horizontal coordinates gives the same direction.
    with MeasurementSet(path) as ms:
        times = np.unique(ms.read("TIME", np.flatnonzero(ms.read("FIELD_ID") == 2)))
        antenna = ms.metadata.antennas[0].position_m
    table = open_table(f"{path}/POINTING", writable=True)
    rows = np.flatnonzero(np.asarray(table.getcol("ANTENNA_ID")) == 0)
    row = int(rows[np.argmin(np.abs(np.asarray(table.getcol("TIME"))[rows] - times[0]))])
    when = float(table.getcell("TIME", row))
    local = convert_direction(Direction(*np.asarray(table.getcell("DIRECTION", row))[0], "J2000"), "AZELGEO", when, antenna)
    table.putcell("DIRECTION", row, np.array([[local.lon_rad, local.lat_rad]]))
    keyword = table.getcolkeyword("DIRECTION", "MEASINFO")
    table.putcolkeyword("DIRECTION", "MEASINFO", {**keyword, "Ref": "AZELGEO"})
    table.close()
    casatasks.fixplanets(path, field="2", direction=PLACE)
    casatasks.fixplanets(path, field="2")
    np.testing.assert_allclose(field(path).phase_dir[0], [-2.72271363, 0.49160107], atol=1e-7)


def test_planets_and_times(shared_input):
    path = shared_input("simvla.ms")
    casatasks.fixplanets(path, field="2", direction="MARS")
    with MeasurementSet(path) as ms:
        when = ms.read("TIME", np.flatnonzero(ms.read("FIELD_ID") == 2)).min()
    mars = convert_direction(parse_direction("MARS"), "J2000", float(when), "VLA")
    np.testing.assert_allclose(field(path).phase_dir[0], [mars.lon_rad, mars.lat_rad], atol=1e-9)
    casatasks.fixplanets(path, field="2", reftime="median")
    casatasks.fixplanets(path, field="2", reftime="2019/05/01/05:40:00")
    np.testing.assert_allclose(field(path).phase_dir[0], [-2.72271363, 0.49160107], atol=1e-8)


def test_an_ephemeris_counts_at_the_time_of_the_data(shared_input):
    """CASA 6.7 takes its first entry, which is days before them."""
    path = shared_input("line.ms")
    with MeasurementSet(path) as ms:
        start, (lon, lat) = float(ms.read("TIME").min()), ms.metadata.fields[0].phase_dir[0]
    write_ephemeris("moving.tab", start, lon, lat, 2e-8, 0.0)
    casatasks.fixplanets(path, field="0", direction="moving.tab", fixuvw=True)
    with MeasurementSet(path) as ms:
        assert ms.metadata.fields[0].ephemeris_id >= 0
        np.testing.assert_allclose(next(iter(ms.metadata.sources)).direction, [lon, lat], atol=1e-6)
        rows = np.flatnonzero(ms.read("TIME") == start)
        np.testing.assert_allclose(ms.read("UVW", rows), measured_uvw(ms, rows, [Direction(lon, lat, "J2000")]), atol=1e-3)


def test_refusals(shared_input):
    path = shared_input("simvla.ms")
    before = field(path).phase_dir
    for error, changes in (
        (ParameterError, {"field": ""}), (SelectionError, {"field": "NONE"}), (ParameterError, {"refant": "EA99"}), (ParameterError, {"refant": 44}),
        (ParameterError, {"reftime": "last"}), (ParameterError, {"reftime": "2018/05/01"}), (ParameterError, {"direction": "J2000 1"}),
    ):  # fmt: skip
        with pytest.raises(error):
            casatasks.fixplanets(**{"vis": path, "field": "2", **changes})
    table = open_table(f"{path}/POINTING", writable=True)
    table.putcol("ANTENNA_ID", np.ones(table.nrows(), np.int32))
    table.close()
    with pytest.raises(DataError, match="no entries of antenna 0"):
        casatasks.fixplanets(path, field="2")
    table = open_table(path, writable=True)
    table.removekeyword("POINTING")
    table.close()
    import shutil

    shutil.rmtree(f"{path}/POINTING")
    with pytest.raises(DataError, match="no POINTING"):
        casatasks.fixplanets(path, field="2")
    np.testing.assert_array_equal(field(path).phase_dir, before)
