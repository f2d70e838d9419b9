"""CasaImage: pixels, masks, header values and history of tables and FITS files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError
from casatools._base.paths import staged_output
from casatools.io.image import Beam, BeamSet, CasaImage, casa_order, is_fits_file, table_image
from casatools.io.image.coordinates import Coordinates, make_image_coordinates
from casatools.tools.table import table

SHAPE = (6, 2, 20, 30)  # freq, stokes, y, x


def coordinates() -> Coordinates:
    return make_image_coordinates(
        (30, 20), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(6), stokes=("I", "Q"), rest_frequency_hz=1.42e9
    )


def make(path: str = "a.im", dtype: object = np.float32, mask: str = "") -> str:
    with staged_output(path) as staged, CasaImage.create(staged, SHAPE, coordinates(), dtype, unit="Jy/beam", mask=mask) as image:
        image.write(np.arange(np.prod(SHAPE)).reshape(SHAPE))
    return path


def test_casa_order_turns_axes_round() -> None:
    assert casa_order(np.zeros((2, 3, 4))).shape == (4, 3, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_pixels_come_back(dtype: object) -> None:
    full = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    with CasaImage.open(make(dtype=dtype)) as image:
        assert image.dtype == np.dtype(dtype)
        assert image.shape == SHAPE
        np.testing.assert_array_equal(image.read(), full)
        np.testing.assert_array_equal(image.read((3, ..., slice(4, 20, 5), slice(None))), full[3, :, 4:20:5])
        np.testing.assert_array_equal(image.read((-1, 1, 2, 3)), full[-1, 1, 2, 3])
        assert image.read((slice(2, 2),)).shape == (0, *SHAPE[1:])


def test_write_part_and_stream() -> None:
    path = make(mask="mask0")
    with CasaImage.open(path, writable=True) as image:
        image.write(-1.0, (slice(1, 3), 0))
        image.write_mask(False, (slice(1, 3), 0))
    total, good, pixels = 0.0, 0, 0
    with CasaImage.open(path) as image:
        assert image.default_mask == "mask0"
        for slices, values, mask in image.iter_planes(4096):
            assert values.shape == tuple(s.stop - s.start for s in slices)
            total, good, pixels = total + float(values[mask].sum()), good + int(mask.sum()), pixels + values.size
    expected = np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE)
    expected[1:3, 0] = 0
    assert pixels == np.prod(SHAPE)
    assert good == np.prod(SHAPE) - 2 * 600
    assert total == expected.sum()


def test_large_blocks_are_put_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that begin within tiles, with steps, of other types and orders: each pixel at its place, no other changed."""
    path = make(mask="mask0")
    expected = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    good = np.ones(SHAPE, bool)
    monkeypatch.setattr(table_image, "_PUT_BYTES", 700)
    puts = []
    random = np.random.default_rng(1)
    with CasaImage.open(path, writable=True) as image:
        pieces = image._open._pieces
        monkeypatch.setattr(image._open, "_pieces", lambda *given: (puts.append(p) or p for p in pieces(*given)))
        for block in (
            (slice(None),) * 4,
            (slice(1, 6), slice(0, 2), slice(3, 19), slice(5, 28)),
            (slice(0, 6, 2), slice(1, 2), slice(1, 20, 3), slice(2, 30, 4)),
        ):
            values = np.asfortranarray(random.integers(-1000, 1000, expected[block].shape))
            image.write(values, block)
            image.write_mask(values > 0, block)
            expected[block], good[block] = values, values > 0
    assert len(puts) > 30
    with CasaImage.open(path) as image:
        np.testing.assert_array_equal(image.read(), expected)
        np.testing.assert_array_equal(image.read_mask(), good)


def test_masks_named_default_renamed_removed() -> None:
    with CasaImage.open(make(), writable=True) as image:
        assert not image.has_mask
        assert image.read_mask().all()
        image.write_mask(False, (0,))
        assert image.mask_names == ["mask0"]
        image.add_mask("other", fill=False)
        image.default_mask = "other"
        assert not image.read_mask().any()
        assert image.read_mask(name="mask0")[1:].all()
        image.rename_mask("other", "third")
        assert image.default_mask == "third"
        image.remove_mask("third")
        assert (image.mask_names, image.default_mask) == (["mask0"], "")
        assert not os.path.exists(os.path.join(image.path, "third"))
        for bad in (lambda: image.add_mask("mask0"), lambda: image.add_mask("a/b"), lambda: image.remove_mask("none")):
            with pytest.raises(ParameterError):
                bad()
        with pytest.raises(ParameterError, match="cannot be the new name"):
            image.rename_mask("mask0", "mask0")
        with pytest.raises(ParameterError, match="has no mask"):
            image.default_mask = "none"


def test_header_values_come_back() -> None:
    path = make()
    with CasaImage.open(path, writable=True) as image:
        image.unit, image.object_name, image.image_type = "K", "N5921", "Optical Depth"
        image.misc_info = {"a": 1, "b": "x", "c": 2.5, "d": [1.0, 2.0], "e": True, "f": np.float64(3)}
        image.append_history(["one", "two"], "me")
        image.beams = BeamSet.per_plane([[Beam(10.0 + c, 8.0, s) for s in range(2)] for c in range(6)])
    with CasaImage.open(path) as image:
        assert (image.unit, image.object_name, image.image_type) == ("K", "N5921", "Optical Depth")
        assert image.misc_info["b"] == "x"
        assert image.misc_info["f"] == 3.0
        assert [e.message for e in image.history()] == ["one", "two"]
        assert image.beams.at(5, 1) == Beam(15.0, 8.0, 1.0)
        assert image.plane_counts == (6, 2)
        with CasaImage.create("b.im", SHAPE, coordinates()) as other:
            other.copy_metadata_from(image)
            assert other.beams.at(5, 1).major == 15.0
            assert len(other.history()) == 2


