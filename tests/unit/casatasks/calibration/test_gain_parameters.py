"""Parameters of the solving tasks that shape a solution, each beside what it must give of data that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.calibration.curve_terms import chebyshev_gains, spline_gains
from casatools.frames.directions import Direction
from casatools.frames.parallactic import feed_angles
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import read_curves
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.polarised import make_polarised
from support.shared import unpack

NANT = 8
rng = np.random.default_rng(8)
AMPLITUDE = rng.uniform(0.6, 1.5, NANT)
PHASE = rng.uniform(-3, 3, NANT)
# Eight channels, 36 times.
BAND = (
    1
    + 0.3 * rng.uniform(-1, 1, (NANT, 1)) * np.linspace(-1, 1, 8)
    + 0.2j * rng.uniform(-1, 1, (NANT, 1)) * np.linspace(-1, 1, 8) ** 2
)


def observe(folder: Path, gain: np.ndarray, noise: float = 1e-4, **more: Any) -> str:
    """A point of 1 Jy by antennas of these gains (ant, time or 1, chan or 1), alike in both receptors."""
    jones = np.zeros((*gain.shape, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = gain
    return unflagged(make_polarised(folder, jones, **{"source": (1.0, 0, 0, 0), "noise": noise, **more}))


def unflagged(vis: str) -> str:
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("FLAG", np.zeros((ms.nrow, 8, 4), dtype=bool), np.arange(ms.nrow))
    return vis


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Gains that stand still."""
    return observe(tmp_path_factory.mktemp("still"), (AMPLITUDE * np.exp(1j * PHASE))[:, None, None])


