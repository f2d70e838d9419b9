"""Image coordinates from a FITS header.

References
----------
Greisen & Calabretta 2002, A&A 395, 1061 (paper I: CRPIX, PC, CD); Calabretta & Greisen 2002, A&A 395, 1077 (paper II: celestial
axes); Greisen et al. 2006, A&A 446, 747 (paper III: spectral axes); AIPS Memo 27 (VELREF, ALTRVAL, CROTA, NCP).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.io.image.coordinates import (
    Coordinate,
    Coordinates,
    DirectionCoordinate,
    LinearCoordinate,
    ObservationInfo,
    QualityCoordinate,
    SpectralCoordinate,
    StokesCoordinate,
    TabularCoordinate,
)
from casatools.io.image.coordinates.spectral import doppler_to_ratio, make_conversion
from casatools.io.image.coordinates.stokes import STOKES_CODES, STOKES_NAMES
from casatools.io.image.coordinates.units import unit_scale

__all__ = ["SPECSYS_OF_FRAME", "coordinates_from_header", "fits_unit", "parse_fits_date", "with_representation"]

Header = Mapping[str, Any]

# SPECSYS values (paper III, table 10) of CASA's frequency frames.
SPECSYS_OF_FRAME: dict[str, str] = {
    "LSRK": "LSRK", "LSRD": "LSRD", "BARY": "BARYCENT", "GEO": "GEOCENTR", "TOPO": "TOPOCENT", "GALACTO": "GALACTOC",
    "LGROUP": "LOCALGRP", "CMB": "CMBDIPOL", "REST": "SOURCE",
}  # fmt: skip
_FRAME_OF_SPECSYS = {v: k for k, v in SPECSYS_OF_FRAME.items()} | {"HELIOCEN": "BARY", "LSR": "LSRK"}
_FRAME_OF_VELREF = {1: "LSRK", 2: "BARY", 3: "TOPO", 4: "LSRD", 5: "GEO", 6: "REST", 7: "GALACTO"}
_FRAME_OF_SUFFIX = {
    "LSR": "LSRK",
    "LSRK": "LSRK",
    "LSRD": "LSRD",
    "HEL": "BARY",
    "BAR": "BARY",
    "OBS": "TOPO",
    "TOP": "TOPO",
    "GEO": "GEO",
}
# FITS Stokes numbers: 1 to 4 as they are, -1 RR, -2 LL, -3 RL, -4 LR, -5 XX, -6 YY, -7 XY, -8 YX (paper I and AIPS Memo 27).
_STOKES_OF_FITS = {1: "I", 2: "Q", 3: "U", 4: "V", -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX",
                   5: "Plinear", 6: "PFlinear", 7: "Pangle"}  # fmt: skip
FITS_OF_STOKES = {name: number for number, name in _STOKES_OF_FITS.items()}
_CELESTIAL = re.compile(r"^(RA|DEC|GLON|GLAT|ELON|ELAT|SLON|SLAT|HLON|HLAT)(?:-+([A-Z]{3}))?$")
_LONGITUDES = ("RA", "GLON", "ELON", "SLON", "HLON")
_UNIT_SPELLINGS = {
    "HZ": "Hz", "KHZ": "kHz", "MHZ": "MHz", "GHZ": "GHz", "DEG": "deg", "DEGREE": "deg", "DEGREES": "deg", "M/SEC": "m/s",
    "M/S": "m/s", "KM/S": "km/s", "KM/SEC": "km/s", "METERS": "m", "METER": "m", "ANGSTROM": "Angstrom", "JY/BEAM": "Jy/beam",
    "JY/PIXEL": "Jy/pixel", "JY": "Jy", "KELVIN": "K", "KELVINS": "K",
}  # fmt: skip


def fits_unit(text: str) -> str:
    """A FITS unit in CASA's spelling (older writers use capitals)."""
    stripped = text.strip().replace("**", "").replace("*", ".")
    return _UNIT_SPELLINGS.get(stripped.upper(), stripped) if stripped.isupper() or stripped.upper() != stripped else stripped


@dataclass(frozen=True)
class _Axis:
    """The linear part of one header axis; 0-based pixel."""

    number: int
    ctype: str
    value: float
    pixel: float
    increment: float
    unit: str


