"""Set starting weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import UnsupportedError

__all__ = ["initweights"]


@task(group="calibration", history=("vis",))
def initweights(
    vis: P.Vis = "",
    wtmode: Annotated[
        Literal["nyq", "sigma", "weight", "ones", "delwtsp", "delsigsp", "tsys", "tinttsys"],
        "From bandwidth and time, from SIGMA, from WEIGHT, ones; or remove a column of weights by channel",
    ] = "nyq",
    tsystable: Annotated[str, kinds.Text(), "Tsys table, for the tsys modes"] = "",
    gainfield: Annotated[str, kinds.Text(), "Fields of the Tsys table"] = "",
    interp: Annotated[str, kinds.Text(), "Interpolation of the Tsys table"] = "",
    spwmap: Annotated[list[Any], kinds.IntList(), "Spectral windows of the Tsys table"] = [],  # noqa: B006
    dowtsp: Annotated[bool, kinds.Bool(), "Fill WEIGHT_SPECTRUM too"] = False,
) -> None:
    """Initialise WEIGHT and SIGMA.

    Raises
    ------
    PathMissingError, DataError, UnsupportedError
        There is no such MeasurementSet; a Tsys mode is asked for. Nothing is written then.
    """
    from casatools.calibration.initial_weights import InitialWeightOptions, initialise_weights

    options = InitialWeightOptions(wtmode, dowtsp)
    for name, value in (("tsystable", tsystable), ("gainfield", gainfield), ("interp", interp), ("spwmap", spwmap)):
        if value:
            raise UnsupportedError(f"initweights: {name}={value!r} is not supported yet")
    initialise_weights(vis, options)
