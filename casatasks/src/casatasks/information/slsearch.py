"""slsearch: search of a table of spectral lines."""

from __future__ import annotations

from typing import Annotated

from casatasks._params import Append
from casatasks._task import task
from casatools._base import kinds
from casatools.tools.spectralline import spectralline

__all__ = ["slsearch"]

_Limits = kinds.FloatList()
_Texts = kinds.TextList(drop_empty=True)


@task(group="information")
def slsearch(
    tablename: Annotated[
        str,
        kinds.InPath(),
        "Table of spectral lines; '' is the list that comes with the package, or that of CASA's data where they are installed",
    ] = "",
    outfile: Annotated[str, kinds.OutPath(), "Table to write; '' is none"] = "",
    freqrange: Annotated[list[float], _Limits, "Lowest and highest frequency [GHz]"] = [84.0, 90.0],  # noqa: B006 - copied
    species: Annotated[list[str], _Texts, "Species, exactly; [] is all"] = [],  # noqa: B006 - copied
    reconly: Annotated[bool, kinds.Bool(), "Only recommended frequencies"] = False,
    chemnames: Annotated[list[str], _Texts, "Chemical names, exactly; [] is all"] = [],  # noqa: B006 - copied
    qns: Annotated[list[str], _Texts, "Quantum numbers, exactly; [] is all"] = [],  # noqa: B006 - copied
    intensity: Annotated[list[float], _Limits, "Range of CDMS or JPL intensities; [-1] is all"] = [-1.0],  # noqa: B006 - copied
    smu2: Annotated[list[float], _Limits, "Range of line strengths [Debye2]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
    loga: Annotated[list[float], _Limits, "Range of log10 of Einstein A; [-1] is all"] = [-1.0],  # noqa: B006 - copied
    el: Annotated[list[float], _Limits, "Range of lower energies [K]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
    eu: Annotated[list[float], _Limits, "Range of upper energies [K]; [-1] is all"] = [-1.0],  # noqa: B006 - copied
    rrlinclude: Annotated[bool, kinds.Bool(), "With recombination lines, which pass all ranges but that of frequencies"] = True,
    rrlonly: Annotated[bool, kinds.Bool(), "Only recombination lines"] = False,
    verbose: Annotated[bool, kinds.Bool(), "Write the result to the log, and to a file when one is named"] = False,
    logfile: Annotated[str, kinds.OutPath(), "Text file for the result"] = '""',
    append: Append = False,
) -> bool:
    """Search a table of spectral lines.

    Returns
    -------
    bool
        True.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        A range is not two numbers in order, the table is missing or none of spectral lines, or the output exists.

    Examples
    --------
    >>> slsearch(outfile="co.tbl", freqrange=[114, 116], species=["COv=0"])
    """
    tool = spectralline()
    tool.open(tablename)
    # The reference's default of the file's name is two quotes: no file.
    tool.search(
        outfile, freqrange, species, reconly, chemnames, qns, intensity, smu2, loga, el, eu, rrlinclude, rrlonly, verbose,
        logfile.strip("\"'"), append,
    )  # fmt: skip
    return True
