"""Frequency frames, Doppler factors and velocities."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.frames.engine import make_engine
from casatools.frames.interpolation import on_nodes
from casatools.frames.observatories import as_position

__all__ = [
    "FREQUENCY_FRAMES",
    "convert_frequencies",
    "doppler_factor",
    "frequency_frame",
    "frequency_to_velocity",
    "velocity_to_frequency",
]

FREQUENCY_FRAMES = ("REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB")
_ALIASES = {"LSR": "LSRK", "HELIO": "BARY", "BARYCENT": "BARY", "GEOCENTR": "GEO", "TOPOCENT": "TOPO", "GALACTOC": "GALACTO"}
_PROBE_HZ = 1.0e9
# The topocentric term has a period of a day and an amplitude of 1.5e-6: cubic interpolation over this leaves 1e-14.
_NODE_STEP_S = 600.0


def frequency_frame(name: str) -> str:
    """CASA's name of a frequency frame; raise ParameterError for an unknown one."""
    folded = name.strip().upper()
    folded = _ALIASES.get(folded, folded)
    if folded not in FREQUENCY_FRAMES:
        raise ParameterError(f"frequency frame {name!r} is unknown; allowed are {', '.join(FREQUENCY_FRAMES)}")
    return folded


def doppler_factor(
    from_frame: str,
    to_frame: str,
    epoch_mjd_s: Any = None,
    direction: Any = None,
    position: Any = None,
    radial_velocity_m_s: float | None = None,
) -> Any:
    """Ratio of a frequency in `to_frame` to the same frequency in `from_frame`.

    Parameters
    ----------
    from_frame, to_frame : str
        REST, LSRK, LSRD, BARY, GEO, TOPO, GALACTO, LGROUP, CMB.
    epoch_mjd_s : float or ndarray (time,), optional [s]
        UTC; needed where GEO or TOPO meets another frame.
    direction : Direction, str, dict
        Direction of the source; moving ones are taken at each epoch.
    position : Position, str, ndarray (3,), optional
        Place of the observer, needed for TOPO.
    radial_velocity_m_s : float, optional
        LSRK radial velocity of the source, needed for REST.

    Returns
    -------
    float or ndarray (time,) float64

    Raises
    ------
    ParameterError
        A frame is unknown, or something the conversion needs is missing.
    """
    source, target = frequency_frame(from_frame), frequency_frame(to_frame)
    scalar = epoch_mjd_s is None or np.ndim(epoch_mjd_s) == 0
    if source == target:
        return 1.0 if scalar else np.ones(np.shape(epoch_mjd_s))
    frames = {source, target}
    what = f"converting a frequency from {source} to {target}"
    if direction is None:
        raise ParameterError(f"{what} needs a direction")
    if epoch_mjd_s is None and frames & {"GEO", "TOPO"}:
        raise ParameterError(f"{what} needs an epoch")
    if position is None and "TOPO" in frames:
        raise ParameterError(f"{what} needs a position")
    if "REST" in frames and radial_velocity_m_s is None:
        raise ParameterError(f"{what} needs the radial velocity of the source")
    sky = parse_direction(direction)
    itrf = None if position is None else as_position(position).itrf_m

    def exact(epoch: float | None) -> np.ndarray:
        return np.asarray(_factor_at(source, target, epoch, sky, itrf, radial_velocity_m_s))

    if scalar:
        return float(exact(None if epoch_mjd_s is None else float(epoch_mjd_s)))
    if not frames & {"GEO", "TOPO"}:
        return np.full(np.shape(epoch_mjd_s), float(exact(float(np.ravel(epoch_mjd_s)[0]))))
    times = np.asarray(epoch_mjd_s, dtype=np.float64)
    return on_nodes(times.ravel(), exact, _NODE_STEP_S).reshape(times.shape)


