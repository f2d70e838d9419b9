"""virtualconcat: MeasurementSets joined as parts of a Multi-MS."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["virtualconcat"]

_Tolerance = kinds.Variant((kinds.Text(numbers=True), kinds.Record()))


@task(group="manipulation", history=("concatvis",))
def virtualconcat(
    vis: Annotated[Any, kinds.InPathList(), "MeasurementSets to be joined"] = [],  # noqa: B006 - copied
    concatvis: Annotated[str, kinds.OutPath(), "Name of the Multi-MS"] = "",
    freqtol: Annotated[Any, _Tolerance, "Spectral windows within this are the same; '' is 1 Hz"] = "",
    dirtol: Annotated[Any, _Tolerance, "Fields within this are the same; '' is 1 mas"] = "",
    respectname: Annotated[bool, kinds.Bool(), "Fields of other names are other fields"] = True,
    visweightscale: Annotated[list[float], kinds.FloatList(), "Factors of the weights of each input; [] is none"] = [],  # noqa: B006
    keepcopy: Annotated[bool, kinds.Bool(), "Keep the inputs; otherwise they move into the Multi-MS"] = False,
    copypointing: Annotated[bool, kinds.Bool(), "Keep the POINTING tables"] = True,
) -> None:
    """Join MeasurementSets as the parts of a Multi-MS: their data stay in files of their own, their sub-tables become one.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError
    DataError
        The columns of the inputs differ. Nothing is written then, and the inputs are as before.

    Notes
    -----
    What is the same is found as by concat. Without `keepcopy` hardly any data are copied, and the inputs are gone afterwards.

    Examples
    --------
    >>> virtualconcat(["day1.ms", "day2.ms"], "both.mms", keepcopy=True)  # doctest: +SKIP
    """
    from casatools.transform.concatenating import ConcatOptions, merge_options
    from casatools.transform.virtual_concat import virtual_concatenate

    if not concatvis:
        raise ParameterError("virtualconcat: parameter 'concatvis' must be given; it names the output")
    options = ConcatOptions(
        merge_options(freqtol, dirtol, respectname), copypointing=copypointing, weight_scale=tuple(visweightscale)
    )
    virtual_concatenate([vis] if isinstance(vis, str) else list(vis), concatvis, options, keepcopy)
