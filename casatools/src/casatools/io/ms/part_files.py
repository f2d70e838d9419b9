"""The files of a MeasurementSet that becomes part of a multi-MS."""

from __future__ import annotations

import os
import shutil
from contextlib import closing

from casatools._base.paths import remove_output
from casatools.io.tables import is_table, open_table

__all__ = ["copy_measurement_set", "place_part", "replace_subtables"]


def copy_measurement_set(source: str, target: str) -> None:
    """Copy a plain MeasurementSet file by file; sub-tables that are linked from elsewhere become its own."""
    shutil.copytree(os.path.realpath(source), target)


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