def _factor_at(
    source: str, target: str, epoch: float | None, sky: Direction, itrf: np.ndarray | None, radial_velocity_m_s: float | None
) -> float:
    if sky.is_moving:
        sky = convert_direction(sky, "J2000", epoch, itrf)
    engine = make_engine(epoch, itrf, (sky.lon_rad, sky.lat_rad, sky.frame))
    if radial_velocity_m_s is not None:
        engine.doframe({"type": "radialvelocity", "refer": "LSRK", "m0": {"value": radial_velocity_m_s, "unit": "m/s"}})
    record = {"type": "frequency", "refer": source, "m0": {"value": _PROBE_HZ, "unit": "Hz"}}
    return float(engine.measure(record, target)["m0"]["value"]) / _PROBE_HZ


def convert_frequencies(
    freq_hz: Any,
    from_frame: str,
    to_frame: str,
    epoch_mjd_s: float | None = None,
    direction: Any = None,
    position: Any = None,
    radial_velocity_m_s: float | None = None,
) -> Any:
    """Frequencies in another frame; the parameters are those of `doppler_factor` with one epoch.

    Returns
    -------
    float or ndarray of the shape of `freq_hz` [Hz]
    """
    factor = doppler_factor(from_frame, to_frame, epoch_mjd_s, direction, position, radial_velocity_m_s)
    return np.asarray(freq_hz, dtype=np.float64) * factor if np.ndim(freq_hz) else float(freq_hz) * factor


def _doppler_kind(kind: str) -> str:
    folded = {"OPT": "OPTICAL", "Z": "Z", "RELATIVISTIC": "BETA", "TRUE": "BETA", "VELO": "RADIO"}.get(kind.upper(), kind.upper())
    if folded not in ("RADIO", "OPTICAL", "Z", "RATIO", "BETA", "GAMMA"):
        raise ParameterError(f"doppler type {kind!r} is unknown; allowed are RADIO, OPTICAL, Z, RATIO, BETA (TRUE), GAMMA")
    return folded


def frequency_to_velocity(freq_hz: Any, rest_hz: float, kind: str = "RADIO") -> Any:
    """Velocity [m/s] of a frequency against a rest frequency.

    Parameters
    ----------
    freq_hz : float or ndarray [Hz]
    rest_hz : float [Hz]
    kind : {"RADIO", "OPTICAL", "Z", "BETA", "RATIO", "GAMMA"}
        The Doppler definition; every one is given multiplied by c.

    References
    ----------
    Greisen et al. 2006, A&A 446, 747 (FITS paper III), table 3: radio c(1 - f/f0), optical c(f0/f - 1),
    true c(f0^2 - f^2)/(f0^2 + f^2).
    """
    if rest_hz <= 0:
        raise ParameterError(f"the rest frequency must be positive; got {rest_hz}")
    ratio = np.asarray(freq_hz, dtype=np.float64) / rest_hz
    name = _doppler_kind(kind)
    value = {
        "RADIO": lambda r: 1.0 - r,
        "OPTICAL": lambda r: 1.0 / r - 1.0,
        "Z": lambda r: 1.0 / r - 1.0,
        "BETA": lambda r: (1.0 - r * r) / (1.0 + r * r),
        "RATIO": lambda r: r,
        "GAMMA": lambda r: (1.0 + r * r) / (2.0 * r),
    }[name](ratio)
    return value * SPEED_OF_LIGHT_M_S if np.ndim(freq_hz) else float(value) * SPEED_OF_LIGHT_M_S


def velocity_to_frequency(velocity_m_s: Any, rest_hz: float, kind: str = "RADIO") -> Any:
    """Frequency [Hz] of a velocity; the inverse of `frequency_to_velocity`."""
    if rest_hz <= 0:
        raise ParameterError(f"the rest frequency must be positive; got {rest_hz}")
    v = np.asarray(velocity_m_s, dtype=np.float64) / SPEED_OF_LIGHT_M_S
    name = _doppler_kind(kind)
    ratio = {
        "RADIO": lambda b: 1.0 - b,
        "OPTICAL": lambda b: 1.0 / (1.0 + b),
        "Z": lambda b: 1.0 / (1.0 + b),
        "BETA": lambda b: np.sqrt((1.0 - b) / (1.0 + b)),
        "RATIO": lambda b: b,
        "GAMMA": lambda b: b * (1.0 - np.sqrt(1.0 - 1.0 / (b * b))),
    }[name](v)
    return ratio * rest_hz if np.ndim(velocity_m_s) else float(ratio) * rest_hz
