"""fixvis: exact turns of uvw and phases, other frames, uvw from casacore's measures, ephemerides, multi-MSs."""

from __future__ import annotations

import os

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError, UnsupportedError
from casatools.frames.directions import Direction, convert_direction, convert_directions, unit_vectors
from casatools.frames.ephemeris import ephemeris_directions
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris, ephemeris_path, field_ephemeris, read_ephemeris
from casatools.io.ms.measure_frames import set_field_frames
from casatools.io.tables import open_table
from casatools.transform.field_directions import array_position, measured_uvw
from casatools.transform.fixing import FixOptions, fixvis
from casatools.transform.phasing import phaseshift, uvw_frame
from support.ephemeris_file import write_ephemeris

NEAR, FAR = "J2000 13h36m06s 28d11m30s", "J2000 17h20m06s -10d11m30s"


def columns(path, *names):
    with MeasurementSet(path) as ms:
        return [np.asarray(ms.read(n)) for n in names]


@pytest.mark.parametrize("centre", [NEAR, FAR])
def test_agrees_with_phaseshift_and_comes_back(shared_input, centre):
    path = shared_input("simvla.ms")
    fixvis(path, "o.ms", "2", FixOptions(centre, columns="DATA"))
    phaseshift(path, "p.ms", Selection(field="2"), "data", centre)
    ours, uvw, field = columns("o.ms", "DATA", "UVW", "FIELD_ID")
    theirs, shifted = columns("p.ms", "DATA", "UVW")
    np.testing.assert_allclose(ours[field == 2], theirs, rtol=0, atol=2e-6)
    np.testing.assert_allclose(uvw[field == 2], shifted, rtol=0, atol=1e-9)
    old, before = columns(path, "DATA", "UVW")
    np.testing.assert_array_equal(ours[field != 2], old[field != 2])
    with MeasurementSet(path) as ms:
        lon, lat = ms.metadata.fields[2].phase_dir[0]
    fixvis("o.ms", "", "2", FixOptions(f"J2000 {lon}rad {lat}rad"))
    again, back = columns("o.ms", "DATA", "UVW")
    np.testing.assert_allclose(again, old, rtol=0, atol=4e-5)
    np.testing.assert_allclose(back, before, rtol=0, atol=1e-9)


