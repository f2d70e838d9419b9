"""Phases from radiometers undo the paths that the water put in; every option does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import DataError, ParameterError, PathMissingError
from casatools.calibration.radiometer_paths import RadiometerOptions, correct_from_radiometers
from casatools.calibration.water_retrieval import PATH_PER_WATER
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support import radiometer_ms
from support.radiometer_ms import NANT, columns_mm, make_radiometer_ms

COUNT = 90
_MM_GHZ = 299.792458


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_radiometer_ms(tmp_path_factory.mktemp("wvr"), COUNT)


def run(vis: str, folder: Path, **options: Any) -> tuple[dict[str, Any], CalTable]:
    table = str(folder / "w")
    return correct_from_radiometers(vis, table, RadiometerOptions(**options)), CalTable.open(table)


def phases(table: CalTable, spw: int) -> tuple[np.ndarray, np.ndarray]:
    """Phase, followed through time, and flag (time, ant)."""
    rows = np.flatnonzero(table.spw_id == spw)
    gain, flag = table.param[rows, 0, 0].reshape(-1, NANT), table.flag[rows, 0, 0].reshape(-1, NANT)
    return np.unwrap(np.angle(gain), axis=0), flag


def expected(spw_ghz: float, field: np.ndarray) -> np.ndarray:
    column = columns_mm(1.152 * np.arange(COUNT), field)
    return -2 * np.pi * spw_ghz / _MM_GHZ * PATH_PER_WATER * column


def frequency_ghz(vis: str, spw: int) -> float:
    with MeasurementSet(vis) as ms:
        return float(ms.metadata.spectral_windows[spw].chan_freq_hz.mean()) * 1e-9


def test_phases_are_those_of_the_water(vis: str, tmp_path: Path) -> None:
    record, table = run(vis, tmp_path)
    assert table.vis_cal == "T Jones"
    assert record["rval"] == 0
    assert record["success"] is True
    assert record["Flag"] == [False] * NANT
    assert record["WVR"] == [True] * NANT
    assert table.nrow == COUNT * NANT * 3
    field = table.field_id[table.spw_id == 1].reshape(-1, NANT)[:, 0]
    phase, flag = phases(table, 1)
    assert not flag.any()
    truth = expected(frequency_ghz(vis, 1), field)
    for number in (0, 1):
        at = np.flatnonzero(field == number)[:25]
        difference = (phase - truth)[at]
        swing = np.ptp(truth[at], axis=0).max()
        assert np.ptp(difference, axis=0).max() < 0.06 * swing
    # 20 um of water are an RMS of 14 um, as path and brought to the zenith; slow changes of the whole column come on top.
    assert min(record["RMS_um"]) > 60.0


def test_coefficients_stay_within_a_source(vis: str, tmp_path: Path) -> None:
    statistics, _ = run(vis, tmp_path, statfield="J1423-7829")
    by_source, _ = run(vis, tmp_path, statsource="J1423-7829")
    assert statistics == by_source
    rms = 0.02 * PATH_PER_WATER * 1e3 * np.sqrt(0.5) * np.sin(np.radians(45.0))
    np.testing.assert_allclose(statistics["RMS_um"], rms, rtol=0.25)
    assert max(statistics["Disc_um"]) < 10.0


@pytest.mark.parametrize(
    ("options", "factor"),
    [({"scale": 1.1}, 1.1), ({"reversespw": (1,)}, -1.0), ({"disperse": True}, None), ({"usefieldtab": True}, 1.0)],
)
def test_scales(vis: str, tmp_path: Path, options: dict[str, Any], factor: float | None) -> None:
    from casatools.kernels.air_absorption import wet_path_per_mm

    plain, _ = phases(run(vis, tmp_path)[1], 1)
    changed, _ = phases(run(vis, tmp_path, **options)[1], 1)
    if factor is None:
        path, more = wet_path_per_mm(np.array([frequency_ghz(vis, 1)]), 265.0, 480.0)
        factor = 1 + more[0] / path
    moved, original = (np.diff(p[:25], axis=0) for p in (changed, plain))
    np.testing.assert_allclose(moved, factor * original, atol=1e-5)


def test_times_windows_and_smoothing(vis: str, tmp_path: Path) -> None:
    plain = run(vis, tmp_path)[1]
    shifted = run(vis, tmp_path, toffset=-1.5, spw=(2,), wvrspw=(0,), smooth_s=10.0)[1]
    assert set(shifted.spw_id.tolist()) == {2}
    np.testing.assert_allclose(shifted.time_s, plain.time_s[plain.spw_id == 2] - 1.5)
    rough, smooth = (np.std(np.diff(phases(t, 2)[0][:25], 2, axis=0)) for t in (plain, shifted))
    assert smooth < rough


def test_bad_antennas_come_from_their_neighbours(vis: str, tmp_path: Path) -> None:
    plain, _ = phases(run(vis, tmp_path)[1], 1)
    record, table = run(vis, tmp_path, wvrflag=("DV12",), maxdistm=2000.0)
    filled, flag = phases(table, 1)
    names = record["Name"]
    bad = names.index("DV12")
    assert record["Flag"][bad] is True
    assert not flag.any()
    with MeasurementSet(vis) as ms:
        position = np.array([a.position_m for a in ms.metadata.antennas])
    distance = np.linalg.norm(position - position[bad], axis=1)
    near = [a for a in np.argsort(distance) if a != bad][:3]
    weight = 1 / distance[near]
    np.testing.assert_allclose(np.diff(filled[:25, bad]), np.diff(plain[:25, near] @ (weight / weight.sum())), atol=1e-4)
    record, table = run(vis, tmp_path, wvrflag=("DV12",), maxdistm=1.0)
    assert phases(table, 1)[1][:, bad].all()
    assert record["RMS_um"][bad] == 0.0
    assert record["success"] is True


def test_sources_flagged_tied_or_cut_into_parts(vis: str, tmp_path: Path) -> None:
    _, table = run(vis, tmp_path, sourceflag=("J1423-7829",))
    np.testing.assert_array_equal(table.flag[:, 0, 0], table.field_id == 1)
    tied, _ = phases(run(vis, tmp_path, tie=("J1423-7829,J1617-7717",))[1], 1)
    together, _ = phases(run(vis, tmp_path, segsource=False)[1], 1)
    np.testing.assert_allclose(np.diff(tied[:25], axis=0), np.diff(together[:25], axis=0), rtol=0.2, atol=0.02)
    _, parts = run(vis, tmp_path, segsource=False, nsol=3)
    assert parts.nrow == COUNT * NANT * 3


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"tie": ("J1423-7829,J1617-7717",)}, 0.45),
        ({"segsource": False, "nsol": 3}, 0.15),
        ({"segsource": False, "nsol": 6}, 0.1),
    ],
)
def test_steps_follow_water_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], most: float
) -> None:
    """From 0.5 to 2.5 mm: coefficients are of the middle of what they serve, and one set in each part (CASA 6.7: 0.65, tied, and 0.88, nsol=3)."""
    monkeypatch.setattr(radiometer_ms, "ELEVATIONS_DEG", (90.0, 90.0))
    monkeypatch.setattr(radiometer_ms, "columns_mm", lambda t, _: np.linspace(0.5, 2.5, len(t))[:, None] + np.zeros(NANT))
    grown = make_radiometer_ms(tmp_path, 60)
    wave_mm = _MM_GHZ / frequency_ghz(grown, 1)
    phase, _ = phases(run(grown, tmp_path, **options)[1], 1)
    true_mm = PATH_PER_WATER * 2.0 / 59
    error = -np.diff(phase[:, 0]) * wave_mm / (2 * np.pi) - true_mm
    error -= wave_mm * np.round(error / wave_mm)
    between = np.sort(np.abs(error))[: len(error) - options.get("nsol", 1) + 1]  # without the steps from part to part
    assert np.sqrt(np.mean(between**2)) < most * true_mm


def test_statistics_are_of_all_runs_of_a_field(vis: str, tmp_path: Path) -> None:
    """The first field has two runs; CASA 6.7 counts the first of them only."""
    record, table = run(vis, tmp_path, statfield="J1617-7717", segsource=False)
    phase, _ = phases(table, 1)
    chosen = table.field_id[table.spw_id == 1].reshape(-1, NANT)[:, 0] == 0
    path_um = phase * _MM_GHZ / frequency_ghz(vis, 1) / (2 * np.pi) * 1e3
    both, first = (np.std(path_um[at], axis=0) * np.sin(np.radians(60.0)) for at in (chosen, np.flatnonzero(chosen)[:30]))
    np.testing.assert_allclose(record["RMS_um"], both, rtol=0.01)
    assert np.abs(first / both - 1).max() > 0.05


def test_reference_antenna_and_clouds(tmp_path: Path) -> None:
    from casacore.tables import table as open_table

    vis = make_radiometer_ms(tmp_path, 30)
    with open_table(vis, readonly=False, ack=False) as main:
        antenna, window = main.getcol("ANTENNA1"), main.getcol("DATA_DESC_ID")
        for row in np.flatnonzero(window == 0):
            cell = main.getcell("DATA", row)
            if antenna[row] == 0:
                cell[:] = 0
            if antenna[row] == 5:
                cell += 20.0
            main.putcell("DATA", row, cell)
    record, table = run(vis, tmp_path)
    assert record["Frac_unflagged"][0] == 0.0
    assert record["Flag"][0] is True
    assert phases(table, 1)[1][:, 0].all()
    # Antenna 5 sees 20 K of cloud, which would be taken for water without cont.
    clear, _ = phases(run(vis, tmp_path, refant=("DA41", "DA56"))[1], 1)
    cloudy, _ = phases(run(vis, tmp_path, refant=("DV08",))[1], 1)
    removed, _ = phases(run(vis, tmp_path, refant=("DV08",), cont=True)[1], 1)
    ratio = [np.std(np.diff(p[:9, 1])) / np.std(np.diff(clear[:9, 1])) for p in (cloudy, removed)]
    assert abs(ratio[1] - 1) < abs(ratio[0] - 1)


def test_offsets_are_taken_off(vis: str, tmp_path: Path) -> None:
    from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc
    from casacore.tables import table as open_table

    with MeasurementSet(vis) as ms:
        start = float(np.min(ms.read("TIME", np.arange(ms.nrow))))
    name = str(tmp_path / "offsets")
    described = maketabdesc([makescacoldesc("TIME", 0.0), makescacoldesc("ANTENNA", 0), makearrcoldesc("OFFSETS", 0.0, ndim=1)])
    with open_table(name, described, nrow=2, ack=False) as table:
        table.putcol("TIME", np.array([start - 10, start + 1000.0]))
        table.putcol("ANTENNA", np.array([3, 3], dtype=np.int32))
        table.putcol("OFFSETS", np.full((2, 4), 1.0))
    plain, _ = phases(run(vis, tmp_path)[1], 1)
    less, _ = phases(run(vis, tmp_path, offsetstable=name)[1], 1)
    np.testing.assert_allclose(np.exp(1j * less[:, 2]), np.exp(1j * plain[:, 2]), atol=1e-6)
    assert np.abs(np.exp(1j * less[:, 3]) - np.exp(1j * plain[:, 3])).min() > 0.01


def _bad_offsets(folder: Path, antenna: int, columns: tuple[str, ...], length: int) -> str:
    from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc
    from casacore.tables import table as open_table

    described = {
        "TIME": makescacoldesc("TIME", 0.0),
        "ANTENNA": makescacoldesc("ANTENNA", 0),
        "OFFSETS": makearrcoldesc("OFFSETS", 0.0, ndim=1),
    }
    name = str(folder / f"bad{antenna}{len(columns)}{length}")
    with open_table(name, maketabdesc([described[c] for c in columns]), nrow=1, ack=False) as table:
        if "OFFSETS" in columns:
            table.putcol("OFFSETS", np.zeros((1, length)))
        table.putcol("ANTENNA", np.array([antenna], dtype=np.int32))
    return name


def test_bad_input_writes_nothing(vis: str, tmp_path: Path) -> None:
    every = ("TIME", "ANTENNA", "OFFSETS")
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"wvrflag": ("XX",)}, ParameterError, "antenna 'XX'"), ({"sourceflag": ("XX",)}, ParameterError, "source 'XX'"),
        ({"statfield": "XX"}, ParameterError, "field 'XX'"), ({"tie": ("XX,YY",)}, ParameterError, "source 'XX'"),
        ({"spw": (7,)}, ParameterError, "'spw'"), ({"reversespw": (7,)}, ParameterError, "'reversespw'"),
        ({"wvrspw": (-1,)}, ParameterError, "'wvrspw'"), ({"offsetstable": str(tmp_path / "none")}, PathMissingError, "none"),
        ({"offsetstable": _bad_offsets(tmp_path, 0, ("TIME", "ANTENNA"), 4)}, ParameterError, "OFFSETS"),
        ({"offsetstable": _bad_offsets(tmp_path, 0, every, 3)}, ParameterError, "4 temperatures"),
        ({"offsetstable": _bad_offsets(tmp_path, 99, every, 4)}, ParameterError, "antenna 99"),
    ]  # fmt: skip
    for options, error, text in cases:
        with pytest.raises(error, match=text):
            correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions(**options))
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "options",
    [{"nsol": 2}, {"tie": ("a,b",), "segsource": False}, {"sourceflag": ("a",), "segsource": False}, {"statfield": "a", "statsource": "b"},
     {"maxdistm": -1.0}, {"mingoodfrac": 1.5}, {"smooth_s": -1.0}],
)  # fmt: skip
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        RadiometerOptions(**options)


def test_data_that_are_of_no_use(tmp_path: Path) -> None:
    from casacore.tables import table as open_table

    vis = make_radiometer_ms(tmp_path, 6)
    nothing = {"Name": [], "WVR": [], "Flag": [], "Frac_unflagged": [], "RMS_um": [], "Disc_um": [], "rval": 1, "success": False}
    assert correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions(wvrspw=(1,))) == nothing
    every = ("J1423-7829", "J1617-7717")
    assert correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions(sourceflag=every)) == nothing
    with open_table(vis, readonly=False, ack=False) as main:
        for row in np.flatnonzero(main.getcol("DATA_DESC_ID") == 0):
            main.putcell("DATA", row, np.array([[10.0], [250.0], [10.0], [250.0]], dtype=np.complex64))
    assert correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions()) == nothing
    with pytest.raises(DataError, match="none of the antennas"):
        correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions(refant=("DA41",), wvrflag=("DA41",)))
    with open_table(vis, readonly=False, ack=False) as main:
        main.putcol("STATE_ID", np.full(main.nrows(), 6, dtype=np.int32))
    assert correct_from_radiometers(vis, str(tmp_path / "w"), RadiometerOptions()) == nothing
    assert not (tmp_path / "w").exists()
