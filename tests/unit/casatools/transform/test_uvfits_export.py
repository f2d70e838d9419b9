"""MeasurementSets as UVFITS files: there and back, headers, and what one file cannot hold."""

from __future__ import annotations

import os

import numpy as np
import pytest
from astropy.io import fits

import casatasks
from casatools import ms as ms_tool
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError
from casatools.io.formats.random_groups import read_random_groups
from casatools.io.formats.uvfits import import_uvfits
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.ephemerides import attach_ephemeris
from casatools.io.tables import open_table
from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits
from support.ephemeris_file import write_ephemeris

DATA = UvfitsOptions("data")


def by_key(ms: MeasurementSet, column: str) -> np.ndarray:
    """A column in one order, whatever that of the rows."""
    keys = [np.asarray(ms.read(c)) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1")]
    order = np.lexsort([*keys, np.round(ms.read("TIME"), 2)])
    return np.asarray(ms.read(column))[order]


def edit(path: str, column: str, change) -> None:
    table = open_table(path, writable=True)
    table.putcol(column, change(np.asarray(table.getcol(column))))
    table.close()


@pytest.mark.parametrize("combined", [True, False])
def test_there_and_back(shared_input, combined):
    path = shared_input("simvla.ms")
    edit(path, "FLAG_ROW", lambda v: np.arange(len(v)) % 97 == 0)
    assert export_uvfits(path, "o.fits", Selection(), UvfitsOptions("data", combine_spw=combined)) == (1008 if combined else 2016)
    import_uvfits("o.fits", "back.ms")
    with MeasurementSet(path) as old, MeasurementSet("back.ms") as new:
        for column in ("DATA", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID", "WEIGHT", "EXPOSURE"):
            np.testing.assert_array_equal(by_key(new, column), by_key(old, column))
        flag = by_key(old, "FLAG") | by_key(old, "FLAG_ROW")[:, None, None]
        np.testing.assert_array_equal(by_key(new, "FLAG"), flag)
        np.testing.assert_allclose(by_key(new, "UVW"), by_key(old, "UVW"), rtol=2e-7)
        # The two parts of the date keep far more than a single fraction of a day (5 ms).
        np.testing.assert_allclose(by_key(new, "TIME"), by_key(old, "TIME"), rtol=0, atol=2e-6)
        for ours, theirs in zip(new.metadata.spectral_windows, old.metadata.spectral_windows, strict=True):
            np.testing.assert_allclose(ours.chan_freq_hz, theirs.chan_freq_hz, rtol=1e-15)
        assert [f.name for f in new.metadata.fields] == [f.name for f in old.metadata.fields]
        assert [a.station for a in new.metadata.antennas] == [a.station for a in old.metadata.antennas]
        np.testing.assert_allclose(new.metadata.antennas[3].position_m, old.metadata.antennas[3].position_m, atol=1e-6)


def test_header_and_tables(shared_input):
    path = shared_input("simvla.ms")
    options = UvfitsOptions("data", multisource=False, write_station=False)
    export_uvfits(path, "one.fits", Selection(field="1", spw="1:1~6^2", correlation="LL,RR"), options)
    file = read_random_groups("one.fits")
    assert file.parameter_names == ["UU", "VV", "WW", "DATE", "DATE", "BASELINE", "FREQSEL", "INTTIM"]
    assert file.axis("STOKES") == (2, -1.0, -1.0, 1.0) and file.axis("FREQ") == (3, 1.612e9, 8e6, 2.0)
    assert file.header.text("OBJECT") == "J1335+2700" and file.table("AIPS SU") is None
    assert file.axis("DEC")[1] == pytest.approx(27.0)
    antennas = file.table("AIPS AN")
    assert antennas.texts("ANNAME")[:2] == ["EA01", "EA02"]
    # Mean sidereal time at 0h of 2019-05-01 and its rate, from the formula of the Astronomical Almanac (1984), with UT1-UTC -0.15 s.
    assert antennas.header.number("GSTIA0") == pytest.approx(218.6376, abs=2e-4)
    assert antennas.header.number("DEGPDY") == pytest.approx(360.98564736629, abs=3e-5)
    assert antennas.header.number("IATUTC") == 37.0
    raw = file.data(file.raw()[:1])
    with MeasurementSet(path) as ms:
        row = Selection(field="1", spw="1").resolve(ms).rows[:1]
        assert raw[0].ravel()[0] == ms.read("DATA", row)[0, 1, 0].real and raw[0].ravel()[2] == np.float32(1 / 8)
    export_uvfits(path, "sources.fits", Selection(field="1,2"), DATA)
    sources = read_random_groups("sources.fits").table("AIPS SU")
    assert sources.texts("SOURCE") == ["J1335+2700", "TARGET"]
    # Precession from J2000 to 2019: some 0.24 deg in right ascension.
    assert 0.1 < sources.get("RAAPP")[0] - sources.get("RAEPO")[0] < 0.4


def test_missing_spectra_are_told_or_padded(shared_input):
    path = shared_input("simvla.ms")
    cut = Selection(taql="not (DATA_DESC_ID == 1 and SCAN_NUMBER == 2)")
    with pytest.raises(DataError, match=r"168 of the 2016 spectra.*padwithflags"):
        export_uvfits(path, "o.fits", cut, DATA)
    export_uvfits(path, "o.fits", cut, UvfitsOptions("data", pad_with_flags=True))
    import_uvfits("o.fits", "back.ms")
    with MeasurementSet(path) as old, MeasurementSet("back.ms") as new:
        lost = (by_key(old, "SCAN_NUMBER") == 2) & (by_key(old, "DATA_DESC_ID") == 1)
        assert by_key(new, "FLAG")[lost].all() and not by_key(new, "DATA")[lost].any()
        np.testing.assert_array_equal(by_key(new, "DATA")[~lost], by_key(old, "DATA")[~lost])


def test_repeated_spectra_make_groups_of_their_own(shared_input):
    path = shared_input("simvla.ms")
    edit(path, "TIME", lambda v: np.full_like(v, v[0]))
    assert export_uvfits(path, "o.fits", Selection(field="0"), DATA) == 168


def test_weights_and_model(shared_input):
    path = shared_input("simvla.ms")
    edit(path, "WEIGHT", lambda v: v * 3)
    export_uvfits(path, "w.fits", Selection(), UvfitsOptions("weight"))
    file = read_random_groups("w.fits")
    block = file.data(file.raw()[:1]).reshape(-1, 3)
    assert np.array_equal(np.unique(block[:, 0]), [3.0]) and not block[:, 1].any()
    with pytest.raises(DataError, match="no MODEL_DATA"):
        export_uvfits(path, "m.fits", Selection(), UvfitsOptions("model"))
    # The default column, where there is none, is DATA: scripts export what they have split out.
    casatasks.exportuvfits(path, "c.fits", field="0")
    first = read_random_groups("c.fits").raw()[0, 9:12]
    np.testing.assert_allclose(first, [7.9449797, 14.796208, 0.375], rtol=1e-6)


def test_single_dish(shared_input):
    assert export_uvfits(shared_input("sd.ms"), "sd.fits", Selection(), UvfitsOptions("data", combine_spw=False)) > 0
    assert read_random_groups("sd.fits").ngroup > 0


def test_what_one_file_cannot_hold(shared_input):
    alma = shared_input("alma_small.ms")
    with pytest.raises(DataError, match="numbers of channels"):
        export_uvfits(alma, "o.fits", Selection(), DATA)
    path = shared_input("simvla.ms")
    with pytest.raises(DataError, match="not evenly spaced"):
        export_uvfits(path, "o.fits", Selection(spw="0:0;1;3"), DATA)
    with pytest.raises(DataError, match="FITS axis"):
        export_uvfits(path, "o.fits", Selection(correlation="RR,LL,LR"), DATA)
    with pytest.raises(SelectionError):
        export_uvfits(path, "o.fits", Selection(field="NONE"), DATA)
    with pytest.raises(ParameterError, match="fitsfile"):
        casatasks.exportuvfits(path)
    edit(f"{path}/SPECTRAL_WINDOW", "MEAS_FREQ_REF", lambda v: np.array([5, 1], v.dtype))
    with pytest.raises(DataError, match="frequency frames"):
        export_uvfits(path, "o.fits", Selection(), DATA)
    edit(f"{path}/DATA_DESCRIPTION", "POLARIZATION_ID", lambda v: np.array([0, 1], v.dtype))
    edit(f"{path}/POLARIZATION", "CORR_TYPE", lambda v: np.array([[5, 6, 7, 8], [9, 10, 11, 12]], v.dtype))
    with pytest.raises(DataError, match="different correlations"):
        export_uvfits(path, "o.fits", Selection(), DATA)
    edit(f"{path}/POLARIZATION", "CORR_TYPE", lambda v: np.array([[13, 14, 15, 16]] * 2, v.dtype))
    with pytest.raises(DataError, match="no codes"):
        export_uvfits(path, "o.fits", Selection(spw="0"), DATA)
    assert not os.path.exists("o.fits")


def test_overwrite_and_the_tool(shared_input):
    path = shared_input("simvla.ms")
    with open("o.fits", "w") as stream:
        stream.write("x")
    tool = ms_tool()
    tool.open(path)
    with pytest.raises(OutputExistsError):
        tool.tofits("o.fits", column="DATA")
    assert os.path.getsize("o.fits") == 1
    assert tool.tofits("o.fits", column="DATA", field=["0"], spw=[0], baseline="0&1", scan=[1], overwrite=True)
    tool.close()
    assert read_random_groups("o.fits").ngroup == 6


def test_system_temperatures(shared_input):
    path = shared_input("evla_simple.ms")
    with MeasurementSet(path) as ms:
        first = ms.metadata.data_descriptions[int(ms.read("DATA_DESC_ID")[0])].spw
    export_uvfits(path, "o.fits", Selection(spw=str(first)), UvfitsOptions("data", write_syscal=True))
    assert read_random_groups("o.fits").table("AIPS TY") is None  # it has no SYSCAL
    alma = shared_input("alma_small.ms")
    with MeasurementSet(alma) as ms:
        spw = ms.metadata.data_descriptions[int(ms.read("DATA_DESC_ID")[0])].spw
    export_uvfits(alma, "a.fits", Selection(spw=str(spw)), UvfitsOptions("data", write_syscal=True, combine_spw=False))
    table = read_random_groups("a.fits").table("AIPS TY")
    assert table is None or np.nanmax(table.get("TSYS 1")) > 0


def test_weather(shared_input):
    """As CASA 6.7 writes it, but nothing for what there is no value of (CASA: -273.15 C)."""
    path = shared_input("alma_small.ms")
    table = open_table(f"{path}/WEATHER", writable=True)
    flagged = np.zeros(table.nrows(), bool)
    flagged[3] = True
    table.putcol("WIND_SPEED_FLAG", flagged)
    table.close()
    export_uvfits(path, "a.fits", Selection(spw="1"), UvfitsOptions("data"))
    weather = read_random_groups("a.fits").table("AIPS WX")
    assert len(weather.get("TIME")) == 126 and set(weather.get("ANTENNA_NO").tolist()) == {0}
    np.testing.assert_allclose(weather.get("TIME")[[0, 2]], [0.4415975, 0.44185213], atol=1e-7)
    np.testing.assert_allclose(weather.get("TEMPERATURE")[:2], [-8.904608, -8.85401], atol=1e-5)
    np.testing.assert_allclose(weather.get("PRESSURE")[:2], [5.544096, 5.5441303], rtol=1e-6)
    np.testing.assert_allclose(weather.get("WIND_DIRECTION")[:2], [252.99998, 308.0], rtol=1e-6)
    np.testing.assert_allclose(weather.get("WIND_VELOCITY")[:4], [5.1, 2.5, 4.7, np.nan], rtol=1e-6)
    assert np.isnan(weather.get("DEWPOINT")).all() and np.isnan(weather.get("WVR_H2O")).all()
    export_uvfits(shared_input("simvla.ms"), "v.fits", Selection(), UvfitsOptions("data"))
    assert read_random_groups("v.fits").table("AIPS WX") is None


@pytest.mark.parametrize("several", [True, False])
def test_a_field_that_moves_is_where_it_is_at_the_start(shared_input, several):
    """CASA 6.7 writes the first direction of the ephemeris, days before the data, or none."""
    path = shared_input("line.ms")
    with MeasurementSet(path) as ms:
        start, (lon, lat) = float(ms.read("TIME").min()), ms.metadata.fields[0].phase_dir[0]
    write_ephemeris("moving.tab", start, lon, lat, 2e-8, 0.0)
    attach_ephemeris(path, "moving.tab", [0], "TEST")
    table = open_table(f"{path}/FIELD", writable=True)
    table.putcol("PHASE_DIR", np.zeros((1, 1, 2)))
    table.close()
    export_uvfits(path, "o.fits", Selection(), UvfitsOptions("data", multisource=several))
    with fits.open("o.fits") as file:
        head = file["PRIMARY"].header
        found = [file["AIPS SU"].data[n][0] for n in ("RAEPO", "DECEPO")] if several else [head["CRVAL6"], head["CRVAL7"]]
        np.testing.assert_allclose(found, np.degrees([lon, lat]), rtol=0, atol=1e-5)
