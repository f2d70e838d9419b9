"""Delays by which a correlator's orientation of the Earth was wrong, from the EARTH_ORIENTATION table of a MeasurementSet.

A correlator works with predictions of UT1 and of the pole. Where the values that it took are kept, the delays can be corrected to those that
were measured later.

References
----------
IERS Conventions 2010 (Petit & Luzum), ch. 5: terrestrial to celestial system ``R3(-ERA) R2(xp) R1(yp)``. The columns of EARTH_ORIENTATION, the times of
solutions and the sign, as observed in what CASA 6.7 reads and writes.
"""

from __future__ import annotations

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.calibration.solve_session import check_output
from casatools.frames.epochs import convert_epochs, utc_seconds
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.formats.earth_orientation_file import OrientationSeries, read_orientation_file
from casatools.io.ms import MeasurementSet
from casatools.io.tables import is_table

__all__ = ["Orientation", "measured_orientation", "orientation_delay_s", "orientation_of_file", "write_orientation_delays"]

_TABLE = "EARTH_ORIENTATION"
_POLAR_RADIUS_M = 6356752.3142
# Turn of the Earth [rad] in a second of UT1.
_RAD_PER_S = 2.0 * np.pi * 1.00273781191135448 / 86400.0
# Half of the time (s) over which rates are taken.
_STEP_S = 15.0

# Pole x and y [rad] and UT1 - UTC [s].
Orientation = tuple[float, float, float]


def measured_orientation(time_s: float) -> Orientation:
    """What the data folder's IERS tables have for a time (MJD seconds, UTC).

    Raises
    ------
    DataError
        They have nothing.
    """
    from casatools.frames.earth_orientation import earth_orientation

    found = earth_orientation(time_s)
    if found.pole_m == (0.0, 0.0):
        raise DataError(
            f"gencal: the data folder has no orientation of the Earth (geodetic/IERSeop97) for MJD {time_s / 86400:.2f}"
        )
    x, y = (m / _POLAR_RADIUS_M for m in found.pole_m)
    return x, y, found.ut1_minus_utc_s


def orientation_of_file(series: OrientationSeries, time_s: float, path: str) -> Orientation:
    """The orientation that a file has for a time (MJD seconds, UTC): straight lines from day to day.

    Raises
    ------
    DataError
        The file does not reach there.
    """
    mjd = time_s / 86400
    if not series.mjd[0] <= mjd <= series.mjd[-1]:
        raise DataError(
            f"gencal: infile={path!r} has orientations of the Earth from MJD {series.mjd[0]:.0f} to {series.mjd[-1]:.0f}, not for {mjd:.2f}"
        )
    x, y = (float(np.interp(mjd, series.mjd, series.pole_rad[:, k])) for k in (0, 1))
    if series.against_tai:
        return x, y, float(np.interp(mjd, series.mjd, series.ut1_s)) + _tai_minus_utc_s(time_s)
    # A leap second is a step of UT1 - UTC by one between two days.
    day = int(np.clip(np.searchsorted(series.mjd, mjd, side="right") - 1, 0, len(series.mjd) - 2))
    step = series.ut1_s[day + 1] - series.ut1_s[day]
    share = (mjd - series.mjd[day]) / (series.mjd[day + 1] - series.mjd[day])
    return x, y, float(series.ut1_s[day] + share * (step - np.round(step)) + (np.round(step) if share >= 1 else 0.0))


def _tai_minus_utc_s(time_s: float) -> float:
    return float(convert_epochs(np.array([time_s]), "UTC", "TAI")[0]) - time_s


def orientation_delay_s(positions_m: np.ndarray, toward: np.ndarray, taken: Orientation, measured: Orientation) -> np.ndarray:
    """Delays with the orientation measured less those with the one taken.

    Parameters
    ----------
    positions_m : ndarray (ant, 3)
        ITRF.
    toward : ndarray (3,)
        Unit vector to the source, ITRF.
    taken, measured : Orientation

    Returns
    -------
    ndarray (ant,) [s]
    """
    here = _pole_matrix(*measured[:2])
    angle = _RAD_PER_S * (taken[2] - measured[2])
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
    direction = here @ toward
    change = positions_m @ (here - turn @ _pole_matrix(*taken[:2])).T
    return np.asarray(change @ direction / SPEED_OF_LIGHT_M_S)


def _pole_matrix(x: float, y: float) -> np.ndarray:
    """Terrestrial to intermediate frame: R2(x) R1(y)."""
    cx, sx, cy, sy = np.cos(x), np.sin(x), np.cos(y), np.sin(y)
    return np.array([[cx, 0.0, -sx], [0.0, 1.0, 0.0], [sx, 0.0, cx]]) @ np.array([[1.0, 0.0, 0.0], [0.0, cy, sy], [0.0, -sy, cy]])


