"""Fetch calibrator models of the VLA."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["getcalmodvla"]

_Date = Annotated[
    Any, kinds.Variant((kinds.Float(), kinds.Text())), "Date: MJD, or text such as '2020-01-01'; 0 leaves it to the service"
]

_Hosts = Annotated[list[str], kinds.TextList(), "Addresses of the service, tried in turn"]


@task(group="calibration")
def getcalmodvla(
    outfile: P.OutFile = "",
    overwrite: P.Overwrite = False,
    source: Annotated[str, kinds.Text(), "Name of the calibrator, such as '3C286'"] = "",
    direction: Annotated[str, kinds.Text(), "Direction in place of a name, such as 'J2000 13h31m08 30d30m33'"] = "",
    band: Annotated[str, kinds.Text(), "Band letter: P, L, S, C, X, U, K, A or Q"] = "",
    obsdate: _Date = 0,
    refdate: _Date = 0,
    hosts: _Hosts = ["http://obs.vla.nrao.edu/calmodvla"],  # noqa: B006
) -> None:
    """Fetch a component list with a calibrator's model from the VLA's service.

    The list serves `ft` and other tasks; its keyword ``web_service`` tells what was asked, and the answer.

    Raises
    ------
    ParameterError
        A parameter cannot be used.
    OutputExistsError, DataError
        The output is there; no host can be reached or has such a model. Nothing is written then.
    """
    from casatools.calibration.model_service import ModelRequest, fetch_model

    fetch_model(outfile, ModelRequest(source, direction, band, obsdate, refdate), list(hosts), overwrite)
