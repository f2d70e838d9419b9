"""Solving delays from the phase slopes of the baselines to the reference antenna."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions, baselines_with_data

__all__ = ["baseline_delays", "counts_alike", "frequency_grid", "on_grid", "solve_delay_intervals"]

# Zeros are added to the spectra to this many times their length, which makes the peak of the transform smooth.
_PADDING = 8
# Longest spectrum of joined spectral windows.
_LONGEST_GRID = 1 << 18


def frequency_grid(frequency_hz: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Places of channels on an even grid, its length and its step [Hz].

    Channels of several spectral windows have gaps between them; one off the grid goes to the nearest place.
    """
    order = np.sort(frequency_hz)
    apart = np.diff(order)
    apart = apart[apart > 0]
    if not len(apart):
        return np.zeros(len(frequency_hz), dtype=np.int64), 1, 1.0
    step = float(np.median(apart))
    count = round(float((order[-1] - order[0]) / step)) + 1
    if count > _LONGEST_GRID:
        raise DataError(
            f"the spectral windows to be joined span {count} channels; at most {_LONGEST_GRID} can be searched for delays: select nearer ones"
        )
    rising = np.round((frequency_hz - order[0]) / step).astype(np.int64)
    return rising, count, step


def on_grid(values: np.ndarray, frequency_hz: np.ndarray) -> tuple[np.ndarray, float]:
    """Values (..., chan) on the even grid of `frequency_grid`, zero in gaps; and its step [Hz]."""
    place, count, step = frequency_grid(frequency_hz)
    if count == len(place) and (np.diff(place) == 1).all():
        return values, step
    out = np.zeros((count, *values.shape[:-1]), dtype=values.dtype)
    np.add.at(out, place, np.moveaxis(values, -1, 0))
    return np.moveaxis(out, 0, -1), step


def baseline_delays(spectra: np.ndarray, frequency_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Delays of spectra, from the peak of their padded Fourier transforms.

    Parameters
    ----------
    spectra : ndarray (..., chan) complex128
        Zero where flagged.
    frequency_hz : ndarray (chan,)

    Returns
    -------
    delay_ns : ndarray (...,)
        Positive where the phase rises with frequency.
    peak : ndarray (...,)
        Height of the peak over the sum of the amplitudes: one for a perfect delay.
    """
    spectra, step_hz = on_grid(spectra, frequency_hz)
    count = spectra.shape[-1] * _PADDING
    transform = np.abs(np.fft.fft(spectra, count, axis=-1))
    top = transform.argmax(axis=-1)

    def at(offset: int) -> np.ndarray:
        return np.take_along_axis(transform, ((top + offset) % count)[..., None], axis=-1)[..., 0]

    before, peak, after = at(-1), at(0), at(1)
    bend = before - 2 * peak + after
    place = top + np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    place = np.where(place >= count / 2, place - count, place)
    total = np.abs(spectra).sum(axis=-1)
    return place / (count * step_hz) * 1e9, peak / np.where(total > 0, total, 1.0)


def counts_alike(data: IntervalData, joined: bool) -> bool:
    """Whether all channels count alike in delays, as in the reference: those of one average do.

    Channels of several (`preavg`, spectral windows that are `joined`) count by their weights, which is nearer to the truth.
    """
    return data.vis.shape[1] == 1 and not joined


def solve_delay_intervals(
    data: IntervalData, baselines: Baselines, nant: int, minblperant: int, refant: int, frequency_hz: np.ndarray,
    joined: bool = False,
) -> Solutions:  # fmt: skip
    """Solve antenna delays of whole intervals, relative to the reference antenna.

    Parameters
    ----------
    data : IntervalData
        With all channels.
    baselines : Baselines
    nant : int
    minblperant : int
        Antennas with fewer baselines have no solution.
    refant : int
        Its delay is zero.
    frequency_hz : ndarray (chan,)
        Of all channels; those of several spectral windows give a multi-band delay.
    joined : bool, optional
        The channels are those of several spectral windows.

    Raises
    ------
    ParameterError
        There is no reference antenna.
    """
    if refant < 0:
        raise ParameterError("a delay solution needs a reference antenna with data; give refant")
    weight = data.weight.sum(axis=1)
    vis = (data.vis * data.weight).sum(axis=1)
    if counts_alike(data, joined):
        vis /= np.where(weight > 0, weight, 1.0)
    count, _, _, npar = vis.shape
    has = weight.sum(axis=2) > 0
    param = np.zeros((count, nant, 1, npar))
    flag = np.ones(param.shape, dtype=bool)
    has_data = baselines_with_data(has, baselines, nant) > 0
    # Both receptors count, as for gains.
    connected = baselines_with_data(has.any(axis=2, keepdims=True), baselines, nant) >= minblperant
    for b in np.flatnonzero((baselines.ant1 == refant) | (baselines.ant2 == refant)).tolist():
        first = baselines.ant1[b] == refant
        other = int(baselines.ant2[b] if first else baselines.ant1[b])
        delay, _ = baseline_delays(np.where(has[:, b, :, None], np.moveaxis(vis[:, b], 1, 2), 0.0), frequency_hz)
        param[:, other, 0] = np.where(has[:, b], -delay if first else delay, 0.0)
        flag[:, other, 0] = ~has[:, b] | ~connected[:, other]
    flag[:, refant, 0] = ~has_data[:, refant] | ~connected[:, refant]
    param[flag] = 0.0
    nothing = np.zeros(param.shape)
    good = ~flag[:, :, 0]
    return Solutions(param, nothing, nothing.copy(), flag, has_data, connected, good)
