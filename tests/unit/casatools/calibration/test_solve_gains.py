"""Robust solves of diagonal gains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import gaincal
from casatools.io.caltable import CalTable


def test_absolute_deviations_of_noise_lose_no_solution(shared_input: Callable[[str], str]) -> None:
    """Baselines whose residual is nothing get immense weights; a solve that does not converge then keeps what it had."""
    vis = shared_input("mosaic.ms")
    ways = {"refant": "DA01", "solint": "int", "combine": "scan", "calmode": "p", "minsnr": 0.0, "smodel": [1, 0, 0, 0]}
    gaincal(vis, "l1.cal", solmode="L1", **ways)
    gaincal(vis, "l2.cal", **ways)
    robust, plain = CalTable.open("l1.cal"), CalTable.open("l2.cal")
    np.testing.assert_array_equal(robust.flag, plain.flag)
    assert not robust.flag.any()
    assert np.median(np.abs(np.angle(robust.param / plain.param))) < 0.3
