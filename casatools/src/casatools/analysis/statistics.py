"""Statistics of pixel values, with the robust algorithms, over streams of blocks.

References
----------
Chauvenet, "A Manual of Spherical and Practical Astronomy" (1863), vol. 2: rejection of outliers.
Beers, Flynn & Gebhardt 1990, AJ 100, 32, eqs. 5 and 9: biweight location and scale, here with the tuning constant 6 in both, as CASA
documents it; the convergence criterion is that of the IDL Astronomy Library's biweight_mean (a change below 3 % of the scale's own error).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import ParameterError
from casatools.analysis.value_stream import ValueStream, Where, ranked
from casatools.kernels.group_variances import chauvenet_limit
from casatools.kernels.order_statistics import quartile_ranks
from casatools.kernels.value_sums import deviation_sums

__all__ = ["ALGORITHMS", "Moments", "StatisticsOptions", "compute_statistics"]

ALGORITHMS = ("classic", "chauvenet", "fit-half", "hinges-fences", "biweight")
_CENTERS = ("mean", "median", "zero")
# Values of a block whose mean the sums of the others are taken about.
_FIRST_VALUES = 4096


@dataclass(frozen=True)
class StatisticsOptions:
    """Which statistics, by which algorithm.

    Attributes
    ----------
    algorithm : str
        One of `ALGORITHMS`; unambiguous beginnings are accepted.
    fence : float
        hinges-fences: quartile distances beyond the quartiles that are still used; negative uses all.
    center, lside : str, bool
        fit-half: about which value, and whether the lower half is the real one.
    zscore, maxiter : float, int
        chauvenet: rejection in standard deviations (negative: Chauvenet's criterion), and the most iterations after the first
        rejection (negative: until nothing changes).
    niter : int
        biweight: the most iterations.
    robust : bool
        Quartiles, median and its deviation as well.
    """

    algorithm: str = "classic"
    fence: float = -1.0
    center: str = "mean"
    lside: bool = True
    zscore: float = -1.0
    maxiter: int = -1
    niter: int = 3
    robust: bool = True

    def __post_init__(self) -> None:
        matches = [a for a in ALGORITHMS if self.algorithm and a.startswith(self.algorithm.lower())]
        if len(matches) != 1:
            raise ParameterError(f"statistics algorithm must be one of {', '.join(ALGORITHMS)}; got {self.algorithm!r}")
        object.__setattr__(self, "algorithm", matches[0])
        centers = [c for c in _CENTERS if self.center and c.startswith(self.center.lower())]
        if matches[0] == "fit-half":
            if len(centers) != 1:
                raise ParameterError(
                    f"center of the fit-half algorithm must be one of {', '.join(_CENTERS)}; got {self.center!r}"
                )
            object.__setattr__(self, "center", centers[0])


@dataclass
class Moments:
    """Sums over values, accumulated block by block in float64.

    Attributes
    ----------
    count : int
    total, squares : float
        Sum and sum of squares.
    least, greatest : float
    least_at, greatest_at : int
        Flat positions of the extremes, -1 when there are none or they are not real values.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    greatest: float = -np.inf
    least_at: int = -1
    greatest_at: int = -1
    # Sum of squared deviations from the running mean (Chan, Golub & LeVeque 1983), free of cancellation.
    deviation: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, where: Where) -> Moments:
        """Those of a block of values."""
        if not values.size:
            return cls()
        count, few = values.size, values[:_FIRST_VALUES]
        about = float(few.mean(dtype=np.float64))
        first, second = deviation_sums(values, about)
        shift = first / count
        low, high = int(values.argmin()), int(values.argmax())
        return cls(
            count,
            count * about + first,
            second + about * (2.0 * first + count * about),
            float(values[low]),
            float(values[high]),
            where(low),
            where(high),
            max(second - count * shift * shift, 0.0),
        )

    def join(self, other: Moments) -> None:
        """Take in those of other values."""
        if other.count == 0:
            return
        self.deviation += other.deviation
        if self.count:
            shift = other.mean - self.mean
            self.deviation += shift * shift * self.count * other.count / (self.count + other.count)
        self.count += other.count
        self.total += other.total
        self.squares += other.squares
        if other.least < self.least:
            self.least, self.least_at = other.least, other.least_at
        if other.greatest > self.greatest:
            self.greatest, self.greatest_at = other.greatest, other.greatest_at

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def sigma(self) -> float:
        """Sample standard deviation (n - 1); 0 for a single value."""
        return float(np.sqrt(self.deviation / (self.count - 1))) if self.count > 1 else 0.0

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.squares / self.count))


