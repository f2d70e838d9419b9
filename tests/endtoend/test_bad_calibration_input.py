"""Bad input to the calibration tasks: a typed error of one sentence before anything is written or changed, or a counted warning."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table as casacore_table

import casatasks
from casatools._base import errors, log
from casatools.io.caltable import CalTable
from casatools.simulation.demo import DemoOptions, make_demo
from support.refusals import refused_call

P, D, S = errors.ParameterError, errors.DataError, errors.SelectionError
MISSING, EXISTS = errors.PathMissingError, errors.OutputExistsError
NAN = math.nan

# What each task needs beside `vis` to get as far as reading it.
TASKS: dict[str, dict[str, Any]] = {
    "accor": {"caltable": "o"}, "applycal": {"gaintable": ["g.cal"]}, "bandpass": {"caltable": "o"}, "blcal": {"caltable": "o"}, "clearcal": {},
    "delmod": {"scr": True}, "fluxscale": {"caltable": "g.cal", "fluxtable": "o", "reference": "0"}, "fringefit": {"caltable": "o", "refant": "0"},
    "gaincal": {"caltable": "o"}, "gencal": {"caltable": "o", "caltype": "amp", "parameter": [2.0]}, "initweights": {},
    "listcal": {"caltable": "g.cal", "listfile": "o"}, "polcal": {"caltable": "o"}, "polfromgain": {"tablein": "g.cal", "caltable": "o"},
    "rerefant": {"tablein": "g.cal", "caltable": "o", "refant": "0"}, "setjy": {"standard": "manual", "fluxdensity": [1, 0, 0, 0]},
    "smoothcal": {"tablein": "g.cal", "caltable": "o"}, "statwt": {"datacolumn": "data"}, "uvmodelfit": {"outfile": "o"}, "uvsub": {},
    "wvrgcal": {"caltable": "o"}, "defintent": {"intent": "A#B", "mode": "set", "outputvis": "o"},
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An observation of circular feeds, some of its data damaged, and tables of it that are good, empty, damaged or of another array."""
    folder, here = tmp_path_factory.mktemp("inputs"), os.getcwd()
    os.chdir(folder)
    try:
        make_demo("small.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=8))
        for name in ("flagged.ms", "nodata.ms"):
            shutil.copytree("small.ms", name)
        with casacore_table("flagged.ms", readonly=False, ack=False) as main:
            main.putcol("FLAG", np.ones_like(main.getcol("FLAG")))
        with casacore_table("nodata.ms", readonly=False, ack=False) as main:
            main.removecols(["DATA"])
        casatasks.gaincal("small.ms", "g.cal", solint="inf")
        casatasks.gaincal("small.ms", "k.cal", field="0", gaintype="K", refant="0")
        casatasks.bandpass("small.ms", "b.cal", field="0")
        gains = CalTable.open("g.cal")
        gains.select(np.zeros(gains.nrow, dtype=bool)).write("norows.cal")
        gains.select(gains.antenna1 != 2).write("fewer.cal")
        shutil.copytree("g.cal", "damaged.cal")
        os.truncate("damaged.cal/table.f0", 300)
        for name, change in (("flagged.cal", lambda g: g.flag.fill(True)), ("zero.cal", lambda g: g.param.fill(0))):
            changed = gains.copy()
            for group in changed.groups:
                change(group)
            changed.write(name)
        shutil.copytree("g.cal", "other.cal")
        with casacore_table("other.cal/ANTENNA", readonly=False, ack=False) as antennas:
            antennas.putcol("NAME", [f"PAD{k}" for k in range(antennas.nrows())])
        Path("folder").mkdir()
        Path("plain.txt").write_text("not what you think\n")
        Path("empty").write_text("")
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def refused(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls a task among the inputs; gives the error's sentence after looking that no file changed, came or went."""
    monkeypatch.chdir(inputs)
    return partial(refused_call, inputs)


@pytest.mark.parametrize("task", TASKS)
def test_the_input_is_no_measurement_set(refused: Callable[..., str], task: str) -> None:
    for path, kind, words in (
        ("nowhere.ms", MISSING, "does not exist"),
        ("folder", D, "table.dat"),
        ("g.cal", D, "not a MeasurementSet"),
    ):
        text = refused(task, kind, vis=path, **TASKS[task])
        assert path in text and words in text
    assert "must be a path" in refused(task, P, vis=3, **TASKS[task])


@pytest.mark.parametrize("task", TASKS)
def test_a_selection_that_matches_nothing(refused: Callable[..., str], task: str) -> None:
    known = {p.name for p in getattr(casatasks, task).__declaration__.parameters}
    further = {"selectdata": True} if task == "setjy" else {}
    for name, value, words in (
        ("field", "nosuch", "1331+305=3C286"), ("spw", "9", "no spectral window 9"), ("antenna", "ea99", "VA01"), ("scan", "99", "99"), ("timerange", "lunch", "not a time"),
        ("uvrange", "bananas", "not a distance"), ("observation", "7", "the observations 0"), ("array", "5", "the arrays 0"), ("intent", "*NOPE*", "no intent matches"),
        ("obsid", "8", "the observations 0"), ("msselect", "NOSUCH==1", "cannot evaluate it: Error in select expression: NOSUCH is an unknown column"),
        ("msselect", "FIELD_ID==", "parse error"),
    ):  # fmt: skip
        given = {**TASKS[task], **further, name: value}
        if name not in known or (task, name) in (("wvrgcal", "spw"), ("defintent", "intent")):
            continue
        # Tables are not selected from as MeasurementSets are.
        kind = D if (task, name) == ("fluxscale", "scan") else S
        text = refused(task, kind, vis="small.ms", **given)
        assert words in text or kind is D or task == "smoothcal"


CASES: list[tuple[str, type[Exception], str, dict[str, Any]]] = [
    # Numbers that are none, or of which nothing can come.
    ("gaincal", P, "'minsnr' must be a float other than NaN", {"minsnr": NAN}),
    ("gaincal", P, "'preavg'", {"preavg": NAN}),
    ("gaincal", P, "'solint'", {"solint": NAN}),
    ("gaincal", P, "'smodel' must hold finite numbers", {"smodel": [math.inf, 0, 0, 0]}),
    ("gaincal", P, "'smodel' must hold finite numbers", {"smodel": [NAN, 0, 0, 0]}),
    ("gaincal", P, "four values", {"smodel": [1.0]}),
    ("gaincal", P, "'rmsthresh' must hold positive numbers", {"solmode": "R", "rmsthresh": [NAN]}),
    ("gaincal", P, "'rmsthresh' must hold positive numbers", {"solmode": "R", "rmsthresh": [-3.0]}),
    ("gaincal", P, "'splinetime' and 'phasewrap' must be positive", {"gaintype": "GSPLINE", "splinetime": -1.0}),
    ("gaincal", P, "'npointaver' at least 1", {"gaintype": "GSPLINE", "npointaver": 0}),
    ("gaincal", P, "'combine'", {"combine": "scan,banana"}),
    ("gaincal", D, "no antenna has 99 baselines", {"minblperant": 99}),
    ("gaincal", P, "reference antenna with data", {"gaintype": "K"}),
    ("gaincal", D, "all four correlations; the data have RR, LL", {"gaintype": "KCROSS", "refant": "0"}),
    ("gaincal", S, "there is no antenna 'ea99'", {"refant": "0,ea99"}),
    ("bandpass", P, "'solint'", {"solint": "inf,0ch"}),
    ("bandpass", P, "'fillgaps'", {"fillgaps": -1}),
    ("bandpass", P, "'maskedge' below 50", {"bandtype": "BPOLY", "maskedge": 60}),
    ("bandpass", P, "must not be negative", {"bandtype": "BPOLY", "degamp": -1}),
    ("bandpass", D, "polynomials of degree 99 need 100", {"bandtype": "BPOLY", "degphase": 99}),
    ("bandpass", D, "0 channels that are not masked", {"bandtype": "BPOLY", "maskcenter": 99}),
    ("polcal", P, "combine='field' would join sources", {"poltype": "D+QU", "combine": "field"}),
    ("fringefit", P, "'delaywindow' must be a lower and an upper limit", {"delaywindow": [5.0, -5.0]}),
    ("fringefit", P, "'ratewindow' must be a lower and an upper limit", {"ratewindow": [NAN, 1.0]}),
    ("fringefit", P, "'paramactive' must have three values", {"paramactive": [True]}),
    ("accor", D, "no autocorrelations", {}),
    ("statwt", P, "'zscore' must be a float other than NaN", {"statalg": "chauvenet", "zscore": NAN}),
    ("statwt", P, "'wtrange'", {"wtrange": [NAN, 1.0]}),
    ("statwt", P, "'timebin' must be positive", {"timebin": NAN}),
    ("statwt", S, "no spectral window 9", {"fitspw": "9"}),
    ("fluxscale", P, "'gainthreshold' must be a float other than NaN", {"gainthreshold": NAN}),
    ("fluxscale", P, "'refspwmap' must hold numbers", {"refspwmap": [-7]}),
    ("fluxscale", P, "at least one field", {"reference": []}),
    ("fluxscale", P, "no gains of '0' beside those of the reference", {"transfer": "0"}),
    ("polfromgain", P, "'paoffset' must be a float other than NaN", {"paoffset": NAN}),
    ("smoothcal", P, "'smoothtime' must be a time", {"smoothtime": NAN}),
    ("uvmodelfit", P, "'sourcepar' must hold finite numbers", {"field": "0", "sourcepar": [NAN, 0, 0]}),
    ("setjy", P, "'fluxdensity' must hold finite numbers", {"fluxdensity": [NAN, 0, 0, 0]}),
    ("setjy", P, "'rotmeas'", {"rotmeas": NAN}),
    ("setjy", P, "'reffreq' must be a positive frequency", {"reffreq": "0Hz"}),
    ("setjy", P, "'fluxdict' holds none of the selected fields", {"standard": "fluxscale", "fluxdict": {"9": {"fitFluxd": 1.0, "fitRefFreq": 1e9, "spidx": [0.0]}}}),
    ("wvrgcal", P, "'scale' must be a float other than NaN", {"scale": NAN}),
    ("wvrgcal", P, "spectral windows 0 to 0", {"spw": [9]}),
    ("gencal", P, "finite numbers", {"parameter": [NAN]}),
    ("gencal", P, "do not fit", {"parameter": [1, 2, 3]}),
    ("gencal", P, "must list R and L", {"pol": "Z"}),
    # Tables that are empty, damaged, of another array or kind.
    *((t, D, "is damaged; casacore cannot read it", {k: "damaged.cal"}) for t, k in (
        ("fluxscale", "caltable"), ("gencal", "caltable"), ("listcal", "caltable"), ("polfromgain", "tablein"), ("rerefant", "tablein"), ("smoothcal", "tablein"))),
    ("applycal", D, "is damaged", {"gaintable": ["damaged.cal"]}),
    *((t, D, "is of other antennas", {"tablein": "other.cal"}) for t in ("polfromgain", "rerefant", "smoothcal")),
    ("fluxscale", D, "is of other antennas", {"caltable": "other.cal"}),
    ("gencal", D, "is of other antennas", {"caltable": "other.cal"}),
    ("gaincal", D, "is of other antennas", {"caltable": "other.cal", "append": True}),
    ("gencal", D, "K Jones; G Jones solutions cannot be appended", {"caltable": "k.cal"}),
    ("gencal", D, "'norows.cal' has no solutions of spectral windows 0, antennas VA01", {"caltable": "norows.cal"}),
    ("gencal", D, "'fewer.cal' has no solutions of spectral windows 0, antennas VA03 ", {"caltable": "fewer.cal"}),
    ("listcal", D, "no solutions for the selection", {"caltable": "norows.cal"}),
    ("fluxscale", P, "has no gains of '0'", {"caltable": "norows.cal"}),
    ("fluxscale", D, "'K Jones'", {"caltable": "k.cal"}),
    ("fluxscale", D, "no unflagged gain", {"caltable": "flagged.cal"}),
    ("fluxscale", D, "no unflagged gain", {"caltable": "zero.cal"}),
    *(("gaincal", D, "no prior calibration", {"gaintable": [t]}) for t in ("norows.cal", "flagged.cal", "zero.cal")),
    # Outputs.
    *((t, D, "exists and is not a calibration table", {"caltable": "plain.txt"}) for t in ("blcal", "gencal", "polcal", "polfromgain", "rerefant", "smoothcal", "wvrgcal")),
    *((t, MISSING, "'none/o' does not exist", {"caltable": "none/o"}) for t in ("bandpass", "fringefit", "gencal", "rerefant", "smoothcal", "wvrgcal")),
    ("fluxscale", EXISTS, "plain.txt", {"fluxtable": "plain.txt"}),
    ("listcal", EXISTS, "plain.txt", {"listfile": "plain.txt"}),
    ("uvmodelfit", EXISTS, "plain.txt", {"field": "0", "outfile": "plain.txt"}),
    ("defintent", EXISTS, "plain.txt", {"outputvis": "plain.txt"}),
    # Data that are not there.
    *((t, D, "no DATA column", {"vis": "nodata.ms"}) for t in ("applycal", "bandpass", "blcal", "fringefit", "gaincal", "statwt")),
    ("uvmodelfit", D, "no DATA column", {"vis": "nodata.ms", "field": "0"}),
    ("uvsub", D, "no MODEL_DATA column", {}),
    *((t, D, "are flagged", {"vis": "flagged.ms"}) for t in ("blcal", "fringefit", "gaincal")),
    ("uvmodelfit", D, "flagged or have weight zero", {"vis": "flagged.ms", "field": "0"}),
    *(("gencal", D, "has no SYSPOWER table", {"caltype": c, "parameter": []}) for c in ("swpow", "rq", "evlagain", "swpwts", "swp/rq")),
    ("gencal", D, "has no SYSCAL table", {"caltype": "tsys", "parameter": []}),
    ("initweights", P, "needs 'tsystable'", {"wtmode": "tsys"}),
    ("initweights", D, "no table of system temperatures", {"wtmode": "tsys", "tsystable": "g.cal"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "kind", "words", "given"), CASES, ids=[f"{c[0]}-{'-'.join(c[3])}-{k}" for k, c in enumerate(CASES)]
)
def test_refused(refused: Callable[..., str], task: str, kind: type[Exception], words: str, given: dict[str, Any]) -> None:
    assert words in refused(task, kind, **{"vis": "small.ms", **TASKS[task], **given})


@pytest.mark.parametrize("path", ["nowhere", "damaged.cal", "small.ms", "norows.cal"])
def test_tables_that_have_no_statistics(refused: Callable[..., str], path: str) -> None:
    refused("calstat", MISSING if path == "nowhere" else D, caltable=path)


@pytest.fixture
def small(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Calls a task among copies of the inputs; gives its warnings."""
    for name in ("small.ms", "g.cal", "zero.cal"):
        shutil.copytree(inputs / name, tmp_path / name)

    def call(task: str, **arguments: Any) -> list[str]:
        said: list[str] = []
        monkeypatch.setattr(log, "post", lambda text, priority="INFO", *_: said.append(text) if priority == "WARN" else None)
        getattr(casatasks, task)(**{"vis": "small.ms", **TASKS.get(task, {}), **arguments})
        return said

    return call


@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("gaincal", {}), ("gaincal", {"gaintype": "T", "solmode": "L1R"}), ("gaincal", {"gaintype": "K", "refant": "0"}),
        ("gaincal", {"corrdepflags": True}), ("gaincal", {"gaintype": "GSPLINE", "refant": "0"}), ("bandpass", {}), ("blcal", {}), ("fringefit", {}),
    ],
)  # fmt: skip
def test_visibilities_that_are_no_numbers_are_left_out(small: Callable[..., list[str]], task: str, given: dict[str, Any]) -> None:
    """As if they were flagged, and counted; one of them would spoil the solutions of all antennas."""
    with casacore_table("small.ms", readonly=False, ack=False) as main:
        data, flag = main.getcol("DATA"), main.getcol("FLAG")
        data[::9, 3, 0] = np.nan
        main.putcol("DATA", data)
    said = small(task, **given, field="0")
    assert any("visibilities or models are NaN or infinite though not flagged: they are left out" in s for s in said)
    with casacore_table("small.ms", readonly=False, ack=False) as main:
        flag[::9, 3, 0] = True
        main.putcol("FLAG", flag)
    assert not any("NaN" in s for s in small(task, **given, field="0", caltable="flagged"))
    if given.get("gaintype") == "GSPLINE":
        return
    found, expected = CalTable.open("o"), CalTable.open("flagged")
    for mine, theirs in zip(found.groups, expected.groups, strict=True):
        np.testing.assert_array_equal(mine.flag, theirs.flag)
        np.testing.assert_array_equal(mine.param, theirs.param)
    assert not found.flag.all()


def test_a_fit_to_visibilities_that_are_no_numbers(small: Callable[..., list[str]]) -> None:
    with casacore_table("small.ms", readonly=False, ack=False) as main:
        data = np.full_like(main.getcol("DATA"), 3.0)
        data[::9] = np.nan
        main.putcol("DATA", data)
    said = small("uvmodelfit", field="0", outfile="o.cl", varypar=[True, False, False])
    assert len(said) == 1 and "visibilities are NaN or infinite" in said[0]
    assert _flux("o.cl") == pytest.approx(3.0, rel=1e-6)


def _flux(path: str) -> float:
    from casatools import componentlist

    tool = componentlist()
    tool.open(path)
    flux = float(tool.getcomponent(0)["flux"]["value"][0].real)
    tool.done()
    return flux


def test_a_fit_that_has_not_converged_is_told(small: Callable[..., list[str]]) -> None:
    casatasks.setjy("small.ms", field="0", standard="manual", fluxdensity=[2, 0, 0, 0])
    casatasks.uvsub("small.ms", reverse=True)  # 2 Jy more than what is observed
    start = {"field": "0", "comptype": "D", "sourcepar": [1.0, 0.0, 0.0, 300.0, 0.9, 10.0]}
    said = small("uvmodelfit", **start, niter=1, outfile="one.cl")
    assert len(said) == 1 and "has not converged in 1 iterations" in said[0]
    assert not small("uvmodelfit", field="0", varypar=[True, False, False], niter=5, outfile="point.cl")


def test_gains_of_zero_flag_what_they_serve(small: Callable[..., list[str]]) -> None:
    assert small("applycal", gaintable=["zero.cal"]) == ["no solution of zero.cal is good: all data that it serves are flagged"]
    with casacore_table("small.ms", ack=False) as main:
        assert main.getcol("FLAG").all()


def test_lists_longer_than_that_of_the_tables(small: Callable[..., list[str]]) -> None:
    said = small(
        "applycal", gaintable=["g.cal"], gainfield=["", "0"], interp=["linear", ""], calwt=[True, False], spwmap=[[], [0]]
    )
    told = [s for s in said if "those beyond are not used" in s]
    assert [s.split(" has ")[0] for s in told] == ["gainfield", "spwmap", "calwt"]


def test_an_empty_name_keeps_its_place_in_the_lists(small: Callable[..., list[str]]) -> None:
    """What belongs to the second table is not taken for the first that has a name."""
    columns = []
    for tables, fields in ((["", "g.cal"], ["1", "0"]), (["g.cal"], ["0"])):
        small("applycal", gaintable=tables, gainfield=fields, flagbackup=False)
        with casacore_table("small.ms", ack=False) as main:
            columns.append(main.getcol("CORRECTED_DATA"))
    np.testing.assert_array_equal(columns[0], columns[1])