def test_uvw_from_the_antennas(shared_input):
    path = shared_input("simvla.ms")
    casatasks.fixvis(path, "o.ms", reuse=False)
    (uvw,), (old,) = columns("o.ms", "UVW"), columns(path, "UVW")
    # The simulator's own uvw leave out small terms of the measures.
    assert 1e-4 < np.abs(uvw - old).max() < 5e-3
    for ours, theirs in zip(columns("o.ms", "DATA", "FLAG"), columns(path, "DATA", "FLAG"), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    casatasks.fixvis(path, "q.ms", field="2", phasecenter=NEAR, reuse=False)
    casatasks.fixvis("o.ms", "r.ms", field=2, phasecenter=NEAR)
    for ours, theirs in zip(columns("q.ms", "DATA", "UVW"), columns("r.ms", "DATA", "UVW"), strict=True):
        rows = columns("r.ms", "FIELD_ID")[0] == 2
        # Turning leaves out how aberration differs between the two directions: 1e-4 of the shift.
        np.testing.assert_allclose(ours[rows], theirs[rows], rtol=0, atol=1e-3)


def test_another_frame_turns_u_and_v(shared_input):
    path = shared_input("simvla.ms")
    fixvis(path, "o.ms", "", FixOptions(refcode="GALACTIC", columns="all"))
    uvw, old = columns("o.ms", "UVW")[0], columns(path, "UVW")[0]
    np.testing.assert_allclose(uvw[:, 2], old[:, 2], atol=1e-9)
    np.testing.assert_allclose(np.hypot(uvw[:, 0], uvw[:, 1]), np.hypot(old[:, 0], old[:, 1]), atol=1e-9)
    with MeasurementSet(path) as one, MeasurementSet("o.ms") as ms:
        assert {f.phase_frame for f in ms.metadata.fields} == {"GALACTIC"} and ms.metadata.fields[0].reference_frame == "GALACTIC"
        first = one.metadata.fields[0]
        expected = convert_direction(Direction(*first.phase_dir[0], "J2000"), "GALACTIC")
        np.testing.assert_allclose(ms.metadata.fields[0].phase_dir[0], [expected.lon_rad, expected.lat_rad], atol=1e-12)
        # The same vectors in space: baselines along the axes of J2000, turned to those of the Galaxy.
        lon, lat = convert_directions([0.0, np.pi / 2, 0.0], [0.0, 0.0, np.pi / 2], "J2000", "GALACTIC")
        axes = unit_vectors(lon, lat).T
        rows = np.flatnonzero(ms.read("FIELD_ID") == 0)
        turn = uvw_frame(expected.lon_rad, expected.lat_rad) @ axes @ uvw_frame(*first.phase_dir[0]).T
        np.testing.assert_allclose(uvw[rows], old[rows] @ turn.T, atol=1e-6)
        np.testing.assert_allclose(uvw[rows], measured_uvw(ms, rows, [expected]), atol=5e-3)
    table = open_table("o.ms")
    assert table.getcolkeyword("UVW", "MEASINFO")["Ref"] == "GALACTIC"
    table.close()
    with pytest.raises(DataError, match="one frame for all fields"):
        fixvis(path, "p.ms", "1", FixOptions(refcode="B1950"))


def test_offsets_and_columns(shared_input):
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model=True, corrected=True)
        everything = np.arange(ms.nrow)
        for column in ("MODEL_DATA", "CORRECTED_DATA"):
            ms.write(column, np.ones((ms.nrow, 8, 4), np.complex64), everything)
    casatasks.fixvis(path, "o.ms", field="TARGET", phasecenter="0h0m1s 1arcmin", datacolumn="MODEL, CORRECTED")
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        moved = new.metadata.fields[2].phase_dir[0] - old.metadata.fields[2].phase_dir[0]
        np.testing.assert_allclose(moved, np.radians([15 / 3600, 1 / 60]), rtol=1e-9)
        np.testing.assert_array_equal(new.read("DATA"), old.read("DATA"))
        assert np.abs(new.read("MODEL_DATA") - 1).max() > 0.1
        np.testing.assert_array_equal(new.read("MODEL_DATA"), new.read("CORRECTED_DATA"))


def test_a_multi_ms_is_changed_as_one(shared_input):
    path = shared_input("simvla.ms")
    casatasks.partition(path, "i.mms", separationaxis="scan", numsubms=2, datacolumn="data", flagbackup=False)
    casatasks.fixvis("i.mms", "o.mms", field="2", phasecenter=NEAR)
    casatasks.fixvis(path, "o.ms", field="2", phasecenter=NEAR)
    for ours, theirs in zip(columns("o.mms", "DATA", "UVW"), columns("o.ms", "DATA", "UVW"), strict=True):
        np.testing.assert_array_equal(np.sort_complex(ours.ravel()), np.sort_complex(theirs.ravel()))
    for part in ("o.mms.0000.ms", "i.mms.0000.ms", "i.mms.0001.ms"):
        if os.path.isdir(f"o.mms/SUBMSS/{part}"):
            with MeasurementSet(f"o.mms/SUBMSS/{part}") as ms, MeasurementSet("o.ms") as one:
                np.testing.assert_array_equal(ms.metadata.fields[2].phase_dir, one.metadata.fields[2].phase_dir)


