"""The spectralline tool, slsearch and splattotable on a small list of lines."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import slsearch, splattotable
from casatools import ctsys, spectralline
from casatools._base import paths
from casatools._base.errors import DataError, NotOpenError, OutputExistsError, ParameterError, PathMissingError
from casatools.information.spectral_lines import lines_text
from casatools.io.line_tables import COLUMNS, read_lines
from casatools.io.packed_lines import SHIPPED_LINES
from casatools.tools.table import table as table_tool

HEAD = (
    "Species\tNRAO Recommended\tChemical Name\tFreq-GHz\tResolved QNs\tIntensity\tSijmu2\tLog10 (Aij)\tEL (K)\tEU (K)\tLinelist\n"
)
ROWS = (
    "COv=0\t*\tCarbon Monoxide\t115.2712\t1-0\t-5.0105\t0.01212\t-7.14236\t0.0\t5.53211\tCDMS\n"
    "COv=0\t*\tCarbon Monoxide\t230.538\t2-1\t-4.1197\t0.02424\t-6.1605\t5.53\t16.6\tCDMS\n"
    "SiOv=0\t\tSilicon Monoxide\t86.84696\t2-1\t-2.5\t19.2\t-4.53\t2.08\t6.25\tJPL\n"
    "H&alpha;\t*\tHydrogen Recombination Line\t99.02295\tH(40)&alpha;\t\t\t\t\t\tRecomb\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export.tsv").write_text(HEAD + ROWS + "\n# the end\n", encoding="utf-8")


@pytest.fixture
def sl() -> spectralline:
    return spectralline().splattotable("export.tsv", "lines.tbl")


def test_import_and_columns(sl: spectralline) -> None:
    assert sl.nrows() == 4
    assert sl.species()["return"].tolist() == ["COv=0", "H&alpha;", "SiOv=0"]
    assert sl.chemnames(True, "names.txt")["return"].tolist() == [
        "Carbon Monoxide", "Hydrogen Recombination Line", "Silicon Monoxide",
    ]  # fmt: skip
    assert Path("names.txt").read_text(encoding="utf-8").startswith("Carbon Monoxide\n")
    record = sl.torecord()
    assert record["*2"] == {
        "chemname": "Carbon Monoxide", "el": {"unit": "K", "value": 0.0}, "eu": {"unit": "K", "value": pytest.approx(5.53211)},
        "freq": {"unit": "GHz", "value": 115.2712}, "intensity": pytest.approx(-5.0105), "linelist": "CDMS",
        "loga": pytest.approx(-7.14236), "qns": "1-0", "recommended": True,
        "smu2": {"unit": "Debye2", "value": pytest.approx(0.01212)}, "species": "COv=0",
    }  # fmt: skip
    tb = table_tool()
    tb.open("lines.tbl")
    assert tb.colnames() == list(COLUMNS) and tb.getcolkeywords("LOGA") == {}  # the reference's order
    assert tb.getkeyword("isSplat") and tb.getcolkeywords("FREQUENCY") == {"Unit": "GHz"}
    assert tb.getcol("RECOMMENDED").tolist() == [True, True, False, True]
    tb.close()
    assert sl.close() and sl.done()


def test_megahertz_and_several_files() -> None:
    Path("mhz.tsv").write_text(HEAD.replace("GHz", "MHz") + ROWS.replace("115.2712", "115271.2"), encoding="utf-8")
    Path("bare.tsv").write_text(ROWS, encoding="utf-8")
    assert splattotable(["mhz.tsv", "bare.tsv"], "both.tbl")
    lines = read_lines("both.tbl")
    assert len(lines["FREQUENCY"]) == 8 and lines["FREQUENCY"][0] == pytest.approx(115.2712)


SEARCHES: list[tuple[dict[str, Any], list[float]]] = [
    ({}, [86.84696, 99.02295, 115.2712, 230.538]),
    ({"freqrange": [90.0, 120.0]}, [99.02295, 115.2712]),
    ({"species": ["COv=0", "SiOv=0"]}, [86.84696, 115.2712, 230.538]),
    ({"species": "CO"}, []),
    ({"chemnames": ["Silicon Monoxide"]}, [86.84696]),
    ({"qns": ["2-1"]}, [86.84696, 230.538]),
    ({"reconly": True}, [99.02295, 115.2712, 230.538]),
    ({"intensity": [-4.5, -4.0]}, [99.02295, 230.538]),
    ({"smu2": [1.0, 100.0], "rrlinclude": False}, [86.84696]),
    ({"loga": [-7.0, -6.0], "rrlinclude": False}, [230.538]),
    ({"el": [0.0, 1.0], "eu": [5.0, 6.0], "rrlinclude": False}, [115.2712]),
    ({"rrlonly": True, "intensity": [-1.0, 1.0]}, [99.02295]),
]


@pytest.mark.parametrize(("how", "expected"), SEARCHES)
def test_searches(sl: spectralline, how: dict[str, Any], expected: list[float]) -> None:
    found = sl.search(verbose=False, **how)
    assert [row["freq"]["value"] for row in found.torecord().values()] == pytest.approx(expected)
    assert found.nrows() == len(expected)


def test_search_is_written_and_told(sl: spectralline) -> None:
    found = sl.search("co.tbl", [100.0, 120.0], logfile="co.txt")
    again = spectralline()
    assert again.open("co.tbl") and again.nrows() == found.nrows() == 1
    # numbers of any length stay apart
    long = lines_text({**read_lines("co.tbl"), "SMU2": np.array([3121.27612]), "INTENSITY": np.array([-1234.5])})
    assert {"3121.27612", "-1234.50000"} <= set(long.splitlines()[1].split())
    lines = Path("co.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].split()[:2] == ["SPECIES", "RECOMMENDED"] and lines[1].split()[:2] == ["COv=0", "*"]
    sl.search(freqrange=[100.0, 120.0], logfile="co.txt", append=True)
    assert len(Path("co.txt").read_text(encoding="utf-8").splitlines()) == 4
    found.list()
    assert slsearch("lines.tbl", "all.tbl", freqrange=[1, 1000]) and len(read_lines("all.tbl")["EL"]) == 4
    assert slsearch("lines.tbl", verbose=True, logfile="k.txt") and os.path.exists("k.txt")
    none = sl.search("none.tbl", species=["X"])
    assert none.nrows() == 0 and read_lines("none.tbl")["EL"].size == 0


def test_the_default_table_is_looked_up(sl: spectralline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shipped = spectralline()
    assert shipped.open() and shipped.nrows() == 459858
    (tmp_path / "data" / "ephemerides").mkdir(parents=True)
    os.rename("lines.tbl", "data/ephemerides/SplatDefault.tbl")
    monkeypatch.setattr(paths, "_extra", None)
    ctsys.setpath([str(tmp_path / "data")])
    tool = spectralline()
    assert tool.open() and tool.nrows() == 4


def test_the_shipped_list_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known lines: CO 1-0 of CDMS at 115.27120 GHz and the recombination line H40alpha at 99.02296 GHz."""
    tool = spectralline()
    tool.open(SHIPPED_LINES)
    found = tool.search(freqrange=[115.0, 116.0], species=["COv=0"], verbose=False).torecord()
    assert list(found.values()) == [
        {"chemname": "Carbon Monoxide", "el": {"unit": "K", "value": 0.0}, "eu": {"unit": "K", "value": float(np.float32(5.53211))},
         "freq": {"unit": "GHz", "value": 115.2712}, "intensity": 0.0, "linelist": "SLAIM",
         "loga": float(np.float32(-7.14236)), "qns": "1-0", "recommended": True, "smu2": {"unit": "Debye2", "value": float(np.float32(0.01212))},
         "species": "COv=0"}
    ]  # fmt: skip
    assert tool.search(freqrange=[115.2712, 115.2713], species=["COv=0"], verbose=False).nrows() == 1  # all digits count
    for names, count in (({"chemnames": ["2,4,6,8-Nonatetraynenitrile"]}, 138), ({"species": ["g'Ga-(CH2OH)2"]}, 28466)):
        assert tool.search(freqrange=[20.0, 700.0], verbose=False, **names).nrows() == count
    lines = tool.search(freqrange=[99.0, 99.1], rrlonly=True, verbose=False).torecord().values()
    assert {"species": "H&alpha;", "qns": "H(40)&alpha;"}.items() <= next(r for r in lines if r["species"] == "H&alpha;").items()
    assert len(tool.species()["return"]) == 298 and len(tool.chemnames()["return"]) == 139
    monkeypatch.setattr("casatools.tools.spectralline.default_table", lambda: SHIPPED_LINES)
    assert slsearch(outfile="o.tbl", freqrange=[114, 116], species=["COv=0"]) and len(read_lines("o.tbl")["EL"]) == 1


