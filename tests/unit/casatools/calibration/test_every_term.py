"""Corrupt and recover bandpasses, delays and fringes with known truth, and for every kind of table: applying, then corrupting, is the identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.solve_fringes import dispersion_term
from casatools.calibration.solve_options import FringeOptions, SolveOptions
from casatools.calibration.solve_session import PriorTables, solve_to_table
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from support.polarised import NANT, SOURCE, leaky_jones, make_polarised

FREQUENCY = 1.4e9 + 4e6 * np.arange(8)
DELAY_NS = np.random.default_rng(6).uniform(-20, 20, (NANT, 2))
DELAY_NS[0] = 0


def _diagonal(values: np.ndarray) -> np.ndarray:
    """Matrices (ant, 1, chan, 2, 2) from (ant, chan, 2)."""
    jones = np.zeros((*values.shape, 2), dtype=complex)
    jones[..., 0, 0], jones[..., 1, 1] = values[..., 0], values[..., 1]
    return jones[:, None]


def _solve(vis: str, kind: str, priors: PriorTables | None = None, **options: Any) -> CalTable:
    chosen = SolveOptions(**{"kind": kind, "refant": "EA01", "smodel": SOURCE, "combine": "obs,scan", **options})
    solve_to_table(vis, f"o.{kind}", Selection(spw="0"), chosen, priors or PriorTables(parang=True))
    return CalTable.open(f"o.{kind}")


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_bandpasses_come_back(tmp_path: Path, basis: str) -> None:
    rng = np.random.default_rng(3)
    band = rng.uniform(0.7, 1.3, (NANT, 8, 2)) * np.exp(1j * rng.uniform(-2, 2, (NANT, 8, 2)))
    vis = make_polarised(tmp_path / basis, _diagonal(band), basis=basis, noise=1e-4)
    table = _solve(vis, "B")
    expected = band * np.exp(-1j * np.angle(band[:1]))
    # The simulator flags the first channel of one antenna.
    assert not table.flag[:, 1:].any()
    np.testing.assert_allclose(table.param[:, 1:], expected[:, 1:], atol=1e-3)
    normalized = _solve(vis, "B", solnorm=True)
    power = np.ma.masked_array(np.abs(normalized.param) ** 2, normalized.flag).mean(axis=1)
    np.testing.assert_allclose(power, 1, atol=1e-6)


@pytest.mark.parametrize("basis", ["circular", "linear"])
@pytest.mark.parametrize("kind", ["K", "FRINGE"])
def test_delays_come_back(tmp_path: Path, basis: str, kind: str) -> None:
    turning = np.exp(2j * np.pi * DELAY_NS[:, None] * 1e-9 * (FREQUENCY - FREQUENCY[0])[:, None])
    vis = make_polarised(tmp_path / basis, _diagonal(turning), source=(2.0, 0, 0, 0), basis=basis, noise=1e-4)
    table = _solve(vis, kind, smodel=(2.0, 0, 0, 0))
    found = table.param[:, 0] if kind == "K" else table.param[:, 0][:, [1, 5]]
    # Peaks of transforms (K) are interpolated.
    np.testing.assert_allclose(found, DELAY_NS, atol=0.01 if kind == "K" else 1e-3)


@pytest.mark.parametrize("basis", ["circular", "linear"])
@pytest.mark.parametrize("dispersive", [False, True])
def test_fringes_come_back(tmp_path: Path, basis: str, dispersive: bool) -> None:
    """Phases, delays (ns), rates (s/s) and, where they are looked for, dispersions (MHz) of both receptors."""
    rng = np.random.default_rng(7)
    largest = np.array([2.0, 20.0, 1.5e-13, 1.5e6 if dispersive else 0.0])
    truth = rng.uniform(-1, 1, (NANT, 2, 4)) * largest
    truth[0] = 0
    with MeasurementSet(make_polarised(tmp_path / "times", np.tile(np.eye(2), (NANT, 1, 1, 1, 1)), basis=basis)) as ms:
        times = np.unique(ms.read("TIME"))
    middle = FREQUENCY.mean()
    terms = np.array([
        np.ones((len(times), 8)),
        np.broadcast_to(2e-9 * np.pi * (FREQUENCY - middle), (len(times), 8)),
        np.broadcast_to(2 * np.pi * middle * (times - times.mean())[:, None], (len(times), 8)),
        np.broadcast_to(dispersion_term(FREQUENCY, FREQUENCY[0], FREQUENCY[-1]), (len(times), 8)),
    ])  # fmt: skip
    jones = np.zeros((NANT, len(times), 8, 2, 2), dtype=complex)
    jones[..., [0, 1], [0, 1]] = np.exp(1j * np.einsum("aqp,ptc->atcq", truth, terms))
    vis = make_polarised(tmp_path / "data", jones, source=(2.0, 0, 0, 0), basis=basis, noise=1e-4)
    table = _solve(vis, "FRINGE", smodel=(2.0, 0, 0, 0), fringe=FringeOptions(active=(True, True, dispersive)))
    found = table.param[:, 0].reshape(NANT, 2, 4)
    # Phases are those at the time of the solutions.
    phase = truth[..., 0] + 2 * np.pi * middle * (table.time_s[0] - times.mean()) * truth[..., 2]
    np.testing.assert_allclose(np.angle(np.exp(1j * (found[..., 0] - phase))), 0, atol=3e-3)
    unit = np.where(largest > 0, largest, 1.0)[1:]
    np.testing.assert_allclose(found[..., 1:] / unit, truth[..., 1:] / unit, atol=3e-3)


@pytest.fixture(scope="module", params=["circular", "linear"])
def tables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Leaky data with gains, and a table of every kind that can be solved from them."""
    folder, basis = tmp_path_factory.mktemp("every"), request.param
    vis = make_polarised(folder / "data", leaky_jones(0.02, 0.4, gains=True), basis=basis, noise=1e-3)
    made: dict[str, str] = {}
    kinds = ["G", "T", "B", "K", "KCROSS", "FRINGE", "D", "DFGEN", "DFLLS", "X", "XF", "POSANG", "M", "MF", "A"]
    for kind in [*kinds, *(["XY+QU", "XYF+QU", "XPARANG+QU"] if basis == "linear" else [])]:
        chosen = SolveOptions(kind=kind, refant="EA01", smodel=SOURCE, combine="obs,scan", preavg=300.0, minsnr=0.0)
        made[kind] = str(folder / kind)
        solve_to_table(vis, made[kind], Selection(spw="0"), chosen, PriorTables(parang=True))
    common: dict[str, Any] = {
        "vis": vis,
        "refant": "EA01",
        "smodel": [SOURCE[0], 0.0, 0.0, 0.0],
        "minsnr": 0.0,
        "combine": "obs,scan",
    }
    made |= {k: str(folder / k) for k in ("GSPLINE", "BPOLY", "antpos", "opac")}
    casatasks.gaincal(**{**common, "spw": "0:3"}, caltable=made["GSPLINE"], gaintype="GSPLINE", splinetime=20000.0)
    casatasks.bandpass(**{**common, "spw": "0"}, caltable=made["BPOLY"], bandtype="BPOLY", visnorm=True)
    casatasks.gencal(vis, caltable=made["antpos"], caltype="antpos", antenna="EA03", parameter=[0.01, -0.02, 0.03])
    casatasks.gencal(vis, caltable=made["opac"], caltype="opac", spw="0", parameter=[0.02])
    return vis, made


