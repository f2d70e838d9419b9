"""UVFITS to MeasurementSet: values known beforehand, and the reference's product of the NGC 5921 file."""

from __future__ import annotations

import os

import numpy as np
import pytest

from casatools._base.errors import DataError, OutputExistsError, PathMissingError
from casatools.io.formats import random_groups
from casatools.io.formats.uvfits import import_uvfits
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.uvfits_file import antenna_table, write_uvfits

C_M_S = 299792458.0
JD = 2455198.5  # 2010-01-02 0h, MJD 55198


def _column(path, name):
    table = open_table(path)
    try:
        return table.getcol(name)
    finally:
        table.close()


def _groups(times_s, pairs, nif=1, nchan=2, nstokes=2, code=lambda a, b: 256 * a + b):
    n = len(times_s) * len(pairs)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(n, nif, nchan, nstokes, 3)).astype(np.float32)
    data[..., 2] = 2.0
    parameters = [("UU---SIN", 1e-9, 0.0, np.arange(n)), ("VV---SIN", 1e-9, 0.0, np.arange(n) * 2), ("WW---SIN", 1e-9, 0.0, np.arange(n) * 3),
                  ("BASELINE", 1.0, 0.0, np.array([code(a, b) for _ in times_s for a, b in pairs])),
                  ("DATE", 1.0, JD, np.zeros(n)), ("DATE", 1.0, 0.0, np.repeat(times_s, len(pairs)) / 86400)]  # fmt: skip
    return parameters, data


def test_values_flags_weights_and_order(tmp_path):
    parameters, data = _groups([0.0, 64.0], [(1, 2), (1, 4), (2, 4)], nif=2, nstokes=4)
    data[0, 0, 0, 0, 2] = -2.0
    data[1, 1, :, 3, 2] = 0.0
    path = write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table([1, 2, 4])])
    assert import_uvfits(path, "a.ms") == 12
    with MeasurementSet("a.ms") as ms:
        visibility = ms.read("DATA")
        # RR LL RL LR of the file become RR RL LR LL.
        expected = (data[..., 0] + 1j * data[..., 1]).reshape(12, 2, 4)[..., [0, 2, 3, 1]]
        np.testing.assert_array_equal(visibility, expected.astype(np.complex64))
        np.testing.assert_allclose(ms.read("UVW"), np.repeat(np.arange(6)[:, None] * [1, 2, 3] * 1e-9 * C_M_S, 2, axis=0))
        flag = np.zeros((12, 2, 4), bool)
        flag[0, 0, 0] = flag[3, :, 2] = True
        np.testing.assert_array_equal(ms.read("FLAG"), flag)
        assert ms.read("WEIGHT_SPECTRUM")[0, 0, 0] == 2.0
        np.testing.assert_array_equal(ms.read("WEIGHT")[3], [4, 4, 0, 4])
        np.testing.assert_array_equal(ms.read("SIGMA")[3], [0.5, 0.5, 0, 0.5])
        assert ms.read("DATA_DESC_ID").tolist() == [0, 1] * 6
        assert ms.read("ANTENNA2").tolist() == [1, 1, 3, 3, 3, 3] * 2
        np.testing.assert_allclose(ms.read("TIME")[[0, -1]], 55198 * 86400 + np.array([0.0, 64.0]), atol=1e-4)
        assert set(ms.read("EXPOSURE")) == {64.0}
    assert _column("a.ms/ANTENNA", "FLAG_ROW").tolist() == [False, False, True, False]
    assert _column("a.ms/ANTENNA", "STATION") == ["ST1", "ST2", "", "ST4"]
    assert _column("a.ms/POLARIZATION", "CORR_TYPE").tolist() == [[5, 6, 7, 8]]
    np.testing.assert_allclose(_column("a.ms/FEED", "RECEPTOR_ANGLE")[0], [0, np.pi / 2])
    np.testing.assert_allclose(_column("a.ms/FIELD", "PHASE_DIR")[0, 0], np.radians([-160.0, 20.0]))


def test_scans_end_after_300_s(tmp_path):
    # CASA 6.7: gaps of 299 s stay in the scan, 301 s begin a new one.
    parameters, data = _groups([0.0, 299.0, 600.0], [(1, 2)])
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table([1, 2])]), "a.ms")
    assert _column("a.ms", "SCAN_NUMBER").tolist() == [1, 1, 2]


