"""Get positions of ALMA's antennas from the observatory's service."""

# ruff: noqa: B006 - the defaults are the reference's, and the declaration hands out copies

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["getantposalma"]


@task(group="calibration")
def getantposalma(
    outfile: Annotated[str, kinds.OutPath(), "JSON file to write"] = "",
    overwrite: P.Overwrite = False,
    asdm: Annotated[str, kinds.Text(), "UID of the execution block, such as uid://A002/X10ac6bc/Xc408"] = "",
    tw: Annotated[
        str, kinds.Text(), "Two times with a comma between them: when the positions were measured; '' is any time"
    ] = "",
    snr: Annotated[float, kinds.Float(), "Least signal to noise of a position; 0 is all"] = 0.0,
    search: Annotated[str, kinds.Text(), "Which of several positions counts: both_latest or both_closest"] = "both_latest",
    hosts: Annotated[list[str], kinds.TextList(), "Addresses of the service, tried in turn"] = [
        "https://asa.alma.cl/uncertainties-service/uncertainties/versions/last/measurements/casa/"
    ],
) -> None:
    """Ask ALMA's service for the antenna positions at the time of an observation and write them as JSON for gencal.

    Raises
    ------
    ParameterError, OutputExistsError
        A value is wrong, or the file exists.
    DataError
        No host answers (offline), or not with positions; nothing is written then.
    """
    from casatools.information.antenna_positions import AlmaPositionRequest, write_alma_positions

    write_alma_positions(AlmaPositionRequest(asdm, tw, snr, search, tuple(hosts)), outfile, overwrite)