def test_beams_must_fit() -> None:
    with CasaImage.open(make(), writable=True) as image:
        with pytest.raises(ParameterError, match="do not fit"):
            image.beams = BeamSet.per_plane([[Beam(1, 1, 0)]] * 5)
        image.beams = BeamSet.single(Beam(2, 1, 30))
        image.beams = BeamSet()
        assert not image.beams


def test_bad_requests() -> None:
    with pytest.raises(ParameterError, match="Stokes planes"):
        CasaImage.create("c.im", (6, 3, 20, 30), coordinates())
    with pytest.raises(ParameterError, match="pixel axes"):
        CasaImage.create("c.im", (6, 20, 30), coordinates())
    with pytest.raises(ParameterError, match="at least one pixel"):
        CasaImage.create("c.im", (6, 0, 20, 30), coordinates())
    with pytest.raises(ParameterError, match="float32"):
        CasaImage.create("c.im", SHAPE, coordinates(), np.int32)
    with CasaImage.open(make()) as image:
        for index, text in (((0, 0, 0, 99), "outside"), ((slice(None, None, -1),), "positive"), ((0,) * 5, "does not fit")):
            with pytest.raises(ParameterError, match=text):
                image.read(index)
        with pytest.raises(ParameterError, match="pixel axes"):
            image.coordinates = Coordinates()
    with pytest.raises(NotOpenError):
        image.read()


def test_opening_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(PathMissingError):
        CasaImage.open("no.im")
    Path("x.txt").write_text("hello")
    assert not is_fits_file("x.txt")
    with pytest.raises(DataError, match="neither"):
        CasaImage.open("x.txt")
    os.mkdir("folder")
    with pytest.raises(DataError, match="not a casacore table"):
        CasaImage.open("folder")
    make()
    with pytest.raises(DataError, match="not an image"):
        CasaImage.open("a.im/logtable")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "shape", "total"), [("bigendian.image", (2, 3, 4, 5), 120.0), ("m17.image", (1, 5, 6, 6), 0.1316868)]
)
def test_images_casa_wrote(shared_input: object, name: str, shape: tuple[int, ...], total: float) -> None:
    with CasaImage.open(shared_input(name)) as image:  # type: ignore[operator]
        assert image.shape == shape
        assert float(image.read().sum()) == pytest.approx(total, rel=1e-5)
        assert image.coordinates.names == ["Right Ascension", "Declination", "Frequency", "Stokes"]


def test_integers_in_records_are_those_that_all_readers_know() -> None:
    """A 64-bit integer in a keyword keeps other readers of CASA's tables (casa-formats-io, of spectral-cube) from the image."""
    from casatools.io.image.table_image import clean_record

    found = clean_record({"version": 2, "flag": True, "many": [1, 2], "big": 1 << 40, "text": "x"})
    assert isinstance(found["version"], np.int32) and found["many"].dtype == np.int32
    assert found["flag"] is True and found["big"] == 1 << 40 and found["text"] == "x"


def _refuse(*given: object, **options: object) -> None:
    raise RuntimeError("no luck")


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_images_that_cannot_be_made(dtype: object) -> None:
    with pytest.raises(DataError, match=r"image 'nowhere/c\.im' cannot be made"):
        CasaImage.create("nowhere/c.im", SHAPE, coordinates(), dtype)
    assert not Path("nowhere").exists()


def test_damaged_images() -> None:
    cut = Path(make("cut.im"), "table.dat")
    cut.write_bytes(cut.read_bytes()[:20])
    with pytest.raises(DataError, match=r"image 'cut\.im' cannot be opened"):
        CasaImage.open("cut.im")
    for path, kind, said in (("int.im", "int", "int pixels, which no image can"), ("empty.im", "float", "cannot be read")):
        tool = table()
        tool.create(path, {"map": {"valueType": kind, "ndim": 2}}, nrow=1)
        tool.putkeyword("coords", {"a": 1})
        if kind == "int":
            tool.putcell("map", 0, np.ones((2, 2), int))
        tool.close()
        with pytest.raises(DataError, match=said):
            CasaImage.open(path)


def test_pixels_and_values_that_casacore_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with CasaImage.open(make(), writable=True) as image:
        before = image.read((0, 0))
        with monkeypatch.context() as patch:
            for name in ("getcellslice", "putcellslice", "putkeyword"):
                patch.setattr(table_image._PixelTable, name, _refuse)
            with pytest.raises(DataError, match=r"pixels of the image .* cannot be read: no luck"):
                image.read((0, 0))
            with pytest.raises(DataError, match=r"pixels of the image .* cannot be written: no luck"):
                image.write(np.zeros((20, 30), np.float32), (0, 0))
            with pytest.raises(DataError, match=r"'units' of the image .* cannot be written: no luck"):
                image.unit = "K"
        np.testing.assert_array_equal(image.read((0, 0)), before)
    with CasaImage.open("a.im") as image:
        assert image.unit == "Jy/beam"