def test_frequency_table_and_setups(tmp_path):
    parameters, data = _groups([0.0, 10.0], [(1, 2)], nif=2)
    parameters.append(("FREQSEL", 1.0, 0.0, [1, 2]))
    table = ("AIPS FQ", {"NO_IF": 2}, [("FRQSEL", "1J", [1, 2]), ("IF FREQ", "2D", [[0, 1e7], [1e8, 1.1e8]]), ("CH WIDTH", "2E", [[1e6, -1e6]] * 2),
                                       ("TOTAL BANDWIDTH", "2E", [[2e6, 2e6]] * 2), ("SIDEBAND", "2J", [[1, 1]] * 2)])  # fmt: skip
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table([1, 2]), table]), "a.ms")
    np.testing.assert_allclose(
        _column("a.ms/SPECTRAL_WINDOW", "CHAN_FREQ"), [[1.4e9, 1.401e9], [1.41e9, 1.409e9], [1.5e9, 1.501e9], [1.51e9, 1.509e9]]
    )
    assert _column("a.ms/SPECTRAL_WINDOW", "NET_SIDEBAND").tolist() == [1, -1, 1, -1]
    assert _column("a.ms/SPECTRAL_WINDOW", "CHAN_WIDTH").min() == 1e6
    assert _column("a.ms", "DATA_DESC_ID").tolist() == [0, 1, 2, 3]
    assert _column("a.ms", "SCAN_NUMBER").tolist() == [1, 1, 2, 2]
    parameters[-1] = ("FREQSEL", 1.0, 0.0, [1, 3])
    with pytest.raises(DataError, match="frequency setup 3"):
        import_uvfits(write_uvfits(tmp_path / "b.fits", parameters, data, [antenna_table([1, 2]), table]), "b.ms")


def test_source_table(tmp_path):
    parameters, data = _groups([0.0, 10.0, 20.0], [(1, 2)])
    parameters.append(("SOURCE", 1.0, 0.0, [3, 3, 1]))
    columns = [("ID. NO.", "1J", [1, 3]), ("SOURCE", "16A", ["ONE", "THREE"]), ("CALCODE", "4A", ["A", ""]), ("RAEPO", "1D", [10.0, 350.0]),
               ("DECEPO", "1D", [20.0, -30.0]), ("RESTFREQ", "1D", [1.42e9, 1.6e9]), ("LSRVEL", "1D", [5.0, 6.0])]  # fmt: skip
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table([1, 2]), ("AIPS SU", {}, columns)]), "a.ms")
    assert _column("a.ms", "FIELD_ID").tolist() == [2, 2, 0]
    assert _column("a.ms", "SCAN_NUMBER").tolist() == [1, 1, 2]
    assert _column("a.ms/FIELD", "NAME") == ["ONE", "", "THREE"]
    assert _column("a.ms/FIELD", "SOURCE_ID").tolist() == [0, 0, 2]
    assert _column("a.ms/SOURCE", "NAME") == ["THREE", "ONE"]
    assert _column("a.ms/SOURCE", "REST_FREQUENCY").tolist() == [[1.6e9], [1.42e9]]
    parameters[-1] = ("SOURCE", 1.0, 0.0, [3, 3, 7])
    with pytest.raises(DataError, match="source 7"):
        import_uvfits(
            write_uvfits(tmp_path / "b.fits", parameters, data, [antenna_table([1, 2]), ("AIPS SU", {}, columns)]), "b.ms"
        )


def test_old_vla_positions(tmp_path):
    # 3C273XC1.fits of the VLA demo data: antenna at STABXYZ comes out as CASA 6.7 puts it.
    parameters, data = _groups([0.0], [(1, 2)])
    header = {"ARRAYX": -1601162.0, "ARRAYY": -5042003.0, "ARRAYZ": 3554915.0}
    table = antenna_table([1, 2], header, np.array([[100.0, 0.0, 7.0], [0.0, 0.0, 0.0]]))
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [table]), "a.ms", new_names=True)
    position = _column("a.ms/ANTENNA", "POSITION")
    np.testing.assert_allclose(position[1], [-1601185.365, -5041977.547, 3554875.87], atol=1e-6)
    np.testing.assert_allclose(position[0] - position[1], [-30.26748800798514, -95.30938658, 7.0], atol=1e-5)
    assert _column("a.ms/ANTENNA", "NAME") == ["VA01", "VA02"]


