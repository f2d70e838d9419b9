"""Tiles read and written in their files are what casacore reads and writes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from casacore import tables

from casatools._base.errors import DataError
from casatools.io.image import CasaImage, tile_file
from casatools.io.image.coordinates import Coordinates, make_image_coordinates
from casatools.io.image.table_image import TableImage
from casatools.io.image.tile_file import TileFile, UndefinedMarks
from casatools.io.image.tiling import iter_blocks

SHAPE, TILE = (11, 2, 21, 37), (4, 1, 8, 16)


def coordinates() -> Coordinates:
    return make_image_coordinates((37, 21), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(11), stokes=("I", "Q"))


def blocks(count: int) -> Iterator[tuple[slice, ...]]:
    random = np.random.default_rng(4)
    for _ in range(count):
        ends = [sorted(random.integers(0, n, 2)) for n in SHAPE]
        yield tuple(slice(int(a), int(b) + 1) for a, b in ends)
    yield tuple(slice(0, n) for n in SHAPE)
    yield tuple(slice(0, t) for t in TILE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_blocks_written_and_read_are_casacores(dtype: type) -> None:
    random = np.random.default_rng(1)
    expected = np.zeros(SHAPE, dtype)
    mask = np.zeros(SHAPE, bool)
    with CasaImage.create("a.im", SHAPE, coordinates(), dtype, tile_shape=TILE) as image:
        image.add_mask("mask0", None)
        image.default_mask = "mask0"
        for block in blocks(40):
            expected[block] = random.normal(size=expected[block].shape)
            mask[block] = random.random(mask[block].shape) > 0.5
            image.write(expected[block], block)
            image.write_mask(mask[block], block)
        for block in blocks(20):
            np.testing.assert_array_equal(image.read(block), expected[block])
            np.testing.assert_array_equal(image.read_mask(block), mask[block])
        image.write(7, (slice(1, 9, 3), 1, slice(None, None, 2)))
        expected[1:9:3, 1, ::2] = 7
        np.testing.assert_array_equal(image.read((slice(1, 9, 2), 1)), expected[1:9:2, 1])
    with tables.table("a.im", ack=False) as pixels, tables.table("a.im/mask0", ack=False) as good:
        np.testing.assert_array_equal(pixels.getcell("map", 0), expected)
        np.testing.assert_array_equal(good.getcell("PagedArray", 0), mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_what_a_mask_leaves_out_is_undefined(dtype: type) -> None:
    random = np.random.default_rng(6)
    values, good = random.normal(size=SHAPE).astype(dtype), random.random(SHAPE) > 0.3
    with CasaImage.create("n.im", SHAPE, coordinates(), dtype, tile_shape=TILE, mask="mask0") as image:
        image.write(values)
        image.write_mask(good)
        tiles, mask = image.tiles(), image.mask_tiles()
        assert tiles is not None and mask is not None
        found = tiles.read([1, 0, 2, 3], [n - 1 for n in SHAPE], mask=mask)
    np.testing.assert_array_equal(found, np.where(good, values, np.nan)[1:, :, 2:, 3:])


@pytest.mark.parametrize("tile", [TILE, (3, 1, 5, 7)])
def test_undefined_pixels_are_marked_and_put_back(tile: tuple[int, ...]) -> None:
    values = np.random.default_rng(5).normal(size=SHAPE).astype(">f4")
    values[6:, 1, 3::5, ::4] = np.nan  # the first tiles are written before there is a mask
    made = []
    with CasaImage.create("m.im", SHAPE, coordinates(), tile_shape=tile) as image:
        tiles = image.tiles()
        assert tiles is not None

        def make() -> TileFile:
            made.append("mask0")
            image.add_mask("mask0", None)
            image.default_mask = "mask0"
            found = image.mask_tiles()
            assert found is not None
            return found

        marks = UndefinedMarks(make)
        for block in iter_blocks(SHAPE, tile, 4, 4000):
            tiles.write_marking([s.start for s in block], [s.stop - 1 for s in block], values[block], marks, True)
        marks.finish()
        assert made == ["mask0"]
        for block in blocks(20):
            first, last = [s.start for s in block], [s.stop - 1 for s in block]
            np.testing.assert_array_equal(tiles.read(first, last, np.dtype(">f4"), image.mask_tiles()), values[block])
    with tables.table("m.im", ack=False) as pixels, tables.table("m.im/mask0", ack=False) as good:
        np.testing.assert_array_equal(pixels.getcell("map", 0), np.nan_to_num(values))
        np.testing.assert_array_equal(good.getcell("PagedArray", 0), ~np.isnan(values))


def test_pixels_that_casacore_wrote_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casatools.io.image.table_image._SMALL", 0)
    values = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    CasaImage.create("b.im", SHAPE, coordinates(), tile_shape=TILE).close()
    with CasaImage.open("b.im") as reader, CasaImage.open("b.im", writable=True) as writer:
        writer.write(values)  # through casacore, and not yet on disk
        for block in blocks(40):
            np.testing.assert_array_equal(reader.read(block), values[block])


def test_byte_order_of_the_table_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    CasaImage.create("c.im", SHAPE, coordinates(), tile_shape=TILE).close()
    with CasaImage.open("c.im", writable=True) as image:
        image.write(np.arange(np.prod(SHAPE)).reshape(SHAPE))
    with tables.table("c.im", ack=False) as pixels:

        class Swapped:
            def __getattr__(self, name: str) -> object:
                return getattr(pixels, name)

            def endianformat(self) -> str:
                return "big"

        file = TileFile.of_table(Swapped(), "map", SHAPE, np.dtype(np.float32), False)
        assert file is not None and file.dtype == np.dtype(">f4")
        found = file.read([0, 0, 0, 0], [1, 1, 1, 1])
        np.testing.assert_array_equal(
            found.byteswap(), np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)[:2, :2, :2, :2]
        )
        file.close()


def test_other_storage_and_damage_are_left_to_casacore() -> None:
    CasaImage.create("d.im", SHAPE, coordinates(), tile_shape=TILE).close()
    with tables.table("d.im", ack=False) as pixels:
        assert TileFile.of_table(pixels, "map", SHAPE[1:], np.dtype(np.float32), False) is None
        assert TileFile.of_table(pixels, "map", SHAPE, np.dtype(np.float64), False) is None
    image = TableImage.open("d.im")
    file = image._file("map", image._table, "map", image.dtype)
    assert file is not None
    path = Path("d.im") / "table.f0_TSM0"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(DataError, match="shorter"):
        file.read([0] * 4, [n - 1 for n in SHAPE])
    image.close()
    file = TileFile(str(path), SHAPE, TILE, np.dtype("<f4"), False)
    with pytest.raises(DataError, match="cannot be read or written"):
        file.write([0] * 4, [n - 1 for n in SHAPE], np.zeros(SHAPE))
    file.close()
    file.close()


@pytest.mark.parametrize(("shape", "tile"), [((100,), (32,)), ((30, 50), (7, 9)), ((9, 10, 11), (3, 3, 3))])
def test_any_number_of_axes(shape: tuple[int, ...], tile: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    count = int(np.prod(-(-np.array(shape) // tile)))
    for dtype in (np.dtype("<f4"), np.dtype(">f8"), np.dtype(bool)):
        size = -(-int(np.prod(tile)) // 8) if dtype.kind == "b" else int(np.prod(tile)) * dtype.itemsize
        Path("tiles").write_bytes(b"\0" * (count * size))
        file = TileFile("tiles", shape, tile, dtype, True)
        expected = np.zeros(shape, dtype)
        for _ in range(30):
            ends = [sorted(int(v) for v in random.integers(0, n, 2)) for n in shape]
            first, last = [a for a, _ in ends], [b for _, b in ends]
            block = tuple(slice(a, b + 1) for a, b in ends)
            expected[block] = random.integers(0, 2, expected[block].shape)
            file.write(first, last, expected[block])
            np.testing.assert_array_equal(file.read([0] * len(shape), [n - 1 for n in shape]), expected)
            np.testing.assert_array_equal(file.read(first, last), expected[block])
        file.close()


def test_tiles_in_the_order_of_the_file() -> None:
    shape, tile = (8, 1, 16, 32), (4, 1, 8, 16)
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    made = make_image_coordinates((32, 16), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(8))
    with (
        CasaImage.create("t.im", shape, made, tile_shape=tile) as image,
        CasaImage.create("u.im", shape, made, tile_shape=tile) as other,
    ):
        image.write(values)
        tiles, there = image.tiles(), other.tiles()
        assert tiles is not None and there is not None and tiles.count == 8
        np.testing.assert_array_equal(tiles.read_tiles(1, 2)[0], values[:4, :, :8, 16:])
        np.testing.assert_array_equal(tiles.read_tiles(6, 8)[0], values[4:, :, 8:, :16])
        there.write_tiles(0, tiles.read_tiles(0, 3))
        there.write_tiles(3, tiles.read_tiles(3, 8).astype(np.float64))
        np.testing.assert_array_equal(other.read(), values)
    with CasaImage.open("t.im", writable=True) as image:  # casacore may hold pixels that are not in the file
        assert image.tiles() is None


def test_tiles_are_seen_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On disks of this machine, in files only read, of numbers; the same values as are read, also after they were released."""
    path = tmp_path / "pixels"
    values = np.random.default_rng(1).normal(size=(6, 4, 8, 16)).astype(np.float32)
    path.write_bytes(values.tobytes())
    monkeypatch.setattr(tile_file, "_on_local_disk", lambda device: True)
    file = TileFile(str(path), (24, 8, 16), (4, 8, 16), np.dtype(np.float32), False)
    for first, stop in ((0, 6), (2, 5), (5, 6)):
        seen = file.mapped_tiles(first, stop)
        assert seen is not None and np.array_equal(seen, values[first:stop]) and not seen.flags.writeable
        file.release_tiles(first, stop)
        assert np.array_equal(seen, file.read_tiles(first, stop))
    path.write_bytes(values.tobytes()[:-4])
    with pytest.raises(DataError, match="become shorter"):
        file.mapped_tiles(5, 6)
    file.close()
    assert np.array_equal(seen.ravel()[:-1], values[5].ravel()[:-1])
    path.write_bytes(values.tobytes())
    for dtype, writable in ((np.float32, True), (np.bool_, False)):
        other = TileFile(str(path), (24, 8, 16), (4, 8, 16), np.dtype(dtype), writable)
        assert other.mapped_tiles(0, 1) is None
        other.release_tiles(0, 1)
        other.close()
    monkeypatch.setattr(tile_file, "_on_local_disk", lambda device: False)
    away = TileFile(str(path), (24, 8, 16), (4, 8, 16), np.dtype(np.float32), False)
    assert away.mapped_tiles(0, 1) is None
    away.close()


def test_disks_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "29 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n30 1 0:50 / /net rw - nfs4 server:/x rw\n31 1 bad\n"
    monkeypatch.setattr("builtins.open", lambda *given, **more: io.StringIO(lines))
    found = tile_file._on_local_disk.__wrapped__
    assert found(os.makedev(8, 1)) and not found(os.makedev(0, 50)) and not found(os.makedev(9, 9))

    def absent(*given: object, **more: object) -> None:
        raise FileNotFoundError("/proc")

    monkeypatch.setattr("builtins.open", absent)
    assert not found(os.makedev(8, 1))
