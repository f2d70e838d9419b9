"""importuvfits: a MeasurementSet from a UVFITS file."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks._params import OutputVis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["importuvfits"]


@task(group="data", history=("vis",))
def importuvfits(
    fitsfile: Annotated[str, kinds.InPath(), "Name of the UVFITS file"] = "",
    vis: OutputVis = "",
    antnamescheme: Annotated[
        Literal["old", "new"], "Antenna names of VLA, EVLA and CARMA data: 'old' gives '4', 'new' gives 'VA04', 'EA04'"
    ] = "old",
) -> None:
    """Make a MeasurementSet from a UVFITS file (random groups, as AIPS, CASA, Difmap and others write them).

    Raises
    ------
    PathMissingError, OutputExistsError
        `fitsfile` is not there, or `vis` is.
    DataError
        The file is not UVFITS or is truncated; nothing is written.

    Notes
    -----
    Weights of zero or below become flags. WEIGHT is the sum of the channel weights, SIGMA = WEIGHT^-1/2. A new scan begins where
    the source changes or after 300 s without data.

    References
    ----------
    Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision).

    Examples
    --------
    >>> importuvfits("NGC5921.fits", "ngc5921.ms")  # doctest: +SKIP
    """
    from casatools.transform.foreign import import_uvfits

    import_uvfits(fitsfile, vis, antnamescheme)
