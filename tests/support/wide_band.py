"""A wide-band observation of one source away from the axis of the primary beams."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from casatools import table
from casatools.imaging.antenna_beams import AntennaBeams, antenna_beams
from casatools.simulation.demo import DemoOptions, make_demo

_C = 299792458.0


def beam_of_channels(beams: AntennaBeams, freq_hz: np.ndarray, l: float, m: float) -> np.ndarray:
    """The beam of 25 m dishes at a place, channel by channel."""
    return np.array([beams.power((25.0, 25.0), np.array([np.hypot(l, m)]), f)[0] for f in freq_hz])


def make_wide_band(path: Path, freq_hz: np.ndarray, offset_rad: float, slope: float = 0.0) -> None:
    """The EVLA's view of a source of 1 Jy and a power-law spectrum about 1.25 GHz, `offset_rad` to the east and north of the axis; w is zero."""
    make_demo(str(path), DemoOptions(antennas_per_arm=4, cycles=2, nchan=len(freq_hz)))
    tb = table()
    tb.open(str(path / "SPECTRAL_WINDOW"), nomodify=False)
    tb.putcol("CHAN_FREQ", freq_hz[:, None])
    for column in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
        tb.putcol(column, np.full((len(freq_hz), 1), freq_hz[1] - freq_hz[0]))
    tb.done()
    tb.open(str(path / "OBSERVATION"), nomodify=False)
    tb.putcol("TELESCOPE_NAME", np.array(["EVLA"]))
    tb.done()
    tb.open(str(path), nomodify=False)
    uvw = tb.getcol("UVW") / 1.5
    uvw[2] = 0
    tb.putcol("UVW", uvw)
    tb.putcol("FIELD_ID", np.zeros(tb.nrows(), int))
    tb.putcol("FLAG", np.zeros(tb.getcol("FLAG").shape, bool))
    tb.putcol("FLAG_ROW", np.zeros(tb.nrows(), bool))
    power = beam_of_channels(antenna_beams("EVLA", measured=True), freq_hz, offset_rad, offset_rad) * (freq_hz / 1.25e9) ** slope
    turn = np.exp(2j * np.pi * np.outer(freq_hz, uvw[0] * offset_rad + uvw[1] * offset_rad) / _C)
    tb.putcol("DATA", np.repeat((power[:, None] * turn)[None], 2, axis=0).astype(np.complex64))
    tb.done()
