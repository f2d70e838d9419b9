"""The files of a MeasurementSet that becomes part of a multi-MS."""

from __future__ import annotations

import math
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from casatools._base.paths import remove_output
from casatools.io.image.plain_file import reserve_file
from casatools.io.ms.row_files import copy_bytes, row_file
from casatools.io.tables import is_table, open_table

__all__ = ["copied_meanwhile", "copy_folder", "copy_measurement_set", "place_part", "replace_subtables"]

# Less than this is not worth a thread; as much is copied between two looks whether to stop.
_LATE_BYTES, _PIECE_BYTES = 1 << 22, 1 << 25


def copy_folder(source: str, target: str, copy: Callable[[str, str], object] = shutil.copyfile) -> None:
    """Copy what lies in a folder, also by links, without permissions: what an archive does not let anybody change becomes a table to work with."""
    for folder, _, names in os.walk(source, followlinks=True):
        inside = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        os.makedirs(inside, exist_ok=True)
        for name in names:
            copy(os.path.join(folder, name), os.path.join(inside, name))


def copy_measurement_set(source: str, target: str) -> None:
    """Copy a plain MeasurementSet file by file; sub-tables that are linked from elsewhere become its own."""
    copy_folder(os.path.realpath(source), target)


@contextmanager
def copied_meanwhile(source: str, target: str) -> Iterator[None]:
    """`copy_measurement_set`, where large files of tiles are filled until the end of the block.

    Rows can be appended in it: the tiles that are copied meanwhile hold rows of the source alone, and whole cells of them. Their space is taken at once.
    """
    source = os.path.realpath(source)
    full = _full_tiles(source)
    late: list[tuple[str, str, int]] = []

    def copy(one: str, other: str) -> None:
        count, size = full.get(one, 0), os.path.getsize(one)
        if count < _LATE_BYTES:
            shutil.copyfile(one, other)
            return
        late.append((one, other, count))
        with open(one, "rb") as old, open(other, "wb") as new:
            reserve_file(new.fileno(), size)
            copy_bytes(old.fileno(), new.fileno(), count, count, size - count)

    copy_folder(source, target, copy)
    stop = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="ms-copy") as worker:
        filling = worker.submit(_fill, late, stop)
        try:
            yield
        except BaseException:
            stop.set()
            raise
        filling.result()


def _fill(files: list[tuple[str, str, int]], stop: threading.Event) -> None:
    for one, other, count in files:
        with open(one, "rb") as old, open(other, "r+b") as new:
            for at in range(0, count, _PIECE_BYTES):
                if stop.is_set():
                    return
                copy_bytes(old.fileno(), new.fileno(), at, at, min(_PIECE_BYTES, count - at))


def _full_tiles(path: str) -> dict[str, int]:
    """Files of tiles of a main table, and how many of their bytes are tiles full of cells."""
    out: dict[str, int] = {}
    with closing(open_table(path)) as table:
        for column in table.colnames():
            file = row_file(table, column)
            for cube in file.header.cubes if file is not None else ():
                assert file is not None
                tile = math.prod(cube.tile) * file.bits // 8
                out[os.path.realpath(file.path(cube))] = cube.shape[-1] // cube.tile[-1] * tile
    return out


def place_part(source: str, target: str, link: bool) -> None:
    """Copy a MeasurementSet without what it links to from elsewhere; with `link` tiled columns are shared with the source rather than copied.

    Sharing is for sources that are removed afterwards, and for copies in which no tiled column is changed.
    """

    def copy(one: str, other: str) -> str:
        if link and "_TSM" in os.path.basename(one):
            os.link(one, other)
            return other
        return str(shutil.copy2(one, other))

    links = [name for name in os.listdir(source) if os.path.islink(os.path.join(source, name))]
    shutil.copytree(source, target, copy_function=copy, ignore=lambda folder, names: links if folder == source else [])


def replace_subtables(path: str, other: str) -> None:
    """Move the sub-tables of another MeasurementSet into the place of those of one; new ones are made known to it."""
    names = [n for n in sorted(os.listdir(other)) if is_table(os.path.join(other, n))]
    for name in names:
        remove_output(os.path.join(path, name))
        os.rename(os.path.join(other, name), os.path.join(path, name))
    with closing(open_table(path, writable=True)) as table:
        for name in names:
            if name not in table.keywordnames():
                with closing(open_table(os.path.join(path, name))) as made:
                    table.putkeyword(name, made)