def test_fields_with_an_ephemeris(shared_input):
    path = shared_input("simvla.ms")
    with MeasurementSet(path) as ms:
        times = ms.read("TIME", np.flatnonzero(ms.read("FIELD_ID") == 2))
        lon, lat = ms.metadata.fields[2].phase_dir[0]
    table = write_ephemeris("moving.tab", times.min(), lon, lat, 2e-8, 1e-8)
    casatasks.fixplanets(path, field="2", direction=table, fixuvw=True)
    found = field_ephemeris(path, 0)
    assert os.path.basename(ephemeris_path(path, 0)) == "EPHEM0_TARGET.tab"
    with MeasurementSet(path) as ms:
        assert ms.metadata.fields[2].ephemeris_id == 0 and ms.metadata.fields[1].ephemeris_id == -1
        assert not ms.metadata.fields[2].phase_dir.any()
        np.testing.assert_allclose(next(s.direction for s in ms.metadata.sources if s.source_id == 2), [lon, lat], atol=1e-6)
        rows = np.flatnonzero(ms.read("FIELD_ID") == 2)[[0, -1]]
        for row in rows:
            where = ephemeris_directions(found, ms.read("TIME", np.array([row])))
            expected = measured_uvw(ms, np.array([row]), [Direction(float(where[0][0]), float(where[1][0]), "J2000")])
            np.testing.assert_allclose(ms.read("UVW", np.array([row])), expected, atol=1e-6)
    casatasks.fixvis(path, "o.ms", field="2", phasecenter=NEAR)
    with MeasurementSet("o.ms") as ms:
        assert ms.metadata.fields[2].ephemeris_id == -1
        centre = Direction(*ms.metadata.fields[2].phase_dir[0], "J2000")
        every = np.flatnonzero(ms.read("FIELD_ID") == 2)
        np.testing.assert_allclose(ms.read("UVW", every), measured_uvw(ms, every, [centre]), atol=2e-3)
        np.testing.assert_allclose(ms.metadata.fields[2].delay_dir[0], [lon, lat], atol=1e-6)
    with pytest.raises(UnsupportedError, match="moves"):
        fixvis(path, "p.ms", "", FixOptions(refcode="B1950"))


def test_ephemerides_that_cannot_be_used(shared_input):
    path = shared_input("simvla.ms")
    table = write_ephemeris("e.tab", 5063405930.0, 1.0, 0.5, 0.0, 0.0)
    assert attach_ephemeris(path, table, [0], "a") == 0 and attach_ephemeris(path, table, [1], "b", 4) == 4
    assert attach_ephemeris(path, table, [2], "c") == 5
    with pytest.raises(ParameterError, match="number 4 already"):
        attach_ephemeris(path, table, [1], "b", 4)
    with pytest.raises(ParameterError, match="name of an ephemeris"):
        attach_ephemeris(path, table, [1], "a/b")
    with pytest.raises(DataError, match="no table FIELD/EPHEM9"):
        field_ephemeris(path, 9)
    with pytest.raises(DataError, match="no MJD column"):
        read_ephemeris(f"{path}/FIELD")
    with pytest.raises(DataError, match="is asked for"):
        ephemeris_directions(read_ephemeris(table), np.array([5163405930.0]))


def test_frames_of_single_fields(shared_input):
    alma = shared_input("alma_small.ms")
    set_field_frames(alma, [0], "B1950")
    with MeasurementSet(alma) as ms:
        assert ms.metadata.fields[0].phase_frame == "B1950"


def test_places_of_arrays(shared_input):
    path = shared_input("simvla.ms")
    with MeasurementSet(path) as ms:
        known = array_position(ms)
    table = open_table(f"{path}/OBSERVATION", writable=True)
    table.putcol("TELESCOPE_NAME", ["NOWHERE"])
    table.close()
    with MeasurementSet(path) as ms:
        assert 0 < np.linalg.norm(array_position(ms) - known) < 1000.0


def test_refusals(shared_input):
    path = shared_input("simvla.ms")
    for error, changes in (
        (ParameterError, {"datacolumn": "NONSENSE"}), (ParameterError, {"datacolumn": ""}), (DataError, {"datacolumn": "MODEL_DATA"}),
        (ParameterError, {"distances": ["1Jy"]}), (ParameterError, {"distances": ["-1km"]}), (ParameterError, {"distances": ["1km", "2km"], "field": "2"}), (SelectionError, {"field": "NONE"}), (ParameterError, {"phasecenter": "J2000 nonsense 3"}),
        (ParameterError, {"outputvis": f"{path}/inside.ms"}), (OutputExistsError, {"outputvis": f"{path}/FIELD"}), (ParameterError, {"refcode": "X"}),
    ):  # fmt: skip
        arguments = {"vis": path, "outputvis": "o.ms", "phasecenter": NEAR, **changes}
        with pytest.raises(error):
            casatasks.fixvis(**arguments)
    assert not os.path.exists("o.ms")
