"""Solves of a simulated observation; numbers of CASA 6.7 on the same data (simvla.ms, model 1 Jy, refant EA01)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError
from casatools.calibration.solve import SolveResult, solve
from casatools.calibration.solve_data import make_solve_input
from casatools.calibration.solve_delays import frequency_grid
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import LAST_WEIGHED, PriorTables
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from support.shared import unpack


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(unpack("simvla.ms", tmp_path_factory.mktemp("solve")))


def _solve(vis: str, selection: dict[str, str], **options: Any) -> SolveResult:
    with MeasurementSet(vis) as ms:
        return solve(ms, Selection(**selection).resolve(ms), SolveOptions(**{"refant": "EA01", **options}))


def test_gains_equal_those_of_casa(vis: str, tmp_path: Path) -> None:
    """cal.T's companion cal.G was solved by CASA with a model; with 1 Jy amplitudes of field 1 (1 Jy) are the same."""
    reference = CalTable.open(str(unpack("cal.G", tmp_path)))
    assert _solve(vis, {"field": "1"}).table.nrow == (reference.field_id == 1).sum()


def test_layout(vis: str) -> None:
    table = _solve(vis, {"field": "0,1"}).table
    assert table.nrow == 64
    assert table.spw_id.tolist() == [0] * 32 + [1] * 32
    assert table.scan[:32:8].tolist() == [1, 2, 4, 6]
    assert set(table.antenna2.tolist()) == {0}
    np.testing.assert_allclose(np.angle(table.param[::8]), 0, atol=1e-6)
    # Signal to noise is amplitude over error.
    np.testing.assert_allclose(table.snr, np.abs(table.param) / table.paramerr, rtol=1e-4)


def test_bandpass_reproduces_the_gain_when_averaged(vis: str) -> None:
    gain = _solve(vis, {"field": "0", "spw": "0:3"}).table
    band = _solve(vis, {"field": "0", "spw": "0"}, kind="B").table
    assert band.param.shape == (8, 8, 2)
    np.testing.assert_allclose(band.param[:, 3], gain.param[:, 0], rtol=1e-5)
    normal = _solve(vis, {"field": "0", "spw": "0"}, kind="B", solnorm=True).table
    power = np.ma.masked_array(np.abs(normal.param) ** 2, normal.flag)
    np.testing.assert_allclose(power.mean(axis=1), 1, rtol=1e-5)


def test_modes(vis: str) -> None:
    both = _solve(vis, {"field": "0"}).table
    phase = _solve(vis, {"field": "0"}, calmode="p").table
    amplitude = _solve(vis, {"field": "0"}, calmode="a").table
    np.testing.assert_allclose(np.abs(phase.param), 1, rtol=1e-6)
    np.testing.assert_allclose(np.angle(phase.param), np.angle(both.param), atol=0.05)
    np.testing.assert_allclose(amplitude.param.imag, 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(amplitude.param), np.abs(both.param), rtol=0.02)
    robust = _solve(vis, {"field": "0"}, solmode="R").table
    np.testing.assert_allclose(np.abs(robust.param), np.abs(both.param), rtol=0.03)
    assert _solve(vis, {"field": "0"}, solmode="L1R").table.nrow == 16
    assert _solve(vis, {"field": "0"}, kind="T").table.param.shape == (16, 1, 1)


def test_phases_are_of_gains_whose_amplitudes_are_free(vis: str) -> None:
    """Phases (degrees) and signal to noise that CASA gives for the weak field; receptors of different phase are fitted by one with T."""
    both = _solve(vis, {"scan": "3", "spw": "0"}, kind="G", calmode="p", minsnr=0.0).table
    np.testing.assert_allclose(np.degrees(np.angle(both.param[1:4, 0, 0])), [-50.99, 81.15, 2.61], atol=0.05)
    np.testing.assert_allclose(both.snr[1, 0], [15.8205, 14.3757], rtol=2e-3)
    one = _solve(vis, {"scan": "3", "spw": "0"}, kind="T", calmode="p", minsnr=0.0).table
    np.testing.assert_allclose(np.degrees(np.angle(one.param[1:4, 0, 0])), [-29.08, 12.72, -22.67], atol=0.05)
    # The crossed hands, in which the model is zero, are noise of the solution.
    assert one.snr[1, 0, 0] == pytest.approx(9.6477, rel=2e-3)


