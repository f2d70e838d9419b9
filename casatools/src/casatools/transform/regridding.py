"""Spectral windows seen in another frame, and the channels they are regridded to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, SelectionError
from casatools.frames.directions import Direction, parse_direction
from casatools.frames.epochs import parse_epoch
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.frames.quantities import to_unit
from casatools.io.ms import MeasurementSet
from casatools.transform.spectral_grid import GridRequest, InputChannels, joined_channels, spectral_grid

__all__ = ["channels_in_frame", "conversion_direction", "grid_of_windows", "grid_request", "scaled_channels"]


def grid_request(parameters: Mapping[str, Any]) -> GridRequest:
    """A request from the parameters mode, nchan, start, width, restfreq and veltype as users write them."""
    rest = parameters.get("restfreq")
    rest = rest[0] if isinstance(rest, (list, tuple)) and len(rest) else rest
    given = rest is not None and not (isinstance(rest, (str, list, tuple)) and not len(rest))
    return GridRequest(
        str(parameters["mode"]).lower(), int(parameters["nchan"]), parameters["start"], parameters["width"],
        float(to_unit(rest, "Hz")) if given else 0.0, str(parameters["veltype"]),
    )  # fmt: skip


def channels_in_frame(ms: MeasurementSet, spw: int, frame: str, time_s: float, direction: Direction) -> InputChannels:
    """The channels of a spectral window in a spectral frame at one time, by rising frequency.

    Raises
    ------
    ParameterError
        The frame is unknown, or the position of the observatory, which it needs, is.
    """
    window = ms.metadata.spectral_windows[spw]
    own = str(window.frame)
    factor = 1.0
    if frame and frame.upper() != own.upper():
        name = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
        factor = float(doppler_factor(own, frame.upper(), time_s, direction, observatory_position(name)))
    return scaled_channels(ms, spw, factor)


def scaled_channels(ms: MeasurementSet, spw: int, factor: float) -> InputChannels:
    """The channels of a spectral window, by rising frequency, their frequencies times a factor."""
    window = ms.metadata.spectral_windows[spw]
    centre, width = np.asarray(window.chan_freq_hz) * factor, np.abs(np.asarray(window.chan_width_hz)) * factor
    order = np.argsort(centre)
    descending = len(centre) > 1 and bool(centre[0] > centre[-1])
    return InputChannels((centre - 0.5 * width)[order], (centre + 0.5 * width)[order], descending)


def conversion_direction(ms: MeasurementSet, fields: Sequence[int], given: Any) -> Direction:
    """The direction a change of frame is for: one given, that of a field given by number, or that of the first field."""
    number = fields[0] if fields else 0
    nothing = given is None or (isinstance(given, (str, list, tuple)) and not len(given))
    if not nothing:
        if isinstance(given, (int, np.integer)) or (isinstance(given, str) and given.strip().isdigit()):
            number = int(given)
        else:
            return parse_direction(given)
    if not 0 <= number < len(ms.metadata.fields):
        raise SelectionError(f"there is no field {number}; there are fields 0 to {len(ms.metadata.fields) - 1}")
    found = ms.metadata.fields[number]
    lon, lat = (float(v) for v in np.ravel(found.phase_dir[0])[:2])
    return Direction(lon, lat, found.phase_frame)


def grid_of_windows(
    ms: MeasurementSet,
    spws: Sequence[int],
    fields: Sequence[int],
    obstime: str,
    frame: str,
    centre: Any,
    parameters: Mapping[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Edges [Hz] of the channels that spectral windows, joined, are regridded to; none where these would be narrower than the data's.

    Raises
    ------
    SelectionError
        A field or spectral window is not there, or no rows have them and no time is given.
    ParameterError
        A parameter cannot be read.
    """
    request = grid_request(parameters)
    wanted = list(spws) or [0]
    count = len(ms.metadata.spectral_windows)
    for spw in wanted:
        if not 0 <= spw < count:
            raise SelectionError(f"there is no spectral window {spw}; there are 0 to {count - 1}")
    direction = conversion_direction(ms, fields, centre)
    time_s = parse_epoch(obstime) if obstime else _first_time(ms, wanted, fields)
    data = joined_channels([channels_in_frame(ms, spw, frame, time_s, direction) for spw in wanted])
    try:
        return spectral_grid(data, request)
    except ParameterError as error:
        if "must not be smaller" not in str(error):
            raise
        # The reference answers a question about such a grid with nothing.
        log.post(str(error), "WARN")
        return np.zeros(0), np.zeros(0)


def _first_time(ms: MeasurementSet, spws: Sequence[int], fields: Sequence[int]) -> float:
    """The earliest time of the rows of some spectral windows and fields."""
    everything = np.arange(ms.nrow)
    ddids = [d for d, description in enumerate(ms.metadata.data_descriptions) if description.spw in spws]
    chosen = np.isin(ms.read("DATA_DESC_ID", everything), ddids)
    if fields:
        chosen &= np.isin(ms.read("FIELD_ID", everything), list(fields))
    if not chosen.any():
        raise SelectionError(f"no row has spectral windows {list(spws)} and fields {list(fields)}; give obstime")
    return float(np.asarray(ms.read("TIME", everything))[chosen].min())
