"""msuvbin: visibilities averaged in the cells of a uv grid."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Field, MsSelect, Spw, Vis
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError, UnsupportedError

__all__ = ["msuvbin"]


@task(group="manipulation")
def msuvbin(
    vis: Vis = "",
    field: Field = "",
    spw: Spw = "",
    taql: MsSelect = "",
    outputvis: Annotated[str, kinds.OutPath(), "Name of the grid, a MeasurementSet"] = "",
    phasecenter: Annotated[str, kinds.Text(), "Phase centre of the grid; '' is that of the first field"] = "",
    imsize: Annotated[Any, kinds.Variant((kinds.Int(min=2), kinds.IntList())), "Pixels of the image the grid is for"] = [100],  # noqa: B006 - copied
    cell: Annotated[str, kinds.Variant((kinds.Text(), kinds.Quantity("arcsec"))), "Pixel of that image"] = "1arcsec",
    ncorr: Annotated[int, kinds.Int(), "1 (the mean of the parallel hands), 2 (the parallel hands) or 4"] = 1,
    nchan: Annotated[int, kinds.Int(min=1), "Channels of the grid"] = 1,
    start: Annotated[
        str, kinds.Variant((kinds.Text(), kinds.Quantity("Hz"))), "LSRK frequency where the first begins; '' is the data's"
    ] = "",
    width: Annotated[
        str, kinds.Variant((kinds.Text(), kinds.Quantity("Hz"))), "Width of a channel; '' shares out the data's range"
    ] = "",
    wproject: Annotated[bool, kinds.Bool(), "Only False"] = False,
    memfrac: Annotated[float, kinds.Float(min=0, max=1), "Part of the free memory to use"] = 0.5,
    mode: Annotated[Literal["bin", "write_flags_back"], "Make the grid, or flag the visibilities of its flagged cells"] = "bin",
    flagbackup: Annotated[bool, kinds.Bool(), "Save the flags before they are changed"] = False,
) -> None:
    """Average visibilities in the cells of a uv grid, or take flags of the grid back to the visibilities.

    Raises
    ------
    PathMissingError, OutputExistsError, SelectionError, DataError, ParameterError
        Nothing is written then.
    UnsupportedError
        `wproject` is True.

    Notes
    -----
    The grid is a MeasurementSet with one row a cell, empty ones flagged; its channels are in LSRK. CORRECTED_DATA is taken where it exists, DATA otherwise.
    Visibilities are moved to the phase centre, exactly; CASA 6.7 only renames theirs. The mean of the parallel hands is labelled I.

    Examples
    --------
    >>> msuvbin("a.ms", outputvis="grid.ms", imsize=[512], cell="2arcsec", ncorr=2, nchan=8)  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.uv_binning import bin_visibilities, grid_from_parameters, write_flags_back

    if wproject:
        raise UnsupportedError("msuvbin: wproject=True is not supported; give False (CASA 6.7 refuses it as well)")
    if not outputvis:
        raise ParameterError("msuvbin: parameter 'outputvis' must be given; it names the grid")
    selection = selection_of(field=field, spw=spw, taql=taql)
    if mode == "write_flags_back":
        write_flags_back(vis, outputvis, selection, flagbackup)
        return
    grid = grid_from_parameters(vis, selection, imsize, cell, nchan, ncorr, start, width, phasecenter)
    bin_visibilities(vis, outputvis, selection, grid, memfrac)
