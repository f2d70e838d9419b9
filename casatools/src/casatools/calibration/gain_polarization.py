"""Linear polarisation of calibrators from gains that were solved with an unpolarised model.

With linear feeds the gains of X take up ``1 + Q cos 2p + U sin 2p`` and those of Y ``1 - Q cos 2p - U sin 2p`` (p the parallactic
angle), so their ratio shows the polarisation.

References
----------
CASA documentation of polfromgain; Hales 2017, AJ 154, 54.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.same_array import match_antennas
from casatools.calibration.solve_session import check_output
from casatools.frames.directions import Direction
from casatools.frames.epochs import utc_seconds
from casatools.frames.parallactic import feed_angles
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet

__all__ = ["fit_ratio", "polarization_from_gains"]

_STEPS = 6


def fit_ratio(ratio: np.ndarray, angle_rad: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Fractional Q and U from squared gain ratios.

    Parameters
    ----------
    ratio : ndarray (time, ant)
        ``|g_X|^2 / |g_Y|^2``; antennas may differ by a factor.
    angle_rad : ndarray (time, ant)
    weight : ndarray (time, ant)
        Zero where flagged.
    """
    used = (weight > 0) & (ratio > 0)
    antenna = np.broadcast_to(np.arange(ratio.shape[1]), ratio.shape)[used]
    design = np.zeros((int(used.sum()), ratio.shape[1] + 2))
    # Each antenna has its own level; Q and U are shared.
    design[np.arange(len(design)), antenna] = 1.0
    design[:, -2], design[:, -1] = 2 * np.cos(2 * angle_rad[used]), 2 * np.sin(2 * angle_rad[used])
    root, level = np.sqrt(weight[used]), np.log(ratio[used])
    q, u = 0.0, 0.0
    for _ in range(_STEPS):
        # The logarithm of (1 + s) / (1 - s) is 2 s but for terms of the third order, which are taken off.
        share = np.clip(0.5 * (q * design[:, -2] + u * design[:, -1]), -0.99, 0.99)
        right = level - 2 * (np.arctanh(share) - share)
        found = np.linalg.lstsq(design * root[:, None], right * root, rcond=None)[0]
        q, u = float(found[-2]), float(found[-1])
    return q, u


def polarization_from_gains(
    vis: str, tablein: str, caltable: str, paoffset_deg: float, minpacov_deg: float, fields: list[int] | None = None
) -> dict[str, Any]:
    """Find fractional Q and U of each field (or of those given) in each spectral window, and write gains without them.

    Raises
    ------
    DataError
        The table holds no gains of two receptors, or the parallactic angles cover too little.
    ParameterError
        The output is the input.
    """
    table = CalTable.open(tablein)
    if table.vis_cal != "G Jones" or any(g.param.shape[1:] != (1, 2) for g in table.groups):
        raise DataError(
            f"calibration table {tablein!r} holds {table.vis_cal}; the polarisation is found from G Jones of two receptors"
        )
    if caltable.strip():
        if caltable.rstrip("/") == tablein.rstrip("/"):
            raise ParameterError("polfromgain: parameter 'caltable' must differ from 'tablein'")
        check_output(caltable, False, table.vis_cal)
    with MeasurementSet(vis) as ms:
        ids = match_antennas(ms, tablein, table.antenna_names, table.antenna_positions_m, table.antenna1)
        angle = _angles(ms, table, ids) + np.deg2rad(paoffset_deg)
    chosen = [f for f in np.unique(table.field_id).tolist() if fields is None or f in fields]
    covers = {f: _coverage_deg(table, f, angle) for f in chosen}
    enough = [f for f, cover in covers.items() if cover >= minpacov_deg and cover > 0]
    if not enough:
        raise DataError(
            f"the gains of {tablein!r} cover at most {max(covers.values(), default=0.0):.1f} deg of parallactic angle; "
            f"minpacov={minpacov_deg:g} deg are asked for"
        )
    out = table.copy()
    result: dict[str, Any] = {table.field_names[f]: {} for f in chosen}  # empty where nothing is found, as in CASA
    for field in covers:
        if field not in enough:
            log.post(
                f"{table.field_names[field]} covers {covers[field]:.1f} deg of parallactic angle only and is left as it is",
                "WARN",
            )
            continue
        result[table.field_names[field]] = _one_field(table, out, field, angle)
    if not any(result.values()):
        raise DataError(
            f"the gains of {tablein!r} would need a source that is more than wholly polarised; their angles cover too little"
        )
    if caltable.strip():
        out.write(caltable, overwrite=True)
    return result


