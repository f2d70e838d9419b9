"""conjugatevis: complex conjugate of visibilities."""

from __future__ import annotations

import os
from typing import Annotated, Any

from casatasks._params import Overwrite, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["conjugatevis"]


def _output(given: dict[str, Any]) -> str:
    folder, name = os.path.split(given["vis"].rstrip("/"))
    return given["outputvis"] or os.path.join(folder, f"conjugated_{name}")


@task(group="manipulation", history=(_output,))
def conjugatevis(
    vis: Vis = "",
    spwlist: Annotated[
        Any, kinds.Variant((kinds.IntList(), kinds.Text())), "Spectral windows to conjugate, as a list; [] is all"
    ] = [],  # noqa: B006
    outputvis: Annotated[str, kinds.OutPath(), "Name of the output; '' puts conjugated_ before the input's name"] = "",
    overwrite: Overwrite = False,
) -> None:
    """Copy a MeasurementSet with the signs of its phases turned round.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, ParameterError
        Nothing is written then.

    Examples
    --------
    >>> conjugatevis("a.ms", [0], "b.ms")  # doctest: +SKIP
    """
    from casatools.transform.parameters import parse_spw_list
    from casatools.transform.phasing import conjugatevis as run

    run(vis, _output({"vis": vis, "outputvis": outputvis}), parse_spw_list(spwlist), overwrite)
