"""Statistics of calibration solutions."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["calstat"]


@task(group="calibration")
def calstat(
    caltable: P.CalTableIn = "",
    axis: Annotated[
        str,
        kinds.Text(),
        "What to describe: amp (amplitude), phase, real, imag (imaginary) of datacolumn, or the name of a column",
    ] = "amplitude",
    datacolumn: Annotated[str, kinds.Text(), "Column of complex values; 'gain' is the parameters"] = "gain",
) -> dict[str, Any]:
    """Describe the values in a calibration table.

    Returns
    -------
    dict
        ``{column: {max, mean, medabsdevmed, median, min, npts, quartile, rms, stddev, sum, sumsq, var}}``.

    Raises
    ------
    PathMissingError, DataError, ParameterError
        The table or the column is missing.

    Notes
    -----
    Flagged solutions count too, as in the reference.
    """
    from casatools.calibration.table_statistics import table_statistics

    return table_statistics(caltable, axis, datacolumn)
