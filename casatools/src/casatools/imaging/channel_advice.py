"""Which channels of data are needed for an image's frequencies, and which frequencies data have in a frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction
from casatools.frames.epochs import utc_seconds
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["channels_for_range", "frequency_range", "hertz"]


def hertz(value: Any, name: str = "frequency") -> float:
    """A frequency [Hz] from text, a record of a quantity or a number of Hz.

    Raises
    ------
    ParameterError
        Nothing is given, or it is no frequency.
    """
    if value is None or (isinstance(value, (str, list, dict)) and not value):
        raise ParameterError(f"parameter {name!r} must be a frequency; got {value!r}")
    number, unit = parse_quantity(value)
    return float(to_unit({"value": number, "unit": unit}, "Hz") if unit else number)


def _frame_factors(ms: MeasurementSet, field_id: int, spw: int, frame: str, ephemeris: str = "") -> np.ndarray:
    """Factors from a spectral window's own frame to another at all times of a field; SOURCE is that of an ephemeris, or of the field's."""
    metadata = ms.metadata
    own = str(metadata.spectral_windows[spw].frame)
    if own == frame:
        return np.ones(1)
    rows = Selection(field=str(field_id)).resolve(ms).rows
    times = np.unique(ms.read("TIME", rows))
    found = metadata.fields[field_id]
    lon, lat = (float(v) for v in np.ravel(found.phase_dir[0])[:2])
    place = observatory_position(metadata.observations[0].telescope_name)
    position = place.itrf_m
    if frame == "SOURCE":
        from casatools.imaging.tracking import source_frame_factor, track_of

        if ephemeris and track_of(ephemeris, field_id) is None:
            raise ParameterError(f"ephemeris {ephemeris!r} is neither a table of positions nor a planet")
        return np.asarray(source_frame_factor(ms, own, field_id, track_of(ephemeris, field_id), place)(times))
    if found.ephemeris_id >= 0:
        from casatools.transform.moving_sources import moving_factor

        return np.asarray(moving_factor(ms, own, frame, found, place)(times))
    return np.asarray(
        doppler_factor(own, frame, utc_seconds(times, ms.time_frame), Direction(lon, lat, found.phase_frame), position)
    )


def frequency_range(path: str, field_id: int, spw: str, frame: str, ephemeris: str = "") -> tuple[float, float]:
    """Lowest and highest frequency [Hz], edges of channels, that selected channels have in a frame while a field was observed.

    Raises
    ------
    CasaError
        Field, spectral windows or frame are not there.
    """
    with MeasurementSet(path) as ms:
        chosen = Selection(spw=spw, field=str(field_id)).resolve(ms)
        descriptions = {int(d) for d in np.unique(ms.read("DATA_DESC_ID", chosen.rows))}
        low, high = [], []
        for ddid in sorted(descriptions):
            window_id = ms.metadata.data_descriptions[ddid].spw
            window = ms.metadata.spectral_windows[window_id]
            pick = chosen.channels.get(window_id)
            part = slice(None) if pick is None else pick
            centre, half = np.asarray(window.chan_freq_hz)[part], 0.5 * np.abs(np.asarray(window.chan_width_hz)[part])
            factors = _frame_factors(ms, field_id, window_id, frame, ephemeris)
            low.append(float((centre - half).min() * factors.min()))
            high.append(float((centre + half).max() * factors.max()))
        return min(low), max(high)


def channels_for_range(
    path: str, field_id: int, low_hz: float, high_hz: float, frame: str, ephemeris: str = ""
) -> list[tuple[int, int, int]]:
    """Channels that a range of frequencies in a frame needs while a field was observed.

    Returns
    -------
    list of (int, int, int)
        Spectral window, first channel and number of channels; empty when the data have none of the frequencies.
    """
    with MeasurementSet(path) as ms:
        found = []
        used = {
            ms.metadata.data_descriptions[int(d)].spw
            for d in np.unique(ms.read("DATA_DESC_ID", Selection(field=str(field_id)).resolve(ms).rows))
        }
        for spw in sorted(used):
            window = ms.metadata.spectral_windows[spw]
            factors = _frame_factors(ms, field_id, spw, frame, ephemeris)
            centre, half = np.asarray(window.chan_freq_hz), 0.5 * np.abs(np.asarray(window.chan_width_hz))
            inside = np.flatnonzero(((centre + half) * factors.max() > low_hz) & ((centre - half) * factors.min() < high_hz))
            if len(inside):
                found.append((spw, int(inside[0]), int(inside[-1] - inside[0] + 1)))
        return found