def compute_statistics(stream: ValueStream, options: StatisticsOptions = StatisticsOptions()) -> dict[str, float]:
    """Compute statistics of a stream of values.

    Parameters
    ----------
    stream : ValueStream
        The values to be used.
    options : StatisticsOptions

    Returns
    -------
    dict of float
        ``npts sum sumsq min max mean sigma rms`` and, when real values, ``minat maxat`` (flat positions); with robust also
        ``median medabsdevmed q1 q3 quartile``. ``{"npts": 0}`` when there is no value.
    """
    base = _moments(stream)
    if base.count == 0:
        return {"npts": 0.0}
    if options.algorithm == "biweight":
        return _biweight(stream, base, options.niter)
    if options.algorithm == "fit-half":
        return _fit_half(stream, base, options)
    chosen = stream
    if options.algorithm == "hinges-fences" and options.fence >= 0:
        chosen = _hinges(stream, base.count, options.fence)
    elif options.algorithm == "chauvenet":
        chosen = _chauvenet(stream, base, options)
    result = base if chosen is stream else _moments(chosen)
    found = _classic(result)
    if options.robust:
        found.update(_robust(chosen, result.count))
    return found


def _moments(stream: ValueStream) -> Moments:
    found = Moments()
    for part in stream.map(Moments.of):
        found.join(part)
    return found


def _classic(m: Moments) -> dict[str, float]:
    return {
        "npts": float(m.count), "sum": m.total, "sumsq": m.squares, "min": m.least, "max": m.greatest, "mean": m.mean,
        "sigma": m.sigma, "rms": m.rms, "minat": m.least_at, "maxat": m.greatest_at,
    }  # fmt: skip


def _robust(stream: ValueStream, count: int) -> dict[str, float]:
    low, middle, upper, high = quartile_ranks(count)
    q1, a, b, q3 = ranked(stream, count, [low, middle, upper, high])
    median = 0.5 * (a + b)
    distances = stream.changed(lambda v: _distances(v, median))
    a, b = ranked(distances, count, [middle, upper])
    return {"median": median, "medabsdevmed": 0.5 * (a + b), "q1": q1, "q3": q3, "quartile": q3 - q1}


def _distances(values: np.ndarray, about: float) -> np.ndarray:
    """Distances from a value, in the precision of the values."""
    found = np.subtract(values, values.dtype.type(about), out=empty_array(values.shape, values.dtype))
    return np.abs(found, out=found)


def _hinges(stream: ValueStream, count: int, fence: float) -> ValueStream:
    robust = _robust(stream, count)
    reach = fence * robust["quartile"]
    return stream.within(robust["q1"] - reach, robust["q3"] + reach)


def _chauvenet(stream: ValueStream, base: Moments, options: StatisticsOptions) -> ValueStream:
    current, chosen, done = base, stream, 0
    while (options.maxiter < 0 or done <= options.maxiter) and current.count > 1:
        limit = options.zscore if options.zscore >= 0 else float(chauvenet_limit(current.count))
        narrowed = stream.within(current.mean - limit * current.sigma, current.mean + limit * current.sigma)
        again = _moments(narrowed)
        done += 1
        if again.count == 0 or again.count == current.count:
            break
        current, chosen = again, narrowed
    return chosen


