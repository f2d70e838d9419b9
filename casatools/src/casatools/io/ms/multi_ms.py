"""Multi-MSs on disk: joining parts into one.

Notes
-----
A multi-MS is a folder with a table that joins the MeasurementSets in its folder ``SUBMSS`` by relative names (casacore's ConcatTable), and links to the
sub-tables of the first part. The other parts link to these too, except SOURCE and HISTORY; so a change of, say, FIELD is seen by all. All links are
relative: the whole may be moved. The axis it was cut along stands in ``table.info`` as ``AxisType = scan``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from casatools._base.paths import remove_output
from casatools.io.ms.appending import empty_subtable
from casatools.io.ms.parts import FOLDER
from casatools.io.table_access import concatenate
from casatools.io.tables import is_table

__all__ = ["axis_of", "join_parts", "share_subtables"]

# Sub-tables that each part has of its own, as in the reference.
_OWN = ("HISTORY", "SOURCE")


def axis_of(path: str) -> str:
    """The axis a multi-MS was cut along: ``scan``, ``spw``, ``scan,spw``, ``baseline``; "" where it does not say."""
    with open(os.path.join(path, "table.info"), encoding="latin-1") as stream:
        for line in stream:
            key, equals, value = line.partition("=")
            if equals and key.strip() == "AxisType":
                return value.strip()
    return ""


def join_parts(path: str, parts: Sequence[str], axis: str = "") -> None:
    """Make a multi-MS at `path`, which must not exist, of parts of equal columns; they are moved into it.

    The first part's sub-tables become those of all; they must therefore hold what the rows of all parts point to.
    """
    concatenate(os.path.abspath(path), list(parts), FOLDER, (), "CONCATENATED")
    share_subtables(path, [os.path.basename(p) for p in parts])
    _describe(path, axis)


def share_subtables(path: str, names: Sequence[str]) -> None:
    """Link the whole and the later parts to the sub-tables of the first part."""
    first = os.path.join(path, FOLDER, names[0])
    subtables = [s for s in sorted(os.listdir(first)) if is_table(os.path.join(first, s))]
    for name in subtables:
        link = os.path.join(path, name)
        if not os.path.lexists(link):
            os.symlink(os.path.join(FOLDER, names[0], name), link)
    for other in names[1:]:
        folder = os.path.join(path, FOLDER, other)
        for name in subtables:
            own = os.path.join(folder, name)
            if name in _OWN:
                if name == "HISTORY":
                    empty_subtable(own)
                continue
            remove_output(own)
            os.symlink(os.path.join("..", names[0], name), own)


def _describe(path: str, axis: str) -> None:
    """Name the axis and the parts, relative to the whole, in ``table.info``."""
    file = os.path.join(path, "table.info")
    with open(file, encoding="latin-1") as stream:
        head, _, readme = stream.read().partition("\n\n")
    lines = [f"  {FOLDER}/{os.path.basename(line)}" if f"/{FOLDER}/" in line else line for line in readme.splitlines()]
    if axis:
        lines.insert(0, f"AxisType = {axis}")
    with open(file, "w", encoding="latin-1") as stream:
        stream.write(head + "\n\n" + "\n".join(lines) + "\n")
