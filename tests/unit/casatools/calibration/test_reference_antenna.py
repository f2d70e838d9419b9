"""Referring phases: constancy, hand-over and return as CASA 6.7 does it (seen with a reference antenna flagged for some times)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import SelectionError
from casatools.calibration.reference_antenna import antenna_ids, fallback_order, refer_phases, refer_terms


def _gains(ntime: int = 5, nant: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    param = 2 * np.exp(1j * rng.uniform(-3, 3, (ntime, nant, 1, 2)))
    return param, np.zeros(param.shape, bool)


def test_phase_of_the_reference_is_zero_and_differences_stay() -> None:
    param, flag = _gains()
    before = param.copy()
    used = refer_phases(param, flag, [1, 0, 2])
    assert used.tolist() == [1] * 5
    np.testing.assert_allclose(np.angle(param[:, 1]), 0, atol=1e-12)
    np.testing.assert_allclose(param[:, 0] * param[:, 2].conj(), before[:, 0] * before[:, 2].conj())


def test_flex_hands_over_with_the_phase_held_and_returns() -> None:
    param, flag = _gains()
    flag[2, 0] = True
    used = refer_phases(param, flag, [0, 1, 2])
    # The first antenna is back after two times with solutions.
    assert used.tolist() == [0, 0, 1, 1, 0]
    np.testing.assert_allclose(np.angle(param[2, 1]), np.angle(param[1, 1]))
    np.testing.assert_allclose(np.angle(param[3, 1]), np.angle(param[1, 1]))
    np.testing.assert_allclose(np.angle(param[4, 0]), np.angle(param[3, 0]))


def test_strict_flags_all_where_the_reference_is_missing() -> None:
    param, flag = _gains()
    flag[2, 0] = True
    used = refer_phases(param, flag, [0, 1], "strict")
    assert used.tolist() == [0, 0, -1, 0, 0]
    assert flag[2].all()
    assert not flag[3].any()


def test_strict_wants_both_receptors_of_the_reference() -> None:
    """As CASA's tables show: where one receptor of the reference antenna has no solution all antennas are flagged for both."""
    param, flag = _gains()
    flag[1, 0, :, 1] = True
    flag[2, 1, :, 0] = True
    assert refer_phases(param, flag, [0], "strict").tolist() == [0, -1, 0, 0, 0]
    assert flag[1].all() and flag.sum() == 6 + 1
    # A receptor that no antenna has says nothing.
    param, flag = _gains()
    flag[..., 1] = True
    assert refer_phases(param, flag, [0], "strict").tolist() == [0] * 5
    assert not flag[..., 0].any()
    np.testing.assert_allclose(np.angle(param[:, 0, :, 0]), 0, atol=1e-12)


def test_nothing_without_a_reference() -> None:
    param, flag = _gains()
    before = param.copy()
    assert (refer_phases(param, flag, []) == -1).all()
    np.testing.assert_array_equal(param, before)


def test_names_and_numbers() -> None:
    assert antenna_ids(["EA01", "EA02", "3"], "EA02, 0,3") == [1, 0, 2]
    with pytest.raises(SelectionError, match="EA09"):
        antenna_ids(["EA01"], "EA09")


def test_fallback_is_by_distance() -> None:
    assert fallback_order([1], np.array([[0.0, 0, 0], [10, 0, 0], [9, 0, 0], [30, 0, 0]])) == [1, 2, 0, 3]
    # From the last of those chosen, as CASA's tables show.
    assert fallback_order([3, 1], np.array([[0.0, 0, 0], [10, 0, 0], [9, 0, 0], [30, 0, 0]])) == [3, 1, 2, 0]
    assert fallback_order([], np.zeros((2, 3))) == []


def test_a_substitute_stays_until_the_first_is_back() -> None:
    """The times at which antennas 0 to 3 had data, and the reference that CASA's gaincal gives with refant 0: others do not come back."""
    param, flag = _gains(14, 5)
    for antenna, gone in ((0, range(3, 12)), (1, range(5, 7)), (2, range(5, 14)), (3, range(6, 7))):
        flag[list(gone), antenna] = True
    assert refer_phases(param, flag, [0, 1, 2, 3, 4]).tolist() == [0, 0, 0, 1, 1, 3, 4, 4, 4, 4, 4, 4, 4, 0]
    held = np.angle(param[range(6, 13), 4])
    np.testing.assert_allclose(held, np.broadcast_to(held[0], held.shape))


