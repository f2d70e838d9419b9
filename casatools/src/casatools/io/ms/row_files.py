"""Cells of tiled columns written into their files, or taken from file to file, without passing through casacore: as fast as files can be copied.

Notes
-----
Where a tile spans whole cells, the cells of a hypercube lie one after another in its file (`casatools.io.ms.tile_headers`), so that what is taken over as it
is can be moved in runs of rows by the system, which other threads need not wait for. Where a column is stored in another way, casacore does it.
"""

from __future__ import annotations

import errno
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError
from casatools._base.row_arrays import row_blocks
from casatools._base.threads import over_rows
from casatools.io.image.plain_file import PIECE_BYTES, reserve_file
from casatools.io.ms.cell_runs import CellRuns
from casatools.io.ms.tile_headers import Cube, TileHeader, read_tile_header
from casatools.io.tables import Table, open_table

__all__ = ["CarriedFiles", "RowFile", "RowReader", "RowWriter", "copy_bytes", "read_piece", "row_file", "write_piece"]

_KINDS = ("TiledShapeStMan", "TiledColumnStMan")
_TYPES = {
    "boolean": np.dtype(np.bool_), "float": np.dtype(np.float32), "double": np.dtype(np.float64), "complex": np.dtype(np.complex64),
}  # fmt: skip
# Runs of rows longer than this are moved by the system; shorter ones are gathered in memory, a piece at a time.
_RUN_BYTES = 1 << 16
_PIECE_BYTES = 1 << 22
# What the system moves by itself at a time: after each piece its thread waits for the interpreter, which others keep busy.
_MOVED_BYTES = 1 << 25
# Each thread reads as much of a long run: most of the time goes into new memory.
_THREAD_BYTES = 1 << 25
# Rows of which the places are looked up together.
_MOVED_ROWS = 1 << 17
# Blocks of a column that wait to be written.
_WAITING = 4
# What a system answers that cannot copy from the one file to the other by itself.
_CANNOT_COPY = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ETXTBSY)


