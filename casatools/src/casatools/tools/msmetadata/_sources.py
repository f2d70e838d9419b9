"""The SOURCE sub-table."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.io.ms.metadata import Source
from casatools.tools.msmetadata._base import MsMetadataBase, integers, quantity
from casatools.tools.msmetadata._fields import direction

_Source = Annotated[int, kinds.Int(), "Source ID"]
_Spw = Annotated[int, kinds.Int(), "Spectral window ID"]


class SourceMethods(MsMetadataBase):
    """Sources: names, directions, lines."""

    @method
    def nsources(self) -> int:
        """Number of sources."""
        return len({s.source_id for s in self._meta.sources})

    def _rows(self) -> tuple[Source, ...]:
        if not self._meta.has_subtable("SOURCE"):
            raise DataError("msmetadata: the MeasurementSet has no SOURCE table")
        return self._meta.sources

    @method
    def sourcenames(self) -> list[str]:
        """Names, one for each row of SOURCE."""
        return [s.name for s in self._rows()]

    @method
    def sourceidsfromsourcetable(self) -> np.ndarray:
        """Source IDs, one for each row of SOURCE."""
        return integers(s.source_id for s in self._rows())

    @method
    def sourcedirs(self) -> dict[str, Any]:
        """Directions, one for each row of SOURCE."""
        return {str(s.row): direction(np.ravel(s.direction)[:2], self._meta.source_frame) for s in self._rows()}

    @method
    def sourcetimes(self) -> dict[str, Any]:
        """Times, one for each row of SOURCE."""
        return {str(s.row): quantity(s.time_s, "s") for s in self._rows()}

    @method
    def propermotions(self) -> dict[str, Any]:
        """Proper motions, one for each row of SOURCE."""
        out = {}
        for s in self._rows():
            longitude, latitude = np.ravel(s.proper_motion)[:2]
            out[str(s.row)] = {"longitude": quantity(longitude, "rad/s"), "latitude": quantity(latitude, "rad/s")}
        return out

    def _source_row(self, sourceid: int, spw: int) -> Source:
        if sourceid < 0:
            raise ParameterError(f"msmetadata: parameter 'sourceid' must not be negative; got {sourceid}")
        for s in self._meta.sources:
            if s.source_id == sourceid and s.spw_id in (spw, -1):
                return s
        pairs = sorted({(s.source_id, s.spw_id) for s in self._meta.sources})
        raise self._refuse("source and spectral window", (sourceid, spw), f"SOURCE has {pairs}")

    @method
    def restfreqs(self, sourceid: _Source = 0, spw: _Spw = 0) -> Any:
        """Rest frequencies of a source as measures by line number; False where there are none."""
        rest = np.ravel(self._source_row(sourceid, spw).rest_frequency_hz)
        if not len(rest):
            return False
        return {str(i): {"type": "frequency", "refer": "LSRK", "m0": quantity(f, "Hz")} for i, f in enumerate(rest)}

    @method
    def transitions(self, sourceid: _Source = 0, spw: _Spw = 0) -> Any:
        """Names of the lines of a source; False where there are none."""
        found = self._source_row(sourceid, spw).transition
        return np.array(found, dtype=str) if found else False