def _fit_half(stream: ValueStream, base: Moments, options: StatisticsOptions) -> dict[str, float]:
    centre = {"zero": lambda: 0.0, "mean": lambda: base.mean, "median": lambda: _robust(stream, base.count)["median"]}[
        options.center
    ]()
    half = stream.within(-np.inf, centre) if options.lside else stream.within(centre, np.inf)
    real = _moments(half)
    if real.count == 0:
        return {"npts": 0.0}
    count = 2 * real.count
    # The virtual half mirrors the real one about the centre.
    spread = real.deviation + real.count * (real.mean - centre) ** 2
    found = {"npts": float(count), "sum": centre * count, "mean": centre, "sigma": float(np.sqrt(2.0 * spread / (count - 1)))}
    found["sumsq"] = 2.0 * spread + count * centre**2
    found["rms"] = float(np.sqrt(found["sumsq"] / count))
    edge = 2.0 * centre
    found.update({"min": real.least, "max": edge - real.least, "minat": real.least_at} if options.lside else
                 {"max": real.greatest, "min": edge - real.greatest, "maxat": real.greatest_at})  # fmt: skip
    if options.robust:
        distances = half.changed(lambda v: np.abs(v.astype(np.float64) - centre))
        low, middle, upper, high = quartile_ranks(count)
        # Each distance occurs twice in the mirrored distribution, below and above the centre.
        below, above = real.count - 1 - low, high - real.count
        a, b, d1, d3 = ranked(distances, real.count, [middle // 2, upper // 2, below, above])
        found.update({"median": centre, "medabsdevmed": 0.5 * (a + b), "q1": centre - d1, "q3": centre + d3, "quartile": d1 + d3})
    return found


def _biweight(stream: ValueStream, base: Moments, niter: int) -> dict[str, float]:
    robust = _robust(stream, base.count)
    # A scaled median absolute deviation starts the scale, the median the location; niter < 0 asks for one step of each from there.
    # Values count that lie within six times the scale before the last one, as in CASA; both scales are one when nothing changes.
    location, reach = robust["median"], robust["medabsdevmed"] / 0.6744897501960817
    scale = _biweight_scale(stream, location, reach, reach, base.count) if reach > 0 else 0.0
    if niter < 0 and reach > 0:
        location = _biweight_location(stream, location, reach, reach)
    tolerance = 0.03 * float(np.sqrt(0.5 / max(1, base.count - 1)))
    for _ in range(niter):
        if scale == 0:
            break
        location = _biweight_location(stream, location, scale, reach)
        before, scale = scale, _biweight_scale(stream, location, scale, reach, base.count)
        reach = before
        if abs(scale / before - 1.0) < tolerance:
            break
    return {"npts": float(base.count), "min": base.least, "max": base.greatest, "mean": location, "sigma": scale}


def _biweight_parts(stream: ValueStream, centre: float, unit: float, reach: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Offsets from the centre, and the squares of u, of the values that count."""
    for values in stream.arrays():
        offset = values.astype(np.float64) - centre
        offset = offset[np.abs(offset) < 6.0 * reach]
        yield offset, np.square(offset / (6.0 * unit))


def _biweight_location(stream: ValueStream, centre: float, unit: float, reach: float) -> float:
    top = bottom = 0.0
    for offset, u2 in _biweight_parts(stream, centre, unit, reach):
        weight = np.square(1 - u2)
        top += float((offset * weight).sum())
        bottom += float(weight.sum())
    return centre + top / bottom


def _biweight_scale(stream: ValueStream, centre: float, unit: float, reach: float, count: int) -> float:
    top = bottom = 0.0
    for offset, u2 in _biweight_parts(stream, centre, unit, reach):
        top += float((np.square(offset) * (1 - u2) ** 4).sum())
        bottom += float(((1 - u2) * (1 - 5 * u2)).sum())
    p = abs(bottom)
    return float(np.sqrt(count * top / (p * max(1.0, p - 1.0))))