def test_an_installed_casadata_is_found(sl: spectralline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "site" / "casadata" / "__data__" / "ephemerides"
    data.mkdir(parents=True)
    (tmp_path / "site" / "casadata" / "__init__.py").write_text("")
    os.rename("lines.tbl", data / "SplatDefault.tbl")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert ctsys.resolve("ephemerides/SplatDefault.tbl") == str(data / "SplatDefault.tbl")
    tool = spectralline()
    assert tool.open() and tool.nrows() == 4


BAD: dict[str, tuple[type[Exception], Callable[[Any], Any]]] = {
    "'freqrange' must be": (ParameterError, lambda t: t.search(freqrange=[115.0])),
    "'smu2' must be": (ParameterError, lambda t: t.search(smu2=[5.0, 1.0])),
    "'eu' must be": (ParameterError, lambda t: t.search(eu=[5.0])),
    "must name the table": (ParameterError, lambda t: t.splattotable(["export.tsv"])),
    "no file of spectral lines is named": (ParameterError, lambda t: t.splattotable([], "a.tbl")),
    "absent.tsv' does not exist": (PathMissingError, lambda t: t.splattotable(["absent.tsv"], "a.tbl")),
    "already exists": (OutputExistsError, lambda t: t.search("lines.tbl")),
    "spectral lines 'lines.tbl' already": (OutputExistsError, lambda t: t.splattotable(["export.tsv"], "lines.tbl")),
    "columns between tabs": (ParameterError, lambda t: t.splattotable(["bad.txt"], "a.tbl")),
    "must be a number": (ParameterError, lambda t: t.splattotable(["worse.txt"], "a.tbl")),
    "there is no spectral line": (ParameterError, lambda t: t.splattotable(["empty.txt"], "a.tbl")),
    "does not exist in": (PathMissingError, lambda t: t.open("absent.tbl")),
    "it lacks": (DataError, lambda t: t.open("other.tbl")),
}


@pytest.mark.parametrize("words", BAD)
def test_refused(sl: spectralline, words: str) -> None:
    Path("bad.txt").write_text("plain\n", encoding="utf-8")
    Path("worse.txt").write_text(HEAD + ROWS.replace("19.2", "many"), encoding="utf-8")
    Path("empty.txt").write_text(HEAD, encoding="utf-8")
    tb = table_tool()
    tb.create("other.tbl", {"A": {"valueType": "int", "option": 0, "comment": ""}})
    tb.close()
    kind, call = BAD[words]
    with pytest.raises(kind, match=words):
        call(sl)
    assert not os.path.exists("a.tbl")


def test_nothing_open() -> None:
    with pytest.raises(NotOpenError):
        spectralline().nrows()
    with pytest.raises(NotOpenError):
        spectralline().torecord()
