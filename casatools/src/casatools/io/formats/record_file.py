"""Records in files of their own, as CASA's region manager keeps regions: casacore's stream of a TableRecord.

References
----------
casacore note 222 (AipsIO); the layout of the files themselves: a record is an object that holds a description (names, types, comments) and the values
in its order, big-endian; a record within a record has an empty description in the outer one and its own before its values.
"""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_present
from casatools.io.object_stream import ObjectStream

__all__ = ["read_record", "write_record"]

_MAGIC = b"\xbe\xbe\xbe\xbe"
_TEXT, _RECORD, _FIRST_ARRAY = 11, 25, 13
# casacore's numbers of types that records hold, the letter of each in `struct` and numpy, and the name of an array of them. Truth values are bits in arrays.
_SCALARS: dict[int, tuple[str, str]] = {
    0: ("?", "void"), 2: ("B", "uChar"), 3: ("h", "short"), 5: ("i", "Int"), 6: ("I", "uInt"), 7: ("f", "float"), 8: ("d", "double"), 11: ("", "String"),
    29: ("q", "Int64"),
}  # fmt: skip
_ARRAY_OF_INT64 = 30


def _is_array(kind: int) -> bool:
    return _FIRST_ARRAY <= kind < _RECORD or kind == _ARRAY_OF_INT64


def _item_kind(kind: int) -> int:
    return kind - 1 if kind == _ARRAY_OF_INT64 else kind - _FIRST_ARRAY


def read_record(path: str) -> dict[str, Any]:
    """The record in a file.

    Raises
    ------
    PathMissingError
        Nothing is there.
    DataError
        It is no file of a record.
    """
    found = require_present(path, "file of a record")
    if os.path.isdir(found):
        raise DataError(f"{path!r} is a folder, not a file of a record")
    with open(found, "rb") as stream:
        content = stream.read()
    try:
        if not content.startswith(_MAGIC):
            raise ValueError("magic number")
        return _read(ObjectStream(content, len(_MAGIC)))
    except (ValueError, struct.error, IndexError, UnicodeDecodeError, MemoryError) as error:
        raise DataError(f"{path!r} holds no record that can be read") from error


def _read(stream: ObjectStream) -> dict[str, Any]:
    if stream.begin("TableRecord") != 1:
        raise ValueError("TableRecord")
    fields = _description(stream)
    stream.take("i")  # whether fields may be added
    return {name: _value(stream, kind) for name, kind in fields}


def _description(stream: ObjectStream) -> list[tuple[str, int]]:
    if stream.begin("RecordDesc") != 2:
        raise ValueError("RecordDesc")
    out = []
    for _ in range(stream.take("i")):
        name, kind = _string(stream), stream.take("i")
        if kind == _RECORD:
            _description(stream)
        elif _is_array(kind):
            stream.skip("IPosition")
        stream.text()  # a comment
        out.append((name, kind))
    return out


def _string(stream: ObjectStream) -> str:
    return stream.text().encode("latin-1").decode("utf-8", "replace")


def _value(stream: ObjectStream, kind: int) -> Any:
    if kind == _RECORD:
        return _read(stream)
    if _is_array(kind):
        return _array(stream, _item_kind(kind))
    if kind == _TEXT:
        return _string(stream)
    letter = _SCALARS[kind][0] if kind in _SCALARS else ""
    if not letter:
        raise ValueError(f"type {kind}")
    value: Any = struct.unpack_from(">" + letter, stream.content, stream.at)[0]
    stream.at += struct.calcsize(letter)
    return value


def _array(stream: ObjectStream, kind: int) -> np.ndarray:
    letter, name = _SCALARS.get(kind, ("", ""))
    if not name or stream.begin(f"Array<{name}>") != 3:
        raise ValueError(f"array of type {kind}")
    shape = [stream.take("i") for _ in range(stream.take("i"))]
    count = stream.take("i")
    if count != np.prod(shape, dtype=np.int64):
        raise ValueError("shape")
    if kind == _TEXT:
        values = np.array([_string(stream) for _ in range(count)], dtype=str)
    elif kind == 0:
        packed = np.frombuffer(stream.content, np.uint8, -(-count // 8), stream.at)
        stream.at += len(packed)
        values = np.unpackbits(packed, count=count, bitorder="little").astype(bool)
    else:
        stored = np.frombuffer(stream.content, ">" + letter, count, stream.at)
        stream.at += stored.nbytes
        values = stored.astype(stored.dtype.newbyteorder("="))
    return values.reshape(shape, order="F")


def write_record(path: str, record: dict[str, Any]) -> None:
    """Write a record to a new file; raises DataError for values that no record holds."""
    content = _MAGIC + _record(record)
    with open(path, "wb") as stream:
        stream.write(content)


def _text(value: str) -> bytes:
    return struct.pack(">I", len(value.encode())) + value.encode()


def _object(kind: str, version: int, content: bytes) -> bytes:
    body = _text(kind) + struct.pack(">I", version) + content
    return struct.pack(">I", len(body) + 4) + body


def _record(record: dict[str, Any]) -> bytes:
    fields, values = b"", b""
    for name, value in record.items():
        kind, stored = _stored(name, value)
        fields += _text(str(name)) + struct.pack(">i", kind)
        if kind == _RECORD:
            fields += _object("RecordDesc", 2, struct.pack(">i", 0))
        elif _is_array(kind):
            fields += _object("IPosition", 1, struct.pack(">Ii", 1, -1))  # of any shape
        fields += _text("")
        values += stored
    described = _object("RecordDesc", 2, struct.pack(">i", len(record)) + fields)
    return _object("TableRecord", 1, described + struct.pack(">i", 1) + values)


def _stored(name: str, value: Any) -> tuple[int, bytes]:
    """casacore's type of a value, and its bytes."""
    if isinstance(value, dict):
        return _RECORD, _record(value)
    if isinstance(value, str):
        return _TEXT, _text(value)
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind in "biuf":
        kind = 0 if array.dtype.kind == "b" else 8 if array.dtype.kind == "f" else 5 if abs(int(array)) < 2**31 else 29
        return kind, struct.pack(">" + _SCALARS[kind][0], array.item())
    if array.dtype.kind == "U":
        return _TEXT + _FIRST_ARRAY, _packed(array, _TEXT, b"".join(_text(str(v)) for v in array.ravel(order="F")))
    if array.dtype.kind == "b":
        return _FIRST_ARRAY, _packed(array, 0, np.packbits(array.ravel(order="F"), bitorder="little").tobytes())
    kind = {"i": 5, "u": 5, "f": 7 if array.dtype == np.float32 else 8}.get(array.dtype.kind, -1)
    if kind < 0:
        raise DataError(f"a record holds no values of type {array.dtype} ({name!r})")
    if kind == 5 and array.size and np.abs(array).max() >= 2**31:
        kind = 29
    number = _ARRAY_OF_INT64 if kind == 29 else kind + _FIRST_ARRAY
    return number, _packed(array, kind, array.ravel(order="F").astype(">" + _SCALARS[kind][0]).tobytes())


def _packed(array: np.ndarray, kind: int, values: bytes) -> bytes:
    head = struct.pack(f">I{array.ndim}iI", array.ndim, *array.shape, array.size)
    return _object(f"Array<{_SCALARS[kind][1]}>", 3, head + values)
