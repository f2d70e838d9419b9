"""Instrumental effects put into simulated data: gains, bandpasses, noise, interference, bad starts of scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Corruption"]


@dataclass(frozen=True)
class Corruption:
    """Instrumental effects, reproducible from a seed.

    Attributes
    ----------
    gain_amplitude : float
        Mean amplitude of an antenna's voltage gain; data in correlator units are this squared times Jy.
    gain_scatter : float
        Relative scatter of the gains over antennas and feeds.
    drift_rad : float
        Amplitude of the slow phase drift.
    drift_period_s : float
    ripple : float
        Relative amplitude of the bandpass ripple.
    noise_jy : float
        Standard deviation of the real and of the imaginary part of one visibility, in Jy before the gains.
    interference_jy, interference_fraction : float
        Strength and share of visibilities hit by interference.
    bad_start_factor : float
        The first integration of each scan is multiplied by this (antennas still slewing).
    seed : int
    """

    gain_amplitude: float = 0.3
    gain_scatter: float = 0.1
    drift_rad: float = 0.4
    drift_period_s: float = 9000.0
    ripple: float = 0.08
    noise_jy: float = 0.35
    interference_jy: float = 4000.0
    interference_fraction: float = 2e-4
    bad_start_factor: float = 0.5
    seed: int = 5921

    def gains(self, time_s: np.ndarray, nant: int, nfeed: int) -> np.ndarray:
        """Voltage gains (time, ant, feed) complex128 at the times given [s]."""
        rng = np.random.default_rng(self.seed)
        amplitude = self.gain_amplitude * (1.0 + self.gain_scatter * rng.standard_normal((nant, nfeed)).clip(-2, 2))
        phase = rng.uniform(-np.pi, np.pi, (nant, nfeed))
        swing = self.drift_rad * rng.standard_normal((nant, 1))
        start = rng.uniform(0, 2 * np.pi, (nant, 1))
        turn = 2.0 * np.pi * (time_s - time_s.min())[:, None, None] / self.drift_period_s
        drift = swing * np.sin(turn + start)
        breathing = 1.0 + 0.005 * np.sin(0.5 * turn + start)
        return amplitude * breathing * np.exp(1j * (phase + drift))

    def bandpass(self, nchan: int, nant: int, nfeed: int) -> np.ndarray:
        """Voltage bandpasses (chan, ant, feed) complex128, mean amplitude about one."""
        rng = np.random.default_rng(self.seed + 1)
        x = np.linspace(-1.0, 1.0, nchan)[:, None, None]
        ripple = self.ripple * rng.uniform(0.3, 1.0, (nant, nfeed))
        amplitude = 1.0 + ripple * np.sin(np.pi * x * rng.uniform(1, 3, (nant, nfeed)) + rng.uniform(0, 6, (nant, nfeed)))
        # The filter's edges fall off.
        amplitude = amplitude * (1.0 - 0.25 * np.abs(x) ** 12)
        slope = rng.uniform(-0.5, 0.5, (nant, nfeed))
        return amplitude * np.exp(1j * slope * x)

    def noise(self, shape: tuple[int, ...], block: int) -> np.ndarray:
        """Complex noise [Jy] of one block of rows; `block` makes each block's stream its own."""
        rng = np.random.default_rng([self.seed, 2, block])
        both = rng.standard_normal((*shape, 2), dtype=np.float32) * np.float32(self.noise_jy)
        return both.view(np.complex64)[..., 0]

    def interference(self, shape: tuple[int, ...], block: int) -> np.ndarray:
        """Boolean array of visibilities hit by interference."""
        rng = np.random.default_rng([self.seed, 3, block])
        return rng.random(shape, dtype=np.float32) < self.interference_fraction
