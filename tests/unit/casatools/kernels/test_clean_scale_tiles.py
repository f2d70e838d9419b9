"""The tiled multi-scale loop finds the components of the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging import minor_cycle
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions

SCALES = (0.0, 4.0, 9.0)


def _sky(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    ny, nx = shape
    y, x = np.arange(ny) - ny // 2, np.arange(nx) - nx // 2
    r = np.hypot(y[:, None], x[None, :])
    psf = (np.exp(-((r / 2.5) ** 2)) + 0.05 * np.cos(0.6 * r) * np.exp(-r / 40)).astype(np.float32)
    psf /= psf.max()
    sky = np.zeros(shape, np.float32)
    sky[rng.integers(0, ny, 6), rng.integers(0, nx, 6)] = rng.uniform(0.5, 1.5, 6)
    for _ in range(3):
        yc, xc = rng.integers(20, ny - 20), rng.integers(20, nx - 20)
        sky += (0.05 * np.exp(-((np.arange(ny)[:, None] - yc) ** 2 + (np.arange(nx)[None, :] - xc) ** 2) / 40.0)).astype(
            np.float32
        )
    dirty = minor_cycle.convolve_components(sky, psf) + 0.002 * rng.normal(size=shape)
    return dirty.astype(np.float32), psf


@pytest.mark.parametrize(
    ("shape", "niter", "threshold"), [((256, 256), 150, 0.0), ((270, 300), 150, 0.0), ((256, 256), 5000, 0.3)]
)
def test_same_components_as_the_plain_loop(
    shape: tuple[int, int], niter: int, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    dirty, psf = _sky(shape)
    mask = np.ones(shape, bool)
    mask[:30] = False
    results = []
    for tile, lot in ((10_000, 20_000), (64, 20_000), (64, 70)):
        monkeypatch.setattr(minor_cycle, "TILE", tile) if tile > 64 else monkeypatch.undo()
        monkeypatch.setattr(minor_cycle, "_LOT", lot)
        residual, model = dirty.copy(), np.zeros_like(dirty)
        cycle = MinorCycle(MinorOptions("multiscale", 0.2, SCALES, 0.3))
        results.append((cycle.run(residual, model, psf, mask, threshold, niter), residual, model))
    plain = results[0]
    assert plain[0][0] == niter or threshold > 0
    for other in results[1:]:
        assert other[0][0] == plain[0][0] > 20
        assert np.allclose(other[2], plain[2], atol=1e-5) and np.allclose(other[1], plain[1], atol=1e-4)
        assert other[0][1] == pytest.approx(plain[0][1], abs=1e-4)
