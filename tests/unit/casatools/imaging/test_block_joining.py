"""Blocks put together: nothing lost, in the order they came or by primary beam, up to a size."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.block_joining import joined_blocks
from casatools.imaging.visibilities import VisibilityBlock


def blocks(grouped: bool) -> list[VisibilityBlock]:
    rng = np.random.default_rng(7)
    made = []
    for k, (count, ddid) in enumerate([(5, 0), (3, 1), (4, 0), (6, 0), (2, 1)]):
        vis = rng.normal(size=(2, count, 3)) + 1j * rng.normal(size=(2, count, 3))
        group = rng.integers(0, 3, count).astype(np.int32) if grouped else None
        made.append(
            VisibilityBlock(
                rng.normal(size=(count, 3)),
                np.array([1e9, 2e9, 3e9]) + ddid,
                vis.astype(np.complex64),
                rng.random((count, 3)).astype(np.float32),
                0,
                np.arange(count) + 10 * k,
                ddid,
                np.arange(count) != 1 if k == 2 else None,
                group,
                group,
            )
        )
    return made


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("limit", [1.0, 1000.0, 1e9])
def test_all_rows_once(limit: float, grouped: bool, by_channel: bool) -> None:
    given = blocks(grouped)
    found = list(joined_blocks(iter(given), {0: 15, 1: 5}, limit, by_channel))
    assert len(found) == (5 if limit == 1.0 else 2 if limit == 1e9 else len(found))
    for block in found:
        assert block.group is None or np.all(np.diff(block.group) >= 0)
        assert (block.vis.strides[2] > block.vis.strides[1]) is (by_channel and len(block.rows) > 1)
    for ddid in (0, 1):
        ours, theirs = [b for b in found if b.ddid == ddid], [b for b in given if b.ddid == ddid]
        rows = np.concatenate([b.rows for b in ours])
        order, wanted = np.argsort(rows), np.concatenate([b.rows for b in theirs])
        np.testing.assert_array_equal(rows[order], wanted)
        np.testing.assert_array_equal(
            np.concatenate([b.vis for b in ours], 1)[:, order], np.concatenate([b.vis for b in theirs], 1)
        )
        for name in ("uvw_m", "weight"):
            mine = np.concatenate([getattr(b, name) for b in ours])[order]
            np.testing.assert_array_equal(mine, np.concatenate([getattr(b, name) for b in theirs]))
        np.testing.assert_array_equal(ours[0].freq_hz, theirs[0].freq_hz)
        auto = np.concatenate([~b.cross if b.cross is not None else np.zeros(len(b.rows), bool) for b in ours])[order]
        np.testing.assert_array_equal(wanted[auto], [21] if ddid == 0 else [])
