"""Cells of tiled columns found in their files, written into them and taken from file to file, against casacore."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables

from casatools._base.errors import DataError
from casatools.io.ms import row_files
from casatools.io.ms.cell_runs import CellRuns
from casatools.io.ms.row_files import RowReader, RowWriter, row_file
from casatools.io.ms.tile_headers import read_tile_header
from casatools.io.tables import open_table

WIDE, ODD = (8, 2), (3, 4)


def _create(path: str, nrow: int, tile: tuple[int, ...] = (4, 8, 5), kind: str = "TiledShapeStMan", **more: Any) -> None:
    """A table of DATA and FLAG without cells."""
    columns = [
        tables.makearrcoldesc("DATA", 0j, ndim=2, valuetype="complex", **more),
        tables.makearrcoldesc("FLAG", False, ndim=2, **more),
    ]
    managers = {
        f"*{k}": {
            "TYPE": kind,
            "NAME": f"T{k}",
            "SEQNR": k,
            "SPEC": {"DEFAULTTILESHAPE": np.array(tile, np.int32)},
            "COLUMNS": [c],
        }
        for k, c in enumerate(("DATA", "FLAG"))
    }
    for column in columns:
        column["desc"]["_c_order"] = True
    tables.table(path, tables.maketabdesc(columns), dminfo=managers, nrow=nrow, ack=False).close()


def _cells(shapes: list[tuple[int, int]], seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    data = [(rng.normal(size=s) + 1j * rng.normal(size=s)).astype(np.complex64) for s in shapes]
    return data, [rng.random(s) < 0.3 for s in shapes]


def _put(path: str, order: np.ndarray, data: list[np.ndarray], flag: list[np.ndarray]) -> None:
    with closing(open_table(path, writable=True)) as table:
        for row in order.tolist():
            table.putcell("DATA", row, data[row])
            table.putcell("FLAG", row, flag[row])


def _complete(path: str, nrow: int) -> None:
    """Add the rows that a writer has laid out and not added."""
    with closing(open_table(path, writable=True)) as table:
        table.addrows(nrow - table.nrows())


@pytest.fixture
def mixed() -> tuple[str, list[np.ndarray], list[np.ndarray]]:
    """Rows of two shapes, put in an order that is not theirs."""
    rng = np.random.default_rng(3)
    shapes = [WIDE if wide else (4, 2) for wide in rng.random(23) < 0.6]
    data, flag = _cells(shapes)
    _create("in.tab", len(shapes))
    _put("in.tab", rng.permutation(len(shapes)), data, flag)
    return "in.tab", data, flag


def _taken(rows: np.ndarray, data: list[np.ndarray], flag: list[np.ndarray]) -> None:
    """Carry both columns over and read them with casacore."""
    shapes = [data[r].shape for r in rows]
    kinds = sorted(set(shapes))
    _create("out.tab", 0)
    with closing(open_table("in.tab")) as table:
        sources = {c: row_file(table, c) for c in ("DATA", "FLAG")}
    writer = RowWriter("out.tab", dict.fromkeys(sources, kinds), CellRuns.of_rows(np.array([kinds.index(s) for s in shapes])))
    for column, source in sources.items():
        assert source is not None
        writer.carry(column, source, rows)
    _complete("out.tab", len(rows))
    writer.finish()
    with closing(open_table("out.tab")) as table:
        for k, r in enumerate(rows):
            np.testing.assert_array_equal(table.getcell("DATA", k), data[r])
            np.testing.assert_array_equal(table.getcell("FLAG", k), flag[r])


@pytest.mark.parametrize("chosen", ["all", "every other", "backwards", "few", "repeated"])
def test_cells_are_taken_over(mixed, chosen: str) -> None:
    _, data, flag = mixed
    every = np.arange(len(data))
    rows = {
        "all": every,
        "every other": every[::2],
        "backwards": every[::-1],
        "few": every[[3, 20]],
        "repeated": every[[5, 5, 6]],
    }
    _taken(rows[chosen].copy(), data, flag)


@pytest.mark.parametrize("run", [1, 1 << 30])
def test_short_and_long_runs_and_systems_that_cannot_copy(mixed, monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    """Runs moved one by one or gathered, in small pieces, without copy_file_range."""
    _, data, flag = mixed
    monkeypatch.setattr(row_files, "_RUN_BYTES", run)
    monkeypatch.setattr(row_files, "_PIECE_BYTES", 500)

    def refused(*_: int) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refused, raising=False)
    _taken(np.arange(len(data)), data, flag)


def test_a_refusal_of_another_kind_is_told(mixed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "_RUN_BYTES", 1)

    def broken(*_: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "copy_file_range", broken, raising=False)
    with pytest.raises(OSError, match="Input/output"):
        _taken(np.arange(len(mixed[1])), mixed[1], mixed[2])


def test_a_file_that_becomes_shorter_is_told(mixed) -> None:
    path, data, _ = mixed
    with closing(open_table(path)) as table:
        source = row_file(table, "DATA")
    assert source is not None
    for cube in source.header.cubes:
        os.truncate(source.path(cube), 10)
    _create("out.tab", 0)
    kinds = sorted({d.shape for d in data})
    writer = RowWriter("out.tab", {"DATA": kinds}, CellRuns.of_rows(np.array([kinds.index(d.shape) for d in data])))
    writer.carry("DATA", source, np.arange(len(data)))
    with pytest.raises(DataError, match="shorter"):
        writer.finish()
    with closing(open_table(path)) as table:
        assert row_file(table, "DATA") is None


def test_written_files_are_those_of_casacore() -> None:
    """Byte by byte, headers too."""
    shapes = [WIDE] * 7 + [(4, 2)] * 3 + [WIDE] * 4
    data, flag = _cells(shapes)
    _create("theirs.tab", len(shapes))
    _create("ours.tab", 0)
    _put("theirs.tab", np.arange(len(shapes)), data, flag)
    writer = RowWriter("ours.tab", {c: [WIDE, (4, 2)] for c in ("DATA", "FLAG")}, CellRuns.of_lengths([0, 1, 0], [7, 3, 4]))
    for column, cells in (("DATA", data), ("FLAG", flag)):
        assert column in writer
        for low, high in ((0, 4), (4, 7), (7, 10), (10, 14)):
            writer.write(column, low, np.stack(cells[low:high]))
    with pytest.raises(DataError, match="not planned"):
        writer.write("DATA", 6, np.stack([data[0]] * 2))
    with pytest.raises(DataError, match="not planned"):
        writer.write("DATA", 13, np.stack([data[0]] * 2))
    _complete("ours.tab", len(shapes))
    writer.finish()
    for name in sorted(os.listdir("theirs.tab")):
        if name.startswith("table.f"):
            assert Path("ours.tab", name).read_bytes() == Path("theirs.tab", name).read_bytes(), name


@pytest.mark.parametrize("first", [[WIDE] * 5, [WIDE, (4, 2), (4, 2)], [(4, 2)]])
def test_rows_are_appended_as_casacore_does(first: list[tuple[int, int]]) -> None:
    """Cells of a shape that is there or not, byte by byte."""
    second = [WIDE] * 4 + [(4, 2)] * 3
    data, flag = _cells(first + second)
    begin = len(first)
    for name in ("theirs.tab", "ours.tab"):
        _create(name, begin)
        _put(name, np.arange(begin), data, flag)
    _create("more.tab", len(second))
    _put("more.tab", np.arange(len(second)), data[begin:], flag[begin:])
    with closing(open_table("theirs.tab", writable=True)) as table:
        table.addrows(len(second))
    _put("theirs.tab", np.arange(begin, len(data)), data, flag)
    with closing(open_table("more.tab")) as table:
        sources = {c: row_file(table, c) for c in ("DATA", "FLAG")}
    writer = RowWriter.extending("ours.tab", {c: f for c, f in sources.items() if f is not None}, len(second))
    assert writer.columns == {"DATA", "FLAG"}
    _complete("ours.tab", len(data))
    writer.finish()
    for name in ("ours.tab", "theirs.tab"):
        with closing(open_table(name)) as table:
            for row, (value, mark) in enumerate(zip(data, flag, strict=True)):
                np.testing.assert_array_equal(table.getcell("DATA", row), value)
                np.testing.assert_array_equal(table.getcell("FLAG", row), mark)
    for name in sorted(os.listdir("theirs.tab")):
        if name.endswith(("TSM1", "TSM2")):
            assert Path("ours.tab", name).read_bytes() == Path("theirs.tab", name).read_bytes(), name


def test_nothing_is_appended_behind_rows_that_lie_in_another_order(mixed) -> None:
    _, data, _ = mixed
    with closing(open_table("in.tab")) as table:
        source = row_file(table, "DATA")
    assert source is not None
    content = Path("in.tab", "table.f0").read_bytes()
    writer = RowWriter.extending("in.tab", {"DATA": source}, len(data))
    assert not writer.columns
    writer.finish()
    assert Path("in.tab", "table.f0").read_bytes() == content


def test_what_is_stored_otherwise_is_left_to_casacore() -> None:
    shapes = [ODD] * 6
    data, flag = _cells(shapes)
    for name, more in (("a.tab", {"tile": (2, 8, 5)}), ("b.tab", {"tile": (4, 2, 5)}), ("c.tab", {"kind": "StandardStMan"})):
        _create(name, 6, **more)
        _put(name, np.arange(6), data, flag)
        with closing(open_table(name)) as table:
            assert row_file(table, "DATA") is None
    # 15 truth values of a cell do not fill bytes
    odd = [np.ones((5, 3), bool)] * 6
    _create("d.tab", 6)
    _put("d.tab", np.arange(6), [np.zeros((5, 3), np.complex64)] * 6, odd)
    with closing(open_table("d.tab")) as table:
        assert row_file(table, "FLAG") is None and row_file(table, "DATA") is not None
    with closing(tables.table(["d.tab", "d.tab"], ack=False)) as table:
        assert row_file(table, "DATA") is None
    _create("e.tab", 0)
    writer = RowWriter("e.tab", {c: [(5, 3)] for c in ("DATA", "FLAG")}, CellRuns.of_lengths([0], [6]))
    assert "DATA" in writer and "FLAG" not in writer
    writer.finish()


def test_rows_without_cells_have_no_place(mixed) -> None:
    _create("part.tab", 5)
    with closing(open_table("part.tab", writable=True)) as table:
        table.putcell("DATA", 2, np.zeros(WIDE, np.complex64))
    with closing(open_table("part.tab")) as table:
        found = row_file(table, "DATA")
    assert found is not None and found.header.places(np.array([2])) is not None
    for row in (0, 4):
        assert found.header.places(np.array([2, row])) is None


def test_columns_of_one_shape() -> None:
    """A TiledColumnStMan, which LOFAR's software uses."""
    data, flag = _cells([WIDE] * 9)
    _create("in.tab", 9, kind="TiledColumnStMan", shape=list(WIDE), options=5)
    _put("in.tab", np.arange(9), data, flag)
    _taken(np.array([7, 8, 1, 2]), data, flag)