class _Axes:
    """All axes of a header with the matrix between them."""

    def __init__(self, header: Header, naxis: int) -> None:
        self.axes = [_axis(header, k) for k in range(naxis)]
        self.matrix = np.eye(naxis)
        increments = np.array([a.increment for a in self.axes])
        if any(re.fullmatch(r"CD\d+_\d+", key) for key in header):
            full = np.array([[float(header.get(f"CD{i + 1}_{j + 1}", 0.0)) for j in range(naxis)] for i in range(naxis)])
            diagonal = np.diag(full)
            size = np.where(diagonal != 0, diagonal, np.sqrt((full**2).sum(axis=1)))
            increments = np.where(size != 0, size, 1.0)
            self.matrix = full / increments[:, None]
            self.axes = [replace(axis, increment=float(step)) for axis, step in zip(self.axes, increments, strict=True)]
        elif any(re.fullmatch(r"PC\d+_\d+", key) for key in header):
            for i in range(naxis):
                for j in range(naxis):
                    self.matrix[i, j] = float(header.get(f"PC{i + 1}_{j + 1}", float(i == j)))
        elif any(re.fullmatch(r"PC\d{6}", key) for key in header):
            for i in range(naxis):
                for j in range(naxis):
                    self.matrix[i, j] = float(header.get(f"PC{i + 1:03d}{j + 1:03d}", float(i == j)))
        self.has_matrix = not np.array_equal(self.matrix, np.eye(naxis))


def _axis(header: Header, k: int) -> _Axis:
    n = k + 1

    def number(name: str, default: float) -> float:
        value = header.get(f"{name}{n}", default)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise DataError(f"the FITS header value {name}{n} = {value!r} is not a number") from None

    return _Axis(
        k, str(header.get(f"CTYPE{n}", "")).strip().upper(), number("CRVAL", 0.0), number("CRPIX", 0.0) - 1.0, number("CDELT", 1.0),
        fits_unit(str(header.get(f"CUNIT{n}", ""))),
    )  # fmt: skip


# Cards of a system of world coordinates; a letter at their end tells an alternate one (FITS standard 4.0, section 8.2.1).
_WORLD = re.compile(
    r"^(WCSAXES|WCSNAME|(CTYPE|CRVAL|CDELT|CRPIX|CUNIT|CROTA|CRDER|CSYER|CNAME)\d+|(PC|CD|PV|PS)\d+_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX|"
    r"RESTFRQ|RESTWAV|SPECSYS|SSYSOBS|VELOSYS|ZSOURCE|SSYSSRC|VELANGL)([A-Z]?)$"
)


def with_representation(header: Header, number: int) -> Header:
    """A header in which an alternate system of world coordinates stands in the place of the primary one.

    Parameters
    ----------
    header : mapping
    number : int
        0 is the primary system, further ones follow in the order of their letters.

    Raises
    ------
    ParameterError
        There are not so many.
    """
    if number == 0:
        return header
    found = {key: _WORLD.match(key) for key in header}
    letters = sorted({m.group(4) for key, m in found.items() if m and m.group(4) and key.startswith("CTYPE")})
    if not 0 < number <= len(letters):
        raise ParameterError(
            f"parameter 'whichrep' must be 0 to {len(letters)}, the systems of coordinates of the file; got {number}"
        )
    letter = letters[number - 1]
    kept = {key: value for key, value in header.items() if not found[key]}
    kept.update({m.group(1): header[key] for key, m in found.items() if m and m.group(4) == letter})
    return kept


def coordinates_from_header(header: Header, shape: Sequence[int]) -> Coordinates:
    """Coordinates of a FITS image.

    Members come in CASA's order (direction, Stokes, spectral, quality, linear); their pixel axes follow the header.

    Parameters
    ----------
    header : mapping
    shape : sequence of int
        Axis lengths in FITS order (NAXIS1 first).

    Raises
    ------
    DataError
        A value in the header cannot be used.
    """
    naxis = len(shape)
    axes = _Axes(header, naxis)
    members: list[Coordinate] = []
    places: list[list[int]] = []
    used: set[int] = set()

    def add(member: Coordinate | None, numbers: Sequence[int]) -> None:
        if member is not None:
            members.append(member)
            places.append(list(numbers))
            used.update(numbers)

    sky = _celestial_axes(axes)
    if sky is not None:
        add(_direction(header, axes, *sky), sky)
    for axis in axes.axes:
        if axis.ctype.startswith("STOKES") and axis.number not in used:
            add(_stokes(axis, shape[axis.number]), [axis.number])
            break
    for axis in axes.axes:
        if _spectral_type(axis.ctype) and axis.number not in used:
            add(_spectral(header, axes, axis, shape[axis.number]), [axis.number])
            break
    for axis in axes.axes:
        if axis.ctype.startswith("QUALITY") and axis.number not in used:
            add(QualityCoordinate(("DATA", "ERROR")[: shape[axis.number]]), [axis.number])
            break
    rest = [a for a in axes.axes if a.number not in used]
    if rest:
        numbers = [a.number for a in rest]
        matrix = axes.matrix[np.ix_(numbers, numbers)]
        names = [a.ctype if a.ctype else "" for a in rest]
        values = ([a.value for a in rest], [a.pixel for a in rest], [a.increment or 1.0 for a in rest])
        add(LinearCoordinate.make(names, [a.unit for a in rest], *values, matrix), numbers)
    return Coordinates(members, places, [list(p) for p in places], observation=_observation(header))


