"""FITS header cards of an image: fixed-format text of values, axes, observation and history.

References
----------
FITS standard 4.0, section 4 (cards); Calabretta & Greisen 2002, A&A 395, 1077; Greisen et al. 2006, A&A 446, 747; AIPS Memo 27.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.io.formats.fits_coordinates import FITS_OF_STOKES, SPECSYS_OF_FRAME
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, ObservationInfo, SpectralCoordinate, StokesCoordinate
from casatools.io.image.coordinates.units import unit_scale
from casatools.io.image.history import HistoryEntry

__all__ = ["AxisText", "axis_cards", "card", "comment_card", "history_cards", "mjd_text", "observation_cards", "pad_block"]

BLOCK = 2880
_VELREF = {"LSRK": 1, "BARY": 2, "TOPO": 3, "LSRD": 4, "GEO": 5, "REST": 6, "GALACTO": 7}
_CELESTIAL = {"GALACTIC": ("GLON", "GLAT"), "SUPERGAL": ("SLON", "SLAT"), "ECLIPTIC": ("ELON", "ELAT"),
              "MECLIPTIC": ("ELON", "ELAT"), "TECLIPTIC": ("ELON", "ELAT")}  # fmt: skip
_LINE = 72


def card(key: str, value: Any, comment: str = "") -> bytes:
    """One 80-byte card with a value."""
    if isinstance(value, (bool, np.bool_)):
        text = "T".rjust(20) if value else "F".rjust(20)
    elif isinstance(value, (int, np.integer)):
        text = str(int(value)).rjust(20)
    elif isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise DataError(f"the header value {key} = {value} is not a number and cannot be written to FITS")
        text = f"{float(value):.12E}".rjust(20)
    else:
        inner = _ascii(str(value)).replace("'", "''")[:68]
        text = f"'{inner.ljust(8)}'" if inner.count("'") % 2 == 0 else f"'{inner[:-1].ljust(8)}'"
        text = text.ljust(20)
    line = f"{key:<8}= {text}"
    if comment and len(line) + len(comment) + 2 <= 80:
        line += f" /{comment}"
    return line[:80].ljust(80).encode("ascii")


def comment_card(key: str, text: str) -> bytes:
    """One card of commentary."""
    return f"{key:<8}{_ascii(text)}"[:80].ljust(80).encode("ascii")


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def pad_block(data: bytes, fill: bytes = b" ") -> bytes:
    """Bytes filled up to whole FITS blocks."""
    return data + fill * (-len(data) % BLOCK)


@dataclass(frozen=True)
class AxisText:
    """What the header says about one axis (1-based reference pixel)."""

    ctype: str
    value: float
    pixel: float
    increment: float
    unit: str


def mjd_text(mjd_days: float) -> str:
    """A date (MJD) as FITS writes it, to a microsecond."""
    day = math.floor(mjd_days)
    micro = round((mjd_days - day) * 86400e6)
    stamp = np.datetime64("1858-11-17T00:00:00", "us") + np.timedelta64(day, "D") + np.timedelta64(micro, "us")
    return str(stamp)


# ---- axes


def axis_cards(
    coordinates: Coordinates, order: Sequence[int], shape: Sequence[int], velocity: bool, optical: bool, wavelength: str = ""
) -> list[bytes]:
    """Cards of all axes.

    Parameters
    ----------
    coordinates : Coordinates
    order : sequence of int
        Pixel axis behind each FITS axis.
    shape : sequence of int
        Length of every pixel axis of the image (CASA's order).
    velocity : bool
        Write velocities on the spectral axis.
    optical : bool
        Optical instead of radio velocities.
    wavelength : {"", "vacuum", "air"}
        Write wavelengths on the spectral axis.
    """
    axes: list[AxisText] = []
    for axis in order:
        index, row = coordinates.member_of_pixel_axis(axis)
        member = coordinates.members[index]
        if wavelength and isinstance(member, SpectralCoordinate):
            axes.append(_wave_text(member, shape[axis], wavelength == "air"))
        else:
            axes.append(_axis_text(member, row, shape[axis], velocity, optical))
    out: list[bytes] = []
    direction = coordinates.direction
    if direction is not None and coordinates.direction_axes:
        out += _frame_cards(direction)
    n = len(order)
    matrix = _matrix(coordinates, order)
    out += [card(f"PC{i + 1}_{j + 1}", float(matrix[i, j])) for j in range(n) for i in range(n)]
    for k, text in enumerate(axes, 1):
        out += [
            card(f"CTYPE{k}", text.ctype),
            card(f"CRVAL{k}", text.value),
            card(f"CDELT{k}", text.increment),
            card(f"CRPIX{k}", text.pixel),
            card(f"CUNIT{k}", text.unit),
        ]
    if direction is not None and len(coordinates.direction_axes) == 2:
        latitude = [list(order).index(a) for a in coordinates.direction_axes][1] + 1
        first = 0 if direction.projection == "ZPN" else 1
        out += [card(f"PV{latitude}_{first + m}", float(v)) for m, v in enumerate(direction.parameters)]
    spectral = coordinates.spectral
    if spectral is not None and coordinates.spectral_axis in order:
        out += _spectral_cards(spectral, shape[coordinates.spectral_axis or 0], velocity, optical)
    return out


def _matrix(coordinates: Coordinates, order: Sequence[int]) -> np.ndarray:
    n = len(order)
    out = np.eye(n)
    for i, first in enumerate(order):
        for j, second in enumerate(order):
            a, row = coordinates.member_of_pixel_axis(first)
            b, column = coordinates.member_of_pixel_axis(second)
            if a == b:
                out[i, j] = coordinates.members[a].matrix[row, column]
    return out


def _axis_text(member: Any, row: int, length: int, velocity: bool, optical: bool) -> AxisText:
    if isinstance(member, DirectionCoordinate):
        names = _CELESTIAL.get(member.frame, ("RA", "DEC"))
        ctype = f"{names[row]:-<5}{member.projection}"
        scale = unit_scale(member.units[row], "deg")
        value, step = float(member.reference_value[row]) * scale, float(member.increment[row]) * scale
        return AxisText(ctype, value, float(member.reference_pixel[row]) + 1.0, step, "deg")
    if isinstance(member, StokesCoordinate):
        return _stokes_text(member)
    if isinstance(member, SpectralCoordinate):
        return _spectral_text(member, length, velocity, optical)
    value, step = float(member.reference_value[row]), float(member.increment[row])
    return AxisText(member.names[row].upper(), value, float(member.reference_pixel[row]) + 1.0, step, member.units[row])


def _stokes_text(member: StokesCoordinate) -> AxisText:
    numbers = [FITS_OF_STOKES.get(label) for label in member.labels]
    steps = {b - a for a, b in itertools.pairwise(numbers) if a is not None and b is not None}
    if None in numbers or len(steps) > 1:
        raise DataError(f"the Stokes planes {', '.join(member.labels)} do not make a FITS axis: take a subset or drop the axis")
    return AxisText("STOKES", float(numbers[0] or 0), 1.0, float(steps.pop() if steps else 1), "")


def _frame_cards(direction: DirectionCoordinate) -> list[bytes]:
    out = []
    frame = direction.frame
    if frame in ("J2000", "JMEAN", "JTRUE", "APP"):
        out += [card("EQUINOX", 2000.0), card("RADESYS", "FK5" if frame != "APP" else "GAPPT")]
    elif frame in ("B1950", "BMEAN", "BTRUE"):
        out += [card("EQUINOX", 1950.0), card("RADESYS", "FK4")]
    elif frame == "B1950_VLA":
        out += [card("EQUINOX", 1979.9), card("RADESYS", "FK4")]
    elif frame == "ICRS":
        out += [card("RADESYS", "ICRS")]
    return [*out, card("LONPOLE", direction.longpole), card("LATPOLE", direction.latpole)]


def _linear_frequency(member: SpectralCoordinate, length: int) -> tuple[float, float, float]:
    """Frequency and increment [Hz], and the 0-based reference pixel, of the straight line that is the axis or touches it there."""
    axis, hz = member.axis, member.hz
    if not axis.tabulated:
        return (
            float(axis.reference_value[0]) * hz,
            float(axis.increment[0] * axis.matrix[0, 0]) * hz,
            float(axis.reference_pixel[0]),
        )
    pixel = float(axis.reference_pixel[0])
    start, end = axis.to_world(np.array([[pixel, pixel + 1.0]]))[0] * hz
    step = end - start
    pixels = np.arange(length, dtype=np.float64)
    away = np.max(np.abs(axis.to_world(pixels[None])[0] * hz - start - step * (pixels - pixel)))
    if away > 1e-3 * abs(step):
        log.post(
            f"the spectral axis is not linear: it is written as a straight line, off by up to {away:g} Hz", "WARN", "exportfits"
        )
    return float(start), float(step), pixel


def _velocity_line(member: SpectralCoordinate, frequency: float, step: float, optical: bool) -> tuple[float, float]:
    """Velocity [m/s] at the reference frequency and its change over the next channel."""
    value, following = member.velocity(np.array([frequency, frequency + step]), 1 if optical else 0, "m/s")
    slope = following - value if optical else -SPEED_OF_LIGHT_M_S * step / member.rest_frequency_hz
    return float(value), float(slope)


def _spectral_text(member: SpectralCoordinate, length: int, velocity: bool, optical: bool) -> AxisText:
    frequency, step, pixel = _linear_frequency(member, length)
    if not velocity or member.rest_frequency_hz <= 0:
        return AxisText("FREQ", frequency, pixel + 1.0, step, "Hz")
    value, slope = _velocity_line(member, frequency, step, optical)
    return AxisText("VOPT" if optical else "VRAD", value, pixel + 1.0, slope, "m/s")


def _wave_text(member: SpectralCoordinate, length: int, air: bool) -> AxisText:
    """Wavelengths [m], even ones through the first and the last channel; a warning tells where channels are off by more than a hundredth."""
    hz = member.to_world(np.arange(max(length, 2), dtype=np.float64)[None])[0] * float(member.hz)
    waves = SPEED_OF_LIGHT_M_S / hz
    if air:
        waves = air_wavelength(waves)
    step = (waves[length - 1] - waves[0]) / (length - 1) if length > 1 else waves[1] - waves[0]
    off = np.abs(waves[:length] - waves[0] - step * np.arange(length)).max() / abs(step)
    if off > 0.01:
        log.post(f"wavelengths are not even: channels are up to {off:.2g} channels off in the FITS header", "WARN")
    return AxisText("AWAV" if air else "WAVE", float(waves[0]), 1.0, float(step), "m")


def air_wavelength(vacuum_m: np.ndarray) -> np.ndarray:
    """Wavelengths in air [m] of those in vacuum (Greisen et al. 2006, A&A 446, 747, equation 65, solved by iteration)."""
    waves = np.asarray(vacuum_m, dtype=np.float64).copy()
    for _ in range(3):
        square = 1.0 / (waves * 1e6) ** 2
        waves = vacuum_m / (1.0 + 1e-6 * (287.6155 + 1.62887 * square + 0.01360 * square**2))
    return waves


def _spectral_cards(member: SpectralCoordinate, length: int, velocity: bool, optical: bool) -> list[bytes]:
    frequency, step, pixel = _linear_frequency(member, length)
    rest = member.rest_frequency_hz
    out = [card("RESTFRQ", rest, "Rest Frequency (Hz)")] if rest > 0 else []
    if member.frame in SPECSYS_OF_FRAME:
        out.append(card("SPECSYS", SPECSYS_OF_FRAME[member.frame], "Spectral reference frame"))
    if rest > 0:
        other = frequency if velocity else _velocity_line(member, frequency, step, optical)[0]
        out.append(card("ALTRVAL", other, "Alternate frequency reference value"))
        out.append(card("ALTRPIX", pixel + 1.0, "Alternate frequency reference pixel"))
    if member.frame in _VELREF:
        out.append(card("VELREF", _VELREF[member.frame] + (0 if optical else 256), "1 LSR, 2 HEL, 3 OBS, +256 Radio"))
        out.append(comment_card("COMMENT", "casacore non-standard usage: 4 LSD, 5 GEO, 6 SOU, 7 GAL"))
    return out


# ---- observation and history


def observation_cards(observation: ObservationInfo) -> list[bytes]:
    """Cards of telescope, observer, date, pointing and position; unknown ones are left out."""
    out = []
    if observation.telescope not in ("", "UNKNOWN"):
        out.append(card("TELESCOP", observation.telescope))
    if observation.observer not in ("", "UNKNOWN"):
        out.append(card("OBSERVER", observation.observer))
    if observation.mjd_days > 0:
        out.append(card("DATE-OBS", mjd_text(observation.mjd_days)))
    scale = str(observation.date.get("refer", "UTC"))
    out.append(card("TIMESYS", scale if observation.mjd_days > 0 else "UTC"))
    if not observation.pointing_is_initial:
        longitude, latitude = observation.pointing_rad
        out.append(card("OBSRA", math.degrees(longitude) % 360.0))
        out.append(card("OBSDEC", math.degrees(latitude)))
    if observation.position is not None:
        longitude, latitude, radius = (float(np.ravel(observation.position[k]["value"])[0]) for k in ("m0", "m1", "m2"))
        out.append(card("OBSGEO-X", radius * math.cos(latitude) * math.cos(longitude)))
        out.append(card("OBSGEO-Y", radius * math.cos(latitude) * math.sin(longitude)))
        out.append(card("OBSGEO-Z", radius * math.sin(latitude)))
    return out


def history_cards(entries: Sequence[HistoryEntry]) -> Iterator[bytes]:
    """HISTORY cards; entries of the log come between CASA's marks with time, priority and origin on a line before them."""
    plain = [e for e in entries if e.time_s < 0]
    stamped = [e for e in entries if e.time_s >= 0]
    for entry in plain:
        yield from _history_lines(entry.message)
    if stamped:
        yield comment_card("HISTORY", "CASA START LOGTABLE")
        for entry in stamped:
            when = mjd_text(round(entry.time_s) / 86400.0)[:19]
            yield from _history_lines(f"{when} {entry.priority} SRCCODE='{entry.location}'")
            yield from _history_lines(entry.message)
        yield comment_card("HISTORY", "CASA END LOGTABLE")


def _history_lines(text: str) -> Iterator[bytes]:
    for line in re.split(r"[\r\n]+", text):
        rest, first = line, True
        while first or rest:
            room = _LINE if first else _LINE - 1
            piece, rest = rest[:room], rest[room:]
            if rest and piece.endswith(" ") and piece.strip():  # blanks at the end of a card are lost
                kept = piece.rstrip(" ")
                piece, rest = kept, piece[len(kept) :] + rest
            yield comment_card("HISTORY", piece if first else f">{piece}")
            first = False
