"""The channels that spectral windows are regridded to: from a mode, a start, a width and a number to frequencies.

References
----------
CASA documentation of cvel and mstransform: parameters mode, nchan, start, width, restfreq, outframe and veltype. Greisen et al. 2006, A&A 446, 747:
radio and optical velocities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.frames.quantities import parse_quantity, to_unit

__all__ = ["GridRequest", "InputChannels", "joined_channels", "spectral_grid"]

_MODES = ("channel", "channel_b", "frequency", "velocity")
# A part of a channel that may be missing at the end, for rounding.
_SLACK = 1e-6
_OPTICAL_SLACK = 0.01


@dataclass(frozen=True)
class InputChannels:
    """Channels to be regridded, by rising frequency in the frame of the output.

    Attributes
    ----------
    low_hz, high_hz : ndarray (chan,) float64
        Their edges.
    descending : bool
        The data hold them by falling frequency; channel numbers are counted so.
    """

    low_hz: np.ndarray
    high_hz: np.ndarray
    descending: bool = False


@dataclass(frozen=True)
class GridRequest:
    """What the new channels are to be.

    Attributes
    ----------
    mode : str
        "channel" (equal widths in Hz from channel numbers), "channel_b" (sums of whole input channels), "frequency" or "velocity".
    nchan : int
        -1 for as many as fit; channels beyond the data are made as well when asked for.
    start, width : int, str or dict
        Channel numbers, frequencies or velocities by the mode; ``""`` or [] for those of the data. With a negative width the channels go
        from the start to lower channel numbers, frequencies or velocities.
    rest_hz : float
        For velocities.
    veltype : str
        "radio" or "optical".
    """

    mode: str = "channel"
    nchan: int = -1
    start: Any = ""
    width: Any = ""
    rest_hz: float = 0.0
    veltype: str = "radio"

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise ParameterError(f"parameter 'mode' must be one of {', '.join(_MODES)}; got {self.mode!r}")
        if self.veltype.lower() not in ("radio", "optical"):
            raise ParameterError(f"parameter 'veltype' must be 'radio' or 'optical'; got {self.veltype!r}")
        if self.mode == "velocity" and self.rest_hz <= 0:
            raise ParameterError("parameter 'restfreq' must be given, above 0, for mode='velocity'")

    def hz_of(self, velocity_m_s: np.ndarray | float) -> np.ndarray:
        """Frequencies of velocities."""
        ratio = np.asarray(velocity_m_s) / SPEED_OF_LIGHT_M_S
        return self.rest_hz * (1.0 - ratio) if self.veltype.lower() == "radio" else self.rest_hz / (1.0 + ratio)

    def velocity_of(self, hz: float) -> float:
        """Velocity [m/s] of a frequency."""
        ratio = hz / self.rest_hz
        return SPEED_OF_LIGHT_M_S * (1.0 - ratio) if self.veltype.lower() == "radio" else SPEED_OF_LIGHT_M_S * (1.0 / ratio - 1.0)


def _given(value: Any) -> Any:
    """A parameter's value, None for none."""
    item = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    return None if item is None or (isinstance(item, (str, list, tuple)) and not len(item)) else item


def joined_channels(windows: list[InputChannels]) -> InputChannels:
    """Channels of several spectral windows as one; gaps are filled with channels of the width of the one before."""
    order = sorted(windows, key=lambda w: float(w.low_hz[0]))
    low, high = [order[0].low_hz], [order[0].high_hz]
    for window in order[1:]:
        top, width = float(high[-1][-1]), float(high[-1][-1] - low[-1][-1])
        gap = int(np.floor((float(window.low_hz[0]) - top) / width + 0.5))
        if gap > 0:
            edges = np.linspace(top, float(window.low_hz[0]), gap + 1)
            low.append(edges[:-1])
            high.append(edges[1:])
        # Channels that an earlier window covers are left to it.
        fresh = window.low_hz > top - 0.5 * width
        low.append(window.low_hz[fresh])
        high.append(window.high_hz[fresh])
    return InputChannels(np.concatenate(low), np.concatenate(high))