def test_an_antenna_with_both_receptors_goes_before_one_with_one() -> None:
    param, flag = _gains()
    flag[:, 0, :, 1] = True
    assert refer_phases(param, flag, [0, 1, 2]).tolist() == [1] * 5
    np.testing.assert_allclose(np.angle(param[:, 1]), 0, atol=1e-12)
    flag[:, :, :, 1] = True
    assert refer_phases(param, flag, [0, 1, 2]).tolist() == [0] * 5


def test_channels_without_the_reference_follow_their_neighbours() -> None:
    """No step between channels: the receptors would have different ones, and the cross hands of that channel another phase."""
    rng = np.random.default_rng(3)
    truth = np.exp(1j * (rng.uniform(-3, 3, (1, 4, 1, 2)) + 0.01 * np.arange(6)[:, None]))
    param = truth * np.exp(1j * rng.uniform(-3, 3, (1, 1, 6, 2)))  # each channel is solved with a phase of its own
    flag = np.zeros(param.shape, dtype=bool)
    flag[:, 0, [0, 3]] = True
    assert refer_phases(param, flag, [0, 1, 2, 3]).tolist() == [0]
    expected = truth / truth[:, :1]
    np.testing.assert_allclose(param[:, 1:], expected[:, 1:], atol=0.02)
    # Without another channel to follow, the next antenna is the reference.
    flag[:, 0] = True
    refer_phases(param, flag, [0, 1, 2, 3])
    np.testing.assert_allclose(np.angle(param[:, 1]), 0, atol=1e-12)


def test_one_receptor_will_do_where_no_antenna_has_both() -> None:
    """CASA flags all antennas there."""
    param, flag = _gains()
    flag[:, [0, 2], :, 1] = flag[:, 1, :, 0] = True
    before = flag.copy()
    assert (refer_phases(param, flag, [0, 1, 2]) >= 0).all()
    np.testing.assert_array_equal(flag, before)
    np.testing.assert_allclose(np.angle([param[:, 0, :, 0], param[:, 1, :, 1]]), 0, atol=1e-12)


@pytest.mark.parametrize("mode", ["flex", "strict"])
def test_terms_of_the_reference_are_taken_off(mode: str) -> None:
    """Delays: differences between antennas stay; without the reference the next takes over, or all is flagged."""
    rng = np.random.default_rng(3)
    before = rng.normal(size=(3, 4, 1, 2))
    flag = np.zeros(before.shape, bool)
    flag[1, 2, 0, 1] = flag[2, 0] = True
    param, flags = before.copy(), flag.copy()
    used = refer_terms(param, flags, [2, 1], mode, leakages=False)
    assert used.tolist() == ([2, 1, 1] if mode == "flex" else [2, -1, 2])
    np.testing.assert_allclose(param[0], before[0] - before[0, 2])
    np.testing.assert_array_equal(param[2, 0], before[2, 0])  # flagged: left alone
    assert flags[1].all() == (mode == "strict")
    if mode == "flex":
        np.testing.assert_allclose(param[1, 0] - param[1, 3], before[1, 0] - before[1, 3])
        np.testing.assert_allclose(param[1, 1], param[0, 1])  # it keeps what it had


def test_leakages_keep_what_the_data_show() -> None:
    """The cross hands of unpolarised light, D of one receptor and the conjugate of the other's, are the same."""
    rng = np.random.default_rng(4)
    param = rng.normal(size=(1, 5, 3, 2)) + 1j * rng.normal(size=(1, 5, 3, 2))
    before = param.copy()
    refer_terms(param, np.zeros(param.shape, bool), [3], "flex", leakages=True)
    np.testing.assert_allclose(param[0, 3, :, 0], 0.0, atol=1e-15)
    one, two = np.triu_indices(5, 1)
    np.testing.assert_allclose(
        param[0, one, :, 0] + param[0, two, :, 1].conj(), before[0, one, :, 0] + before[0, two, :, 1].conj()
    )
