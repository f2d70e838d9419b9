"""The standard "Butler-JPL-Horizons 2010": planets, moons and asteroids as black disks of a mean radius.

References
----------
Ephemerides are the tables of CASA's data of 2008 to 2013 (``ephemerides/JPL-Horizons/<body>_<from>-<to>dUTC.tab``, with the keyword ``meanrad``), which come
from JPL Horizons. Brightness temperatures were sampled from the flux densities that CASA 6.7's setjy gives for this standard from 0.2 to 1000 GHz; they
follow B. Butler's models of 2010, which ALMA Memo 594 replaced by those of 2012.
"""

from __future__ import annotations

import os
import re

import numpy as np

from casatools._base.constants import AU_M, JANSKY_PER_SI
from casatools._base.constants import SPEED_OF_LIGHT_M_S as _LIGHT_M_S
from casatools._base.errors import DataError
from casatools.calibration.solar_system import EPHEMERIDES, Disk, ephemeris_values, find_files, planck_brightness
from casatools.io.tables import open_table

__all__ = ["BODIES_2010", "body_flux_2010", "brightness_temperature_2010", "find_disk_2010"]

# Black bodies: kelvin.
_CONSTANT_K = {
    "Mars": 210.0, "Io": 110.0, "Europa": 109.0, "Ganymede": 110.0, "Callisto": 134.0, "Titan": 76.6, "Triton": 38.0, "Pluto": 35.0,
    "Ceres": 167.0, "Juno": 163.0, "Pallas": 164.0, "Vesta": 160.0,
}  # fmt: skip
# Knots (GHz, K); straight in the logarithm of frequency between them, constant beyond the outermost. Those of Jupiter and Uranus are wavelengths
# of 6.2, 1.3, 0.7, 0.44 and 6.2, 1, 0.4, 0.07 cm.
_KNOTS: dict[str, tuple[tuple[float, float], ...]] = {
    "Jupiter": ((_LIGHT_M_S / 6.2e7, 174.3604), (_LIGHT_M_S / 1.3e7, 130.0), (_LIGHT_M_S / 0.7e7, 160.0), (_LIGHT_M_S / 0.44e7, 170.0)),
    "Uranus": ((_LIGHT_M_S / 6.2e7, 218.2011), (_LIGHT_M_S / 1e7, 135.0), (_LIGHT_M_S / 0.4e7, 135.0), (_LIGHT_M_S / 0.07e7, 78.4214)),
    "Neptune": ((4.0, 226.106), (70.0, 140.0), (1000.0, 47.0893)),
    "Venus": (
        (0.2, 499.39), (0.238, 507.63), (0.2832, 516.47), (0.3371, 525.65), (0.4011, 534.76), (0.4774, 543.95), (0.5681, 553.03), (0.676, 562.14),
        (0.8045, 571.28), (0.9574, 580.46), (1.1394, 591.47), (1.3559, 602.40), (1.6136, 613.83), (1.9202, 626.70), (2.2851, 639.59), (2.7194, 655.34),
        (3.2362, 670.14), (3.8512, 678.28), (4.5831, 680.13), (5.4541, 678.22), (6.4906, 670.12), (7.7242, 657.11), (8.4168, 649.03), (9.1921, 640.73),
        (10.939, 617.99), (13.0178, 591.84), (15.4918, 564.35), (18.4359, 537.10), (21.9396, 510.73), (26.109, 485.87), (31.0709, 462.34), (36.9757, 440.44),
        (44.0027, 420.20), (52.3651, 401.63), (62.3168, 384.55), (74.1597, 368.96), (88.2533, 354.52), (105.025, 341.04), (124.985, 328.26), (148.737, 315.96),
        (177.004, 304.43), (210.642, 293.87), (250.673, 284.35), (298.312, 276.40), (355.005, 269.68),
    ),
}  # fmt: skip
# Beyond these (GHz) there is no model: the reference extrapolates Venus, to 30 K at 850 GHz.
_LIMITS_GHZ = {"Venus": (0.2, 355.005)}
BODIES_2010 = (*_KNOTS, *_CONSTANT_K)


def brightness_temperature_2010(name: str, frequency_hz: np.ndarray) -> np.ndarray:
    """Temperature (chan,) [K] of the black body that shines as a body does.

    Raises
    ------
    DataError
        There is no model of the body, or not at these frequencies.
    """
    ghz = np.asarray(frequency_hz, dtype=np.float64) / 1e9
    if name in _CONSTANT_K:
        return np.full(ghz.shape, _CONSTANT_K[name])
    if name not in _KNOTS:
        raise DataError(f"there is no model of {name} of 2010; bodies are {', '.join(BODIES_2010)}")
    low, high = _LIMITS_GHZ.get(name, (0.0, np.inf))
    if ghz.min() < low or ghz.max() > high:
        raise DataError(
            f"the model of {name} of 2010 reaches from {low:g} to {high:g} GHz; asked for are {ghz.min():.3f} to {ghz.max():.3f} GHz"
        )
    knots = np.array(_KNOTS[name])
    return np.asarray(np.interp(np.log10(ghz), np.log10(knots[:, 0]), knots[:, 1]))


def body_flux_2010(disk: Disk, frequency_hz: np.ndarray) -> np.ndarray:
    """Flux density (chan,) [Jy] of a disk: Planck's brightness times its solid angle, the cosmic background not taken off.

    Raises
    ------
    DataError
        As `brightness_temperature_2010`.
    """
    hz = np.asarray(frequency_hz, dtype=np.float64)
    return planck_brightness(brightness_temperature_2010(disk.name, hz), hz) * disk.solid_angle * JANSKY_PER_SI


def find_disk_2010(name: str, mjd: float) -> Disk:
    """Where a body is and how large its mean radius looks.

    Parameters
    ----------
    name : str
        One of BODIES_2010.
    mjd : float
        UTC, modified Julian date.

    Raises
    ------
    DataError
        There is no ephemeris of the body for the date over the data paths.
    """
    spans = []
    for path in find_files(EPHEMERIDES, rf"{name}_(\d+)-(\d+)dUTC\.tab"):
        span = re.search(r"_(\d+)-(\d+)dUTC", os.path.basename(path))
        assert span is not None
        first, last = float(span[1]), float(span[2])
        spans.append(f"{first:.0f} to {last:.0f}")
        if first <= mjd <= last:
            return _disk_of_table(path, name, mjd)
    have = f"they cover {', '.join(spans)}" if spans else "put CASA's data into a folder of 'datapath'"
    raise DataError(
        f"there is no ephemeris of {name} for the models of 2010 and MJD {mjd:.2f} in the data folders ({EPHEMERIDES}/{name}_*dUTC.tab): {have}; "
        "the models of 2012 have later ones"
    )


def _disk_of_table(path: str, name: str, mjd: float) -> Disk:
    table = open_table(path, what="ephemeris")
    try:
        at = ephemeris_values(table, ("RA", "DEC", "Rho"), mjd)
        radius = table.getkeyword("meanrad")
    finally:
        table.close()
    radius_km = float(radius["value"] if isinstance(radius, dict) else radius)
    width = 2 * radius_km / (at["Rho"] * AU_M / 1000)
    return Disk(name, float(np.deg2rad(at["RA"] % 360.0)), float(np.deg2rad(at["DEC"])), width, width, 0.5 * np.pi)
