"""concat: MeasurementSets joined into one."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["concat"]

_Tolerance = kinds.Variant((kinds.Text(numbers=True), kinds.Record()))


@task(group="manipulation", history=("concatvis",))
def concat(
    vis: Annotated[Any, kinds.InPathList(), "MeasurementSets to be joined, in this order"] = [],  # noqa: B006 - copied
    concatvis: Annotated[str, kinds.OutPath(), "Name of the output; one that exists is joined to and replaced"] = "",
    freqtol: Annotated[Any, _Tolerance, "Spectral windows within this are the same; '' is 1 Hz"] = "",
    dirtol: Annotated[Any, _Tolerance, "Fields within this are the same; '' is 1 mas"] = "",
    respectname: Annotated[bool, kinds.Bool(), "Fields of other names are other fields"] = False,
    timesort: Annotated[bool, kinds.Bool(), "Order the rows by time"] = False,
    copypointing: Annotated[bool, kinds.Bool(), "Keep the POINTING tables"] = True,
    visweightscale: Annotated[list[float], kinds.FloatList(), "Factors of the weights of each input; [] is none"] = [],  # noqa: B006
    forcesingleephemfield: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.TextList())),
        "Names of fields with ephemerides that are joined although the first ephemeris does not cover the second",
    ] = "",
) -> None:
    """Join MeasurementSets into one.

    Antennas, fields, spectral windows, polarization setups, states and observations that are the same get one row of their sub-table. A column that
    an input lacks is made: CORRECTED_DATA from DATA, MODEL_DATA as a point source of 1 Jy, weights per channel from row weights.

    Raises
    ------
    ParameterError, PathMissingError, DataError
        There are fewer than two inputs, one is missing or no MeasurementSet, a value cannot be read, or their data columns differ; nothing is written then.

    Notes
    -----
    Inputs are taken in the order of time. Of several fields at one position that of the same name is meant. Fields with ephemerides are the same where the
    objects are within `dirtol` and the first ephemeris covers the times of the second; those named by `forcesingleephemfield` are joined
    anyway, and the first ephemeris is extended by the rows of the second that it lacks.

    Examples
    --------
    >>> concat(["day1.ms", "day2.ms"], "both.ms", freqtol="10kHz", dirtol="1arcsec")  # doctest: +SKIP
    """
    from casatools.transform.concatenating import ConcatOptions, concatenate, merge_options

    if not concatvis:
        raise ParameterError("concat: parameter 'concatvis' must be given; it names the output")
    forced = [forcesingleephemfield] if isinstance(forcesingleephemfield, str) else list(forcesingleephemfield)
    options = ConcatOptions(merge_options(freqtol, dirtol, respectname, forced), timesort, copypointing, tuple(visweightscale))
    concatenate([vis] if isinstance(vis, str) else list(vis), concatvis, options)
