"""A MeasurementSet with known phases, delays and rates of its antennas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.polarised import NANT, make_polarised

_TIMES_S = 10.0 * np.arange(36)


def make_fringes(folder: Path) -> tuple[str, np.ndarray]:
    """A MeasurementSet of six minutes with random flags, and phase (rad), delay (ns) and rate (s/s) of each antenna, the same for both receptors."""
    from casatools.io.ms import MeasurementSet

    rng = np.random.default_rng(5)
    truth = np.stack([rng.uniform(-2, 2, NANT), rng.uniform(-15, 15, NANT), rng.uniform(-4e-13, 4e-13, NANT)], axis=1)
    hours = _TIMES_S[-1] / 3600
    empty = make_polarised(folder / "empty", np.ones((NANT, 1, 1, 1, 1)) * np.eye(2), hours=hours)
    with MeasurementSet(empty) as ms:
        frequency = np.concatenate([w.chan_freq_hz for w in ms.metadata.spectral_windows])
    across, along = 1e-9 * (frequency - frequency.mean()), frequency.mean() * (_TIMES_S - _TIMES_S.mean())[:, None]
    phase = truth[:, 0, None, None] + 2 * np.pi * (truth[:, 1, None, None] * across + truth[:, 2, None, None] * along)
    vis = make_polarised(folder, np.exp(1j * phase)[..., None, None] * np.eye(2), source=(2.0, 0, 0, 0), noise=0.05, hours=hours)
    with MeasurementSet(vis, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[rng.random(flag.shape[:2]) < 0.03] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    return vis, truth
