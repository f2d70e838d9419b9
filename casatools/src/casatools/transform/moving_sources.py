"""Frames of fields that move along an ephemeris: the direction followed in time, and the frame of the source itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from casatools._base.constants import AU_M, SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction
from casatools.frames.ephemeris import ephemeris_directions
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.interpolation import on_nodes
from casatools.frames.observatories import Position
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import EphemerisTable, field_ephemeris
from casatools.io.ms.metadata import Field
from casatools.transform.field_directions import phase_centres

__all__ = ["ephemeris_field", "moving_factor", "source_factor"]

_AU_PER_DAY_M_S = AU_M / 86400.0
_NODE_STEP_S = 600.0


def ephemeris_field(ms: MeasurementSet, fields: list[int], centre: Any) -> Field | None:
    """The field whose ephemeris gives the direction: the first one, or that of a number, when it has one; None otherwise.

    ``TRACKFIELD`` in place of a direction stands for the first field too.
    """
    text = str(centre).strip() if isinstance(centre, (str, int, np.integer)) else "x"
    number = fields[0] if text in ("", "TRACKFIELD") and fields else int(text) if text.isdigit() else -1
    if not 0 <= number < len(ms.metadata.fields):
        return None
    found = ms.metadata.fields[number]
    return found if found.ephemeris_id >= 0 else None


def moving_factor(
    ms: MeasurementSet, own: str, target: str, found: Field, position: Position
) -> Callable[[np.ndarray], np.ndarray]:
    """Times [s] of the data's scale to frequencies in a frame over those in the data's, for the direction of a moving field at each time."""
    return _followed(ms, own, target, lambda time_s: phase_centres(ms, found, np.array([time_s])), position)


def _followed(
    ms: MeasurementSet, own: str, target: str, place: Callable[[float], tuple[np.ndarray, np.ndarray, str]], position: Position
) -> Callable[[np.ndarray], np.ndarray]:
    """Times to factors between frames for a direction that is a function of time; both take times of the data's scale."""

    def exact(time_s: float) -> np.ndarray:
        lon, lat, frame = place(time_s)
        direction = Direction(float(lon[0]), float(lat[0]), frame)
        return np.asarray(float(doppler_factor(own, target, utc_seconds(time_s, ms.time_frame), direction, position)))

    return lambda times: on_nodes(np.asarray(times, dtype=np.float64), exact, _NODE_STEP_S)


def source_factor(
    ms: MeasurementSet, own: str, found: Field | None, position: Position, table: EphemerisTable | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Times [s] of the data's scale to frequencies in the frame of the moving source over those in the data's.

    Frequencies go to the centre of the Earth first; the radial velocity of the ephemeris, which is for there, then takes them to the source
    by sqrt((1 + v/c) / (1 - v/c)). With `table` the object is that of this ephemeris, whatever the field.

    Raises
    ------
    ParameterError
        The field has no ephemeris.
    """
    if table is not None:
        given = table
        geocentric = _followed(
            ms,
            own,
            "GEO",
            lambda time_s: (*ephemeris_directions(given, utc_seconds([time_s], ms.time_frame)), given.frame),
            position,
        )
    elif found is None:
        raise ParameterError("parameter 'outframe' can be 'source' only for a field with an ephemeris; the first field has none")
    else:
        given = field_ephemeris(ms.path, found.ephemeris_id)
        geocentric = moving_factor(ms, own, "GEO", found, position)

    def factor(times: np.ndarray) -> np.ndarray:
        days = utc_seconds(np.asarray(times, dtype=np.float64), ms.time_frame) / 86400.0
        beta = np.interp(days, given.mjd, given.radial_au_d) * _AU_PER_DAY_M_S / SPEED_OF_LIGHT_M_S
        return np.asarray(geocentric(times) * np.sqrt((1.0 + beta) / (1.0 - beta)))

    return factor