# ---- direction


def _celestial_axes(axes: _Axes) -> tuple[int, int] | None:
    """Numbers of the longitude and the latitude axis, None when they are not both there."""
    found: dict[bool, int] = {}
    for axis in axes.axes:
        match = _CELESTIAL.match(axis.ctype)
        if match is not None:
            found.setdefault(match[1] in _LONGITUDES, axis.number)
    return (found[True], found[False]) if len(found) == 2 else None


def _direction(header: Header, axes: _Axes, longitude: int, latitude: int) -> DirectionCoordinate:
    lon, lat = axes.axes[longitude], axes.axes[latitude]
    match = _CELESTIAL.match(lat.ctype)
    kind, projection = (match[1], match[2] or "CAR") if match else ("DEC", "CAR")
    parameters = _projection_parameters(header, projection, latitude + 1)
    scale = [unit_scale(a.unit or "deg", "rad") for a in (lon, lat)]
    if projection == "NCP":
        # an east-west array's SIN: xi = 0, eta = cot(declination) (paper II, section 5.1.5)
        projection, parameters = "SIN", [0.0, 1.0 / math.tan(lat.value * scale[1])]
    elif projection == "GLS":
        projection = "SFL"
    matrix = axes.matrix[np.ix_([longitude, latitude], [longitude, latitude])]
    if not axes.has_matrix:
        turn = math.radians(float(header.get(f"CROTA{latitude + 1}", 0.0) or header.get(f"CROTA{longitude + 1}", 0.0) or 0.0))
        if turn:
            ratio = lat.increment / lon.increment
            matrix = np.array([[math.cos(turn), -math.sin(turn) * ratio], [math.sin(turn) / ratio, math.cos(turn)]])
    value, step = [lon.value * scale[0], lat.value * scale[1]], [lon.increment * scale[0], lat.increment * scale[1]]
    try:
        return DirectionCoordinate.make(
            _direction_frame(header, kind), projection, value, [lon.pixel, lat.pixel], step, ("rad", "rad"), parameters, matrix,
            _optional(header, "LONPOLE"), None,
        )  # fmt: skip
    except ParameterError as error:
        raise DataError(f"the celestial axes of the FITS header cannot be used: {error}") from error


def _optional(header: Header, key: str) -> float | None:
    value = header.get(key)
    return None if value is None or float(value) > 900.0 else float(value)


def _projection_parameters(header: Header, projection: str, axis: int) -> list[float]:
    first = 0 if projection == "ZPN" else 1
    found = {int(m[1]): float(v) for k, v in header.items() if (m := re.fullmatch(rf"PV{axis}_(\d+)", k))}
    if not found:  # the older form, one list for all axes
        found = {int(m[1]): float(v) for k, v in header.items() if (m := re.fullmatch(r"PROJP(\d+)", k))}
    if projection in ("SIN", "AZP"):
        return [found.get(1, 0.0), found.get(2, 0.0)]
    if (
        projection == "NCP"
        or not found
        or projection in ("TAN", "ARC", "STG", "ZEA", "CAR", "MER", "SFL", "GLS", "PAR", "AIT", "MOL")
    ):
        return []
    return [found.get(k, 0.0) for k in range(first, max(found) + 1)]


def _direction_frame(header: Header, kind: str) -> str:
    if kind in ("GLON", "GLAT"):
        return "GALACTIC"
    if kind in ("ELON", "ELAT"):
        return "ECLIPTIC"
    if kind in ("SLON", "SLAT"):
        return "SUPERGAL"
    system = str(header.get("RADESYS", header.get("RADECSYS", ""))).strip().upper()
    raw = header.get("EQUINOX", header.get("EPOCH"))
    try:
        equinox = None if raw is None or raw == "" else float(str(raw).strip().lstrip("JB"))
    except ValueError:
        raise DataError(f"the FITS header's EQUINOX or EPOCH {raw!r} is not a number") from None
    if system == "ICRS" or (not system and not equinox):
        return "ICRS"
    if system.startswith("FK4") or (not system and equinox is not None and equinox < 1984.0):
        # the VLA gave 1979.9 for coordinates of B1950 without the E-terms' epoch put right
        return "B1950_VLA" if equinox == 1979.9 else "B1950"
    if system == "GAPPT":
        return "APP"
    return "J2000"


