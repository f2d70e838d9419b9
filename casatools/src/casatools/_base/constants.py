"""Constants of several modules, exact by definition."""

from __future__ import annotations

__all__ = ["AU_M", "JANSKY_PER_SI", "MJD_ORDINAL", "SPEED_OF_LIGHT_M_S"]

SPEED_OF_LIGHT_M_S = 299792458.0
AU_M = 149597870700.0  # IAU 2012 resolution B2
JANSKY_PER_SI = 1e26  # [Jy / (W m-2 Hz-1)]
# `datetime.date.toordinal` of 1858-11-17, where Modified Julian Dates begin.
MJD_ORDINAL = 678576
