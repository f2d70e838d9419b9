"""The keyword MSUVBIN of a MeasurementSet that is a uv grid."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from casatools._base.errors import DataError
from casatools.io.tables import open_table

__all__ = ["read_grid_keyword", "write_grid_keyword"]

_NAME = "MSUVBIN"


def write_grid_keyword(path: str, record: Mapping[str, Any]) -> None:
    """Describe the grid in a keyword of the main table."""
    with closing(open_table(path, writable=True)) as table:
        table.putkeyword(_NAME, dict(record))


def read_grid_keyword(path: str) -> dict[str, Any]:
    """The description of a grid; raises DataError where there is none."""
    with closing(open_table(path, what="uv grid")) as table:
        if _NAME not in table.keywordnames():
            raise DataError(f"{path!r} is not a uv grid: it has no keyword {_NAME}")
        return dict(table.getkeyword(_NAME))
