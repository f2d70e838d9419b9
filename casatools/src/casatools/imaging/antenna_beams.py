"""The primary beam of an observation's antennas: a pattern of the user's table, the telescope's own, or that of its dishes.

References
----------
Uson & Cotton 2008, A&A 486, 647: the squint of the VLA's beams, 237.56 arcsec for each metre of wavelength on either side of the axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, UnsupportedError
from casatools.frames.quantities import to_unit
from casatools.imaging.antenna_responses import SkyPlace, open_responses
from casatools.imaging.aperture_images import read_aperture_image
from casatools.imaging.pattern_images import BandedPattern, PatternImage, read_pattern_image
from casatools.imaging.primary_beam import antenna_power, beam_radius_rad, dish_power, effective_dish_m, nominal_dish_m
from casatools.imaging.telescope_beams import squint_angle_rad, telescope_pattern
from casatools.imaging.voltage_patterns import INTERNAL, VoltagePatternList, pattern_power, pattern_reach_rad
from casatools.io.voltage_pattern_table import read_voltage_patterns

__all__ = ["AntennaBeams", "antenna_beams", "responses_table"]

_SQUINT_RAD_PER_M = float(np.deg2rad(237.56 / 3600.0))


@dataclass(frozen=True)
class AntennaBeams:
    """Beams of a telescope.

    Attributes
    ----------
    telescope : str
    given : mapping
        Voltage patterns by the type of antenna that they are used for; ``""`` is any other.
    measured : bool
        The VLA's beams are those measured on it rather than that of its dish, with their squint.
    images : mapping
        Those of the patterns given that are images.
    tag : str
        Tells apart the beams of antenna responses that hold at different places on the sky.
    """

    telescope: str
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    measured: bool = False
    images: Mapping[str, PatternImage | BandedPattern] = field(default_factory=dict, compare=False)
    tag: str = ""

    @property
    def turns(self) -> bool:
        """Whether a pattern turns with the parallactic angle, apart from squint."""
        return any(image.turns for image in self.images.values())

    def image(self, kind: str = "") -> PatternImage | BandedPattern | None:
        """The pattern of a type of antenna where it is an image."""
        return self.images.get(kind if kind in self.given else "")

    @property
    def is_squinted(self) -> bool:
        """Whether the right- and left-hand beams of circular feeds point to different places."""
        if not self.measured:
            return False
        return self._given_squint is not None if self.given else self.telescope.strip().upper() in ("VLA", "EVLA", "JVLA")

    @property
    def _given_squint(self) -> Mapping[str, Any] | None:
        """The pattern given whose squint is used, if there is one."""
        for record in self.given.values():
            place = record.get("squintdir")
            if record.get("dosquint") and place and any(to_unit(place[name], "rad") for name in ("m0", "m1")):
                return record
        return None

    def kind(self, antenna: str) -> str:
        """The type of an antenna: the longest one of those with a pattern that its name begins with."""
        return max((name for name in self.given if antenna.startswith(name)), key=len, default="")

    def _pattern(self, freq_hz: float, kind: str = "") -> Mapping[str, Any] | None:
        found = self.given.get(kind, self.given.get(""))
        if found is not None and found["name"] == "COMMONPB":
            return known_pattern(_common_name(found), freq_hz)
        return found if found is not None else telescope_pattern("EVLA" if self.is_squinted else self.telescope, freq_hz)

    def squint_rad(self, hand: str, freq_hz: float, angle_rad: float) -> tuple[float, float]:
        """East and north offset of the beam of a receptor from where the antenna points.

        Parameters
        ----------
        hand : str
            R or L; others have none.
        freq_hz, angle_rad : float
            The parallactic angle.
        """
        if not self.is_squinted or hand not in ("R", "L"):
            return 0.0, 0.0
        sign = 1.0 if hand == "R" else -1.0
        given = self._given_squint
        if given is not None:
            scale = sign * float(to_unit(given["squintreffreq"], "Hz")) / freq_hz
            first, second = (scale * float(to_unit(given["squintdir"][name], "rad")) for name in ("m0", "m1"))
            if not str(given["squintdir"].get("refer", "")).upper().startswith("AZEL"):
                return first, second
            return self._on_the_sky(first, second, angle_rad)
        place = squint_angle_rad(self.telescope, freq_hz)
        if place is None:
            return 0.0, 0.0
        size = _SQUINT_RAD_PER_M * SPEED_OF_LIGHT_M_S / freq_hz * sign
        return self._on_the_sky(size * np.cos(place), size * np.sin(place), angle_rad)

    @staticmethod
    def _on_the_sky(azimuth: float, elevation: float, angle_rad: float) -> tuple[float, float]:
        """East and north of an offset in azimuth and elevation: at a parallactic angle of zero up is north, and azimuth grows to the west."""
        sin, cos = np.sin(angle_rad), np.cos(angle_rad)
        return float(elevation * sin - azimuth * cos), float(elevation * cos + azimuth * sin)

    def power(
        self,
        diameters_m: tuple[float, float],
        radius_rad: np.ndarray,
        freq_hz: float,
        kinds: tuple[str, str] = ("", ""),
        cut_hz: float = 0.0,
    ) -> np.ndarray:
        """The beam of a pair of antennas at distances from its axis, 1 there; dishes' ends where that of `cut_hz` does, if given."""
        patterns = [self._pattern(freq_hz, kind) for kind in kinds]
        if patterns[0] is None and patterns[1] is None:
            return antenna_power(self.telescope, diameters_m, radius_rad, freq_hz, cut_hz)
        if patterns[0] is patterns[1] or kinds[0] == kinds[1]:
            assert patterns[0] is not None
            return pattern_power(patterns[0], radius_rad, freq_hz)
        parts = [
            antenna_power(self.telescope, (diameters_m[k],) * 2, radius_rad, freq_hz, cut_hz)
            if pattern is None
            else pattern_power(pattern, radius_rad, freq_hz)
            for k, pattern in enumerate(patterns)
        ]
        return np.sqrt(parts[0] * parts[1])

    def single(self, diameter_m: float, radius_rad: np.ndarray, freq_hz: float) -> np.ndarray:
        """The beam as the standard gridder has it: the telescope's own pattern, or that of the whole dish (ALMA's and the ACA's: of its effective diameter)."""
        pattern = self._pattern(freq_hz)
        return (
            dish_power(radius_rad, diameter_m, freq_hz, self.telescope)
            if pattern is None
            else pattern_power(pattern, radius_rad, freq_hz)
        )

    def reach_rad(self, diameters_m: tuple[float, float], freq_hz: float, kinds: tuple[str, str] = ("", "")) -> float:
        """Distance from the axis beyond which the beam is zero."""
        reaches = []
        for diameter, kind in zip(diameters_m, kinds, strict=True):
            image, pattern = self.image(kind), self._pattern(freq_hz, kind)
            if image is not None:
                reaches.append(image.reach_rad(freq_hz))
            elif pattern is None:
                reaches.append(beam_radius_rad(self.telescope, (diameter, diameter), freq_hz))
            else:
                reaches.append(pattern_reach_rad(pattern, freq_hz))
        return min(reaches)


