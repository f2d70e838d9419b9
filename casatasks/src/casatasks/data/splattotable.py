"""splattotable: exports of Splatalogue as a table of spectral lines."""

from __future__ import annotations

from typing import Annotated

from casatasks._task import task
from casatools._base import kinds
from casatools.tools.spectralline import spectralline

__all__ = ["splattotable"]


@task(group="data")
def splattotable(
    filenames: Annotated[
        list[str], kinds.TextList(drop_empty=True), "Files that Splatalogue exports with tabs between columns"
    ] = [],  # noqa: B006
    table: Annotated[str, kinds.OutPath(), "Table of spectral lines to write"] = "",
) -> bool:
    """Make a table of spectral lines of files that Splatalogue exports.

    Returns
    -------
    bool
        True.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError
        No table is named, a file is missing or cannot be read, or the output exists.

    Examples
    --------
    >>> splattotable(["export.tsv"], "mylines.tbl")
    """
    spectralline().splattotable(filenames, table)
    return True
