"""Gain curves and aperture efficiencies of the VLA.

References
----------
Perley, EVLA Memo 137 and 152; the table ``nrao/VLA/GainCurves`` of casadata (gain curves of bands, antennas and times).
"""

from __future__ import annotations

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
# Frequency (GHz), square root of K/Jy; straight lines between.
_EFFICIENCY = np.array(
    [
        (0.05, 0.194773), (1.1, 0.292197), (1.2, 0.292196), (1.3, 0.282918), (1.4, 0.286044), (1.5, 0.282918),
        (1.6, 0.276560), (1.7, 0.279757), (1.8, 0.279758), (1.9, 0.295225), (2, 0.304128), (2.3, 0.304128),
        (2.7, 0.301189), (3, 0.307038), (3.5, 0.312778), (3.7, 0.307038), (3.9, 0.308960), (4, 0.312778),
        (5, 0.309921), (6, 0.315609), (7, 0.332086), (7.9, 0.336868), (8, 0.326686), (11.9, 0.326686),
        (12, 0.340025), (12.9, 0.340025), (13.15, 0.338834), (13.9, 0.332880), (14.15, 0.330452), (14.9, 0.322284),
        (15.15, 0.321608), (16.9, 0.326412), (17.15, 0.326686), (17.9, 0.326686), (18.15, 0.325445), (18.9, 0.319241),
        (19.15, 0.317985), (23.9, 0.304414), (24.15, 0.303233), (25.9, 0.292793), (26.15, 0.294004), (26.4, 0.297017),
        (26.65, 0.297922), (27.9, 0.295424), (28.15, 0.294568), (32.9, 0.273763), (33.9, 0.269038), (37.9, 0.249987),
        (38.15, 0.247831), (39.9, 0.228239), (40.15, 0.226922), (42.9, 0.223301), (49.9, 0.211966),
    ]  # fmt: skip
)


def vla_efficiency(frequency_hz: float) -> float:
    """Square root of the sensitivity [K/Jy] of a VLA antenna at a frequency."""
    return float(np.interp(frequency_hz / 1e9, _EFFICIENCY[:, 0], _EFFICIENCY[:, 1]))


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
        There are no curves for the telescope, its frequencies or time.
    """
    telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    if telescope not in ("VLA", "EVLA", "NRAO") and not infile:
        raise DataError(f"there are gain curves of the VLA only; {ms.path!r} is of {telescope or 'an unknown telescope'}")
    windows, antennas = ms.metadata.spectral_windows, ms.metadata.antennas
    time_s = float(ms.read("TIME", np.array([0]))[0]) if ms.nrow else _SINCE_S
    out = np.zeros((len(windows), len(antennas), CURVE_PARAMETERS))
    path = infile or resolve(_TABLE)
    for window in windows:
        frequency = float(window.chan_freq_hz.mean())
        curve = np.zeros((len(antennas), 4))
        curve[:, 0] = 1.0
        if caltype != "eff":
            if is_table(path):
                curve = _read_curves(path, frequency, time_s, [a.name for a in antennas])
            elif frequency >= _FLAT_BELOW_HZ or time_s < _SINCE_S:
                raise DataError(f"the gain curves of the VLA at {frequency / 1e9:.3f} GHz are not here: {_TABLE} is in no data folder")
            else:
                log.post(f"{_TABLE} is in no data folder; the gain curve at {frequency / 1e9:.3f} GHz is taken as flat", "WARN")
        factor = 1.0 if caltype == "gc" else vla_efficiency(frequency)
        out[window.id] = np.tile(curve * factor, 2)
    return out


def _read_curves(path: str, frequency_hz: float, time_s: float, names: list[str]) -> np.ndarray:
    """Coefficients (ant, 4) of each antenna, those of antenna '0' where it has none of its own."""
    table = open_table(path, what="table of gain curves")
    try:
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
    finally:
        table.close()
    return np.array(curves)