@pytest.mark.parametrize(
    ("telescope", "equinox", "frame"), [("VLA", 1950.0, "B1950_VLA"), ("ATCA", 1950.0, "B1950"), ("VLA", 2000.0, "J2000")]
)
def test_equinox(tmp_path, telescope, equinox, frame):
    parameters, data = _groups([0.0], [(1, 2)])
    header = {"EPOCH": equinox, "TELESCOP": telescope, "DATE-OBS": "27/06/89"}
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table([1, 2])], header=header), "a.ms")
    table = open_table("a.ms/FIELD")
    assert table.getcolkeyword("PHASE_DIR", "MEASINFO")["Ref"] == frame
    assert table.getcol("TIME")[0] == 47704 * 86400.0
    table.close()


def test_300_antennas(tmp_path):
    # AIPS Memo 117: 65536 + 2048 a1 + a2.
    parameters, data = _groups([0.0], [(1, 2), (255, 256), (299, 300)], code=lambda a, b: 65536 + 2048 * a + b)
    import_uvfits(write_uvfits(tmp_path / "a.fits", parameters, data, [antenna_table(list(range(1, 301)))]), "a.ms")
    assert _column("a.ms", "ANTENNA1").tolist() == [0, 254, 298]
    assert _column("a.ms", "ANTENNA2").tolist() == [1, 255, 299]
    assert len(_column("a.ms/ANTENNA", "NAME")) == 300


def test_velocity_axis_and_history(tmp_path):
    parameters, data = _groups([0.0], [(1, 2)])
    header = {"VELREF": 257, "RESTFREQ": 1.42e9, "ALTRVAL": 1e5, "ALTRPIX": 1.0}
    path = write_uvfits(
        tmp_path / "a.fits",
        parameters,
        data,
        [antenna_table([1, 2])],
        header=header,
        extra=("HISTORY  done by hand", "stray card"),
    )
    import_uvfits(path, "a.ms")
    np.testing.assert_allclose(_column("a.ms/SPECTRAL_WINDOW", "CHAN_FREQ")[0, 0], 1.42e9 * (1 - 1e5 / C_M_S))
    assert _column("a.ms/SPECTRAL_WINDOW", "MEAS_FREQ_REF").tolist() == [1]
    assert _column("a.ms/HISTORY", "MESSAGE") == ["done by hand"]


@pytest.mark.parametrize("keep", [200, 3000, 9000])
def test_truncated_file_leaves_nothing(tmp_path, keep):
    parameters, data = _groups(np.arange(40) * 10.0, [(1, 2), (1, 3), (2, 3)])
    path = tmp_path / "a.fits"
    write_uvfits(path, parameters, data, [antenna_table([1, 2, 3])])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"truncated|is not"):
        import_uvfits(str(path), "a.ms")
    assert sorted(os.listdir(tmp_path)) == ["a.fits"] or not any(
        name.startswith((".a.ms", "a.ms")) for name in os.listdir(tmp_path)
    )


