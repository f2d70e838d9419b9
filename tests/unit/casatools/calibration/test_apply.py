"""Calibration applied to a simulated MeasurementSet; behaviours are those measured on CASA 6.7."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import (
    DataError,
    ParameterError,
    PathMissingError,
    SelectionError,
    UnsupportedError,
)
from casatools.calibration.apply import PriorCalibration
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.correct import ApplyOptions, LibraryOptions, apply_calibration, correct_visibilities
from casatools.io.caltable import CalTable, SolutionGroup
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.tables import open_table

Input = Callable[[str], str]


@pytest.fixture
def vis(shared_input: Input) -> str:
    """simvla.ms with unit visibilities, no flags and SIGMA 0.5."""
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        shape = ms.read("DATA", rows).shape
        ms.write("DATA", np.ones(shape, dtype=np.complex64), rows)
        ms.write("FLAG", np.zeros(shape, dtype=bool), rows)
        ms.write("SIGMA", np.full((shape[0], shape[2]), 0.5, dtype=np.float32), rows)
    return path


@pytest.fixture
def gains(shared_input: Input) -> str:
    """cal.G with gains of 2 for antenna 1 and 1 for the others; in window 0 antenna 2 is flagged in its first polarization."""
    path = shared_input("cal.G")
    table = CalTable.open(path)
    for group in table.groups:
        group.param[...] = 1.0
        group.param[table.antenna1[group.rows] == 1] = 2.0
        group.flag[...] = False
        group.flag[(table.antenna1[group.rows] == 2) & (table.spw_id[group.rows] == 0), 0, 0] = True
    table.write(path)
    return path


def read(path: str, column: str, ant1: int, ant2: int, spw: int = 0) -> np.ndarray:
    with MeasurementSet(path) as ms:
        rows = np.arange(ms.nrow)
        keep = (ms.read("ANTENNA1") == ant1) & (ms.read("ANTENNA2") == ant2) & (ms.read("DATA_DESC_ID") == spw)
        return ms.read(column, rows[keep])


def run(
    path: str, mode: str = "calflag", parang: bool = False, select: dict[str, str] | None = None, **lists: object
) -> dict[str, int]:
    library = LibraryOptions(**{k: tuple(v) if isinstance(v, list) else v for k, v in lists.items()})  # type: ignore[arg-type]
    return correct_visibilities(path, select or {}, library, ApplyOptions(mode, parang))


def test_gains_are_divided_out_and_weights_follow(vis: str, gains: str) -> None:
    run(vis, gaintable=[gains])
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1), 0.5)
    assert np.allclose(read(vis, "WEIGHT", 0, 1), 4.0 * 4.0)  # 1 / sigma^2 times |g|^2
    assert np.allclose(read(vis, "WEIGHT", 0, 3), 4.0)
    # The flagged polarization of antenna 2: RR and LR of baseline 0-2 are flagged, the data stay as they are.
    assert read(vis, "FLAG", 0, 2)[0, 0].tolist() == [True, False, True, False]
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 2), 1.0)


def test_repeating_gives_the_same(vis: str, gains: str) -> None:
    run(vis, gaintable=[gains])
    first = read(vis, "WEIGHT", 0, 1)
    run(vis, gaintable=[gains])
    assert np.array_equal(first, read(vis, "WEIGHT", 0, 1))


def test_calwt_false_leaves_weights(vis: str, gains: str) -> None:
    before = read(vis, "WEIGHT", 0, 1)
    run(vis, gaintable=[gains], calwt=[False])
    assert np.array_equal(before, read(vis, "WEIGHT", 0, 1))


def test_modes(vis: str, gains: str) -> None:
    run(vis, "trial", gaintable=[gains])
    run(vis, "flagonly", gaintable=[gains])
    assert read(vis, "FLAG", 0, 2).sum() == 2 * 8 * 36
    with MeasurementSet(vis) as ms:
        assert not ms.has("CORRECTED_DATA")
    with MeasurementSet(vis, writable=True) as ms:
        ms.write("FLAG", np.zeros((ms.nrow, 8, 4), dtype=bool), np.arange(ms.nrow))
    run(vis, "calonly", gaintable=[gains])
    assert not read(vis, "FLAG", 0, 2).any()
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1), 0.5)


def test_strict_flags_windows_without_solutions(vis: str, gains: str) -> None:
    table = CalTable.open(gains)
    table.select(table.spw_id == 0).write(gains)
    run(vis, gaintable=[gains])
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1, spw=1), 1.0)
    assert not read(vis, "FLAG", 0, 1, spw=1).any()
    run(vis, "calflagstrict", gaintable=[gains])
    assert read(vis, "FLAG", 0, 1, spw=1).all()


def test_spwmap_and_selection(vis: str, gains: str) -> None:
    table = CalTable.open(gains)
    table.select(table.spw_id == 0).write(gains)
    run(vis, gaintable=[gains], spwmap=[0, 0], select={"spw": "1:2~3"})
    corrected = read(vis, "CORRECTED_DATA", 0, 1, spw=1)
    assert np.allclose(corrected[:, 2:4], 0.5)
    assert np.allclose(corrected[:, [0, 1, 4, 5, 6, 7]], 1.0)
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1, spw=0), 1.0)


def test_corrupt_undoes_correct(vis: str, shared_input: Input) -> None:
    tables = [shared_input(n) for n in ("cal.B", "cal.G", "cal.K")]
    with MeasurementSet(vis) as ms:
        calibration = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, tables), parang=True)
        chunk = next(iter_chunks(ms, Selection(spw="0").resolve(ms), ["DATA", "FLAG", *calibration.columns]))
        data = chunk["DATA"].copy()
        corrected, flag, _ = calibration.correct(chunk, chunk["DATA"].copy(), chunk["FLAG"].copy())
        assert np.abs(corrected - data).max() > 0.1
        back = calibration.corrupt(chunk, corrected.copy())
    assert np.allclose(back[~flag], data[~flag], atol=2e-5)


def test_delay_table_turns_phase_by_frequency(vis: str, shared_input: Input) -> None:
    path = shared_input("cal.K")
    table = CalTable.open(path)
    for group in table.groups:
        group.param[...] = 0.0
        group.param[table.antenna1[group.rows] == 1] = 5.0  # ns
        group.flag[...] = False
    table.write(path)
    run(vis, gaintable=[path])
    phase = np.unwrap(np.angle(read(vis, "CORRECTED_DATA", 0, 1)[0, :, 0]))
    assert np.allclose(np.diff(phase), 2 * np.pi * 5e-9 * 4e6, atol=1e-5)
    assert abs(np.interp(3.5, np.arange(8), phase)) < 1e-5  # zero at the middle of the window


def test_gainfield(vis: str, gains: str) -> None:
    table = CalTable.open(gains)
    for group in table.groups:
        group.flag[...] = False
        group.param[...] = np.where(table.field_id[group.rows] == 0, 2.0, 3.0)[:, None, None]
    table.write(gains)
    run(vis, gaintable=[gains], gainfield=["nearest"])
    with MeasurementSet(vis) as ms:
        fields, corrected = ms.read("FIELD_ID"), ms.read("CORRECTED_DATA")[:, 0, 0]
    assert np.allclose(corrected[fields == 0], 1 / 4)
    assert np.allclose(corrected[fields == 1], 1 / 9)
    run(vis, gaintable=[gains], gainfield=["1331+305"])
    with MeasurementSet(vis) as ms:
        assert np.allclose(ms.read("CORRECTED_DATA")[:, 0, 0], 1 / 4)


def test_library_file(vis: str, gains: str, tmp_path: Path) -> None:
    other = CalTable.open(gains)
    other.select(other.spw_id == 0).write(str(tmp_path / "half.G"))
    (tmp_path / "lib.txt").write_text(
        f"# tables\ncaltable='{gains}' calwt=False tinterp='nearest' fldmap='nearest' spw='0'\n"
        f"caltable='{gains}' tinterp='linear' fldmap=[0,1,1] spw='1'  # the other window\ncaltable='{tmp_path}/half.G' calwt=False\n"
    )
    run(vis, callib=str(tmp_path / "lib.txt"))
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1), 0.25)
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 1, spw=1), 0.5)  # half.G leaves window 1 as it is


@pytest.mark.parametrize(
    ("text", "message"),
    [("calwt=True\n", "no caltable"), ("caltable='x' nonsense\n", "cannot read"), ("caltable='x' silly=3\n", "unknown silly")],
)
def test_library_file_refuses(vis: str, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "lib.txt").write_text(text)
    with pytest.raises(ParameterError, match=message):
        run(vis, callib=str(tmp_path / "lib.txt"))


def test_library_file_by_intent(vis: str, gains: str, tmp_path: Path) -> None:
    with MeasurementSet(vis) as ms:
        state = ms.read("STATE_ID")
    states = open_table(f"{vis}/STATE", writable=True)
    states.addrows(max(0, 2 - states.nrows()))
    states.putcol("OBS_MODE", ["CALIBRATE_FLUX#ON_SOURCE", "OBSERVE_TARGET#ON_SOURCE"], 0, 2)
    states.close()
    main = open_table(vis, writable=True)
    main.putcol("STATE_ID", (np.arange(len(state)) % 56 >= 28).astype(np.int32))
    main.close()
    (tmp_path / "lib.txt").write_text(f"caltable='{gains}' intent='*TARGET*'\n")
    run(vis, callib=str(tmp_path / "lib.txt"))
    with MeasurementSet(vis) as ms:
        chosen = (ms.read("ANTENNA1") == 0) & (ms.read("ANTENNA2") == 1)
        data, state = ms.read("CORRECTED_DATA")[chosen], ms.read("STATE_ID")[chosen]
    assert set(state) == {0, 1}
    np.testing.assert_allclose(data[..., 0], np.broadcast_to(np.where(state == 1, 0.5, 1.0)[:, None], data.shape[:2]))


@pytest.mark.parametrize("interp", ["linear", "nearest", "linearPD"])
def test_one_solution_serves_all_times(vis: str, gains: str, interp: str) -> None:
    """Nothing can be interpolated with one solution: it holds throughout, as in CASA."""
    table = CalTable.open(gains)
    table.select(table.time_s == table.time_s[0]).write(gains)
    run(vis, gaintable=[gains], interp=[interp])
    np.testing.assert_allclose(read(vis, "CORRECTED_DATA", 0, 1)[..., 0], 0.5, rtol=1e-6)
    assert not read(vis, "FLAG", 0, 1).any()


@pytest.mark.parametrize(
    ("kind", "low_hz", "scaled"), [("G Jones", 4e6, True), ("T Jones", -14e6, True), ("B Jones", 0.0, False)]
)
def test_phases_of_a_delay_are_scaled_to_the_data(vis: str, gains: str, kind: str, low_hz: float, scaled: bool) -> None:
    """Solved in part of window 1 (1.6 GHz), applied to window 0: the phase of a delay that grows to 0.4 ns in its middle; not with channels."""
    table = CalTable.open(gains)
    windows = table.subtables["SPECTRAL_WINDOW"].columns
    solved_hz, middle_hz = 1.6e9 + low_hz, 1.414e9
    windows["CHAN_FREQ"] = [np.array([solved_hz])] * len(windows["CHAN_FREQ"])
    table.vis_cal = kind
    start = table.time_s.min()
    per_s = 2 * np.pi * 0.4e-9 / np.ptp(table.time_s) * solved_hz
    for group in table.groups:
        turn = np.where(table.antenna1[group.rows] == 1, per_s * (table.time_s[group.rows] - start), 0.0)
        group.param[...] = np.exp(1j * turn)[:, None, None]
        group.flag[...] = False
    table.write(gains)
    run(vis, gaintable=[gains], interp=["linearPD"], spwmap=[[1, 1]], calwt=[False])
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero((ms.read("ANTENNA1") == 0) & (ms.read("ANTENNA2") == 1) & (ms.read("DATA_DESC_ID") == 0))
        times, data = ms.read("TIME", rows), ms.read("CORRECTED_DATA", rows)
    phase = per_s * (np.clip(times, start, table.time_s.max()) - start)
    assert phase.max() > np.pi  # followed through a turn
    expected = np.exp(1j * phase * (middle_hz / solved_hz if scaled else 1.0))
    np.testing.assert_allclose(data[:, 3, 0], expected, atol=1e-5)


def test_flagged_throughout(vis: str, gains: str) -> None:
    """Data of solutions that are all flagged are flagged and left as they are."""
    table = CalTable.open(gains)
    for group in table.groups:
        group.flag[...] = True
    table.write(gains)
    counts = run(vis, gaintable=[gains])
    assert counts["flagged_after"] == counts["total"]
    assert read(vis, "FLAG", 0, 1).all()
    np.testing.assert_array_equal(read(vis, "CORRECTED_DATA", 0, 1), read(vis, "DATA", 0, 1))


def test_a_table_of_one_observation_serves_all(vis: str, gains: str, tmp_path: Path) -> None:
    """As in CASA: 'perobs' (and 'perscan' of a table without scans) then changes nothing, which the log says."""
    with open_table(vis, writable=True) as main:
        main.putcol("OBSERVATION_ID", (main.getcol("SCAN_NUMBER") > 3).astype(np.int32))
    with open_table(gains, writable=True) as table:
        table.putcol("SCAN_NUMBER", np.full(table.nrows(), -1, dtype=np.int32))
    for interp in ("linearperobs", "nearestperscan"):
        run(vis, gaintable=[gains], interp=[interp])
        np.testing.assert_allclose(read(vis, "CORRECTED_DATA", 0, 1)[..., 0], 0.5)
    text = (tmp_path / "casa.log").read_text()
    assert "solutions of one observation only: 'perobs' changes nothing" in text
    assert "no scan numbers: 'perscan' changes nothing" in text


@pytest.mark.parametrize(
    ("lists", "error"),
    [
        ({"gaintable": ["no.G"]}, PathMissingError),
        ({"gaintable": ["@"], "interp": ["silly"]}, ParameterError),
        ({"gaintable": ["@"], "spwmap": [0, 5]}, ParameterError),
        ({"gaintable": ["@"], "spwmap": [0, 0, 0]}, ParameterError),
        ({"gaintable": ["@"], "gainfield": ["2"]}, SelectionError),
        ({"gaintable": ["@"], "gainfield": ["NOPE"]}, SelectionError),
        ({"gaintable": ["@", "@", "@"], "calwt": [True, False]}, ParameterError),
        ({"callib": "no.txt"}, PathMissingError),
    ],
)
def test_bad_lists_change_nothing(vis: str, gains: str, lists: dict[str, object], error: type[Exception]) -> None:
    lists = {k: [gains if x == "@" else x for x in v] if isinstance(v, list) else v for k, v in lists.items()}
    with pytest.raises(error):
        run(vis, **lists)
    with MeasurementSet(vis) as ms:
        assert not ms.has("CORRECTED_DATA")


def test_other_antennas_are_refused_and_renumbered_ones_followed(vis: str, gains: str) -> None:
    table = CalTable.open(gains)
    names = table.subtables["ANTENNA"].columns["NAME"]
    names[0], names[1] = names[1], names[0]
    table.write(gains)
    run(vis, gaintable=[gains])
    assert np.allclose(read(vis, "CORRECTED_DATA", 0, 3), 0.5)  # the gain of 2 is of EA01 now
    names[:] = ["ELSEWHERE" + n for n in names]
    table.write(gains)
    with pytest.raises(DataError, match="ELSEWHERE"):
        run(vis, gaintable=[gains])


def test_kind_that_cannot_be_applied(vis: str, gains: str) -> None:
    table = CalTable.open(gains)
    table.vis_cal = "Q Jones"
    table.write(gains)
    with pytest.raises(UnsupportedError, match="'Q Jones'"):
        run(vis, gaintable=[gains])


def test_bad_mode() -> None:
    with pytest.raises(ParameterError, match="applymode"):
        ApplyOptions("silly")


def test_counts(vis: str, gains: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        library = CalibrationLibrary.from_lists(ms, [gains])
        tally = apply_calibration(ms, Selection().resolve(ms), library, ApplyOptions())
    assert tally["rows"] == 2016
    assert tally["flagged_before"] == 0
    assert tally["flagged_after"] == 7 * 36 * 8 * 2  # two correlations of the seven baselines to antenna 2


def test_offsets_of_baselines_are_subtracted(vis: str, tmp_path: Path) -> None:
    path = str(tmp_path / "a.A")
    with MeasurementSet(vis) as ms:
        table = CalTable.for_ms(ms, "A Mueller", "Complex")
        table.set_single_channel(ms)
        one, two = np.triu_indices(len(ms.metadata.antennas), 1)
    values = (np.arange(len(one))[:, None, None] + np.array([1j, 2j])).astype(np.complex64)
    bad = np.zeros(values.shape, dtype=bool)
    bad[3] = True
    ones = np.ones(values.shape, np.float32)
    for spw in (0, 1):
        group = SolutionGroup(np.zeros(0, np.int64), values, 0 * ones, bad, ones)
        table.add_rows(group, spw_id=spw, antenna1=one, antenna2=two, field_id=0, time_s=5063402405.0)
    table.write(path)
    run(vis, gaintable=[path])
    data = read(vis, "CORRECTED_DATA", 0, 3, 1)
    np.testing.assert_allclose(data[:, :, 0], 1 - (2 + 1j))
    np.testing.assert_allclose(data[:, :, 3], 1 - (2 + 2j))
    np.testing.assert_allclose(data[:, :, 1:3], 1.0)
    assert read(vis, "FLAG", 0, 4)[..., [0, 3]].all() and not read(vis, "FLAG", 0, 4)[..., 1:3].any()
    with MeasurementSet(vis) as ms:
        prior = PriorCalibration(ms, CalibrationLibrary.from_lists(ms, [path]))
        for chunk in iter_chunks(ms, Selection(field="0").resolve(ms), ["DATA", "FLAG", *prior.columns]):
            fixed, _, _ = prior.correct(chunk, chunk["DATA"].copy(), chunk["FLAG"].copy())
            np.testing.assert_allclose(prior.corrupt(chunk, fixed), chunk["DATA"], atol=1e-5)


def test_factors_of_baselines_follow_gainfield_and_observation(vis: str, tmp_path: Path) -> None:
    path = str(tmp_path / "m.M")
    with MeasurementSet(vis) as ms:
        table = CalTable.for_ms(ms, "M Mueller", "Complex")
        table.set_single_channel(ms)
        one, two = np.triu_indices(len(ms.metadata.antennas), 1)
        time_s, fields = ms.read("TIME"), ms.read("FIELD_ID")
    ones = np.ones((len(one), 1, 2), np.float32)
    for field in (0, 1):
        group = SolutionGroup(
            np.zeros(0, np.int64), (field + 2) * ones.astype(np.complex64), 0 * ones, np.zeros(ones.shape, bool), ones
        )
        when = float(time_s[fields == field].mean())
        table.add_rows(group, spw_id=0, antenna1=one, antenna2=two, field_id=field, time_s=when, observation=field)
    table.write(path)
    with MeasurementSet(vis) as ms:
        fields = fields[ms.read("DATA_DESC_ID") == 0]
    fields = fields[:: len(one)]

    def found(**lists: object) -> np.ndarray:
        run(vis, gaintable=[path], select={"spw": "0"}, **lists)
        return read(vis, "CORRECTED_DATA", 0, 3)[:, 0, 0]

    np.testing.assert_allclose(found(gainfield=["0"]), 1 / 2)
    np.testing.assert_allclose(found(gainfield=["1"]), 1 / 3)
    nearest = found(gainfield=["nearest"])
    np.testing.assert_allclose(nearest[fields == 0], 1 / 2)
    np.testing.assert_allclose(nearest[fields == 1], 1 / 3)
    # All data are of observation 0.
    np.testing.assert_allclose(found(interp=["linearperobs"]), 1 / 2)
    # A library file that speaks of one field leaves the others as they are.
    (tmp_path / "one.txt").write_text(f"caltable='{path}' field='1' fldmap='1' calwt=False\n")
    run(vis, select={"spw": "0"}, callib=str(tmp_path / "one.txt"))
    some = read(vis, "CORRECTED_DATA", 0, 3)[:, 0, 0]
    np.testing.assert_allclose(some[fields == 1], 1 / 3)
    np.testing.assert_allclose(some[fields == 0], 1)


@pytest.mark.parametrize("kind", ["DLLS Jones", "DfLLS Jones"])
def test_direct_leakages_are_applied_to_all_orders(vis: str, kind: str, tmp_path: Path) -> None:
    """As CASA does: the inverse matrices, to which every correlation counts, so that one that is flagged flags all."""
    rng = np.random.default_rng(4)
    leak = (0.1 * (rng.normal(size=(8, 2)) + 1j * rng.normal(size=(8, 2)))).astype(np.complex64)
    jones = np.tile(np.eye(2, dtype=complex), (8, 1, 1))
    jones[:, 0, 1], jones[:, 1, 0] = leak.T
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.arange(ms.nrow)
        first, second = ms.read("ANTENNA1"), ms.read("ANTENNA2")
        sky = np.array([[1.2, 0.1 + 0.2j], [0.1 - 0.2j, 0.9]])
        seen = jones[first] @ sky @ jones[second].conj().swapaxes(-1, -2)
        ms.write("DATA", np.broadcast_to(seen.reshape(len(rows), 1, 4), (len(rows), 8, 4)).astype(np.complex64), rows)
        flag = np.zeros((len(rows), 8, 4), dtype=bool)
        flag[0, 3, 1] = True
        ms.write("FLAG", flag, rows)
        table = CalTable.for_ms(ms, kind)
        nchan = 8 if kind[1] == "f" else 1
        if nchan == 1:
            table.set_single_channel(ms)
        for spw in (0, 1):
            param = np.repeat(leak[:, None], nchan, axis=1)
            group = SolutionGroup(
                np.zeros(0, dtype=np.int64), param, np.zeros(param.shape, np.float32), np.zeros(param.shape, bool), np.ones(param.shape, np.float32)
            )  # fmt: skip
            table.add_rows(
                group, time_s=float(ms.read("TIME")[0]), field_id=0, spw_id=spw, antenna1=np.arange(8), antenna2=0, interval_s=0.0, scan=1, observation=0,
            )  # fmt: skip
        table.write(str(tmp_path / "d"))
    run(vis, gaintable=[str(tmp_path / "d")])
    with MeasurementSet(vis) as ms:
        corrected, flag = ms.read("CORRECTED_DATA"), ms.read("FLAG")
    assert flag[0, 3].all() and np.count_nonzero(flag) == 4
    np.testing.assert_allclose(corrected[~flag], np.broadcast_to(sky.ravel(), corrected.shape)[~flag], atol=1e-5)
