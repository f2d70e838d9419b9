"""Gain curves of VLBI arrays: what is written for elevations and zenith angles, and what applying them does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.calibration.generate_table import TableRequest, generate_table
from casatools.calibration.power_curves import zenith_polynomial
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]
CURVE = np.array([0.9, 1e-2, -1.5e-4, 2e-7])


def with_curves(path: str, kind: str = "POWER(EL)", curve: np.ndarray = CURVE, spw: int = -1) -> str:
    """Add a GAIN_CURVE table, as the reference's importfitsidi does: sensitivities grow by antenna, the second receptor's curve is 1.1 times the first's."""
    from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table

    names: dict[str, Any] = {
        "ANTENNA_ID": 0,
        "FEED_ID": 0,
        "SPECTRAL_WINDOW_ID": 0,
        "TIME": 0.0,
        "INTERVAL": 0.0,
        "TYPE": "",
        "NUM_POLY": 0,
    }
    columns = [makescacoldesc(n, v) for n, v in names.items()]
    columns += [makearrcoldesc(n, 0.0, ndim=d, valuetype="float") for n, d in (("GAIN", 2), ("SENSITIVITY", 1))]
    with table(path, ack=False) as main:
        times = main.getcol("TIME")
    with table(f"{path}/GAIN_CURVE", maketabdesc(columns), nrow=8, ack=False) as t:
        for ant in range(8):
            row = {
                "ANTENNA_ID": ant, "FEED_ID": -1, "SPECTRAL_WINDOW_ID": spw, "TIME": float(times.mean()), "INTERVAL": float(np.ptp(times)),
                "TYPE": kind, "NUM_POLY": len(curve),
            }  # fmt: skip
            for name, value in row.items():
                t.putcell(name, ant, value)
            t.putcell("GAIN", ant, np.stack([curve, 1.1 * curve], axis=1).astype(np.float32))
            t.putcell("SENSITIVITY", ant, np.array([0.05, 0.04], np.float32) * (1 + 0.1 * ant))
    return path


def test_polynomial_of_the_zenith_angle() -> None:
    angle = np.linspace(0, 90, 7)
    found = zenith_polynomial(CURVE)
    np.testing.assert_allclose(
        np.polynomial.polynomial.polyval(angle, found), np.polynomial.polynomial.polyval(90 - angle, CURVE), rtol=1e-12
    )
    # What CASA 6.7 writes for this curve.
    np.testing.assert_allclose(0.05 * found, [3.654e-2, 6.07e-4, -4.8e-6, -1e-8], rtol=1e-6)
    assert zenith_polynomial(np.array([2.0])).tolist() == [2.0]


@pytest.mark.parametrize("kind", ["POWER(EL)", "POWER(ZA)"])
def test_applied_as_the_root_of_power(shared_input: Input, tmp_path: Path, kind: str) -> None:
    vis, caltable = with_curves(shared_input("simvla.ms"), kind), str(tmp_path / "gc")
    generate_table(vis, caltable, TableRequest("gc"))
    table = CalTable.open(caltable)
    assert (table.vis_cal, table.nrow, table.param.shape[1:]) == ("EPowerCurve", 16, (1, 16))
    correct_visibilities(vis, {}, LibraryOptions((caltable,)), ApplyOptions())
    with MeasurementSet(vis) as ms:
        every = np.arange(ms.nrow)
        read = {
            n: np.asarray(ms.read(n, every))
            for n in ("DATA", "CORRECTED_DATA", "FLAG", "TIME", "FIELD_ID", "ANTENNA1", "ANTENNA2", "WEIGHT", "SIGMA")
        }
        elevation = np.degrees(SkyGeometry(ms).elevations(read["TIME"], read["FIELD_ID"]))
    angle = elevation if kind == "POWER(EL)" else 90 - elevation
    power = np.polynomial.polynomial.polyval(angle, CURVE) * 0.05 * (1 + 0.1 * np.arange(8))
    gain = np.sqrt(power[every, read["ANTENNA1"]] * power[every, read["ANTENNA2"]])
    good = ~read["FLAG"][:, 4, 0]
    np.testing.assert_allclose((read["DATA"] / read["CORRECTED_DATA"])[good, 4, 0].real, gain[good], rtol=1e-5)
    np.testing.assert_allclose((read["WEIGHT"][:, 3] * read["SIGMA"][:, 3] ** 2)[good], (0.8 * 1.1 * gain[good]) ** 2, rtol=1e-5)


def test_one_window_and_curves_below_zero(shared_input: Input, tmp_path: Path) -> None:
    vis, caltable = with_curves(shared_input("simvla.ms"), curve=-CURVE, spw=1), str(tmp_path / "gc")
    generate_table(vis, caltable, TableRequest("gc"))
    assert set(CalTable.open(caltable).spw_id.tolist()) == {1}
    correct_visibilities(vis, {"spw": "1"}, LibraryOptions((caltable,)), ApplyOptions())
    with MeasurementSet(vis) as ms:
        every = np.arange(ms.nrow)
        assert np.asarray(ms.read("FLAG", every))[np.asarray(ms.read("DATA_DESC_ID", every)) == 1].all()


def test_cells_without_a_channel_axis_as_the_reference_writes_them(shared_input: Input, tmp_path: Path) -> None:
    from casacore.tables import table

    vis, caltable = with_curves(shared_input("simvla.ms")), str(tmp_path / "gc")
    generate_table(vis, caltable, TableRequest("gc"))
    plain = CalTable.open(caltable).param
    with table(caltable, readonly=False, ack=False) as t:
        for row in range(t.nrows()):
            t.putcell("FPARAM", row, np.ravel(t.getcell("FPARAM", row)))
    np.testing.assert_array_equal(CalTable.open(caltable).param, plain)


@pytest.mark.parametrize(("kind", "curve"), [("VOLTAGE(EL)", CURVE), ("POWER(EL)", np.ones(9))])
def test_curves_that_cannot_be_written(shared_input: Input, tmp_path: Path, kind: str, curve: np.ndarray) -> None:
    vis = with_curves(shared_input("simvla.ms"), kind, curve)
    with pytest.raises(DataError, match="gain curve"):
        generate_table(vis, str(tmp_path / "gc"), TableRequest("gc"))
    assert not (tmp_path / "gc").exists()
