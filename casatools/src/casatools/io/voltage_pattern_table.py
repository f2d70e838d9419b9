"""Tables of voltage patterns in the layout that CASA's vpmanager writes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import staged_output
from casatools.io.table_access import create_table, table_errors
from casatools.io.tables import open_table

__all__ = ["read_voltage_patterns", "write_voltage_patterns"]

_DEFAULTS = "VPLIST_DEFAULTS"


def _scalar(kind: str) -> dict[str, Any]:
    return {
        "valueType": kind, "dataManagerType": "StandardStMan", "dataManagerGroup": "StandardStMan", "option": 0, "maxlen": 0, "comment": "",
    }  # fmt: skip


def write_voltage_patterns(
    path: str, records: list[dict[str, Any]], defaults: dict[tuple[str, str], int], overwrite: bool = True
) -> None:
    """Write patterns and which of them is used for what.

    Raises
    ------
    OutputExistsError
        Something is there and `overwrite` is False.
    """
    with staged_output(path, overwrite=overwrite) as staged:
        table = create_table(
            staged, {"telescope": _scalar("string"), "antenna": _scalar("int"), "pbdescription": _scalar("record")}
        )
        try:
            if records:
                table.addrows(len(records))
            for row, record in enumerate(records):
                table.putcell("telescope", row, record["telescope"])
                table.putcell("antenna", row, row)
                table.putcell("pbdescription", row, record)
            chosen = create_table(
                os.path.join(staged, _DEFAULTS), {"tel_and_anttype": _scalar("string"), "vplistnum": _scalar("int")}
            )
            try:
                keys = sorted(defaults)
                if keys:
                    chosen.addrows(len(keys))
                    chosen.putcol("tel_and_anttype", [" ".join(part for part in key if part) for key in keys])
                    chosen.putcol("vplistnum", np.array([defaults[key] for key in keys], np.int32))
                chosen.flush()
                table.putkeyword(_DEFAULTS, f"Table: {os.path.join(staged, _DEFAULTS)}")
            finally:
                chosen.close()
            table.flush()
        finally:
            table.close()


def read_voltage_patterns(path: str) -> tuple[list[dict[str, Any]], dict[tuple[str, str], int]]:
    """The patterns of a table, and which of them is used for what; -1 is one known by the telescope's name, -2 none.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no table of voltage patterns.
    """
    table = open_table(path, what="table of voltage patterns")
    try:
        if "pbdescription" not in table.colnames():
            raise DataError(f"{path!r} is no table of voltage patterns: it has no column 'pbdescription'")
        with table_errors(f"table of voltage patterns {path!r} cannot be read"):
            records = [dict(table.getcell("pbdescription", row)) for row in range(table.nrows())]
            # Tables of old versions hold no defaults: the last pattern of a telescope is the one in use.
            if _DEFAULTS not in table.keywordnames():
                return records, {(record["telescope"], ""): number for number, record in enumerate(records)}
            chosen = open_table(os.path.join(path, _DEFAULTS), what="table of default voltage patterns")
            try:
                names = list(chosen.getcol("tel_and_anttype")) if chosen.nrows() else []
                numbers = chosen.getcol("vplistnum") if chosen.nrows() else []
                split = [name.partition(" ") for name in names]
                return records, {(tel, kind): int(n) for (tel, _, kind), n in zip(split, numbers, strict=True)}
            finally:
                chosen.close()
    finally:
        table.close()
