"""Robust solves of diagonal gains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import gaincal
from casatools.calibration.solve_data import make_solve_input
from casatools.calibration.solve_options import SolveOptions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection


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


def test_least_absolute_residuals_are_nearly_reached(shared_input: Callable[[str], str]) -> None:
    """Sums of weighted absolute residuals of RR and LL: the least ones are 390.5 and 196.0, those of CASA's gains 396.0 and 197.6."""
    vis = shared_input("simvla.ms")
    gaincal(vis, "l1.cal", scan="1", spw="0", solmode="L1", minsnr=0.0)
    gain = CalTable.open("l1.cal").param[:, 0]
    with MeasurementSet(vis) as ms:
        given = make_solve_input(ms, Selection(scan="1", spw="0").resolve(ms), SolveOptions(), None)
        (data,) = given.iter_data()
    model = gain[given.baselines.ant1] * gain[given.baselines.ant2].conj()
    total = (data.weight[0, 0, :, 0] * np.abs(data.vis[0, 0, :, 0] - model)).sum(axis=0)
    assert (total < [391.5, 196.3]).all() and (total > [390.4, 195.9]).all()