def _angles(ms: MeasurementSet, table: CalTable, ids: np.ndarray) -> np.ndarray:
    """Angle of the feeds on the sky for each row; `ids` are the numbers of the table's antennas in the MeasurementSet, NaN for those it lacks."""
    antennas = ms.metadata.antennas
    positions, mounts = np.array([a.position_m for a in antennas]), [a.mount for a in antennas]
    out = np.zeros(table.nrow)
    for field in np.unique(table.field_id).tolist():
        rows = np.flatnonzero(table.field_id == field)
        place = ms.metadata.fields[field]
        toward = Direction(float(place.phase_dir[0][0]), float(place.phase_dir[0][1]), place.phase_frame)
        times, which = np.unique(table.time_s[rows], return_inverse=True)
        out[rows] = feed_angles(utc_seconds(times, ms.time_frame), toward, positions, mounts)[which, ids[table.antenna1[rows]]]
    return np.where(ids[table.antenna1] >= 0, out, np.nan)


def _coverage_deg(table: CalTable, field: int, angle: np.ndarray) -> float:
    """Range of the angle of the first antenna over the solutions of a field; zero for fewer than three times."""
    rows = np.flatnonzero((table.field_id == field) & np.isfinite(angle))
    if not len(rows):
        return 0.0
    first = rows[(table.antenna1[rows] == table.antenna1[rows[0]]) & (table.spw_id[rows] == table.spw_id[rows[0]])]
    if len(first) < 3:
        return 0.0
    return float(np.degrees(np.ptp(np.unwrap(2 * angle[first[np.argsort(table.time_s[first])]]) / 2)))


def _one_field(table: CalTable, out: CalTable, field: int, angle: np.ndarray) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for number, group in enumerate(table.groups):
        for spw in np.unique(table.spw_id[group.rows]).tolist():
            mine = np.flatnonzero((table.spw_id[group.rows] == spw) & (table.field_id[group.rows] == field))
            if not len(mine):
                continue
            rows = group.rows[mine]
            times, at = np.unique(table.time_s[rows], return_inverse=True)
            shape = (len(times), len(table.antenna_names))
            power = np.abs(group.param[mine, 0].astype(np.complex128)) ** 2
            good = ~group.flag[mine, 0].any(axis=1) & (power > 0).all(axis=1) & np.isfinite(angle[rows])
            ratio, weight, turn = np.ones(shape), np.zeros(shape), np.zeros(shape)
            ratio[at[good], table.antenna1[rows[good]]] = power[good, 0] / power[good, 1]
            weight[at[good], table.antenna1[rows[good]]] = 1.0
            turn[at, table.antenna1[rows]] = angle[rows]
            q, u = fit_ratio(ratio, turn, weight)
            if not np.hypot(q, u) < 1.0:  # of too little coverage; gains would be divided by the root of a negative number
                log.post(
                    f"{table.field_names[field]}, spw {spw}: Q={q:.3g} U={u:.3g} of I is no polarization; its gains are left as they are",
                    "WARN",
                )
                continue
            found[f"Spw{spw}"] = [1.0, q, u, 0.0]
            log.post(f"{table.field_names[field]}, spw {spw}: Q={q:.5f} U={u:.5f} of I")
            share = np.nan_to_num(q * np.cos(2 * angle[rows]) + u * np.sin(2 * angle[rows]))
            put = out.groups[number].param
            put[mine, 0, 0] /= np.sqrt(1 + share)
            put[mine, 0, 1] /= np.sqrt(1 - share)
    if found:
        found["SpwAve"] = np.mean(list(found.values()), axis=0).tolist()
    return found
