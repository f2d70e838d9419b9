"""listpartition: what the parts of a Multi-MS hold."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.paths import require_absent, staged_output

__all__ = ["listpartition"]


@task(group="information")
def listpartition(
    vis: Vis = "",
    createdict: Annotated[bool, kinds.Bool(), "Return a dict instead of writing a list"] = False,
    listfile: Annotated[str, kinds.OutPath(), "File for the list; '' sends it to the log"] = "",
) -> dict[int, dict[str, Any]]:
    """List the parts of a Multi-MS with their scans, spectral windows, channels, rows and sizes; a plain MeasurementSet is one part.

    Returns
    -------
    dict
        Empty without `createdict`; with it by the number of the part: ``MS`` (its name), ``size`` (on disk, as ``du -h`` writes it) and ``scanId``, which maps each
        scan to ``nrows``, ``spwIds`` and ``nchans``.

    Raises
    ------
    PathMissingError, DataError, OutputExistsError
        `vis` is missing or not a MeasurementSet, or `listfile` exists.

    Examples
    --------
    >>> listpartition("a.mms", createdict=True)  # doctest: +SKIP
    """
    from casatools.information.partitions import list_partition, partition_text

    if listfile:
        require_absent(listfile, what="listfile")
    if createdict:
        found = list_partition(vis)
        if not listfile:
            return found
    text = partition_text(vis)
    if listfile:
        with staged_output(listfile) as temporary, open(temporary, "w", encoding="utf-8") as stream:
            stream.write(text)
    else:
        log.post(text)
    return found if createdict else {}
