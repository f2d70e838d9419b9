"""The primary beam of an observation's antennas: a pattern of the user's table, the telescope's own, or that of its dishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import UnsupportedError
from casatools.imaging.primary_beam import antenna_power, beam_radius_rad, dish_power
from casatools.imaging.telescope_beams import telescope_pattern
from casatools.imaging.voltage_patterns import INTERNAL, VoltagePatternList, pattern_power, pattern_reach_rad
from casatools.io.voltage_pattern_table import read_voltage_patterns

__all__ = ["AntennaBeams", "antenna_beams"]


@dataclass(frozen=True)
class AntennaBeams:
    """Beams of a telescope.

    Attributes
    ----------
    telescope : str
    given : mapping, optional
        A voltage pattern that is used for all antennas.
    """

    telescope: str
    given: Mapping[str, Any] | None = field(default=None, compare=False)

    def _pattern(self, freq_hz: float) -> Mapping[str, Any] | None:
        return self.given if self.given is not None else telescope_pattern(self.telescope, freq_hz)

    def power(self, diameters_m: tuple[float, float], radius_rad: np.ndarray, freq_hz: float) -> np.ndarray:
        """The beam of a pair of antennas at distances from its axis; 1 there."""
        pattern = self._pattern(freq_hz)
        if pattern is None:
            return antenna_power(self.telescope, diameters_m, radius_rad, freq_hz)
        return pattern_power(pattern, radius_rad, freq_hz)

    def single(self, diameter_m: float, radius_rad: np.ndarray, freq_hz: float) -> np.ndarray:
        """The beam as the standard gridder has it: the telescope's own pattern, or that of the whole dish, whatever is known of its illumination."""
        pattern = self._pattern(freq_hz)
        return dish_power(radius_rad, diameter_m, freq_hz) if pattern is None else pattern_power(pattern, radius_rad, freq_hz)

    def reach_rad(self, diameters_m: tuple[float, float], freq_hz: float) -> float:
        """Distance from the axis beyond which the beam is zero."""
        pattern = self._pattern(freq_hz)
        if pattern is None:
            return beam_radius_rad(self.telescope, diameters_m, freq_hz)
        return pattern_reach_rad(pattern, freq_hz)


def antenna_beams(telescope: str, table: str = "") -> AntennaBeams:
    """The beams of a telescope, with a table of voltage patterns if one is named.

    A telescope that the table does not hold a pattern of has the one it has without the table.

    Raises
    ------
    PathMissingError, DataError
        There is no such table, or it is no table of voltage patterns.
    UnsupportedError
        The pattern is one by image, or one known by another telescope's name, or depends on the type of antenna.
    """
    if not table:
        return AntennaBeams(telescope)
    patterns = VoltagePatternList()
    patterns.replace(*read_voltage_patterns(table))
    types = [kind for kind in patterns.antenna_types(telescope) if kind]
    if types:
        raise UnsupportedError(
            f"the table of voltage patterns {table!r} tells antennas of {telescope!r} apart ({', '.join(types)}); imaging uses one pattern for all yet"
        )
    if patterns.default_number(telescope) <= INTERNAL:
        return AntennaBeams(telescope)
    record = patterns.pattern(telescope)
    if not record.get("dopb", True):
        return AntennaBeams(telescope)
    if record["name"] == "COMMONPB":
        return AntennaBeams(telescope if record["commonpb"] == "DEFAULT" else str(record["commonpb"]))
    # Evaluated once: a class that cannot be used is refused before any data are read.
    pattern_power(record, np.zeros(1), 1e9)
    return AntennaBeams(telescope, record)
