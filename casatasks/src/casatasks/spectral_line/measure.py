"""What the main job measures: calibrators, continuum source, spectrum, integrated line flux, velocity and width of the line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Profile", "brightest_point", "fitted_channels", "island_box", "line_profile", "line_width"]

_SPEED_OF_LIGHT_KM_S = 299792.458


@dataclass(frozen=True)
class Profile:
    """What a line's profile says; velocities [km/s] are in the radio definition, the flux is in Jy km/s, the peak in Jy."""

    flux: float
    flux_error: float
    systemic: float
    systemic_error: float
    width: float
    width_error: float
    peak: float


def fitted_channels(fitspec: str, nchan: int) -> np.ndarray:
    """Boolean mask (chan,) of the channels that a continuum selection such as ``0:4~6;50~59`` names; all False where it names none."""
    chosen = np.zeros(nchan, dtype=bool)
    for part in re.split("[;,]", fitspec.rpartition(":")[2]):
        ends = re.fullmatch(r"\s*(\d+)\s*(?:~\s*(\d+)\s*)?", part)
        if ends:
            chosen[int(ends[1]) : int(ends[2] or ends[1]) + 1] = True
    return chosen


def brightest_point(plane: np.ndarray) -> tuple[float, float, float]:
    """Place and height of the peak of an image, better than to a pixel.

    Parameters
    ----------
    plane : ndarray (x, y) [any unit]
        NaN where masked.

    Returns
    -------
    x, y, height : float
        The vertex of paraboloids through the logarithm of the brightest pixel and its neighbours: exact for a Gaussian
        along the axes.
    """
    x, y = (int(k) for k in np.unravel_index(np.nanargmax(plane), plane.shape))
    height = float(plane[x, y])
    if not (0 < x < plane.shape[0] - 1 and 0 < y < plane.shape[1] - 1):
        return float(x), float(y), height
    gain, place = 0.0, [float(x), float(y)]
    for axis, line in enumerate((plane[x - 1 : x + 2, y], plane[x, y - 1 : y + 2])):
        if not np.all(line > 0):
            continue
        before, here, after = np.log(line)
        bend = before - 2.0 * here + after
        if bend < 0:
            place[axis] += float(0.5 * (before - after) / bend)
            gain += float(-((before - after) ** 2) / (8.0 * bend))
    return place[0], place[1], height * float(np.exp(gain))


def island_box(plane: np.ndarray, threshold: float, margin: int) -> tuple[int, int, int, int]:
    """Bounding box ``x0, y0, x1, y1`` (inclusive) of the pixels above a threshold that hang together with the brightest one.

    Parameters
    ----------
    plane : ndarray (x, y)
    threshold : float
    margin : int
        Pixels added on every side.
    """
    from scipy.ndimage import label

    filled = np.nan_to_num(plane, nan=-np.inf)
    peak = np.unravel_index(np.argmax(filled), plane.shape)
    labels, _ = label((filled > threshold) | (filled >= filled[peak]))
    x, y = np.nonzero(labels == labels[peak])
    limit_x, limit_y = plane.shape[0] - 1, plane.shape[1] - 1
    low = max(0, int(x.min()) - margin), max(0, int(y.min()) - margin)
    return *low, min(limit_x, int(x.max()) + margin), min(limit_y, int(y.max()) + margin)


def line_width(velocity: np.ndarray, flux: np.ndarray, share: float = 0.5) -> tuple[float, float]:
    """Velocities on either side of a profile where it first reaches a share of its peak, coming from outside.

    Parameters
    ----------
    velocity : ndarray (chan,) [km/s]
        Ascending.
    flux : ndarray (chan,) [Jy]
    share : float

    Returns
    -------
    low, high : float [km/s]
        Interpolated between channels.
    """
    level = share * flux.max()
    above = np.flatnonzero(flux >= level)
    first, last = int(above[0]), int(above[-1])
    low, high = float(velocity[first]), float(velocity[last])
    if first > 0:
        low = float(np.interp(level, flux[[first - 1, first]], velocity[[first - 1, first]]))
    if last < len(flux) - 1:
        high = float(np.interp(level, flux[[last + 1, last]], velocity[[last + 1, last]]))
    return low, high


def line_profile(velocity: np.ndarray, flux: np.ndarray, is_line: np.ndarray, noise: float, scale_error: float) -> Profile:
    """Integrate a spectrum and find the middle and the width of its line.

    Parameters
    ----------
    velocity : ndarray (chan,) [km/s]
        Ascending, evenly spaced.
    flux : ndarray (chan,) [Jy]
    is_line : ndarray of bool (chan,)
        Channels that are summed.
    noise : float
        Standard deviation of one channel of the spectrum [Jy].
    scale_error : float
        Relative uncertainty of the flux scale.

    References
    ----------
    Koribalski et al. 2004, AJ 128, 16, section 3: errors of the systemic velocity, 3 sqrt(P dv) / SNR, and of the 50 % width, twice
    that, with P half the difference of the widths at 20 % and 50 % of the peak.
    """
    step = float(np.median(np.diff(velocity)))
    total = float(flux[is_line].sum() * step)
    error = float(np.hypot(noise * np.sqrt(is_line.sum()) * step, scale_error * total))
    inside = np.where(is_line, flux, 0.0)
    low, high = line_width(velocity, inside)
    low20, high20 = line_width(velocity, inside, 0.2)
    peak = float(inside.max())
    slope = max(0.5 * ((high20 - low20) - (high - low)), step)
    uncertain = 3.0 * float(np.sqrt(slope * step)) * noise / peak
    return Profile(total, error, 0.5 * (low + high), uncertain, high - low, 2.0 * uncertain, peak)


def channel_velocities(freq_hz: np.ndarray, rest_hz: float) -> np.ndarray:
    """Radio velocities (chan,) [km/s]."""
    return _SPEED_OF_LIGHT_KM_S * (1.0 - np.asarray(freq_hz, dtype=float) / rest_hz)


def masked_plane(values: dict[str, Any]) -> np.ndarray:
    """The plane (x, y) of a record of imval, NaN where masked."""
    return np.where(values["mask"], values["data"], np.nan)