def _with_flags(folder: Path, choose: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """simvla.ms with RR flagged on some baselines, and sigmas of all kinds."""
    path = str(unpack("simvla.ms", folder))
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag, sigma = ms.read("FLAG"), ms.read("SIGMA")
        flag[choose(ms.read("ANTENNA1"), ms.read("ANTENNA2")), :, 0] = True
        ms.write("FLAG", flag, rows)
        ms.write("SIGMA", (sigma * np.random.default_rng(3).uniform(0.7, 1.4, sigma.shape)).astype(np.float32), rows)
    return path


def test_baselines_of_either_receptor_count(tmp_path: Path) -> None:
    """minblperant=7 of seven antennas: one that has lost RR keeps its LL, and the others both, as in CASA."""
    path = _with_flags(tmp_path, lambda a, b: (a == 2) | (b == 2))
    flag = _solve(path, {"field": "0", "spw": "0"}, refant="EA05", minblperant=7, minsnr=0.0, corrdepflags=True).table.flag[:, 0]
    assert flag.tolist() == [[k == 2, False] for k in range(8)]


def test_times_are_weighed_by_all_correlations_of_a_baseline(tmp_path: Path) -> None:
    """Mean time of each baseline by the weights of all correlations, of the solution by those of the parallel hands: CASA's to 1e-3 s."""
    path = _with_flags(tmp_path, lambda a, b: (a == 2) & (b == 4))
    table = _solve(path, {"field": "0", "spw": "0"}, corrdepflags=True).table
    with MeasurementSet(path) as ms:
        rows = Selection(field="0", spw="0").resolve(ms).rows
        time, ant1, ant2 = (ms.read(c, rows) for c in ("TIME", "ANTENNA1", "ANTENNA2"))
        weight = (~ms.read("FLAG", rows) * ms.read("SIGMA", rows)[:, None].astype(float) ** -2).sum(axis=1)
    baseline = ant1 * 8 + ant2
    every = np.bincount(baseline, weight.sum(axis=1))
    mean = np.bincount(baseline, weight.sum(axis=1) * (time - time[0]))[every > 0] / every[every > 0]
    parallel = np.bincount(baseline, weight[:, [0, 3]].sum(axis=1))[every > 0]
    np.testing.assert_allclose(table.time_s - time[0], (mean * parallel).sum() / parallel.sum(), atol=1e-3)
    assert abs(table.time_s[0] - time[0] - (weight.sum(axis=1) * (time - time[0])).sum() / weight.sum()) > 2e-3


def test_smodel_scales_the_gains(vis: str) -> None:
    one, four = (_solve(vis, {"field": "1"}, smodel=(s, 0.0, 0.0, 0.0)).table for s in (1.0, 4.0))
    np.testing.assert_allclose(np.abs(one.param), 2 * np.abs(four.param), rtol=1e-4)


def test_delays_put_the_phase_slope_to_zero(vis: str) -> None:
    """Delays of field 0 as CASA found them (its delays do not depend on the flux density of the model)."""
    table = _solve(vis, {"field": "0", "spw": "0"}, kind="K").table
    assert (table.vis_cal, table.par_type) == ("K Jones", "Float")
    np.testing.assert_allclose(table.param[0], 0)
    np.testing.assert_allclose(table.param[1, 0], [2.8461, 1.7380], atol=0.02)


def test_statistics(vis: str) -> None:
    record = _solve(vis, {"field": "0,1"}).statistics.record()
    assert record["expected"].tolist() == [8, 8]
    assert record["spw0"]["above_minsnr"].tolist() == [4, 4]
    assert record["spw1"]["ant0"]["used_as_refant"].tolist() == [4]


@pytest.mark.parametrize(
    ("selection", "options", "error", "text"),
    [
        ({"field": "0"}, {"refant": "NOPE"}, SelectionError, "NOPE"),
        ({"field": "0", "antenna": "EA01&EA02"}, {}, DataError, "minblperant"),
        ({"field": "0"}, {"kind": "Z"}, ParameterError, "Z"),
        ({"field": "0"}, {"calmode": "x"}, ParameterError, "calmode"),
        ({"field": "0"}, {"smodel": (1.0,)}, ParameterError, "smodel"),
        ({"field": "0"}, {"rmsthresh": (-1.0,)}, ParameterError, "rmsthresh"),
        ({"field": "0"}, {"kind": "K", "refant": ""}, ParameterError, "refant"),
        ({"field": "9"}, {}, SelectionError, "field"),
    ],
)
def test_refusals(vis: str, selection: dict[str, str], options: dict[str, Any], error: type[CasaError], text: str) -> None:
    with pytest.raises(error, match=text):
        _solve(vis, selection, **options)


def test_flagged_data(vis: str, tmp_path: Path) -> None:
    path = str(unpack("simvla.ms", tmp_path))
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag = ms.read("FLAG")
        flag[:, :, 3] = True
        ms.write("FLAG", flag, rows)
    # One correlation that is flagged throughout does not spoil the other.
    table = _solve(path, {"field": "0"}, kind="B").table
    np.testing.assert_array_equal(table.flag[..., 0], _solve(vis, {"field": "0"}, kind="B").table.flag[..., 0])
    assert table.flag[..., 1].all()
    with MeasurementSet(path, writable=True) as ms:
        ms.write("FLAG", np.ones_like(flag), rows)
    with pytest.raises(DataError, match="flagged"):
        _solve(path, {"field": "0"})


def test_delays_of_joined_windows(vis: str) -> None:
    """The two windows' delays are near each other; joined there is one solution at their middle, between them or an ambiguity off."""
    alone = _solve(vis, {"field": "0"}, kind="K").table
    joined = _solve(vis, {"field": "0"}, kind="K", combine="spw").table
    assert (alone.nrow, joined.nrow, set(joined.spw_id)) == (16, 8, {0})
    windows = joined.subtables["SPECTRAL_WINDOW"].columns
    assert windows["CHAN_FREQ"][0].tolist() == [1.514e9] and list(windows["FLAG_ROW"]) == [False, True]
    # The ambiguity is that of the windows' separation.
    turns = (joined.param[1:, 0] - alone.param[1:8, 0]) * 0.2
    assert np.abs(joined.param[0]).max() == 0 and np.isfinite(turns).all()
    with pytest.raises(DataError, match="span"):
        frequency_grid(np.array([0.0, 1.0, 2.0, 1e9]))


def test_a_bandpass_weighs_each_channel(vis: str, tmp_path: Path) -> None:
    """Weights of channels follow the bandpass that is applied before a solve, as CASA's bandpasses of several channels show to 1e-4."""
    band = _solve(vis, {"field": "0", "spw": "0"}, kind="B", minsnr=0.0).table
    band.write(str(tmp_path / "B"), overwrite=True)
    with MeasurementSet(vis) as ms:
        prior = PriorTables([str(tmp_path / "B")]).open(ms, by_channel=True)
        given = make_solve_input(ms, Selection(field="0", spw="0").resolve(ms), SolveOptions(kind="B", refant="EA01"), prior)
        chunk = next(iter(iter_chunks(ms, given.selected, given.columns)))
        weight = given.prepared(chunk)[3][..., [0, 3]]
        power = np.abs(band.param) ** 2
        expected = chunk["SIGMA"][:, None, [0, 3]] ** -2.0 * power[chunk["ANTENNA1"]] * power[chunk["ANTENNA2"]]
        good = ~(band.flag[chunk["ANTENNA1"]] | band.flag[chunk["ANTENNA2"]])  # a flagged channel takes its neighbours' solution
    assert good.mean() > 0.9
    np.testing.assert_allclose(weight[good], expected[good], rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "solint"), [("G", "int"), ("G", "45s"), ("B", "inf"), ("K", "60s"), ("D", "inf"), ("FRINGE", "inf")]
)
def test_chunks_do_not_matter(vis: str, monkeypatch: pytest.MonkeyPatch, kind: str, solint: str) -> None:
    """Intervals that are cut between chunks, some whole beside them, are those of one chunk."""
    from casatools.calibration import solve_data

    with MeasurementSet(vis, writable=True) as ms:  # RR is flagged throughout the first chunks, not throughout the data
        rows = np.flatnonzero(ms.read("TIME") < ms.read("TIME").min() + 40)
        flag = ms.read("FLAG", rows)
        flag[:, :, 0] = True
        ms.write("FLAG", flag, rows)
    whole = solve_data.iter_chunks
    found = []
    for size in (1 << 26, 20_000, 3_000):
        monkeypatch.setattr(solve_data, "iter_chunks", lambda *a, size=size, **k: whole(*a, chunk_bytes=size, **k))
        with MeasurementSet(vis) as ms:
            options = SolveOptions(
                kind=kind, solint=solint, refant="EA01", combine="scan", minsnr=0.0, smodel=(1.0, 0.1, 0.0, 0.0)
            )
            found.append(solve(ms, Selection(field="0").resolve(ms), options).table)
    for table in found[1:]:
        np.testing.assert_array_equal(table.flag, found[0].flag)
        np.testing.assert_allclose(table.param, found[0].param, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(table.time_s, found[0].time_s, atol=1e-5)


def test_libraries_weigh_solves(vis: str, tmp_path: Path) -> None:
    """Solves of gains weigh by the tables of a library whatever its lines say of calwt, those of T as they say; both as in CASA."""
    prior = _solve(vis, {"field": "0"}, solint="inf", refant="EA01", minsnr=0.0).table
    for group in prior.groups:
        group.param[prior.antenna1[group.rows] == 1] *= 3.0
    prior.write(str(tmp_path / "G"))
    lines = PriorTables(lines=f"caltable='{tmp_path}/G' calwt=False")
    with MeasurementSet(vis) as ms:
        selected = Selection(field="0", spw="0").resolve(ms)
        found = {kind: lines.open(ms, weighs=SolveOptions(kind=kind).solved.order <= LAST_WEIGHED) for kind in "GTB"}
        chunk = next(
            iter_chunks(
                ms,
                selected,
                ["DATA", "FLAG", "SIGMA", "ANTENNA1", "ANTENNA2", "TIME", "FIELD_ID", "OBSERVATION_ID", "SCAN_NUMBER"],
            )
        )
        weights = {}
        for kind, calibration in found.items():
            assert calibration is not None
            weights[kind] = calibration.correct(
                chunk, chunk["DATA"], chunk["FLAG"], np.ones((chunk.shape[0], 1, 4), dtype=np.float32)
            )[2]
    assert weights["T"] is not None and (weights["T"] == 1).all()
    np.testing.assert_array_equal(weights["G"], weights["B"])
    assert np.ptp(weights["G"]) > 1


def test_delays_across_a_gap_of_channels(tmp_path: Path) -> None:
    """Channels 0, 1, 5, 6 and 7: those put in come back (CASA 6.7 takes the channels for neighbours, and delays come out larger)."""
    path = str(unpack("simvla.ms", tmp_path))
    delay_ns = np.random.default_rng(1).uniform(-20, 20, (8, 2))
    with MeasurementSet(path, writable=True) as ms:
        first, second, ddid = (ms.read(c) for c in ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID"))
        frequency = np.array([w.chan_freq_hz for w in ms.metadata.spectral_windows])[ddid]
        made = np.zeros((ms.nrow, 8, 4), dtype=np.complex64)
        apart = (delay_ns[first] - delay_ns[second]) * 1e-9
        made[..., [0, 3]] = np.exp(2j * np.pi * frequency[..., None] * apart[:, None])
        ms.write("DATA", made, np.arange(ms.nrow))
        ms.write("FLAG", np.zeros(made.shape, dtype=bool), np.arange(ms.nrow))
    table = _solve(
        path, {"field": "0", "spw": "0:0~1;5~7"}, kind="K", solint="inf", combine="scan", smodel=(1.0, 0.0, 0.0, 0.0)
    ).table
    expected = delay_ns - delay_ns[0]
    found = table.param[:, 0].real.reshape(-1, 8, 2)
    assert not table.flag.any()
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=0.01)  # peaks are interpolated
