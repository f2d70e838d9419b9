"""What the figures of calibration reports show: places, labels, and lines that do not lead astray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest

import casatasks
from casatools.io.caltable import CalTable
from casatools.plotting import calibration_report, report_solutions

Input = Callable[[str], str]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[matplotlib.figure.Figure]:
    kept: list[matplotlib.figure.Figure] = []
    for module in (calibration_report, report_solutions):
        monkeypatch.setattr(module, "save_figure", lambda figure, path: kept.append(figure))
    return kept


def test_positions_of_antennas_are_offsets_in_metres(
    shared_input: Input, tmp_path: Path, drawn: list[matplotlib.figure.Figure]
) -> None:
    path = str(tmp_path / "antpos")
    casatasks.gencal(shared_input("simvla.ms"), path, caltype="antpos", antenna="EA03", parameter=[0.01, -0.02, 0.03])
    calibration_report._draw_values(path, CalTable.open(path), "antpos", "p.png")
    axes = drawn[0].axes[0]
    assert axes.get_ylabel() == "Offset [m]" and "blue: x; red: y; green: z" in drawn[0].get_suptitle()
    np.testing.assert_allclose([line.get_ydata()[2] for line in axes.lines], [0.01, -0.02, 0.03], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "npar", "basis", "expected"),
    [
        ("K Jones", 2, "linear", [("Delay [ns]", ("X", "Y"), (0, 1))]),
        ("Fringe Jones", 8, "unknown", [("Delay [ns]", ("R", "L"), (1, 5)), ("Rate [ps/s]", ("R", "L"), (2, 6))]),
        ("TOpac", 1, "circular", [("Opacity", ("",), (0,))]), ("G EVLASWPOW", 4, "circular", [("Value", ("R", "L"), (0, 2))]),
    ],
)  # fmt: skip
def test_what_is_shown_of_real_tables(
    shared_input: Input, kind: str, npar: int, basis: str, expected: list[tuple[str, tuple[str, ...], tuple[int, ...]]]
) -> None:
    path = shared_input("cal.K")
    table = CalTable.open(path)
    table.vis_cal, table.pol_basis = kind, basis
    for group in table.groups:
        group.param = np.zeros((*group.param.shape[:2], npar), dtype=np.float32)
    assert [(s.label, s.names, s.places) for s in calibration_report._shown_parameters(path, table)] == expected


def test_windows_of_delays_stand_beside_each_other(shared_input: Input, drawn: list[matplotlib.figure.Figure]) -> None:
    path = shared_input("cal.K")
    table = CalTable.open(path)
    calibration_report._draw_values(path, table, "K", "p.png")
    x = np.concatenate([line.get_xdata() for line in drawn[0].axes[0].lines])
    aside = np.unique(np.round(x - np.round(x), 6))
    np.testing.assert_allclose(aside, [-0.27, -0.09, 0.09, 0.27])  # two receptors in each of two windows
    assert drawn[0].get_suptitle() == "K (blue: R; red: L; spw 0, 1 from left to right)"


def test_factors_of_baselines_stand_against_the_second_antenna(
    shared_input: Input, tmp_path: Path, drawn: list[matplotlib.figure.Figure]
) -> None:
    path = str(tmp_path / "M")
    casatasks.blcal(shared_input("simvla.ms"), path, field="0", spw="0")
    report_solutions.draw_solutions(path, "p.png", "amplitude", "baseline")
    first = drawn[0].axes[0]
    table = CalTable.open(path)
    mine = (table.antenna1 == 0) & ~table.flag[:, 0, 0]
    assert first.lines[0].get_linestyle() == "None"
    np.testing.assert_allclose(first.lines[0].get_xdata(), table.antenna2[mine] - 0.15)
    np.testing.assert_allclose(first.lines[0].get_ydata(), np.abs(table.param[mine, 0, 0]))


def test_no_line_where_phases_pass_half_a_turn() -> None:
    cell = matplotlib.figure.Figure().subplots()
    values = np.exp(1j * np.deg2rad([170.0, 178, -175, -170]))[None, :, None]
    line = report_solutions._Line(0, np.arange(4.0)[None], values, np.zeros(values.shape, bool))
    report_solutions._draw_line(cell, line, "phase", "channel", ("R", "L"), 1.0)
    np.testing.assert_allclose(cell.lines[0].get_ydata(), [170, 178, np.nan, -175, -170])


def test_windows_have_lines_of_their_own(shared_input: Input, drawn: list[matplotlib.figure.Figure]) -> None:
    """Also where they have unlike numbers of channels; a solution without unflagged channels is no bandpass."""
    path = shared_input("cal.B")
    table = CalTable.open(path)
    report_solutions.draw_solutions(path, "p.png", "amplitude", "channel")
    shown = drawn[0].axes[0].lines
    assert len(shown) == 4 and [line.get_alpha() for line in shown] == [1.0, 1.0, 0.35, 0.35]
    assert drawn[0].get_supxlabel() == "Channel, window after window"
    assert shown[1].get_xdata().max() < len(table.frequencies_hz[0]) < shown[2].get_xdata().min()
    assert drawn[0].get_suptitle() == "cal.B (spw 0, fainter to 1)"
    report_solutions.draw_solutions(shared_input("cal.G"), "p.png", "amplitude", "time")
    for line in drawn[1].axes[0].lines:
        assert (np.diff(line.get_xdata()) > 0).all()


def test_quality_without_flags_says_so(drawn: list[matplotlib.figure.Figure], shared_input: Input) -> None:
    table = CalTable.open(shared_input("cal.K"))
    for flagged in (False, True):
        for group in table.groups:
            group.flag[:] = False
            group.flag[:1] = flagged
        calibration_report._draw_quality(calibration_report.table_quality(table, "cal.K"), "p.png")
        assert ("no solution is flagged" in [t.get_text() for t in drawn[-1].axes[1].texts]) is not flagged


def test_page_of_curves(shared_input: Input) -> None:
    """Polynomials are shown as the bandpass they are; the page says what tables were made from."""
    casatasks.bandpass(
        shared_input("simvla.ms"), "poly.B", field="0", bandtype="BPOLY", degamp=2, degphase=2, refant="EA01", minsnr=0.0
    )
    calibration_report.write_calibration_report("page", ["poly.B"])
    page = Path("page/index.html").read_text(encoding="utf-8")
    assert "poly.B<td>B Jones" in page and "Made from simvla.ms." in page
    assert Path("page/table0_amplitude.png").stat().st_size > 1000


def test_solutions_without_noise_have_no_signal_to_noise(drawn: list[matplotlib.figure.Figure], shared_input: Input) -> None:
    """Gains of a single baseline go through its data exactly."""
    table = CalTable.open(shared_input("cal.G"))
    for group in table.groups:
        group.snr[:] = 1e15
    quality = calibration_report.table_quality(table, "cal.G")
    calibration_report._draw_quality(quality, "p.png")
    assert [t.get_text() for t in drawn[-1].axes[0].texts] == ["no signal to noise is known"]
    assert "&ndash;<td>&ndash;<td>&ndash;" in calibration_report._overview([quality])


def test_quality_of_baselines_and_of_the_reference_antenna(shared_input: Input) -> None:
    """Factors of baselines count for both antennas; the reference antenna of fringes is not said to have a signal."""
    vis = shared_input("simvla.ms")
    casatasks.blcal(vis, "factors.M", field="0", spw="0")
    table = CalTable.open("factors.M")
    quality = calibration_report.table_quality(table, "factors.M")
    flags, cross = table.flag[:, 0], table.antenna1 != table.antenna2
    for number, name in enumerate(table.antenna_names):
        mine = cross & ((table.antenna1 == number) | (table.antenna2 == number))
        assert quality.antennas[name][:2] == (flags[mine].size, pytest.approx(flags[mine].mean()))
    casatasks.fringefit(vis, "f.fringes", field="0", spw="0", refant="EA01")
    fringes = calibration_report.table_quality(CalTable.open("f.fringes"), "f.fringes")
    assert np.isnan(fringes.antennas["EA01"][2]) and fringes.antennas["EA02"][2] > 0 and fringes.snr[2] != 999.0
