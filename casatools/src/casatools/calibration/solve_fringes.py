"""Fringe fitting: phase, delay, rate and dispersion of each antenna.

The phase of baseline i j is the difference of ``phi + 2 pi (tau (nu - nu0) + r nu0 (t - t0) + d (nu - nu1)(nu - nu2) / (nu nu1 nu2))`` of
its antennas: nu0 the middle of the spectral windows, t0 the time of the solution, nu1 and nu2 the first and last channel. The last term is
a phase proportional to 1/nu without its value and slope at the edges; d is 1344.5 MHz for a TEC unit. Delays and rates start from the peak
of the two-dimensional Fourier transform of each baseline to the reference antenna; least squares over all baselines refines them.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 9 and 14 (phase of the ionosphere); Schwab & Cotton
1983, AJ 88, 688; order and meaning of the parameters as observed in tables that CASA 6.7 wrote and applied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from casatools._base.errors import ParameterError
from casatools.calibration.normal_equations import LinkedEquations, least_norm_solution, positive_inverse
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_delays import on_grid
from casatools.calibration.solve_gains import Solutions
from casatools.calibration.solve_options import FringeOptions, SolveOptions
from casatools.kernels.fringe_solver import fringe_normal_equations

__all__ = ["REFERENCE_SNR", "dispersion_term", "fringe_peak", "solve_fringe_intervals"]

# Transforms are padded by this much, less where they would be longer than this.
_PADDING, _LARGEST_TRANSFORM = 8, 1 << 23
# Change (rad) of any phase, delay term or rate term below which the least squares have converged.
_CONVERGED = 1e-8
# Parts of a step that are tried, and the longest step (rad): the peak of the transform is nearer to the solution.
_SHARES, _LONGEST_RAD = 0.5 ** np.arange(5), 0.5
# The signal to noise of the reference antenna, which has no noise of its own, and the highest that is given.
REFERENCE_SNR, _HIGHEST_SNR = 999.0, 1e6
# A peak this high is no noise, whatever signal to noise is asked of the fit: the chance is 1e-7 among ten thousand places.
_SURE = 5.0
# Dispersions tried before the search for the peak, each way, in radians of curvature.
_CURVATURES_RAD = np.arange(-8, 9) * 1.0


def dispersion_term(frequency_hz: np.ndarray, first_hz: float, last_hz: float) -> np.ndarray:
    """Phase (rad) of a dispersion of one MHz, without its value and slope at the edges."""
    product = frequency_hz * first_hz * last_hz
    return np.asarray(2e6 * np.pi * (frequency_hz - first_hz) * (frequency_hz - last_hz) / product)


def fringe_peak(
    vis: np.ndarray, step_s: float, step_hz: float, middle_hz: float, options: FringeOptions
) -> tuple[float, float, float]:
    """Delay (ns), rate (s/s) and height of the highest peak of the transform of visibilities, zero where flagged.

    `vis` is (part, time, chan); amplitudes of the transforms of the parts are added.
    """
    ntime, nchan = vis.shape[1:]
    padding = _PADDING
    while padding > 1 and padding**2 * ntime * nchan > _LARGEST_TRANSFORM:
        padding //= 2
    sizes = [1 if n == 1 else padding * n for n in (ntime, nchan)]
    power = np.sum([np.abs(np.fft.fft2(part, sizes)) for part in vis], axis=0)
    rate = np.fft.fftfreq(sizes[0], step_s) / middle_hz
    delay = np.fft.fftfreq(sizes[1], step_hz) * 1e9
    for window, axis, values in ((options.rate_window, 0, rate), (options.delay_window_ns, 1, delay)):
        if window:
            inside = (values >= window[0]) & (values <= window[1])
            power = power * np.expand_dims(inside, 1 - axis)
    at = np.unravel_index(int(power.argmax()), power.shape)
    return float(delay[at[1]]), float(rate[at[0]]), float(power[at])


@dataclass
class _Fringes:
    """One interval and hand: visibilities and weights (time, baseline, chan), and what the phases depend on.

    With `only_phases` visibilities have an amplitude of one, and so has the model: what the reference fits, which tells where the hands that were averaged
    differ. `terms` (4, time, chan) are the phases of a unit of phase (rad), delay (ns), rate (s/s) and dispersion (MHz).
    """

    vis: np.ndarray
    weight: np.ndarray
    times_s: np.ndarray
    frequency_hz: np.ndarray
    windows: np.ndarray
    middle_hz: float
    terms: np.ndarray
    baselines: Baselines
    refant: int
    options: FringeOptions
    only_phases: bool = False

    def to_refant(self) -> np.ndarray:
        """Baselines to the reference antenna."""
        return np.flatnonzero((self.baselines.ant1 == self.refant) | (self.baselines.ant2 == self.refant))


def solve_fringe_intervals(
    data: IntervalData, baselines: Baselines, nant: int, options: SolveOptions, refant: int, frequency_hz: np.ndarray,
    windows: np.ndarray | None = None, edges_hz: tuple[float, float] | None = None,
) -> Solutions:  # fmt: skip
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
    windows : ndarray (chan,) int, optional
        Spectral window of each channel.
    edges_hz : (float, float), optional
        First and last channel of the band, selected or not.

    Returns
    -------
    Solutions
        Parameters for each receptor: phase (rad), delay (ns), rate (s/s), dispersion (MHz).

    Raises
    ------
    ParameterError
        There is no reference antenna.
    """
    if refant < 0:
        raise ParameterError("a fringe fit needs a reference antenna with data; give refant")
    fringe = options.fringe
    windows = np.zeros(len(frequency_hz), dtype=np.int64) if windows is None else windows
    edges_hz = edges_hz or (float(frequency_hz.min()), float(frequency_hz.max()))
    vis, weight = _combined(data, fringe.hands)
    count, nhand = len(vis), vis.shape[-1]
    param, error = np.zeros((count, nant, 1, 8)), np.zeros((count, nant, 1, 8))
    snr, flag = np.zeros(param.shape), np.ones(param.shape, dtype=bool)
    has = np.zeros((count, nant, 8), dtype=bool)
    middle_hz = float(np.mean([frequency_hz[windows == w].mean() for w in np.unique(windows)]))
    assert data.sub_time_s is not None
    for t, hand in np.ndindex(count, nhand):
        times = data.sub_time_s[t]
        terms = _terms(times, float(data.time_s[t]), frequency_hz, middle_hz, edges_hz)
        one = _Fringes(
            np.ascontiguousarray(vis[t, ..., hand]),
            np.ascontiguousarray(weight[t, ..., hand]),
            times,
            frequency_hz,
            windows,
            middle_hz,
            terms,
            baselines,
            refant,
            fringe,
        )
        found, sigma, ratio, good = _fit(one, nant, options.minsnr)
        for cut in [slice(4 * h, 4 * h + 4) for h in ((0, 1) if nhand == 1 else (hand,))]:
            param[t, :, 0, cut], error[t, :, 0, cut] = found, sigma
            snr[t, :, 0, cut] = ratio[:, None]
            has[t, :, cut] = good[:, None]
            flag[t, :, 0, cut] = ~(good & (ratio >= options.minsnr))[:, None]
    if fringe.zero_rates:
        param[..., 2::4] = 0.0
    param[flag] = 0.0
    return Solutions(param, error, snr, flag, has, has.copy(), ~flag[:, :, 0])


