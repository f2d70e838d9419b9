"""Tables made of columns that are in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from casacore import tables as _tables

__all__ = ["write_columns"]

_TYPES = {
    "b1": "boolean", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint", "i8": "int64", "f4": "float", "f8": "double",
    "c8": "complex", "c16": "dcomplex",
}  # fmt: skip


def _description(name: str, unit: str, values: Any, manager: str) -> dict[str, Any]:
    cells = [v for v in values if v is not None] if isinstance(values, list) else []
    first = cells[0] if cells else np.asarray(values)
    text = first.dtype.kind == "U"
    kind = "string" if text else _TYPES.get(first.dtype.str[1:], "double")
    options: dict[str, Any] = {"datamanagertype": manager, "valuetype": kind, "keywords": {"UNIT": unit} if unit else {}}
    example: Any = "" if text else (False if kind == "boolean" else 0.0)
    if isinstance(values, list):
        return dict(_tables.makearrcoldesc(name, example, **options))
    if first.ndim == 1:
        return dict(_tables.makescacoldesc(name, example, **options))
    return dict(_tables.makearrcoldesc(name, example, ndim=first.ndim - 1, shape=list(first.shape[1:]), options=5, **options))


def write_columns(
    path: str,
    columns: list[tuple[str, str, Any]],
    count: int,
    words: dict[str, Any] | None = None,
    manager: str = "StandardStMan",
) -> None:
    """Write a table.

    Parameters
    ----------
    path : str
    columns : list of (name, unit, values)
        Values of all rows as one array, rows first, or a list of arrays where the cells differ in shape.
    count : int
        Number of rows.
    words : dict, optional
        Keywords.
    manager : str
        Storage manager.
    """
    descriptions = [_description(*c, manager) for c in columns]
    table = _tables.table(path, _tables.maketabdesc(descriptions), nrow=count, ack=False)
    try:
        for name, _, values in columns:
            if isinstance(values, list):
                for row, cell in enumerate(values):
                    if cell is not None:
                        table.putcell(name, row, _plain(cell))
            elif count:
                table.putcol(name, _plain(values))
        table.putkeywords(words or {})
    finally:
        table.close()


def _plain(values: np.ndarray) -> Any:
    if values.dtype.kind != "U":
        return values
    texts = [str(v) for v in values.ravel()]
    return texts if values.ndim == 1 else {"shape": list(values.shape), "array": texts}
