"""What the calibration tasks refuse of tables, images and data: the sentence, and that nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import applycal, bandpass, blcal, ft, gaincal, gencal, rerefant, setjy, smoothcal
from casatasks.extensions import solve_chain
from casatools import coordsys, image, table
from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError
from casatools.calibration import gain_curves
from casatools.calibration.chain import ChainOptions, ChainTerm
from casatools.calibration.chain import solve_chain as solve_terms
from casatools.calibration.model_image import open_model_image
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables
from casatools.io.ms import MeasurementSet, Selection
from casatools.simulation.demo import DemoOptions, make_demo

Input = Callable[[str], str]
OUT = "out.cal"


@pytest.fixture
def vis() -> str:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=3))
    return "sim.ms"


def change(path: str, **columns: Callable[[np.ndarray], np.ndarray]) -> None:
    tb = table()
    tb.open(path, nomodify=False)
    for name, function in columns.items():
        tb.putcol(name, function(tb.getcol(name)))
    tb.close()


def corrected(path: str) -> bool:
    with MeasurementSet(path) as ms:
        return ms.has("CORRECTED_DATA") or ms.has("MODEL_DATA")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v, g: rerefant(v, g, OUT, refantmode="flex", refant=""), ParameterError, "'refant' must name an antenna"),
        (lambda v, g: smoothcal(v, g, OUT, smoothtime=-5.0), ParameterError, "'smoothtime' must be a positive time"),
        (lambda v, g: smoothcal(v, g, OUT, smoothtime="inf"), ParameterError, "'smoothtime' must be a positive time"),
        (lambda v, g: smoothcal(v, g, OUT, field="NOPE"), SelectionError, "no field 'NOPE' in the calibration table"),
    ],
)  # fmt: skip
def test_tables_are_not_edited(vis: str, call: Callable[[str, str], object], error: type[CasaError], words: str) -> None:
    gaincal(vis, "own.G", field="0", solint="inf")
    with pytest.raises(error, match=words):
        call(vis, "own.G")
    assert not os.path.exists(OUT)


def test_factors_of_baselines_have_no_phases_of_antennas(vis: str) -> None:
    blcal(vis, "factors.M", field="0", spw="0")
    with pytest.raises(DataError, match="M Mueller has no phases to refer"):
        rerefant(vis, "factors.M", OUT, refantmode="flex", refant="EA01")
    assert not os.path.exists(OUT)


def test_a_folder_is_not_replaced_by_a_table(vis: str) -> None:
    Path("mine").mkdir()
    Path("mine/notes").write_text("kept")
    with pytest.raises(DataError, match="exists and is not a calibration table; it is not replaced"):
        gaincal(vis, "mine")
    assert Path("mine/notes").read_text() == "kept"


def test_a_library_without_a_name(vis: str) -> None:
    with pytest.raises(ParameterError, match="'callib' must name a calibration library"):
        gaincal(vis, OUT, docallib=True)
    assert not os.path.exists(OUT)


def test_windows_of_different_channels_are_not_combined(shared_input: Input) -> None:
    with pytest.raises(DataError, match=r"as many solution channels in each spectral window; there are \[4, 6\]"):
        bandpass(shared_input("simvla.ms"), OUT, combine="spw", spw="0:0~3,1:0~5")
    assert not os.path.exists(OUT)


@pytest.mark.parametrize("spw", ["7", "0,7", "zz*"])
def test_a_window_that_is_not_there_is_given_no_calibration(vis: str, spw: str) -> None:
    with pytest.raises(SelectionError, match="spw selection"):
        gencal(vis, OUT, caltype="amp", spw=spw, parameter=[1.0])
    assert not os.path.exists(OUT)


def test_solutions_of_antennas_beyond_the_data(vis: str, shared_input: Input) -> None:
    gains = shared_input("cal.G")
    tb = table()
    tb.open(f"{gains}/ANTENNA", nomodify=False)
    tb.removerows(list(range(tb.nrows())))
    tb.close()
    change(gains, ANTENNA1=lambda a: a + 20)
    with pytest.raises(DataError, match=r"solutions for antenna numbers \[20, .*\]; .* has 6"):
        applycal(vis, gaintable=[gains], flagbackup=False)
    assert not corrected(vis)


def test_solutions_of_different_shapes(shared_input: Input) -> None:
    data, gains = shared_input("simvla.ms"), shared_input("cal.B")
    tb = table()
    tb.open(gains, nomodify=False)
    for name in ("CPARAM", "FLAG", "SNR", "PARAMERR"):
        tb.putcell(name, 0, tb.getcell(name, 0)[:, :4])
    tb.close()
    with pytest.raises(DataError, match=r"solutions of spectral window 0 differ in shape: \[\(4, 2\), \(8, 2\)\]"):
        applycal(data, gaintable=[gains], flagbackup=False)
    assert not corrected(data)


def test_linear_feeds_turn_all_four_correlations(vis: str) -> None:
    change(f"{vis}/POLARIZATION", CORR_TYPE=lambda codes: np.array([[9], [12]]))
    with pytest.raises(DataError, match="needs all four correlations; the data have XX, YY"):
        applycal(vis, parang=True, flagbackup=False)


def make_image(name: str, shape: tuple[int, ...], value: float, linear: bool = False, **axes: Any) -> str:
    tool = image()
    csys = coordsys().newcoordsys(**axes).torecord() if axes else {}
    tool.fromshape(name, list(shape), csys, linear=linear)
    tool.putchunk(np.full(shape, value))
    tool.done()
    return name


@pytest.mark.parametrize(
    ("value", "linear", "words"),
    [(1.0, True, "no direction as its first two axes"), (0.0, False, "has no flux: .* add up to 0.0")],
)
def test_images_that_are_no_model(vis: str, value: float, linear: bool, words: str) -> None:
    make_image("model.im", (8, 8, 1, 1), value, linear)
    with pytest.raises(DataError, match=words):
        setjy(vis, field="0", model="model.im", standard="manual", fluxdensity=[1, 0, 0, 0], usescratch=True)
    assert not corrected(vis)


def test_the_model_is_the_plane_of_stokes_i(vis: str) -> None:
    make_image("q.im", (8, 8, 1, 1), 1.0, direction=True, stokes=["Q"], spectral=True)
    with pytest.raises(DataError, match="has the planes Q; a model needs Stokes I"):
        setjy(vis, field="0", model="q.im", standard="manual", fluxdensity=[1, 0, 0, 0], usescratch=True)
    assert not corrected(vis)
    make_image("qi.im", (8, 8, 2, 1), 0.0, direction=True, stokes=["Q", "I"], spectral=True)
    tool = image()
    tool.open("qi.im")
    pixels = tool.getchunk()
    pixels[4, 4, 1] = 2.0
    tool.putchunk(pixels)
    tool.done()
    assert open_model_image("qi.im").total_flux == pytest.approx(2.0)


def test_planes_that_are_no_stokes_parameters(vis: str) -> None:
    make_image("model.im", (8, 8, 2, 1), 1.0, direction=True, stokes=["XX", "YY"], spectral=True)
    with pytest.raises(DataError, match="has the planes XX, YY; allowed are Stokes I, Q, U and V"):
        ft(vis, model="model.im", usescratch=True)
    assert not corrected(vis)


def test_a_chain_needs_rounds(vis: str) -> None:
    with pytest.raises(ParameterError, match="'cycles' must be at least 1; got 0"):
        ChainOptions(cycles=0)
    with pytest.raises(ParameterError, match="'cycles' must be an int of at least 1; got 0"):
        solve_chain(vis, [{"kind": "G", "caltable": OUT}], cycles=0)
    assert not os.path.exists(OUT)


def test_a_chain_has_one_model(vis: str) -> None:
    terms = [ChainTerm(SolveOptions(kind=k, smodel=m), f"{k}.cal") for k, m in (("G", (1.0, 0.0, 0.0, 0.0)), ("B", ()))]
    with pytest.raises(ParameterError, match="must have one model; their smodel differ"):
        solve_terms(vis, terms, Selection(), PriorTables())
    assert not list(Path().glob("*.cal"))


def test_gain_curves_that_are_not_here(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gain_curves, "resolve", lambda name: name)  # no data folder has the table
    change(f"{vis}/SPECTRAL_WINDOW", CHAN_FREQ=lambda hz: hz + 20e9)
    with pytest.raises(DataError, match=r"the gain curves of the VLA at 21\.\d+ GHz are not here"):
        gencal(vis, OUT, caltype="gc")
    assert not os.path.exists(OUT)


def test_a_table_without_a_curve_for_the_frequency(vis: str) -> None:
    tb = table()
    double = {"valueType": "double"}
    tb.create("curves.tab", {
        "BFREQ": double, "EFREQ": double, "BTIME": double, "ETIME": double,
        "ANTENNA": {"valueType": "string"}, "GAIN": {"valueType": "float", "ndim": 2},
    })  # fmt: skip
    tb.addrows(1)
    for name, value in (("BFREQ", 4e9), ("EFREQ", 8e9), ("BTIME", 0.0), ("ETIME", 1e10)):
        tb.putcell(name, 0, value)
    tb.putcell("ANTENNA", 0, "0")
    tb.putcell("GAIN", 0, np.ones((4, 2)))
    tb.close()
    with pytest.raises(DataError, match=r"'curves\.tab' has no gain curve for 1\.\d+ GHz at that time"):
        gencal(vis, OUT, caltype="gc", infile="curves.tab")
    assert not os.path.exists(OUT)
