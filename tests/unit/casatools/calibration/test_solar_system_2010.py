"""The standard of 2010: black disks of mean radii, against closed formulas with an ephemeris of our own, and numbers of the reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import gaincal, predictcomp, setjy
from casatools import table
from casatools._base.errors import DataError
from casatools.calibration import solar_system
from casatools.calibration.set_model import SetModelOptions, set_model
from casatools.calibration.solar_system_2010 import body_flux_2010, brightness_temperature_2010, find_disk_2010
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import virtual_model_fields
from casatools.io.tables import open_table

DAY = 58604.0  # simvla.ms
H, K, C = 6.62607015e-34, 1.380649e-23, 299792458.0


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Mars at 2 AU with a mean radius of 3387 km, over ten days."""
    folder = tmp_path / "data" / "ephemerides" / "JPL-Horizons"
    folder.mkdir(parents=True)
    text = tmp_path / "eph.txt"
    rows = [f"{DAY - 5 + k} {(359.0 + 0.2 * k) % 360} 10 {2 + 0.001 * (k - 5) ** 2}" for k in range(10)]
    text.write_text("MJD RA DEC Rho\nD D D D\n" + "\n".join(rows) + "\n")
    name = str(folder / "Mars_58500-58700dUTC.tab")
    tb = table()
    tb.fromascii(name, str(text), sep=" ")
    tb.close()
    written = open_table(name, writable=True)
    written.putkeyword("meanrad", {"unit": "km", "value": 3387.0})
    written.close()
    monkeypatch.setattr(solar_system, "data_paths", lambda: [str(tmp_path / "data")])
    return folder


def test_disk_and_flux(data: Path) -> None:
    disk = find_disk_2010("Mars", DAY + 0.5)
    width = 2 * 3387.0 / ((2 + 0.00025) * 149597870.7)
    assert disk.major_rad == disk.minor_rad == pytest.approx(width, rel=1e-9)
    assert np.rad2deg(disk.lon_rad) == pytest.approx(0.1)
    hz = np.array([1e11, 3e11])
    expected = 2 * H * hz**3 / C**2 / np.expm1(H * hz / K / 210.0) * np.pi / 4 * width**2 * 1e26
    np.testing.assert_allclose(body_flux_2010(disk, hz), expected, rtol=1e-12)
    with pytest.raises(DataError, match="58500 to 58700"):
        find_disk_2010("Mars", 59000.0)
    with pytest.raises(DataError, match="datapath"):
        find_disk_2010("Io", DAY)


def test_brightness_is_that_of_the_reference() -> None:
    """Temperatures that give the flux densities of CASA 6.7 (MJD 55699.95), where its curves bend."""
    sampled = {
        "Jupiter": {
            0.3: 174.360,
            8.4: 158.678,
            22.0: 131.338,
            30.0: 142.749,
            43.0: 160.086,
            60.0: 167.262,
            100.0: 170.0,
            950.0: 170.0,
        },
        "Uranus": {1.4: 218.201, 15.0: 166.576, 43.0: 135.0, 100.0: 125.639, 345.0: 85.441, 850.0: 78.422},
        "Neptune": {1.4: 226.106, 22.0: 174.821, 60.0: 144.638, 100.0: 127.539, 345.0: 84.272, 950.0: 48.884},
        "Venus": {1.4: 604.4, 5.0: 679.7, 15.0: 569.4, 43.0: 422.8, 100.0: 344.75, 230.0: 288.9, 345.0: 270.7},
        "Titan": {100.0: 76.6},
    }
    for name, values in sampled.items():
        found = brightness_temperature_2010(name, np.array(list(values)) * 1e9)
        np.testing.assert_allclose(found, list(values.values()), rtol=1e-3 if name == "Venus" else 1e-4, err_msg=name)
    for name, ghz in (("Venus", 850.0), ("Saturn", 100.0)):
        with pytest.raises(DataError, match="2010"):
            brightness_temperature_2010(name, np.array([ghz * 1e9]))


def test_tasks(shared_input: Callable[[str], str], data: Path) -> None:
    vis = shared_input("simvla.ms")
    with MeasurementSet(vis, writable=True) as ms:
        fields = ms.subtable("FIELD", writable=True)
        fields.putcell("NAME", 0, "Mars")
        fields.close()
    record = setjy(vis, field="0", standard="Butler-JPL-Horizons 2010")
    with MeasurementSet(vis) as ms:
        window = ms.metadata.spectral_windows[0]
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        model = ms.read("MODEL_DATA", rows)
    flux = record["0"]["0"]["fluxd"][0]
    assert flux == pytest.approx(body_flux_2010(find_disk_2010("Mars", DAY), window.chan_freq_hz[:1])[0], rel=1e-3)
    assert abs(model[:, 0, 0]).max() == pytest.approx(flux, rel=1e-3) and not model[:, :, 1].any()
    predicted = predictcomp("Mars", epoch="2019/05/01", minfreq="100GHz", maxfreq="110GHz")
    assert predicted["standard"] == "Butler-JPL-Horizons 2010" and Path(predicted["clist"]).is_dir()
    with pytest.raises(DataError, match="none of the bodies"):
        set_model(vis, {"field": "1"}, SetModelOptions("Butler-JPL-Horizons 2010"))


@pytest.mark.usefixtures("data")
def test_virtual_models_of_bodies(shared_input: Callable[[str], str], tmp_path: Path) -> None:
    """A known issue of CASA, 'ephemeris unsupported in virtual model': gains from the recipe are those from the column."""
    vis, gains = shared_input("simvla.ms"), []
    with open_table(f"{vis}/FIELD", writable=True) as fields:
        fields.putcell("NAME", 0, "Mars")
    for usescratch in (False, True):
        setjy(vis, field="0", standard="Butler-JPL-Horizons 2010", usescratch=usescratch)
        with MeasurementSet(vis) as ms:
            assert virtual_model_fields(ms) == ([] if usescratch else [0])
        caltable = str(tmp_path / f"{usescratch}.cal")
        gaincal(vis, caltable, field="0", refant="EA01", minsnr=0.0)
        gains.append(CalTable.open(caltable).param)
    # Not those of the point of 1 Jy that stands where there is no model.
    assert np.median(np.abs(gains[0])) > 20
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-4)
