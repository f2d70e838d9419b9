"""Many selections set row by row, against setting them one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.flag_commands import _set_row, matched_commands, set_selected


@pytest.mark.parametrize("compiled", [True, False])
def test_commands_take_effect_in_turn(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    nrow, nchan, ncorr, ncommand = 40, 6, 3, 70
    kind, baseline = random.integers(0, 5, nrow).astype(np.int32), random.integers(0, 4, nrow).astype(np.int32)
    kinds, baselines = random.random((ncommand, 5)) < 0.3, random.random((ncommand, 4)) < 0.3
    kinds[66] = False
    of_kind, of_baseline = np.zeros((5, 2), np.uint64), np.zeros((4, 2), np.uint64)
    for k in range(ncommand):
        of_kind[kinds[k], k // 64] |= np.uint64(1 << k % 64)
        of_baseline[baselines[k], k // 64] |= np.uint64(1 << k % 64)
    first = np.arange(ncommand + 1) * 2
    ranges = np.sort(random.integers(0, nchan + 1, (2 * ncommand, 2)), axis=1)
    chosen = random.random((ncommand, ncorr)) < 0.7
    values, whole_rows = random.random(ncommand) < 0.6, random.random(ncommand) < 0.5
    wanted, wanted_row = np.zeros((nrow, nchan, ncorr), bool), np.zeros(nrow, bool)
    matched = np.zeros(ncommand, bool)
    for k in range(ncommand):
        rows = kinds[k][kind] & baselines[k][baseline]
        matched[k] = rows.any()
        for start, stop in ranges[2 * k : 2 * k + 2]:
            wanted[np.ix_(rows, np.arange(start, stop), chosen[k])] = values[k]
        wanted_row[rows] = np.where(whole_rows[k], values[k], wanted_row[rows])
    if not compiled:
        monkeypatch.setattr("casatools.kernels.flag_commands._set_row", _set_row.py_func)
    find, work = (f if compiled else f.py_func for f in (matched_commands, set_selected))
    found, rows = np.zeros(2, np.uint64), np.zeros(nrow, bool)
    find(kind, baseline, of_kind, of_baseline, found, rows)
    assert [bool(int(found[k // 64]) >> k % 64 & 1) for k in range(ncommand)] == matched.tolist() and not matched[66]
    np.testing.assert_array_equal(rows, [(kinds[:, a] & baselines[:, b]).any() for a, b in zip(kind, baseline, strict=True)])
    flags, flag_row = np.zeros((nrow, nchan * ncorr), bool), np.zeros(nrow, bool)
    table = ranges, first, chosen, chosen.all(axis=1), values, whole_rows
    for span in ((0, 15), (15, nrow)):
        work(span, (kind, baseline, of_kind, of_baseline), *table, flags, flag_row)
    np.testing.assert_array_equal(flags.reshape(wanted.shape), wanted)
    np.testing.assert_array_equal(flag_row, wanted_row)
