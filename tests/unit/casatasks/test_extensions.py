"""Functions beside CASA's tasks: a chain of terms put into data comes back, with its report and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks.extensions import calibration_report, solve_chain
from casatools._base.errors import ParameterError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.polarised import make_polarised

MODEL = [2.0, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, np.ndarray]]:
    """Delays, gains that wander and bandpasses of eight antennas, with noise of 0.02 Jy."""
    rng = np.random.default_rng(3)
    time, frequency = np.arange(36), 1.4e9 + 4e6 * np.arange(8)
    wander = 0.3 * np.sin(time / 6 + rng.uniform(0, 6, (8, 2, 1)))
    gain = rng.uniform(0.7, 1.4, (8, 2, 1)) * np.exp(1j * (rng.uniform(-3, 3, (8, 2, 1)) + wander))
    delay = rng.uniform(-20, 20, (8, 2))
    delay[0] = 0
    band = (1 + 0.1 * rng.normal(size=(8, 2, 8))) * np.exp(0.02j * rng.normal(size=(8, 2, 8)))
    slope = np.exp(2e-9j * np.pi * delay[..., None] * (frequency - 1.414e9))
    jones = np.zeros((8, 36, 8, 2, 2), dtype=complex)
    for p in (0, 1):
        jones[..., p, p] = gain[:, p, :, None] * (band * slope)[:, p, None]
    vis = make_polarised(tmp_path_factory.mktemp("chain"), jones, source=(2.0, 0, 0, 0), noise=0.02)
    return vis, {"gain": gain, "delay": delay, "band": band}


def _terms(**more: Any) -> list[dict[str, Any]]:
    return [
        {"kind": "K", "caltable": "x.K", "refant": "EA01", "combine": "scan"},
        {"kind": "G", "caltable": "x.G", "refant": "EA01", "solint": "int", "minsnr": 0.0, **more},
        {"kind": "B", "caltable": "x.B", "refant": "EA01", "combine": "scan"},
    ]


def test_a_chain_recovers_what_was_put_in(observed: tuple[str, dict[str, np.ndarray]]) -> None:
    vis, truth = observed
    found = solve_chain(vis, _terms(), spw="0", smodel=MODEL, report="page", weights=True)
    assert found["converged"] and found["cycles"] <= 4 and found["caltables"] == ["x.K", "x.G", "x.B"]
    # 14 % of the samples' freedom goes into the gains.
    assert found["rms_after"] == pytest.approx(0.02, rel=0.06) and found["rms_before"] > 1
    assert found["quality"]["x.G"]["snr"] > 100 and found["solvestats"]["x.G"]["expected"].tolist() == [36, 36]
    np.testing.assert_allclose(CalTable.open("x.K").param[:, 0], truth["delay"], atol=0.5)
    band = CalTable.open("x.B")
    level = np.sqrt((np.abs(truth["band"]) ** 2).mean(axis=2))[..., None]
    whole = ~band.flag.any(axis=(1, 2))
    np.testing.assert_allclose(np.abs(band.param[whole]), np.abs(truth["band"] / level).transpose(0, 2, 1)[whole], atol=5e-3)
    gain = CalTable.open("x.G").param[:, 0].reshape(36, 8, 2)
    np.testing.assert_allclose(np.abs(gain).mean(axis=0)[whole], np.abs(truth["gain"] * level)[whole, :, 0], rtol=0.01)
    with MeasurementSet(vis) as ms:
        spw = ms.read("DATA_DESC_ID")
        sigma, weight = ms.read("SIGMA")[spw == 0], ms.read("WEIGHT")[spw == 0]
        assert (ms.read("SIGMA")[spw == 1] == 1).all()
    assert np.median(sigma) == pytest.approx(0.02, rel=0.1) and sigma.max() < 0.03
    np.testing.assert_allclose(weight * sigma**2, 1, rtol=1e-5)
    page = Path("page/index.html").read_text()
    assert "x.B: B Jones" in page and "Closure error" in page
    assert {f.name for f in Path("page").glob("*.png")} >= {
        "closure.png",
        "residuals.png",
        "table1_phase.png",
        "table0_values.png",
    }
    calibration_report("again", ["x.K"], vis, spw="0", smodel=MODEL)
    assert "Root mean square residual" in Path("again/index.html").read_text()


def test_weights_are_those_of_the_residuals(tmp_path: Path) -> None:
    """Beside sums in numpy over V - J M J^H of each baseline, scan and receptor; samples that are NaN count in neither."""
    rng = np.random.default_rng(7)
    gain = rng.uniform(0.7, 1.4, (8, 1, 1, 2)) * np.exp(1j * rng.uniform(-3, 3, (8, 1, 1, 2)))
    jones = np.zeros((8, 1, 1, 2, 2), dtype=complex)
    jones[..., [0, 1], [0, 1]] = gain
    vis = make_polarised(tmp_path, jones, source=(2.0, 0, 0, 0), noise=0.02)
    with MeasurementSet(vis, writable=True) as ms:
        data = ms.read("DATA")
        noise = np.where(ms.read("ANTENNA2") == 5, 0.1, 0.0)[:, None, None] * (
            rng.normal(size=data.shape) + 1j * rng.normal(size=data.shape)
        )
        data += noise.astype(np.complex64)
        data[::50, 2, 3] = np.nan
        ms.write("DATA", data, np.arange(ms.nrow))
    terms = [
        {"kind": "G", "caltable": "w.G", "refant": "EA01", "combine": "scan"},
        {"kind": "B", "caltable": "w.B", "refant": "EA01", "combine": "scan"},
    ]
    solve_chain(vis, terms, spw="0", smodel=MODEL, weights=True)
    jones_of = CalTable.open("w.G").param * CalTable.open("w.B").param  # (ant, chan, receptor)
    with MeasurementSet(vis) as ms:
        one, two, scan, window = (ms.read(n) for n in ("ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "DATA_DESC_ID"))
        data, flag, weight, sigma = (ms.read(n) for n in ("DATA", "FLAG", "WEIGHT", "SIGMA"))
    solved = ~(CalTable.open("w.G").flag | CalTable.open("w.B").flag)
    for a, b, number in ((0, 1, 1), (2, 5, 3), (5, 7, 6), (3, 4, 2)):
        at = (one == a) & (two == b) & (scan == number) & (window == 0)
        good = ~flag[at].any(axis=2) & np.isfinite(data[at]).all(axis=2) & (solved[a] & solved[b]).all(axis=1)
        variance = []
        for receptor, corr in ((0, 0), (1, 3)):
            left = data[at][..., corr].astype(np.complex128) - 2.0 * jones_of[a, :, receptor] * jones_of[b, :, receptor].conj()
            variance.append(float((np.abs(left[good]) ** 2).mean() / 2))
        expected = np.sqrt([variance[0], np.sqrt(variance[0] * variance[1]), np.sqrt(variance[0] * variance[1]), variance[1]])
        np.testing.assert_allclose(sigma[at], np.broadcast_to(expected, (at.sum(), 4)), rtol=1e-4)
        np.testing.assert_allclose(weight[at], sigma[at] ** -2.0, rtol=1e-5)


def test_one_round_is_told_as_not_converged(observed: tuple[str, dict[str, np.ndarray]]) -> None:
    found = solve_chain(observed[0], _terms()[1:2], spw="0", smodel=MODEL, cycles=1)
    assert not found["converged"] and found["changes"] == [np.inf]


def test_refusals(observed: tuple[str, dict[str, np.ndarray]]) -> None:
    vis = observed[0]
    for terms, error, text in (
        ([], ParameterError, "at least one"),
        ([{"kind": "G"}], ParameterError, "caltable"),
        (_terms(bogus=1), ParameterError, "no option bogus"),
        ([*_terms(), {"kind": "G", "caltable": "y.G"}], ParameterError, "different kinds"),
        ([{"kind": "nope", "caltable": "x"}], ParameterError, "nope"),
    ):
        with pytest.raises(error, match=text):
            solve_chain(vis, terms, smodel=MODEL)
    with pytest.raises(ParameterError, match="cycles"):
        solve_chain(vis, _terms(), cycles=0)
    with pytest.raises(ParameterError, match="tolerance"):
        solve_chain(vis, _terms(), tolerance=0.0)
    with pytest.raises(ParameterError, match="report"):
        calibration_report("page", [])
    assert not Path("x.K").exists()
