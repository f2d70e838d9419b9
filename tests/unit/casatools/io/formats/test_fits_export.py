"""Writing FITS images: headers, axes, integers, masks, beams, history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from casatools._base.errors import DataError, OutputExistsError, ParameterError
from casatools.io.formats import fits_export
from casatools.io.formats.fits_cards import card, history_cards, mjd_text
from casatools.io.formats.fits_export import ExportOptions, export_fits
from casatools.io.formats.fits_image import ImportOptions, import_fits
from casatools.io.image import Beam, BeamSet, CasaImage, HistoryEntry
from casatools.io.image.coordinates import ObservationInfo, SpectralCoordinate, make_image_coordinates

SHAPE = (3, 2, 6, 8)


def make(
    dtype: object = np.float32, stokes: tuple[str, ...] = ("I", "Q"), shape: tuple[int, ...] = SHAPE, mask: str = "mask0"
) -> CasaImage:
    frequencies = 1.42e9 + 5e4 * np.arange(shape[0])
    c = make_image_coordinates((8, 6), (1e-5, 1e-5), (np.pi, 0.5), frequencies, stokes=stokes, rest_frequency_hz=1.420405752e9,
                               observation=ObservationInfo.make("VLA", "me", 55000.25))  # fmt: skip
    image = CasaImage.create("a.im", shape, c, dtype, unit="Jy/beam", mask=mask)
    image.write(np.arange(np.prod(shape)).reshape(shape))
    if mask:
        image.write_mask(False, (1, 0, 2, 3))
    image.misc_info = {"mykey": "v", "toolongakey": 2, "vector": [1, 2]}
    image.append_history(["a line " * 30], "me")
    return image


def test_axes_values_and_blanks() -> None:
    with make() as image:
        export_fits(image, "a.fits")
        with pytest.raises(OutputExistsError):
            export_fits(image, "a.fits")
        export_fits(image, "b.fits", ExportOptions(stokes_last=False), overwrite=True)
        expected = image.read().copy()
    expected[1, 0, 2, 3] = np.nan
    with fits.open("a.fits") as units, fits.open("b.fits") as other:
        units.verify("exception")
        header = units[0].header
        assert [header[f"CTYPE{k}"] for k in range(1, 5)] == ["RA---SIN", "DEC--SIN", "FREQ", "STOKES"]
        np.testing.assert_array_equal(units[0].data, expected.transpose(1, 0, 2, 3))
        np.testing.assert_array_equal(other[0].data, expected)
        assert (header["BUNIT"], header["SPECSYS"], header["VELREF"], header["MYKEY"], header["TOOLONGA"]) == (
            "Jy/beam",
            "LSRK",
            257,
            "v",
            2,
        )
        # CASA 6.7 writes these for this spectral axis
        assert header["ALTRVAL"] == pytest.approx(85638.47988308, rel=1e-12)
        assert header["DATE-OBS"] == "2009-06-18T06:00:00.000000"


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("stokes_last", [True, False])
def test_tiles_are_turned_on_the_way(stokes_last: bool, masked: bool) -> None:
    """Images of one polarization that are only read, whose tiles reach beyond their edges: bit for bit, also what is no number; masked ones come back."""
    frequencies = 1.42e9 + 5e4 * np.arange(7)
    c = make_image_coordinates((190, 70), (1e-5, 1e-5), (np.pi, 0.5), frequencies)
    values = np.random.default_rng(5).integers(0, 2**32, (7, 1, 70, 190), dtype=np.uint32).view(np.float32)
    with CasaImage.create("a.im", values.shape, c, np.float32) as image:
        image.write(values)
        if masked:
            good = np.random.default_rng(6).random(values.shape) > 0.2
            image.write_mask(good)
            values.view(np.uint32)[~good] = 0xFFFFFFFF
    with CasaImage.open("a.im") as image:
        tiles = image.tiles()
        assert tiles is not None and tiles.count > 1
        export_fits(image, "a.fits", ExportOptions(stokes_last=stokes_last))
    with fits.open("a.fits") as units:
        found = units[0].data
        assert found.shape == ((1, 7, 70, 190) if stokes_last else values.shape)
        np.testing.assert_array_equal(found.astype(np.float32).view(np.uint32).ravel(), values.view(np.uint32).ravel())
    import_fits("a.fits", "b.im", ImportOptions(zero_blanks=False))
    with CasaImage.open("b.im") as image:
        np.testing.assert_array_equal(image.read().ravel(), values.ravel())
        np.testing.assert_array_equal(image.read_mask().ravel(), ~np.isnan(values).ravel())


def test_velocity_axes() -> None:
    """CRVAL3 and CDELT3 of CASA 6.7's exportfits for 1.42 GHz, 50 kHz and the rest frequency 1.420405752 GHz."""
    for optical, ctype, value, step in (
        (False, "VRAD", 85638.47988308, -10553.05702534),
        (True, "VOPT", 85662.95029468, -10558.71698004),
    ):
        with make() as image:
            export_fits(image, "v.fits", ExportOptions(velocity=True, optical=optical), overwrite=True)
        header = fits.getheader("v.fits")
        assert (header["CTYPE3"], header["ALTRVAL"]) == (ctype, 1.42e9)
        assert (header["CRVAL3"], header["CDELT3"]) == (pytest.approx(value, rel=1e-12), pytest.approx(step, rel=1e-11))
        import shutil

        shutil.rmtree("a.im")


