"""The calibrater tool: solving for calibration, applying it and handling calibration tables."""

from __future__ import annotations

from casatools.tools.calibrater._actions import ActionMethods
from casatools.tools.calibrater._setup import SetupMethods
from casatools.tools.calibrater._tables import TableMethods

__all__ = ["calibrater"]


class calibrater(ActionMethods, SetupMethods, TableMethods):  # CASA's name
    """Calibration of one MeasurementSet.

    Examples
    --------
    >>> from casatools import calibrater
    >>> cb = calibrater()
    >>> cb.open("day1.ms", addcorr=False, addmodel=False)  # doctest: +SKIP
    >>> cb.selectvis(field="0")  # doctest: +SKIP
    >>> cb.setsolve(type="G", t="inf", table="day1.G", refant="EA01")  # doctest: +SKIP
    >>> cb.solve()  # doctest: +SKIP
    """