def test_applying_then_corrupting_is_the_identity(tables: tuple[str, dict[str, str]]) -> None:
    vis, made = tables
    for kind, path in {**made, "parang": ""}.items():
        with MeasurementSet(vis) as ms:
            library = CalibrationLibrary.from_lists(ms, [path] if path else [])
            calibration = PriorCalibration(ms, library, parang=not path)
            chunk = next(iter_chunks(ms, Selection(spw="0").resolve(ms), [*calibration.columns, "DATA", "FLAG"]))
            data, flag = chunk["DATA"].copy(), chunk["FLAG"].copy()
            corrected, flag, _ = calibration.correct(chunk, data.copy(), flag)
            assert flag.mean() < 0.3 and np.abs((corrected - data)[~flag]).max() > 1e-4, kind
            again = calibration.corrupt(chunk, corrected.copy())
            np.testing.assert_allclose(again[~flag], data[~flag], atol=2e-5, err_msg=kind)


def test_a_chain_of_terms_applied_then_corrupted_is_the_identity(tables: tuple[str, dict[str, str]]) -> None:
    """Every order of the terms at once, with the parallactic angle."""
    vis, made = tables
    chain = [made[k] for k in ("MF", "K", "B", "G", "KCROSS", "DFGEN", "XF", "opac", "T", "antpos", "GSPLINE")]
    with MeasurementSet(vis) as ms:
        calibration = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, chain), parang=True)
        chunk = next(iter_chunks(ms, Selection(spw="0").resolve(ms), [*calibration.columns, "DATA", "FLAG"]))
        data = chunk["DATA"].copy()
        corrected, flag, _ = calibration.correct(chunk, data.copy(), chunk["FLAG"].copy())
        again = calibration.corrupt(chunk, corrected.copy())
    assert flag.mean() < 0.3
    np.testing.assert_allclose(again[~flag], data[~flag], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("basis", ["circular", "linear"])
def test_true_tables_give_the_sky(tmp_path: Path, basis: str) -> None:
    """Data that numpy corrupts by K B G D X P (leakages to all orders): tables of what was put in leave the source's visibilities, in every correlation."""
    rng = np.random.default_rng(12)
    delay = np.exp(2j * np.pi * DELAY_NS[:, None] * 1e-9 * (FREQUENCY - FREQUENCY.mean())[:, None])
    band, gain = (rng.uniform(0.7, 1.3, (NANT, n, 2)) * np.exp(1j * rng.uniform(-2, 2, (NANT, n, 2))) for n in (8, 36))
    leak = 0.1 * (rng.normal(size=(NANT, 2)) + 1j * rng.normal(size=(NANT, 2)))
    matrix = np.tile(np.eye(2, dtype=complex), (NANT, 1, 1))
    matrix[:, 0, 1], matrix[:, 1, 0] = leak.T
    cross = np.exp(0.7j)
    diagonal = gain[:, :, None] * (delay * band)[:, None]
    vis = make_polarised(tmp_path / basis, diagonal[..., None] * (matrix @ np.diag([cross, 1]))[:, None, None], basis=basis)
    truth = {"K": DELAY_NS[:, None], "B": band, "G": gain, "DGEN": leak[:, None], "X": np.array([cross, 1])[None, None, :1]}
    made = []
    for kind, values in truth.items():
        # A table of the right shape and times, whose numbers are replaced.
        table = _solve(vis, kind, minsnr=0.0, solint="int" if kind == "G" else "inf", smodel=SOURCE)
        group = table.groups[0]
        steps = group.param.shape[0] // NANT
        each = (
            values.transpose(1, 0, 2)[:, :, None]
            if kind == "G"
            else np.broadcast_to(values, (steps, NANT, *group.param.shape[1:]))
        )
        group.param[...] = each.reshape(group.param.shape)
        group.flag[...] = False
        made.append(str(tmp_path / f"true.{kind}.{basis}"))
        table.write(made[-1], overwrite=True)
    casatasks.applycal(vis, spw="0", gaintable=made, interp=["nearest"] * 5, parang=True, calwt=[False], flagbackup=False)
    i, q, u, v = SOURCE
    sky = {"circular": [i + v, q + 1j * u, q - 1j * u, i - v], "linear": [i + q, u + 1j * v, u - 1j * v, i - q]}[basis]
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 0)
        corrected, flag = ms.read("CORRECTED_DATA", rows), ms.read("FLAG", rows)
    assert flag.mean() < 0.1
    np.testing.assert_allclose(corrected[~flag], np.broadcast_to(np.array(sky), corrected.shape)[~flag], atol=2e-5)