def antenna_beams(telescope: str, table: str = "", measured: bool = False, place: SkyPlace | None = None) -> AntennaBeams:
    """The beams of a telescope, with a table of voltage patterns if one is named.

    A telescope or a type of antenna that the table does not hold a pattern of has the one it has without the table.

    Parameters
    ----------
    telescope : str
    table : str
        Of voltage patterns.
    measured : bool
        See `AntennaBeams`.
    place : SkyPlace, optional
        When and where the antennas look, which antenna responses depend on; without it those of any place are taken.

    Raises
    ------
    PathMissingError, DataError
        There is no such table, or it is no table of voltage patterns, or an image of one is missing or cannot be used, or no response holds at the place.
    UnsupportedError
        A pattern of a type of antenna is known by the name of a telescope whose dishes are not known.
    """
    if not table:
        return AntennaBeams(telescope, measured=measured)
    patterns = VoltagePatternList()
    patterns.replace(*read_voltage_patterns(table))
    given: dict[str, Mapping[str, Any]] = {}
    images: dict[str, PatternImage | BandedPattern] = {}
    tag = ""
    for record in patterns.records:
        for name in _antennas(record) - {"*"} if record["telescope"] == telescope and record.get("dopb", True) else ():
            images[name], given[name] = read_pattern_image(record), record
    for kind in ("", *(k for k in patterns.antenna_types(telescope) if k)):
        if patterns.default_number(telescope, kind) <= INTERNAL:
            continue
        record = patterns.pattern(telescope, kind)
        if not record.get("dopb", True):
            continue
        if record["name"] == "COMMONPB" and not kind:
            telescope = telescope if record["commonpb"] == "DEFAULT" else str(record["commonpb"])
            continue
        if _antennas(record) and "*" not in _antennas(record):
            continue
        if record["name"] == "REFERENCE":
            found, own_tag = _responses(record, telescope, place)
            images |= found
            given |= dict.fromkeys(found, record)
            tag += own_tag
            continue
        # Read or evaluated once: what cannot be used is refused before any data are read.
        if record["name"] == "IMAGE":
            images[kind] = read_pattern_image(record)
        elif record["name"] == "COMMONPB":
            known_pattern(_common_name(record), 1e9)
        else:
            pattern_power(record, np.zeros(1), 1e9)
        given[kind] = record
    return AntennaBeams(telescope, given, measured, images, tag)