# ---- Stokes and spectral


def _stokes(axis: _Axis, count: int) -> StokesCoordinate | None:
    numbers = axis.value + (np.arange(count) - axis.pixel) * axis.increment
    labels = []
    for number in np.rint(numbers).astype(int).tolist():
        name = _STOKES_OF_FITS.get(number)
        if name is None and 0 < number < len(STOKES_NAMES):
            name = STOKES_NAMES[number]
        if name is None or name in labels:
            return None  # not Stokes numbers at all: the axis is kept as a linear one
        labels.append(name)
    return StokesCoordinate(tuple(labels)) if all(label in STOKES_CODES for label in labels) else None


def _spectral_type(ctype: str) -> str:
    """FREQ, VRAD, VOPT, WAVE or AWAV (with the older names), "" for another axis."""
    head = ctype[:4]
    if head in ("FREQ", "VRAD", "VOPT", "WAVE", "AWAV"):
        return head
    if head in ("VELO", "FELO"):
        return head
    if ctype.startswith("LAMBDA"):
        return "WAVE"
    return ""


def _spectral_frame(header: Header, ctype: str) -> str:
    system = str(header.get("SPECSYS", "")).strip().upper()
    if system:
        return _FRAME_OF_SPECSYS.get(system, "Undefined")
    suffix = ctype.split("-")[-1] if "-" in ctype else ""
    if suffix in _FRAME_OF_SUFFIX:
        return _FRAME_OF_SUFFIX[suffix]
    velref = header.get("VELREF")
    if velref is not None:
        return _FRAME_OF_VELREF.get(int(velref) % 256, "Undefined")
    return "Undefined"


def _spectral(header: Header, axes: _Axes, axis: _Axis, count: int) -> SpectralCoordinate:
    kind = _spectral_type(axis.ctype)
    frame = _spectral_frame(header, axis.ctype)
    rest = float(header.get("RESTFRQ", header.get("RESTFREQ", 0.0)) or 0.0)
    slope = float(axes.matrix[axis.number, axis.number])
    velref = int(header.get("VELREF", 0))
    true = (axis.ctype == "VELO" and not velref) or axis.ctype == "VELO-F2V"  # paper III: the relativistic velocity
    if kind == "VELO" and not true:  # AIPS convention: radio when VELREF says so
        kind = "VRAD" if velref > 256 else "VOPT"
    common: dict[str, Any] = {"conversion": make_conversion(frame)}
    rests = np.array([rest])
    if kind == "FREQ":
        unit = unit_scale(axis.unit or "Hz", "Hz")
        linear = TabularCoordinate.make("Frequency", "Hz", axis.value * unit, axis.pixel, (axis.increment or 1.0) * unit * slope)
        return SpectralCoordinate(frame, linear, rests, **common)
    # Axes that step evenly in frequency whatever they are expressed in (paper III, -F2W and -F2V; FELO: AIPS Memo 27).
    even = kind == "FELO" or axis.ctype[4:8] in ("-F2W", "-F2V")
    if kind == "WAVE" and even:
        metres = axis.value * unit_scale(axis.unit or "m", "m")
        value = SPEED_OF_LIGHT_M_S / metres
        linear = TabularCoordinate.make("Frequency", "Hz", value, axis.pixel, -value * axis.increment * slope / axis.value)
        return SpectralCoordinate(frame, linear, rests, native_code=4, wave_unit="m", **common)
    if kind in ("WAVE", "AWAV"):
        unit = unit_scale(axis.unit or "m", "m")
        waves = (axis.value + axis.increment * slope * (np.arange(max(count, 2)) - axis.pixel)) * unit
        vacuum = waves * _air_index(waves) if kind == "AWAV" else waves
        common |= {"native_code": 4 if kind == "WAVE" else 5, "wave_unit": "m"}
        return SpectralCoordinate(frame, _table_axis(SPEED_OF_LIGHT_M_S / vacuum), rests, **common)
    if rest <= 0:
        raise DataError(f"the FITS axis {axis.ctype!r} is a velocity but the header has no rest frequency")
    unit = unit_scale(axis.unit or "m/s", "m/s") / SPEED_OF_LIGHT_M_S
    if kind == "VRAD":
        value, step = rest * (1.0 - axis.value * unit), -rest * axis.increment * slope * unit
        linear = TabularCoordinate.make("Frequency", "Hz", value, axis.pixel, step)
        return SpectralCoordinate(frame, linear, rests, native_code=1, **common)
    code, native = (3, 3) if true else (1, 2)  # of doppler values, of the native type
    if even:
        ratio = float(doppler_to_ratio(np.asarray(axis.value * unit), code))
        slower = ratio / (1.0 - (axis.value * unit) ** 2) if true else ratio * ratio  # the ratio falls so with the velocity
        linear = TabularCoordinate.make(
            "Frequency", "Hz", rest * ratio, axis.pixel, -rest * axis.increment * slope * unit * slower
        )
        return SpectralCoordinate(frame, linear, rests, native_code=native, **common)
    velocities = (axis.value + axis.increment * slope * (np.arange(max(count, 2)) - axis.pixel)) * unit
    return SpectralCoordinate(frame, _table_axis(rest * doppler_to_ratio(velocities, code)), rests, native_code=native, **common)


