"""Blocks of arrays in files, read and written piece by piece."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.io.image.plain_file import read_block, reserve_file, write_block


@pytest.mark.parametrize("shape", [(11,), (5, 7), (3, 4, 5, 6)])
def test_blocks(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(">f4")
    Path("a.bin").write_bytes(b"head" + values.tobytes())
    random = np.random.default_rng(1)
    for _ in range(30):
        ends = [sorted(int(v) for v in random.integers(0, n, 2)) for n in shape]
        block = tuple(slice(a, b + 1) for a, b in ends)
        np.testing.assert_array_equal(read_block("a.bin", 4, shape, values.dtype, block), values[block])
        values[block] += 1
        with open("a.bin", "rb+") as stream:
            write_block(stream.fileno(), 4, shape, block, values[block])
        np.testing.assert_array_equal(np.fromfile("a.bin", ">f4", offset=4).reshape(shape), values)


def test_short_files() -> None:
    Path("a.bin").write_bytes(b"1234")
    with pytest.raises(DataError, match="it ends before"):
        read_block("a.bin", 0, (4,), np.dtype("f4"), (slice(0, 4),))
    with pytest.raises(DataError, match="No such file"):
        read_block(os.path.join("no", "a.bin"), 0, (1,), np.dtype("f4"), (slice(0, 1),))


def test_space_is_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("a.bin", "wb+") as stream:
        stream.write(b"1234")
        stream.flush()
        reserve_file(stream.fileno(), 100000)
        assert os.path.getsize("a.bin") == 100000
        assert os.stat("a.bin").st_blocks * 512 >= 100000

        def refuse(number: int) -> None:
            def fails(*_: int) -> None:
                raise OSError(number, "no")

            monkeypatch.setattr(os, "posix_fallocate", fails)

        refuse(errno.EOPNOTSUPP)  # a file system that cannot: the file is a hole
        reserve_file(stream.fileno(), 200000)
        reserve_file(stream.fileno(), 1)
        assert os.path.getsize("a.bin") == 200000
        refuse(errno.ENOSPC)
        with pytest.raises(OSError, match="no"):
            reserve_file(stream.fileno(), 300000)
    assert Path("a.bin").read_bytes()[:4] == b"1234"