def _common_name(record: Mapping[str, Any]) -> str:
    """The telescope whose pattern a record of the class COMMONPB stands for."""
    return str(record["telescope"] if record["commonpb"] == "DEFAULT" else record["commonpb"])


def known_pattern(telescope: str, freq_hz: float) -> dict[str, Any]:
    """The pattern record of a telescope at a frequency: its own, or that of its dishes.

    Raises
    ------
    UnsupportedError
        Neither is known.
    """
    found = telescope_pattern(telescope, freq_hz)
    if found is not None:
        return found
    dish = nominal_dish_m(telescope)
    if not dish:
        raise UnsupportedError(
            f"the pattern known by the name {telescope!r} cannot be that of a type of antenna, as its dishes are not known; define it with setpbairy or the like"
        )
    outer, blocked = effective_dish_m(telescope, dish)
    reach = beam_radius_rad(telescope, (dish, dish), 1e9)
    metres = {name: {"unit": "m", "value": value} for name, value in (("dishdiam", outer), ("blockagediam", blocked))}
    return {
        "name": "AIRY", "telescope": telescope, "dopb": True, "isthisvp": False, "reffreq": {"unit": "GHz", "value": 1.0},
        "maxrad": {"unit": "rad", "value": reach}, **metres,
    }  # fmt: skip


def responses_table(telescope: str, table: str) -> str:
    """The table of antenna responses that a table of voltage patterns names for a telescope; empty where it names none."""
    if not table:
        return ""
    patterns = VoltagePatternList()
    patterns.replace(*read_voltage_patterns(table))
    number = patterns.default_number(telescope)
    record = patterns.records[number] if number > INTERNAL else {"name": ""}
    return str(record["antresppath"]) if record["name"] == "REFERENCE" and record.get("dopb", True) else ""


def _responses(record: Mapping[str, Any], telescope: str, place: SkyPlace | None) -> tuple[dict[str, BandedPattern], str]:
    """The patterns of each type of antenna that a table of responses has at a place, and which ones they are."""
    table = open_responses(str(record["antresppath"]), telescope)
    items = [r for r in (table.items if place is None else table.holding(place)) if r.beam == 0]
    found: dict[str, BandedPattern] = {}
    for kind in table.types():
        own = [r for r in items if r.antenna_type == kind]
        what = f" of {telescope} antennas of type {kind!r}"
        if place is not None and not own:
            raise DataError(
                f"there is no antenna response{what} at azimuth {np.rad2deg(place.azimuth_rad):.1f} deg and elevation {np.rad2deg(place.elevation_rad):.1f} deg at that time"
            )
        for one, other in itertools.combinations(own, 2):
            if one.receiver != other.receiver and max(one.band_hz[0], other.band_hz[0]) < min(one.band_hz[1], other.band_hz[1]):
                raise DataError(
                    f"antenna responses{what} are of several receivers at the same frequencies: {one.receiver!r} and {other.receiver!r}"
                )
        # Apertures beside patterns on the sky are not needed.
        own = [r for r in own if r.kind in ("VP", "EFP")] or own
        parts = [
            (
                *r.band_hz,
                read_aperture_image(table.unturned_path(r), r.channel)
                if r.kind == "AIF"
                else read_pattern_image(table.record(r, telescope), r.channel),
            )
            for r in own
        ]
        found[kind] = BandedPattern(parts, what)
    return found, "|".join(r.name for r in items)


def _antennas(record: Mapping[str, Any]) -> set[str]:
    """The antennas that an image of a pattern is for, by the beginnings of their names; ``"*"`` is all."""
    return {str(name) for name in np.atleast_1d(record.get("antennanames", []))} if record["name"] == "IMAGE" else set()
