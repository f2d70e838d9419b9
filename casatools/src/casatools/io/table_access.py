"""Making, copying and querying tables, and their values in CASA's axis order (the reverse of numpy's)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError, ParameterError

__all__ = ["create_table", "evaluate", "from_ascii", "query_command", "table_errors", "to_casa", "to_casacore"]

VALUE_TYPES = frozenset(
    [
        "boolean",
        "bool",
        "uchar",
        "byte",
        "short",
        "ushort",
        "int",
        "integer",
        "uint",
        "int64",
        "float",
        "double",
        "complex",
        "dcomplex",
        "string",
        "record",
        "table",
    ]
)


@contextlib.contextmanager
def table_errors(what: str) -> Iterator[None]:
    """Turn casacore's errors into DataError with `what` in front; refused argument types become ParameterError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{what}: {' '.join(str(error).split())}") from error
    except (TypeError, OverflowError) as error:
        raise ParameterError(f"{what}: the value does not fit ({error})") from error


def to_casa(value: Any) -> Any:
    """A value of casacore in CASA's form: arrays transposed, texts as arrays, records all through."""
    if isinstance(value, np.ndarray):
        return value.T
    if isinstance(value, Mapping):
        if set(value) == {"shape", "array"}:
            return np.array(value["array"], dtype=str).reshape(tuple(value["shape"])).T
        return {k: to_casa(v) for k, v in value.items()}
    if isinstance(value, list):
        # casacore gives numbers as arrays, so that a list, also an empty one, holds texts.
        return np.array(value, dtype=str) if all(isinstance(v, str) for v in value) else np.array(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def to_casacore(value: Any) -> Any:
    """The inverse of `to_casa`."""
    if isinstance(value, (list, tuple)):
        if len(value) == 0:
            return np.array([], dtype=bool)
        if all(isinstance(v, str) for v in value):
            return list(value)
        try:
            value = np.array(value)
        except ValueError:
            raise ParameterError("the value is a ragged list; give numbers or texts of one shape") from None
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "US":
            flat = [str(v) for v in value.T.ravel()]
            return flat if value.ndim == 1 else {"shape": list(value.T.shape), "array": flat}
        if value.dtype.kind == "O":
            raise ParameterError("the value is an array of Python objects; give numbers or texts")
        return np.ascontiguousarray(value.T)
    if isinstance(value, Mapping):
        # Fields of records come in the order of their names, as in CASA.
        return {str(k): to_casacore(value[k]) for k in sorted(value, key=str)}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _column_description(name: str, description: Any) -> dict[str, Any]:
    if not isinstance(description, Mapping):
        raise ParameterError(f"the description of column {name!r} must be a dict; got {description!r}")
    kind = str(description.get("valueType", "")).lower()
    if kind not in VALUE_TYPES:
        raise ParameterError(f"column {name!r} has the value type {kind!r}; allowed are {', '.join(sorted(VALUE_TYPES))}")
    out: dict[str, Any] = {
        "comment": "",
        "option": 0,
        "maxlen": 0,
        "dataManagerType": "StandardStMan",
        "dataManagerGroup": "StandardStMan",
        "keywords": {},
    }
    out.update(description)
    out["valueType"] = kind
    out["keywords"] = to_casacore(dict(out["keywords"] or {}))
    for key in ("isScalar", "_c_order"):
        out.pop(key, None)
    if "shape" in out:
        try:
            shape = [int(v) for v in np.atleast_1d(out["shape"])]
        except (TypeError, ValueError):
            shape = []
        if not shape or any(v <= 0 for v in shape):
            raise ParameterError(f"the shape of column {name!r} must be positive integers; got {out['shape']!r}")
        out["shape"] = np.array(shape, dtype=np.int32)  # without "_c_order" casacore takes it in its own axis order
        out.setdefault("ndim", len(shape))
    return out


def table_description(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description in CASA's axis order as casacore takes it, checked; columns keep their order.

    Raises
    ------
    ParameterError
        A column is not described by a dict, or has an unknown type or shape.
    """
    out: dict[str, Any] = {}
    for name, column in description.items():
        if str(name).startswith("_"):
            out[name] = to_casacore(column)
        else:
            out[str(name)] = _column_description(str(name), column)
    return out


def storage_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Storage managers as casacore takes them: names of columns as lists, everything else as it is."""
    out: dict[str, Any] = {}
    for key, manager in info.items():
        if not isinstance(manager, Mapping) or "TYPE" not in manager:
            raise ParameterError(f"the storage manager {key!r} must be a dict with TYPE, NAME and COLUMNS; got {manager!r}")
        entry = dict(manager)
        entry["COLUMNS"] = [str(c) for c in np.atleast_1d(entry.get("COLUMNS", []))]
        entry["SPEC"] = dict(entry.get("SPEC") or {})
        entry.setdefault("SEQNR", 0)
        entry.setdefault("NAME", f"{entry['TYPE']}_{key}")
        out[str(key)] = entry
    return out


def create_table(
    path: str,
    description: Mapping[str, Any],
    nrow: int = 0,
    dminfo: Mapping[str, Any] | None = None,
    endian: str = "",
    memory: bool = False,
) -> Any:
    """Make a table and leave it open for writing.

    Raises
    ------
    ParameterError
        The description cannot be used.
    DataError
        casacore cannot make it.
    """
    checked = table_description(description)
    managers = storage_info(dminfo or {})
    if not memory:
        parent = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(parent):
            raise DataError(f"the folder {parent!r} that is to hold the table {path!r} does not exist")
    with table_errors(f"table {path!r} cannot be created"):
        return _tables.table(
            path, checked, nrow=nrow, dminfo=managers, readonly=False, ack=False, endian=endian or "aipsrc", memorytable=memory
        )


def query_command(command: str, *tables_used: Any) -> Any:
    """Run a TaQL command; the tables stand for ``$1``, ``$2``, ..."""
    with table_errors("TaQL command failed"):
        return _tables.taql(command, tables=list(tables_used))


def evaluate(expression: str, prefix: str = "using style base0, endincl, fortranorder") -> Any:
    """Value of a TaQL expression in CASA's form."""
    style = prefix.strip()
    with table_errors(f"the expression {expression!r} cannot be evaluated"):
        result = _tables.taql(f"{style} calc {expression}")
    if isinstance(result, list) and result and all(isinstance(v, str) for v in result):
        return np.array(result, dtype=str)
    if isinstance(result, list) and result and all(isinstance(v, np.ndarray) for v in result):
        return {str(k): v.T for k, v in enumerate(result)}
    if isinstance(result, Mapping) and set(result) == {"shape", "array"}:
        result = np.array(result["array"], dtype=str).reshape(tuple(result["shape"]))
    if isinstance(result, np.ndarray) and result.ndim > 1:
        return {str(k): v.T for k, v in enumerate(result)}
    return result if isinstance(result, Mapping) else np.atleast_1d(np.asarray(result))


_ASCII_TYPES = {
    "S": "short",
    "I": "int",
    "R": "float",
    "D": "double",
    "X": "complex",
    "Z": "dcomplex",
    "A": "string",
    "B": "boolean",
}


def from_ascii(table_path: str, text_path: str, **options: Any) -> Any:
    """Make a table from a text file; the options are those of ``casacore.tables.tablefromascii``."""
    for code in options.get("datatypes", ()):
        if code.upper()[:1] not in _ASCII_TYPES:
            raise ParameterError(f"the data type {code!r} is unknown; allowed are {', '.join(_ASCII_TYPES)}")
    with table_errors(f"the text file {text_path!r} cannot be made a table"):
        return _tables.tablefromascii(table_path, text_path, ack=False, **options)


def shape_of(text: str) -> tuple[int, ...]:
    """The shape in a text such as ``[4, 8]``."""
    return tuple(int(v) for v in re.findall(r"-?\d+", text))


def concatenate(path: str, parts: list[str], folder: str = "", subtables: Sequence[str] = (), sub_type: str = "") -> None:
    """Make a table that joins several of the same columns; with `folder` they are moved into it below the new table.

    The sub-tables named are joined too; of others the first part's are used. The sub-type goes to the information of the table.
    """
    with table_errors(f"the tables cannot be joined as {path!r}"):
        names = [os.path.abspath(p) for p in parts]
        moves: list[tuple[str, str]] = []
        if folder:
            moved = [os.path.join(path, folder, os.path.basename(n)) for n in names]
            if len(set(moved)) < len(moved):
                raise ParameterError(
                    f"the tables to join have equal names, so they cannot be moved into one folder: {', '.join(parts)}"
                )
            os.makedirs(os.path.join(path, folder))
            moves = list(zip(names, moved, strict=True))
        done: list[tuple[str, str]] = []
        # casacore empties the folder it writes the joined table to, so the moved tables step aside while it does.
        aside = f"{path}.{folder}" if folder else ""
        try:
            for old, new in moves:
                os.rename(old, new)
                done.append((old, new))
            joined = _tables.table([new for _, new in moves] or names, concatsubtables=list(subtables), ack=False)
            try:
                if folder:
                    os.rename(os.path.join(path, folder), aside)
                    os.rmdir(path)
                joined.rename(path)
                joined.close()  # writes it
            finally:
                if folder:
                    os.makedirs(path, exist_ok=True)
                    os.rename(aside, os.path.join(path, folder))
            if sub_type:
                made = _tables.table(path, readonly=False, ack=False)
                made.putinfo({**made.info(), "subType": sub_type})
                made.close()
        except BaseException:
            for old, new in reversed(done):
                os.rename(new, old)
            raise
