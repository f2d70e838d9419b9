"""Find a calibrator's linear polarisation from its gains."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["polfromgain"]


@task(group="calibration")
def polfromgain(
    vis: P.Vis = "",
    tablein: P.CalTableIn = "",
    caltable: Annotated[
        str, kinds.OutPath(), "Name of a table with the polarisation taken out of the gains; '' writes none"
    ] = "",
    paoffset: Annotated[float, kinds.Float(), "Offset (deg) of the parallactic angle"] = 0.0,
    minpacov: Annotated[float, kinds.Float(), "Least coverage (deg) of parallactic angle"] = 30.0,
) -> dict[str, Any]:
    """Find the linear polarisation of calibrators from the variation of their gain ratios with parallactic angle.

    Returns
    -------
    dict
        ``{field: {"Spw0": [I, Q, U, V], ..., "SpwAve": [I, Q, U, V]}}`` with I of one.

    Raises
    ------
    PathMissingError, DataError
        The MeasurementSet or the table is missing, holds no gains, or covers too little parallactic angle. Nothing is written then.
    """
    from casatools.calibration.gain_polarization import polarization_from_gains

    return polarization_from_gains(vis, tablein, caltable, paoffset, minpacov)
