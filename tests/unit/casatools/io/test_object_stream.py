"""Streams of objects taken apart, and refused where they hold something else."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from casatools.io.object_stream import ObjectStream


def an_object(kind: str, version: int, body: bytes, order: str) -> bytes:
    head = struct.pack(f"{order}I", len(kind)) + kind.encode() + struct.pack(f"{order}I", version)
    return struct.pack(f"{order}I", 4 + len(head) + len(body)) + head + body


@pytest.mark.parametrize("order", [">", "<"])
def test_values_follow_each_other(order: str) -> None:
    words = struct.pack(f"{order}4I", 3, 7, 8, 9)
    content = b"\xbe\xbe\xbe\xbe" + an_object("Block", 1, words, order) + an_object("Other", 5, b"abc", order)
    content += an_object("IPosition", 1, struct.pack(f"{order}Iii", 2, 4, -1), order) + struct.pack(f"{order}q", 1 << 40)
    stream = ObjectStream(content, 4, order)
    np.testing.assert_array_equal(stream.block(), [7, 8, 9])
    stream.skip("Other")
    assert stream.position() == (4, -1) and stream.take("q") == 1 << 40 and stream.at == len(content)
    with pytest.raises(struct.error):
        stream.take()


@pytest.mark.parametrize("read", ["block", "position", "begin", "skip"])
def test_other_objects_are_refused(read: str) -> None:
    other = ObjectStream(an_object("Other", 1, b"", ">"))
    with pytest.raises(ValueError, match=r"Block|IPosition|Wanted"):
        getattr(other, read)(*(["Wanted"] if read in ("begin", "skip") else []))


@pytest.mark.parametrize(("kind", "version", "count"), [("Block", 2, 1), ("IPosition", 2, 1), ("Block", 1, 9)])
def test_other_versions_and_cut_blocks_are_refused(kind: str, version: int, count: int) -> None:
    stream = ObjectStream(an_object(kind, version, struct.pack(">II", count, 1), ">"))
    with pytest.raises(ValueError, match=kind):
        stream.block() if kind == "Block" else stream.position()
