"""Tables of curves as tables of gains."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError
from casatools.calibration.curve_samples import sampled_curves
from casatools.calibration.curve_terms import spline_gains
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import read_curves

Input = Callable[[str], str]


def test_polynomials_at_the_channels(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    given = {"field": "0", "refant": "EA01", "minsnr": 0.0, "spw": "1"}
    casatasks.bandpass(vis, "plain.B", **given)
    casatasks.bandpass(vis, "poly.B", bandtype="BPOLY", degamp=5, degphase=5, **given)
    found, plain = sampled_curves("poly.B"), CalTable.open("plain.B")
    assert found.vis_cal == "B Jones" and set(found.spw_id.tolist()) == {1}
    for row in range(found.nrow):
        same = np.flatnonzero((plain.antenna1 == found.antenna1[row]) & (plain.spw_id == 1))
        ratio = found.param[row] / plain.param[same[0]]
        assert np.median(np.abs(ratio[~found.flag[row]] - 1)) < 0.05


def test_splines_between_their_knots(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    casatasks.gaincal(vis, "spline.G", gaintype="GSPLINE", field="0", splinetime=300.0, refant="EA01")
    found, curves = sampled_curves("spline.G"), read_curves("spline.G")
    assert found.vis_cal == "G Jones" and found.nrow == 100 * len(set(found.antenna1.tolist()))
    mine = np.flatnonzero(found.antenna1 == 2)
    row = int(np.flatnonzero(curves.antenna == 2)[0])
    expected = spline_gains(curves, row, found.time_s[mine], float(curves.reference_hz[row]))
    np.testing.assert_allclose(found.param[mine, 0], expected, rtol=1e-6)


def test_channels_are_those_of_the_data(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    casatasks.bandpass(vis, "poly.B", bandtype="BPOLY", field="0", degamp=2, degphase=2, refant="EA01")
    shutil.move(vis, "elsewhere.ms")
    with pytest.raises(DataError, match=r"simvla\.ms"):
        sampled_curves("poly.B")
    assert sampled_curves("poly.B", "elsewhere.ms").nrow > 0


def test_nothing_solved(shared_input: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    from casatools.calibration import curve_samples

    vis = shared_input("simvla.ms")
    casatasks.bandpass(vis, "poly.B", bandtype="BPOLY", field="0", degamp=2, degphase=2, refant="EA01")
    monkeypatch.setattr(curve_samples, "solved_rows", lambda curves: np.zeros(len(curves.antenna), bool))
    with pytest.raises(DataError, match="no curve"):
        sampled_curves("poly.B")
