"""Antenna responses: the images of a telescope's table, found by antenna, time, place on the sky and frequency.

References
----------
CASA documentation, tool vpmanager, `createantresp`: names of the images and what they hold.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools._base.paths import require_present, resolve
from casatools.frames.quantities import to_unit
from casatools.io.response_table import FUNCTION_TYPES, Response, read_responses, write_responses

__all__ = ["AntennaResponses", "Band", "SkyPlace", "make_responses", "open_responses"]

TABLE = "AntennaResponses"
_FORMAT = (
    "obsname_beamnum_anttype_rectype_azmin_aznom_azmax_elmin_elnom_elmax_freqmin_freqnom_freqmax_frequnit_comment_functype.im"
)


@dataclass(frozen=True)
class Band:
    """A band of receivers [Hz]."""

    name: str
    low_hz: float
    high_hz: float


@dataclass(frozen=True)
class SkyPlace:
    """When and where antennas look: UTC [s], azimuth and elevation [rad]."""

    time_s: float
    azimuth_rad: float
    elevation_rad: float


class AntennaResponses:
    """The images of a table that are of one observatory.

    Parameters
    ----------
    path : str
        Of the table; images are beside it.
    observatory : str

    Raises
    ------
    PathMissingError, DataError
        There is no such table, or it has nothing of this observatory.
    """

    def __init__(self, path: str, observatory: str) -> None:
        self.folder = os.path.dirname(os.path.abspath(path))
        everything = read_responses(path)
        self.items = [r for r in everything if r.observatory == observatory]
        if not self.items:
            there = ", ".join(sorted({r.observatory for r in everything})) or "nothing"
            raise DataError(f"table of antenna responses {path!r} has none of {observatory!r}; it has {there}")
        self.observatory = observatory

    def image_path(self, response: Response) -> str:
        """Where the image of a response is."""
        return os.path.join(self.folder, response.name)

    def unturned_path(self, response: Response) -> str:
        """The same of a response that can be used as it is.

        Raises
        ------
        DataError
            It is turned.
        """
        if response.offset_deg:
            raise DataError(
                f"antenna response {response.name!r} has a rotation offset of {response.offset_deg} deg; write the image turned, with an offset of 0"
            )
        return self.image_path(response)

    def holding(self, place: SkyPlace, beam: int = 0) -> list[Response]:
        """Responses that hold at a place: of those that differ in the time from which they hold alone, the latest."""
        flags = self.flags(np.array([place.time_s]), np.array([place.azimuth_rad]), np.array([place.elevation_rad]), beam)[:, 0]
        return [item for item, holds in zip(self.items, flags, strict=True) if holds]

    def flags(self, time_s: np.ndarray, azimuth_rad: np.ndarray, elevation_rad: np.ndarray, beam: int = 0) -> np.ndarray:
        """Which responses hold: bool ndarray (response, ...) for places of any shape."""
        found = np.zeros((len(self.items), *np.shape(time_s)), dtype=bool)
        newest: dict[tuple[object, ...], np.ndarray] = {}
        keys = [(r.antenna_type, r.receiver, r.azimuth_rad, r.elevation_rad, r.band, r.kind) for r in self.items]
        for number, r in enumerate(self.items):
            # Rounding of degrees to radians must not leave out a range's own ends.
            width = r.azimuth_rad[2] - r.azimuth_rad[0] + 1e-9
            around = np.mod(azimuth_rad - r.azimuth_rad[0] + 1e-9, 2.0 * np.pi) <= width + 1e-9
            high = (elevation_rad >= r.elevation_rad[0] - 1e-9) & (elevation_rad <= r.elevation_rad[2] + 1e-9)
            found[number] = around & high & (r.start_s <= time_s) & (r.beam == beam)
            start = np.where(found[number], r.start_s, -np.inf)
            newest[keys[number]] = np.maximum(newest.get(keys[number], np.full(np.shape(time_s), -np.inf)), start)
        for number, r in enumerate(self.items):
            found[number] &= r.start_s >= newest[keys[number]]
        return found

    def find(
        self,
        place: SkyPlace,
        freq_hz: float,
        kind: str = "ANY",
        antenna_type: str = "",
        receiver: str | None = None,
        beam: int = 0,
    ) -> Response:
        """The response of a type of antenna at a place and a frequency; of several the one whose frequency is nearest. Without a receiver it is that of any.

        Raises
        ------
        DataError
            None holds.
        """
        fitting = [
            r
            for r in self.holding(place, beam)
            if r.antenna_type == antenna_type
            and receiver in (None, r.receiver)
            and r.band_hz[0] <= freq_hz <= r.band_hz[1]
            and kind in ("ANY", r.kind)
        ]
        if not fitting:
            raise DataError(
                f"there is no antenna response of {self.observatory}: type {antenna_type!r}, receiver {'any' if receiver is None else repr(receiver)}, beam {beam}, {freq_hz / 1e9:.6g} GHz, kind {kind}"
            )
        return min(fitting, key=lambda r: abs(r.nominal_hz - freq_hz))

    def types(self, place: SkyPlace | None = None, freq_hz: float | None = None) -> list[str]:
        """Types of antennas that have a response, at a place and a frequency where these are given."""
        items = self.items if place is None else self.holding(place)
        return sorted({r.antenna_type for r in items if freq_hz is None or r.band_hz[0] <= freq_hz <= r.band_hz[1]})

    def record(self, response: Response, telescope: str) -> dict[str, Any]:
        """The voltage pattern of a response, as `vpmanager.setpbimage` makes it.

        Raises
        ------
        UnsupportedError, DataError
            It is no image of a pattern on the sky, or it is turned.
        """
        if response.kind not in ("VP", "EFP"):
            raise UnsupportedError(
                f"antenna response {response.name!r} is of the kind {response.kind}; there are voltage patterns of images on the sky (VP or EFP) only, though imaging uses apertures (AIF) too"
            )
        path = self.unturned_path(response)
        names = [f"{response.antenna_type}*"] if response.antenna_type else ["*"]
        images = {"compleximage": path} if response.kind == "EFP" else {"realimage": path, "imagimage": ""}
        return {
            "name": "IMAGE", "isVP": 8, "telescope": telescope, "dopb": True, **images, "isthisvp": True,
            "antennanames": np.array(names, dtype=str),
        }  # fmt: skip


def open_responses(path: str, observatory: str) -> AntennaResponses:
    """The responses of an observatory in a table, which may lie in a data path."""
    return AntennaResponses(require_present(resolve(path), "table of antenna responses"), observatory)


def _parts(name: str) -> list[str] | None:
    stem, dot, ending = name.rpartition(".")
    parts = (stem if dot and ending == "im" else name).split("_")
    if len(parts) < 16:
        return None
    # A comment may hold the character that stands between the elements.
    return [*parts[:14], "_".join(parts[14:-1]), parts[-1]]


def _response(name: str, parts: Sequence[str], start_s: float, bands: Sequence[Band]) -> Response:
    try:
        beam = int(parts[1])
        az, el, freq = (tuple(float(v) for v in parts[k : k + 3]) for k in (4, 7, 10))
        hz = [float(to_unit({"unit": parts[13], "value": v}, "Hz")) for v in freq]
    except (ValueError, ParameterError):
        raise DataError(f"vpmanager.createantresp: the name of image {name!r} has no numbers where {_FORMAT} has them") from None
    for what, values in (("azimuths", az), ("elevations", el), ("frequencies", hz)):
        if sorted(values) != list(values):
            raise DataError(f"vpmanager.createantresp: the name of image {name!r} has {what} that do not rise")
    band = next((b for b in bands if b.low_hz <= hz[0] and hz[2] <= b.high_hz), None)
    if band is None:
        raise DataError(
            f"vpmanager.createantresp: the frequencies of image {name!r} are in none of the bands {[b.name for b in bands]}"
        )
    kind = parts[15] if parts[15] in FUNCTION_TYPES else "NA"
    if kind == "NA":
        log.post(f"vpmanager.createantresp: image {name!r} is of the kind {parts[15]!r}, which is none of AIF, EFP, VP", "WARN")
    rad = [(float(a), float(b), float(c)) for a, b, c in (np.deg2rad(az), np.deg2rad(el))]
    return Response(parts[0], beam, parts[2], parts[3], start_s, rad[0], rad[1], band.name, (hz[0], hz[2]), hz[1], kind, name)


def make_responses(folder: str, start_s: float, bands: Sequence[Band]) -> tuple[str, int]:
    """Write the table of the response images in a folder; gives its name and number of rows.

    Raises
    ------
    PathMissingError, DataError
        There is no such folder, or no image in it is named as the documentation says, or a name cannot be understood.
    """
    require_present(folder, "folder of antenna responses")
    if not os.path.isdir(folder):
        raise DataError(f"vpmanager.createantresp: {folder!r} is no folder; name the one that holds the response images")
    named = {name: _parts(name) for name in sorted(os.listdir(folder))}
    found = [
        _response(name, parts, start_s, bands)
        for name, parts in named.items()
        if parts is not None and os.path.isfile(os.path.join(folder, name, "table.dat"))
    ]
    if not found:
        raise DataError(f"vpmanager.createantresp: no image in {folder!r} has a name like {_FORMAT}")
    path = os.path.join(folder, TABLE)
    return path, write_responses(path, sorted(found, key=lambda r: r.row[:5] + (r.azimuth_rad, r.elevation_rad, r.nominal_hz)))