def spectral_grid(data: InputChannels, request: GridRequest) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the new channels.

    Returns
    -------
    low_hz, high_hz : ndarray (chan,) float64
        By rising frequency.

    Raises
    ------
    ParameterError
        A value cannot be read, lies outside of the data, or channels would be narrower than those of the data.
    """
    if request.mode in ("channel", "channel_b"):
        return _channels(data, request)
    edges = _velocity_edges(data, request) if request.mode == "velocity" else _frequency_edges(data, request)
    narrowest = float((data.high_hz - data.low_hz).min())
    # Channels of one optical velocity become narrower in frequency beyond the data's end, also where the width is the data's own.
    slack = _SLACK if _given(request.width) is not None else _OPTICAL_SLACK
    if float(np.diff(edges).min()) < narrowest * (1.0 - slack):
        raise ParameterError(
            f"parameter 'width' must not be smaller than the data's channels of {narrowest:.9g} Hz; got {request.width!r}"
        )
    return edges[:-1], edges[1:]


def _number(value: Any, name: str, default: int) -> int:
    found = _given(value)
    if found is None:
        return default
    try:
        return int(found)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"parameter {name!r} must be a channel number for mode='channel'; got {value!r}") from error


def _quantity(value: Any, name: str, unit: str) -> float | None:
    found = _given(value)
    if found is None:
        return None
    if isinstance(found, (int, float)) or (isinstance(found, str) and not parse_quantity(found)[1]):
        raise ParameterError(f"parameter {name!r} must have a unit like {unit}; got {value!r}")
    return float(to_unit(found, unit))


def _channels(data: InputChannels, request: GridRequest) -> tuple[np.ndarray, np.ndarray]:
    width, start, total = _number(request.width, "width", 1), _number(request.start, "start", 0), len(data.low_hz)
    if width == 0:
        raise ParameterError(f"parameter 'width' must be at least 1 channel, up or down; got {request.width!r}")
    if not 0 <= start < total:
        raise ParameterError(f"parameter 'start' must be a channel from 0 to {total - 1}; got {request.start!r}")
    if data.descending:
        start, width = total - 1 - start, -width
    step, room = abs(width), (total - start if width > 0 else start + 1)
    fit = room // step
    if fit < 1 and request.nchan < 1:
        raise ParameterError(f"no new channel of {step} fits into the {room} channels from start={request.start!r}")
    count = fit if request.nchan < 1 else request.nchan
    inside = min(count, fit)
    if request.mode == "channel_b" and inside == count:
        first = start + width * np.arange(count) - (step - 1 if width < 0 else 0)
        first.sort()
        return data.low_hz[first], data.high_hz[first + step - 1]
    covered = max(1, inside * step)
    ends = sorted((start, start + (covered - 1 if width > 0 else 1 - covered)))
    size = float(data.high_hz[ends[1]] - data.low_hz[ends[0]]) * step / covered
    origin = float(data.low_hz[ends[0]]) if width > 0 else float(data.high_hz[ends[1]]) - count * size
    edges = origin + size * np.arange(count + 1)
    return edges[:-1], edges[1:]


def _frequency_edges(data: InputChannels, request: GridRequest) -> np.ndarray:
    bottom, top = float(data.low_hz[0]), float(data.high_hz[-1])
    width = _quantity(request.width, "width", "Hz")
    step = abs(width) if width is not None else float(data.high_hz[0] - data.low_hz[0])
    start = _quantity(request.start, "start", "Hz")
    falls = width is not None and width < 0 and start is not None
    low = bottom if start is None else start - 0.5 * step
    if low > top - 0.5 * step:
        raise ParameterError(
            f"parameter 'start' must be a frequency of the data, {bottom:.9g} to {top:.9g} Hz; got {request.start!r}"
        )
    low = max(low, bottom)  # as in the reference, the grid moves up to the data
    room = low + step - bottom if falls else top - low
    count = request.nchan if request.nchan >= 1 else max(1, int(np.floor(room / step + _SLACK)))
    return (low - step * (count - 1) if falls else low) + step * np.arange(count + 1)


def _velocity_edges(data: InputChannels, request: GridRequest) -> np.ndarray:
    """Edges at equal steps of velocity, by rising frequency; positive widths go from the start to higher velocities."""
    bottom, top = float(data.low_hz[0]), float(data.high_hz[-1])
    fastest, slowest = request.velocity_of(bottom), request.velocity_of(top)
    width = _quantity(request.width, "width", "m/s")
    first = request.velocity_of(float(data.low_hz[0])) - request.velocity_of(float(data.high_hz[0]))
    step = abs(width) if width is not None else first
    start = _quantity(request.start, "start", "m/s")
    if start is None:
        # Optical channels of one width in frequency differ in velocity: without a width the last one may reach over the end by this.
        slack = _SLACK if width is not None else _OPTICAL_SLACK
        fit = int(np.floor((fastest - slowest) / step + slack))
        count = request.nchan if request.nchan >= 1 else max(1, fit)
        velocities = fastest - step * np.arange(count + 1)
        return np.asarray(request.hz_of(velocities))
    if not slowest <= start <= fastest:
        raise ParameterError(
            f"parameter 'start' must be a velocity of the data, {slowest:.7g} to {fastest:.7g} m/s; got {request.start!r}"
        )
    rises = width is None or width > 0
    room = (fastest - start if rises else start - slowest) + 0.5 * step
    count = request.nchan if request.nchan >= 1 else max(1, int(np.floor(room / step + _SLACK)))
    edges = start - 0.5 * step + step * np.arange(count + 1) if rises else start + 0.5 * step - step * np.arange(count + 1)
    return np.sort(np.asarray(request.hz_of(edges)))
