"""How spectra are put onto other channels: interpolation, averages over wide channels, and shifts in the Fourier plane.

References
----------
CASA documentation of mstransform: parameters interpolation and preaverage. de Boor, "A practical guide to splines" (2001), chapter IV: the natural
cubic spline. Bracewell, "The Fourier transform and its applications", 3rd ed. (2000), chapter 6: the shift theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from casatools._base.errors import ParameterError
from casatools.kernels.channel_taps import any_tap_flagged, sum_taps

__all__ = ["INTERPOLATIONS", "ChannelMap", "TapTable", "average_taps", "interpolation_taps", "shift_channels"]

INTERPOLATIONS = ("nearest", "linear", "cubic", "spline", "fftshift")
# Positions this close to a channel, in channels, are that channel; rounding must not make it depend on (flags of) its neighbour.
_HIT = 1e-6
# From this ratio of widths on, new channels are means over points inside of them.
_WIDE = 1.995


@dataclass(frozen=True)
class TapTable:
    """A sparse matrix from old to new channels.

    Attributes
    ----------
    first : ndarray (new + 1,) int64
    index : ndarray (tap,) int64
    share : ndarray (tap,) float64
    outside : ndarray (new,) bool
        New channels that lie, in part, outside of the old ones.
    """

    first: np.ndarray
    index: np.ndarray
    share: np.ndarray
    outside: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(row, chan, corr) to (row, new, corr)."""
        out = np.empty((len(values), len(self.first) - 1, values.shape[2]), dtype=values.dtype)
        sum_taps(np.ascontiguousarray(values), self.first, self.index, self.share, out)
        return out

    def apply_flags(self, flag: np.ndarray) -> np.ndarray:
        """Flags (row, chan, corr) to those of the new channels."""
        out = np.empty((len(flag), len(self.first) - 1, flag.shape[2]), dtype=bool)
        any_tap_flagged(np.ascontiguousarray(flag), self.first, self.index, self.outside, out)
        return out


