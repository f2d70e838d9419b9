"""FITS images: reading in place, importing, header coordinates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.formats.fits_coordinates import coordinates_from_header, fits_unit, parse_fits_date
from casatools.io.formats.fits_image import FitsImage, ImportOptions, import_fits
from casatools.io.image import Beam, CasaImage

SKY = {"CTYPE1": "RA---SIN", "CRVAL1": 180.0, "CDELT1": -0.001, "CRPIX1": 5.0, "CTYPE2": "DEC--SIN", "CRVAL2": 30.0, "CDELT2": 0.001,
       "CRPIX2": 4.0, "EQUINOX": 2000.0}  # fmt: skip
FREQ = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CDELT3": 1e6, "CRPIX3": 1.0, "RESTFRQ": 1.42e9, "SPECSYS": "LSRK"}
STOKES = {"CTYPE4": "STOKES", "CRVAL4": 1.0, "CDELT4": 1.0, "CRPIX4": 1.0}


def write(path: str, data: np.ndarray, **cards: object) -> str:
    hdu = fits.PrimaryHDU(data)
    for key, value in cards.items():
        hdu.header[key.replace("_", "-") if key.startswith(("DATE_", "OBSGEO_")) else key] = value
    hdu.writeto(path, overwrite=True)
    return path


def cube() -> np.ndarray:
    return np.arange(1 * 3 * 6 * 8, dtype=np.float32).reshape(1, 3, 6, 8)


def test_import_with_blanks_and_beam() -> None:
    data = cube()
    data[0, 1, 2, 3] = np.nan
    write("a.fits", data, **SKY, **FREQ, **STOKES, BMAJ=10 / 3600, BMIN=5 / 3600, BPA=20.0, BUNIT="JY/BEAM", OBJECT="X", MYKEY=3,
          TELESCOP="VLA", DATE_OBS="2009-06-18T06:00:00", OBSRA=180.0, OBSDEC=30.0)  # fmt: skip
    import_fits("a.fits", "a.im")
    with CasaImage.open("a.im") as image, CasaImage.open("a.fits") as direct:
        assert (image.unit, image.object_name, image.misc_info["mykey"]) == ("Jy/beam", "X", 3)
        assert image.beams.at().major_arcsec == pytest.approx(10.0)
        assert not image.read_mask()[0, 1, 2, 3] and image.read_mask().sum() == data.size - 1
        assert image.read((0, 1, 2, 3)) == 0.0
        assert np.isnan(direct.read((0, 1, 2, 3))) and direct.has_mask and direct.is_fits
        np.testing.assert_array_equal(direct.read_mask(), image.read_mask())
        assert image.coordinates.names == ["Right Ascension", "Declination", "Frequency", "Stokes"]
        assert image.coordinates.observation.mjd_days == 55000.25
        np.testing.assert_allclose(image.coordinates.to_world([4, 3, 2, 0]), [np.pi, np.pi / 6, 1.402e9, 1.0])
        with pytest.raises(DataError, match="in place"):
            direct.unit = "K"
        with pytest.raises(DataError, match="in place"):
            direct.append_history(["x"], "y")
    import_fits("a.fits", "b.im", ImportOptions(zero_blanks=False, beam=Beam(9.0, 8.0, 5.0)))
    with CasaImage.open("b.im") as image:
        assert np.isnan(image.read((0, 1, 2, 3)))
        assert image.beams.at() == Beam(9.0, 8.0, 5.0)


def test_scaled_integers() -> None:
    hdu = fits.PrimaryHDU(np.array([[1, 2], [3, -32768]], dtype=np.int16))
    hdu.header["BLANK"] = -32768
    hdu.writeto("i.fits")
    with fits.open("i.fits", mode="update", do_not_scale_image_data=True) as units:
        units[0].header["BSCALE"], units[0].header["BZERO"] = 0.5, 10.0
    with CasaImage.open("i.fits") as image:
        np.testing.assert_array_equal(image.read(), [[10.5, 11.0], [11.5, np.nan]])
        assert image.mask_names == ["mask0"]


def test_default_axes_reorder_and_add() -> None:
    write("c.fits", cube()[0], **SKY, **FREQ)
    import_fits("c.fits", "c.im", ImportOptions(default_axes=True, default_values=("", "", "", "Q")))
    with CasaImage.open("c.im") as image:
        assert image.shape == (3, 1, 6, 8)
        assert image.coordinates.names == ["Right Ascension", "Declination", "Stokes", "Frequency"]
        assert image.coordinates.stokes is not None and image.coordinates.stokes.labels == ("Q",)
        np.testing.assert_array_equal(image.read()[:, 0], cube()[0])
    with pytest.raises(ParameterError, match="Stokes"):
        import_fits("c.fits", "d.im", ImportOptions(default_axes=True))
    assert not Path("d.im").exists()


def test_velocity_axes() -> None:
    """Frequencies of CASA 6.7's importfits for VELO-LSR (optical unless VELREF says radio) and VRAD."""
    velocity = {"CTYPE3": "VELO-LSR", "CRVAL3": 0.0, "CDELT3": 1000.0, "CRPIX3": 1.0, "RESTFREQ": 115271200000.0}
    found = coordinates_from_header(SKY | velocity, (8, 6, 3)).spectral
    assert found is not None and (found.frame, found.native_code) == ("LSRK", 2)
    np.testing.assert_allclose(found.frequencies_hz(3), [115271200000.0, 115270815497.94727, 115270430998.45961], rtol=1e-15)
    radio = coordinates_from_header(SKY | velocity | {"CTYPE3": "VELO", "VELREF": 257}, (8, 6, 3)).spectral
    assert radio is not None and not radio.axis.tabulated and radio.native_code == 1
    felo = coordinates_from_header(SKY | velocity | {"CTYPE3": "FELO-HEL"}, (8, 6, 3)).spectral
    assert felo is not None and felo.frame == "BARY"
    even = coordinates_from_header(SKY | velocity | {"CTYPE3": "VOPT-F2W"}, (8, 6, 3)).spectral
    assert even is not None and np.ptp(np.diff(even.frequencies_hz(3))) < 1e-3 and even.native_code == 2
    np.testing.assert_allclose(even.frequencies_hz(3), felo.frequencies_hz(3), rtol=1e-15)
    fast = velocity | {"CRVAL3": 3e7, "CDELT3": 1e5}
    beta = (3e7 + 1e5 * np.arange(3)) / 299792458.0
    true = 115271200000.0 * np.sqrt((1 - beta) / (1 + beta))  # FITS paper III: VELO without AIPS' frame is relativistic
    for ctype, tolerance in (("VELO", 1e-14), ("VELO-F2V", 2e-7)):  # the second steps evenly in frequency
        found = coordinates_from_header(SKY | fast | {"CTYPE3": ctype}, (8, 6, 3)).spectral
        assert found is not None and found.native_code == 3 and found.axis.tabulated == (ctype == "VELO")
        np.testing.assert_allclose(found.frequencies_hz(3), true, rtol=tolerance)
        assert found.frequencies_hz(3)[0] == pytest.approx(true[0], rel=1e-14)
    waves = {"CTYPE3": "WAVE-F2W", "CRVAL3": 0.2, "CDELT3": 1e-3, "CRPIX3": 1.0, "CUNIT3": "m"}
    metres = coordinates_from_header(SKY | waves, (8, 6, 3)).spectral
    assert metres is not None
    np.testing.assert_allclose(metres.frequencies_hz(3), 299792458.0 / 0.2 * (1 - 0.005 * np.arange(3)), rtol=1e-15)
    wave = coordinates_from_header(SKY | {"CTYPE3": "AWAV", "CRVAL3": 5e-7, "CDELT3": 1e-9, "CRPIX3": 1.0}, (8, 6, 3)).spectral
    assert wave is not None and wave.frequencies_hz(1)[0] == pytest.approx(299792458.0 / (5e-7 * 1.00029435), rel=1e-6)
    with pytest.raises(DataError, match="no rest frequency"):
        coordinates_from_header(SKY | velocity | {"RESTFREQ": 0.0}, (8, 6, 3))


