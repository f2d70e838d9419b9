"""phaseshift against a point source, conjugatevis against numpy."""

from __future__ import annotations

import os

import numpy as np
import pytest

from casatools._base.errors import OutputExistsError, ParameterError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.transform.parameters import parse_spw_list
from casatools.transform.phasing import conjugatevis, phaseshift, uvw_frame


def test_frame_is_a_rotation():
    frame = uvw_frame(1.0, -0.4)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_allclose(uvw_frame(0.0, np.pi / 2)[2], [0, 0, 1], atol=1e-15)


def test_a_source_away_from_the_centre_comes_to_it(shared_input):
    # A point source of 1 Jy is put 3 degrees off, then the centre is moved there: phases vanish at any angle.
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        old = ms.metadata.fields[0].phase_dir[0]
        new = old + [0.05, 0.02]
        towards = uvw_frame(*old) @ uvw_frame(*new)[2]
        path_m = ms.read("UVW") @ (towards - [0, 0, 1])
        turns = path_m[:, None] * ms.metadata.spectral_windows[0].chan_freq_hz / 299792458.0
        rows = np.arange(ms.nrow)
        ms.write("DATA", np.repeat(np.exp(2j * np.pi * turns).astype(np.complex64)[:, :, None], 2, axis=2), rows)
    phaseshift(path, "o.ms", Selection(), "data", f"J2000 {new[0]}rad {new[1]}rad")
    with MeasurementSet("o.ms") as ms:
        np.testing.assert_allclose(ms.read("DATA"), 1.0, atol=2e-5)
        np.testing.assert_allclose(ms.metadata.fields[0].phase_dir[0], new, atol=1e-12)
        with MeasurementSet(path) as before:
            np.testing.assert_allclose(np.linalg.norm(ms.read("UVW"), axis=1), np.linalg.norm(before.read("UVW"), axis=1))


def test_phase_centre_is_required(shared_input):
    with pytest.raises(ParameterError, match="phasecenter"):
        phaseshift(shared_input("line.ms"), "o.ms", Selection(), "data", "")
    assert not os.path.exists("o.ms")


def test_conjugate_one_window(shared_input):
    path = shared_input("simvla.ms")
    conjugatevis(path, "o.ms", [1])
    with MeasurementSet(path) as old, MeasurementSet("o.ms") as new:
        ddid = old.read("DATA_DESC_ID")
        expected = old.read("DATA")
        expected[ddid == 1] = expected[ddid == 1].conj()
        np.testing.assert_array_equal(new.read("DATA"), expected)
    with pytest.raises(OutputExistsError):
        conjugatevis(path, "o.ms", [])
    conjugatevis(path, "o.ms", [], overwrite=True)
    np.testing.assert_array_equal(open_table("o.ms").getcol("DATA"), open_table(path).getcol("DATA").conj())
    with pytest.raises(ParameterError, match="spectral window 5"):
        conjugatevis(path, "p.ms", [5])


def test_window_lists():
    assert parse_spw_list("0,2~4") == [0, 2, 3, 4]
    assert parse_spw_list([]) == parse_spw_list("") == []
    with pytest.raises(ParameterError, match="spwlist"):
        parse_spw_list("a")
