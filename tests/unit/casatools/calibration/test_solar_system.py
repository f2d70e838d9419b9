"""Bodies of the solar system: against closed formulas with an ephemeris and models of our own; the reference's own numbers where its data are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools import table
from casatools._base.errors import DataError, ParameterError
from casatools.calibration import solar_system
from casatools.calibration.set_model import SetModelOptions, set_model
from casatools.calibration.solar_system import approximate_disk, approximate_flux, body_flux, find_body, find_disk
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table

DAY = 58604.0  # simvla.ms
HZ = np.array([1.3e9, 1.7e9])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an oblate body seen from 2 AU, whose brightness temperature is 100 K."""
    ephemerides, models = tmp_path / "data" / "ephemerides" / "JPL-Horizons", tmp_path / "data" / "alma" / "SolarSystemModels"
    ephemerides.mkdir(parents=True)
    models.mkdir(parents=True)
    days = DAY - 5 + np.arange(10.0)
    text = tmp_path / "eph.txt"
    rows = [
        f"{d} {(359.0 + 0.2 * (d - days[0])) % 360} {10 + 0.1 * (d - days[0])} {2 + 0.001 * (d - DAY) ** 2} 30.0 20.0"
        for d in days
    ]
    text.write_text("MJD RA DEC Rho DiskLat NP_ang\nD D D D D D\n" + "\n".join(rows) + "\n")
    tb = table()
    tb.fromascii(str(ephemerides / "Uranus_58000-59000dUTC_J2000.tab"), str(text), sep=" ")
    tb.close()
    written = open_table(str(ephemerides / "Uranus_58000-59000dUTC_J2000.tab"), writable=True)
    written.putkeyword("radii", {"unit": "km", "value": np.array([25559.0, 25559.0, 24973.0])})
    written.close()
    (models / "Uranus_Tb.dat").write_text("1.0 100.0\n2.0 100.0\n")
    (models / "Vesta_fd_time.dat").write_text("1.0 2.0\n2019 1 1 0 0 58600.0 1.0 4.0\n2019 1 1 0 0 58610.0 2.0 8.0\n")
    monkeypatch.setattr(solar_system, "data_paths", lambda: [str(tmp_path / "data")])
    return tmp_path / "data"


def test_names() -> None:
    assert find_body("Uranus_1") == "Uranus" and find_body("titan") == "Titan" and find_body("J1256-0547") is None
    assert find_body("Ionia") is None


def test_disk_and_flux(data: Path) -> None:
    disk = find_disk("Uranus", DAY + 0.5)
    distance_km = (2 + 0.00025) * 149597870.7
    assert disk.major_rad == pytest.approx(2 * 25559 / distance_km, rel=1e-9)
    polar = np.hypot(24973 * np.cos(np.deg2rad(30)), 25559 * np.sin(np.deg2rad(30)))
    assert disk.minor_rad == pytest.approx(2 * polar / distance_km, rel=1e-9)
    assert np.rad2deg(disk.lon_rad) == pytest.approx(0.1) and np.rad2deg(disk.lat_rad) == pytest.approx(10.55)
    assert np.rad2deg(disk.angle_rad) == pytest.approx(110.0)
    # Nearly Rayleigh-Jeans at these frequencies: 2 k (T - T_cmb) / lambda^2, less the background's curvature.
    expected = 2 * 1.380649e-23 * (100.0 - 2.725) * (HZ / 299792458.0) ** 2 * np.pi / 4 * disk.major_rad * disk.minor_rad * 1e26
    np.testing.assert_allclose(body_flux(disk, HZ, DAY), expected, rtol=2e-3)


def test_fluxes_by_date(data: Path) -> None:
    disk = solar_system.Disk("Vesta", 0.0, 0.0, 1e-6, 1e-6, 0.0)
    np.testing.assert_allclose(body_flux(disk, np.array([1e9, np.sqrt(2) * 1e9, 2e9]), 58605.0), [1.5, 3.0, 6.0], rtol=1e-6)


