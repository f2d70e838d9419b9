"""First guesses of the lines of a profile."""

from __future__ import annotations

import numpy as np

from casatools.analysis.profile_requests import Estimate

__all__ = ["base_level", "find_lines"]

_NOISE_LIMIT = 3.0
# The lower quartile of the absolute value of a normal deviate.
_QUARTILE = 0.3186


def find_lines(values: np.ndarray, good: np.ndarray, count: int, level: float = 0.0) -> list[Estimate]:
    """The strongest lines of a profile, at most `count`; fewer when nothing else stands out of the noise.

    Parameters
    ----------
    values : ndarray (point,)
    good : ndarray (point,) bool
    count : int
    level : float
        What the lines stand on.

    Notes
    -----
    Lines are taken one after the other: the highest local extreme of the profile smoothed over three points gives centre and
    amplitude, the points where it has fallen to half the width; its Gaussian is subtracted before the next. Noise is estimated
    from the lower quartile of differences of neighbours, of first to third order: the higher ones see less of broad lines.
    """
    x = np.arange(len(values))
    rest = np.interp(x, x[good], values[good] - level) if good.any() else np.zeros(len(values))
    noise = _noise(rest)
    found: list[Estimate] = []
    while len(found) < count and len(values) >= 3:
        smooth = np.convolve(np.pad(rest, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
        size = np.abs(smooth)
        inner = np.flatnonzero((size[1:-1] >= size[:-2]) & (size[1:-1] > size[2:]) & (size[1:-1] > _NOISE_LIMIT * noise)) + 1
        if not inner.size:
            break
        at = int(inner[np.argmax(size[inner])])
        line = _line(rest, smooth, at)
        found.append(line)
        rest = rest - line.amplitude * np.exp(-4 * np.log(2) * ((x - line.centre) / line.fwhm) ** 2)
    return sorted(found, key=lambda line: -abs(line.amplitude))


def _noise(values: np.ndarray) -> float:
    found = []
    for order, gain in ((1, 2.0), (2, 6.0), (3, 20.0)):
        if len(values) > 2 * order:
            found.append(float(np.percentile(np.abs(np.diff(values, order)), 25)) / _QUARTILE / np.sqrt(gain))
    return min(found, default=0.0)


def base_level(values: np.ndarray) -> float:
    """What lines stand on: the mean of the half of the values that lie closest together."""
    ordered = np.sort(values)
    half = (len(ordered) + 1) // 2
    spans = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    at = int(np.argmin(spans))
    return float(ordered[at : at + half].mean())


def _line(rest: np.ndarray, smooth: np.ndarray, at: int) -> Estimate:
    sign = np.sign(smooth[at])
    near = slice(max(at - 1, 0), at + 2)
    peak = float(sign * np.max(sign * rest[near]))
    half = sign * smooth / abs(smooth[at]) <= 0.5
    left, right = np.flatnonzero(half[:at]), np.flatnonzero(half[at:])
    reach = [at - left[-1]] if left.size else []
    reach += [right[0]] if right.size else []
    # The nearer side is less blended with other lines.
    width = 2.0 * float(min(reach)) if reach else float(len(rest))
    three = smooth[at - 1 : at + 2]
    bend = float(three[0] - 2 * three[1] + three[2])
    shift = 0.5 * float(three[0] - three[2]) / bend if bend else 0.0
    return Estimate(peak, at + float(np.clip(shift, -0.5, 0.5)), max(width - 0.5, 1.0))
