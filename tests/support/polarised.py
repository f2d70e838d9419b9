"""A polarised point source seen by eight antennas over eight hours, corrupted by known Jones matrices: simvla.ms with its times and data replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.shared import unpack

# Stokes I, Q, U, V (Jy) of the source unless others are given.
SOURCE = (2.0, 0.11, -0.07, 0.0)
NANT = 8


def make_polarised(
    folder: Path,
    jones: np.ndarray,
    source: tuple[float, ...] = SOURCE,
    basis: str = "circular",
    noise: float = 0.0,
    hours: float = 8.0,
) -> str:
    """Write ``V_ij = J_i P_i S P_j^H J_j^H`` and give the MeasurementSet's name.

    Parameters
    ----------
    folder : Path
    jones : ndarray (ant, time or 1, chan or 1, 2, 2) complex
        The same in both spectral windows where there are 8 channels; 16 channels are those of both.
    source : (float, float, float, float)
    basis : {"circular", "linear"}
    noise : float
        Standard deviation of the real and the imaginary part (Jy).
    hours : float
        Length of the observation, centred on the transit of field 0.
    """
    from casacore.tables import table

    from casatools.calibration.stages import ParallacticStage
    from casatools.io.ms import MeasurementSet

    path = str(unpack("simvla.ms", folder))
    if basis == "linear":
        make_linear(path)
    with table(path, readonly=False, ack=False) as main:
        old = main.getcol("TIME")
        times, which = np.unique(old, return_inverse=True)
        with MeasurementSet(path) as ms:
            new = _times(ms, times, hours)
        for name in ("TIME", "TIME_CENTROID"):
            main.putcol(name, new[which])
        main.putcol("FIELD_ID", np.zeros(len(old), dtype=np.int32))
        ant1, ant2, window = (main.getcol(c) for c in ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID"))
        with MeasurementSet(path) as ms:
            stage = ParallacticStage(ms).stage(_Slots(new), False, basis == "circular")
        turn = stage.jones
        if basis == "circular":
            turn = np.zeros((*stage.jones.shape, 2), dtype=complex)
            turn[..., 0, 0], turn[..., 1, 1] = stage.jones[..., 0], stage.jones[..., 1]
        i, q, u, v = source
        sky = {
            "circular": np.array([[i + v, q + 1j * u], [q - 1j * u, i - v]]),
            "linear": np.array([[i + q, u + 1j * v], [u - 1j * v, i - q]]),
        }[basis]
        every = np.broadcast_to(jones, (NANT, len(times), jones.shape[2], 2, 2))
        data = np.zeros((len(old), 8, 4), dtype=np.complex64)
        for w in (0, 1):
            rows = np.flatnonzero(window == w)
            part = every[:, :, 8 * w : 8 * w + 8] if jones.shape[2] == 16 else every
            full = part @ turn.transpose(1, 0, 2, 3, 4)
            a, b, t = ant1[rows], ant2[rows], which[rows]
            made = full[a, t] @ sky @ full[b, t].conj().swapaxes(-1, -2)
            data[rows] = np.broadcast_to(made.reshape(len(rows), -1, 4), (len(rows), 8, 4))
        rng = np.random.default_rng(5)
        data += (noise * (rng.normal(size=data.shape) + 1j * rng.normal(size=data.shape))).astype(np.complex64)
        main.putcol("DATA", data)
        main.putcol("SIGMA", np.full((len(old), 4), max(noise, 1.0), dtype=np.float32))
        main.putcol("WEIGHT", np.full((len(old), 4), max(noise, 1.0) ** -2.0, dtype=np.float32))
    return path


class _Slots:
    def __init__(self, times_s: np.ndarray) -> None:
        self.times_s, self.fields = times_s, np.zeros(len(times_s), dtype=np.int64)


def _times(ms: object, times_s: np.ndarray, hours: float) -> np.ndarray:
    """As many times as given, evenly over the observation."""
    from casatools.frames.baselines import hour_angle_declination
    from casatools.frames.directions import Direction

    field = ms.metadata.fields[0]  # type: ignore[attr-defined]
    toward = Direction(float(field.phase_dir[0][0]), float(field.phase_dir[0][1]), field.phase_frame)
    hour, _ = hour_angle_declination(times_s[:1], toward, ms.metadata.antennas[0].position_m)  # type: ignore[attr-defined]
    transit = times_s[0] - hour[0] / (2 * np.pi) * 86164.1
    return np.round(transit + 3600 * hours * (np.arange(len(times_s)) / (len(times_s) - 1) - 0.5), 1)


def make_linear(path: str) -> None:
    """Say that the feeds, and so the correlations, are linear."""
    from casacore.tables import table

    with table(f"{path}/POLARIZATION", readonly=False, ack=False) as t:
        for row in range(t.nrows()):
            t.putcell("CORR_TYPE", row, np.array([9, 10, 11, 12], dtype=np.int32))
    with table(f"{path}/FEED", readonly=False, ack=False) as t:
        for row in range(t.nrows()):
            t.putcell("POLARIZATION_TYPE", row, ["X", "Y"])


def leaky_jones(size: float = 0.05, cross_rad: float = 0.6, gains: bool = False) -> np.ndarray:
    """``G D X`` (ant, 1, 1, 2, 2) with random leakages of about `size` and a phase between the receptors."""
    rng = np.random.default_rng(11)
    leak = size * (rng.normal(size=(NANT, 2)) + 1j * rng.normal(size=(NANT, 2))) / np.sqrt(2)
    d = np.zeros((NANT, 2, 2), dtype=complex)
    d[:, 0, 0] = d[:, 1, 1] = 1
    d[:, 0, 1], d[:, 1, 0] = leak[:, 0], leak[:, 1]
    d = d @ np.diag([np.exp(1j * cross_rad), 1])
    if gains:
        g = rng.uniform(0.7, 1.4, (NANT, 2)) * np.exp(1j * rng.uniform(-3, 3, (NANT, 2)))
        d = g[:, :, None] * d
    return d[:, None, None]