def test_celestial_frames_and_rotation() -> None:
    def frame(**cards: object) -> str:
        header = {k: v for k, v in SKY.items() if k != "EQUINOX"} | cards
        direction = coordinates_from_header(header, (8, 6)).direction
        assert direction is not None
        return direction.frame

    assert frame() == "ICRS" and frame(EPOCH=2000.0) == "J2000" and frame(EQUINOX=1950.0) == "B1950"
    assert frame(EQUINOX=1979.9) == "B1950_VLA" and frame(RADESYS="ICRS") == "ICRS" and frame(RADESYS="GAPPT") == "APP"
    assert frame(CTYPE1="GLON-CAR", CTYPE2="GLAT-CAR") == "GALACTIC"
    with pytest.raises(DataError, match="not a number"):
        frame(EQUINOX="x")
    # a turn of 30 deg given as CROTA2, as PC and as CD is the same turn
    turn = np.radians(30.0)
    ratio = -1.0
    rotated = coordinates_from_header(SKY | {"CROTA2": 30.0}, (8, 6))
    pc = {"PC1_1": np.cos(turn), "PC1_2": -np.sin(turn) * ratio, "PC2_1": np.sin(turn) / ratio, "PC2_2": np.cos(turn)}
    matrix = coordinates_from_header(SKY | pc, (8, 6))
    cd = {
        "CD1_1": -0.001 * np.cos(turn),
        "CD1_2": -0.001 * np.sin(turn),
        "CD2_1": -0.001 * np.sin(turn),
        "CD2_2": 0.001 * np.cos(turn),
    }
    full = coordinates_from_header({k: v for k, v in SKY.items() if not k.startswith("CDELT")} | cd, (8, 6))
    np.testing.assert_allclose(matrix.to_world([7, 1]), rotated.to_world([7, 1]))
    np.testing.assert_allclose(full.to_world([7, 1]), rotated.to_world([7, 1]))
    with pytest.raises(DataError, match="cannot be used"):
        coordinates_from_header(SKY | {"CTYPE1": "RA---XXX", "CTYPE2": "DEC--XXX"}, (8, 6))
    with pytest.raises(DataError, match="not a number"):
        coordinates_from_header(SKY | {"CRVAL1": "x"}, (8, 6))


