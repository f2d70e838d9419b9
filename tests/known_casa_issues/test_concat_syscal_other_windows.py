"""concat: SYSCAL tables of different spectral windows are joined, their identifiers renumbered; also where only one input has a table."""

from __future__ import annotations

import shutil

import numpy as np
from casacore import tables as casacore_tables

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table


def add_syscal(path: str, tsys: float, width: int) -> None:
    """SYSCAL with one row an antenna and window; spectra of as many channels as the window has."""
    description = casatasks_description()
    table = casacore_tables.table(f"{path}/SYSCAL", description, nrow=8, ack=False)
    table.putcol("ANTENNA_ID", np.arange(8, dtype=np.int32))
    table.putcol("SPECTRAL_WINDOW_ID", np.zeros(8, np.int32))
    table.putcol("TIME", np.full(8, 5063405930.0))
    for row in range(8):
        table.putcell("TSYS_SPECTRUM", row, np.full((width, 2), tsys + row, np.float32))
    main = open_table(path, writable=True)
    main.putkeyword("SYSCAL", table)
    main.close()
    table.close()


def casatasks_description():
    make = casacore_tables.makescacoldesc
    columns = [make("ANTENNA_ID", 0), make("SPECTRAL_WINDOW_ID", 0), make("TIME", 0.0)]
    return casacore_tables.maketabdesc(
        [*columns, casacore_tables.makearrcoldesc("TSYS_SPECTRUM", 0.0, ndim=2, valuetype="float")]
    )


def test_windows_are_renumbered(shared_input):
    path = shared_input("simvla.ms")
    casatasks.split(path, "a.ms", spw="0", scan="1", datacolumn="data")
    casatasks.split(path, "b.ms", spw="1:0~3", scan="2", datacolumn="data")
    add_syscal("b.ms", 200.0, 4)
    casatasks.concat(["a.ms", "b.ms"], "one.ms")
    table = open_table("one.ms/SYSCAL")
    assert table.getcol("SPECTRAL_WINDOW_ID").tolist() == [1] * 8 and table.getcell("TSYS_SPECTRUM", 3)[0, 0] == 203.0
    table.close()
    add_syscal("a.ms", 100.0, 8)
    casatasks.concat(["a.ms", "b.ms"], "two.ms")
    table = open_table("two.ms/SYSCAL")
    assert (
        table.getcol("SPECTRAL_WINDOW_ID").tolist() == [0] * 8 + [1] * 8
        and table.getcol("ANTENNA_ID").tolist() == [*range(8)] * 2
    )
    assert table.getcell("TSYS_SPECTRUM", 0).shape == (8, 2) and table.getcell("TSYS_SPECTRUM", 15).shape == (4, 2)
    table.close()
    with MeasurementSet("two.ms") as ms:
        assert ms.metadata.has_subtable("SYSCAL")
    # Split gives the parts back.
    casatasks.split("two.ms", "back.ms", spw="1", datacolumn="data")
    table = open_table("back.ms/SYSCAL")
    assert table.getcol("SPECTRAL_WINDOW_ID").tolist() == [0] * 8 and table.getcell("TSYS_SPECTRUM", 7)[0, 0] == 207.0
    table.close()
    shutil.rmtree("two.ms")
