"""FITS tables as casacore tables.

References
----------
Pence et al. 2010, A&A 524, A42 (FITS 3.0), sections 7.2 (ASCII tables) and 7.3 (binary tables).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_absent, staged_output
from casatools.io.formats.column_table import write_columns

__all__ = ["STORAGE_MANAGERS", "make_table_of_fits"]

# casacore's storage in memory is empty once the table is closed: it is kept on disk instead, so that nothing is lost.
STORAGE_MANAGERS = {"standard": "StandardStMan", "incremental": "IncrementalStMan", "memory": "StandardStMan"}
# Keywords that tell the layout of the file, not what is in it.
_LAYOUT = frozenset(
    [
        "XTENSION",
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "PCOUNT",
        "GCOUNT",
        "TFIELDS",
        "THEAP",
        "HISTORY",
        "COMMENT",
        "CHECKSUM",
        "DATASUM",
        "END",
        "CONTINUE",
    ]
) | {""}
_OF_COLUMNS = re.compile(r"(TTYPE|TFORM|TUNIT|TDIM|TNULL|TSCAL|TZERO|TDISP|TBCOL)\d+")


def make_table_of_fits(
    path: str, fitsfile: str, extension: int, storage: str = "standard", virtual_columns: bool = False
) -> None:
    """Make a casacore table of a table in a FITS file; it appears only when complete.

    Parameters
    ----------
    path, fitsfile : str
    extension : int
        Number of the extension, from 1.
    storage : {"standard", "incremental", "memory"}
        Storage manager of the columns; "memory" is standard.
    virtual_columns : bool
        Make columns of the header's keywords too, as single dish FITS means them.

    Raises
    ------
    OutputExistsError
        The table exists.
    DataError
        The file is no FITS file, or the extension is no table.
    """
    from astropy.io import fits

    require_absent(path)
    try:
        with fits.open(fitsfile, memmap=False, character_as_bytes=False) as units:
            if extension >= len(units) or not isinstance(units[extension], (fits.BinTableHDU, fits.TableHDU)):
                held = ", ".join(f"{k} {u.name or type(u).__name__}" for k, u in enumerate(units))
                raise DataError(f"{fitsfile!r} has no table in extension {extension}; it has {held}")
            unit = units[extension]
            columns = [(c.name, str(c.unit or ""), _values(unit, k)) for k, c in enumerate(unit.columns)]
            words, count = _keywords(unit.header), len(unit.data) if unit.data is not None else 0
    except OSError as error:
        raise DataError(f"{fitsfile!r} cannot be read as FITS: {error}") from error
    if virtual_columns:
        columns += [(k, "", np.array([v] * count)) for k, v in words.items() if k not in ("EXTNAME", "EXTVER")]
        words = {k: v for k, v in words.items() if k in ("EXTNAME", "EXTVER")}
    with staged_output(path) as temporary:
        write_columns(temporary, columns, count, words, STORAGE_MANAGERS[storage])


def _values(unit: Any, column: int) -> Any:
    """Values of a column: an array, or a list of cells where their lengths differ."""
    values = unit.data.field(column)
    if values.dtype == object:
        return [np.asarray(v) for v in values]
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return np.char.rstrip(array)
    form = str(unit.columns[column].format)
    if form.startswith(("I", "F", "E", "D")) and "XTENSION" in unit.header and unit.header["XTENSION"] == "TABLE":
        # casacore's types of ASCII tables: I is int, F and E are float, D is double.
        array = array.astype({"I": np.int32, "D": np.float64}.get(form[0], np.float32))
    return array.astype(array.dtype.newbyteorder("="))


def _keywords(header: Any) -> dict[str, Any]:
    return {
        k: v
        for k, v in header.items()
        if k not in _LAYOUT and not _OF_COLUMNS.fullmatch(k) and isinstance(v, (bool, int, float, str))
    }