def _combined(data: IntervalData, hands: str) -> tuple[np.ndarray, np.ndarray]:
    """Visibilities and weights (interval, time, baseline, chan, hand), the hands averaged where that is wanted."""
    if hands == "none":
        return data.vis, data.weight
    weight = data.weight
    if hands == "stokes":
        weight = np.where((weight > 0).all(axis=-1, keepdims=True), weight, 0.0)
    total = weight.sum(axis=-1, keepdims=True)
    return (data.vis * weight).sum(axis=-1, keepdims=True) / np.where(total > 0, total, 1.0), total


def _terms(
    times_s: np.ndarray, middle_s: float, frequency_hz: np.ndarray, middle_hz: float, edges_hz: tuple[float, float]
) -> np.ndarray:
    ones = np.ones((len(times_s), len(frequency_hz)))
    along = np.where(times_s > 0, times_s - middle_s, 0.0) * 2 * np.pi * middle_hz
    across = 2 * np.pi * (frequency_hz - middle_hz) * 1e-9
    curved = dispersion_term(frequency_hz, *edges_hz)
    return np.stack([ones, ones * across, ones * along[:, None], ones * curved])


def _fit(one: _Fringes, nant: int, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Parameters and errors (ant, 4), signal to noise (ant,), that of the peak where it is below `least`, and whether there is a solution (ant,)."""
    param, good = np.zeros((nant, 4)), np.zeros(nant, dtype=bool)
    peak = np.full(nant, np.inf)
    good[one.refant] = bool((one.weight[:, one.to_refant()] > 0).any())
    for b in one.to_refant().tolist():
        if not (one.weight[:, b] > 0).any():
            continue
        first = int(one.baselines.ant1[b]) == one.refant
        other = int(one.baselines.ant2[b] if first else one.baselines.ant1[b])
        spectrum = np.where(one.weight[:, b] > 0, one.vis[:, b], 0.0)
        param[other], peak[other] = _start(one, spectrum.conj() if first else spectrum)
        good[other] = True
    # What is not wanted stays at its peak meanwhile, lest fringes that turn fit nothing; antennas without a peak would draw the others along.
    wanted = np.array([True, *one.options.active])
    # A term that does not vary cannot be told from the phase.
    active = wanted & [True, *(np.ptp(t) > 0 for t in one.terms[1:])]
    fitted = good & (peak >= min(least, _SURE))
    if one.options.least_squares:
        size = np.abs(one.vis)
        units = np.divide(one.vis, size, out=np.zeros_like(one.vis), where=size > 0)
        _refine(replace(one, vis=units, only_phases=True), param, fitted, active)
    error, ratio = _errors(one, param, fitted, active)
    ratio = np.where(good & ~fitted, peak, ratio)
    param[:, ~wanted] = 0.0
    param[:, 0] = np.angle(np.exp(1j * param[:, 0]))
    return param, error, ratio, good


def _start(one: _Fringes, spectrum: np.ndarray) -> tuple[np.ndarray, float]:
    """Parameters from the peak of the transform of the visibilities (time, chan) of a baseline to the reference antenna, and its signal to noise:
    the mean coherent part of n visibilities over the scatter of the mean, ``c / sqrt((1 - c^2) / n)``.
    """
    used = one.times_s > 0
    best, found = -1.0, np.zeros(4)
    curvature = np.abs(one.terms[3]).max()
    tried = _CURVATURES_RAD / curvature if one.options.active[2] and curvature > 0 else [0.0]
    parts = (
        [one.windows == w for w in np.unique(one.windows)] if not one.options.one_transform else [np.ones(len(one.windows), bool)]
    )
    for dispersion in tried:
        straight = (spectrum * np.exp(-1j * one.terms[3] * dispersion))[used]
        gridded, step_s = on_grid(np.stack([np.where(p, straight, 0.0) for p in parts]).swapaxes(1, 2), one.times_s[used])
        gridded, step_hz = on_grid(gridded.swapaxes(1, 2), one.frequency_hz)
        delay, rate, height = fringe_peak(gridded, step_s, step_hz, one.middle_hz, one.options)
        if height > best * (1 + 1e-9):
            best, found = height, np.array([0.0, delay, rate, dispersion])
    left = spectrum * np.exp(-1j * np.einsum("p,ptc->tc", found, one.terms))
    found[0] = np.angle(left.sum())
    total, count = float(np.abs(spectrum).sum()), int(np.count_nonzero(spectrum))
    coherent = min(best / total, 1.0) if total > 0 else 0.0
    return found, coherent * np.sqrt(count / max(1 - coherent**2, 1e-12))


def _system(one: _Fringes, used: np.ndarray, param: np.ndarray, scale: np.ndarray) -> tuple[LinkedEquations, float, int]:
    """Normal equations of the scaled parameters, the weighted sum of squares that is left, and how many numbers beyond an amplitude for each baseline
    that is of.

    Each baseline has its own amplitude, the coherent mean of what is left on it; where only phases count, that of all is one. The sine of the phase that
    is left pulls back whatever is further than a quarter of a turn.
    """
    across, along, curved = one.terms[1, 0] / scale[1], one.terms[2, :, 0] / scale[2], one.terms[3, 0] / scale[3]
    ant1, ant2 = one.baselines.ant1, one.baselines.ant2
    now = LinkedEquations.zeros(ant1, ant2, len(param))
    rest, samples, held = fringe_normal_equations(
        ant1, ant2, used, one.vis, one.weight, across, along, curved, param * scale, one.only_phases, now.own, now.link, now.right
    )
    return now, rest, 2 * samples - held


def _scale(one: _Fringes) -> np.ndarray:
    """Scaled terms keep the normal matrix well conditioned."""
    return np.array([max(np.abs(t).max(), 1e-30) for t in one.terms])


def _free(one: _Fringes, good: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Whether each parameter (4 ant,) is fitted."""
    return np.asarray(((good & (np.arange(len(good)) != one.refant))[:, None] & active).reshape(-1))


def _refine(one: _Fringes, param: np.ndarray, good: np.ndarray, active: np.ndarray) -> None:
    """Gauss-Newton steps, each shortened until the sum of squares falls; `param` (ant, 4) is changed in place.

    Whole steps lead astray where the data do not turn as the terms that are fitted do: rates of several turns where only delays are asked for.
    """
    scale, free = _scale(one), _free(one, good, active)
    if not free.any():
        return
    now, before, _ = _system(one, good, param, scale)
    for _ in range(max(one.options.niter, 1)):  # one step at the least, as the reference
        change = least_norm_solution(now, free)
        largest = float(np.abs(change).max())
        step = change.reshape(-1, 4) / scale
        for share in min(1.0, _LONGEST_RAD / max(largest, 1e-30)) * _SHARES:
            trial = param + share * step
            after, rest, _ = _system(one, good, trial, scale)
            if rest <= before * (1 + 1e-12):
                break
        else:
            return
        param[:], now, before = trial, after, rest
        if share * largest < _CONVERGED:
            return


def _errors(one: _Fringes, param: np.ndarray, good: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors (ant, 4) from the scatter of what is left, and signal to noise (ant,): one over the error of the phase."""
    scale, free = _scale(one), np.flatnonzero(_free(one, good, active))
    error = np.zeros(len(good) * 4)
    now, rest, numbers = _system(one, good, param, scale)
    freedom = max(numbers - len(free), 1)
    covariance = positive_inverse(now.matrix()[np.ix_(free, free)])
    error[free] = np.sqrt(np.maximum(covariance.diagonal(), 0.0) * rest / freedom)
    error = error.reshape(-1, 4) / scale
    phase = error[:, 0]
    ratio = np.where(good, np.minimum(1 / np.maximum(phase, 1 / _HIGHEST_SNR), _HIGHEST_SNR), 0.0)
    ratio[one.refant] = REFERENCE_SNR if good[one.refant] else 0.0
    return error, ratio