def _positions(centre_hz: np.ndarray, target_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left neighbour, fraction of the way to the right one, and whether a target lies outside."""
    n = len(centre_hz)
    if n == 1:
        outside = target_hz != centre_hz[0]
        return np.zeros(len(target_hz), dtype=np.int64), np.zeros(len(target_hz)), outside
    left = np.clip(np.searchsorted(centre_hz, target_hz, side="right") - 1, 0, n - 2)
    fraction = (target_hz - centre_hz[left]) / (centre_hz[left + 1] - centre_hz[left])
    outside = (fraction < -_HIT) | (fraction > 1.0 + _HIT)
    fraction[np.abs(fraction) <= _HIT] = 0.0
    fraction[np.abs(fraction - 1.0) <= _HIT] = 1.0
    return left, fraction, outside


def interpolation_taps(centre_hz: np.ndarray, target_hz: np.ndarray, kind: str) -> TapTable:
    """Taps of an interpolation at some frequencies.

    Parameters
    ----------
    centre_hz : ndarray (chan,) float64
        Rising.
    target_hz : ndarray (new,) float64
    kind : {"nearest", "linear", "cubic"}
        "cubic" is the polynomial through the four nearest channels. Beyond the outermost channels their values are continued.

    Returns
    -------
    TapTable
    """
    left, fraction, outside = _positions(centre_hz, target_hz)
    n, count = len(centre_hz), len(target_hz)
    fraction = np.clip(fraction, 0.0, 1.0)
    if kind == "nearest":
        nearest = np.minimum(left + (fraction > 0.5), n - 1)
        return TapTable(np.arange(count + 1, dtype=np.int64), nearest, np.ones(count), outside)
    if kind == "linear" or n < 4:
        index = np.stack([left, np.minimum(left + 1, n - 1)], axis=1)
        return _table(index, np.stack([1.0 - fraction, fraction], axis=1), outside)
    index = np.clip(left - 1, 0, n - 4)[:, None] + np.arange(4)
    x = centre_hz[index]
    at = np.where(fraction == 0.0, centre_hz[left], np.where(fraction == 1.0, centre_hz[left + 1], target_hz))[:, None]
    share = np.ones((count, 4))
    for j in range(4):
        for m in range(4):
            if m != j:
                share[:, j] *= (at[:, 0] - x[:, m]) / (x[:, j] - x[:, m])
    return _table(index, share, outside)


def _table(index: np.ndarray, share: np.ndarray, outside: np.ndarray) -> TapTable:
    """Taps given as rectangles, without those that count nothing."""
    keep = share != 0.0
    first = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int64)
    return TapTable(first, np.ascontiguousarray(index[keep]), np.ascontiguousarray(share[keep]), outside)


def average_taps(fine: TapTable, owner: np.ndarray, count: int) -> TapTable:
    """Means over groups of the new channels of a table.

    Parameters
    ----------
    fine : TapTable
    owner : ndarray (fine,) int64
        Group of each, rising; -1 leaves it out.
    count : int
        Groups; none may be empty.
    """
    taps = np.diff(fine.first)
    group = np.repeat(owner, taps)
    used = group >= 0
    group, index = group[used], fine.index[used]
    share = fine.share[used] / np.bincount(owner[owner >= 0], minlength=count)[group]
    old = int(index.max()) + 1
    key, inverse = np.unique(group * old + index, return_inverse=True)
    summed = np.bincount(inverse, weights=share)
    first = np.searchsorted(key, np.arange(count + 1) * old).astype(np.int64)
    outside = np.bincount(owner[owner >= 0], weights=fine.outside[owner >= 0], minlength=count) > 0
    return TapTable(first, key % old, summed, outside)


def shift_channels(values: np.ndarray, shift: float) -> np.ndarray:
    """Spectra (row, chan, corr) read `shift` channels further up, by a phase gradient in the Fourier plane."""
    n = values.shape[1]
    turns = np.exp(2j * np.pi * np.fft.fftfreq(n) * shift).astype(np.complex64)
    shifted = np.fft.ifft(np.fft.fft(values, axis=1) * turns[None, :, None], axis=1)
    return np.ascontiguousarray(shifted.astype(np.complex64) if np.iscomplexobj(values) else shifted.real.astype(np.float32))


@dataclass(frozen=True)
class ChannelMap:
    """Old channels, in their frame, to new ones in another.

    Attributes
    ----------
    centre_hz : ndarray (chan,) float64
        Rising, in their own frame.
    low_hz, high_hz : ndarray (new,) float64
        Edges of the new channels, rising, in the new frame.
    kind : str
        One of `INTERPOLATIONS`.
    width_hz : float
        Of the old channels, in the new frame.
    averages : bool
        Where new channels are at least twice as wide, take means over points in them; else their centres only.

    Notes
    -----
    The points are as many, over all new channels, as there are old channels; they begin at the lower edge of the first new channel, as in the
    reference, so that a new channel stands for a frequency up to half a point's distance off its centre.
    """

    centre_hz: np.ndarray
    low_hz: np.ndarray
    high_hz: np.ndarray
    kind: str
    width_hz: float
    averages: bool = True

    def __post_init__(self) -> None:
        if self.kind not in INTERPOLATIONS:
            raise ParameterError(f"parameter 'interpolation' must be one of {', '.join(INTERPOLATIONS)}; got {self.kind!r}")

    @property
    def ratio(self) -> float:
        """Width of the new channels in old ones."""
        return float(self.high_hz[0] - self.low_hz[0]) / self.width_hz

    @cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Frequencies to interpolate at, and the new channel that each belongs to (None where they are the new channels)."""
        count = len(self.low_hz)
        if not self.averages or self.ratio < _WIDE:
            return 0.5 * (self.low_hz + self.high_hz), None
        fine = len(self.centre_hz) * max(1, -(-count // len(self.centre_hz)))
        step = float(self.high_hz[-1] - self.low_hz[0]) / fine
        at = self.low_hz[0] + step * np.arange(fine)
        return at, np.searchsorted(self.low_hz - 1e-6 * step, at, side="right") - 1

    def taps(self, factor: float, kind: str) -> TapTable:
        """The table for old frequencies that are `factor` times higher in the new frame."""
        at, owner = self.points
        table = interpolation_taps(self.centre_hz, at / factor, kind)
        return table if owner is None else average_taps(table, owner, len(self.low_hz))

    def drift(self, factor: float, reference: float) -> float:
        """New channels by which the old frequencies have moved since `reference`."""
        middle = 0.5 * float(self.low_hz[0] + self.high_hz[-1])
        return middle * (reference / factor - 1.0) / float(self.high_hz[0] - self.low_hz[0])

    def spline(self, values: np.ndarray, factor: float) -> np.ndarray:
        """Natural cubic splines through (row, chan, corr)."""
        from scipy.interpolate import CubicSpline

        at, owner = self.points
        if len(self.centre_hz) < 3:
            return self.taps(factor, "linear").apply(values)
        scale = self.centre_hz[-1] - self.centre_hz[0]
        x = (self.centre_hz - self.centre_hz[0]) / scale
        where = np.clip((at / factor - self.centre_hz[0]) / scale, 0.0, 1.0)
        found = CubicSpline(x, values, axis=1, bc_type="natural")(where).astype(values.dtype)
        if owner is None:
            return np.ascontiguousarray(found)
        every = TapTable(
            np.arange(len(at) + 1, dtype=np.int64), np.arange(len(at)), np.ones(len(at)), np.zeros(len(at), dtype=bool)
        )
        return average_taps(every, owner, len(self.low_hz)).apply(found)

    def mapper(self, factor: float, reference: float) -> tuple[Callable[[np.ndarray], np.ndarray], TapTable, float]:
        """How to map values at one time, the table for flags, and the drift to flag for."""
        flags = "nearest" if self.kind == "nearest" else "linear"
        if self.kind == "fftshift":
            table = self.taps(reference, flags)
            drift = self.drift(factor, reference)
            if drift == 0.0:
                return table.apply, table, 0.0
            return (lambda values: shift_channels(table.apply(values), drift)), table, drift
        table = self.taps(factor, flags)
        if self.kind == "spline":
            return (lambda values: self.spline(values, factor)), table, 0.0
        return (table if self.kind == flags else self.taps(factor, self.kind)).apply, table, 0.0
