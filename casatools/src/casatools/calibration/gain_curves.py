"""Gain curves and aperture efficiencies of the VLA.

References
----------
The table ``nrao/VLA/GainCurves`` of casadata (gain curves of bands, antennas and times). Efficiencies: sampled from what CASA 6.7's
gencal(caltype="eff") writes at frequencies from 0.05 to 50 GHz; knots and the Jy per K are inferred from the samples (to 4e-6), not
taken from a publication.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.paths import resolve
from casatools.io.tables import is_table, open_table

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["CURVE_PARAMETERS", "gain_curves", "vla_efficiency"]

# Four coefficients of zenith angle in degrees for each receptor.
CURVE_PARAMETERS = 8
_TABLE = "nrao/VLA/GainCurves"
# Below this frequency the curves of all bands since 2010 are flat.
_FLAT_BELOW_HZ = 8e9
_SINCE_S = 55197.0 * 86400.0
# Jy per K of an antenna of 25 m at an efficiency of one.
_JY_PER_K = 5.622
# Frequency (GHz), aperture efficiency; its square root runs straight between, with steps at the edges of the bands.
_EFFICIENCY = np.array([
    (0.05, 0.2133), (1.1, 0.4800), (1.2, 0.4800), (1.3, 0.4500), (1.4, 0.4600), (1.5, 0.4500), (1.6, 0.4300),
    (1.7, 0.4400), (1.8, 0.4400), (1.9, 0.4900), (1.999999, 0.4800), (2.0, 0.5200), (2.3, 0.5200), (2.7, 0.5100),
    (3.0, 0.5300), (3.5, 0.5500), (3.7, 0.5300), (3.999999, 0.5400), (4.0, 0.5500), (5.0, 0.5400), (6.0, 0.5600),
    (7.0, 0.6200), (7.999999, 0.6400), (8.0, 0.6000), (11.999999, 0.6000), (12.0, 0.6500), (13.0, 0.6500), (14.0, 0.6200),
    (15.0, 0.5800), (16.2, 0.5920), (17.0, 0.6000), (17.999999, 0.6000), (18.0, 0.6000), (19.0, 0.5700), (24.0, 0.5200),
    (26.0, 0.4800), (26.499999, 0.5000), (26.5, 0.5000), (28.0, 0.4900), (33.0, 0.4200), (38.0, 0.3500), (39.999999, 0.2900),
    (40.0, 0.2900), (43.0, 0.2800), (49.999999, 0.2522),
])  # fmt: skip


def vla_efficiency(frequency_hz: float) -> float:
    """Square root of the sensitivity [K/Jy] of a VLA antenna at a frequency."""
    return float(np.interp(frequency_hz / 1e9, _EFFICIENCY[:, 0], np.sqrt(_EFFICIENCY[:, 1] / _JY_PER_K)))


def gain_curves(ms: MeasurementSet, caltype: str, infile: str = "") -> np.ndarray:
    """Curves of all antennas in all spectral windows.

    Parameters
    ----------
    ms : MeasurementSet
    caltype : {"gc", "gceff", "eff"}
        Curves, curves times efficiencies, efficiencies.
    infile : str
        Table of gain curves; '' is that of the data folders.

    Returns
    -------
    ndarray (spw, ant, 8) float64

    Raises
    ------
    DataError
        There are no curves for the telescope, its frequencies or time, or `infile` is no table of them.
    """
    telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    if telescope not in ("VLA", "EVLA", "NRAO") and not infile:
        raise DataError(f"there are gain curves of the VLA only; {ms.path!r} is of {telescope or 'an unknown telescope'}")
    windows, antennas = ms.metadata.spectral_windows, ms.metadata.antennas
    time_s = float(ms.read("TIME", np.array([0]))[0]) if ms.nrow else _SINCE_S
    out = np.zeros((len(windows), len(antennas), CURVE_PARAMETERS))
    path = infile or resolve(_TABLE)
    if infile:
        _require_curves(infile)
    for window in windows:
        frequency = float(window.chan_freq_hz[window.nchan // 2])
        curve = np.zeros((len(antennas), 4))
        curve[:, 0] = 1.0
        if caltype != "eff":
            if is_table(path):
                curve = _read_curves(path, frequency, time_s, [a.name for a in antennas])
            elif frequency >= _FLAT_BELOW_HZ or time_s < _SINCE_S:
                raise DataError(
                    f"the gain curves of the VLA at {frequency / 1e9:.3f} GHz are not here: {_TABLE} is in no data folder"
                )
            else:
                log.post(f"{_TABLE} is in no data folder; the gain curve at {frequency / 1e9:.3f} GHz is taken as flat", "WARN")
        factor = 1.0 if caltype == "gc" else vla_efficiency(frequency)
        out[window.id] = np.tile(curve * factor, 2)
    return out


def _require_curves(infile: str) -> None:
    with closing(open_table(infile, what="table of gain curves")) as table:
        missing = [c for c in ("BFREQ", "EFREQ", "BTIME", "ETIME", "ANTENNA", "GAIN") if c not in table.colnames()]
    if missing:
        raise DataError(f"{infile!r} is no table of gain curves: it has no {', '.join(missing)}")


def _read_curves(path: str, frequency_hz: float, time_s: float, names: list[str]) -> np.ndarray:
    """Coefficients (ant, 4) of each antenna, those of antenna '0' where it has none of its own."""
    with closing(open_table(path, what="table of gain curves")) as table:
        good = (table.getcol("BFREQ") <= frequency_hz) & (table.getcol("EFREQ") > frequency_hz)
        good &= (table.getcol("BTIME") <= time_s) & (table.getcol("ETIME") > time_s)
        rows = {str(table.getcell("ANTENNA", int(r))): int(r) for r in np.flatnonzero(good)}
        if "0" not in rows:
            raise DataError(f"{path!r} has no gain curve for {frequency_hz / 1e9:.3f} GHz at that time")
        curves = []
        for name in names:
            number = name.lstrip("VEAvea").lstrip("0")
            cell = np.asarray(table.getcell("GAIN", rows.get(number, rows["0"])), dtype=np.float64)
            curves.append(cell[:, 0] if cell.shape[0] == 4 else cell[0])
    return np.array(curves)
