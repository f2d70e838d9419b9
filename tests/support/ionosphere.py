"""Maps of the ionosphere, and antennas to look through it."""

from __future__ import annotations

import numpy as np

__all__ = ["Zenith", "ionex"]


def line(text: str, label: str) -> str:
    return f"{text:60s}{label}\n"


def ionex(maps: int = 2, exponent: int = -1, missing: bool = False) -> str:
    """A file whose columns are 10 + latitude / 10 + longitude / 100 + hour."""
    lat, lon = np.arange(87.5, -90, -2.5), np.arange(-180.0, 181.0, 5.0)
    text = line("     1.0            IONOSPHERE MAPS     GPS", "IONEX VERSION / TYPE")
    text += line("    87.5 -87.5  -2.5", "LAT1 / LAT2 / DLAT") + line("  -180.0 180.0   5.0", "LON1 / LON2 / DLON")
    text += line(f"{exponent:6d}", "EXPONENT") + line("", "END OF HEADER")
    for k in range(maps):
        text += line(f"{k + 1:6d}", "START OF TEC MAP")
        text += line(f"  2019     5     1{24 if k == 12 else 2 * k:6d}     0     0", "EPOCH OF CURRENT MAP")
        for b in lat:
            text += line(f"  {b:6.1f}-180.0 180.0   5.0 450.0", "LAT/LON1/LON2/DLON/H")
            values = np.round((10 + b / 10 + lon / 100 + 2 * k) / 10.0**exponent).astype(int)
            if missing:
                values[0] = 9999
            for start in range(0, len(values), 16):
                text += "".join(f"{v:5d}" for v in values[start : start + 16]) + "\n"
        text += line(f"{k + 1:6d}", "END OF TEC MAP")
    text += line("     1", "START OF RMS MAP") + "".join(f"{1:5d}" for _ in range(16)) + "\n" + line("     1", "END OF RMS MAP")
    return text + line("", "END OF FILE")


class Zenith:
    """Antennas of one observatory that look straight up."""

    def __init__(self, place_m: np.ndarray) -> None:
        self.positions_m = place_m[None]

    def directions_itrf(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        return np.repeat(self.positions_m / np.linalg.norm(self.positions_m), len(times_s), axis=0)

    def elevations(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        return np.full((len(times_s), 1), np.pi / 2)
