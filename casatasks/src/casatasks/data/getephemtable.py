"""Get an ephemeris table of a solar system object from JPL Horizons."""

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["getephemtable"]


@task(group="data")
def getephemtable(
    objectname: Annotated[str, kinds.Text(numbers=True), "Solar system object: a planet, moon, asteroid or comet"] = "",
    asis: Annotated[bool, kinds.Bool(), "Send the name to Horizons as it is, in its own syntax"] = False,
    timerange: Annotated[str, kinds.Text(), "start~end, as dates (2024/01/01~2024/01/02), MJD or JD"] = "",
    interval: Annotated[
        str, kinds.Text(numbers=True), "Step such as 5m, 1h, 1d; a number alone is how many steps there are"
    ] = "5m",
    outfile: Annotated[str, kinds.OutPath(), "Name of the table to make"] = "",
    rawdatafile: Annotated[str, kinds.OutPath(), "File for the text of the answer; '' keeps none"] = "",
    overwrite: P.Overwrite = False,
) -> None:
    """Ask JPL Horizons for geocentric positions of a solar system object and write them as an ephemeris table.

    Raises
    ------
    ParameterError, OutputExistsError
        A value is wrong, or an output exists.
    DataError
        The service cannot be reached (offline), or knows no such object; nothing is written then.

    Notes
    -----
    The table serves as phasecenter of tclean, for measures.framecomet and ms.addephemeris. Positions are astrometric (ICRS), times UT.
    """
    from casatools.information.horizons import EphemerisRequest, write_horizons_ephemeris

    write_horizons_ephemeris(EphemerisRequest(objectname, asis, timerange, interval), outfile, rawdatafile, overwrite)
