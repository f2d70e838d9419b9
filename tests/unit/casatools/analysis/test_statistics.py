"""Statistics against numpy, and the robust algorithms against values of CASA 6.7 on the shared image im2d.im."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casatools._base.errors import ParameterError
from casatools.analysis import value_stream
from casatools.analysis.statistics import StatisticsOptions, compute_statistics
from casatools.analysis.value_stream import ValueStream
from casatools.io.image import CasaImage
from casatools.kernels.order_statistics import quartile_ranks, select_ranks, select_ranks_streaming, sort_keys

finite = st.floats(-1e6, 1e6, width=32)


def stats(values: np.ndarray, **options: object) -> dict[str, float]:
    return compute_statistics(ValueStream.of_arrays(lambda: [values]), StatisticsOptions(**options))  # type: ignore[arg-type]


def test_quartile_convention_of_the_reference() -> None:
    """Measured on CASA 6.7 with the values 1..n."""
    expected = {
        1: (1, 1, 1),
        2: (1.5, 1, 2),
        3: (2, 1, 3),
        4: (2.5, 1, 3),
        5: (3, 2, 4),
        6: (3.5, 2, 5),
        7: (4, 2, 6),
        8: (4.5, 2, 6),
        9: (5, 3, 7),
    }
    for n, (median, q1, q3) in expected.items():
        found = stats(np.arange(1, n + 1, dtype=np.float64))
        assert (found["median"], found["q1"], found["q3"]) == (median, q1, q3)


@settings(deadline=None)  # the first case compiles
@given(st.lists(finite, min_size=1, max_size=60))
def test_classic(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float32)
    found = stats(values)
    wide = values.astype(float)
    assert found["npts"] == len(numbers)
    assert found["sum"] == pytest.approx(wide.sum(), rel=1e-9, abs=1e-6)
    assert found["sigma"] == pytest.approx(wide.std(ddof=1) if len(numbers) > 1 else 0.0, rel=1e-6, abs=1e-6)
    assert found["rms"] == pytest.approx(np.sqrt((wide**2).mean()), rel=1e-6, abs=1e-9)
    assert values[int(found["maxat"])] == found["max"] == values.max()
    assert values[int(found["minat"])] == found["min"] == values.min()


@settings(deadline=None)  # the first case compiles
@given(st.lists(finite, min_size=1, max_size=80), st.integers(1, 7))
def test_streaming_ranks_equal_sorting(numbers: list[float], pieces: int) -> None:
    values = np.array(numbers, dtype=np.float32)
    ranks = sorted(set(quartile_ranks(len(values))))
    blocks = np.array_split(values, pieces)
    ordered = np.sort(values)
    assert select_ranks_streaming(lambda made: map(made, blocks), ranks) == [float(ordered[r]) for r in ranks]
    assert select_ranks(values.copy(), ranks) == [float(ordered[r]) for r in ranks]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sort_keys_sort(dtype: type) -> None:
    values = np.sort(np.random.default_rng(0).standard_normal(1000)).astype(dtype)
    assert np.all(np.diff(sort_keys(values).astype(float)) >= 0)


def test_large_counts_are_selected_by_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    held = stats(values)
    monkeypatch.setattr(value_stream, "_IN_MEMORY", 100)
    assert stats(values) == held
    wide = values.astype(np.float64) * 1e300
    assert stats(wide)["median"] == np.median(wide)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"algorithm": "hinges-fences", "fence": 1.5}, {"npts": 3685, "mean": 0.000642, "sigma": 0.02071, "median": 0.000785}),
        ({"algorithm": "chauvenet"}, {"npts": 3729, "mean": 0.000773, "sigma": 0.022018, "max": 0.083793}),
        (
            {"algorithm": "fit-half"},
            {"npts": 7548, "mean": 0.063568, "sigma": 0.079878, "q1": 0.000192, "q3": 0.126938, "max": 0.626141},
        ),
        ({"algorithm": "biweight"}, {"npts": 4096, "mean": 0.000809, "sigma": 0.023071}),
        ({"algorithm": "biweight", "niter": 0}, {"mean": 0.0025, "sigma": 0.0232012}),
        ({"algorithm": "biweight", "niter": -1}, {"mean": 0.000997154, "sigma": 0.0232012}),
    ],
)
def test_robust_algorithms(shared_input: Callable[[str], str], options: dict[str, object], expected: dict[str, float]) -> None:
    with CasaImage.open(shared_input("im2d.im")) as image:
        found = stats(image.read().ravel(), **options)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3, abs=6e-7), name


def test_fit_half_about_other_centres() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0])
    upper = stats(values, algorithm="fit-half", center="median", lside=False)
    assert (upper["npts"], upper["mean"], upper["max"], upper["min"]) == (4.0, 2.5, 10.0, -5.0)
    zero = stats(values, algorithm="fit", center="zero", lside=True)
    assert zero == {"npts": 0.0}
    assert compute_statistics(ValueStream.of_arrays(list)) == {"npts": 0.0}
    constant = stats(np.ones(5), algorithm="biweight")
    assert (constant["mean"], constant["sigma"]) == (1.0, 0.0)


def test_bad_options() -> None:
    with pytest.raises(ParameterError, match="algorithm must be one of"):
        StatisticsOptions(algorithm="magic")
    with pytest.raises(ParameterError, match="center of the fit-half"):
        StatisticsOptions(algorithm="fit-half", center="left")


def test_chauvenet_rejects_once_before_its_iterations() -> None:
    """As CASA 6.7: maxiter=0 rejects once."""
    values = np.concatenate([np.random.default_rng(3).normal(size=500), [50.0, 7.0]])
    once = stats(values, algorithm="chauvenet", zscore=4.0, maxiter=0)
    assert once["npts"] == 501 and once["max"] == 7.0
    assert stats(values, algorithm="chauvenet", zscore=4.0, maxiter=1)["max"] < 7.0


def test_iterated_biweight_is_the_reference_s() -> None:
    """27 values with three outliers near six times the scale, where CASA 6.7 gave these numbers; the fixed point is that of Beers et al."""
    values = np.array([
        -7.2375088, -0.0630860, -8.2843819, 0.4096378, 0.8298553, -1.6430234, -0.2567301, -0.9807473, -0.1731552, -1.2894187, 0.0206904,
        -0.0378857, -0.3043377, -1.0479266, -0.3961904, -1.0913289, 6.6774321, 0.2247857, -1.1093500, 1.1702961, 0.7165877, -4.1113586,
        0.2721289, -1.1017166, 0.0330572, 0.0436320, -1.9884298,
    ])  # fmt: skip
    expected = {
        -1: (-0.41003741, 1.04671517), 0: (-0.25673014, 1.04671517), 1: (-0.39387674, 0.97566605), 2: (-0.39546990, 1.00778546),
        3: (-0.40068584, 1.01373805), 4: (-0.40215171, 1.01493238), 10: (-0.40215171, 1.01493238),
    }  # fmt: skip
    for niter, (mean, sigma) in expected.items():
        found = stats(values, algorithm="biweight", niter=niter)
        assert found["mean"] == pytest.approx(mean, rel=2e-7) and found["sigma"] == pytest.approx(sigma, rel=2e-7)
    centre, scale = -0.4025786, 1.0152446
    for _ in range(50):
        u = (values - centre) / (6 * scale)
        near, all_of = np.abs(u) < 1, len(values)
        centre = float(np.average(values[near], weights=((1 - u**2) ** 2)[near]))
        u = (values - centre) / (6 * scale)
        near = np.abs(u) < 1
        p = abs(float(((1 - u**2) * (1 - 5 * u**2))[near].sum()))
        scale = float(np.sqrt(all_of * (((values - centre) ** 2 * (1 - u**2) ** 4)[near]).sum() / (p * max(1.0, p - 1))))
    assert expected[10] == pytest.approx((centre, scale), rel=2e-3)
