"""Solving delays from the phase slopes of the baselines to the reference antenna."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import ParameterError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions

__all__ = ["baseline_delays", "solve_delay_intervals"]

# Zeros are added to the spectra to this many times their length, which makes the peak of the transform smooth.
_PADDING = 8


def baseline_delays(spectra: np.ndarray, step_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Delays of spectra, from the peak of their padded Fourier transforms.

    Parameters
    ----------
    spectra : ndarray (..., chan) complex128
        Zero where flagged.
    step_hz : float
        Channel separation.

    Returns
    -------
    delay_ns : ndarray (...,)
        Positive where the phase rises with frequency.
    peak : ndarray (...,)
        Height of the peak over the sum of the amplitudes: one for a perfect delay.
    """
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


def solve_delay_intervals(
    data: IntervalData, baselines: Baselines, nant: int, minblperant: int, refant: int, step_hz: float
) -> Solutions:
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
    step_hz : float

    Raises
    ------
    ParameterError
        There is no reference antenna.
    """
    if refant < 0:
        raise ParameterError("a delay solution needs a reference antenna with data; give refant")
    weight = data.weight.sum(axis=1)
    vis = (data.vis * data.weight).sum(axis=1) / np.where(weight > 0, weight, 1.0)
    count, nbl, _, npar = vis.shape
    has = weight.sum(axis=2) > 0
    param = np.zeros((count, nant, 1, npar))
    flag = np.ones(param.shape, dtype=bool)
    has_data = np.zeros((count, nant, npar), dtype=bool)
    links = np.zeros((count, nant, npar))
    for b in range(nbl):
        for antenna in (int(baselines.ant1[b]), int(baselines.ant2[b])):
            has_data[:, antenna] |= has[:, b]
            links[:, antenna] += has[:, b]
    connected = links >= minblperant
    for b in np.flatnonzero((baselines.ant1 == refant) | (baselines.ant2 == refant)).tolist():
        first = baselines.ant1[b] == refant
        other = int(baselines.ant2[b] if first else baselines.ant1[b])
        delay, _ = baseline_delays(np.moveaxis(vis[:, b], 1, 2), step_hz)
        param[:, other, 0] = np.where(has[:, b], -delay if first else delay, 0.0)
        flag[:, other, 0] = ~has[:, b] | ~connected[:, other]
    flag[:, refant, 0] = ~has_data[:, refant] | ~connected[:, refant]
    param[flag] = 0.0
    nothing = np.zeros(param.shape)
    good = ~flag[:, :, 0]
    return Solutions(param, nothing, nothing.copy(), flag, has_data, connected, good)
