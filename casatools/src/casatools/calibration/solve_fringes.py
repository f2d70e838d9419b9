"""Fringe fitting: phase, delay and rate of each antenna.

The phase of baseline i j is the difference of ``phi + 2 pi (tau (nu - nu0) + r nu0 (t - t0))`` of its antennas, nu0 the middle of the
spectral window and t0 the middle of the interval. Delays and rates start from the peak of the two-dimensional Fourier transform of each
baseline to the reference antenna; least squares over all baselines refines them.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 9; Schwab & Cotton 1983, AJ 88, 688;
order and meaning of the parameters as observed in tables that CASA 6.7 wrote.
"""

from __future__ import annotations

import numpy as np

from casatools._base.errors import ParameterError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions
from casatools.calibration.solve_options import FringeOptions, SolveOptions

__all__ = ["fringe_peak", "solve_fringe_intervals"]

_PADDING = 8
# Change (rad) of any phase, delay term or rate term below which the least squares have converged.
_CONVERGED = 1e-8
# The signal to noise of the reference antenna, which has no noise of its own.
_REFERENCE_SNR = 999.0


def fringe_peak(vis: np.ndarray, step_s: float, step_hz: float, middle_hz: float, options: FringeOptions) -> tuple[float, float]:
    """Delay (ns) and rate (s/s) of the highest peak of the transform of visibilities (time, chan), zero where flagged."""
    ntime, nchan = vis.shape
    sizes = [1 if n == 1 else _PADDING * n for n in (ntime, nchan)]
    power = np.abs(np.fft.fft2(vis, sizes))
    rate = np.fft.fftfreq(sizes[0], step_s) / middle_hz
    delay = np.fft.fftfreq(sizes[1], step_hz) * 1e9
    for window, axis, values in ((options.rate_window, 0, rate), (options.delay_window_ns, 1, delay)):
        if window:
            inside = (values >= window[0]) & (values <= window[1])
            power = power * np.expand_dims(inside, 1 - axis)
    at = np.unravel_index(int(power.argmax()), power.shape)
    return float(delay[at[1]]), float(rate[at[0]])


def _steps(values: np.ndarray) -> float:
    """Separation of evenly spaced values; one for a single value."""
    used = np.unique(values[values != 0])
    return float(np.median(np.diff(used))) if len(used) > 1 else 1.0


def solve_fringe_intervals(
    data: IntervalData, baselines: Baselines, nant: int, options: SolveOptions, refant: int, frequency_hz: np.ndarray
) -> Solutions:
    """Fit fringes of whole intervals.

    Parameters
    ----------
    data : IntervalData
        With all channels and a sub-average for each time.
    baselines : Baselines
    nant : int
    options : SolveOptions
    refant : int
        Its parameters are zero.
    frequency_hz : ndarray (chan,)

    Returns
    -------
    Solutions
        Parameters for each receptor: phase (rad), delay (ns), rate (s/s), dispersive delay (zero).

    Raises
    ------
    ParameterError
        There is no reference antenna.
    """
    if refant < 0:
        raise ParameterError("a fringe fit needs a reference antenna with data; give refant")
    count, nhand = len(data.vis), data.vis.shape[-1]
    param = np.zeros((count, nant, 1, 8))
    snr, flag = np.zeros(param.shape), np.ones(param.shape, dtype=bool)
    has = np.zeros((count, nant, 8), dtype=bool)
    for t, hand in np.ndindex(count, nhand):
        vis, weight = data.vis[t, ..., hand], data.weight[t, ..., hand]
        assert data.sub_time_s is not None
        found, ratio, good = _fit(vis, weight, data.sub_time_s[t], frequency_hz, baselines, nant, refant, options.fringe)
        cut = slice(4 * hand, 4 * hand + 4)
        param[t, :, 0, cut] = found
        snr[t, :, 0, cut] = ratio[:, None]
        has[t, :, cut] = good[:, None]
        flag[t, :, 0, cut] = ~(good & (ratio >= options.minsnr))[:, None]
    if options.fringe.zero_rates:
        param[..., 2::4] = 0.0
    param[flag] = 0.0
    return Solutions(param, np.zeros(param.shape), snr, flag, has, has.copy(), ~flag[:, :, 0])


