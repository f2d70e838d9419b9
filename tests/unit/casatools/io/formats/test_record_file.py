"""Records in files of their own: what is written comes back, and a file of the reference is read."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError, PathMissingError
from casatools.io.formats.record_file import read_record, write_record

# What CASA 6.7's regionmanager wrote for box([1, 2], [5, 7]).
BOX = (
    "eNqtksFKAzEQhme7Xau1XsSrN0/SR5B2i4IseJDVF0jTtASyCWSD4M0nW3wHH0hnnF1aUHAODvmTzPAx+WHSdV0HkN8DwOmzWjtTGx3iBtMM1w"
    "eeU67cmVZjNkLNUMe2rc3OBo/3AjjGXjWGGvX5RIemMT4dlI6Cxxcc7CNfO+p7gbpEnVSPobWJG2ekT4yBTVHOWi9mJ9uoNPs4E/PsRc6zHxFf"
    "qMhuzoU0exHRlOc0wIfbJ2e1iUNxTpNdxaheb7YuqLTowayf+qjErSy/m/zNvgOsQMYu3wBIGFf0VZh9CXbzA/1P5pr+NjOVT78hWS8h+QWBh4"
    "+8"
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    return type(a) is type(b) and a == b


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    record = {
        "isRegion": 2, "name": "WCPolygon", "empty": "", "far": "\u03b1", "oneRel": True, "not": False, "large": 2**40, "value": -2.5, "none": {},
        "inner": {"value": np.array([1.5, 2.5, -3e-300]), "unit": "'", "deeper": {"x": 1}},
        "single": np.array([1, 2.5], np.float32), "ints": np.array([1, -2, 3], np.int32), "long": np.array([2**40], np.int64),
        "bits": np.arange(11) % 3 == 0, "texts": np.array(["Right Ascension", "", "d"]), "matrix": np.arange(6.0).reshape(2, 3),
        "nothing": np.zeros(0),
    }  # fmt: skip
    write_record(str(tmp_path / "a"), record)
    assert same(read_record(str(tmp_path / "a")), record)


def test_numbers_of_python_and_numpy(tmp_path: Path) -> None:
    write_record(
        str(tmp_path / "a"),
        {"i": np.int64(3), "f": np.float32(0.5), "b": np.bool_(True), "list": [1.0, 2.0], "u": np.array([7], np.uint8)},
    )
    found = read_record(str(tmp_path / "a"))
    assert (
        (found["i"], found["f"], found["b"]) == (3, 0.5, True)
        and found["list"].tolist() == [1.0, 2.0]
        and found["u"].tolist() == [7]
    )


def test_a_file_of_the_reference(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(zlib.decompress(base64.b64decode(BOX)))
    found = read_record(str(tmp_path / "box"))
    assert found["isRegion"] == 3 and found["name"] == "LCSlicer" and found["oneRel"] is True
    assert found["blc"].tolist() == [2, 3] and found["trc"].tolist() == [6, 8] and found["arblc"].tolist() == [1, 1]
    assert found["fracinc"].tolist() == [False, False]
    write_record(str(tmp_path / "again"), found)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "box").read_bytes()


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    whole = zlib.decompress(base64.b64decode(BOX))
    # another type of value, a type unknown, an array of another length, another kind of object
    broken = [
        whole[:400],
        b"text",
        whole.replace(b"TableRecord", b"TableRecorx"),
        whole.replace(b"RecordDesc\0\0\0\2", b"RecordDesc\0\0\0\1"),
    ]
    broken += [
        whole.replace(b"isRegion\0\0\0\5", b"isRegion\0\0\0\x0c"),
        whole.replace(b"\0\0\0\1\0\0\0\2\0\0\0\2@", b"\0\0\0\1\0\0\0\2\0\0\0\3@"),
    ]
    broken += [
        whole.replace(b"TableRecord\0\0\0\1", b"TableRecord\0\0\0\2"),
        whole.replace(b"Array<float>\0\0\0\3", b"Array<float>\0\0\0\2"),
    ]
    for k, content in enumerate(broken):
        (tmp_path / f"{k}").write_bytes(content)
        with pytest.raises(DataError, match="no record"):
            read_record(str(tmp_path / f"{k}"))
    with pytest.raises(DataError, match="folder"):
        read_record(str(tmp_path))
    with pytest.raises(PathMissingError):
        read_record(str(tmp_path / "none"))
    with pytest.raises(DataError, match="holds no values"):
        write_record(str(tmp_path / "z"), {"z": np.array([1j])})
    assert not (tmp_path / "z").exists()
