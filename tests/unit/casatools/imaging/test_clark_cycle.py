"""Clark's CLEAN of several polarizations together: places and records as CASA 6.7 has them for the same made skies."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.clark_cycle import polarization_strength
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes, clean_once

SIZE = 80


def spot(x: int, y: int) -> np.ndarray:
    at = np.arange(SIZE)
    return np.exp(-((at[:, None] - y) ** 2 + (at[None, :] - x) ** 2) / 8.0).astype(np.float32)


def image(skies: list[dict[tuple[int, int], float]], name: str, labels: tuple[str, ...] = ("RR", "LL")) -> PlaneDeconvolver:
    made = PlaneDeconvolver()
    residual = np.stack(
        [sum((v * spot(*place) for place, v in sky.items()), np.zeros((SIZE, SIZE), np.float32)) for sky in skies]
    )
    shape = (1, *residual.shape)
    made.planes = Planes(
        spot(40, 40)[None],
        residual[None].astype(np.float32),
        np.zeros(shape, np.float32),
        np.ones(shape, bool),
        np.ones(1),
        [None],
    )
    made.cycle, made.labels, made.sidelobe = MinorCycle(MinorOptions(name, 0.5)), labels, 0.1
    return made


def clean(made: PlaneDeconvolver, niter: int) -> CycleControl:
    control = CycleControl(CycleOptions(niter=niter))
    clean_once([made], control)
    return control


@pytest.mark.parametrize(
    ("skies", "places", "left"),
    [
        ([{(30, 40): 1.0, (55, 40): 0.5}, {(30, 40): 0.1, (55, 40): 0.8}], [(55, 40), (30, 40)], 0.65),
        ([{(30, 40): 0.6}, {(55, 40): 1.0}], [(55, 40), (30, 40)], 0.5),
        ([{(30, 40): 0.8, (55, 40): -0.7}, {(30, 40): 0.1, (55, 40): -0.6}], [(55, 40), (30, 40)], 0.65),
        ([{(30, 40): 0.8, (55, 40): 0.7}, {(30, 40): 0.5, (55, 40): -0.6}], [(30, 40), (55, 40)], 0.65),
    ],
)
def test_two_planes_share_places(skies: list[dict[tuple[int, int], float]], places: list[tuple[int, int]], left: float) -> None:
    """CASA's deconvolve task with gain 0.5 takes these places, and records this peak after two iterations."""
    for niter in (1, 2):
        made = image(skies, "clark")
        control = clean(made, niter)
        for p, sky in enumerate(skies):
            expected = {(y, x): 0.5 * sky.get((x, y), 0.0) for x, y in places[:niter]}
            found = {(int(y), int(x)) for y, x in np.argwhere(made.planes.model[0, p])}
            assert found <= set(expected)
            for (y, x), v in expected.items():
                assert made.planes.model[0, p, y, x] == pytest.approx(v, abs=1e-5)
        assert control.done == niter
    record = control.minor[0]
    assert list(record[0]) == [0]
    assert record[0][0]["peakRes"][0] == pytest.approx(left, abs=1e-5)
    assert record[0][0]["modelFlux"][0] == pytest.approx(float(made.planes.model.sum()), abs=1e-5)


def test_four_planes_go_by_the_greatest_eigenvalue() -> None:
    planes = np.array([[1.0, -1.0, 0.2], [0.0, 0.5, 0.5], [0.3, 0.5, -1.0], [-0.4, 0.5, 0.7]], np.float32)
    expected = planes[0] + np.sqrt((planes[1:] ** 2).sum(axis=0))
    assert polarization_strength(planes) == pytest.approx(expected) and polarization_strength(planes[:1]) == pytest.approx(
        [1.0, 1.0, 0.2]
    )
    skies = [{(20, 20 + 20 * k): float(v) for k, v in enumerate(plane)} for plane in planes]
    made = image(skies, "clark", ("I", "Q", "U", "V"))
    clean(made, 1)
    y, x = (int(v) for v in np.argwhere(made.planes.model[0].any(axis=0))[0])
    assert (x, y) == (20, 20 + 20 * int(expected.argmax()))


def test_separate_planes_and_empty_masks() -> None:
    made = image([{(30, 40): 1.0}, {(55, 40): 0.8}], "clarkstokes")
    assert clean(made, 1).done == 2
    assert made.planes.model[0, 0].sum() == pytest.approx(0.5) and made.planes.model[0, 1, 40, 55] == pytest.approx(0.4)
    made = image([{(30, 40): 1.0}, {(30, 40): 0.8}], "clark")
    made.planes.mask[...] = False
    assert made.clean_place((0, 0), 0.0, 5) == (0, 0.0)
    made.planes.mask[0, 1, 40, 30] = True
    assert made.clean_place((0, 0), 0.5, 50)[1] < 0.5


def test_channels_done_by_ranks_are_the_same() -> None:
    skies = [{(30, 40): 1.0, (55, 40): 0.5}, {(30, 40): 0.1, (55, 40): 0.8}]
    found = []
    for spread in (False, True):
        made = image(skies, "clark")
        planes = made.planes
        made.planes = Planes(
            np.repeat(planes.psf, 2, 0), np.repeat(planes.residual, 2, 0) * np.array([1.0, 0.6], np.float32)[:, None, None, None],
            np.repeat(planes.model, 2, 0), np.repeat(planes.mask, 2, 0), np.ones(2), [None, None],
        )  # fmt: skip
        made.spread_minor = spread
        assert clean(made, 3).minor[0].keys() == {0, 1}
        found.append(made.planes.model)
    assert np.array_equal(*found) and found[0].any(axis=(2, 3)).all()