@dataclass(frozen=True)
class RowFile:
    """Where the cells of a tiled column lie.

    Attributes
    ----------
    folder : str
    number : int
        Of the data manager.
    kind : dtype
        Of one element.
    header : TileHeader
    """

    folder: str
    number: int
    kind: np.dtype[Any]
    header: TileHeader

    @property
    def bits(self) -> int:
        """Bits of one element."""
        return 1 if self.kind == np.bool_ else 8 * self.kind.itemsize

    def path(self, cube: Cube) -> str:
        """The file of a hypercube."""
        return os.path.join(self.folder, f"table.f{self.number}_TSM{cube.file}")

    def cell_bytes(self, cube: Cube) -> int:
        """Bytes of one cell."""
        return math.prod(cube.shape[:-1]) * self.bits // 8

    def file_bytes(self, cube: Cube, count: int) -> int:
        """Bytes of the file of a hypercube of `count` cells: whole tiles."""
        return -(-count // cube.tile[-1]) * math.prod(cube.tile) * self.bits // 8

    def is_whole(self) -> bool:
        """True when the cells of every hypercube lie one after another, and no two hypercubes are of one shape."""
        shapes = [c.shape[:-1] for c in self.header.cubes]
        return len(set(shapes)) == len(shapes) and all(
            c.tile[:-1] == c.shape[:-1]
            and (math.prod(c.shape[:-1]) * self.bits) % 8 == 0
            and c.offset == 0
            and os.path.isfile(self.path(c))
            and os.path.getsize(self.path(c)) >= self.cell_bytes(c) * c.shape[-1]
            for c in self.header.cubes
        )


def row_file(table: Table, column: str) -> RowFile | None:
    """Where the cells of a column lie; None where they are not stored as whole cells, one after another.

    The table is plain (not several ones joined), and its files hold what has been written to it.
    """
    kind = str(table.coldatatype(column)).lower()
    folder = str(table.name())
    if kind not in _TYPES or table.endianformat() != "little":
        return None
    if [os.path.realpath(p) for p in table.partnames()] != [os.path.realpath(folder)]:
        return None
    manager: dict[str, Any] = next((m for m in table.getdminfo().values() if column in m["COLUMNS"]), {})
    if manager.get("TYPE") not in _KINDS or len(manager["COLUMNS"]) != 1:
        return None
    number = int(manager["SEQNR"])
    try:
        with open(os.path.join(folder, f"table.f{number}"), "rb") as stream:
            header = read_tile_header(stream.read(), manager["TYPE"])
    except OSError:
        return None
    if header is None:
        return None
    found = RowFile(folder, number, _TYPES[kind], header)
    return found if found.is_whole() else None


class CarriedFiles:
    """Columns taken over whole from where their cells lie, begun before there is a table for them.

    Parameters
    ----------
    base : str
        What the names of the files begin with, in a folder that is removed where something fails.

    Notes
    -----
    A context manager; its end waits for what was taken, or stops where an exception ends the block.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="ms-carry")
        self._files: dict[str, str] = {}
        self._taken: set[str] = set()
        self._moving: dict[str, Future[None]] = {}
        self._stopped = False

    def __enter__(self) -> CarriedFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._stopped = kind is not None
        try:
            if kind is None:
                for column in self._taken:
                    self._moving[column].result()
        finally:
            self._stopped = True
            self._workers.shutdown(cancel_futures=True)
            for column in self._files.keys() - self._taken:
                os.remove(self._files[column])

    def start(self, column: str, source: RowFile, rows: np.ndarray) -> None:
        """Begin with the cells of `rows`, which must be of one shape; those of several are left to `RowWriter.carry`."""
        found = source.header.cubes_of(rows)
        if found is None or len(found) != 1:
            return
        cube = source.header.cubes[found.pop()]
        path = f"{self._base}.{column}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        self._files[column] = path
        try:
            reserve_file(descriptor, len(rows) * source.cell_bytes(cube))
        except BaseException:
            os.close(descriptor)
            raise
        self._moving[column] = self._workers.submit(self._move, source, rows, descriptor)

    def take(self, column: str) -> str | None:
        """The file of a column, which the caller puts into its place; None where it was not begun."""
        if column not in self._files:
            return None
        self._taken.add(column)
        return self._files[column]

    @property
    def taken(self) -> frozenset[str]:
        """Columns that have found their place."""
        return frozenset(self._taken)

    def _move(self, source: RowFile, rows: np.ndarray, target: int) -> None:
        try:
            _move_rows(source, rows, lambda cube: (target, 0), lambda: self._stopped)
        finally:
            os.close(target)


class RowWriter:
    """Writes tiled columns of a new table, of which the shape of each cell is known, straight into their files.

    Parameters
    ----------
    path : str
        The new table, closed and without rows. Columns are tiled by whole cells, each in a TiledShapeStMan of its own. It gets one row a shape; whoever
        opens it afterwards adds the others.
    columns : mapping
        Column to the shapes that its cells have, in C order.
    which : CellRuns
        Which of these shapes the cell of each row has.
    begun : CarriedFiles, optional
        Columns that are on their way already: their files take the place of those laid out.

    Notes
    -----
    casacore lays out one cell of each shape, and the header is completed by the others. The table may be opened afterwards to write other columns. Columns
    that casacore stores otherwise (truth values that do not fill bytes) are left to it.
    """

    def __init__(
        self,
        path: str,
        columns: Mapping[str, Sequence[tuple[int, ...]]],
        which: CellRuns,
        begun: CarriedFiles | None = None,
    ) -> None:
        used = np.unique(which.kind).tolist()
        number = np.zeros(max(used, default=0) + 1, np.int64)
        number[used] = np.arange(len(used))
        which = which.mapped(number)
        shapes = {column: [cells[k] for k in used] for column, cells in columns.items()}
        with closing(open_table(path, writable=True)) as table:
            table.addrows(len(used))
            shapes = {c: cells for c, cells in shapes.items() if _fill_bytes(table, c, cells)}
            for column, cells in shapes.items():
                kind = _TYPES[str(table.coldatatype(column)).lower()]
                for row, shape in enumerate(dict.fromkeys(cells)):
                    table.putcell(column, row, np.zeros(shape, kind))
        with closing(open_table(path)) as table:
            files = {column: row_file(table, column) for column in shapes}
        self._start()
        try:
            for column, file in files.items():
                if file is not None:
                    numbers = [c.shape[:-1][::-1] for c in file.header.cubes]
                    runs = which.mapped(np.array([numbers.index(shape) for shape in shapes[column]], np.int64))
                    self._columns[column] = _Laid(file, runs, begun=begun.take(column) if begun and len(numbers) == 1 else None)
        except BaseException:
            self.finish(stop=True)
            raise

    @classmethod
    def extending(cls, path: str, sources: Mapping[str, RowFile], nrow: int) -> RowWriter:
        """Append columns to a table that has rows: all cells of each source.

        Parameters
        ----------
        path : str
            The table, closed. It may get some of the new rows; whoever opens it afterwards adds the others.
        sources : mapping
            Column to where the cells of another table lie. Those for which the target is not laid out so are left out.
        nrow : int
            Rows of the other table.
        """
        with closing(open_table(path, writable=True)) as table:
            before = int(table.nrows())
            sources = {
                c: file
                for c, file in sources.items()
                if file.header.runs(nrow, ordered=False) is not None and _can_follow(table, c, file)
            }
            _make_cubes(table, sources)
        with closing(open_table(path)) as table:
            files = {column: row_file(table, column) for column in sources}
        writer = cls.__new__(cls)
        writer._start()
        try:
            for column, file in files.items():
                added, kept = (
                    sources[column].header.runs(nrow, ordered=False),
                    None if file is None else _runs_before(file, before),
                )
                if file is None or added is None or kept is None:
                    continue
                numbers = [c.shape[:-1] for c in file.header.cubes]
                own = np.array([numbers.index(c.shape[:-1]) for c in sources[column].header.cubes], dtype=np.int64)
                writer._columns[column] = _Laid(file, kept.followed_by(added.mapped(own)), kept)
                writer.carry(column, sources[column], range(nrow))
        except BaseException:
            writer.finish(stop=True)
            raise
        return writer

    def _start(self) -> None:
        self._stopped = False
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="ms-files")
        self._carried: list[Future[None]] = []
        self._written: deque[Future[None]] = deque()
        self._columns: dict[str, _Laid] = {}

    @property
    def columns(self) -> frozenset[str]:
        """Columns that are written here."""
        return frozenset(self._columns)

    def __contains__(self, column: str) -> bool:
        return column in self._columns

    def write(self, column: str, row: int, values: np.ndarray) -> None:
        """Cells of rows that follow each other and are of one shape: ``(row, ...)``; written by another thread, so they must not change any more."""
        laid = self._columns[column]
        laid.require(row, values)
        while len(self._written) >= _WAITING:
            self._written.popleft().result()
        self._written.append(self._workers.submit(laid.write, row, values))

    def carry(self, column: str, source: RowFile, rows: np.ndarray | range) -> None:
        """Begin to take a whole column over from another table: the cells of `rows`, in a thread of its own."""
        self._carried.append(self._workers.submit(self._carry, self._columns[column], source, rows))

    def finish(self, stop: bool = False) -> None:
        """Wait until everything is written, or `stop` soon, and close the files; raises what went wrong."""
        self._stopped = stop
        try:
            for future in (*self._carried, *self._written):
                future.result()
        finally:
            self._stopped = True
            self._workers.shutdown(cancel_futures=True)
            for laid in self._columns.values():
                laid.close()

    def _carry(self, laid: _Laid, source: RowFile, rows: np.ndarray | range) -> None:
        def target(cube: Cube) -> tuple[int, int]:
            shape = cube.shape[:-1][::-1]
            return laid.files[shape], laid.begins[shape]

        _move_rows(source, rows, target, lambda: self._stopped)


class _Laid:
    """A column of a new table with all its cells in place: open files by the shape of the cells, and where each row is."""

    def __init__(self, made: RowFile, runs: CellRuns, kept: CellRuns | None = None, begun: str | None = None) -> None:
        """`runs` gives the cube of each row; the first rows, which are `kept`, are in place already. `begun` is the file that has or gets all cells."""
        self.kind = made.kind
        self.files: dict[tuple[int, ...], int] = {}
        self.runs, self.places = runs, runs.places()
        cubes = made.header.cubes
        self.shapes = [one.shape[:-1][::-1] for one in cubes]
        counts = runs.counts(len(cubes)).tolist()
        before = kept.counts(len(cubes)).tolist() if kept is not None else [0] * len(cubes)
        self.begins = dict(zip(self.shapes, before, strict=True))
        lengths = {one.file: made.file_bytes(one, count) for one, count in zip(cubes, counts, strict=True)}
        content = made.header.laid_out(counts, lengths, runs)
        # Not emptied first: some systems begin to write a file to the disk at once that was emptied and filled again.
        with open(os.path.join(made.folder, f"table.f{made.number}"), "r+b") as stream:
            stream.write(content)
            stream.truncate()
        try:
            for one in cubes:
                if begun is not None:
                    os.replace(begun, made.path(one))
                self.files[one.shape[:-1][::-1]] = file = os.open(made.path(one), os.O_RDWR)
                reserve_file(file, lengths[one.file])
        except BaseException:
            self.close()
            raise

    def require(self, row: int, values: np.ndarray) -> None:
        last, run = row + len(values) - 1, int(np.searchsorted(self.runs.last, row))
        if run >= len(self.places) or last > self.runs.last[run] or values.shape[1:] != self.shapes[self.runs.kind[run]]:
            raise DataError(f"cells of the shape {values.shape[1:]} were not planned for the rows {row} to {last} of the output")

    def place(self, row: int) -> int:
        """Where in its cube the cell of a row is."""
        run = int(np.searchsorted(self.runs.last, row))
        return int(self.places[run]) - (int(self.runs.last[run]) - row)

    def write(self, row: int, values: np.ndarray) -> None:
        file = self.files[values.shape[1:]]
        held = np.ascontiguousarray(values, self.kind).reshape(-1)
        size = held.size // len(values)
        if self.kind == np.bool_:
            held, size = np.packbits(held, bitorder="little"), size // 8
        _write(file, memoryview(held.view(np.uint8)), self.place(row) * size * held.itemsize)  # type: ignore[arg-type]

    def close(self) -> None:
        for file in self.files.values():
            os.close(file)
        self.files = {}


def _fill_bytes(table: Table, column: str, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether cells of these shapes are whole bytes."""
    truth = _TYPES[str(table.coldatatype(column)).lower()] == np.bool_
    return not truth or all(math.prod(shape) % 8 == 0 for shape in shapes)


def _can_follow(table: Table, column: str, source: RowFile) -> bool:
    """Whether the cells of a column lie in the order of their rows, and those of another are or can be laid out like them."""
    target = row_file(table, column)
    if target is None or target.header.runs(table.nrows()) is None or target.kind != source.kind:
        return False
    tile = np.atleast_1d(table.getdminfo(column)["SPEC"]["DEFAULTTILESHAPE"])
    known = {c.shape[:-1] for c in target.header.cubes}
    for cube in source.header.cubes:
        shape = cube.shape[:-1]
        if shape not in known and (len(tile) != len(shape) + 1 or np.any(tile[:-1] < shape)):
            return False
    return True


def _runs_before(file: RowFile, count: int) -> CellRuns | None:
    """The cubes of the first rows of a table, behind which there may be a row for each new shape."""
    runs = file.header.runs(int(file.header.last[-1]) + 1) if len(file.header.last) else file.header.runs(0)
    if runs is None or runs.nrow < count:
        return None
    before = np.minimum(runs.last, count - 1) - np.append(-1, runs.last[:-1])
    return CellRuns.of_lengths(runs.kind, np.maximum(before, 0))


def _make_cubes(table: Table, sources: Mapping[str, RowFile]) -> None:
    """Have a hypercube for every shape of cell that other columns have, by a cell of it in a new row, which casacore does not write afterwards."""
    begin = table.nrows()
    for column, file in sources.items():
        target = row_file(table, column)
        known = {c.shape[:-1] for c in target.header.cubes} if target is not None else set()
        shapes = [c.shape[:-1] for c in file.header.cubes if c.shape[:-1] not in known]
        for row, shape in enumerate(shapes, start=begin):
            if row >= table.nrows():
                table.addrows(1)
            table.putcell(column, row, np.zeros(shape[::-1], _TYPES[str(table.coldatatype(column)).lower()]))


def _move_rows(
    source: RowFile, rows: np.ndarray | range, target: Callable[[Cube], tuple[int, int]], stopped: Callable[[], bool]
) -> None:
    """Cells of rows to the file and the place that `target` gives for their cube, and what follows, until it is `stopped`."""
    moved: dict[int, int] = {}
    for block in row_blocks(len(rows), _MOVED_ROWS):
        part = np.arange(block.start, block.stop) + rows.start if isinstance(rows, range) else rows[block]
        found = source.header.places(part)
        assert found is not None  # asked before
        numbers = np.flatnonzero(np.bincount(found[0])).tolist()
        for number in numbers:
            cube, places = source.header.cubes[number], found[1] if len(numbers) == 1 else found[1][found[0] == number]
            file, begin = target(cube)
            _move_cells(source, cube, places, file, begin + moved.get(number, 0), stopped)
            moved[number] = moved.get(number, 0) + len(places)


def _move_cells(source: RowFile, cube: Cube, places: np.ndarray, target: int, begin: int, stopped: Callable[[], bool]) -> None:
    """Cells of a hypercube to the place `begin` of an open file and what follows, until it is `stopped`."""
    cell = source.cell_bytes(cube)
    descriptor = os.open(source.path(cube), os.O_RDONLY)
    try:
        whole = bool((np.diff(places) == 1).all())
        step = max(1, (_MOVED_BYTES if whole else _PIECE_BYTES) // cell)
        for at in range(0, len(places), step):
            if stopped():
                return
            _move_piece(descriptor, target, cell, places[at : at + step], begin + at)
    finally:
        os.close(descriptor)


def _move_piece(source: int, target: int, cell: int, places: np.ndarray, at: int) -> None:
    """Cells from their places in one file to `at` and what follows in another."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    if len(places) * cell >= _RUN_BYTES * (len(breaks) + 1):
        for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
            copy_bytes(source, target, int(places[low]) * cell, (at + low) * cell, (high - low) * cell)
        return
    _write(target, memoryview(_gathered(source, cell, places).reshape(-1)), at * cell)  # type: ignore[arg-type]


def _gathered(source: int, cell: int, places: np.ndarray) -> np.ndarray:
    """Cells from their places: ndarray (cell, byte) uint8."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    first, last = int(places.min()), int(places.max())
    held = empty_array((len(places), cell), np.dtype(np.uint8))
    if len(breaks) > 1 and (last + 1 - first) <= 4 * len(places):
        span = empty_array((last + 1 - first, cell), np.dtype(np.uint8))
        _read(source, memoryview(span.reshape(-1)), first * cell)  # type: ignore[arg-type]
        np.take(span, places - first, axis=0, out=held, mode="clip")
        return held
    for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
        _read_run(source, held[low:high], int(places[low]))
    return held


def _read_run(source: int, held: np.ndarray, begin: int) -> None:
    """Cells that lie one after another from the place `begin` on into `held` (cell, byte), long runs in several threads."""
    count, cell = held.shape

    def read(low: int, high: int) -> None:
        _read(source, memoryview(held[low:high].reshape(-1)), (begin + low) * cell)  # type: ignore[arg-type]

    if held.nbytes < 2 * _THREAD_BYTES:
        read(0, count)
    else:
        over_rows(read, count, max(1, _THREAD_BYTES // cell))


class RowReader:
    """Reads cells of tiled columns straight from their files, so that other threads go on meanwhile.

    Parameters
    ----------
    table : Table
        What nobody writes to meanwhile.
    columns : sequence of str
        Those that are stored in another way are left out.
    """

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        found = {column: row_file(table, column) for column in columns}
        self._columns = {column: file for column, file in found.items() if file is not None}
        self._open: dict[str, int] = {}

    def read(
        self, column: str, rows: np.ndarray, channels: np.ndarray | None, correlations: np.ndarray | None
    ) -> np.ndarray | None:
        """Cells ``(row, chan, corr)`` or ``(row, corr)``, as `MeasurementSet.read` gives them; None where they are not found so."""
        file = self._columns.get(column)
        places = None if file is None or not len(rows) else file.header.places(np.asarray(rows, dtype=np.int64))
        if file is None or places is None or np.any(places[0] != places[0][0]):
            return None
        cube = file.header.cubes[places[0][0]]
        shape = (len(rows), *cube.shape[:-1][::-1])
        path = file.path(cube)
        if path not in self._open:
            self._open[path] = os.open(path, os.O_RDONLY)
        held = _gathered(self._open[path], file.cell_bytes(cube), places[1])
        if file.bits == 1:
            values = np.unpackbits(held.reshape(-1), bitorder="little").view(np.bool_).reshape(shape)
        else:
            values = held.reshape(-1).view(file.kind).reshape(shape)
        if channels is not None and len(shape) == 3:
            values = values[:, channels]
        return values if correlations is None else values[..., correlations]

    def close(self) -> None:
        """Close the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open = {}


def copy_bytes(source: int, target: int, begin: int, to: int, count: int) -> None:
    """Copy `count` bytes from a place of an open file to a place of another, within the system where it can do that."""
    while count and hasattr(os, "copy_file_range"):
        try:
            done = os.copy_file_range(source, target, count, begin, to)
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
            break
        if not done:
            break
        begin, to, count = begin + done, to + done, count - done
    held = memoryview(bytearray(min(count, _PIECE_BYTES)))
    while count:
        part = held[: min(count, _PIECE_BYTES)]
        _read(source, part, begin)
        _write(target, part, to)
        begin, to, count = begin + len(part), to + len(part), count - len(part)


def _read(source: int, part: memoryview, at: int) -> None:
    while len(part):
        done = os.preadv(source, [part], at)
        if not done:
            raise DataError("a file of tiles has become shorter while it was read")
        part, at = part[done:], at + done


def _write(target: int, part: memoryview, at: int) -> None:
    while len(part):
        done = os.pwrite(target, part[:PIECE_BYTES], at)
        part, at = part[done:], at + done


def read_piece(source: int, values: np.ndarray, at: int) -> None:
    """Fill an array from a place [byte] of an open file; raises DataError where the file ends before."""
    _read(source, memoryview(values.view(np.uint8)), at)  # type: ignore[arg-type]


def write_piece(target: int, values: np.ndarray, at: int) -> None:
    """Write an array to a place [byte] of an open file."""
    _write(target, memoryview(values.view(np.uint8)), at)  # type: ignore[arg-type]