def _table_axis(frequencies: np.ndarray) -> TabularCoordinate:
    try:
        return TabularCoordinate.from_table(np.arange(len(frequencies)), frequencies, "Hz", "Frequency")
    except ParameterError as error:
        raise DataError(f"the spectral axis of the FITS header cannot be used: {error}") from error


def _air_index(air_wavelengths_m: np.ndarray) -> np.ndarray:
    """Refractive index of dry air (paper III, equation 65)."""
    square = 1.0 / (air_wavelengths_m * 1e6) ** 2
    return np.asarray(1.0 + 1e-6 * (287.6155 + 1.62887 * square + 0.01360 * square**2))


# ---- observation


def parse_fits_date(text: str) -> float | None:
    """MJD [d] of a FITS date, new (``2001-02-03T04:05:06.7``) or old (``03/02/99``) form; None when it is none."""
    match = re.match(r"^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d*)?))?", text)
    if match:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        seconds = int(match[4] or 0) * 3600 + int(match[5] or 0) * 60 + float(match[6] or 0.0)
    else:
        match = re.match(r"^\s*(\d{1,2})/(\d{1,2})/(\d{2})\s*$", text)
        if match is None:
            return None
        year, month, day, seconds = 1900 + int(match[3]), int(match[2]), int(match[1]), 0.0
    try:
        days = (np.datetime64(f"{year:04d}-{month:02d}-{day:02d}") - np.datetime64("1858-11-17")).astype(int)
    except ValueError:
        return None
    return float(days) + seconds / 86400.0


def _observation(header: Header) -> ObservationInfo:
    telescope = str(header.get("TELESCOP", "") or "").strip() or "UNKNOWN"
    observer = str(header.get("OBSERVER", "") or "").strip() or "UNKNOWN"
    date = {"type": "epoch", "refer": "LAST", "m0": {"value": 0.0, "unit": "d"}}
    mjd = parse_fits_date(str(header.get("DATE-OBS", "") or ""))
    if mjd is not None:
        scale = str(header.get("TIMESYS", "UTC")).strip().upper() or "UTC"
        date = {
            "type": "epoch",
            "refer": scale if scale in ("UTC", "TAI", "TDB", "TDT", "TT", "UT1") else "UTC",
            "m0": {"value": mjd, "unit": "d"},
        }
    pointing, initial = (0.0, 0.0), True
    if "OBSRA" in header and "OBSDEC" in header:
        ra = math.radians(float(header["OBSRA"]))
        pointing, initial = (math.remainder(ra, 2 * math.pi), math.radians(float(header["OBSDEC"]))), False
    return ObservationInfo(telescope, observer, date, pointing, initial, _position(header))


def _position(header: Header) -> dict[str, Any] | None:
    keys = ("OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z")
    if any(key not in header for key in keys):
        return None
    x, y, z = (float(header[key]) for key in keys)
    radius = math.sqrt(x * x + y * y + z * z)
    if radius == 0:
        return None
    return {
        "type": "position",
        "refer": "ITRF",
        "m0": {"value": math.atan2(y, x), "unit": "rad"},
        "m1": {"value": math.asin(z / radius), "unit": "rad"},
        "m2": {"value": radius, "unit": "m"},
    }