def write_orientation_delays(vis: str, caltable: str, infile: str = "") -> None:
    """Write the corrections as a table ``Fringe Jones``: at the beginning, middle and end of each scan.

    Parameters
    ----------
    vis, caltable : str
    infile : str
        A file of the measured orientation, see `read_orientation_file`; '' takes the data folder's IERS tables.

    Raises
    ------
    PathMissingError, DataError
        There is no MeasurementSet, it does not say what orientation its correlator took, or there is none measured. Nothing is written then.
    """
    check_output(caltable, False, "Fringe Jones")
    series = read_orientation_file(infile) if infile.strip() else None
    with MeasurementSet(vis) as ms:
        taken = _taken(ms)
        every = np.arange(ms.nrow)
        time, field, scan, observation = (
            np.asarray(ms.read(c, every)) for c in ("TIME", "FIELD_ID", "SCAN_NUMBER", "OBSERVATION_ID")
        )
        sky = SkyGeometry(ms)
        nant = len(sky.positions_m)
        times, fields, observations, scans = _solution_times(time, field, scan, observation)
        early, now, late = (sky.directions_itrf(times + step, fields) for step in (-_STEP_S, 0.0, _STEP_S))
        delay, rate = np.zeros((len(times), nant)), np.zeros((len(times), nant))
        # Tables of the Earth's orientation count in UTC; scales of data may be others.
        for k, when in enumerate(utc_seconds(times, ms.time_frame).tolist()):
            wrong = _at(taken, int(observations[k]), when, vis)
            right = measured_orientation(when) if series is None else orientation_of_file(series, when, infile)
            before, delay[k], after = (orientation_delay_s(sky.positions_m, d[k], wrong, right) for d in (early, now, late))
            rate[k] = (after - before) / (2 * _STEP_S)
        table = CalTable.for_ms(ms, "Fringe Jones", "Float")
        windows = [w for w in ms.metadata.spectral_windows if w.nchan]
        # The channel above the middle of an even number, as the reference.
        middle_hz = np.array([w.chan_freq_hz[w.nchan // 2] for w in windows])
        table.set_frequencies({w.id: (middle_hz[k : k + 1], np.array([w.chan_width_hz.sum()])) for k, w in enumerate(windows)})
        # Rows of a scan go by antennas, then times, then spectral windows.
        which, antenna = _row_order(scans, nant)
        delays, rates = (np.repeat(v[which, antenna], len(windows)) for v in (delay, rate))
        phase = 2 * np.pi * delays * np.tile(middle_hz, len(which))
        values = np.tile(np.stack([phase, delays * 1e9, rates, 0 * delays], axis=-1), 2)[:, None].astype(np.float32)
        ones = np.ones_like(values)
        group = SolutionGroup(np.zeros(0, np.int64), values, -ones, np.zeros(values.shape, bool), ones, ones.copy())
        times, fields, observations, antenna = (
            np.repeat(v, len(windows)) for v in (times[which], fields[which], observations[which], antenna)
        )
        table.add_rows(
            group, time_s=times, field_id=fields, scan=-1, observation=observations, spw_id=np.tile([w.id for w in windows], len(which)),
            antenna1=antenna, antenna2=-1,
        )  # fmt: skip
        log.post(f"orientation of the Earth: corrections up to {np.abs(delay).max() * 1e9:.3f} ns")
        table.write(caltable, overwrite=True)


def _taken(ms: MeasurementSet) -> dict[str, np.ndarray]:
    """The correlator's values: time, observation, pole (row, 2) [rad] and UT1 - UTC."""
    if not is_table(f"{ms.path}/{_TABLE}"):
        raise DataError(
            f"gencal: {ms.path!r} has no {_TABLE} table, which says what orientation of the Earth its correlator took"
        )
    table = ms.subtable(_TABLE)
    try:
        missing = [c for c in ("TIME", "OBSERVATION_ID", "PM", "UT1_UTC") if c not in table.colnames()]
        if missing or not table.nrows():
            raise DataError(f"gencal: the {_TABLE} table of {ms.path!r} has no {', '.join(missing) or 'rows'}")
        return {c: np.asarray(table.getcol(c)) for c in ("TIME", "OBSERVATION_ID", "PM", "UT1_UTC")}
    finally:
        table.close()


def _solution_times(
    time: np.ndarray, field: np.ndarray, scan: np.ndarray, observation: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """First, middle and last time of each scan of a field, with the field, the observation, and a number for the scan."""
    found: list[tuple[float, int, int, int]] = []
    for number, key in enumerate(np.unique(np.stack([observation, scan, field], axis=1), axis=0).tolist()):
        own = np.unique(time[(observation == key[0]) & (scan == key[1]) & (field == key[2])])
        found += [(float(t), key[2], key[0], number) for t in np.unique(own[[0, len(own) // 2, -1]])]
    found.sort()
    times, fields, observations, scans = (np.array(c) for c in zip(*found, strict=True))
    return times.astype(np.float64), fields.astype(np.int64), observations.astype(np.int64), scans.astype(np.int64)


def _row_order(scans: np.ndarray, nant: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of the time and of the antenna of each row: scans in the order of their beginning, in each the antennas, of each its times."""
    found = []
    for scan in dict.fromkeys(scans.tolist()):
        own = np.flatnonzero(scans == scan)
        found.append(np.stack([np.tile(own, nant), np.repeat(np.arange(nant), len(own))]))
    which, antenna = np.concatenate(found, axis=1)
    return which, antenna


def _at(taken: dict[str, np.ndarray], observation: int, time_s: float, vis: str) -> Orientation:
    mine = np.flatnonzero(taken["OBSERVATION_ID"] == observation)
    if not len(mine):
        raise DataError(f"gencal: the {_TABLE} table of {vis!r} has nothing for observation {observation}")
    mine = mine[np.argsort(taken["TIME"][mine], kind="stable")]
    when = taken["TIME"][mine]
    x, y, ut1 = (np.interp(time_s, when, v[mine]) for v in (taken["PM"][:, 0], taken["PM"][:, 1], taken["UT1_UTC"]))
    return float(x), float(y), float(ut1)
