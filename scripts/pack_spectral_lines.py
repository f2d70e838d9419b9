"""Makes the list of spectral lines that is part of casatools of a table in Splatalogue's format (CASA's ``ephemerides/SplatDefault.tbl``).

    python scripts/pack_spectral_lines.py SplatDefault.tbl [casatools/src/casatools/io/spectral_lines.zip]

The file is read again and compared with the table, value by value.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from casatools.io.line_tables import read_lines
from casatools.io.packed_lines import SHIPPED_LINES, pack_lines

SOURCE = "Splatalogue, list of 2010-09-13: lines of CDMS, JPL, SLAIM (Lovas) and recombination lines"


def main(table: str, path: str = SHIPPED_LINES) -> None:
    """Pack a table, and see that nothing changed."""
    lines = read_lines(table)
    Path(path).unlink(missing_ok=True)
    pack_lines(path, lines, SOURCE)
    again = read_lines(path)
    for name, values in lines.items():
        if again[name].dtype.kind != values.dtype.kind or not np.array_equal(again[name], values):
            raise SystemExit(f"{name} of {path} differs from that of {table}")
    sys.stdout.write(f"{path}: {len(lines['FREQUENCY'])} lines\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
