"""The spectralline tool: tables of spectral lines, searched and imported."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import NotOpenError, ParameterError
from casatools._base.paths import require_absent, require_writable_parent, staged_output
from casatools.information.spectral_lines import (
    LineSearch,
    default_table,
    distinct_texts,
    limit_pair,
    lines_record,
    lines_text,
    read_exports,
    search_lines,
)
from casatools.io.line_tables import count_lines, write_lines

__all__ = ["spectralline"]

_Limits = kinds.FloatList()
Verbose = Annotated[bool, kinds.Bool(), "Write the result to the log, and to a file when one is named"]
LogFile = Annotated[str, kinds.OutPath(), "Text file for the result"]
Append = Annotated[bool, kinds.Bool(), "Add to the text file"]
_EVERY = LineSearch()


class spectralline:
    """A table of spectral lines, or the result of a search."""

    def __init__(self) -> None:
        self._path = ""
        self._found: dict[str, np.ndarray] | None = None

    @staticmethod
    def _holding(found: dict[str, np.ndarray]) -> spectralline:
        made = spectralline()
        made._found = found
        return made

    def _lines(self) -> dict[str, np.ndarray]:
        if self._found is not None:
            return self._found
        return search_lines(self._opened(), _EVERY)

    def _opened(self) -> str:
        if not self._path:
            raise NotOpenError("no table of spectral lines is open; call open first")
        return self._path

    @method
    def open(
        self,
        table: Annotated[
            str,
            kinds.InPath(),
            "Table of spectral lines; '' is the list that comes with the package, or that of CASA's data where they are installed",
        ] = "",
    ) -> bool:
        """Open a table.

        Raises
        ------
        PathMissingError, DataError
            Nothing is there, or it is no table of spectral lines.
        """
        path = table or default_table()
        count_lines(path)
        self._path, self._found = path, None
        return True

    @method
    def close(self) -> bool:
        """Forget the table."""
        self._path, self._found = "", None
        return True

    @method
    def done(self) -> bool:
        """The same as close."""
        self._path, self._found = "", None
        return True

    @method
    def nrows(self) -> int:
        """The number of lines."""
        return len(self._found["FREQUENCY"]) if self._found is not None else count_lines(self._opened())

    @method
    def torecord(self) -> dict[str, Any]:
        """The lines as a record."""
        return lines_record(self._lines())

    @method
    def list(self) -> None:
        """Write the lines to the log."""
        log.post(lines_text(self._lines()))

    @method
    def species(self, verbose: Verbose = False, logfile: LogFile = "", append: Append = False) -> dict[str, Any]:
        """The species that occur, in alphabetical order, as ``{"return": array}``."""
        return self._unique("SPECIES", verbose, logfile, append)

    @method
    def chemnames(self, verbose: Verbose = False, logfile: LogFile = "", append: Append = False) -> dict[str, Any]:
        """The chemical names that occur, in alphabetical order, as ``{"return": array}``."""
        return self._unique("CHEMICAL_NAME", verbose, logfile, append)

    def _unique(self, column: str, verbose: bool, logfile: str, append: bool) -> dict[str, Any]:
        names = np.unique(self._found[column].astype(str)) if self._found is not None else distinct_texts(self._opened(), column)
        if verbose:
            _tell("\n".join(names) + "\n", logfile, append)
        return {"return": names}

    @method
    def search(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Table to write; '' is none"] = "",
        freqrange: Annotated[Any, _Limits, "Lowest and highest frequency [GHz]; [0.0] is all"] = [0.0],  # noqa: B006 - copied
        species: Annotated[Any, kinds.TextList(drop_empty=True), "Species, exactly; [] is all"] = [],  # noqa: B006 - copied
        reconly: Annotated[bool, kinds.Bool(), "Only recommended frequencies"] = False,
        chemnames: Annotated[Any, kinds.TextList(drop_empty=True), "Chemical names, exactly; [] is all"] = [],  # noqa: B006
        qns: Annotated[Any, kinds.TextList(drop_empty=True), "Quantum numbers, exactly; [] is all"] = [],  # noqa: B006 - copied
        intensity: Annotated[Any, _Limits, "Range of CDMS or JPL intensities; [-1] is all"] = [-1.0],  # noqa: B006 - copied
        smu2: Annotated[Any, _Limits, "Range of line strengths [Debye2]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
        loga: Annotated[Any, _Limits, "Range of log10 of Einstein A; [-1] is all"] = [-1.0],  # noqa: B006 - copied
        el: Annotated[Any, _Limits, "Range of lower energies [K]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
        eu: Annotated[Any, _Limits, "Range of upper energies [K]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
        rrlinclude: Annotated[
            bool, kinds.Bool(), "With recombination lines, which pass all ranges but that of frequencies"
        ] = True,
        rrlonly: Annotated[bool, kinds.Bool(), "Only recombination lines"] = False,
        verbose: Verbose = True,
        logfile: LogFile = "",
        append: Append = False,
    ) -> Any:
        """Find lines; the result is a new tool that holds them.

        Raises
        ------
        ParameterError, NotOpenError, OutputExistsError
            A range is not two numbers in order, no table is open, or the output exists.
        """
        given = {"INTENSITY": intensity, "SMU2": smu2, "LOGA": loga, "EL": el, "EU": eu}
        limits = {name: pair for name, value in given.items() if (pair := limit_pair(value, name.lower(), -1.0))}
        chosen = limit_pair(freqrange, "freqrange", 0.0)
        recombination = "only" if rrlonly else "with" if rrlinclude else "without"
        if outfile:
            require_absent(outfile, what="table of spectral lines")
        if logfile:
            require_writable_parent(logfile)
        wanted = LineSearch(chosen, species, chemnames, qns, reconly, {k: (v[0], v[1]) for k, v in limits.items()}, recombination)
        found = search_lines(self._opened(), wanted)
        if outfile:
            with staged_output(outfile) as staged:
                write_lines(staged, found)
        if verbose:
            _tell(lines_text(found), logfile, append)
        return self._holding(found)

    @method
    def splattotable(
        self,
        filenames: Annotated[Any, kinds.TextList(drop_empty=True), "Files that Splatalogue exports"] = [],  # noqa: B006 - copied
        table: Annotated[str, kinds.OutPath(), "Table to write"] = "",
    ) -> Any:
        """Make a table of files that Splatalogue exports with tabs between columns; a new tool holds it.

        Raises
        ------
        ParameterError, PathMissingError, OutputExistsError
            No table is named, a file is missing or cannot be read, or the output exists.
        """
        if not table:
            raise ParameterError("spectralline.splattotable: parameter 'table' must name the table to write")
        require_absent(table, what="table of spectral lines")
        lines = read_exports(filenames)
        with staged_output(table) as staged:
            write_lines(staged, lines)
        made = spectralline()
        made._path = table
        return made


def _tell(text: str, logfile: str, append: bool) -> None:
    log.post(text)
    if logfile:
        with open(logfile, "a" if append else "w", encoding="utf-8") as stream:
            stream.write(text)
