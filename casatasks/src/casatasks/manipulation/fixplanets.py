"""fixplanets: directions of fields corrected."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["fixplanets"]

_Fields = kinds.Variant((kinds.Text(numbers=True), kinds.Int(), kinds.IntList(), kinds.TextList(numbers=True)))


@task(group="manipulation", history=("vis",))
def fixplanets(
    vis: Vis = "",
    field: Annotated[Any, _Fields, "Fields to correct: names, numbers or an expression"] = [],  # noqa: B006 - copied
    fixuvw: Annotated[bool, kinds.Bool(), "Compute their uvw anew"] = False,
    direction: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.Record())),
        "New direction such as 'J2000 13h36m10s 28d12m00s', a planet, or the path of an ephemeris; '' takes that of the pointing table",
    ] = "",
    refant: Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text())), "Antenna whose pointing is taken: number or name"] = 0,
    reftime: Annotated[str, kinds.Text(), "When its pointing is taken: 'first' or 'median' of the field, or a time"] = "first",
) -> None:
    """Set the directions of fields and of their sources, in place; visibilities are not touched.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError
        There is no such MeasurementSet, field, antenna, pointing or time; nothing is written then.

    Notes
    -----
    An ephemeris is copied into FIELD, and the fields' directions become offsets of zero from it. Pointings are converted from the frame of the POINTING
    table; CASA takes them as AZELGEO whatever that is.

    Examples
    --------
    >>> fixplanets("a.ms", field="Titan", direction="J2000 13h36m10s 28d12m00s", fixuvw=True)  # doctest: +SKIP
    """
    from casatools.transform.planet_directions import fix_planets

    fields = ",".join(str(f) for f in field) if isinstance(field, (list, tuple)) else str(field)
    fix_planets(vis, fields, fixuvw, direction, refant, reftime)