def test_models_run_smoothly_through_their_frequencies(data: Path) -> None:
    """As the reference's do: a cubic spline, which here gives a cubic back."""
    ghz = np.array([1.0, 1.5, 2.5, 3.0, 4.0])
    (data / "alma" / "SolarSystemModels" / "Juno_Tb.dat").write_text("".join(f"{g} {100 + 3 * g - 2 * g**3}\n" for g in ghz))
    disk = solar_system.Disk("Juno", 0.0, 0.0, 1e-6, 1e-6, 0.0)
    at = np.array([1.2e9, 2.0e9, 3.7e9])
    temperature = 100 + 3 * at / 1e9 - 2 * (at / 1e9) ** 3
    above = solar_system.planck_brightness(temperature, at) - solar_system.planck_brightness(np.array(2.725), at)
    np.testing.assert_allclose(body_flux(disk, at, DAY), above * disk.solid_angle * 1e26, rtol=1e-9)


def test_a_body_that_moves_away(data: Path) -> None:
    """Its lines lie at lower frequencies, and what it radiates over the cube of the frequency is that at rest."""
    ghz = np.linspace(1.0, 2.0, 101)
    line = 100 + 50 * np.exp(-0.5 * ((ghz - 1.5) / 0.05) ** 2)
    (data / "alma" / "SolarSystemModels" / "Juno_Tb.dat").write_text(
        "".join(f"{g:.12f} {t:.12f}\n" for g, t in zip(ghz, line, strict=True))
    )
    rest, away = (solar_system.Disk("Juno", 0.0, 0.0, 1e-6, 1e-6, 0.0, speed) for speed in (0.0, 0.01))
    at = np.array([1.2e9, 1.5e9, 1.8e9])
    np.testing.assert_allclose(body_flux(away, at / 1.01, DAY) * 1.01**3, body_flux(rest, at, DAY), rtol=1e-9)


def test_the_disk_of_a_body_with_three_axes(data: Path) -> None:
    """Of its equator the mean counts, as the reference has it; the speed is that of the ephemeris."""
    name = str(data / "ephemerides" / "JPL-Horizons" / "Vesta_58000-59000dUTC_J2000.tab")
    text = data.parent / "vesta.txt"
    text.write_text(
        "MJD RA DEC Rho DiskLat NP_ang RadVel\nD D D D D D D\n"
        + "".join(f"{DAY - 5 + k} 10.0 20.0 2.0 0.0 20.0 0.01\n" for k in range(10))
    )
    tb = table()
    tb.fromascii(name, str(text), sep=" ")
    tb.close()
    written = open_table(name, writable=True)
    written.putkeyword("radii", {"unit": "km", "value": np.array([289.0, 280.0, 229.0])})
    written.close()
    disk = find_disk("Vesta", DAY)
    distance_km = 2 * 149597870.7
    assert disk.major_rad == pytest.approx(2 * 284.5 / distance_km) and disk.minor_rad == pytest.approx(2 * 229 / distance_km)
    assert disk.recession == pytest.approx(0.01 * 149597870700.0 / 86400 / 299792458.0)


def test_temperatures_by_date_go_before_those_that_end_earlier(data: Path) -> None:
    """Mars has a file of each in CASA's data; that without _time ends in 2020."""
    models = data / "alma" / "SolarSystemModels"
    (models / "Mars_Tb.dat").write_text("1.0 2.0\n2019 1 1 0 58600.0 200.0 200.0\n2019 1 1 1 58601.0 200.0 200.0\n")
    (models / "Mars_Tb_time.dat").write_text("1.0 2.0\n2019 1 1 0 0 58600.0 200.0 200.0\n2019 1 1 1 0 58700.0 300.0 300.0\n")
    mars, uranus = (solar_system.Disk(n, 0.0, 0.0, 1e-6, 1e-6, 0.0) for n in ("Mars", "Uranus"))
    ratio = body_flux(mars, HZ, 58650.0) / body_flux(uranus, HZ, DAY)
    np.testing.assert_allclose(ratio, (250 - 2.725) / (100 - 2.725), rtol=1e-3)


def test_what_the_data_do_not_cover(data: Path) -> None:
    with pytest.raises(DataError, match="no ephemeris of Mars"):
        find_disk("Mars", DAY)
    with pytest.raises(DataError, match="no ephemeris of Uranus"):
        find_disk("Uranus", 50000.0)
    disk = find_disk("Uranus", DAY)
    for hz in (HZ * 10, HZ / 10):
        with pytest.raises(DataError, match="no model of Uranus"):
            body_flux(disk, hz, DAY)
    vesta = solar_system.Disk("Vesta", 0.0, 0.0, 1e-6, 1e-6, 0.0)
    with pytest.raises(DataError, match="no model of Vesta"):
        body_flux(vesta, HZ, 50000.0)


