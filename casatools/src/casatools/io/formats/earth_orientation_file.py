"""Text files of the orientation of the Earth: that of VLBI correlators and analysis, and those of the IERS.

References
----------
``usno_finals.erp`` and its kind ("EOP-MOD Ver 2.0", NASA Goddard Space Flight Center VLBI group): Julian day, pole x and y [0.1 arcsec], TAI - UT1 [us].
IERS "finals" (Bulletin A, rapid service; readme.finals): columns 8-15 MJD, 19-27 and 38-46 pole [arcsec], 59-68 UT1 - UTC [s]. IERS EOP 14 C04 and 20 C04: date
(with hour in the latter), MJD, pole [arcsec], UT1 - UTC [s].
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, PathMissingError

__all__ = ["OrientationSeries", "read_orientation_file"]

_ARCSEC = np.pi / 180 / 3600
_JD_OF_MJD = 2400000.5


@dataclass(frozen=True)
class OrientationSeries:
    """Values at ascending days.

    Attributes
    ----------
    mjd : ndarray (day,) [d]
        UTC.
    pole_rad : ndarray (day, 2)
        x and y.
    ut1_s : ndarray (day,)
        UT1 - UTC, or UT1 - TAI.
    against_tai : bool
    """

    mjd: np.ndarray
    pole_rad: np.ndarray
    ut1_s: np.ndarray
    against_tai: bool = False


def read_orientation_file(path: str) -> OrientationSeries:
    """Read a file of one of the three kinds.

    Raises
    ------
    PathMissingError, DataError
        There is no such file, or it is of none of these kinds.
    """
    if not os.path.isfile(path):
        raise PathMissingError(f"the file of Earth orientations {path!r} does not exist")
    with open(path, encoding="ascii", errors="replace") as stream:
        lines = [line.rstrip("\n") for line in stream if line.strip() and not line.lstrip().startswith("#")]
    kinds: tuple[tuple[Callable[[str], tuple[float, float, float, float] | None], bool], ...] = (
        (_of_erp, True), (_of_finals, False), (_of_series, False),
    )  # fmt: skip
    for read, against_tai in kinds:
        rows = [row for row in map(read, lines) if row is not None]
        if len(rows) > 1:
            values = np.array(sorted(rows))
            return OrientationSeries(values[:, 0], values[:, 1:3] * _ARCSEC, values[:, 3], against_tai)
    raise DataError(
        f"{path!r} is no file of Earth orientations: neither usno_finals.erp's format (EOP-MOD) nor finals or EOP C04 of the IERS, with two days or more"
    )


def _numbers(words: list[str]) -> list[float]:
    found = []
    for word in words:
        try:
            found.append(float(word))
        except ValueError:
            break
    return found


def _of_erp(line: str) -> tuple[float, float, float, float] | None:
    """Day, pole [arcsec], UT1 - TAI [s]."""
    values = _numbers(line.split()[:4])
    if len(values) < 4 or not 2.4e6 < values[0] < 2.6e6:
        return None
    return values[0] - _JD_OF_MJD, values[1] / 10, values[2] / 10, -values[3] * 1e-6


def _of_finals(line: str) -> tuple[float, float, float, float] | None:
    with contextlib.suppress(ValueError):
        if len(line) >= 68 and line[16] in "IP ":
            mjd, x, y, ut1 = (float(line[a:b]) for a, b in ((7, 15), (18, 27), (37, 46), (58, 68)))
            if 3e4 < mjd < 1e5:
                return mjd, x, y, ut1
    return None


def _of_series(line: str) -> tuple[float, float, float, float] | None:
    values = _numbers(line.split()[:8])
    for at in (3, 4):
        if len(values) >= at + 4 and 1960 <= values[0] <= 2200 and 3e4 < values[at] < 1e5:
            return values[at], values[at + 1], values[at + 2], values[at + 3]
    return None
