"""Phases of visibilities turned by a path difference."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["phase_factors", "turn_phases"]

_TWO_PI = 2.0 * np.pi
# Channels after which a factor is computed anew, so that rounding of the recurrence stays below single precision.
_RUN = 16


@kernel
def phase_factors(path_turns: np.ndarray, frequency: np.ndarray, even: bool, out: np.ndarray) -> None:
    """Factors exp(-2 pi i path frequency), whole turns taken off in double precision.

    Parameters
    ----------
    path_turns : ndarray (row,) float64 [s]
        Path differences over the speed of light.
    frequency : ndarray (chan,) float64 [Hz]
    even : bool
        The channels are equally spaced, so that each factor follows from the one before.
    out : ndarray (row, chan) complex64
    """
    step = frequency[1] - frequency[0] if even and len(frequency) > 1 else 0.0
    for row in range(len(path_turns)):
        turns = path_turns[row] * step
        angle = -_TWO_PI * (turns - np.rint(turns))
        change = complex(np.cos(angle), np.sin(angle))
        factor = 1.0 + 0.0j
        for chan in range(len(frequency)):
            if not even or chan % _RUN == 0:
                turns = path_turns[row] * frequency[chan]
                angle = -_TWO_PI * (turns - np.rint(turns))
                factor = complex(np.cos(angle), np.sin(angle))
            else:
                factor *= change
            out[row, chan] = factor


@kernel
def turn_phases(values: np.ndarray, factor: np.ndarray, out: np.ndarray) -> None:
    """Visibilities times a factor for each row and channel.

    Parameters
    ----------
    values, out : ndarray (row, chan, corr) complex64
    factor : ndarray (row, chan) complex64
    """
    nrow, nchan, ncorr = values.shape
    for row in range(nrow):
        for chan in range(nchan):
            for corr in range(ncorr):
                out[row, chan, corr] = values[row, chan, corr] * factor[row, chan]