def test_other_axes_are_linear() -> None:
    c = coordinates_from_header({"CTYPE1": "LINEAR", "CRVAL1": 2.0, "CDELT1": 3.0, "CRPIX1": 1.0, "CUNIT1": "km"}, (8, 6))
    assert (len(c), c.names, c.units) == (1, ["LINEAR", ""], ["km", ""])
    np.testing.assert_allclose(c.to_world([1, 0]), [5.0, 1.0])


def test_dates_and_units() -> None:
    assert parse_fits_date("2009-06-18T06:00:00") == 55000.25
    assert parse_fits_date("18/06/99") == 51347.0
    assert parse_fits_date("none") is None and parse_fits_date("2009-99-99") is None
    assert (fits_unit("HZ"), fits_unit("JY/BEAM"), fits_unit("Jy/beam"), fits_unit("10**2*m")) == (
        "Hz",
        "Jy/beam",
        "Jy/beam",
        "102.m",
    )


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(PathMissingError):
        import_fits("no.fits", "x.im")
    path = write("t.fits", cube(), **SKY)
    Path("cut.fits").write_bytes(Path(path).read_bytes()[:3000])
    with pytest.raises(DataError, match="truncated"):
        import_fits("cut.fits", "x.im")
    Path("bad.fits").write_text("hello")
    with pytest.raises(DataError, match="cannot be read"):
        FitsImage.open("bad.fits")
    fits.PrimaryHDU().writeto("empty.fits")
    with pytest.raises(DataError, match="holds no image"):
        FitsImage.open("empty.fits")
    with pytest.raises(ParameterError, match="no number 7"):
        FitsImage.open(path, 7)
    with pytest.raises(DataError, match="unit 0"):
        FitsImage.open("empty.fits", 0)
    write("beams.fits", cube(), **SKY, CASAMBM=True)
    with pytest.raises(DataError, match="CASAMBM"):
        FitsImage.open("beams.fits")
    import_fits(path, "x.im")
    with pytest.raises(OutputExistsError):
        import_fits(path, "x.im")
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def _altered(path: str, name: str, **cards: object) -> str:
    """A copy with cards changed as they stand, which astropy would not write."""
    raw = Path(path).read_bytes()
    for key, value in cards.items():
        at = raw.index(f"{key:<8}=".encode())
        raw = raw[:at] + f"{key:<8}= {value:>20}".ljust(80).encode() + raw[at + 80 :]
    Path(name).write_bytes(raw)
    return name


def test_headers_of_no_image() -> None:
    path = write("t.fits", cube(), **SKY)
    for cards, said in (({"NAXIS1": 0}, "axis without pixels"), ({"BITPIX": 7}, "BITPIX 7, which is no FITS value")):
        with pytest.raises(DataError, match=said):
            import_fits(_altered(path, "a.fits", **cards), "x.im")
    groups = fits.GroupData(np.zeros((3, 1, 2), np.float32), bitpix=-32, parnames=["UU"], pardata=[np.zeros(3)])
    fits.GroupsHDU(groups).writeto("uv.fits")
    with pytest.raises(DataError, match="holds visibilities"):
        import_fits("uv.fits", "x.im", ImportOptions(hdu=-1))
    assert not Path("x.im").exists()
    with pytest.raises(DataError, match="cannot be changed in place"):
        CasaImage.open(path, writable=True)


def test_velocities_that_give_no_frequencies() -> None:
    """Optical velocities that pass through -c have no frequency there."""
    axes = SKY | {"CTYPE3": "VOPT", "CRVAL3": -2.9979e8, "CDELT3": -1e4, "CRPIX3": 1.0, "CUNIT3": "m/s", "RESTFRQ": 1.42e9}
    path = write("v.fits", cube(), **axes)
    with pytest.raises(DataError, match="spectral axis of the FITS header cannot be used"):
        import_fits(path, "x.im")
    assert not Path("x.im").exists()
