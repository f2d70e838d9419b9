"""Calibration tables on disk."""

from casatools.io.caltable.subtables import SubTableRows
from casatools.io.caltable.table import CalTable, SolutionGroup, is_caltable

__all__ = ["CalTable", "SolutionGroup", "SubTableRows", "is_caltable"]