def _fit(
    vis: np.ndarray, weight: np.ndarray, times_s: np.ndarray, frequency_hz: np.ndarray, baselines: Baselines, nant: int, refant: int,
    options: FringeOptions,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Parameters (ant, 4), signal to noise (ant,) and whether there is a solution (ant,) of one interval and hand.

    `vis` and `weight` are (time, baseline, chan).
    """
    used = times_s > 0
    middle_hz = float(frequency_hz.mean())
    middle_s = 0.5 * (times_s[used].min() + times_s[used].max()) if used.any() else 0.0
    # Terms of the phase: 1, delay (ns), rate (s/s).
    along = np.where(used, times_s - middle_s, 0.0) * 2 * np.pi * middle_hz
    across = 2 * np.pi * (frequency_hz - middle_hz) * 1e-9
    param = np.zeros((nant, 4))
    good = np.zeros(nant, dtype=bool)
    good[refant] = bool((weight[:, (baselines.ant1 == refant) | (baselines.ant2 == refant)] > 0).any())
    for b in np.flatnonzero((baselines.ant1 == refant) | (baselines.ant2 == refant)).tolist():
        if not (weight[:, b] > 0).any():
            continue
        first = int(baselines.ant1[b]) == refant
        other = int(baselines.ant2[b] if first else baselines.ant1[b])
        spectrum = np.where(weight[:, b] > 0, vis[:, b], 0.0)
        spectrum = spectrum.conj() if first else spectrum
        delay, rate = fringe_peak(spectrum[used], _steps(times_s[used]), _steps(frequency_hz), middle_hz, options)
        delay, rate = delay * options.active[0], rate * options.active[1]
        left = spectrum * np.exp(-1j * (along[:, None] * rate + across * delay))
        param[other, :3] = np.angle(left.sum()), delay, rate
        good[other] = True
    if options.least_squares:
        _refine(param, good, vis, weight, along, across, baselines, refant, options)
    ratio = _signal_to_noise(param, good, vis, weight, along, across, baselines)
    ratio[refant] = _REFERENCE_SNR if good[refant] else 0.0
    param[:, 0] = np.angle(np.exp(1j * param[:, 0]))
    return param, ratio, good


def _left(param: np.ndarray, vis: np.ndarray, along: np.ndarray, across: np.ndarray, baselines: Baselines, b: int) -> np.ndarray:
    """Visibilities (time, chan) of a baseline without the fringes of its antennas."""
    phase, delay, rate = (param[baselines.ant1[b]] - param[baselines.ant2[b]])[:3]
    return np.asarray(vis[:, b] * np.exp(-1j * (phase + along[:, None] * rate + across * delay)))


def _refine(
    param: np.ndarray, good: np.ndarray, vis: np.ndarray, weight: np.ndarray, along: np.ndarray, across: np.ndarray,
    baselines: Baselines, refant: int, options: FringeOptions,
) -> None:  # fmt: skip
    """Gauss-Newton steps on the phases left, weighted by amplitude squared; `param` (ant, 4) is changed in place."""
    # Scaled terms keep the normal matrix well conditioned.
    scale = np.array([1.0, max(np.abs(across).max(), 1e-30), max(np.abs(along).max(), 1e-30)])
    ones = np.ones((len(along), len(across)))
    terms = np.stack([ones, ones * across / scale[1], ones * along[:, None] / scale[2]])
    active = np.array([True, options.active[0] and len(across) > 1, options.active[1] and np.ptp(along) > 0])
    free = np.flatnonzero((good & (np.arange(len(good)) != refant))[:, None] & active)
    for _ in range(options.niter if len(free) else 0):
        normal, right = np.zeros((3 * len(good),) * 2), np.zeros(3 * len(good))
        for b in range(len(baselines)):
            i, j = int(baselines.ant1[b]), int(baselines.ant2[b])
            if not (good[i] and good[j]) or not (weight[:, b] > 0).any():
                continue
            left = _left(param, vis, along, across, baselines, b)
            size = np.abs(left)
            power = weight[:, b] * size**2
            block = np.einsum("ptc,qtc,tc->pq", terms, terms, power)
            # The sine of the phase that is left pulls back whatever is further than a quarter of a turn.
            pull = np.einsum("ptc,tc->p", terms, weight[:, b] * size * left.imag)
            for a, c, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
                normal[3 * a : 3 * a + 3, 3 * c : 3 * c + 3] += sign * block
            right[3 * i : 3 * i + 3] += pull
            right[3 * j : 3 * j + 3] -= pull
        change = np.zeros(3 * len(good))
        change[free] = np.linalg.lstsq(normal[np.ix_(free, free)], right[free], rcond=None)[0]
        param[:, :3] += change.reshape(-1, 3) / scale
        if np.abs(change).max() < _CONVERGED:
            break


def _signal_to_noise(
    param: np.ndarray,
    good: np.ndarray,
    vis: np.ndarray,
    weight: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    baselines: Baselines,
) -> np.ndarray:
    """Coherent sum over its error for each antenna, from the scatter of what is left on its baselines."""
    signal, variance = np.zeros(len(good)), np.zeros(len(good))
    for b in range(len(baselines)):
        i, j = int(baselines.ant1[b]), int(baselines.ant2[b])
        w = weight[:, b]
        total = float(w.sum())
        if not (good[i] and good[j] and total > 0):
            continue
        left = _left(param, vis, along, across, baselines, b)
        mean = complex((w * left).sum() / total)
        samples = max(int(np.count_nonzero(w)) - 1, 1)
        noise = float((w * np.abs(left - mean) ** 2).sum()) / total / samples
        for a in (i, j):
            signal[a] += abs(mean) ** 2
            variance[a] += noise
    return np.asarray(
        np.sqrt(signal / np.where(variance > 0, variance, np.inf)) + np.where((variance == 0) & (signal > 0), 1e6, 0.0)
    )
