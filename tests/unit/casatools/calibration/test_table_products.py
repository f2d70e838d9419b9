"""Listing of solutions, intents, polarisation from gains, model service, bandpass figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, SelectionError
from casatools.calibration.gain_polarization import fit_ratio, polarization_from_gains
from casatools.calibration.scan_intents import IntentChange, set_intents
from casatools.calibration.solution_listing import ListingOptions, list_solutions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.plotting.bandpasses import BandpassPlot, plot_bandpasses
from support.shared import unpack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("products")
    for name in ("simvla.ms", "cal.G", "cal.B", "cal.K"):
        unpack(name, path)
    return path


def test_listing(folder: Path, tmp_path: Path) -> None:
    vis, table, out = str(folder / "simvla.ms"), str(folder / "cal.G"), str(tmp_path / "l.txt")
    list_solutions(vis, table, ListingOptions(field="0,1", antenna="EA02,EA03", spw="0", pagerows=7), out)
    lines = Path(out).read_text().splitlines()
    # As CASA 6.7 lists this table, but for the number of antenna solutions (8; CASA counts whole pages, 16).
    assert lines[:6] == [
        f"SpwID = 0, Date = 2019/05/01,  CalTable = {table} (G Jones), MS name = {vis}",
        "-" * 146,
        " " * 25 + "| Ant = EA02                  | Ant = EA03                  |",
        "Time       Field      Chn| Amp    Phs  F  Amp    Phs  F| Amp    Phs  F  Amp    Phs  F|",
        "----------|----------|---|" + "--------------|" * 8,
        "04:40:05.6   1331+305   0|1.000  -46.0   1.000    6.1   0.999  136.0   1.000   27.8   ",
    ]
    # A page of seven lines has one solution at first, three after that.
    assert [k for k, line in enumerate(lines) if "Ant = EA02" in line] == [2, 6]
    # Pages go on through groups of antennas and spectral windows.
    list_solutions(vis, table, ListingOptions(pagerows=9), f"{out}.pages")
    assert [k for k, line in enumerate(Path(f"{out}.pages").read_text().splitlines()) if "Ant = " in line] == [
        2,
        8,
        12,
        16,
        24,
        28,
        34,
        38,
    ]
    assert lines[-2:] == ["Listed 8 antenna solutions.", ""]
    channels = str(tmp_path / "b.txt")
    list_solutions(vis, str(folder / "cal.B"), ListingOptions(antenna="EA01", spw="0:1~3"), channels)
    listed = Path(channels).read_text().splitlines()
    assert {line.split("|")[0].split()[-1] for line in listed if line[:1] == "0"} == {"1", "2", "3"}
    delays = str(tmp_path / "k.txt")
    list_solutions(vis, str(folder / "cal.K"), ListingOptions(antenna="EA01,EA03", spw="0"), delays)
    assert Path(delays).read_text().splitlines()[3:6] == [
        "Time       Field    Chn|    Delay    F     Delay    F|    Delay    F     Delay    F|",
        "----------|--------|---|" + "--------------|" * 8,
        "04:40:05.6 1331+305   0|   0.00000        0.00000       -0.48435        3.01424     ",
    ]
    list_solutions(vis, str(folder / "cal.K"), ListingOptions())


def test_listing_of_given_values(folder: Path, tmp_path: Path) -> None:
    """One antenna a page for curves, small numbers with an exponent, labels by kind."""
    import casatasks

    vis, out = str(folder / "simvla.ms"), str(tmp_path / "o.txt")
    for caltype, values, wanted in (
        ("gc", [], "      c[3]   F"),
        ("antpos", [1e-4, 0.02, 0.3], "      dZ m   F"),
        ("opac", [0.1], "     Opac    F"),
    ):
        table = str(tmp_path / caltype)
        casatasks.gencal(
            vis,
            table,
            caltype=caltype,
            spw="0" if caltype == "opac" else "",
            antenna="EA01" if caltype == "antpos" else "",
            parameter=values,
        )
        list_solutions(vis, table, ListingOptions(antenna="EA01"), out)
        text = Path(out).read_text()
        assert wanted in text
        assert ("  1.00e-04   " in text) == (caltype == "antpos")
        Path(out).unlink()


def test_listing_and_statistics_of_baselines_and_curves(folder: Path, tmp_path: Path) -> None:
    """CASA 6.7 lists none of them, and its statistics are of a column that nobody fills."""
    import casatasks

    vis, out = str(folder / "simvla.ms"), tmp_path / "m.txt"
    casatasks.blcal(vis, str(tmp_path / "M"), field="0", spw="0")
    list_solutions(vis, str(tmp_path / "M"), ListingOptions(antenna="EA02"), str(out))
    lines = out.read_text().splitlines()
    assert sum("Ant = " in line for line in lines) == 2 and "| Ant = EA01 & EA02           | Ant = EA02 & EA02 " in lines[2]
    assert lines[-2] == "Listed 8 antenna solutions."
    curves = str(folder / "P")  # beside its data
    casatasks.bandpass(vis, curves, field="0", spw="0", bandtype="BPOLY", degamp=1, degphase=1, refant="EA01")
    list_solutions(vis, curves, ListingOptions(antenna="EA01"), str(tmp_path / "p.txt"))
    assert "(B Jones)" in (tmp_path / "p.txt").read_text().splitlines()[0]
    found = casatasks.calstat(curves, "amp")["CPARAM"]
    assert found["npts"] % 8 == 0 and found["min"] > 0.5  # the unused column is zero


def test_listing_refuses(folder: Path, tmp_path: Path) -> None:
    vis, table, out = str(folder / "simvla.ms"), str(folder / "cal.G"), str(tmp_path / "l.txt")
    Path(out).touch()
    with pytest.raises(OutputExistsError):
        list_solutions(vis, table, ListingOptions(), out)
    with pytest.raises(DataError, match="no solutions"):
        list_solutions(vis, table, ListingOptions(field="2"), str(tmp_path / "m.txt"))
    with pytest.raises(SelectionError):
        list_solutions(vis, table, ListingOptions(antenna="NOPE"))


def test_intents(folder: Path, tmp_path: Path) -> None:
    vis, out = str(folder / "simvla.ms"), str(tmp_path / "o.ms")
    rows = set_intents(vis, IntentChange("CALIBRATE_POLARIZATION#ON_SOURCE", "append", field="1"), out)
    assert rows == 1008
    with MeasurementSet(out) as ms:
        state = np.unique(ms.read("STATE_ID", np.arange(ms.nrow))).tolist()
        modes = [s.obs_mode for s in ms.metadata.states]
    assert modes[3] == "CALIBRATE_PHASE#ON_SOURCE,CALIBRATE_POLARIZATION#ON_SOURCE" and state == [0, 2, 3]
    set_intents(out, IntentChange("OBSERVE_TARGET#ON_SOURCE", "set", scan="2"))
    with MeasurementSet(out) as ms:
        assert len(ms.metadata.states) == 4
    for wrong in ({"intent": ""}, {"intent": "A", "mode": "x"}):
        with pytest.raises(ParameterError):
            IntentChange(**wrong)
    with pytest.raises(SelectionError):
        set_intents(vis, IntentChange("A", field="NOPE"), str(tmp_path / "p.ms"))
    with pytest.raises(OutputExistsError):
        set_intents(vis, IntentChange("A"), out)
    assert not (tmp_path / "p.ms").exists()


def test_polarization_of_ratios() -> None:
    angle = np.linspace(-1.2, 1.0, 20)[:, None] + np.zeros((1, 4))
    share = 0.03 * np.cos(2 * angle) - 0.02 * np.sin(2 * angle)
    ratio = (1 + share) / (1 - share) * np.array([1.0, 0.7, 1.4, 2.0])
    weight = np.ones(ratio.shape)
    weight[:, 3] = 0
    np.testing.assert_allclose(fit_ratio(ratio, angle, weight), [0.03, -0.02], atol=1e-12)
    strong = 10 * share  # third orders count
    np.testing.assert_allclose(fit_ratio((1 + strong) / (1 - strong), angle, weight), [0.3, -0.2], atol=1e-5)


def test_polarization_from_gains(folder: Path, tmp_path: Path) -> None:
    """The fields of simvla are unpolarised towards the gains; CASA 6.7 finds shares below 5e-4."""
    vis, gains = str(folder / "simvla.ms"), str(folder / "cal.G")
    found = polarization_from_gains(vis, gains, str(tmp_path / "p.G"), 0.0, 1.0)
    assert sorted(found["J1335+2700"]) == ["Spw0", "Spw1", "SpwAve"]
    assert np.abs(found["J1335+2700"]["SpwAve"][1:3]).max() < 5e-3
    before, after = CalTable.open(gains), CalTable.open(str(tmp_path / "p.G"))
    np.testing.assert_allclose(after.param, before.param, rtol=0.01)
    with pytest.raises(DataError, match="minpacov=170"):
        polarization_from_gains(vis, gains, "", 0.0, 170.0)
    with pytest.raises(DataError, match="G Jones"):
        polarization_from_gains(vis, str(folder / "cal.B"), "", 0.0, 1.0)
    with pytest.raises(ParameterError, match="differ"):
        polarization_from_gains(vis, gains, gains, 0.0, 1.0)


def test_bandpass_figures(folder: Path, tmp_path: Path) -> None:
    table, figure = str(folder / "cal.B"), str(tmp_path / "b.png")
    assert len(plot_bandpasses(table, figure, BandpassPlot(antenna="EA01,EA02", spw="0", subplot="21"))) == 1
    choice = BandpassPlot(
        spw=["0"], yaxis="bothdb", xaxis="freq", overlay="antenna", poln="R", timeranges="0", scans=["1"], field="0",
        plotrange=(1.0, 2.0, -3.0, 3.0), showlines=False, showflagged=True,
    )  # fmt: skip
    assert plot_bandpasses(table, str(tmp_path / "c.png"), choice, say_more=True) == [str(tmp_path / "c.spw00.t00.png")]
    many = plot_bandpasses(table, figure, BandpassPlot(antenna="EA01,EA02", subplot="11"), by_number=True)
    assert [Path(p).name for p in many] == [f"b.00{k}.png" for k in range(4)]
    assert plot_bandpasses(table, "", BandpassPlot()) == []
    with pytest.raises(DataError, match="no unflagged solutions"):
        plot_bandpasses(table, figure, BandpassPlot(timeranges="7"))
    for wrong in ({"subplot": "x"}, {"plotrange": (1.0,)}, {"poln": "Q"}):
        with pytest.raises(ParameterError):
            BandpassPlot(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="timeranges"):
        plot_bandpasses(table, figure, BandpassPlot(timeranges="a"))
    with pytest.raises(CasaError):
        plot_bandpasses(table, str(tmp_path / "no" / "b.png"), BandpassPlot())
