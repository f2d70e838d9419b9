"""Which pattern is in use, and tables of patterns."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.imaging.voltage_patterns import KNOWN_TELESCOPES
from casatools.io.voltage_pattern_table import read_voltage_patterns, write_voltage_patterns
from casatools.tools.vpmanager.responses import Responses
from casatools.tools.vpmanager.setup import PATTERNS, AntennaType, Direction, Frequency, Time, hertz, is_given, place

__all__ = ["Choosing"]


class Choosing(Responses):
    """Methods that choose, tell and keep patterns."""

    @method
    def saveastable(
        self, tablename: Annotated[str, kinds.OutPath(), "Table to write; one that is there is replaced"] = ""
    ) -> bool:
        """Keep the patterns in a table that imaging and `loadfromtable` read.

        Raises
        ------
        ParameterError
            No name is given.
        """
        if not tablename:
            raise ParameterError("vpmanager.saveastable: parameter 'tablename' must be a name")
        write_voltage_patterns(tablename, PATTERNS.records, PATTERNS.defaults)
        return True

    @method
    def loadfromtable(self, tablename: Annotated[str, kinds.InPath(), "Table to read"] = "") -> bool:
        """Take the patterns of a table instead of those that are there.

        Raises
        ------
        PathMissingError, DataError
            Nothing is there, or it is no table of voltage patterns.
        """
        PATTERNS.replace(*read_voltage_patterns(tablename))
        return True

    @method
    def summarizevps(self, verbose: Annotated[bool, kinds.Bool(), "Show the records too"] = False) -> bool:
        """Write the patterns that are there to the log."""
        log.post(f"Telescopes whose patterns are known by name: {', '.join(sorted(KNOWN_TELESCOPES))}")
        log.post("VP#  Telescope  Class")
        for number, record in enumerate(PATTERNS.records):
            used = [kind or "any" for (name, kind), n in PATTERNS.defaults.items() if n == number and name == record["telescope"]]
            note = f" (used for antenna types {', '.join(used)})" if used else ""
            log.post(f"{number}  {record['telescope']}  {record['name']}{note}")
            if verbose:
                log.post(str(record))
        return True

    @method
    def reset(self) -> bool:
        """Forget the patterns that were defined."""
        PATTERNS.reset()
        return True

    def _types(self, telescope: str, obstime: Any, freq: Any, obsdirection: Any) -> list[str]:
        """Types of antennas with a pattern."""
        table = self._responses(telescope)
        if table is None:
            return PATTERNS.antenna_types(telescope)
        return table.types(
            place(telescope, obstime, obsdirection) if is_given(obstime) else None,
            hertz("freq", freq) if is_given(freq) else None,
        )

    def _pattern(self, telescope: str, kind: str, obstime: Any, freq_hz: float | None, obsdirection: Any) -> dict[str, Any]:
        """The pattern of a type of antennas."""
        table = self._responses(telescope)
        if table is None:
            return PATTERNS.pattern(telescope, kind)
        if not is_given(obstime) or freq_hz is None:
            raise ParameterError(
                f"vpmanager: parameters 'obstime' and 'freq' must be given, as {telescope!r} has a table of antenna responses"
            )
        return table.record(table.find(place(telescope, obstime, obsdirection), freq_hz, antenna_type=kind), telescope)

    @method
    def setuserdefault(
        self,
        vplistnum: Annotated[int, kinds.Int(), "Number of the pattern; -1 the one known by name, -2 none"] = -1,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        anttype: AntennaType = "",
    ) -> bool:
        """Use a pattern for a telescope and type of antenna.

        Raises
        ------
        DataError
            There is no such pattern, or it is another telescope's.
        """
        PATTERNS.choose(vplistnum, telescope, anttype)
        return True

    @method
    def getuserdefault(self, telescope: Annotated[str, kinds.Text(), "Telescope"] = "", anttype: AntennaType = "") -> int:
        """Number of the pattern in use; -1 is one known by name, -2 none."""
        return PATTERNS.default_number(telescope, anttype)

    @method
    def getanttypes(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = [],  # noqa: B006 - not changed
    ) -> list[str]:
        """Types of antenna that have a pattern of their own; '' is any. Time, frequency and direction matter to tables of antenna responses only."""
        return self._types(telescope, obstime, freq, obsdirection)

    @method
    def numvps(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = [],  # noqa: B006 - not changed
    ) -> int:
        """How many patterns a telescope has: one for each type of antenna. Time, frequency and direction matter to tables of antenna responses only."""
        return len(self._types(telescope, obstime, freq, obsdirection))

    @method
    def getvp(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        antennatype: AntennaType = "",
        obstime: Time = [],  # noqa: B006 - not changed
        freq: Frequency = [],  # noqa: B006 - not changed
        obsdirection: Direction = "AZEL 0deg 90deg",
    ) -> dict[str, Any]:
        """The pattern in use. Time, frequency and direction matter to tables of antenna responses only, whose image it is then.

        Raises
        ------
        ParameterError, DataError
            None is in use, or no response fits, or time or frequency is missing.
        UnsupportedError
            The response is no pattern on the sky.
        """
        return self._pattern(telescope, antennatype, obstime, hertz("freq", freq) if is_given(freq) else None, obsdirection)

    @method
    def getvps(
        self,
        telescope: Annotated[str, kinds.Text(), "Telescope"] = "",
        antennas: Annotated[list[str], kinds.TextList(drop_empty=True), "Names of the antennas"] = [],  # noqa: B006 - copied
        obstimestart: Time = "1970/01/01T00:00:00",
        obstimeend: Time = "1970/01/01T00:00:00",
        minfreq: Frequency = "1GHz",
        maxfreq: Frequency = "1GHz",
        obsdirection: Direction = "AZEL 0deg 90deg",
    ) -> dict[str, Any]:
        """The patterns of antennas: each different one as ``uniquebeam_N``, and which one each antenna has at the first and at the last time (`beamindex`).

        A type of antenna is that of the antennas whose names begin with it. Times, frequencies (their middle) and direction matter to tables of antenna responses only.

        Raises
        ------
        ParameterError, DataError
            No antennas are named, or one has no pattern.
        """
        if not antennas:
            raise ParameterError("vpmanager.getvps: parameter 'antennas' must name at least one antenna")
        low, high = hertz("minfreq", minfreq), hertz("maxfreq", maxfreq)
        found: list[dict[str, Any]] = []
        which = np.empty((len(antennas), 2), np.uint64)
        for column, time in enumerate((obstimestart, obstimeend)):
            types = sorted((t for t in self._types(telescope, time, [], obsdirection) if t), key=len, reverse=True)
            for number, name in enumerate(antennas):
                kind = next((t for t in types if name.startswith(t)), "")
                record = self._pattern(telescope, kind, time, 0.5 * (low + high), obsdirection)
                same = [k for k, other in enumerate(found) if str(other) == str(record)]
                found += [] if same else [record]
                which[number, column] = same[0] if same else len(found) - 1
        return {"beamindex": which, **{f"uniquebeam_{k}": record for k, record in enumerate(found)}}
