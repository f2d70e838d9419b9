"""Splines and polynomials: known curves come back from data, and tables read as the reference's do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import calibrater
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.calibration.curve_terms import chebyshev_gains, spline_gains
from casatools.calibration.solve_curves import PolynomialOptions, SplineOptions, followed_phase
from casatools.io.caltable.curves import read_curves
from casatools.io.ms import MeasurementSet
from support.polarised import make_polarised

FREQUENCY = 1.4e9 + 4e6 * np.arange(8)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, np.ndarray, np.ndarray]:
    return _observe(tmp_path_factory.mktemp("curves"), "circular")


def _observe(folder: Path, basis: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Gains (ant, time, 2) that wander through turns and bandpasses (ant, chan, 2) that are parabolas; hardly any noise."""
    rng = np.random.default_rng(2)
    time, at = np.linspace(-1, 1, 36), np.linspace(-1, 1, 8)
    phase = rng.uniform(-6, 6, (8, 1, 2)) * time[:, None] + rng.uniform(-2, 2, (8, 1, 2)) * time[:, None] ** 2
    gain = np.exp(rng.uniform(-0.3, 0.3, (8, 1, 2)) * time[:, None] ** 3 + 1j * phase)
    bend = rng.uniform(-0.2, 0.2, (8, 1, 2)) * at[:, None] ** 2 + 1j * rng.uniform(-2, 2, (8, 1, 2)) * at[:, None] ** 3
    band = np.exp(bend)
    jones = np.zeros((8, 36, 8, 2, 2), dtype=complex)
    for p in (0, 1):
        jones[..., p, p] = gain[:, :, None, p] * band[:, None, :, p]
    return make_polarised(folder, jones, source=(1.0, 0, 0, 0), basis=basis, noise=1e-4), gain, band


def test_splines(observed: tuple[str, np.ndarray, np.ndarray]) -> None:
    vis, gain, _ = observed
    record = casatasks.gaincal(
        vis, "o.spline", spw="0:3~4", gaintype="GSPLINE", refant="EA01", splinetime=7200.0, smodel=[1.0, 0, 0, 0], combine="scan"
    )
    assert sorted(record) == ["apply_tables", "selectvis", "solve_tables"]
    curves = read_curves("o.spline")
    assert (curves.kind, len(curves.antenna), curves.domain[0].size) == ("GSPLINE", 24, 4 + 3 + 4)
    with MeasurementSet(vis) as ms:
        times = np.unique(ms.read("TIME"))
    turn = np.exp(-1j * np.angle(gain[0]))
    for ant in (1, 7):
        found = spline_gains(curves, int(np.flatnonzero(curves.antenna == ant)[0]), times, float(curves.reference_hz[0]))
        # Channels 3 and 4 of the bandpass leave a constant.
        ratio = found / (gain[ant] * turn)
        np.testing.assert_allclose(np.abs(ratio / ratio.mean(axis=0) - 1), 0, atol=0.02)
    casatasks.gaincal(vis, "p.spline", spw="0:3", gaintype="GSPLINE", refant="EA01", calmode="p", smodel=[1.0, 0, 0, 0])
    assert not any(a.any() for a in read_curves("p.spline").amplitude)


def test_polynomials(observed: tuple[str, np.ndarray, np.ndarray]) -> None:
    vis, _, band = observed
    # The gains of the first time; the bandpass is the same at all times.
    with MeasurementSet(vis) as ms:
        first = str(ms.metadata.antennas[0].name)
    casatasks.bandpass(
        vis,
        "o.poly",
        spw="0",
        bandtype="BPOLY",
        refant=first,
        solint="int",
        combine="",
        maskedge=0,
        smodel=[1.0, 0, 0, 0],
        solnorm=True,
    )
    curves = read_curves("o.poly")
    row = int(np.flatnonzero(curves.antenna == 4)[0])
    found, outside = chebyshev_gains(curves, row, FREQUENCY)
    expected = band[4] / np.sqrt((np.abs(band[4]) ** 2).mean(axis=0)) * np.exp(-1j * np.angle(band[0]))
    ratio = found / expected
    np.testing.assert_allclose(np.abs(ratio), 1, atol=0.02)
    np.testing.assert_allclose(np.angle(ratio / ratio[0]), 0, atol=0.02)
    assert not outside.any() and (curves.kind, set(curves.spw.tolist())) == ("BPOLY", {0})
    casatasks.applycal(vis, spw="0", gaintable=["o.poly"], applymode="calonly", flagbackup=False)


