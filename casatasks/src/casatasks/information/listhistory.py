"""listhistory: the processing history of a MeasurementSet."""

from __future__ import annotations

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import log
from casatools.information.headers import history_lines

__all__ = ["listhistory"]


@task(group="information")
def listhistory(vis: Vis = "") -> None:
    """Send the HISTORY of a MeasurementSet to the log.

    Raises
    ------
    PathMissingError, DataError
        There is no such MeasurementSet.
    """
    log.post("\n".join(history_lines(vis)))