def test_headers_of_other_forms_are_refused(mixed) -> None:
    content = Path("in.tab", "table.f0").read_bytes()
    assert read_tile_header(content, "TiledShapeStMan") is not None
    assert read_tile_header(content, "TiledColumnStMan") is None
    for damaged in (b"", content[:-3], content[:60], content + b"1234", b"\0" + content[1:]):
        assert read_tile_header(damaged, "TiledShapeStMan") is None


def test_files_beyond_two_gigabytes_are_described_in_64_bits() -> None:
    data, flag = _cells([WIDE, (4, 2)])
    _create("in.tab", 2)
    _put("in.tab", np.arange(2), data, flag)
    found = read_tile_header(Path("in.tab", "table.f0").read_bytes(), "TiledShapeStMan")
    assert found is not None
    files = sorted(found.lengths)
    lengths = {files[0]: 3_000_000_000, files[1]: 640}
    cubes, positions = np.array([0] * 5 + [1] * 2), np.array([0, 1, 2, 3, 4, 0, 1])
    again = read_tile_header(found.laid_out([5, 2], lengths, CellRuns.of_rows(cubes)), "TiledShapeStMan")
    assert again is not None
    assert [c.shape[-1] for c in again.cubes] == [5, 2]
    places = again.places(np.arange(7))
    assert places is not None
    np.testing.assert_array_equal(places[0], cubes)
    np.testing.assert_array_equal(places[1], positions)


def test_cells_are_read_as_casacore_reads_them(mixed) -> None:
    path, data, flag = mixed
    wide = np.array([k for k, d in enumerate(data) if d.shape == WIDE])
    channels, correlations = np.array([1, 2, 6]), np.array([1, 0])
    with closing(open_table(path)) as table:
        reader = RowReader(table, ["DATA", "FLAG"])
        for rows in (wide, wide[::-1], wide[[0, -1]], wide[:1]):
            for column, cells in (("DATA", data), ("FLAG", flag)):
                expected = np.stack([cells[r] for r in rows])
                whole = reader.read(column, rows, None, None)
                assert whole is not None and whole.dtype == expected.dtype
                np.testing.assert_array_equal(whole, expected)
                part = reader.read(column, rows, channels, correlations)
                np.testing.assert_array_equal(part, expected[:, channels][..., correlations])
        assert reader.read("DATA", np.arange(len(data)), None, None) is None  # of two shapes
        assert reader.read("TIME", wide, None, None) is None
        assert reader.read("DATA", wide[:0], None, None) is None
        reader.close()
