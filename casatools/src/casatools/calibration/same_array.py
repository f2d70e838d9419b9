"""Whether a calibration table is of the antennas of a MeasurementSet, and which of its antennas is which of the data's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["match_antennas"]

# Antennas of one name that are this far (m) apart, most of them, are of different arrays: pads of one array lie closer, and VLBI stations stay.
_FAR_M = 1e5


def match_antennas(
    ms: MeasurementSet, path: str, names: Sequence[str], positions_m: np.ndarray | None, used: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Number in the MeasurementSet of each antenna of a table; -1 for those that it does not have, whose solutions are counted in a warning.

    Parameters
    ----------
    ms : MeasurementSet
    path : str
        The table, for what is told.
    names : sequence of str
        Antennas of the table; without any, numbers count.
    positions_m : ndarray (ant, 3) [m], optional
        Where they are (ITRF); zero where that is not known.
    used : sequence of int
        Antennas of the table that have solutions.

    Returns
    -------
    ndarray (ant,) int

    Raises
    ------
    DataError
        The table is of another array: no antenna of a name that the MeasurementSet has, antennas of these names elsewhere on Earth, numbers beyond those
        of the data, or names that are several antennas'.
    """
    antennas = ms.metadata.antennas
    there = [a.name for a in antennas]
    have, used = list(names), [a for a in np.unique(np.asarray(used, dtype=np.int64)).tolist() if a >= 0]
    same = not have or all(a < len(there) and a < len(have) and have[a] == there[a] for a in used)
    if same or not used:
        beyond = [a for a in used if a >= len(there)]
        if beyond:
            raise DataError(
                f"calibration table {path!r} has solutions for antenna numbers {beyond}; {ms.path!r} has {len(there)}"
            )
        ids = np.arange(max([len(have), *(a + 1 for a in used)]))
    else:
        ids = _by_name(ms.path, path, have, there, used)
    _require_near(ms, path, positions_m, ids, used)
    return ids


def _by_name(vis: str, path: str, have: list[str], there: list[str], used: list[int]) -> np.ndarray:
    several = sorted({have[a] for a in used if a < len(have) and there.count(have[a]) > 1})
    unknown = [have[a] if a < len(have) else str(a) for a in used if a >= len(have) or have[a] not in there]
    if several or len(unknown) == len(used):
        raise DataError(
            f"calibration table {path!r} is of other antennas than {vis!r}: "
            f"it has solutions for {', '.join((several or unknown)[:8])}; the MeasurementSet has {', '.join(there[:8])}, ..."
        )
    if unknown:
        log.post(
            f"{len(unknown)} of {len(used)} antennas of {path} are not in {vis}, and their solutions serve no data: {', '.join(unknown[:12])}",
            "WARN",
        )
    ids = np.full(max(len(have), used[-1] + 1), -1)
    ids[: len(have)] = [there.index(n) if n in there else -1 for n in have]
    return ids


def _require_near(ms: MeasurementSet, path: str, positions_m: np.ndarray | None, ids: np.ndarray, used: list[int]) -> None:
    own = np.zeros((0, 3)) if positions_m is None else positions_m
    both = [a for a in used if a < len(own) and ids[a] >= 0 and own[a].any()]
    theirs = np.array([ms.metadata.antennas[ids[a]].position_m for a in both]).reshape(-1, 3)
    known = theirs.any(axis=1)
    if not known.any():
        return
    apart_m = float(np.median(np.linalg.norm(own[both][known] - theirs[known], axis=1)))
    if apart_m > _FAR_M:
        raise DataError(
            f"calibration table {path!r} is of another array than {ms.path!r}: its antennas of the same names are {apart_m / 1e3:.0f} km away"
        )
