"""exportuvfits: a MeasurementSet as a UVFITS file."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks._params import Antenna, Field, Spw, TimeRange, Vis
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["exportuvfits"]


@task(group="data")
def exportuvfits(
    vis: Vis = "",
    fitsfile: Annotated[str, kinds.OutPath(), "Name of the UVFITS file"] = "",
    datacolumn: Annotated[
        Literal["data", "corrected", "model", "weight"], "Column to export; data where there are no corrected ones"
    ] = "corrected",
    field: Field = "",
    spw: Spw = "",
    antenna: Antenna = "",
    timerange: TimeRange = "",
    writesyscal: Annotated[bool, kinds.Bool(), "Write system temperatures as a TY table"] = False,
    multisource: Annotated[bool, kinds.Bool(), "Write a source table also where there is one field"] = True,
    combinespw: Annotated[bool, kinds.Bool(), "Write spectral windows as IFs, not as frequency setups"] = True,
    writestation: Annotated[bool, kinds.Bool(), "Write stations, not names, of the antennas"] = True,
    padwithflags: Annotated[bool, kinds.Bool(), "Write flagged data where an IF has none"] = False,
    overwrite: Annotated[bool, kinds.Bool(), "Replace a file that is there"] = False,
) -> None:
    """Write the selected part of a MeasurementSet as a UVFITS file (random groups, as AIPS and others read them).

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, SelectionError
    DataError
        A column is missing, or the spectral windows selected cannot be in one file; nothing is written.

    Notes
    -----
    Spectral windows must agree in correlations, number of channels and frame, and channels must be evenly spaced. UVFITS holds visibilities, weights and
    uvw in single precision; of the sub-tables it holds antennas, feeds, fields, sources and frequencies.

    References
    ----------
    Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision).

    Examples
    --------
    >>> exportuvfits("ngc5921.ms", "ngc5921.fits", datacolumn="data", field="N5921*")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.uvfits_export import UvfitsOptions, export_uvfits

    if not fitsfile:
        raise ParameterError("exportuvfits: parameter 'fitsfile' must be given; it names the output")
    selection = selection_of(field=field, spw=spw, antenna=antenna, timerange=timerange)
    options = UvfitsOptions(datacolumn, writesyscal, multisource, combinespw, writestation, padwithflags)
    export_uvfits(vis, fitsfile, selection, options, overwrite)