def test_times_in_atomic_time_turn_feeds_as_those_in_utc(tmp_path: Path) -> None:
    """Files of the old VLA count in TAI: the feeds turn by when it was, 37 s earlier than the numbers read as UTC."""
    from casacore.tables import table as raw

    from casatools.calibration.stages import ParallacticStage
    from casatools.flagging.geometry import antenna_elevations_deg

    vis = make_polarised(tmp_path / "data", np.tile(np.eye(2), (NANT, 1, 1, 1, 1)))
    found, elevation = [], []
    for scale, later in (("UTC", 0.0), ("TAI", 37.0)):
        with raw(vis, readonly=False, ack=False) as main:
            info = main.getcolkeyword("TIME", "MEASINFO")
            main.putcolkeyword("TIME", "MEASINFO", {**info, "Ref": scale})
            main.putcol("TIME", main.getcol("TIME") + later)
        with MeasurementSet(vis) as ms:
            rows = np.arange(ms.nrow)
            columns = {c: ms.read(c, rows) for c in ("TIME", "FIELD_ID", "ANTENNA1", "ANTENNA2")}
            times = np.unique(columns["TIME"])
            found.append(ParallacticStage(ms).angles(times, np.zeros(len(times), dtype=int)))
            elevation.append(antenna_elevations_deg(ms, columns)[0])  # type: ignore[arg-type]
    np.testing.assert_allclose(found[0], found[1], atol=1e-8)
    np.testing.assert_allclose(elevation[0], elevation[1], atol=1e-7)