def test_linear_feeds_have_the_curves_of_circular_ones(observed: tuple[str, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """An unpolarised source looks alike to both, so the same gains give the same coefficients."""
    linear, _, _ = _observe(tmp_path, "linear")
    common: dict[str, Any] = {"refant": "EA01", "combine": "scan", "smodel": [1.0, 0, 0, 0]}
    for k, vis in enumerate((observed[0], linear)):
        casatasks.gaincal(vis, f"s{k}", spw="0:3", gaintype="GSPLINE", splinetime=7200.0, **common)
        casatasks.bandpass(vis, f"b{k}", spw="0", bandtype="BPOLY", maskedge=0, visnorm=True, **common)
    for kind in "sb":
        circular, other = read_curves(f"{kind}0"), read_curves(f"{kind}1")
        for found, expected in ((other.amplitude, circular.amplitude), (other.phase, circular.phase)):
            assert any(np.any(e) for e in expected)
            np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=1e-3)


def test_visibilities_of_any_gain_give_the_shape_with_visnorm(observed: tuple[str, np.ndarray, np.ndarray]) -> None:
    """Gains turn many times within the one solution interval; their means over channels are divided out."""
    vis, _, band = observed
    casatasks.bandpass(
        vis, "v.poly", spw="0", bandtype="BPOLY", refant="EA01", combine="scan", maskedge=0, degamp=4, smodel=[1.0, 0, 0, 0], visnorm=True
    )  # fmt: skip
    curves = read_curves("v.poly")
    found, _ = chebyshev_gains(curves, int(np.flatnonzero(curves.antenna == 4)[0]), FREQUENCY)
    ratio = found / (band[4] * np.exp(-1j * np.angle(band[0])))
    np.testing.assert_allclose(np.abs(ratio / ratio.mean(axis=0) - 1), 0, atol=0.06)


def test_phases_alone_as_the_reference_writes_them(observed: tuple[str, np.ndarray, np.ndarray]) -> None:
    """The reference gives the amplitudes no coefficients and no knots."""
    from casacore.tables import table

    casatasks.gaincal(
        observed[0], "q.spline", spw="0:3", gaintype="GSPLINE", refant="EA01", calmode="p", smodel=[1.0, 0, 0, 0], combine="scan"
    )
    ours = read_curves("q.spline")
    with table("q.spline", readonly=False, ack=False) as t:
        for row in range(t.nrows()):
            for name in ("N_POLY_AMP", "N_KNOTS_AMP"):
                t.putcell(name, row, 0)
            for name in ("POLY_COEFF_AMP", "SPLINE_KNOTS_AMP"):
                t.putcell(name, row, np.zeros((1, 1, 1, 1)))
    theirs = read_curves("q.spline")
    np.testing.assert_array_equal(theirs.domain, ours.domain)
    np.testing.assert_array_equal(theirs.phase, ours.phase)
    np.testing.assert_array_equal(theirs.amplitude, ours.amplitude)
    casatasks.applycal(observed[0], spw="0", gaintable=["q.spline"], applymode="calonly", flagbackup=False)


def test_tool(observed: tuple[str, np.ndarray, np.ndarray], tmp_path: Path) -> None:
    cb = calibrater()
    cb.open(observed[0], addcorr=False, addmodel=False)
    cb.selectvis(spw="0")
    cb.setsolvegainspline(table=str(tmp_path / "s"), mode="PHASAMP", splinetime=7200.0, preavg=1.0, refant="EA01")
    cb.solve()
    cb.setsolvebandpoly(table=str(tmp_path / "b"), degamp=2, degphase=4, maskedge=0.0, refant="EA01", t="inf", combine="scan")
    cb.solve()
    assert (read_curves(str(tmp_path / "s")).kind, read_curves(str(tmp_path / "b")).phase[0].shape) == ("GSPLINE", (2, 5))


def test_phases_are_followed_from_the_mean_of_those_before() -> None:
    truth = np.linspace(0, 20, 30)
    np.testing.assert_allclose(followed_phase(np.angle(np.exp(1j * truth)), 2, np.pi), truth)
    # A jump below the limit stays.
    np.testing.assert_allclose(followed_phase(np.array([0.0, 3.5, 3.5]), 1, 4.0), [0.0, 3.5, 3.5])


def test_refusals(observed: tuple[str, np.ndarray, np.ndarray]) -> None:
    vis = observed[0]
    common: dict[str, Any] = {"vis": vis, "caltable": "x", "spw": "0", "refant": "EA01"}
    with pytest.raises(ParameterError, match="splinetime"):
        casatasks.gaincal(**common, gaintype="GSPLINE", splinetime=0.0)
    with pytest.raises(ParameterError, match="degamp"):
        casatasks.bandpass(**common, bandtype="BPOLY", degamp=-1)
    with pytest.raises(DataError, match="masked"):
        casatasks.bandpass(**common, bandtype="BPOLY", degamp=7, maskcenter=3)
    assert not Path("x").exists()
    casatasks.bandpass(**common, bandtype="BPOLY", maskedge=0)
    with pytest.raises(UnsupportedError, match="appended"):
        casatasks.bandpass(**common, bandtype="BPOLY", append=True)
    assert SplineOptions().points == 3 and PolynomialOptions().degree_phase == 3


def test_splines_are_straight_between_scans() -> None:
    """Knots without data between them: the curve goes from scan to scan (it was 1e17 there), and where there are data nothing changes."""
    from scipy.interpolate import BSpline

    from casatools.calibration.solve_curves import _spline

    inner = np.linspace(0.0, 7200.0, 13)
    knots = np.concatenate([[0.0] * 3, inner, [7200.0] * 3])
    at = np.concatenate([np.arange(s, s + 181.0, 30.0) for s in (0.0, 3500.0, 7020.0)])
    curve = BSpline(knots, _spline(knots, at, 0.5 + 1e-4 * at, np.full(len(at), 100.0))[: len(knots) - 4], 3)
    everywhere = np.linspace(0.0, 7200.0, 500)
    np.testing.assert_allclose(curve(everywhere), 0.5 + 1e-4 * everywhere, atol=1e-4)
    full = np.linspace(0.0, 7200.0, 200)
    bent = np.sin(full / 600.0)
    found = BSpline(knots, _spline(knots, full, bent, np.full(200, 100.0))[: len(knots) - 4], 3)(full)
    design = BSpline.design_matrix(np.clip(full, 0.0, np.nextafter(7200.0, 0)), knots, 3).toarray()
    np.testing.assert_allclose(found, design @ np.linalg.lstsq(design, bent, rcond=None)[0], atol=1e-4)
    once = BSpline(knots, _spline(knots, np.zeros(3), np.full(3, 2.0), np.ones(3))[: len(knots) - 4], 3)
    np.testing.assert_allclose(once(everywhere), 2.0, rtol=1e-6)  # one time: a constant
