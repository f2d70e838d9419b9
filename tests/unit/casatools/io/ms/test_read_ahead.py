"""Files asked for before they are read: the right parts, nothing for far rows, multi-MSs and systems without the call."""

from __future__ import annotations

import os

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.ms import read_ahead as module
from casatools.io.ms.read_ahead import ReadAhead


@pytest.fixture
def asked(monkeypatch):
    found = []
    monkeypatch.setattr(os, "posix_fadvise", lambda file, start, length, advice: found.append((start, length)), raising=False)
    return found


def test_parts_of_files(shared_input, asked, monkeypatch):
    with MeasurementSet(shared_input("line.ms")) as ms:
        ahead = ReadAhead(ms, ["DATA", "FLAG", "TIME"])
        sizes = [size for _, size in ahead._files]
        assert len(sizes) == 2 and max(sizes) >= 224 * 32 * 2 * 8
        ahead.ask(56, 111)
        assert asked == [(s * 56 // 224, s * 112 // 224 - s * 56 // 224) for s in sizes]
        asked.clear()
        monkeypatch.setattr(module, "_MOST_BYTES", 100)
        ahead.ask(0, 223)
        assert not asked
        numbers = [number for number, _ in ahead._files]
        ahead.close()
        for number in numbers:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(number)
        ahead.ask(0, 223)
        assert not asked


def test_chunks_are_asked_for_and_the_same(shared_input, asked):
    with MeasurementSet(shared_input("line.ms")) as ms:
        resolved = Selection().resolve(ms)
        data = np.concatenate([c["DATA"] for c in iter_chunks(ms, resolved, ["DATA"], chunk_bytes=20_000)])
        assert len(asked) > 4
        np.testing.assert_array_equal(data, ms.read("DATA"))


def test_nothing_is_asked_for(shared_input, asked, monkeypatch):
    path = shared_input("simvla.ms")
    casatasks.partition(path, "p.mms", datacolumn="data", separationaxis="scan", numsubms=2, flagbackup=False)
    with MeasurementSet("p.mms") as ms:
        assert ReadAhead(ms, ["DATA"])._files == []
    monkeypatch.delattr(os, "posix_fadvise")
    with MeasurementSet(path) as ms:
        assert ReadAhead(ms, ["DATA"])._files == []
