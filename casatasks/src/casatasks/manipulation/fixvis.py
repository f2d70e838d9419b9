"""fixvis: phase centres moved, frames changed, uvw computed anew."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["fixvis"]

_Fields = kinds.Variant((kinds.Text(numbers=True), kinds.Int(), kinds.IntList(), kinds.TextList(numbers=True)))


@task(group="manipulation", history=(lambda given: given["outputvis"] or given["vis"],))
def fixvis(
    vis: Vis = "",
    outputvis: Annotated[str, kinds.OutPath(), "Name of the changed copy; '' or `vis` changes `vis` itself"] = "",
    field: Annotated[Any, _Fields, "Fields to change: names, numbers or an expression; [] is all"] = [],  # noqa: B006 - copied
    refcode: Annotated[str, kinds.Text(), "Frame for the directions and uvw, such as 'B1950'; '' keeps it"] = "",
    reuse: Annotated[
        bool, kinds.Bool(), "Turn the uvw that are there; False computes them from the positions of the antennas"
    ] = True,
    phasecenter: Annotated[
        str,
        kinds.Variant((kinds.Text(), kinds.Record())),
        "New phase centre such as 'J2000 19h53m50 40d06m00', or an offset such as '0h0m1s 10arcsec'; '' keeps it",
    ] = "",
    distances: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.TextList(numbers=True))),
        "Distances of the sources such as '400000km', for all fields or each; [] is infinitely far",
    ] = [],  # noqa: B006 - copied
    datacolumn: Annotated[str, kinds.Text(), "Columns whose phases are turned: 'all', or names joined by commas"] = "all",
) -> None:
    """Move the phase centres of fields, exactly for any angle, change the frame of directions and uvw, or compute uvw anew.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Notes
    -----
    A move changes PHASE_DIR only; the other directions tell where was pointed. Fields with an ephemeris are moved from where they were at each time,
    and stand still afterwards. With `distances` phases are those of a spherical wave: a source at the phase centre and at this distance from the array
    has the phase 0 on all baselines, uvw stay those of its direction; CASA 6.7 accepts distances and leaves the data as they are. CASA's fixvis turns u and v the wrong way about w; this one agrees with phaseshift.

    Examples
    --------
    >>> fixvis("a.ms", "b.ms", field="2", phasecenter="J2000 13h36m06s 28d11m30s")  # doctest: +SKIP
    """
    from casatools.transform.fixing import FixOptions
    from casatools.transform.fixing import fixvis as run
    from casatools.transform.parameters import parse_distance_m

    given = [distances] if isinstance(distances, str) else list(distances)
    far = tuple(parse_distance_m(d) for d in given if str(d).strip())
    fields = ",".join(str(f) for f in field) if isinstance(field, (list, tuple)) else str(field)
    run(vis, outputvis, fields, FixOptions(phasecenter, refcode, reuse, datacolumn, far))
