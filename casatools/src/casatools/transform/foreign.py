"""Importing and exporting visibilities in foreign formats."""

from __future__ import annotations

from casatools._base import log

__all__ = ["import_uvfits"]


def import_uvfits(path: str, vis: str, antenna_names: str = "old") -> int:
    """Make the MeasurementSet `vis` from a UVFITS file.

    Parameters
    ----------
    path, vis : str
    antenna_names : {"old", "new"}
        "old" names antennas by their number, "new" puts VA (VLA), EA (EVLA) or CA (CARMA) before it.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        See `casatools.io.formats.uvfits.import_uvfits`.
    """
    from casatools.io.formats.uvfits import import_uvfits as run

    log.post(f"Converting FITS file '{path}' to MeasurementSet '{vis}'")
    nrow = run(path, vis, antenna_names == "new")
    log.post(f"Wrote {nrow} rows")
    return nrow