def test_approximations() -> None:
    disk = approximate_disk("Uranus", 57549.0)
    assert disk.major_rad == pytest.approx(1.66603e-05, rel=2e-3)  # of JPL's ephemeris
    np.testing.assert_allclose(approximate_flux(disk, np.array([90e9, 100e9, 110e9])), [7.01, 8.22, 9.50], rtol=0.03)
    assert approximate_disk("Titan", 57549.0).major_rad == pytest.approx(2 * 2575 / (9.02 * 149597870.7), rel=0.02)
    with pytest.raises(DataError, match="Ceres"):
        approximate_disk("Ceres", 57549.0)


@pytest.mark.parametrize("at_ephemeris", [False, True])
def test_model_of_a_planet(shared_input: Callable[[str], str], data: Path, at_ephemeris: bool) -> None:
    vis = shared_input("simvla.ms")
    fields = open_table(f"{vis}/FIELD", writable=True)
    fields.putcell("NAME", 0, "Uranus")
    fields.close()
    if at_ephemeris:  # the disk is looked for where the ephemeris has it: put that near the field
        with MeasurementSet(vis) as ms:
            lon, lat = np.rad2deg(ms.metadata.fields[0].phase_dir[0])
        name = str(data / "ephemerides" / "JPL-Horizons" / "Uranus_58000-59000dUTC_J2000.tab")
        ephemeris = open_table(name, writable=True)
        ephemeris.putcol("RA", np.full(ephemeris.nrows(), lon % 360))
        ephemeris.putcol("DEC", np.full(ephemeris.nrows(), lat + 10 / 3600))
        ephemeris.close()
    record = set_model(vis, {"field": "0"}, SetModelOptions("Butler-JPL-Horizons 2012", at_ephemeris=at_ephemeris))
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == 0))
        model, uvw = ms.read("MODEL_DATA", rows), ms.read("UVW", rows)
        hz, time = ms.metadata.spectral_windows[0].chan_freq_hz, ms.read("TIME", rows)
    disk = find_disk("Uranus", 0.5 * (time.min() + time.max()) / 86400)
    flux = body_flux(disk, hz, DAY)
    assert record["0"]["0"]["fluxd"][0] == pytest.approx(flux[0], rel=1e-9)
    turned = np.exp(2j * np.pi * uvw[:, 1:2] * hz / 299792458.0 * np.deg2rad(10 / 3600)) if at_ephemeris else 1.0
    from scipy.special import j1

    along = uvw[:, 0] * np.sin(disk.angle_rad) + uvw[:, 1] * np.cos(disk.angle_rad)
    across = uvw[:, 0] * np.cos(disk.angle_rad) - uvw[:, 1] * np.sin(disk.angle_rad)
    x = np.pi * np.hypot(along * disk.major_rad, across * disk.minor_rad)[:, None] * hz / 299792458.0
    np.testing.assert_allclose(model[:, :, 0], flux * 2 * j1(x) / x * turned, rtol=2e-5, atol=2e-5 * flux[0])


def test_refusals(shared_input: Callable[[str], str], data: Path) -> None:
    vis = shared_input("simvla.ms")
    with pytest.raises(DataError, match="none of the bodies"):
        set_model(vis, {"field": "0"}, SetModelOptions("Butler-JPL-Horizons 2012"))
    with pytest.raises(ParameterError, match="useephemdir"):
        SetModelOptions("Baars", at_ephemeris=True)


def test_numbers_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Titan is round, so that the reference's mistake in oblate disks does not show."""
    folder = os.environ.get("CASA_DATA", "")
    if not os.path.isdir(os.path.join(folder, "alma", "SolarSystemModels")):
        pytest.skip("CASA's data are absent (set CASA_DATA)")
    monkeypatch.setattr(solar_system, "data_paths", lambda: [folder])
    flux = body_flux(find_disk("Titan", 58279.0), np.array([90e9, 100e9, 110e9]), 58279.0)
    np.testing.assert_allclose(flux, [0.22599653, 0.27434803, 0.32408903], rtol=3e-4)
