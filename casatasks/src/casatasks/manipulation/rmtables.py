"""rmtables: remove tables from disk."""

from __future__ import annotations

import glob
from typing import Annotated

from casatasks._task import task
from casatools._base import kinds
from casatools.information.headers import remove_tables

__all__ = ["rmtables"]


@task(group="manipulation")
def rmtables(tablenames: Annotated[list[str], kinds.TextList(drop_empty=True), "Names or patterns of tables"] = []) -> None:  # noqa: B006
    """Remove tables, images and MeasurementSets; names that are no tables are left alone with a warning.

    Examples
    --------
    >>> rmtables(["old.ms", "*.gcal"])  # doctest: +SKIP
    """
    names: list[str] = []
    for name in tablenames:
        names += sorted(glob.glob(name)) or [name]
    remove_tables(names)
