"""testconcat: the sub-tables that concat would make."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent

__all__ = ["testconcat"]

_Tolerance = kinds.Variant((kinds.Text(numbers=True), kinds.Record()))


@task(group="manipulation")
def testconcat(
    vis: Annotated[Any, kinds.InPathList(), "MeasurementSets to be joined, in this order"] = [],  # noqa: B006 - copied
    testconcatvis: Annotated[str, kinds.OutPath(), "Name of the output: a MeasurementSet without rows"] = "",
    freqtol: Annotated[Any, _Tolerance, "Spectral windows within this are the same; '' is 1 Hz"] = "",
    dirtol: Annotated[Any, _Tolerance, "Fields within this are the same; '' is 1 mas"] = "",
    copypointing: Annotated[bool, kinds.Bool(), "Keep the POINTING tables"] = True,
) -> None:
    """Join the sub-tables of MeasurementSets, without their data: which fields and spectral windows concat would make.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError, UnsupportedError
        As for concat; the output must not exist.

    Examples
    --------
    >>> testconcat(["day1.ms", "day2.ms"], "test.ms", dirtol="1arcsec")  # doctest: +SKIP
    """
    from casatools.transform.concatenating import ConcatOptions, concatenate, merge_options

    if not testconcatvis:
        raise ParameterError("testconcat: parameter 'testconcatvis' must be given; it names the output")
    require_absent(testconcatvis)
    options = ConcatOptions(merge_options(freqtol, dirtol), copypointing=copypointing, only_subtables=True)
    concatenate([vis] if isinstance(vis, str) else list(vis), testconcatvis, options)
