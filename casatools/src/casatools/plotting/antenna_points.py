"""Points of plots with axes of single antennas: their elevations, azimuths, parallactic angles and pointings at the times of the data."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.imaging.antenna_pointings import pointing_tracks
from casatools.io.ms import MeasurementSet
from casatools.plotting.plot_axes import ANTENNA_AXES, PlotOptions
from casatools.transform.field_directions import array_position

__all__ = ["antenna_points"]

_BESIDE = ("time", "field", "scan", "observation", *ANTENNA_AXES)


def antenna_points(ms: MeasurementSet, rows: np.ndarray, options: PlotOptions) -> dict[str, np.ndarray]:
    """One point an antenna, time and field of the selected rows.

    Returns
    -------
    dict
        As `visibilities.collect_points`.

    Raises
    ------
    ParameterError
        An axis is not one of antennas, times, fields, scans or observations, or data are to be averaged.
    DataError
        Pointings are asked for that the POINTING table does not hold.
    """
    for name in options.axes.values():
        if name not in _BESIDE:
            raise ParameterError(
                f"plotms: axes of antennas go with one another and with time, field, scan and observation; got {name!r}"
            )
    if options.averages:
        raise ParameterError(
            "plotms: axes of antennas are not averaged; leave avgchannel, avgtime, avgscan, avgfield, avgbaseline and avgspw out"
        )
    columns = [np.asarray(ms.read(c, rows), dtype=np.float64) for c in ("TIME", "FIELD_ID", "SCAN_NUMBER", "OBSERVATION_ID")]
    both = [np.stack([*columns, np.asarray(ms.read(c, rows), dtype=np.float64)], axis=1) for c in ("ANTENNA1", "ANTENNA2")]
    time, field, scan, observation, antenna = np.unique(np.concatenate(both), axis=0).T
    known: dict[str, np.ndarray] = {"time": time, "field": field, "scan": scan, "observation": observation, "ant": antenna}
    numbers = antenna.astype(np.int64)
    wanted = set(options.axes.values())
    if wanted & {"ant-azimuth", "ant-elevation", "ant-parang"}:
        known.update(_angles(ms, time, field.astype(np.int64), numbers))
    if wanted & {"ant-ra", "ant-dec"}:
        times, at = np.unique(time, return_inverse=True)
        lon, lat = pointing_tracks(
            ms, times, array_position(ms), options.pointing_frame, options.pointing_interpolation, "an axis of ant-ra or ant-dec"
        )
        known["ant-ra"] = np.degrees(np.remainder(lon[numbers, at.ravel()], 2.0 * np.pi))
        known["ant-dec"] = np.degrees(lat[numbers, at.ravel()])
        if not np.isfinite(known["ant-ra"]).any():
            raise DataError(f"plotms: the POINTING table of {ms.path!r} has no entry for any antenna selected")
    out = {use: known[axis] for use, axis in options.axes.items()}
    none = np.zeros(len(time))
    out.setdefault("color", none)
    out.setdefault("panel", none)
    series = np.rint(field * 4096 + antenna).astype(np.int64)
    return {**out, "flagged": np.zeros(len(time), dtype=bool), "series": series, "order": time}


def _angles(ms: MeasurementSet, time: np.ndarray, field: np.ndarray, antenna: np.ndarray) -> dict[str, np.ndarray]:
    """Azimuth, elevation and parallactic angle [deg] of each point."""
    geometry = SkyGeometry(ms)
    slots, at = np.unique(np.stack([time, field.astype(np.float64)], axis=1), axis=0, return_inverse=True)
    at = at.ravel()
    when, which = slots[:, 0], slots[:, 1].astype(np.int64)
    found = {
        "ant-azimuth": geometry.azimuths(when, which),
        "ant-elevation": geometry.elevations(when, which),
        "ant-parang": geometry.zenith_angles(when, which),
    }
    return {name: np.degrees(values)[at, antenna] for name, values in found.items()}