def test_refusals(tmp_path):
    parameters, data = _groups([0.0], [(1, 2)])
    good = [antenna_table([1, 2])]
    with pytest.raises(PathMissingError):
        import_uvfits("none.fits", "a.ms")
    with pytest.raises(DataError, match="folder"):
        import_uvfits(str(tmp_path), "a.ms")
    (tmp_path / "text").write_text("hello" * 1000)
    with pytest.raises(DataError, match="not a FITS file"):
        import_uvfits("text", "a.ms")
    with pytest.raises(DataError, match="random groups"):
        import_uvfits(write_uvfits(tmp_path / "g.fits", parameters, data, good, header={"GROUPS": False}), "a.ms")
    with pytest.raises(DataError, match="BITPIX"):
        import_uvfits(write_uvfits(tmp_path / "p.fits", parameters, data, good, header={"BITPIX": 7}), "a.ms")
    with pytest.raises(DataError, match="Stokes I"):
        import_uvfits(write_uvfits(tmp_path / "i.fits", parameters, data, good, stokes=(1.0, 1.0)), "a.ms")
    with pytest.raises(DataError, match="no antenna table"):
        import_uvfits(write_uvfits(tmp_path / "n.fits", parameters, data, []), "a.ms")
    with pytest.raises(DataError, match="antenna 2"):
        import_uvfits(write_uvfits(tmp_path / "s.fits", parameters, data, [antenna_table([1])]), "a.ms")
    with pytest.raises(DataError, match="numbers below 1"):
        import_uvfits(write_uvfits(tmp_path / "z.fits", parameters, data, [antenna_table([0, 1])]), "a.ms")
    with pytest.raises(DataError, match="DATE"):
        import_uvfits(write_uvfits(tmp_path / "d.fits", parameters[:4], data, good), "a.ms")
    with pytest.raises(DataError, match="BASELINE"):
        import_uvfits(write_uvfits(tmp_path / "b.fits", parameters[:3] + parameters[4:], data, good), "a.ms")
    with pytest.raises(DataError, match="UU"):
        import_uvfits(write_uvfits(tmp_path / "u.fits", parameters[1:], data, good), "a.ms")
    name, header, columns = good[0]
    with pytest.raises(DataError, match="STABXYZ"):
        import_uvfits(
            write_uvfits(tmp_path / "x.fits", parameters, data, [(name, header, [c for c in columns if c[0] != "STABXYZ"])]),
            "a.ms",
        )
    with pytest.raises(DataError, match="cannot be imported"):
        import_uvfits(write_uvfits(tmp_path / "c.fits", parameters, data, good, header={"NAXIS2": 1, "NAXIS3": 6}), "a.ms")
    with pytest.raises(DataError, match=r"column of unknown format 'ZZ'"):
        import_uvfits(write_uvfits(tmp_path / "f.fits", parameters, data, [(name, {**header, "TFORM3": "ZZ"}, columns)]), "a.ms")
    with pytest.raises(DataError, match="columns of 62 bytes in rows of 54"):
        import_uvfits(write_uvfits(tmp_path / "w.fits", parameters, data, [(name, {**header, "TFORM3": "3J"}, columns)]), "a.ms")
    assert not os.path.exists("a.ms")
    path = write_uvfits(tmp_path / "ok.fits", parameters, data, good)
    import_uvfits(path, "a.ms")
    with pytest.raises(OutputExistsError):
        import_uvfits(path, "a.ms")


def test_antenna_parameters_and_subarrays(tmp_path):
    parameters, data = _groups([0.0], [(1, 2), (1, 3)])
    three = [("ANTENNA1", 1.0, 0.0, [1, 1]), ("ANTENNA2", 1.0, 0.0, [2, 3]), ("SUBARRAY", 1.0, 0.0, [1, 2])]
    import_uvfits(
        write_uvfits(tmp_path / "a.fits", parameters[:3] + three + parameters[4:], data, [antenna_table([1, 2, 3])]), "a.ms"
    )
    assert _column("a.ms", "ANTENNA2").tolist() == [1, 2]
    assert _column("a.ms", "ARRAY_ID").tolist() == [0, 1]


def test_reference_numbers_of_the_small_ngc5921_file(shared_input):
    # What CASA 6.7 makes of it (importuvfits of this file).
    assert import_uvfits(shared_input("ngc_small.uvfits"), "n.ms", new_names=True) == 4887
    with MeasurementSet("n.ms") as ms:
        assert ms.read("TIME")[0] == 4304481539.999771
        np.testing.assert_array_equal(np.unique(ms.read("WEIGHT")), [378.0, 756.0])
        assert ms.read("EXPOSURE")[0] == 30.0
    assert _column("n.ms/ANTENNA", "NAME")[:2] == ["VA01", "VA02"]
    np.testing.assert_allclose(_column("n.ms/SPECTRAL_WINDOW", "CHAN_FREQ")[0, 0], 1412665073.7684999)
    np.testing.assert_allclose(_column("n.ms/ANTENNA", "POSITION")[0], [-1601155.61318668, -5041783.88230405, 3555162.34308971])


def test_cut_inside_a_table_or_unreadable(tmp_path, monkeypatch):
    parameters, data = _groups([0.0], [(1, 2)])
    path = tmp_path / "a.fits"
    write_uvfits(path, parameters, data, [antenna_table([1, 2])])
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(DataError, match="truncated inside its table 'AIPS AN'"):
        import_uvfits(str(path), "a.ms")

    def refuse(*given, **options):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(random_groups, "open", refuse, raising=False)  # tests may run as a user who may read anything
    with pytest.raises(DataError, match=r"'.*a\.fits' cannot be read: Permission denied"):
        import_uvfits(str(path), "a.ms")
    assert not os.path.exists("a.ms")
