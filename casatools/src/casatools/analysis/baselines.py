"""Baselines of spectra: polynomials, splines and sinusoids through the channels without lines, clipped on request.

Notes
-----
Abscissa is the channel number. A spline is cubic with continuous second derivative, its pieces as long as each other; a wave of number k has k periods
between the first and the last channel.

References
----------
Press et al., Numerical Recipes, section 15.4 (general linear least squares). Lines are found as runs of channels that stand out of the noise, alone or
averaged; noise is the median absolute deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from casatools._base.errors import ParameterError

__all__ = ["Baseline", "BaselineFunction", "LineFinder", "fit_baselines"]

_KINDS = ("poly", "chebyshev", "cspline", "sinusoid")
_SCALED_MAD = 1.4826


@dataclass(frozen=True)
class BaselineFunction:
    """What is fitted.

    Attributes
    ----------
    kind : {"poly", "chebyshev", "cspline", "sinusoid"}
    order : int
        Of polynomials.
    pieces : int
        Of splines.
    waves : tuple of int
        Wave numbers that are fitted.
    without : tuple of int
        Wave numbers that are not, also where the spectrum's transform shows them.
    transform : bool
        Wave numbers that stand out of the spectrum's Fourier transform by `threshold` standard deviations are fitted as well.
    threshold : float
    clip_rounds : int
        Rounds of clipping.
    clip_level : float
        Standard deviations of the residual beyond which channels are left out.
    """

    kind: str = "poly"
    order: int = 5
    pieces: int = 2
    waves: tuple[int, ...] = (0,)
    without: tuple[int, ...] = ()
    transform: bool = False
    threshold: float = 3.0
    clip_rounds: int = 0
    clip_level: float = 3.0

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ParameterError(f"parameter 'blfunc' must be one of {', '.join(_KINDS)}; got {self.kind!r}")
        for name, value, least in (("order", self.order, 0), ("npiece", self.pieces, 1), ("clipniter", self.clip_rounds, 0)):
            if value < least:
                raise ParameterError(f"parameter {name!r} must be at least {least}; got {value}")
        if self.clip_rounds and not self.clip_level > 0:
            raise ParameterError(f"parameter 'clipthresh' must be positive; got {self.clip_level}")
        if min((*self.waves, *self.without, 0)) < 0:
            raise ParameterError(f"wave numbers must not be negative; got {self.waves} and {self.without}")

    def basis(self, count: int, waves: tuple[int, ...] = ()) -> np.ndarray:
        """Functions (channel, coefficient)."""
        x = np.arange(count, dtype=np.float64)
        scaled = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(count)
        if self.kind == "poly":
            return np.asarray(np.polynomial.legendre.legvander(scaled, self.order))
        if self.kind == "chebyshev":
            return np.asarray(np.polynomial.chebyshev.chebvander(scaled, self.order))
        if self.kind == "cspline":
            knots = [round(count / self.pieces * k) for k in range(1, self.pieces)]
            scale = max(count - 1, 1)
            return np.stack(
                [*np.polynomial.legendre.legvander(scaled, 3).T, *(np.clip((x - k) / scale, 0, None) ** 3 for k in knots)], axis=1
            )
        columns: list[np.ndarray] = []
        for wave in waves or self.waves:
            turn = 2 * np.pi * wave * x / max(count - 1, 1)
            columns += [np.ones(count)] if wave == 0 else [np.sin(turn), np.cos(turn)]
        return np.stack(columns, axis=1)

    def reported(self, baseline: np.ndarray, waves: tuple[int, ...] = ()) -> np.ndarray:
        """The coefficients CASA lists of one baseline (channel,): of powers of the channel, of each piece of a spline, of T_k or of waves."""
        count = len(baseline)
        x = np.arange(count, dtype=np.float64)
        if self.kind == "poly":
            return _solved(np.vander(x, self.order + 1, increasing=True), baseline)
        if self.kind == "cspline":
            edges = [0, *(round(count / self.pieces * k) for k in range(1, self.pieces)), count]
            powers = np.vander(x, 4, increasing=True)
            return np.concatenate([_solved(powers[a:b], baseline[a:b]) for a, b in pairwise(edges)])
        return _solved(self.basis(count, waves), baseline)


def _solved(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    scale = np.abs(matrix).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return np.asarray(np.linalg.lstsq(matrix / scale, values, rcond=None)[0] / scale)


@dataclass(frozen=True)
class LineFinder:
    """How lines are found.

    Attributes
    ----------
    threshold : float
        Times the noise.
    widest_mean : int
        Channels are averaged over up to this many.
    least_width : int
        Channels of a line.
    edge : tuple of int
        Channels left out at the beginning and the end.
    """

    threshold: float = 5.0
    widest_mean: int = 4
    least_width: int = 4
    edge: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not self.threshold > 0 or self.widest_mean < 1 or self.least_width < 1 or min(self.edge) < 0:
            raise ParameterError(
                "parameters 'thresh', 'avg_limit' and 'minwidth' must be positive and 'edge' must not be negative"
            )

    def free(self, values: np.ndarray, good: np.ndarray) -> np.ndarray:
        """Good channels (channel,) of a spectrum that no line is in."""
        count = len(values)
        inside = good.copy()
        inside[: self.edge[0]] = False
        inside[count - self.edge[1] :] = False
        free = inside.copy()
        for _ in range(5):
            if free.sum() < 3:
                break
            x = np.arange(count)
            level = np.polynomial.Polynomial.fit(x[free], values[free], 1)(x)
            rest = np.where(inside, values - level, 0.0)
            noise = _SCALED_MAD * float(np.median(np.abs(rest[free] - np.median(rest[free]))))
            lines = np.zeros(count, bool)
            width = 1
            while width <= self.widest_mean and noise > 0:
                mean = np.convolve(rest, np.ones(width) / width, mode="same")
                lines |= np.abs(mean) > self.threshold * noise / np.sqrt(width)
                width *= 2
            found = inside & ~_long_runs(lines & inside, self.least_width)
            if np.array_equal(found, free):
                break
            free = found
        return free


def _long_runs(marked: np.ndarray, least: int) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    out = np.zeros(len(marked), bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        out[start:stop] = stop - start >= least
    return out


@dataclass(frozen=True)
class Baseline:
    """Baselines of some spectra.

    Attributes
    ----------
    values : ndarray (spectrum, channel) float64
        0 where too few channels are left to fit.
    used : ndarray (spectrum, channel) bool
    fitted : ndarray (spectrum,) bool
    rms : ndarray (spectrum,) float64
        Of the residuals of the channels used.
    waves : list of tuple of int
        Wave numbers of each spectrum; of sinusoids.
    """

    values: np.ndarray
    used: np.ndarray
    fitted: np.ndarray
    rms: np.ndarray
    waves: list[tuple[int, ...]]


def fit_baselines(values: np.ndarray, good: np.ndarray, function: BaselineFunction) -> Baseline:
    """Fit baselines to spectra.

    Parameters
    ----------
    values : ndarray (spectrum, channel)
    good : ndarray (spectrum, channel) bool
        Channels without lines that can be used.
    function : BaselineFunction
    """
    count = values.shape[1]
    waves = [function.waves] * len(values)
    if function.kind == "sinusoid":
        kept = tuple(w for w in dict.fromkeys(function.waves) if w not in function.without) or (0,)
        waves = [kept + _standing_out(v, g, function, kept) for v, g in zip(values, good, strict=True)]
    used, safe = good.copy(), np.where(good, values, 0.0).astype(np.float64)
    out, fitted = np.zeros(values.shape), np.zeros(len(values), bool)
    for own in dict.fromkeys(waves):
        rows = np.array([k for k, w in enumerate(waves) if w == own])
        # an orthonormal basis keeps the normal equations sound
        basis = np.linalg.qr(function.basis(count, own))[0]
        for turn in range(function.clip_rounds + 1):
            enough = used[rows].sum(axis=1) >= basis.shape[1]
            part = rows[enough]
            fitted[rows] = enough
            out[part] = _least_squares(basis, safe[part], used[part])
            if turn == function.clip_rounds or not len(part):
                break
            residual = safe[part] - out[part]
            spread = np.sqrt((residual**2 * used[part]).sum(axis=1) / used[part].sum(axis=1))
            clipped = used[part] & (np.abs(residual) <= function.clip_level * spread[:, None])
            if np.array_equal(clipped, used[part]):
                break
            used[part] = clipped
    out[~fitted] = 0.0
    number = np.maximum(used.sum(axis=1), 1)
    rms = np.sqrt((((safe - out) ** 2) * used).sum(axis=1) / number)
    return Baseline(out, used, fitted, rms, waves)


def _least_squares(basis: np.ndarray, values: np.ndarray, used: np.ndarray) -> np.ndarray:
    weight = used.astype(np.float64)
    normal = np.einsum("sc,ci,cj->sij", weight, basis, basis, optimize=True)
    right = (values * weight) @ basis
    return np.asarray((np.linalg.pinv(normal, rcond=1e-10, hermitian=True) @ right[..., None])[..., 0] @ basis.T)


def _standing_out(values: np.ndarray, good: np.ndarray, function: BaselineFunction, have: tuple[int, ...]) -> tuple[int, ...]:
    if not function.transform or good.sum() < 4:
        return ()
    x = np.arange(len(values))
    whole = np.interp(x, x[good], values[good])
    size = np.abs(np.fft.rfft(whole - whole.mean()))
    spread = float(size.std())
    if spread <= 0:
        return ()
    waves = np.flatnonzero((size - size.mean()) / spread >= function.threshold)
    return tuple(int(w) for w in waves if w not in have and w not in function.without)
