"""SumThreshold: a detector of line-shaped interference at all scales, beyond what the reference has.

References
----------
A. R. Offringa et al., MNRAS 405, 155 (2010); A. R. Offringa et al., A&A 539, A95 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools.flagging.detecting import DetectingAgent, Layout, spread

__all__ = ["STRATEGIES", "Strategy", "SumThresholdAgent", "gaussian_taps", "strategy_for"]


@dataclass(frozen=True)
class Strategy:
    """What a detection does by default.

    Attributes
    ----------
    threshold : float [sigma]
        Limit of a single sample.
    time_sigma, freq_sigma : float [samples]
        Width of the background's window.
    share : float
        A stretch is flagged when all but this part of it is.
    """

    threshold: float
    time_sigma: float
    freq_sigma: float
    share: float


# Below 300 MHz interference is narrow and the sky changes fast with frequency; above 3 GHz it is rare and bands are smooth.
STRATEGIES = {
    "low": Strategy(5.5, 4.0, 2.5, 0.2),
    "decimetre": Strategy(6.0, 5.0, 5.0, 0.2),
    "high": Strategy(7.0, 5.0, 10.0, 0.1),
}


def strategy_for(frequency_hz: float) -> Strategy:
    """The strategy of a frequency.

    Parameters
    ----------
    frequency_hz : float [Hz]

    Returns
    -------
    Strategy
    """
    return STRATEGIES["low" if frequency_hz < 3e8 else "decimetre" if frequency_hz < 3e9 else "high"]


def gaussian_taps(sigma: float) -> np.ndarray:
    """Weights of a Gaussian window out to three sigma.

    Parameters
    ----------
    sigma : float [samples]

    Returns
    -------
    ndarray (2 half + 1,) float32
    """
    half = max(1, math.ceil(3 * sigma))
    return np.exp(-0.5 * np.square(np.arange(-half, half + 1) / sigma)).astype(np.float32)


class SumThresholdAgent(DetectingAgent):
    """Flags runs of samples along time or frequency whose mean departs from a smooth background.

    Notes
    -----
    Two rounds, the second stricter: the background is a Gaussian-weighted local line of what the round before left, sigma comes from the median absolute deviation of what is left of the background, and runs of M = 1, 2, 4 … 64 samples are flagged
    whose mean exceeds ``threshold * sigma / 1.5**log2(M)``, more where means of M samples scatter more than those of noise. At last the scale-invariant-rank operator fills gaps and widens edges.
    """

    def prepare(self) -> None:
        super().prepare()
        o = self.options
        if o["strategy"] not in ("auto", *STRATEGIES):
            raise ParameterError(
                f"flagging: parameter 'strategy' must be one of auto, {', '.join(STRATEGIES)}; got {o['strategy']!r}"
            )
        for name in ("threshold", "timesigma", "freqsigma"):
            if float(o[name]) < 0:
                raise ParameterError(f"flagging: parameter {name!r} must not be negative; got {o[name]!r}")
        if not -1.0 <= float(o["share"]) < 1.0:
            raise ParameterError(f"flagging: parameter 'share' must be below 1, or -1 for the strategy's; got {o['share']!r}")

    def strategy(self, spw: int) -> Strategy:
        """The strategy of a spectral window with what was given instead."""
        o = self.options
        window = self.ms.metadata.spectral_windows[spw]
        base = STRATEGIES.get(str(o["strategy"])) or strategy_for(float(np.mean(window.chan_freq_hz)))
        return Strategy(
            float(o["threshold"]) or base.threshold,
            float(o["timesigma"]) or base.time_sigma,
            float(o["freqsigma"]) or base.freq_sigma,
            float(o["share"]) if float(o["share"]) >= 0 else base.share,
        )

    def detect(self, values: np.ndarray, hidden: np.ndarray, layout: Layout) -> np.ndarray:
        from casatools.flagging.tfcrop import PARTS
        from casatools.kernels.sum_threshold import threshold_baselines

        values = np.ascontiguousarray(values, dtype=np.complex64)
        bad = np.zeros(values.shape, bool)
        chosen = self.strategy(layout.spw)
        taps = gaussian_taps(chosen.time_sigma), gaussian_taps(chosen.freq_sigma)
        levels = chosen.threshold * np.array([3.0, 1.0])
        part = PARTS[self.command.function]

        def work(span: tuple[int, int]) -> None:
            threshold_baselines(values, hidden, layout.index, span, part, taps, levels, chosen.share, bad)

        spread(work, layout.index.shape[0])
        if self.options["extendpols"]:
            bad[...] = bad.any(axis=2, keepdims=True)
        return bad