def test_integers() -> None:
    with make() as image:
        export_fits(image, "i.fits", ExportOptions(bitpix=16))
        export_fits(image, "r.fits", ExportOptions(bitpix=16, min_pixel=10.0, max_pixel=20.0))
        pixels = image.read().transpose(1, 0, 2, 3)
    header, data = fits.getheader("i.fits"), fits.getdata("i.fits")
    assert header["BITPIX"] == 16
    good = np.isfinite(data)
    assert (~good).sum() == 1
    assert np.abs(data - pixels)[good].max() <= 287 / 65534
    data = fits.getdata("r.fits")
    assert (np.nanmin(data), np.nanmax(data)) == (pytest.approx(10.0), pytest.approx(20.0))


def test_dropped_axes() -> None:
    with make(stokes=("I",), shape=(1, 1, 6, 8), mask="") as image:
        export_fits(image, "s.fits", ExportOptions(drop_stokes=True))
        export_fits(image, "d.fits", ExportOptions(drop_degenerate=True))
    assert fits.getdata("s.fits").shape == (1, 6, 8)
    assert fits.getdata("d.fits").shape == (6, 8)


def test_beams_come_back() -> None:
    with make() as image:
        image.beams = BeamSet.per_plane([[Beam(10.0 + c, 5.0, 3.0 * s) for s in range(2)] for c in range(3)])
        export_fits(image, "m.fits")
    import_fits("m.fits", "m.im")
    with CasaImage.open("m.im") as image:
        assert image.beams.at(2, 1) == Beam(12.0, 5.0, 3.0)
        assert [e.message for e in image.history()] == ["a line " * 29 + "a line"]
    with make_single() as image:
        export_fits(image, "one.fits", ExportOptions(history=False))
    header = fits.getheader("one.fits")
    assert header["BMAJ"] * 3600 == pytest.approx(12.0) and "HISTORY" not in header


def make_single() -> CasaImage:
    image = CasaImage.open("a.im", writable=True)
    image.beams = BeamSet.single(Beam(12.0, 5.0, 3.0))
    return image


def test_table_of_frequencies_becomes_a_line() -> None:
    with make() as image:
        c = image.coordinates.copy()
        c.members[2] = SpectralCoordinate.tabulated("LSRK", [1e9, 1.1e9, 1.3e9], 1.42e9)
        image.coordinates = c
        export_fits(image, "t.fits")
    header = fits.getheader("t.fits")
    assert (header["CRVAL3"], header["CDELT3"]) == (1e9, pytest.approx(1e8))


def test_cards_and_refusals() -> None:
    assert card("A", True) == b"A       =                    T".ljust(80)
    assert card("B", "it's") == b"B       = 'it''s   '".ljust(80)
    assert mjd_text(55000.25) == "2009-06-18T06:00:00.000000"
    lines = [
        c.decode().rstrip()
        for c in history_cards([HistoryEntry(-1.0, "", "old", ""), HistoryEntry(55000.25 * 86400, "INFO", "new", "me")])
    ]
    assert lines == ["HISTORY old", "HISTORY CASA START LOGTABLE", "HISTORY 2009-06-18T06:00:00 INFO SRCCODE='me'", "HISTORY new",
                     "HISTORY CASA END LOGTABLE"]  # fmt: skip
    with pytest.raises(DataError, match="not a number"):
        card("C", float("nan"))
    with pytest.raises(ParameterError, match="bitpix"):
        ExportOptions(bitpix=8)
    with make(np.complex64) as image, pytest.raises(DataError, match="complex"):
        export_fits(image, "z.fits")
    with make_uneven() as image, pytest.raises(DataError, match="Stokes planes"):
        export_fits(image, "z.fits")


def make_uneven() -> CasaImage:
    c = make_image_coordinates((8, 6), (1e-5, 1e-5), (1.0, 0.5), [1e9], stokes=("I", "V", "Q"))
    return CasaImage.create("u.im", (1, 3, 6, 8), c)


def test_no_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits_export, "reserve_file", full)
    with make() as image, pytest.raises(DataError, match=r"'a\.fits' cannot be written: No space left on device"):
        export_fits(image, "a.fits")
    assert not [p.name for p in Path().iterdir() if "fits" in p.name]
