"""Tables made of others: another reference antenna, smoothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError
from casatools.calibration.edit_tables import rereference_table, smooth_table
from casatools.io.caltable import CalTable

Input = Callable[[str], str]


def test_fringes_refer_to_another_antenna(shared_input: Input) -> None:
    """All four terms of each receptor less those of the antenna, as CASA's are; phases stay within half a turn."""
    vis = shared_input("simvla.ms")
    casatasks.fringefit(vis, "f.fringes", field="0", refant="EA01")
    casatasks.rerefant(vis, "f.fringes", "moved.fringes", refant="EA04")
    old, new = CalTable.open("f.fringes"), CalTable.open("moved.fringes")
    assert set(new.antenna2.tolist()) == {3}
    for row in range(old.nrow):
        own = np.flatnonzero((old.time_s == old.time_s[row]) & (old.spw_id == old.spw_id[row]) & (old.antenna1 == 3))[0]
        expected = (old.param[row] - old.param[own])[0].astype(np.float64)
        expected[::4] = np.angle(np.exp(1j * expected[::4]))
        np.testing.assert_allclose(new.param[row, 0], expected, rtol=1e-5, atol=1e-6)


def test_delays_refer_to_another_antenna(shared_input: Input) -> None:
    table = CalTable.open(shared_input("cal.K"))
    moved = rereference_table(table, "EA03")
    assert (moved.param[(moved.antenna1 == 2) & ~moved.flag.any(axis=(1, 2))] == 0).all()
    assert (moved.antenna2[~moved.flag.all(axis=(1, 2))] == 2).all()


@pytest.mark.parametrize("kind", ["M Mueller", "X Jones", "TOpac"])
def test_what_cannot_be_referred(shared_input: Input, kind: str) -> None:
    table = CalTable.open(shared_input("cal.G"))
    table.vis_cal = kind
    with pytest.raises(DataError, match=kind):
        rereference_table(table, "EA03")


@pytest.mark.parametrize("kind", ["median", "mean"])
def test_phases_are_followed_within_a_field(shared_input: Input, kind: str) -> None:
    """Solutions of another field in between, a third of a turn from one to the next, do not turn phases over."""
    table = CalTable.open(shared_input("cal.G"))
    for group in table.groups:
        times = np.unique(table.time_s[group.rows], return_inverse=True)[1]
        table.field_id[group.rows] = np.isin(times, (1, 2))
        degrees = np.where(times == 1, 120.0, np.where(times == 2, 240.0, times % 3))
        group.param = (np.exp(1j * np.radians(degrees))[:, None, None] * np.ones((1, 1, 2))).astype(np.complex64)
        group.flag[:] = False
    assert len(np.unique(table.time_s)) > 4
    own = np.degrees(np.angle(smooth_table(table, kind, 1e9).param[table.field_id == 0]))
    assert ((own > -0.01) & (own < 2.01)).all()


def test_flagged_solutions_become_those_of_their_neighbours(shared_input: Input) -> None:
    """As CASA's do; where there are none they stay flagged."""
    table = CalTable.open(shared_input("cal.G"))
    alone = table.select(table.field_id == 1)
    assert len(np.unique(alone.time_s)) > 1
    for group in alone.groups:
        group.param[:], group.flag[:] = 2.0, False
        times = np.unique(alone.time_s[group.rows], return_inverse=True)[1]
        group.flag[times == 0] = True
        group.param[times == 0] = 1.0
        group.flag[alone.antenna1[group.rows] == 5] = True
    found = smooth_table(alone, "mean", 1e9)
    good = found.antenna1 != 5
    assert not found.flag[good].any() and found.flag[~good].all()
    np.testing.assert_allclose(found.param[good], 2.0)
