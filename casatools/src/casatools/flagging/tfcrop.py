"""TFCrop: flags outliers from smooth fits along frequency and time.

References
----------
CASA documentation of flagdata mode='tfcrop'; U. Rau, "An automatic RFI identification algorithm", NRAO.
"""

from __future__ import annotations

import itertools

import numpy as np

from casatools._base.errors import UnsupportedError
from casatools.flagging.agents import FlagChunk
from casatools.flagging.timefreq import PlaneAgent, Planes

__all__ = ["TfcropAgent", "robust_fit"]

_PASSES = 5


def _piecewise(values: np.ndarray, good: np.ndarray, pieces: int, degree: int) -> np.ndarray:
    """Least-squares polynomials in pieces of equal length; a piece with too few good samples takes a lower degree."""
    n = len(values)
    out = np.empty(n)
    edges = np.linspace(0, n, pieces + 1).astype(int)
    for low, high in itertools.pairwise(edges):
        use = np.flatnonzero(good[low:high])
        x = np.arange(high - low, dtype=np.float64) - 0.5 * (high - low - 1)
        if len(use) == 0:
            out[low:high] = np.mean(values[good]) if good.any() else 0.0
            continue
        order = min(degree, len(use) - 1)
        scale = max(1.0, float(np.abs(x).max()))
        coefficients = np.polynomial.polynomial.polyfit(x[use] / scale, values[low:high][use], order)
        out[low:high] = np.polynomial.polynomial.polyval(x / scale, coefficients)
    return out


def robust_fit(values: np.ndarray, good: np.ndarray, kind: str, maxnpieces: int) -> np.ndarray:
    """Fit a smooth base to a spectrum or time series, leaving out what departs more and more strictly.

    Parameters
    ----------
    values : ndarray (n,)
    good : ndarray (n,) bool
    kind : {"line", "poly"}
        One straight line, or cubic polynomials in up to `maxnpieces` pieces.
    maxnpieces : int

    Returns
    -------
    ndarray (n,) float64
    """
    use = good.copy()
    fit = np.zeros(len(values))
    for turn in range(_PASSES):
        pieces = min(2 * turn + 1, maxnpieces) if kind == "poly" else 1
        fit = _piecewise(values, use, pieces, 3 if kind == "poly" and pieces > 1 else 1)
        if use.sum() < 3:
            break
        sigma = float(np.std((values - fit)[use]))
        kept = good & (np.abs(values - fit) <= 3.0 * sigma)
        if sigma == 0 or not kept.any():
            break
        use = kept
    return fit


class TfcropAgent(PlaneAgent):
    """Flags samples that depart from a smooth spectrum and a smooth time series."""

    def prepare(self) -> None:
        super().prepare()
        for name in ("channelavg", "timeavg"):
            if self.options[name]:
                raise UnsupportedError(
                    f"flagdata: {name}=True is not there yet for mode='tfcrop'; use mode='clip' or average with split first"
                )
        self.steps = {"freqtime": "ft", "timefreq": "tf", "freq": "f", "time": "t"}[str(self.options["flagdimension"])]

    def work(
        self,
        piece: FlagChunk,
        planes: Planes,
        flags: np.ndarray,
        present: np.ndarray,
        channels: np.ndarray,
        correlations: np.ndarray,
    ) -> np.ndarray:
        out = flags.copy()
        for indices, sign in self.products(piece.chunk.pol):
            data = np.abs(self.values(piece, planes, channels, indices, sign)).astype(np.float64)
            for baseline in range(data.shape[0]):
                bad = out[baseline][..., indices].any(axis=-1)
                for step in self.steps:
                    plane, hidden = (data[baseline], bad) if step == "f" else (data[baseline].T, bad.T)
                    hidden |= self._along(plane, hidden, step)
                for k in indices:
                    out[baseline][..., k] |= bad
        return out

    def _along(self, plane: np.ndarray, hidden: np.ndarray, step: str) -> np.ndarray:
        """Outliers of (sample, axis) from the smooth mean over samples; the axis is frequency for step f."""
        o = self.options
        cutoff = float(o["freqcutoff" if step == "f" else "timecutoff"])
        good = ~hidden
        count = good.sum(axis=0)
        usable = count > 0
        if usable.sum() < 2:
            return np.zeros(plane.shape, bool)
        mean = np.where(usable, np.where(good, plane, 0).sum(axis=0) / np.maximum(count, 1), 0)
        base = robust_fit(mean, usable, str(o["freqfit" if step == "f" else "timefit"]), int(o["maxnpieces"]))
        base = np.where(np.abs(base) > 0, base, 1.0)
        ratio = plane / base
        bad = np.zeros(plane.shape, bool)
        for _ in range(_PASSES):
            left = good & ~bad
            number = left.sum(axis=1, keepdims=True)
            level = np.where(left, ratio, 0).sum(axis=1, keepdims=True) / np.maximum(number, 1)
            sigma = np.sqrt(np.where(left, (ratio - level) ** 2, 0).sum(axis=1, keepdims=True) / np.maximum(number, 1))
            fresh = left & (np.abs(ratio - level) > cutoff * sigma)
            fresh |= left & self._window(ratio, level, sigma, left, cutoff)
            if not fresh.any():
                break
            bad |= fresh
        return bad

    def _window(self, ratio: np.ndarray, level: np.ndarray, sigma: np.ndarray, left: np.ndarray, cutoff: float) -> np.ndarray:
        """Outliers by the sum or the scatter in a sliding window of 2 halfwin + 1 samples."""
        kind, half = str(self.options["usewindowstats"]), int(self.options["halfwin"])
        bad = np.zeros(ratio.shape, bool)
        width = 2 * half + 1
        if kind == "none" or ratio.shape[1] < width:
            return bad
        windows = np.lib.stride_tricks.sliding_window_view(np.where(left, ratio - level, 0.0), width, axis=1)
        if kind in ("sum", "both"):
            bad[:, half : ratio.shape[1] - half] |= np.abs(windows.mean(axis=2)) > cutoff * sigma
        if kind in ("std", "both"):
            bad[:, half : ratio.shape[1] - half] |= windows.std(axis=2) > cutoff * sigma
        return bad
