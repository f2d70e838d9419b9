"""Set starting weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

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
    PathMissingError, DataError, ParameterError
        There is no such MeasurementSet; the Tsys table is missing or does not cover the data. Nothing is written then.

    Notes
    -----
    ``nyq`` is ``2 dnu dt``, ``tsys`` is ``2 dnu / (T1 T2)`` and ``tinttsys`` is ``2 dnu dt / (T1 T2)``, the last two by channel.

    Examples
    --------
    >>> initweights("day1.ms", wtmode="tinttsys", tsystable="day1.tsys", spwmap=[9, 11, 13])  # doctest: +SKIP
    """
    from casatools.calibration.correct import LibraryOptions
    from casatools.calibration.initial_weights import InitialWeightOptions, initialise_weights

    given = bool(tsystable or gainfield or interp or spwmap)
    tables = (tsystable,) if tsystable else ()
    library = LibraryOptions(tables, (gainfield,), (interp,), tuple(spwmap)) if given else LibraryOptions()
    initialise_weights(vis, InitialWeightOptions(wtmode, dowtsp, library))
