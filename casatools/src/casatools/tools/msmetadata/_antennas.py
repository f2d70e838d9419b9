"""Antennas and baselines."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError
from casatools.frames.quantities import to_unit
from casatools.information.listing import antenna_offsets
from casatools.tools.msmetadata._base import AntennaRef, ArrayId, MsMetadataBase, ObsId, glob_match, integers, quantity

NameOrNames = Annotated[Any, kinds.Variant((kinds.TextList(),)), "Names or patterns; nothing is all"]
_ANY = Annotated[Any, kinds.Variant(), "Antenna IDs or names; nothing or a negative ID is all"]


class AntennaMethods(MsMetadataBase):
    """Antennas: names, stations, positions, diameters."""

    @method
    def antennadiameter(self, antenna: AntennaRef = -1) -> dict[str, Any]:
        """Diameter of one antenna as a quantity, of all by ID when the antenna is negative."""
        antennas = self._meta.antennas
        if isinstance(antenna, int) and antenna < 0:
            return {str(a.id): quantity(a.diameter_m, "m") for a in antennas}
        return quantity(antennas[self._antenna(antenna)].diameter_m, "m")

    @method
    def antennaids(
        self,
        name: NameOrNames = "",
        mindiameter: Annotated[Any, kinds.Quantity("m"), "Smallest diameter"] = "0m",
        maxdiameter: Annotated[Any, kinds.Quantity("m"), "Largest diameter"] = "1pc",
        obsid: ObsId = -1,
    ) -> np.ndarray:
        """IDs of the antennas with given names or patterns and diameters."""
        antennas = self._meta.antennas
        names = [a.name for a in antennas]
        wanted = [n for n in ([name] if isinstance(name, str) else name) if n]
        found: list[int] = []
        for pattern in wanted:
            hits = (
                glob_match(pattern, names)
                if any(c in pattern for c in "*?")
                else [i for i, n in enumerate(names) if n == pattern]
            )
            if not hits and not any(c in pattern for c in "*?"):
                self._antenna(pattern)
            found += [h for h in hits if h not in found]
        ids = found if wanted else list(range(len(antennas)))
        ids = self._in_observation(ids, obsid)
        low, high = float(to_unit(mindiameter, "m")), float(to_unit(maxdiameter, "m"))
        return integers(i for i in ids if low <= antennas[i].diameter_m <= high)

    def _in_observation(self, ids: list[int], obsid: int) -> list[int]:
        """Those of the antennas that have data in an observation; all of them when it is negative."""
        if obsid < 0:
            return ids
        present = set(self._index.antennas(self._index.select(observation=self._observation(obsid))))
        return [i for i in ids if i in present]

    def _antenna_list(self, which: Any) -> list[int]:
        given = which if isinstance(which, (list, tuple, np.ndarray)) else [which]
        if len(given) == 0 or (len(given) == 1 and given[0] in (-1, "")):
            return list(range(len(self._meta.antennas)))
        for one in given:
            if not isinstance(one, (str, int, np.integer)):
                raise self._refuse("antenna", one, "give names or IDs")
        return [self._antenna(a if isinstance(a, str) else int(a)) for a in given]

    @method
    def antennanames(self, antennaids: _ANY = -1) -> list[str]:
        """Names of antennas."""
        return [self._meta.antennas[i].name for i in self._antenna_list(antennaids)]

    @method
    def antennastations(self, which: _ANY = -1, obsid: ObsId = -1) -> list[str]:
        """Stations of antennas; with an observation, of those that have data in it."""
        return [self._meta.antennas[i].station for i in self._in_observation(self._antenna_list(which), obsid)]

    @method
    def antennaoffset(self, which: AntennaRef = 0) -> dict[str, Any]:
        """Longitude, latitude and elevation offset of an antenna from the observatory's position."""
        found = self._antenna(which)
        offsets = antenna_offsets(self._meta)
        if offsets is None:
            telescope = self._meta.observations[0].telescope_name if self._meta.observations else ""
            raise DataError(f"msmetadata.antennaoffset: the position of the telescope {telescope!r} is unknown")
        return {f"{n} offset": quantity(v, "m") for n, v in zip(("longitude", "latitude", "elevation"), offsets[found])}

    @method
    def antennaposition(self, which: AntennaRef = 0) -> dict[str, Any]:
        """Position of an antenna: geocentric longitude, latitude and radius."""
        x, y, z = self._meta.antennas[self._antenna(which)].position_m
        radius = float(np.sqrt(x * x + y * y + z * z))
        latitude = float(np.arcsin(z / radius)) if radius else 0.0
        angles = [quantity(np.arctan2(y, x), "rad"), quantity(latitude, "rad"), quantity(radius, "m")]
        return {"type": "position", "refer": self._meta.antenna_frame, "m0": angles[0], "m1": angles[1], "m2": angles[2]}

    @method
    def antennasforscan(
        self, scan: Annotated[int, kinds.Int(), "Scan number"] = -1, obsid: ObsId = -1, arrayid: ArrayId = -1
    ) -> np.ndarray:
        """IDs of the antennas in a scan."""
        return np.array(self._index.antennas(self._scan_mask(scan, obsid, arrayid)), dtype=np.int64)

    @method
    def nantennas(self) -> int:
        """Number of antennas."""
        return len(self._meta.antennas)

    @method
    def nbaselines(self, ac: Annotated[bool, kinds.Bool(), "Count auto-correlations too"] = False) -> int:
        """Number of baselines in the data."""
        matrix = self._index.baselines
        return int(np.count_nonzero(np.triu(matrix, 0 if ac else 1)))

    @method
    def baselines(self) -> np.ndarray:
        """Symmetric matrix over antennas: True where the pair occurs."""
        return np.array(self._index.baselines, order="F")