@pytest.fixture(scope="module")
def turning(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Phases that drift by up to some turns from the first of 36 times to the last."""
    drift = np.linspace(0, 20, NANT)[:, None] * np.linspace(0, 1, 36)
    return observe(tmp_path_factory.mktemp("turning"), np.exp(1j * drift)[..., None])


@pytest.fixture(scope="module")
def shaped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Bandpasses."""
    return observe(tmp_path_factory.mktemp("shaped"), BAND[:, None])


def solve(task: str, vis: str, **given: Any) -> CalTable:
    common = {"refant": "EA01", "smodel": [1.0, 0, 0, 0], "combine": "scan"} | ({"spw": "0"} if task != "gaincal" else {})
    getattr(casatasks, task)(vis, "o", **{**common, **given})
    return CalTable.open("o")


def test_amplitudes_and_phases_alone(still: str) -> None:
    for mode, expected in (
        ("a", AMPLITUDE),
        ("p", np.exp(1j * (PHASE - PHASE[0]))),
        ("ap", AMPLITUDE * np.exp(1j * (PHASE - PHASE[0]))),
    ):
        found = solve("gaincal", still, calmode=mode).param[:, 0]
        np.testing.assert_allclose(found, np.tile(expected, 2)[:, None] * np.ones(2), atol=1e-4)


def test_gains_are_normalised(still: str) -> None:
    for norm, power in (("mean", np.sqrt((AMPLITUDE**2).mean())), ("median", np.median(AMPLITUDE))):
        found = np.abs(solve("gaincal", still, solnorm=True, normtype=norm).param[:NANT, 0, 0])
        np.testing.assert_allclose(found, AMPLITUDE / power, rtol=1e-3)


def test_averages_before_a_solution(turning: str) -> None:
    """Phases that turn within the interval take nothing from amplitudes of times that are averaged no further than they stand still."""
    lost, kept = (np.abs(solve("gaincal", turning, calmode="a", preavg=p, minsnr=0.0).param) for p in (-1.0, 1.0))
    assert lost.min() < 0.5
    np.testing.assert_allclose(kept, 1.0, atol=1e-3)


def test_a_reference_that_is_missed(turning: str, tmp_path: Path) -> None:
    vis = observe(tmp_path, (AMPLITUDE * np.exp(1j * PHASE))[:, None, None])
    with MeasurementSet(vis, writable=True) as ms:
        times = ms.read("TIME")
        rows = np.flatnonzero((times == times.min()) & ((ms.read("ANTENNA1") == 2) | (ms.read("ANTENNA2") == 2)))
        ms.write("FLAG", np.ones((len(rows), 8, 4), dtype=bool), rows)
    for mode in ("flex", "strict"):
        table = solve("gaincal", vis, refant="EA03", refantmode=mode, solint="int", combine="")
        first = table.time_s == table.time_s.min()
        assert table.flag[first & (table.antenna1 == 2)].all() and not table.flag[~first].any()
        assert table.flag[first].all() == (mode == "strict")


def test_outliers_beyond_thresholds_are_left_out(still: str, tmp_path: Path) -> None:
    vis = observe(tmp_path, (AMPLITUDE * np.exp(1j * PHASE))[:, None, None], noise=0.01)
    with MeasurementSet(vis, writable=True) as ms:
        data, at = ms.read("DATA"), np.flatnonzero(ms.read("ANTENNA1") == 4)[::9]
        data[at] += 2.0
        ms.write("DATA", data, np.arange(ms.nrow))
    given: dict[str, Any] = {"solint": "inf", "preavg": 1.0, "calmode": "a"}
    plain = np.abs(solve("gaincal", vis, **given).param[:NANT, 0, 0])
    whole = np.abs(solve("gaincal", vis, **given, solmode="R", rmsthresh=[1e6]).param[:NANT, 0, 0])
    robust = np.abs(solve("gaincal", vis, **given, solmode="R", rmsthresh=[5.0, 3.0]).param[:NANT, 0, 0])
    np.testing.assert_allclose(whole, plain, rtol=1e-5)
    assert np.abs(plain - AMPLITUDE).max() > 0.01 > 5 * np.abs(robust - AMPLITUDE).max()


@pytest.mark.parametrize(("task", "kind"), [("gaincal", {}), ("bandpass", {})])
def test_flags_of_single_correlations(still: str, tmp_path: Path, task: str, kind: dict[str, Any]) -> None:
    """Of samples of which LL is flagged RR counts with `corrdepflags`, and nothing does without."""
    vis = observe(tmp_path, (AMPLITUDE * np.exp(1j * PHASE))[:, None, None], noise=0.1)
    with MeasurementSet(vis, writable=True) as ms:
        flag, data = ms.read("FLAG"), ms.read("DATA")
        some = (np.arange(ms.nrow) % 3 == 0)[:, None] & np.ones(8, dtype=bool)
        data[some] *= 2.0
        ms.write("DATA", data, np.arange(ms.nrow))
        flag[some, 3] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    apart, joined = (np.abs(solve(task, vis, corrdepflags=d, **kind).param[:NANT]).mean(axis=(0, 1)) for d in (True, False))
    assert apart[0] == pytest.approx(joined[0] * np.sqrt(4 / 3), rel=0.02) and apart[1] == pytest.approx(joined[1], rel=1e-6)


def risen(vis: str, **given: Any) -> float:
    """What the phase of antenna 5 rises from the first to the last time, along its spline [deg]."""
    casatasks.gaincal(
        vis, "o", spw="0", gaintype="GSPLINE", calmode="p", splinetime=3600.0, refant="EA01", smodel=[1.0, 0, 0, 0], combine="scan", **given
    )  # fmt: skip
    curves = read_curves("o")
    row = int(np.flatnonzero(curves.antenna == 5)[0])
    times = np.linspace(curves.domain[row][0], curves.domain[row][-1], 2000)
    phase = np.unwrap(np.angle(spline_gains(curves, row, times, float(curves.reference_hz[row]))[:, 0]))
    return float(np.rad2deg(abs(phase[-1] - phase[0])))


def test_phases_wrap_beyond_a_limit_and_near_points_before(tmp_path: Path) -> None:
    """From 170 to -170 degrees it is 20 degrees up where jumps above 180 are wraps, 340 down where only those above 350 are."""
    step, slope = np.zeros((NANT, 36, 1)), np.zeros((NANT, 36, 1))
    step[5] = np.deg2rad(170.0)
    step[5, 18:] = np.deg2rad(-170.0)
    slope[5, :, 0] = np.deg2rad(40.0) * np.arange(36)
    for number, (phase, cases) in enumerate(
        (
            (step, (({"phasewrap": 180.0, "npointaver": 1}, 20.0), ({"phasewrap": 350.0, "npointaver": 1}, 340.0))),
            (slope, (({"npointaver": 1}, 1400.0), ({"npointaver": 3}, 1400.0))),
        )
    ):
        (tmp_path / str(number)).mkdir()
        vis = observe(tmp_path / str(number), np.exp(1j * phase))
        for given, expected in cases:
            assert risen(vis, **given) == pytest.approx(expected, abs=15.0)
    # The mean of twenty points trails behind by 420 degrees.
    assert risen(vis, npointaver=20) < 1000


def test_channels_between_others_are_filled(shaped: str, tmp_path: Path) -> None:
    vis = observe(tmp_path, BAND[:, None])
    with MeasurementSet(vis, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[:, 3:5] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    expected = BAND * np.exp(-1j * np.angle(BAND[0]))
    for gaps in (0, 1, 2):
        table = solve("bandpass", vis, fillgaps=gaps)
        assert table.flag[:, 3:5].all() == (gaps < 2) and not table.flag[:, [0, 1, 2, 5, 6, 7]].any()
        if gaps == 2:  # straight in amplitude and phase between the channels at both ends
            near = np.abs(expected[:, [2, 5]])
            np.testing.assert_allclose(np.abs(table.param[:, 3, 0]), near @ [2 / 3, 1 / 3], rtol=1e-3)
            np.testing.assert_allclose(np.abs(table.param[:, 4, 0]), near @ [1 / 3, 2 / 3], rtol=1e-3)


def polynomial(vis: str, **given: Any) -> np.ndarray:
    casatasks.bandpass(
        vis, "o", spw="0", bandtype="BPOLY", refant="EA01", combine="scan", smodel=[1.0, 0, 0, 0], **{"maskedge": 0, **given}
    )
    curves = read_curves("o")
    hz = MeasurementSet(vis).metadata.spectral_windows[0].chan_freq_hz
    return np.stack(
        [chebyshev_gains(curves, int(np.flatnonzero(curves.antenna == a)[0]), hz)[0][:, 0] for a in range(NANT)]
    )  # (ant, chan)


def test_degrees_and_masks_of_polynomials(shaped: str, tmp_path: Path) -> None:
    truth = BAND * np.exp(-1j * np.angle(BAND[0]))
    fine = polynomial(shaped, degamp=5, degphase=5)
    np.testing.assert_allclose(fine, truth, rtol=3e-3)
    flat = polynomial(shaped, degamp=5, degphase=0)
    np.testing.assert_allclose(np.abs(flat), np.abs(truth), rtol=3e-3)
    np.testing.assert_allclose(np.ptp(np.unwrap(np.angle(flat)), axis=1), 0, atol=1e-5)
    level = polynomial(shaped, degamp=0, degphase=5)
    np.testing.assert_allclose(np.ptp(np.abs(level), axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(np.angle(level), np.angle(truth), atol=3e-3)
    # What is masked may be anything.
    bad = observe(tmp_path, BAND[:, None])
    for name, channels in (("maskcenter", [3, 4]), ("maskedge", [0, 7])):
        with MeasurementSet(bad, writable=True) as ms:
            data = ms.read("DATA")
            spoilt = data.copy()
            spoilt[:, channels] *= 3.0
            ms.write("DATA", spoilt, np.arange(ms.nrow))
        kept = [k for k in range(8) if k not in channels]
        given = {"degamp": 2, "degphase": 2, name: 2 if name == "maskcenter" else 13}
        np.testing.assert_allclose(polynomial(bad, **given)[:, kept], truth[:, kept], rtol=0.05)
        assert np.abs(polynomial(bad, degamp=2, degphase=2)[:, kept] / truth[:, kept] - 1).max() > 0.1
        with MeasurementSet(bad, writable=True) as ms:
            ms.write("DATA", data, np.arange(ms.nrow))


@pytest.mark.parametrize("task", ["gaincal", "bandpass", "blcal"])
def test_parallactic_angles_turn_the_model(tmp_path: Path, task: str) -> None:
    """Linear feeds see a polarised source turn: with `parang` the model turns with it and the gains are one."""
    source = (1.0, 0.3, 0.1, 0.0)
    vis = make_polarised(
        tmp_path, np.eye(2)[None, None, None] * np.ones((NANT, 1, 1, 1, 1)), source=source, basis="linear", noise=1e-4
    )
    casatasks.setjy(vis, field="0", standard="manual", fluxdensity=list(source))
    far = {}
    for parang in (True, False):
        getattr(casatasks, task)(
            vis, "o", solint="int", parang=parang, **({} if task == "blcal" else {"refant": "EA01", "minsnr": 0.0, "combine": ""})
        )
        far[parang] = float(np.abs(np.concatenate([g.param[~g.flag] for g in CalTable.open("o").groups]) - 1).max())
    assert far[True] < 2e-3 and far[False] > 0.05


def test_parallactic_angles_turn_the_phases_of_far_antennas(still: str, tmp_path: Path) -> None:
    """A fringe fit with `parang` has phases without the angles, which differ by longitude."""
    vis = observe(tmp_path, np.ones((NANT, 1, 1)))
    with open_table(f"{vis}/ANTENNA", writable=True) as antennas:
        place = antennas.getcol("POSITION")
        turn = 0.4
        place[5] = [
            place[5, 0] * np.cos(turn) - place[5, 1] * np.sin(turn),
            place[5, 0] * np.sin(turn) + place[5, 1] * np.cos(turn),
            place[5, 2],
        ]
        antennas.putcol("POSITION", place)
    found = []
    for parang in (False, True):
        casatasks.fringefit(vis, "o", spw="0", refant="EA01", solint="60s", minsnr=0.0, parang=parang)
        found.append(CalTable.open("o"))
    at = found[0].antenna1 == 5
    change = np.angle(np.exp(1j * (found[1].param - found[0].param)))[at, 0][:, [0, 4]]
    with MeasurementSet(vis) as ms:
        field = ms.metadata.fields[0]
        toward = Direction(float(field.phase_dir[0][0]), float(field.phase_dir[0][1]), field.phase_frame)
        angle = feed_angles(found[0].time_s[at], toward, place, [a.mount for a in ms.metadata.antennas])
    expected = angle[:, 5] - angle[:, 0]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(change, np.stack([expected, -expected], axis=-1), atol=2e-3)


def test_intervals_and_hands_of_factors(still: str) -> None:
    """Factors of baselines: for each integration or as asked, amplitudes alone, phases alone."""
    gain = AMPLITUDE * np.exp(1j * PHASE)
    for mode, form in (("ap", lambda v: v), ("a", np.abs), ("p", lambda v: v / np.abs(v))):
        for solint, count in (("inf", 1), ("int", 36)):
            casatasks.blcal(still, "o", spw="0", solint=solint, calmode=mode, combine="scan")
            table = CalTable.open("o")
            good = ~table.flag[:, 0, 0]
            assert len(np.unique(table.time_s)) == count
            one, two = table.antenna1[good], table.antenna2[good]
            np.testing.assert_allclose(table.param[good, 0, 0], form(gain[one] * gain[two].conj()), rtol=3e-3)


POLTYPES = {
    "D": "D", "Df": "Df", "D+X": "D", "Df+X": "Df", "D+QU": "D", "Df+QU": "Df", "Dgen": "Dgen", "Dfgen": "Dfgen", "Dgen+X": "Dgen", "Dfgen+X": "Dfgen",
    "Dgen+QU": "Dgen", "Dfgen+QU": "Dfgen", "Dlls": "DLLS", "Dflls": "DfLLS", "X": "X", "Xf": "Xf", "Xj": "X", "PosAng": "PosAng",
}  # fmt: skip


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, np.ndarray]:
    draw = np.random.default_rng(3)
    leak = 0.03 * (draw.normal(size=(NANT, 2)) + 1j * draw.normal(size=(NANT, 2)))
    jones = np.tile(np.eye(2, dtype=complex), (NANT, 1, 1, 1, 1))
    jones[..., 0, 1], jones[..., 1, 0] = leak[:, 0, None, None], leak[:, 1, None, None]
    return unflagged(make_polarised(tmp_path_factory.mktemp("leaky"), jones, noise=1e-3)), leak


@pytest.mark.parametrize("poltype", POLTYPES)
def test_every_kind_of_polarisation(leaky: tuple[str, np.ndarray], poltype: str) -> None:
    """Leakages as they were put in, but for one offset that all share; phases between the hands of nought."""
    vis, leak = leaky
    source = [2.0, 0.11, -0.07, 0.0]
    casatasks.polcal(vis, "o", spw="0", poltype=poltype, refant="EA01", smodel=[2.0, 0, 0, 0] if "QU" in poltype else source)
    table = CalTable.open("o")
    assert table.vis_cal == f"{POLTYPES[poltype]} Jones" and not table.flag.any()
    if poltype[0] == "D":
        apart = table.param.mean(axis=1) - leak
        np.testing.assert_allclose(apart - apart[0], 0, atol=4e-3)
    elif poltype == "PosAng":
        np.testing.assert_allclose(table.param, 0, atol=0.02)
    else:
        np.testing.assert_allclose(np.angle(table.param), 0, atol=0.05)


def test_intervals_of_leakages(leaky: tuple[str, np.ndarray]) -> None:
    """Each interval has its rows; integrations 823 s apart are averaged where `preavg` is longer."""
    vis, leak = leaky
    given: dict[str, Any] = {"spw": "0", "poltype": "D+QU", "smodel": [2.0, 0, 0, 0], "refant": ""}
    counts, found = [], []
    for more in ({}, {"solint": "3h"}, {"preavg": 800.0}, {"preavg": 1e5}):
        casatasks.polcal(vis, "o", **{**given, **more})
        table = CalTable.open("o")
        counts.append(len(np.unique(table.time_s)))
        apart = table.param[:NANT, 0] - leak
        assert np.abs(apart - apart[0]).max() < 4e-3
        found.append(apart)
    assert counts == [1, 3, 1, 1]
    # Of averages over all times a source that turns is told from leakages less well.
    np.testing.assert_array_equal(found[2], found[0])
    assert np.abs(found[3]).max() > 1.5 * np.abs(found[0]).max()


@pytest.mark.parametrize("gaintype", ["XY+QU", "XYf+QU"])
def test_phases_between_linear_feeds(tmp_path: Path, gaintype: str) -> None:
    """The phase that was put in and the polarisation of a source that nothing is known of."""
    jones = np.tile(np.diag([np.exp(0.7j), 1.0]), (NANT, 1, 1, 1, 1))
    vis = make_polarised(tmp_path, jones, basis="linear", noise=1e-4, source=(2.0, 0.11, -0.07, 0.0))
    casatasks.gaincal(vis, "o", spw="0", gaintype=gaintype, combine="scan", preavg=1.0, refant="EA01", smodel=[2.0, 0, 0, 0])
    table = CalTable.open("o")
    phase = np.angle(table.param[:, :, 0] / table.param[:, :, 1])
    np.testing.assert_allclose(np.abs(np.sin(phase - 0.7)), 0, atol=5e-3)
    q, u = np.atleast_2d(table.keywords["QU"]["QU"])[0]
    np.testing.assert_allclose(np.hypot(q, u), np.hypot(0.11, 0.07) / 2, rtol=0.02)


def test_hands_of_a_fringe_fit(tmp_path: Path) -> None:
    """Without LL of an antenna the average of both hands leaves it out, that of whichever is there does not."""
    vis = str(unpack("simvla.ms", tmp_path))
    with MeasurementSet(vis, writable=True) as ms:
        flag = ms.read("FLAG")
        flag[(ms.read("ANTENNA1") == 4) | (ms.read("ANTENNA2") == 4), :, 3] = True
        ms.write("FLAG", flag, np.arange(ms.nrow))
    good = {}
    for hands in ("none", "stokes", "parallel"):
        for dep in (False, True):
            casatasks.fringefit(vis, "o", field="0", spw="0", refant="EA01", minsnr=0.0, corrcomb=hands, corrdepflags=dep)
            table = CalTable.open("o")
            good[hands, dep] = (~table.flag[table.antenna1 == 4][0, 0, [0, 4]]).tolist()
            if hands != "none":
                np.testing.assert_array_equal(table.param[..., :4], table.param[..., 4:])
    assert good["none", True] == [True, False] and good["parallel", True] == [True, True]
    assert good["stokes", True] == [False, False] and good["none", False] == [False, False]
