"""Splines and polynomials applied; the layout is that of tables which CASA 6.7 wrote (its own were applied alike to 2e-6)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from casacore import tables

from casatools._base.errors import DataError
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.curve_terms import STILL_RAD, solved_rows, spline_gains
from casatools.calibration.table_reading import read_solutions
from casatools.io.caltable.curves import CurveRows, read_curves
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]


def make_table(path: Path, kind: str, rows: list[dict[str, object]], windows: list[int]) -> str:
    """A table with the columns that matter."""
    arrays = ("POLY_COEFF_AMP", "POLY_COEFF_PHASE", "SPLINE_KNOTS_AMP", "VALID_DOMAIN", "REF_FREQUENCY")
    columns = [
        *(tables.makescacoldesc(n, 0) for n in ("ANTENNA1", "FIELD_ID", "CAL_DESC_ID", "N_POLY_AMP", "N_POLY_PHASE")),
        tables.makescacoldesc("TIME", 0.0), *(tables.makearrcoldesc(n, 0.0) for n in arrays),
    ]  # fmt: skip
    main = tables.table(str(path), tables.maketabdesc(columns), nrow=len(rows), ack=False)
    main.putinfo({"type": "Calibration", "subType": kind, "readme": ""})
    for k, row in enumerate(rows):
        for name, value in row.items():
            main.putcell(name, k, value)
    main.close()
    described = tables.table(
        f"{path}/CAL_DESC", tables.maketabdesc([tables.makearrcoldesc("SPECTRAL_WINDOW_ID", 0)]), nrow=len(windows), ack=False
    )
    for k, spw in enumerate(windows):
        described.putcell("SPECTRAL_WINDOW_ID", k, np.array([spw]))
    described.close()
    return str(path)


@pytest.fixture
def vis(shared_input: Input) -> str:
    path = shared_input("simvla.ms")
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        shape = ms.read("DATA", rows).shape
        ms.write("DATA", np.ones(shape, dtype=np.complex64), rows)
        ms.write("FLAG", np.zeros(shape, dtype=bool), rows)
    return path


def read(path: str, spw: int, field: int = 0) -> tuple[np.ndarray, ...]:
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero((ms.read("DATA_DESC_ID") == spw) & (ms.read("FIELD_ID") == field))
        return tuple(np.asarray(ms.read(c, rows)) for c in ("CORRECTED_DATA", "FLAG", "ANTENNA1", "ANTENNA2", "TIME"))


def test_splines(vis: str, tmp_path: Path) -> None:
    with MeasurementSet(vis) as ms:
        times = ms.read("TIME")[ms.read("FIELD_ID") == 0]
    knots = np.repeat([times.min() - 1, times.max() + 1], 4)
    rows = []
    for field in (0, 1):
        for antenna in range(7):  # the last antenna has none
            on = antenna == 1 and field == 0
            straight = np.array([0.0, 1.0, 2.0, 3.0, 0, 0, 0, 0]) / 3  # the control points of a line from 0 to 1
            rows.append({
                "ANTENNA1": antenna, "FIELD_ID": field, "CAL_DESC_ID": 0, "N_POLY_AMP": 8, "N_POLY_PHASE": 8, "TIME": times.mean(),
                "POLY_COEFF_AMP": np.concatenate([straight * on, 0 * straight]) + (0.1 if field == 0 else 0.0),
                "POLY_COEFF_PHASE": np.concatenate([0.5 * straight * on, 0 * straight]), "SPLINE_KNOTS_AMP": knots,
                "REF_FREQUENCY": np.array([1.5e9]),
            })  # fmt: skip
    path = make_table(tmp_path / "g.spl", "GSPLINE", rows, [-1])
    correct_visibilities(vis, {}, LibraryOptions((path,)), ApplyOptions())
    data, flag, one, two, time = read(vis, 1)
    at = np.flatnonzero((one == 1) & (two == 3))
    share = (time[at] - knots[0]) / (knots[-1] - knots[0])
    expected = np.exp(-(share + 0.1) - 0.1) * np.exp(1j * 0.5 * share * 1.614e9 / 1.5e9)
    np.testing.assert_allclose(data[at, 0, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(data[at, 0, 3], np.exp(-0.2), rtol=1e-5)
    assert flag[(two == 7)].all() and not flag[two != 7].any()
    # Fields that were not solved take the solution of the others.
    assert np.allclose(read(vis, 0, 1)[0][(read(vis, 0, 1)[2] == 2) & (read(vis, 0, 1)[3] == 3)], np.exp(-0.2), rtol=1e-5)


def curves_of(amplitude: np.ndarray, phase: np.ndarray, reference_hz: float = 1e9) -> CurveRows:
    """One field with antennas of constant curves."""
    count, one = len(phase), np.ones((2, 4))
    return CurveRows(
        "GSPLINE", np.arange(count), np.zeros(count, int), np.full(count, -1), np.zeros(count), [a * one for a in amplitude],
        [p * one for p in phase], [np.repeat([0.0, 1.0], 4)] * count, np.full(count, reference_hz),
    )  # fmt: skip


def test_rows_that_hold_solutions() -> None:
    none = np.zeros(3)
    # The reference antenna of phases alone has zeros, as CASA writes it; two antennas of zeros cannot be told apart.
    assert solved_rows(curves_of(none, np.array([0.0, 0.5, 0.2]))).tolist() == [True, True, True]
    assert solved_rows(curves_of(none, np.array([0.0, 0.5, 0.0]))).tolist() == [False, True, False]
    # As they are written here, they can.
    assert solved_rows(curves_of(none, np.array([STILL_RAD, 0.5, 0.0]))).tolist() == [True, True, False]
    assert not solved_rows(curves_of(none, none)).any()
    assert solved_rows(curves_of(np.array([0.1, 0.0, 0.2]), np.array([0.0, 0.0, np.nan]))).tolist() == [True, False, False]


def test_splines_of_amplitudes_are_for_no_frequency() -> None:
    """CASA writes a reference frequency of zero for them."""
    gains = spline_gains(curves_of(np.array([0.1]), np.zeros(1), 0.0), 0, np.array([0.5]), 1.4e9)
    np.testing.assert_allclose(gains, np.exp(0.1))


def test_polynomials(vis: str, tmp_path: Path) -> None:
    with MeasurementSet(vis) as ms:
        hz = ms.metadata.spectral_windows[0].chan_freq_hz
    low, high = hz[0], hz[-2]  # the last channel lies outside
    rows = [
        {"ANTENNA1": a, "FIELD_ID": 0, "CAL_DESC_ID": 1, "N_POLY_AMP": 3, "N_POLY_PHASE": 2, "TIME": 0.0,
         "POLY_COEFF_AMP": np.array([0.4, 0.1, 0.05]) * (a == 1) + 1e-12, "POLY_COEFF_PHASE": np.array([1.0, 0.2]) * (a == 1),
         "VALID_DOMAIN": np.array([low, high]), "REF_FREQUENCY": np.array([low])}
        for a in range(8)
    ]  # fmt: skip
    path = make_table(tmp_path / "b.poly", "BPOLY", rows, [5, 0])
    assert read_solutions(path).spws == {0}
    correct_visibilities(vis, {"spw": "0"}, LibraryOptions((path,)), ApplyOptions())
    data, flag, one, two, _ = read(vis, 0)
    at = np.flatnonzero((one == 1) & (two == 3))
    x = (2 * hz - low - high) / (high - low)
    expected = np.exp(-(0.2 + 0.1 * x + 0.05 * (2 * x * x - 1)) - 1j * (0.5 + 0.2 * x))
    np.testing.assert_allclose(data[at][:, :-1, 0], np.broadcast_to(expected[:-1], (len(at), len(hz) - 1)), rtol=1e-5)
    assert flag[at][:, -1].all() and not flag[at][:, :-1].any()


def fields_and_times(vis: str) -> tuple[np.ndarray, np.ndarray]:
    with MeasurementSet(vis) as ms:
        return np.asarray(ms.read("FIELD_ID")), np.asarray(ms.read("TIME"))


@pytest.mark.parametrize(
    ("wanted", "gains_of_fields"),
    [
        ("", {0: 2, 1: 3, 2: 2}),  # of the own field; the nearest in time where there is none
        ("nearest", {0: 2, 1: 3, 2: 3}),  # J1335+2700 is nearer to TARGET on the sky
        ("1", {0: 3, 1: 3, 2: 3}),
        ("1331+305,J1335+2700", {0: 2, 1: 3, 2: 2}),
    ],
)
@pytest.mark.parametrize("kind", ["GSPLINE", "BPOLY"])
def test_fields_of_curves(vis: str, tmp_path: Path, kind: str, wanted: str, gains_of_fields: dict[int, int]) -> None:
    fields, times = fields_and_times(vis)
    path = constant_curves(tmp_path, vis, kind, (times[fields == 2].mean(), times.max() + 1e5))
    correct_visibilities(
        vis, {"spw": "0"}, LibraryOptions((path,), gainfield=(wanted,), interp=("linearperobs",)), ApplyOptions()
    )
    for field, gain in gains_of_fields.items():
        data, flag, one, two, _ = read(vis, 0, field)
        at = (one == 1) & (two == 3)
        assert not flag.any()
        np.testing.assert_allclose(data[at], gain**-2.0, rtol=1e-5)


def constant_curves(folder: Path, vis: str, kind: str, centres: tuple[float, float] | None = None) -> str:
    """Gains of 2 for field 0 and of 3 for field 1."""
    fields, times = fields_and_times(vis)
    with MeasurementSet(vis) as ms:
        hz = ms.metadata.spectral_windows[0].chan_freq_hz
    knots, rows = np.repeat([times.min() - 1, times.max() + 1], 4), []
    for field, antenna in np.ndindex(2, 8):
        constant = np.log(field + 2.0) * np.array([1.0, 1, 1, 1, 0, 0, 0, 0] if kind == "GSPLINE" else [2.0, 0.0])
        rows.append({
            "ANTENNA1": antenna, "FIELD_ID": field, "CAL_DESC_ID": 0, "N_POLY_AMP": len(constant), "N_POLY_PHASE": len(constant),
            "TIME": times[fields == field].mean() if centres is None else centres[field], "POLY_COEFF_AMP": np.tile(constant, 2),
            "POLY_COEFF_PHASE": np.zeros(2 * len(constant)), "REF_FREQUENCY": np.array([1.5e9]),
            **({"SPLINE_KNOTS_AMP": knots} if kind == "GSPLINE" else {"VALID_DOMAIN": hz[[0, -1]]}),
        })  # fmt: skip
    return make_table(folder / "c.cal", kind, rows, [-1 if kind == "GSPLINE" else 0])


def test_times_of_curves(vis: str, tmp_path: Path) -> None:
    """A field without a curve of its own takes the one nearest in time."""
    fields, times = fields_and_times(vis)
    target = times[fields == 2]
    path = constant_curves(tmp_path, vis, "BPOLY", (target.min(), target.max()))
    correct_visibilities(vis, {"spw": "0"}, LibraryOptions((path,)), ApplyOptions())
    data, _, one, two, when = read(vis, 0, 2)
    at = (one == 1) & (two == 3)
    early = when[at] < (target.min() + target.max()) / 2
    np.testing.assert_allclose(data[at][:, 0, 0], np.where(early, 1 / 4, 1 / 9), rtol=1e-5)


def test_antennas_of_curves(vis: str, tmp_path: Path) -> None:
    """antmap: antenna 1 takes the curve of antenna 2, antenna 3 has none."""
    path = constant_curves(tmp_path, vis, "GSPLINE")
    with tables.table(path, readonly=False, ack=False) as table:
        for row in np.flatnonzero(table.getcol("ANTENNA1") == 2).tolist():
            table.putcell("POLY_COEFF_AMP", row, table.getcell("POLY_COEFF_AMP", row) + np.log(5.0))
    lines = f"caltable='{path}' antmap=[0,2,2] calwt=F"
    correct_visibilities(vis, {"spw": "0"}, LibraryOptions(lines=lines), ApplyOptions())
    data, flag, one, two, _ = read(vis, 0, 0)
    np.testing.assert_allclose(data[(one == 0) & (two == 1)][:, 0, 0], 1 / 20, rtol=1e-5)
    assert flag[two == 3].all()


def test_unknown_curves(tmp_path: Path) -> None:
    path = make_table(tmp_path / "x.cal", "XPOLY", [], [0])
    with pytest.raises(DataError, match="XPOLY"):
        read_curves(path)
