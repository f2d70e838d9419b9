"""The spectral axis of an image: channels of a cube, or the one channel of a continuum image.

Frequencies of the data are taken into the frame of the image at the first time stamp of the data, as CASA does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError, SelectionError, naming
from casatools.frames.frequencies import frequency_to_velocity, velocity_to_frequency
from casatools.frames.quantities import parse_quantity, to_unit

__all__ = ["SpectralAxis", "band_axis", "continuum_axis", "cube_axis"]


@dataclass(frozen=True)
class SpectralAxis:
    """Channels of an image.

    Attributes
    ----------
    frequencies_hz : ndarray (chan,) float64
        Centres.
    width_hz : float
        Spacing, signed; of the whole band for a continuum image.
    frame : str
        Spectral frame; ``""`` when it is undefined.
    rest_hz : float
    tabular : bool
        Channels are not evenly spaced in frequency.
    """

    frequencies_hz: np.ndarray
    width_hz: float
    frame: str
    rest_hz: float
    tabular: bool = False

    @property
    def nchan(self) -> int:
        return len(self.frequencies_hz)

    def reach_text(self) -> str:
        """From where to where the channels reach, for messages."""
        half = 0.5 * abs(self.width_hz)
        low, high = float(self.frequencies_hz.min()) - half, float(self.frequencies_hz.max()) + half
        return f"{low / 1e9:.6f} to {high / 1e9:.6f} GHz ({self.frame or 'no frame'})"


def continuum_axis(edges_hz: Sequence[tuple[float, float]], frame: str, rest_hz: float, reffreq: str = "") -> SpectralAxis:
    """The one channel of a continuum image.

    Parameters
    ----------
    edges_hz : sequence of (float, float)
        Lowest and highest channel edge of each selected spectral window, over all times, in the frame of the image.
    frame : str
    rest_hz : float
    reffreq : str
        Reference frequency; the middle of the band when empty.

    Notes
    -----
    Without a rest frequency (0) the middle of the band stands for it.
    """
    low, high = min(e[0] for e in edges_hz), max(e[1] for e in edges_hz)
    middle = 0.5 * (low + high)
    centre = float(to_unit(reffreq, "Hz")) if reffreq else middle
    # The channel reaches as far to either side as the band does to one.
    width = 2.0 * max(centre - low, high - centre)
    return SpectralAxis(np.array([centre]), width, frame, rest_hz if rest_hz > 0 else middle)


def band_axis(axis: SpectralAxis, reffreq: str = "") -> SpectralAxis:
    """The one channel of a continuum image of all channels of a cube."""
    half = 0.5 * abs(axis.width_hz)
    edges = [(float(f) - half, float(f) + half) for f in axis.frequencies_hz]
    return continuum_axis(edges, axis.frame, axis.rest_hz, reffreq)


def cube_axis(
    data_hz: np.ndarray,
    width_hz: np.ndarray,
    nchan: int,
    start: Any,
    width: Any,
    frame: str,
    rest_hz: float,
    veltype: str = "radio",
) -> SpectralAxis:
    """The channels of a cube.

    Parameters
    ----------
    data_hz, width_hz : ndarray (n,) float64
        Centres and widths of the selected data channels in the frame of the image at the first time, in the order of the data.
    nchan : int
        -1 for as many as the data fill.
    start, width : int, str, dict
        Channel numbers, frequencies or velocities; ``""`` for the data's own: channels are counted from the lowest frequency then, also where they are
        put down from the highest (negative widths in Hz, positive ones in m/s).
    frame : str
    rest_hz : float
    veltype : str
        Velocity convention: radio or optical.

    Raises
    ------
    ParameterError, SelectionError
        A value cannot be read, or the cube would have no channel.
    """
    kind = _kind(start, width)
    if kind == "velocity":
        return _velocity_axis(data_hz, width_hz, nchan, start, width, frame, rest_hz, veltype)
    first_width = float(width_hz[0]) * (1.0 if len(data_hz) < 2 or data_hz[1] >= data_hz[0] else -1.0)
    if kind == "channel":
        count = int(width) if str(width) else 1
        if count == 0:
            raise ParameterError("tclean: parameter 'width' must not be 0 channels")
        number = int(start) if str(start) else (0 if count > 0 else len(data_hz) - 1)
        if not 0 <= number < len(data_hz):
            raise SelectionError(f"start={start!r} is outside the {len(data_hz)} selected channels")
        step = first_width * count
        # A channel of several starts with channel `number`: its centre lies half of the rest further on.
        centre = float(data_hz[number]) + 0.5 * (step - np.sign(step) * abs(first_width))
    else:
        step = _read("width", width, "Hz") if str(width) else first_width
        low, high = _band(data_hz, width_hz)
        first = _first_place(step, nchan, high - low)
        centre = _read("start", start, "Hz") if str(start) else low + first * abs(step)
    _require_width(step, width)
    total = nchan if nchan > 0 else _fill(centre, step, data_hz, width_hz)
    return SpectralAxis(centre + step * np.arange(total), step, frame, rest_hz)


def _read(name: str, value: Any, unit: str) -> float:
    """A parameter in a unit, which both of `start` and `width` are of."""
    with naming("tclean", name):
        return float(to_unit(value, unit))


def _kind(start: Any, width: Any) -> str:
    """Whether start and width are channels, frequencies or velocities."""
    for value in (start, width):
        if not counts_channels(value):
            unit = parse_quantity(value)[1]
            return "velocity" if unit.endswith("m/s") else "frequency"
    return "channel"


def counts_channels(value: Any) -> bool:
    """Whether a start or width is a number of channels or nothing, not a frequency or velocity."""
    text = str(value).strip()
    return not text or text.lstrip("+-").isdigit()


def _first_place(step: float, nchan: int, band: float) -> float:
    """Where the centre of the first channel is without a start: in steps from the low end of the band, where all channels are counted from."""
    total = nchan if nchan > 0 else int(np.floor(band / abs(step) + 1e-3))
    return 0.5 if step > 0 else total - 0.5


def _require_width(step: float, width: Any) -> None:
    if step == 0:
        raise ParameterError(f"tclean: parameter 'width' must not be 0; got {width!r}")


def _band(data_hz: np.ndarray, width_hz: np.ndarray) -> tuple[float, float]:
    return float((data_hz - 0.5 * np.abs(width_hz)).min()), float((data_hz + 0.5 * np.abs(width_hz)).max())


def _fill(centre: float, step: float, data_hz: np.ndarray, width_hz: np.ndarray) -> int:
    low, high = _band(data_hz, width_hz)
    room = (high - (centre - 0.5 * abs(step))) if step > 0 else ((centre + 0.5 * abs(step)) - low)
    count = int(np.floor(room / abs(step) + 1e-3))
    if count < 1:
        raise SelectionError(
            f"a cube from {centre:.9g} Hz in steps of {step:.6g} Hz has no channel within the data ({low:.9g} to {high:.9g} Hz)"
        )
    return count


def _velocity_axis(
    data_hz: np.ndarray, width_hz: np.ndarray, nchan: int, start: Any, width: Any, frame: str, rest_hz: float, veltype: str
) -> SpectralAxis:
    if rest_hz <= 0:
        raise ParameterError("velocities need a rest frequency: give restfreq")
    low, high = _band(data_hz, width_hz)
    ends = np.sort(frequency_to_velocity(np.array([low, high]), rest_hz, veltype))
    own = float((ends[1] - ends[0]) / max(1, len(data_hz)))
    step = _read("width", width, "m/s") if str(width) else own
    _require_width(step, width)
    # The highest velocity is the lowest frequency.
    first = _first_place(-step, nchan, float(ends[1] - ends[0]))
    centre = _read("start", start, "m/s") if str(start) else ends[1] - first * abs(step)
    room = (ends[1] - centre + 0.5 * abs(step)) if step > 0 else (centre + 0.5 * abs(step) - ends[0])
    total = nchan if nchan > 0 else int(np.floor(room / abs(step) + 1e-3))
    if total < 1:
        raise SelectionError(
            f"a cube from {centre / 1e3:.6g} km/s in steps of {step / 1e3:.6g} km/s has no channel within the data"
        )
    frequencies = velocity_to_frequency(centre + step * np.arange(total), rest_hz, veltype)
    spacing = float(frequencies[1] - frequencies[0]) if total > 1 else -step * rest_hz / SPEED_OF_LIGHT_M_S
    return SpectralAxis(frequencies, spacing, frame, rest_hz, tabular=veltype.lower() != "radio" and total > 1)
