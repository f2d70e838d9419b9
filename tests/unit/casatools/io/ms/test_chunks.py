"""The chunk loop: every row once, chunks of bounded size, groups kept whole, values written back."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from casatools._base import threads
from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks, plan_chunks, row_files, write_chunks
from support.shared import unpack

# A row of DATA: 8 channels of 4 correlations.
ROW_BYTES = 8 * 4 * 8 + 128


@pytest.fixture
def vis(tmp_path: Path) -> str:
    return str(unpack("simvla.ms", tmp_path))


def test_every_row_comes_once_in_chunks_of_bounded_size(vis: str) -> None:
    with MeasurementSet(vis) as ms:
        selected = Selection().resolve(ms)
        chunks = list(iter_chunks(ms, selected, ["DATA", "TIME"], chunk_bytes=100 * ROW_BYTES))
        assert max(len(c.rows) for c in chunks) <= 100
        rows = np.concatenate([c.rows for c in chunks])
        np.testing.assert_array_equal(np.sort(rows), selected.rows)
        np.testing.assert_array_equal(np.concatenate([c["TIME"] for c in chunks]), ms.read("TIME", rows))
        assert {c.shape[1:] for c in chunks} == {(8, 4)} and {c.spw for c in chunks} == {0, 1}


def test_what_is_made_of_a_chunk_counts_towards_its_size(vis: str) -> None:
    with MeasurementSet(vis) as ms:
        selected = Selection().resolve(ms)
        narrow = list(iter_chunks(ms, selected, ["TIME"], chunk_bytes=100 * ROW_BYTES))
        made = list(iter_chunks(ms, selected, ["TIME"], chunk_bytes=100 * ROW_BYTES, made=["MODEL_DATA"]))
        assert len(made) > len(narrow) and max(len(c.rows) for c in made) <= 100
        assert set(made[0].columns) == {"TIME"}


def test_groups_are_kept_whole(vis: str) -> None:
    with MeasurementSet(vis) as ms:
        selected = Selection(spw="1").resolve(ms)
        groups = np.unique(ms.read("TIME", selected.rows), return_inverse=True)[1]
        plans = plan_chunks(ms, selected, ["DATA"], 40 * ROW_BYTES, groups)
        seen = [set(groups[p.index].tolist()) for p in plans]
        assert sum(map(len, seen)) == len(set(groups.tolist())) and len(plans) > 10


@pytest.mark.parametrize("writable", [False, True])
def test_rows_read_straight_are_what_casacore_reads(vis: str, writable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baselines that are rows here and there, long runs that several threads read, and changes that are not on disk yet."""
    monkeypatch.setattr(row_files, "_THREAD_BYTES", 50 * ROW_BYTES)
    monkeypatch.setattr(threads, "_chosen", 3)
    with MeasurementSet(vis, writable=writable) as ms:
        if writable:
            ms.write("FLAG", ~ms.read("FLAG", np.arange(0, ms.nrow, 2)), np.arange(0, ms.nrow, 2))
        first = ms.read("ANTENNA1") == 0
        for rows in (np.arange(ms.nrow), np.flatnonzero(first)):
            selected = dataclasses.replace(Selection().resolve(ms), rows=rows)
            chunks = list(iter_chunks(ms, selected, ["DATA", "FLAG"], straight=True))
            assert sum(len(c.rows) for c in chunks) == len(rows)
            for chunk in chunks:
                for column in ("DATA", "FLAG"):
                    np.testing.assert_array_equal(chunk[column], ms.read(column, chunk.rows))


def test_values_are_written_back_and_not_without_leave(vis: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        selected = Selection(spw="0:2~3", correlation="RR").resolve(ms)
        before = ms.read("DATA")
        chunks = ((c, {"DATA": c["DATA"] * 2}) for c in iter_chunks(ms, selected, ["DATA"], chunk_bytes=100 * ROW_BYTES))
        assert write_chunks(ms, chunks, []) == len(selected.rows)
        expected = before.copy()
        expected[selected.rows, 2:4, 0] *= 2
        np.testing.assert_array_equal(ms.read("DATA"), expected)
    with MeasurementSet(vis) as ms:
        with pytest.raises(DataError, match="read-only"):
            write_chunks(ms, iter_chunks(ms, Selection().resolve(ms), ["DATA"]), ["DATA"])
        with pytest.raises(DataError, match="NOPE"):
            next(iter_chunks(ms, Selection().resolve(ms), ["NOPE"]))
        nothing = Selection(spw="0").resolve(ms)
        assert plan_chunks(ms, type(nothing)(**{**nothing.__dict__, "rows": nothing.rows[:0]}), ["DATA"]) == []


@pytest.mark.parametrize("name", ["FLAG_ROW", "UVW"])
def test_what_is_on_disk_can_be_read_at_any_time(name: str, vis: str, tmp_path: Path) -> None:
    """FLAG_ROW and UVW share a file with TIME: other ranks read it meanwhile, others after a kill."""
    random, seen = np.random.default_rng(2), []
    values = random.random(2016) < 0.5 if name == "FLAG_ROW" else random.normal(size=(2016, 3))

    def changed(ms: MeasurementSet) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        for number, chunk in enumerate(iter_chunks(ms, Selection().resolve(ms), ["TIME"], chunk_bytes=20000)):
            yield chunk, {name: values[chunk.rows]}
            if number % 4 == 3:
                copy = str(tmp_path / f"{number}.ms")
                shutil.copytree(vis, copy)
                with MeasurementSet(copy) as left:
                    seen.append((left.read("TIME"), left.read(name)))

    with MeasurementSet(vis, writable=True) as ms:
        times, before = ms.read("TIME"), ms.read(name)
        write_chunks(ms, changed(ms), [])
    assert len(seen) > 3
    for time_s, found in seen:
        np.testing.assert_array_equal(time_s, times)
        assert ((found == before) | (found == values)).all() and (name == "UVW" or (found == before).all())
    with MeasurementSet(vis) as ms:
        np.testing.assert_array_equal(ms.read(name), values)
        np.testing.assert_array_equal(ms.read("TIME"), times)


def test_single_values_are_written_also_where_the_run_fails(vis: str) -> None:
    def changed(ms: MeasurementSet) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        chunk = next(iter_chunks(ms, Selection().resolve(ms), ["FLAG"], chunk_bytes=20000))
        yield chunk, {"FLAG": np.ones_like(chunk["FLAG"]), "FLAG_ROW": np.ones(len(chunk.rows), bool)}
        raise DataError("no more")

    with MeasurementSet(vis, writable=True) as ms, pytest.raises(DataError, match="no more"):
        write_chunks(ms, changed(ms), [])
    with MeasurementSet(vis) as ms:
        flags = ms.read("FLAG").all(axis=(1, 2))
        assert 0 < flags.sum() < len(flags)
        np.testing.assert_array_equal(ms.read("FLAG_ROW"), flags)
